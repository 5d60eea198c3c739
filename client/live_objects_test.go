package client_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/software"
	"github.com/claviger/claviger/internal/server/servertest"
)

// token is a software provider with an AES key and a signing pair as objects.
type token struct {
	provider.Provider
	objects []provider.Object
}

func newToken(t *testing.T) *token {
	t.Helper()
	p := &token{Provider: software.New()}
	for label, spec := range map[string]provider.Spec{
		"backup":  {Algorithm: "AES-256", Class: claviger.SecretKey},
		"signing": {Algorithm: "ECDSA-P256", Class: claviger.PrivateKey},
	} {
		key := get(p.Generate(t.Context(), spec))(t)
		defer key.Close()
		blob := get(key.Blob(t.Context(), provider.Tag{}))(t)
		defer blob.Close()
		p.objects = append(p.objects, provider.Object{Spec: spec, Bits: 256, Label: label, ID: []byte(label), Blob: bytes.Clone(blob.Bytes())})
	}
	return p
}

func (p *token) Objects(_ context.Context, q provider.Query) ([]provider.Object, error) {
	var found []provider.Object
	for _, o := range p.objects {
		if (q.Label == "" || q.Label == o.Label) && (q.ID == nil || bytes.Equal(q.ID, o.ID)) && (q.Algorithm == "" || q.Algorithm == o.Spec.Algorithm) {
			found = append(found, o)
		}
	}
	return found, nil
}

func (p *token) Destroy(context.Context, []byte) error { return nil }

func (p *token) Health() provider.Health {
	return provider.Health{Available: true, Detail: "a token", Restarts: 2}
}

func TestObjectsOfADeviceAreListedAndAdopted(t *testing.T) {
	ctx := t.Context()
	rig := servertest.Start(t, servertest.Config{Provider: newToken(t)})
	stack := get(client.Dial(ctx, client.Config{Endpoint: rig.Path}))(t)
	defer stack.Close()
	if list := get(stack.Objects(ctx, client.ObjectQuery{Provider: 2}))(t); len(list) != 2 {
		t.Errorf("%+v", list)
	}
	list := get(stack.Objects(ctx, client.ObjectQuery{Provider: 2, Label: "signing", ID: []byte("signing"), Algorithm: "ECDSA-P256"}))(t)
	if len(list) != 1 || list[0].Label != "signing" || string(list[0].ID) != "signing" || list[0].Algorithm != "ECDSA-P256" ||
		list[0].Class != claviger.PrivateKey || list[0].Bits != 256 {
		t.Errorf("%+v", list)
	}
	if list := get(stack.Objects(ctx, client.ObjectQuery{Provider: 2, Label: "none"}))(t); len(list) != 0 {
		t.Errorf("%+v", list)
	}
	_, err := stack.Objects(ctx, client.ObjectQuery{Provider: 3})
	wantCode(t, "another provider", err, claviger.ErrProviderNotAvailable)

	cc := get(stack.CryptoContext())(t)
	keys := get(cc.NewKeyManager(ctx, client.KeyManagerConfig{}))(t)
	slot := get(cc.KeySlot(ctx, "mine"))(t)
	if v := get(keys.Adopt(ctx, slot, client.AdoptParams{Label: "backup", Permissions: claviger.Encrypt}))(t); v != 1 {
		t.Errorf("version %d", v)
	}
	if info := get(slot.Info(ctx))(t); info.Algorithm != "AES-256" || info.Permissions != claviger.Encrypt {
		t.Errorf("%+v", info)
	}
	_, err = keys.Adopt(ctx, slot, client.AdoptParams{ID: []byte("backup")})
	wantCode(t, "occupied", err, claviger.ErrKeySlotOccupied)
	if v := get(keys.Adopt(ctx, slot, client.AdoptParams{ID: []byte("backup"), Rotate: true, NoPermissions: true}))(t); v != 2 {
		t.Errorf("version %d", v)
	}
	if info := get(slot.Info(ctx))(t); info.Permissions != 0 {
		t.Errorf("%+v", info)
	}
	_, err = keys.Adopt(ctx, nil, client.AdoptParams{Label: "backup"})
	wantCode(t, "no slot", err, claviger.ErrInvalidArgument)
	get(0, keys.Close())(t)
	_, err = keys.Adopt(ctx, slot, client.AdoptParams{Label: "backup", Rotate: true})
	if err == nil {
		t.Error("a closed manager adopts")
	}
}

func TestProvidersShowDetailAndRestarts(t *testing.T) {
	rig := servertest.Start(t, servertest.Config{Provider: newToken(t)})
	stack := get(client.Dial(t.Context(), client.Config{Endpoint: rig.Path}))(t)
	defer stack.Close()
	status := get(stack.Status(t.Context()))(t)
	for what, list := range map[string][]claviger.ProviderInfo{"providers": get(stack.Providers(t.Context()))(t), "status": status.Providers} {
		if len(list) != 1 || list[0].Detail != "a token" || list[0].Restarts != 2 {
			t.Errorf("%s: %+v", what, list)
		}
	}
}
