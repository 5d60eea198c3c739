// Package delay makes any provider slow on purpose, for those who want to see their
// deadlines hold. It behaves as a device that hangs: the calling goroutine is stuck, and a
// context that ends meanwhile changes nothing. Deadlines have to be kept by the rooms
// above.
package delay

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/secmem"
)

// Provider is another provider whose operations take at least the time that SetDelay says.
// All of its mechanisms are of Cost Pool. Without a delay it adds nothing, and contexts
// work as in the provider within. Safe for concurrent use.
type Provider struct {
	inner      provider.Provider
	mechanisms []provider.Mechanism

	mu      sync.Mutex
	delay   time.Duration // guarded by mu
	changed chan struct{} // guarded by mu; closed and replaced when delay changes
}

var (
	_ provider.Provider = (*Provider)(nil)
	_ provider.Key      = (*key)(nil)
	_ provider.Stream   = (*stream)(nil)
	_ provider.Cloner   = (*cloner)(nil)
)

// New wraps a provider, which it then owns, without a delay.
func New(inner provider.Provider) *Provider {
	p := &Provider{inner: inner, mechanisms: slices.Clone(inner.Mechanisms()), changed: make(chan struct{})}
	for i := range p.mechanisms {
		p.mechanisms[i].Cost = provider.Pool
	}
	return p
}

// SetDelay says how long every operation takes at least, counted from its call: OneShot and
// Begin, each Update, Finish and Reset of a stream, Generate, Import, Load, KeyOp, Export
// and Blob. It counts for operations that hang already too, so that SetDelay(0) lets all of
// them go on.
func (p *Provider) SetDelay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
	close(p.changed)
	p.changed = make(chan struct{})
}

// hang returns once an operation that was called at start may go on, and gives the context
// to run it with: one that does not end, if there was a delay.
func (p *Provider) hang(ctx context.Context) context.Context {
	start, slow := time.Now(), false
	for {
		p.mu.Lock()
		rest, changed := p.delay-time.Since(start), p.changed
		p.mu.Unlock()
		if rest <= 0 {
			break
		}
		slow = true
		timer := time.NewTimer(rest)
		select {
		case <-timer.C:
		case <-changed:
		}
		timer.Stop()
	}
	if slow {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

// Mechanisms lists what the provider within offers. Read only.
func (p *Provider) Mechanisms() []provider.Mechanism { return p.mechanisms }

// OneShot hangs, then runs.
func (p *Provider) OneShot(ctx context.Context, op provider.Op, params *provider.Params, dst, in []byte) ([]byte, error) {
	return p.inner.OneShot(p.hang(ctx), op, params, dst, in)
}

// Begin hangs, then opens a stream each of whose calls hangs.
func (p *Provider) Begin(ctx context.Context, op provider.Op, params *provider.Params) (provider.Stream, error) {
	s, err := p.inner.Begin(p.hang(ctx), op, params)
	return p.stream(s), err
}

// Generate hangs, then generates.
func (p *Provider) Generate(ctx context.Context, spec provider.Spec) (provider.Key, error) {
	k, err := p.inner.Generate(p.hang(ctx), spec)
	return p.key(k), err
}

// Import hangs, then imports.
func (p *Provider) Import(ctx context.Context, spec provider.Spec, material []byte) (provider.Key, error) {
	k, err := p.inner.Import(p.hang(ctx), spec, material)
	return p.key(k), err
}

// Load hangs, then loads.
func (p *Provider) Load(ctx context.Context, blob []byte) (provider.Key, error) {
	k, err := p.inner.Load(p.hang(ctx), blob)
	return p.key(k), err
}

// Close lets go what hangs and closes the provider within.
func (p *Provider) Close() error {
	p.SetDelay(0)
	return p.inner.Close()
}

// key wraps a key; nil stays nil.
func (p *Provider) key(k provider.Key) provider.Key {
	if k == nil {
		return nil
	}
	return &key{Key: k, provider: p}
}

// stream wraps a stream, which can be copied if the one within can; nil stays nil.
func (p *Provider) stream(s provider.Stream) provider.Stream {
	switch inner := s.(type) {
	case nil:
		return nil
	case interface {
		provider.Stream
		provider.Cloner
	}:
		return &cloner{stream: stream{inner: s, provider: p}, source: inner}
	}
	return &stream{inner: s, provider: p}
}

// key is a slow key. What it says of itself, and Close, are as fast as ever.
type key struct {
	provider.Key
	provider *Provider
}

// Format keeps the key out of every printed text.
func (k *key) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "[slow key "+string(k.Spec().Algorithm)+"]")
}

// OneShot hangs, then runs.
func (k *key) OneShot(ctx context.Context, op provider.Op, params *provider.Params, dst, in []byte) ([]byte, error) {
	return k.Key.OneShot(k.provider.hang(ctx), op, within(params), dst, in)
}

// Begin hangs, then opens a slow stream.
func (k *key) Begin(ctx context.Context, op provider.Op, params *provider.Params) (provider.Stream, error) {
	s, err := k.Key.Begin(k.provider.hang(ctx), op, within(params))
	return k.provider.stream(s), err
}

// KeyOp hangs, then makes a slow key.
func (k *key) KeyOp(ctx context.Context, op provider.Op, params *provider.Params) (provider.Key, []byte, error) {
	made, extra, err := k.Key.KeyOp(k.provider.hang(ctx), op, within(params))
	return k.provider.key(made), extra, err
}

// Export hangs, then exports.
func (k *key) Export(ctx context.Context) (*secmem.Bytes, error) {
	return k.Key.Export(k.provider.hang(ctx))
}

// Blob hangs, then gives the blob.
func (k *key) Blob(ctx context.Context, tag provider.Tag) (*secmem.Bytes, error) {
	return k.Key.Blob(k.provider.hang(ctx), tag)
}

// within replaces a slow key among the parameters by the one in it, which is what the
// provider within knows.
func within(params *provider.Params) *provider.Params {
	other, ok := params.Other.(*key)
	if !ok {
		return params
	}
	inner := *params
	inner.Other = other.Key
	return &inner
}

// stream is a slow stream.
type stream struct {
	inner    provider.Stream
	provider *Provider
}

// Update hangs, then takes the part.
func (s *stream) Update(ctx context.Context, dst, in []byte) ([]byte, error) {
	return s.inner.Update(s.provider.hang(ctx), dst, in)
}

// Finish hangs, then ends the message.
func (s *stream) Finish(ctx context.Context, dst, signature []byte) ([]byte, error) {
	return s.inner.Finish(s.provider.hang(ctx), dst, signature)
}

// Reset hangs, then goes back to the start.
func (s *stream) Reset(ctx context.Context, iv []byte) error {
	return s.inner.Reset(s.provider.hang(ctx), iv)
}

// Close closes the stream within at once.
func (s *stream) Close() { s.inner.Close() }

// cloner is a slow stream whose state can be copied.
type cloner struct {
	stream
	source provider.Cloner
}

// Clone copies the state at once; the copy is slow too.
func (c *cloner) Clone() (provider.Stream, error) {
	s, err := c.source.Clone()
	return c.provider.stream(s), err
}
