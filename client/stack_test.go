package client

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/wire"
)

func newContext(t *testing.T, s *Stack) *CryptoContext {
	t.Helper()
	cc, err := s.CryptoContext()
	if err != nil {
		t.Fatal(err)
	}
	return cc
}

func TestCloseOfACryptoContextReleasesAllByOneCall(t *testing.T) {
	stack, p := dialPeer(t, Config{})
	cc, ctx := newContext(t, stack), t.Context()
	slot, err := cc.KeySlot(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	manager, err := cc.NewKeyManager(ctx, KeyManagerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	key, err := manager.Generate(ctx, GenerateParams{Algorithm: "AES-256"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cc.NewCipher(ctx, CipherConfig{Key: key}); err != nil {
		t.Fatal(err)
	}
	if _, err := cc.NewCipher(ctx, CipherConfig{Key: slot}); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second changes nothing
		if err := cc.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := key.Close(); err != nil {
		t.Error(err)
	}
	if calls, handles := p.gone(); calls != 1 || handles != 4 {
		t.Errorf("%d calls released %d handles; want 1 call, 4 handles", calls, handles)
	}
}

func TestWhatIsClosedSaysSo(t *testing.T) {
	stack, _ := dialPeer(t, Config{})
	cc, ctx := newContext(t, stack), t.Context()
	manager, _ := cc.NewKeyManager(ctx, KeyManagerConfig{})
	key, err := manager.Generate(ctx, GenerateParams{})
	if err != nil {
		t.Fatal(err)
	}
	hash, err := cc.NewHash(ctx, HashConfig{})
	if err != nil {
		t.Fatal(err)
	}
	want := func(what string, err error, code claviger.Code) {
		t.Helper()
		if !errors.Is(err, code) {
			t.Errorf("%s: %v; want %s", what, err, code.Name())
		}
	}
	hash.Close()
	want("a closed hash", hash.Init(ctx), claviger.ErrContextAlreadyDestroyed)
	_, err = hash.Sum(ctx, nil, nil)
	want("a closed hash", err, claviger.ErrContextAlreadyDestroyed)
	key.Close()
	_, err = cc.NewMAC(ctx, MACConfig{Key: key})
	want("a closed key", err, claviger.ErrResourceNotFound)
	_, err = cc.NewMAC(ctx, MACConfig{})
	want("no key", err, claviger.ErrInvalidArgument)
	_, err = cc.NewMAC(ctx, MACConfig{Key: (*KeySlot)(nil)})
	want("a nil slot", err, claviger.ErrInvalidArgument)
	manager.Close()
	_, err = manager.Generate(ctx, GenerateParams{})
	want("a closed manager", err, claviger.ErrContextAlreadyDestroyed)
	cc.Close()
	_, err = cc.KeySlot(ctx, "a")
	want("a closed crypto context", err, claviger.ErrContextAlreadyDestroyed)
	stack.Close()
	_, err = cc.KeySlot(ctx, "a")
	want("a closed stack", err, claviger.ErrUninitializedStack)
	want("a closed stack", hash.Init(ctx), claviger.ErrUninitializedStack)
	want("a closed stack", stack.Ping(ctx), claviger.ErrUninitializedStack)
	_, err = stack.CryptoContext()
	want("a closed stack", err, claviger.ErrUninitializedStack)
	if err := errors.Join(stack.Close(), cc.Close(), hash.Close(), key.Close()); err != nil {
		t.Errorf("closing again: %v", err)
	}
}

func TestAKeyOfAnotherStackIsRefused(t *testing.T) {
	one, _ := dialPeer(t, Config{})
	other, _ := dialPeer(t, Config{})
	slot, err := newContext(t, one).KeySlot(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	_, err = newContext(t, other).NewMAC(t.Context(), MACConfig{Key: slot})
	if !errors.Is(err, claviger.ErrInvalidArgument) {
		t.Errorf("err = %v; want ErrInvalidArgument", err)
	}
}

func TestATimeoutIsTheEndOfTheContextAlone(t *testing.T) {
	stack, p := dialPeer(t, Config{})
	cc, ctx := newContext(t, stack), t.Context()
	silence := make(chan struct{})
	defer close(silence)
	p.rules(func() { p.data = func(wire.Op, wire.Flags, wire.Data) ([]byte, error) { <-silence; return nil, nil } })
	hash, err := cc.NewHash(ctx, HashConfig{Timeout: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	err = hash.Init(ctx)
	if !errors.Is(err, claviger.ErrOperationTimedOut) || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("err = %v; want ErrOperationTimedOut", err)
	}
	for name, err := range map[string]error{"Init": hash.Init(ctx), "Update": hash.Update(ctx, nil), "Reset": hash.Reset(ctx)} {
		if !errors.Is(err, claviger.ErrInvalidOperation) {
			t.Errorf("%s in the error state: %v; want ErrInvalidOperation", name, err)
		}
	}
	if err := hash.Close(); err != nil {
		t.Error(err)
	}
	if _, err := cc.KeySlot(ctx, "a"); err != nil {
		t.Errorf("another call on the link: %v", err)
	}
}

func TestACancelledCallIsTheEndOfTheContext(t *testing.T) {
	stack, p := dialPeer(t, Config{})
	silence, called := make(chan struct{}), make(chan struct{})
	defer close(silence)
	p.rules(func() {
		p.data = func(wire.Op, wire.Flags, wire.Data) ([]byte, error) { close(called); <-silence; return nil, nil }
	})
	hash, err := newContext(t, stack).NewHash(t.Context(), HashConfig{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-called; cancel() }()
	if err := hash.Init(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("err = %v; want context.Canceled", err)
	}
	if err := hash.Init(t.Context()); !errors.Is(err, claviger.ErrInvalidOperation) {
		t.Errorf("afterwards: %v; want ErrInvalidOperation", err)
	}
}

func TestTwoCallsOnOneStreamAreRefused(t *testing.T) {
	stack, p := dialPeer(t, Config{})
	called, goOn := make(chan struct{}), make(chan struct{})
	p.rules(func() {
		p.data = func(wire.Op, wire.Flags, wire.Data) ([]byte, error) { close(called); <-goOn; return nil, nil }
	})
	hash, err := newContext(t, stack).NewHash(t.Context(), HashConfig{})
	if err != nil {
		t.Fatal(err)
	}
	first := make(chan error)
	go func() { first <- hash.Init(t.Context()) }()
	<-called
	if err := hash.Update(t.Context(), nil); !errors.Is(err, claviger.ErrInvalidOperation) {
		t.Errorf("the second: %v; want ErrInvalidOperation", err)
	}
	close(goOn)
	if err := <-first; err != nil {
		t.Errorf("the first: %v", err)
	}
}

func TestACollectedKeyIsGivenBack(t *testing.T) {
	stack, p := dialPeer(t, Config{})
	cc := newContext(t, stack)
	manager, _ := cc.NewKeyManager(t.Context(), KeyManagerConfig{})
	if _, err := manager.Generate(t.Context(), GenerateParams{}); err != nil {
		t.Fatal(err)
	}
	for range 200 {
		runtime.GC()
		if _, err := stack.Status(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, handles := p.gone(); handles == 1 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("the key was not released")
}

func TestAVerdictIsOneByte(t *testing.T) {
	stack, p := dialPeer(t, Config{})
	manager, _ := newContext(t, stack).NewKeyManager(t.Context(), KeyManagerConfig{})
	key, err := manager.Generate(t.Context(), GenerateParams{})
	if err != nil {
		t.Fatal(err)
	}
	mac, err := newContext(t, stack).NewMAC(t.Context(), MACConfig{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	var asked []byte
	for _, c := range []struct {
		reply []byte
		right bool
		code  claviger.Code
	}{{[]byte{1}, true, 0}, {[]byte{0}, false, 0}, {nil, false, claviger.ErrInternal}, {[]byte{2}, false, claviger.ErrInternal}, {[]byte{1, 1}, false, claviger.ErrInternal}} {
		p.rules(func() {
			p.data = func(_ wire.Op, _ wire.Flags, d wire.Data) ([]byte, error) {
				p.rules(func() { asked = d.First })
				return c.reply, nil
			}
		})
		right, err := mac.Verify(t.Context(), []byte("message"), nil)
		if right != c.right || claviger.CodeOf(err) != c.code {
			t.Errorf("reply %v: %v, %v; want %v, %v", c.reply, right, err, c.right, c.code.Name())
		}
		p.rules(func() {
			if len(asked) == 0 {
				t.Error("an empty code must not ask the daemon for one")
			}
		})
	}
}

func TestALostDaemonFailsEveryCallAndNoClose(t *testing.T) {
	stack, p := dialPeer(t, Config{})
	cc := newContext(t, stack)
	hash, err := cc.NewHash(t.Context(), HashConfig{})
	if err != nil {
		t.Fatal(err)
	}
	p.conn.Close()
	for range 2 {
		if _, err := hash.Sum(t.Context(), nil, nil); !errors.Is(err, claviger.ErrConnectionFailed) {
			t.Errorf("Sum: %v; want ErrConnectionFailed", err)
		}
		if _, err := cc.KeySlot(t.Context(), "a"); !errors.Is(err, claviger.ErrConnectionFailed) {
			t.Errorf("KeySlot: %v; want ErrConnectionFailed", err)
		}
		if err := stack.Secrets().Ping(t.Context()); !errors.Is(err, claviger.ErrConnectionFailed) {
			t.Errorf("Ping: %v; want ErrConnectionFailed", err)
		}
	}
	if err := errors.Join(hash.Close(), cc.Close(), stack.Close()); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func TestDialSaysThatNobodyListens(t *testing.T) {
	if _, err := Dial(t.Context(), Config{Endpoint: t.TempDir() + "/s"}); !errors.Is(err, claviger.ErrConnectionFailed) {
		t.Errorf("err = %v; want ErrConnectionFailed", err)
	}
}
