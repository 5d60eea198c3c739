package worker_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/software"
	"github.com/claviger/claviger/internal/provider/worker"
	"github.com/claviger/claviger/internal/provider/worker/workertest"
)

// long is more than anything here takes.
const long = 20 * time.Second

// token is a device that misbehaves on command. Its keys are software's.
type token struct {
	lock  provider.Lock
	pin   string // the right one
	tries atomic.Int64
	opens atomic.Int64
	live  atomic.Int64 // keys that are open in the worker
	made  atomic.Int64 // keys that were
	shuts atomic.Int64 // times that it was closed

	unlocking func() error // runs in Unlock; nil: nothing

	mu   sync.Mutex
	act  func(op provider.Op) error // guarded by mu; runs before each operation of a key and each Generate; nil: nothing
	fail error                      // guarded by mu; of Open
}

func (d *token) do(op provider.Op) error {
	d.mu.Lock()
	act := d.act
	d.mu.Unlock()
	if act == nil {
		return nil
	}
	return act(op)
}

// acts sets what happens before each operation from now on.
func (d *token) acts(f func(provider.Op) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.act = f
}

// fails sets what opening gives.
func (d *token) fails(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = err
}

// Open counts.
func (d *token) Open(context.Context) (provider.Lock, error) {
	d.opens.Add(1)
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.lock, d.fail
}

// Unlock compares the PIN.
func (d *token) Unlock(_ context.Context, pin []byte) (provider.Provider, error) {
	if d.lock.NeedsPIN {
		d.tries.Add(1)
	}
	if d.unlocking != nil {
		if err := d.unlocking(); err != nil {
			return nil, err
		}
	}
	if string(pin) != d.pin {
		return nil, &claviger.Error{Code: claviger.ErrProviderNotAvailable, Op: "unlock", Detail: "the PIN is wrong", Err: provider.ErrPIN}
	}
	return &lively{Provider: software.New(), token: d}, nil
}

// Close counts.
func (d *token) Close() error {
	d.shuts.Add(1)
	return nil
}

// lively is software's provider under the token's command.
type lively struct {
	provider.Provider
	token *token
}

// Generate obeys.
func (p *lively) Generate(ctx context.Context, spec provider.Spec) (provider.Key, error) {
	if err := p.token.do(provider.Generate); err != nil {
		return nil, err
	}
	return p.wrap(p.Provider.Generate(context.WithoutCancel(ctx), spec)) // as a module that has made a key
}

// Load obeys.
func (p *lively) Load(ctx context.Context, blob []byte) (provider.Key, error) {
	return p.wrap(p.Provider.Load(ctx, blob))
}

func (p *lively) wrap(k provider.Key, err error) (provider.Key, error) {
	if err != nil {
		return nil, err
	}
	p.token.live.Add(1)
	p.token.made.Add(1)
	return &obedient{Key: k, token: p.token}, nil
}

type obedient struct {
	provider.Key
	token *token
}

// OneShot obeys.
func (k *obedient) OneShot(ctx context.Context, op provider.Op, params *provider.Params, dst, in []byte) ([]byte, error) {
	if err := k.token.do(op); err != nil {
		return dst, err
	}
	return k.Key.OneShot(ctx, op, params, dst, in)
}

// Close counts.
func (k *obedient) Close() error {
	k.token.live.Add(-1)
	return k.Key.Close()
}

// rig is a provider over a token.
func rig(t *testing.T, d *token, c worker.Config) *worker.Provider {
	t.Helper()
	if d.lock.Sessions == 0 {
		d.lock.Sessions = 4
	}
	c.Name = "token"
	p := workertest.New(t, c, func([]byte) (provider.Device, error) { return d, nil })
	ctx, cancel := context.WithTimeout(t.Context(), long)
	defer cancel()
	_ = p.Ready(ctx)
	return p
}

func generate(t *testing.T, p provider.Provider) provider.Key {
	t.Helper()
	k, err := p.Generate(t.Context(), provider.Spec{Algorithm: "HMAC-SHA-256"})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// stored gives the key as a slot has it: loaded from its blob.
func stored(t *testing.T, p provider.Provider) provider.Key {
	t.Helper()
	k := generate(t, p)
	defer k.Close()
	blob, err := k.Blob(t.Context(), provider.Tag{Label: "slot"})
	if err != nil {
		t.Fatal(err)
	}
	defer blob.Close()
	loaded, err := p.Load(t.Context(), blob.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

func mac(ctx context.Context, k provider.Key) ([]byte, error) {
	return k.OneShot(ctx, provider.MAC, &provider.Params{Algorithm: "HMAC-SHA-256"}, nil, []byte("message"))
}

// within is a context for a call that must end.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func wants(t *testing.T, what string, err error, code claviger.Code, cause error) {
	t.Helper()
	if claviger.CodeOf(err) != code || cause != nil && !errors.Is(err, cause) {
		t.Errorf("%s: %v, want %s and %v", what, err, code.Name(), cause)
	}
}

// eventually waits for what other goroutines bring about.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(long); !f(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not after %s", what, long)
		}
	}
}
