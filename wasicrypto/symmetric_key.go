package wasicrypto

import (
	"context"
	"io"
	"sync"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/secmem"
	"github.com/claviger/claviger/internal/symmetric"
)

// symmetricKey is a key for one algorithm: local, with its bytes in this process, or managed, with its keeper. A local one
// becomes a managed one when it is stored. Safe for concurrent use.
type symmetricKey struct {
	guest *algorithm.Guest

	mu      sync.RWMutex
	charge  charge              // guarded by mu
	local   *secmem.Bytes       // guarded by mu; nil if managed
	managed claviger.ManagedKey // guarded by mu; nil if local
}

// symmetricNamed finds a symmetric algorithm: unsupported_algorithm if there is none of the name.
func symmetricNamed(name string) (*algorithm.Guest, errno) {
	g, ok := algorithm.LookupGuest(claviger.GuestSymmetric, name)
	if !ok {
		return nil, unsupportedAlgorithm
	}
	return g, success
}

// newSymmetricKey copies a local key. invalid_key for a length that the algorithm does not take, key_not_supported if it takes none.
func newSymmetricKey(b *budget, g *algorithm.Guest, key []byte) (*symmetricKey, errno) {
	if err := symmetric.CheckKey(g, len(key)); err != nil {
		return nil, signal(err)
	}
	k := &symmetricKey{guest: g}
	if e := k.charge.hold(b, len(key)); e != success {
		return nil, e
	}
	var err error
	if k.local, err = secmem.From(key); err != nil {
		k.charge.release()
		return nil, algorithmFailure
	}
	return k, success
}

// managedSymmetric wraps a managed key. One that is no symmetric key is closed: not_found, for its identifier stands for something else.
func managedSymmetric(m claviger.ManagedKey) (*symmetricKey, errno) {
	g, ok := algorithm.LookupGuest(claviger.GuestSymmetric, string(m.Algorithm()))
	if m.Type() != claviger.GuestSymmetric || !ok {
		_ = m.Close()
		return nil, notFound
	}
	return &symmetricKey{guest: g, managed: m}, success
}

// generateSymmetric draws the bytes of a key, from random if it is not nil; rng_error if that fails.
func generateSymmetric(g *algorithm.Guest, random io.Reader) ([]byte, errno) {
	if random == nil {
		key, err := symmetric.GenerateKey(g)
		return key, signal(err)
	}
	if err := symmetric.CheckKey(g, g.DefaultKey); err != nil {
		return nil, signal(err)
	}
	return draw(random, g.DefaultKey)
}

// draw reads n random bytes: rng_error if that fails.
func draw(random io.Reader, n int) ([]byte, errno) {
	b := make([]byte, n)
	if _, err := io.ReadFull(random, b); err != nil {
		return nil, rngError
	}
	return b, success
}

// open opens a state with the key, where the key is.
func (k *symmetricKey) open(ctx context.Context, o claviger.StateOptions) (claviger.SymmetricState, error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.managed != nil {
		return k.managed.OpenState(ctx, o)
	}
	return symmetric.Open(k.guest, k.bytes(), o)
}

// size is how many bytes of the key a state has here; none of a managed key, or of no key, which is nil.
func (k *symmetricKey) size() int {
	if k == nil {
		return 0
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.local.Len()
}

// bytes gives a local key, never nil. k.mu is held.
func (k *symmetricKey) bytes() []byte {
	if b := k.local.Bytes(); b != nil {
		return b
	}
	return []byte{}
}

// export gives the key's bytes, which the caller owns and wipes; prohibited_operation if its keeper does not give it out.
func (k *symmetricKey) export(ctx context.Context) ([]byte, error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.managed != nil {
		return k.managed.Export(ctx)
	}
	return append([]byte{}, k.bytes()...), nil
}

// isManaged gives the managed key, nil for a local one. It stays usable until the key is closed.
func (k *symmetricKey) isManaged() claviger.ManagedKey {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.managed
}

// store makes a local key a managed one, and gives its identifier. prohibited_operation for one that is managed already: it has an identifier.
func (k *symmetricKey) store(ctx context.Context, m Managed) (string, errno) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.managed != nil {
		return "", prohibitedOperation
	}
	stored, err := m.StoreKey(ctx, k.material())
	if err != nil {
		return "", signal(err)
	}
	k.become(stored)
	return stored.ID(), success
}

// replace makes the key the next version of another one's identifier, and gives the version.
func (k *symmetricKey) replace(ctx context.Context, m Managed, id string) (uint64, errno) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var next claviger.ManagedKey
	var err error
	if k.managed != nil {
		next, err = m.ReplaceKeyWith(ctx, id, k.managed)
	} else {
		next, err = m.ReplaceKey(ctx, id, k.material())
	}
	if err != nil {
		return 0, signal(err)
	}
	k.become(next)
	return next.Version(), success
}

// material is a local key on its way to the keeper. k.mu is held.
func (k *symmetricKey) material() claviger.ManagedMaterial {
	return claviger.ManagedMaterial{Type: claviger.GuestSymmetric, Algorithm: k.guest.Name, Key: k.bytes()}
}

// become lets the handle stand for a managed key, and wipes what it stood for. k.mu is held for writing.
func (k *symmetricKey) become(m claviger.ManagedKey) {
	k.forget()
	k.managed = m
}

// forget wipes a local key and lets go of a managed one. k.mu is held for writing.
func (k *symmetricKey) forget() {
	k.local.Close()
	k.charge.release()
	if k.managed != nil {
		_ = k.managed.Close()
	}
	k.local, k.managed = nil, nil
}

func (k *symmetricKey) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forget()
}
