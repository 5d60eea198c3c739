package client

import (
	"context"
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

	making sync.Mutex // held while one is made, so that each is made once; before mu

	mu     sync.Mutex // guards the rest; never held during a call
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
	v.making.Lock()
	defer v.making.Unlock()
	return v.keyLocked(ctx)
}

// keyLocked is key for callers that hold making.
func (v *variants) keyLocked(ctx context.Context) (KeySource, error) {
	loaded, _, err := v.have(use{})
	if err != nil {
		return nil, err
	}
	if _, isKey := v.from.(*Key); isKey {
		return v.from, nil
	}
	if loaded != nil {
		return loaded, nil
	}
	k, err := v.cc.load(ctx, v.from, v.timeout)
	if err != nil {
		return nil, err
	}
	if err := v.keep(func() { v.loaded = k }); err != nil {
		_ = k.Close() // goes with the crypto context at the latest
		return nil, err
	}
	return k, nil
}

// get gives the context for a use, a new one if there is none or a timeout has spoilt it.
func (v *variants) get(ctx context.Context, u use) (*operation, error) {
	v.making.Lock()
	defer v.making.Unlock()
	key, err := v.keyLocked(ctx)
	if err != nil {
		return nil, err
	}
	_, o, err := v.have(u)
	if err != nil {
		return nil, err
	}
	if o != nil {
		if o.state.Load() == stateLive {
			return o, nil
		}
		for _, h := range o.end(nil) {
			v.cc.abandon(h) // the next call takes it along
		}
	}
	o, err = v.cc.create(ctx, v.timeout, key, &pb.CreateContextRequest{
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
	note := func() {
		if v.made == nil {
			v.made = make(map[use]*operation)
		}
		v.made[u] = o
	}
	if err := v.keep(note); err != nil {
		_ = o.Close() // goes with the crypto context at the latest
		return nil, err
	}
	return o, nil
}

// have gives what was made already: the key, and the context for a use.
func (v *variants) have(u use) (*Key, *operation, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed {
		return nil, nil, errClosed("adapter", "context")
	}
	return v.loaded, v.made[u], nil
}

// keep notes what was made, unless the variants were closed meanwhile.
func (v *variants) keep(note func()) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed {
		return errClosed("adapter", "context")
	}
	note()
	return nil
}

// end closes the variants for their callers and adds the handles of all that was made, which
// the caller releases, to handles; not twice. It does not wait for one that is being made.
func (v *variants) end(handles []uint64) []uint64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.closed = true
	for _, o := range v.made {
		handles = o.end(handles)
	}
	if v.loaded != nil {
		handles = v.loaded.end(handles)
	}
	v.made, v.loaded = nil, nil
	return handles
}
