package operation

import (
	"bytes"
	"context"
	"sync"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/provider"
)

// slow is a provider whose keys wait in every operation until they are let go.
type slow struct {
	provider.Provider
	entered chan struct{} // one for each operation that has begun
	let     chan struct{} // closed or sent to: one operation goes on
	fail    error         // what streams answer to Update and Reset; nil: nothing special
}

type slowKey struct {
	provider.Key
	slow   *slow
	closed *bool
}

func (s *slow) Generate(ctx context.Context, spec provider.Spec) (provider.Key, error) {
	k, err := s.Provider.Generate(ctx, spec)
	return &slowKey{k, s, new(bool)}, err
}

func (k *slowKey) Close() error { *k.closed = true; return k.Key.Close() }

func (k *slowKey) OneShot(ctx context.Context, op provider.Op, p *provider.Params, dst, in []byte) ([]byte, error) {
	k.slow.entered <- struct{}{}
	<-k.slow.let
	return k.Key.OneShot(ctx, op, p, dst, in)
}

func (k *slowKey) Begin(ctx context.Context, op provider.Op, p *provider.Params) (provider.Stream, error) {
	s, err := k.Key.Begin(ctx, op, p)
	return &slowStream{s, k.slow}, err
}

type slowStream struct {
	provider.Stream
	slow *slow
}

func (s *slowStream) Update(ctx context.Context, dst, in []byte) ([]byte, error) {
	s.slow.entered <- struct{}{}
	<-s.slow.let
	if s.slow.fail != nil {
		return dst, s.slow.fail
	}
	return s.Stream.Update(ctx, dst, in)
}

func (s *slowStream) Reset(ctx context.Context, iv []byte) error {
	if s.slow.fail != nil {
		return s.slow.fail
	}
	return s.Stream.Reset(ctx, iv)
}

// slowRig is a MAC context on a slow provider.
func slowRig(t *testing.T) (*rig, *slow, *Context, policy.Grant) {
	t.Helper()
	r := newRig(t)
	s := &slow{Provider: r.member(2).Provider, entered: make(chan struct{}, 8), let: make(chan struct{}, 8)}
	r.member(2).Provider = s
	made, err := r.Generate(t.Context(), r.keyless(), "HMAC-SHA-256", Target{}, nil)
	ok(t, err)
	c, g := r.context(t, made.Key, ContextSpec{Kind: claviger.MACContext, Algorithm: "HMAC-SHA-256"})
	made.Key.Release() // the context holds it
	return r, s, c, g
}

func TestCloseWaitsWithTheKeyForTheCallThatRuns(t *testing.T) {
	r, s, c, g := slowRig(t)
	closed := c.key.key.(*slowKey).closed
	done := make(chan error)
	go func() {
		_, err := c.OneShot(context.Background(), g, nil, nil, 0, nil, hello)
		done <- err
	}()
	<-s.entered
	c.Close()
	if *closed || r.LiveKeys() != 1 {
		t.Error("the key was closed under a call")
	}
	_, err := c.OneShot(t.Context(), g, nil, nil, 0, nil, hello)
	fails(t, "a call after close", err, claviger.ErrContextAlreadyDestroyed)
	s.let <- struct{}{}
	ok(t, <-done)
	if !*closed || r.LiveKeys() != 0 {
		t.Error("the key outlived its last call")
	}
}

func TestAnAbandonedCallRunsOnAndTheContextFails(t *testing.T) {
	r, s, c, g := slowRig(t)
	_, err := c.Init(t.Context(), g, nil, nil, nil)
	ok(t, err)
	done := make(chan error)
	go func() {
		_, err := c.Update(context.Background(), g, nil, hello)
		done <- err
	}()
	<-s.entered
	_, err = c.Update(t.Context(), g, nil, hello)
	fails(t, "a second streaming call", err, claviger.ErrInvalidOperation)
	c.Abandon()
	fails(t, "reset", c.Reset(t.Context(), g), claviger.ErrInvalidOperation)
	s.let <- struct{}{}
	ok(t, <-done)
	if c.State() != Failed {
		t.Errorf("the late call leads to %s", c.State())
	}
	fails(t, "reset", c.Reset(t.Context(), g), claviger.ErrInvalidOperation)
	c.Close()
	if r.LiveKeys() != 0 {
		t.Error("the key lives on")
	}
}

func TestAProviderThatFailsLeavesTheErrorState(t *testing.T) {
	_, s, c, g := slowRig(t)
	_, err := c.Init(t.Context(), g, nil, nil, nil)
	ok(t, err)
	s.fail = claviger.Errorf(claviger.ErrProviderNotAvailable, "token", "gone")
	fails(t, "reset", c.Reset(t.Context(), g), claviger.ErrContextResetFailed)
	if c.State() != Failed {
		t.Errorf("after a failed reset %s", c.State())
	}
	_, s, c, g = slowRig(t)
	_, err = c.Init(t.Context(), g, nil, nil, nil)
	ok(t, err)
	s.fail = claviger.Errorf(claviger.ErrProviderNotAvailable, "token", "gone")
	s.let <- struct{}{}
	_, err = c.Update(t.Context(), g, nil, hello)
	fails(t, "update", err, claviger.ErrProviderNotAvailable)
	if c.State() != Failed {
		t.Errorf("after a failed update %s", c.State())
	}
}

func TestOneShotCallsRunSideBySide(t *testing.T) {
	r := newRig(t)
	key := r.generate(t, "AES-256", claviger.AllPermissions)
	up, g := r.context(t, key, ContextSpec{Kind: claviger.AEADContext, Algorithm: "AES-256-GCM"})
	down, _ := r.context(t, key, ContextSpec{Kind: claviger.AEADContext, Algorithm: "AES-256-GCM", Direction: claviger.Decrypting})
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			nonce := bytes.Repeat([]byte{byte(n)}, 12)
			for range 200 {
				sealed, err := up.OneShot(t.Context(), g, nonce, nonce, 0, nil, hello)
				if err != nil {
					t.Error(err)
					return
				}
				plain, err := down.OneShot(t.Context(), g, nonce, nonce, 0, nil, sealed)
				if err != nil || !bytes.Equal(plain, hello) {
					t.Errorf("%q, %v", plain, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestLoadClearAndCloseRaceWithoutLeaving(t *testing.T) {
	r := newRig(t, slot("data", "AES-256", twoWay))
	target := r.into(t, "data")
	target.Rotate = true
	var wg sync.WaitGroup
	wg.Go(func() {
		for range 40 {
			if _, err := r.Generate(t.Context(), r.keyless(), "", target, nil); err != nil {
				t.Error(err)
			}
			_ = r.Clear(t.Context(), target.Slot, 0)
		}
	})
	for range 4 {
		wg.Go(func() {
			for range 100 {
				ref, _, err := r.SlotRef("data", 0)
				if err != nil {
					continue
				}
				g, err := r.policy.SlotKey(r.caller, "test", "data", ref.Traits().Permissions, 0)
				if err != nil {
					t.Error(err)
					return
				}
				if c, err := r.NewContext(t.Context(), g, ref, ContextSpec{Kind: claviger.CipherContext, Algorithm: "AES-256-CBC"}); err == nil {
					_, _ = c.OneShot(t.Context(), g, make([]byte, 16), nil, 0, nil, hello)
					c.Close()
				} else if claviger.CodeOf(err) != claviger.ErrKeySlotEmpty {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if r.LiveKeys() != 0 || r.LoadedSlots() != 0 {
		t.Errorf("%d keys, %d slots are left", r.LiveKeys(), r.LoadedSlots())
	}
}

func TestSmallCallsAllocateNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool drop what it holds")
	}
	r := newRig(t)
	aes := r.generate(t, "AES-256", claviger.AllPermissions)
	nonce, in, out := make([]byte, 12), make([]byte, 1024), make([]byte, 0, 2048)
	for _, c := range []struct {
		name  string
		key   *Key
		spec  ContextSpec
		first []byte
	}{
		{"SHA-256", nil, ContextSpec{Kind: claviger.HashContext, Algorithm: "SHA-256"}, nil},
		{"HMAC", r.generate(t, "HMAC-SHA-256", claviger.AllPermissions), ContextSpec{Kind: claviger.MACContext, Algorithm: "HMAC-SHA-256"}, nil},
		{"HMAC compared", r.generate(t, "HMAC-SHA-256", claviger.AllPermissions), ContextSpec{Kind: claviger.MACContext, Algorithm: "HMAC-SHA-256"}, make([]byte, 32)},
		{"GCM", aes, ContextSpec{Kind: claviger.AEADContext, Algorithm: "AES-256-GCM"}, nonce},
	} {
		x, g := r.context(t, c.key, c.spec)
		if n := testing.AllocsPerRun(200, func() {
			if _, err := x.OneShot(context.Background(), g, c.first, nil, 0, out, in); err != nil {
				t.Error(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", c.name, n)
		}
	}
}
