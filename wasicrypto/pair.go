package wasicrypto

import (
	"context"
	"crypto"
	"sync"
	"sync/atomic"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/secmem"
)

// private is a secret key with its public half: in this process, parsed once, or with its
// keeper. Pairs, secret keys and signature states share one, and it goes with the last of them.
// It does not change and is safe for concurrent use.
type private struct {
	guest   *algorithm.Guest
	public  crypto.PublicKey
	local   crypto.PrivateKey   // nil if the keeper has it
	managed claviger.ManagedKey // nil if it is here
	charge  charge
	refs    atomic.Int32
}

// newLocal takes a parsed key: overflow over the guest's budget, and then the key is wiped.
func newLocal(b *budget, g *algorithm.Guest, key crypto.PrivateKey) (*private, error) {
	p := &private{guest: g, public: g.Key.PublicOf(key), local: key}
	p.refs.Store(1)
	if e := p.charge.hold(b, keyCost(g)); e != success {
		p.release()
		return nil, e
	}
	return p, nil
}

// newManaged takes a key of a keeper and what has been charged for it; it lets go of both on an
// error. not_found for a symmetric key, which is no pair, unsupported_algorithm for a keeper
// that knows more algorithms.
func newManaged(paid charge, k claviger.ManagedKey) (*private, error) {
	p := &private{managed: k, charge: paid}
	p.refs.Store(1)
	err := p.learn()
	if err != nil {
		p.release()
		return nil, err
	}
	return p, nil
}

// learn fills in what a managed key says of itself.
func (p *private) learn() error {
	if p.managed.Type() == claviger.GuestSymmetric {
		return notFound
	}
	var known bool
	if p.guest, known = algorithm.LookupGuest(p.managed.Type(), string(p.managed.Algorithm())); !known {
		return unsupportedAlgorithm
	}
	var err error
	if p.public, err = p.guest.Key.ParsePublic(p.managed.Public()); err != nil {
		return internalError
	}
	return nil
}

// pay charges the guest for a key before the keeper makes it durable: overflow over the budget.
func (c *call) pay(g *algorithm.Guest) (paid charge, e errno) {
	e = paid.hold(&c.guest.budget, keyCost(g))
	return paid, e
}

// takeManaged is newManaged for what a keeper answered to a call that was paid for.
func takeManaged(paid charge, k claviger.ManagedKey, err error) (*private, error) {
	if err != nil {
		paid.release()
		return nil, err
	}
	return newManaged(paid, k)
}

// keyCost estimates what a parsed key takes of host memory, in bytes: expanded forms are many
// times longer than encodings.
func keyCost(g *algorithm.Guest) int {
	if n := g.Key.RawSize(claviger.PublicKey); n != 0 {
		return 32 * n
	}
	return 4 * g.Key.Bits
}

// share takes one more reference.
func (p *private) share() *private {
	p.refs.Add(1)
	return p
}

// release drops a reference. The last one wipes what is here and lets go of what the keeper
// has.
func (p *private) release() {
	if p.refs.Add(-1) != 0 {
		return
	}
	p.charge.release()
	if p.managed != nil {
		_ = p.managed.Close() // nothing is kept behind it that a guest could ask for again
		return
	}
	algorithm.Wipe(p.local)
}

// sign gives the raw signature of what a message's input is: the digest, or the message where
// the algorithm takes it whole.
func (p *private) sign(ctx context.Context, in []byte) ([]byte, error) {
	if p.managed != nil {
		return p.managed.Sign(ctx, in, p.guest.Use.Digest != "")
	}
	return p.guest.Use.Sign(p.local, nil, in, false)
}

// agree gives the shared secret with a public key of the same algorithm, which the caller owns
// and wipes.
func (p *private) agree(ctx context.Context, peer *publicKey) ([]byte, error) {
	if p.managed == nil {
		return p.guest.Use.Agree(p.local, peer.key)
	}
	der, err := peer.guest.Key.MarshalPublic(peer.key)
	if err != nil {
		return nil, err
	}
	return p.managed.Agree(ctx, der)
}

// decapsulate gives the shared secret in a ciphertext of the right length, which the caller
// owns and wipes.
func (p *private) decapsulate(ctx context.Context, ciphertext []byte) ([]byte, error) {
	if p.managed != nil {
		return p.managed.Decapsulate(ctx, ciphertext)
	}
	return p.guest.Use.Decapsulate(p.local, ciphertext)
}

// withKey calls fn with the key itself, for an export: prohibited_operation if its keeper does
// not give it out. What came from the keeper is wiped; fn keeps nothing of the key.
func (p *private) withKey(ctx context.Context, fn func(crypto.PrivateKey) ([]byte, error)) ([]byte, error) {
	if p.managed == nil {
		return fn(p.local)
	}
	der, err := p.managed.Export(ctx)
	if err != nil {
		return nil, err
	}
	defer secmem.Wipe(der)
	key, err := p.guest.Key.ParsePrivate(der)
	if err != nil {
		return nil, internalError
	}
	defer algorithm.Wipe(key)
	return fn(key)
}

// store makes a key from here a managed one by fn, which hands it to its keeper and does not
// let it out again. prohibited_operation for one that is managed already: it has an identifier.
func (p *private) store(paid charge, fn func(claviger.ManagedMaterial) (claviger.ManagedKey, error)) (*private, error) {
	if p.managed != nil {
		paid.release()
		return nil, prohibitedOperation
	}
	der, err := p.guest.Key.MarshalPrivate(p.local)
	if err != nil {
		paid.release()
		return nil, err
	}
	defer secmem.Wipe(der)
	k, err := fn(claviger.ManagedMaterial{Type: p.guest.Type, Algorithm: p.guest.Name, Key: der})
	return takeManaged(paid, k, err)
}

// keyPair is a pair's handle. Storing and replacing put another private in its place. Safe for
// concurrent use.
type keyPair struct {
	changing sync.Mutex // held while the pair is stored or replaces another, so that no two calls store it

	mu      sync.Mutex
	private *private // guarded by mu; never nil
}

// take gives the private with a reference that the caller releases.
func (k *keyPair) take() *private {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.private.share()
}

// become puts another private, whose reference it takes over, in place of the one that was.
func (k *keyPair) become(p *private) {
	k.mu.Lock()
	old := k.private
	k.private = p
	k.mu.Unlock()
	old.release()
}

func (k *keyPair) close() { k.private.release() }

// secretKey is the handle of a secret key. It does not change.
type secretKey struct{ private *private }

func (s *secretKey) close() { s.private.release() }

// publicKey is the handle of a public key, parsed once. Verification states share it, and it goes with the last of them. It does not
// change and is safe for concurrent use.
type publicKey struct {
	guest  *algorithm.Guest
	key    crypto.PublicKey
	charge charge
	shares atomic.Int32 // beside the first
}

// share takes one more reference, which close gives back.
func (k *publicKey) share() *publicKey {
	k.shares.Add(1)
	return k
}

func (k *publicKey) close() {
	if k.shares.Add(-1) < 0 {
		k.charge.release()
	}
}

// pair calls fn with what the pair at argument i is at this moment.
func (c *call) pair(i int, fn func(*private) errno) errno {
	return use(&c.guest.table, c.u32(i), func(k *keyPair) errno {
		p := k.take()
		defer p.release()
		return fn(p)
	})
}

// givePair gives a pair its handle, taking over the reference, or the errno of why there is
// none.
func (c *call) givePair(to out, p *private, err error) errno {
	if err != nil {
		return signal(err)
	}
	return c.give(to, &keyPair{private: p})
}

// givePublic gives a public key its handle.
func (c *call) givePublic(to out, g *algorithm.Guest, key crypto.PublicKey) errno {
	k := &publicKey{guest: g, key: key}
	if e := k.charge.hold(&c.guest.budget, keyCost(g)); e != success {
		return e
	}
	return c.give(to, k)
}
