package operation

import (
	"sync"
	"sync/atomic"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/provider"
)

// MaxOutput is the most that an extendable-output hash or a random generator gives in one call, in bytes.
const MaxOutput = 1 << 20

// Budget is the share of memory that a context's caller has. Reserve is ErrQuotaExceeded when there is not enough.
type Budget interface {
	Reserve(n int64) error
	Unreserve(n int64)
}

// Context is one operation with one key, made once and used for any number of messages, one after the other; OneShot
// calls may run at the same time. Every call takes the grant that holds at the moment of the call. Small calls
// allocate nothing where the provider allocates nothing.
type Context struct {
	engine *Engine
	info   ContextInfo
	row    *algorithm.Row
	op     provider.Op
	need   claviger.Permission // demanded by every call; 0 for keyless work
	runner provider.Operator   // the key in its provider, or the provider
	key    *Key                // nil for keyless work
	params provider.Params     // what is the same for every message; shared with providers, which only read it
	cost   provider.Cost
	budget Budget

	verifyOnly bool // a MAC context that may only compare

	state atomic.Uint32
	refs  atomic.Int64 // one of the context itself, one of each running call
	held  atomic.Int64 // bytes of the message under way that are kept and charged

	busy    sync.Mutex      // held by the streaming call that runs; guards what follows
	stream  provider.Stream // kept between messages where Reset can start it again
	message int64           // bytes that were taken of the message under way
}

// ContextInfo describes a context. Sizes are in bytes.
type ContextInfo struct {
	Kind        claviger.ContextKind
	Algorithm   claviger.Algorithm // canonical
	Provider    claviger.ProviderID
	Size        int   // digest, code, signature; 0 if it depends
	Block       int   // block of a cipher; 1 for stream ciphers and AEADs
	IV          int   // IV or nonce
	Tag         int   // AEAD tag
	MaxMessage  int64 // 0: no limit
	DaemonNonce bool  // encrypting with a slot's key: the nonce is drawn here and given back
	CallerNonce bool  // encrypting with an AEAD: the nonce is the caller's choice
	Gathers     bool  // nothing is given before Finalize, and the message is held until then
}

// Info describes the context.
func (c *Context) Info() ContextInfo { return c.info }

// Key gives the key that the context works with, nil for keyless work. It lives as long as the context.
func (c *Context) Key() *Key { return c.key }

// Needs gives the permission that every call demands; 0 for keyless work.
func (c *Context) Needs() claviger.Permission { return c.need }

// Cost says where a call with n more bytes may run: long work and slow mechanisms belong into a pool.
func (c *Context) Cost(n int) provider.Cost {
	if c.cost == provider.Pool || int64(n)+c.held.Load() > provider.InlineBytes {
		return provider.Pool
	}
	return provider.Inline
}

// permit demands the grant of a call, and that the key was not destroyed.
func (c *Context) permit(g policy.Grant, op string) error {
	if c.need == 0 {
		return g.DemandOpen(op)
	}
	if err := g.Demand(op, c.need); err != nil {
		return err
	}
	return c.key.alive(op)
}

// verifies reports whether the context answers yes or no.
func (c *Context) verifies() bool { return c.op == provider.Verify || c.op == provider.VerifyDigest }

// call is what one call needs beside its arguments. Calls are pooled so that small ones allocate nothing.
type call struct {
	params  provider.Params
	scratch [64]byte // the longest code of a MAC
}

// takeCall gives a call that begins with what is the same for every message of c. giveCall puts it back.
func (e *Engine) takeCall(c *Context) *call {
	x := e.calls.Get().(*call)
	x.params = c.params
	return x
}

// giveCall wipes a call and puts it back.
func (e *Engine) giveCall(x *call) {
	x.params = provider.Params{}
	clear(x.scratch[:])
	e.calls.Put(x)
}
