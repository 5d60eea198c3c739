package operation

import (
	"context"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
)

// bytesHeld is a budget that counts and refuses nothing.
type bytesHeld struct{ now, most int64 }

func (b *bytesHeld) Reserve(n int64) error { b.now += n; b.most = max(b.most, b.now); return nil }
func (b *bytesHeld) Unreserve(n int64)     { b.now -= n }

// A derivation of one byte can be guessed by whoever may use its result, and then one of two bytes, and so on: the
// output of HKDF does not depend on its length (RFC 5869, 2.3).
func TestShortDerivationsDoNotTellWhatTheKeyKeepsToItself(t *testing.T) {
	r := newRig(t)
	derive := func(k *Key, size int) error {
		made, err := r.Derive(t.Context(), r.grant(t, k, provider.Derive), LiveRef(k),
			Result{KDF: &provider.KDF{Algorithm: "HKDF-SHA-256", Size: size}})
		if made.Key != nil {
			made.Key.Release()
		}
		return err
	}
	closed := r.generate(t, "SECRET", claviger.Derive)
	for _, size := range []int{1, 2, 13} {
		fails(t, "a short result of a key that is not exported", derive(closed, size), claviger.ErrKeyOperationNotPermitted)
	}
	ok(t, derive(closed, 14))
	ok(t, derive(closed, 0))
	ok(t, derive(r.generate(t, "SECRET", claviger.Derive|claviger.Export), 1))
}

func TestAssociatedDataIsChargedWhileItIsHeld(t *testing.T) {
	r, held := newRig(t), new(bytesHeld)
	k := r.generate(t, "AES-256", twoWay)
	c, g := r.context(t, k, ContextSpec{Kind: claviger.AEADContext, Algorithm: "AES-256-GCM", Budget: held})
	if _, err := c.Init(t.Context(), g, make([]byte, 12), make([]byte, 60<<10), nil); err != nil {
		t.Fatal(err)
	}
	if held.now < 60<<10 {
		t.Errorf("%d bytes are charged; 60 KiB of associated data are held", held.now)
	}
	if _, err := c.Finalize(t.Context(), g, nil, 0, false, 0, nil); err != nil {
		t.Fatal(err)
	}
	if held.now != 0 {
		t.Errorf("%d bytes are charged after the message", held.now)
	}
	ok(t, c.Reset(t.Context(), g))
	fails(t, "a nonce of another length", func() error {
		_, err := c.Init(t.Context(), g, make([]byte, 11), make([]byte, 1000), nil)
		return err
	}(), claviger.ErrInvalidArgument)
	if held.now != 0 {
		t.Errorf("%d bytes are charged after a refused Init", held.now)
	}
}

func TestMessageOfAFailedFinalizeIsNotKept(t *testing.T) {
	r, held := newRig(t), new(bytesHeld)
	k := r.generate(t, "Ed25519", claviger.Sign)
	c, g := r.context(t, k, ContextSpec{Kind: claviger.SignContext, Algorithm: "Ed25519", Budget: held})
	if _, err := c.Init(t.Context(), g, nil, nil, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Update(t.Context(), g, nil, make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Finalize(gone, g, nil, 0, false, 0, nil); err == nil {
		t.Fatal("a signature for a caller that is gone")
	}
	if held.now != 0 || c.stream != nil {
		t.Errorf("%d bytes are charged; the stream with 1 MiB is kept: %t", held.now, c.stream != nil)
	}
}
