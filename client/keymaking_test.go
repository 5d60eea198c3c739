package client

import (
	"errors"
	"testing"

	"github.com/claviger/claviger"
)

func TestPermissionsAndNoPermissionsExcludeEachOther(t *testing.T) {
	stack, _ := dialPeer(t, Config{})
	cc, ctx := newContext(t, stack), t.Context()
	m, err := cc.NewKeyManager(ctx, KeyManagerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	slot, err := cc.KeySlot(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	key, err := m.Generate(ctx, GenerateParams{Permissions: claviger.Encrypt})
	if err != nil {
		t.Fatal(err)
	}
	const may = claviger.Encrypt
	generate := GenerateParams{Permissions: may, NoPermissions: true}
	bytes := ImportParams{Permissions: may, NoPermissions: true}
	agree := AgreeParams{Key: key, PeerKey: key, Permissions: may, NoPermissions: true}
	derive := DeriveParams{Key: key, Permissions: may, NoPermissions: true}
	encapsulate := EncapsulateParams{Key: key, Permissions: may, NoPermissions: true}
	decapsulate := DecapsulateParams{Key: key, Permissions: may, NoPermissions: true}
	sent := stack.Frames()
	for name, call := range map[string]func() error{
		"Generate":      func() error { _, err := m.Generate(ctx, generate); return err },
		"GenerateIn":    func() error { _, err := m.GenerateIn(ctx, slot, generate); return err },
		"Import":        func() error { _, err := m.Import(ctx, bytes); return err },
		"ImportIn":      func() error { _, err := m.ImportIn(ctx, slot, bytes); return err },
		"Agree":         func() error { _, err := m.Agree(ctx, agree); return err },
		"AgreeIn":       func() error { _, err := m.AgreeIn(ctx, slot, agree); return err },
		"Derive":        func() error { _, err := m.Derive(ctx, derive); return err },
		"DeriveIn":      func() error { _, err := m.DeriveIn(ctx, slot, derive); return err },
		"Encapsulate":   func() error { _, _, err := m.Encapsulate(ctx, encapsulate); return err },
		"EncapsulateIn": func() error { _, _, err := m.EncapsulateIn(ctx, slot, encapsulate); return err },
		"Decapsulate":   func() error { _, err := m.Decapsulate(ctx, decapsulate); return err },
		"DecapsulateIn": func() error { _, err := m.DecapsulateIn(ctx, slot, decapsulate); return err },
		"Adopt": func() error {
			_, err := m.Adopt(ctx, slot, AdoptParams{Label: "a", Permissions: may, NoPermissions: true})
			return err
		},
	} {
		if err := call(); !errors.Is(err, claviger.ErrInvalidArgument) {
			t.Errorf("%s: %v; want InvalidArgument", name, err)
		}
	}
	if n := stack.Frames() - sent; n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}
