package operation

import (
	"context"
	"fmt"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/policy"
)

// subject is a kind of context with arguments that its calls accept.
type subject struct {
	name string
	key  claviger.Algorithm
	spec ContextSpec
	iv   []byte
	sig  []byte
	data []byte
}

// subjects covers every kind, both directions, and streams that give at once and that gather.
func subjects() []subject {
	iv, nonce := make([]byte, 16), make([]byte, 12)
	return []subject{
		{name: "hash", spec: ContextSpec{Kind: claviger.HashContext, Algorithm: "SHA-256"}},
		{name: "xof", spec: ContextSpec{Kind: claviger.HashContext, Algorithm: "SHAKE-128", Size: 100}},
		{name: "mac", key: "HMAC-SHA-256", spec: ContextSpec{Kind: claviger.MACContext, Algorithm: "HMAC-SHA-256"}},
		{name: "mac compare", key: "HMAC-SHA-256", spec: ContextSpec{Kind: claviger.MACContext, Algorithm: "HMAC-SHA-256"}, sig: make([]byte, 32)},
		{name: "CBC", key: "AES-256", spec: ContextSpec{Kind: claviger.CipherContext, Algorithm: "AES-256-CBC"}, iv: iv},
		{name: "CTR", key: "AES-128", spec: ContextSpec{Kind: claviger.CipherContext, Algorithm: "AES-128-CTR", Direction: claviger.Decrypting}, iv: iv},
		{name: "GCM in a cipher", key: "AES-256", spec: ContextSpec{Kind: claviger.CipherContext, Algorithm: "AES-256-GCM"}, iv: nonce},
		{name: "GCM", key: "AES-256", spec: ContextSpec{Kind: claviger.AEADContext, Algorithm: "AES-256-GCM"}, iv: nonce},
		{name: "OAEP", key: "RSA-2048", spec: ContextSpec{Kind: claviger.CipherContext, Algorithm: "RSA-OAEP-SHA-256"}},
		{name: "ECDSA", key: "ECDSA-P256", spec: ContextSpec{Kind: claviger.SignContext, Algorithm: "ECDSA-P256-SHA-256"}},
		{name: "ECDSA digest", key: "ECDSA-P256", spec: ContextSpec{Kind: claviger.SignContext, Algorithm: "ECDSA-P256-SHA-256", Digest: true}, data: make([]byte, 32)},
		{name: "Ed25519", key: "Ed25519", spec: ContextSpec{Kind: claviger.SignContext, Algorithm: "Ed25519"}},
		{name: "ML-DSA", key: "ML-DSA-65", spec: ContextSpec{Kind: claviger.SignContext, Algorithm: "ML-DSA-65"}},
		{name: "HMAC as signature", key: "HMAC-SHA-256", spec: ContextSpec{Kind: claviger.SignContext, Algorithm: "HMAC-SHA-256"}},
		{name: "verify", key: "ECDSA-P256", spec: ContextSpec{Kind: claviger.VerifyContext, Algorithm: "ECDSA-P256-SHA-256"}, sig: make([]byte, 64)},
	}
}

// calls are the calls of a context, with arguments that are in order.
func (s subject) calls(c *Context, g policy.Grant) map[string]func() error {
	ctx := context.Background()
	data := s.data
	if data == nil {
		data = []byte("part")
	}
	return map[string]func() error{
		"Init":     func() error { _, err := c.Init(ctx, g, s.iv, nil, nil); return err },
		"Update":   func() error { _, err := c.Update(ctx, g, nil, data); return err },
		"Finalize": func() error { _, err := c.Finalize(ctx, g, s.sig, 0, false, 0, nil); return err },
		"OneShot": func() error {
			first := s.iv
			if len(s.sig) != 0 {
				first = s.sig
			}
			_, err := c.OneShot(ctx, g, first, nil, 0, nil, data)
			return err
		},
		"Reset":   func() error { return c.Reset(ctx, g) },
		"Abandon": func() error { c.Abandon(); return nil },
		"Close":   func() error { c.Close(); return nil },
	}
}

// outcome is what a call does in a state.
type outcome struct {
	code claviger.Code
	then State
}

// expected is the table in the comment of State.
func expected() map[State]map[string]outcome {
	const (
		active   = claviger.ErrStreamAlreadyActive
		missing  = claviger.ErrStreamNotInitialized
		failed   = claviger.ErrInvalidOperation
		gone     = claviger.ErrContextAlreadyDestroyed
		accepted = claviger.Code(0)
	)
	return map[State]map[string]outcome{
		Idle: {"Init": {accepted, Initialized}, "Update": {missing, Idle}, "Finalize": {missing, Idle}, "OneShot": {accepted, Idle},
			"Reset": {accepted, Idle}, "Abandon": {accepted, Failed}, "Close": {accepted, Destroyed}},
		Initialized: {"Init": {active, Initialized}, "Update": {accepted, Active}, "Finalize": {accepted, Idle}, "OneShot": {active, Initialized},
			"Reset": {accepted, Idle}, "Abandon": {accepted, Failed}, "Close": {accepted, Destroyed}},
		Active: {"Init": {active, Active}, "Update": {accepted, Active}, "Finalize": {accepted, Idle}, "OneShot": {active, Active},
			"Reset": {accepted, Idle}, "Abandon": {accepted, Failed}, "Close": {accepted, Destroyed}},
		Failed: {"Init": {failed, Failed}, "Update": {failed, Failed}, "Finalize": {failed, Failed}, "OneShot": {failed, Failed},
			"Reset": {failed, Failed}, "Abandon": {accepted, Failed}, "Close": {accepted, Destroyed}},
		Destroyed: {"Init": {gone, Destroyed}, "Update": {gone, Destroyed}, "Finalize": {gone, Destroyed}, "OneShot": {gone, Destroyed},
			"Reset": {gone, Destroyed}, "Abandon": {accepted, Destroyed}, "Close": {accepted, Destroyed}},
	}
}

// way leads from Idle to a state.
var way = map[State][]string{Idle: nil, Initialized: {"Init"}, Active: {"Init", "Update"}, Failed: {"Init", "Abandon"}, Destroyed: {"Close"}}

func TestEveryCallInEveryStateOfEveryKind(t *testing.T) {
	r := newRig(t)
	keys := make(map[claviger.Algorithm]*Key)
	for _, s := range subjects() {
		if s.key != "" && keys[s.key] == nil {
			keys[s.key] = r.generate(t, s.key, claviger.AllPermissions)
		}
		for from, row := range expected() {
			for call, want := range row {
				t.Run(fmt.Sprintf("%s/%s/%s", s.name, from, call), func(t *testing.T) {
					s := s
					if s.name == "ECDSA digest" && from == Active && call == "Update" {
						s.data = []byte{} // the digest is complete
					}
					c, g := r.context(t, keys[s.key], s.spec)
					calls := s.calls(c, g)
					if s.name == "ECDSA digest" && from == Initialized && call == "Finalize" {
						ok(t, calls["Init"]()) // the empty digest is refused by the provider, which is no matter of states
						_ = calls["Finalize"]()
						if c.State() != Idle {
							t.Fatalf("state %s", c.State())
						}
						return
					}
					for _, step := range way[from] {
						if err := subjectStep(s, c, g, step); err != nil {
							t.Fatalf("%s: %v", step, err)
						}
					}
					if c.State() != from {
						t.Fatalf("the way leads to %s", c.State())
					}
					if err := calls[call](); claviger.CodeOf(err) != want.code {
						t.Errorf("got %v; want code %q", err, want.code.Name())
					}
					if c.State() != want.then {
						t.Errorf("then %s; want %s", c.State(), want.then)
					}
				})
			}
		}
	}
}

// subjectStep takes a step of the way with the subject's full data.
func subjectStep(s subject, c *Context, g policy.Grant, step string) error {
	if s.name == "ECDSA digest" {
		s.data = make([]byte, 32)
	}
	return s.calls(c, g)[step]()
}

func TestARandomContextHasOneCall(t *testing.T) {
	r := newRig(t)
	c, g := r.context(t, nil, ContextSpec{Kind: claviger.RandomContext})
	out, err := c.OneShot(t.Context(), g, nil, nil, 40, []byte("x"), nil)
	if err != nil || len(out) != 41 {
		t.Fatalf("%d bytes, %v", len(out), err)
	}
	if out, err = c.OneShot(t.Context(), g, nil, nil, 0, nil, nil); err != nil || len(out) != 0 {
		t.Errorf("none wanted: %d bytes, %v", len(out), err)
	}
	_, err = c.OneShot(t.Context(), g, nil, nil, MaxOutput+1, nil, nil)
	fails(t, "too many", err, claviger.ErrInvalidArgument)
	_, err = c.Init(t.Context(), g, nil, nil, nil)
	fails(t, "init", err, claviger.ErrUnsupportedOperation)
	_, err = c.Update(t.Context(), g, nil, nil)
	fails(t, "update", err, claviger.ErrStreamNotInitialized)
	ok(t, c.Reset(t.Context(), g))
}

func TestAGrantIsDemandedByEveryCall(t *testing.T) {
	r := newRig(t)
	for _, s := range subjects() {
		var key *Key
		if s.key != "" {
			key = r.generate(t, s.key, claviger.AllPermissions)
		}
		c, _ := r.context(t, key, s.spec)
		want := claviger.ErrKeyOperationNotPermitted
		if key == nil {
			want = claviger.ErrAccessDenied
		}
		for name, call := range s.calls(c, policy.Grant{}) {
			if name != "Abandon" && name != "Close" {
				fails(t, s.name+" "+name, call(), want)
			}
		}
	}
}
