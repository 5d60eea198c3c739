package client

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/claviger/claviger"
	pb "github.com/claviger/claviger/proto"
)

// variants makes the further contexts that an adapter to a standard interface needs, as they
// are needed, all on one key. A slot is loaded once, so that a rotation never puts another key
// under a public key that was handed out.
type variants struct {
	cc       *CryptoContext
	from     KeySource
	provider ProviderSelector
	timeout  time.Duration

	mu     sync.Mutex // guards the rest; held while one is made
	loaded *Key       // of a slot, loaded by the first adapter
	made   map[use]*operation
	closed bool
}

// use is what a context is made for.
type use struct {
	kind      claviger.ContextKind
	algorithm claviger.Algorithm
	direction claviger.Direction
	digest    bool
	der       bool
}

// newVariants makes nothing yet and calls nobody.
func newVariants(cc *CryptoContext, key KeySource, provider ProviderSelector, timeout time.Duration) *variants {
	return &variants{cc: cc, from: key, provider: provider, timeout: timeout}
}

// key gives the key that all variants work with.
func (v *variants) key(ctx context.Context) (KeySource, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.keyLocked(ctx)
}

// keyLocked is key for callers that hold mu.
func (v *variants) keyLocked(ctx context.Context) (KeySource, error) {
	if v.closed {
		return nil, errClosed("adapter", "context")
	}
	if _, isKey := v.from.(*Key); isKey {
		return v.from, nil
	}
	if v.loaded == nil {
		k, err := v.cc.load(ctx, v.from, v.timeout)
		if err != nil {
			return nil, err
		}
		v.loaded = k
	}
	return v.loaded, nil
}

// get gives the context for a use, a new one if there is none or a timeout has spoilt it.
func (v *variants) get(ctx context.Context, u use) (*operation, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	key, err := v.keyLocked(ctx)
	if err != nil {
		return nil, err
	}
	if o := v.made[u]; o != nil {
		if o.state.Load() == stateLive {
			return o, nil
		}
		_ = o.Close() // what it held goes with the crypto context at the latest
	}
	o, err := v.cc.create(ctx, v.timeout, key, &pb.CreateContextRequest{
		Kind:      uint32(u.kind),
		Algorithm: string(u.algorithm),
		Direction: uint32(u.direction),
		Provider:  v.provider.message(),
		Digest:    u.digest,
		Der:       u.der,
	})
	if err != nil {
		return nil, err
	}
	if v.made == nil {
		v.made = make(map[use]*operation)
	}
	v.made[u] = o
	return o, nil
}

// Close releases all that was made. Idempotent.
func (v *variants) Close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.closed = true
	var errs []error
	for _, o := range v.made {
		errs = append(errs, o.Close())
	}
	v.made = nil
	if v.loaded != nil {
		errs = append(errs, v.loaded.Close())
		v.loaded = nil
	}
	return errors.Join(errs...)
}

// closeAll runs all closers and gives the first error.
func closeAll(closers ...func() error) error {
	var first error
	for _, c := range closers {
		if err := c(); err != nil && first == nil {
			first = err
		}
	}
	return first
}
