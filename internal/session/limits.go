package session

import (
	"sync"
	"sync/atomic"

	"github.com/claviger/claviger"
)

// Limits bound what one tenant may have at once, over all its sessions. Zero means the default named here. What is
// over a limit is refused with ErrQuotaExceeded before any work is done.
type Limits struct {
	Sessions    int   // default 64
	Connections int   // default 256
	Handles     int   // open handles of all kinds; default 4096
	Keys        int   // live keys held by handles; default 1024
	InFlight    int   // calls that run or wait; default 1024
	HeldBytes   int64 // messages and control bodies that the daemon holds; default 256 MiB
	RegionBytes int64 // shared regions; default 512 MiB
	Slow        int   // slow operations that run at once; default 4. The server's pool enforces it.
	Secrets     int   // stored secrets; default and enforcement are package secrets'
	SecretBytes int64 // of all their versions; the same
}

// withDefaults fills in what is zero or negative.
func (l Limits) withDefaults() Limits {
	ints := []struct {
		field *int
		value int
	}{{&l.Sessions, 64}, {&l.Connections, 256}, {&l.Handles, 4096}, {&l.Keys, 1024}, {&l.InFlight, 1024}, {&l.Slow, 4}}
	for _, d := range ints {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	if l.HeldBytes <= 0 {
		l.HeldBytes = 256 << 20
	}
	if l.RegionBytes <= 0 {
		l.RegionBytes = 512 << 20
	}
	return l
}

// tenant counts what all sessions of one tenant hold. Safe for concurrent use.
type tenant struct {
	name   string
	limits *Limits

	sessions, connections, handles, keys, contexts, inFlight, held, regions atomic.Int64

	generation atomic.Uint64 // raised by each policy that does not know the tenant

	frames atomic.Uint64
	mu     sync.RWMutex
	byOp   map[string]*atomic.Uint64 // guarded by mu; entries are never removed
}

// take raises a counter by n, or refuses with ErrQuotaExceeded and changes nothing.
func (t *tenant) take(counter *atomic.Int64, n, limit int64, what string) error {
	for {
		have := counter.Load()
		if n > limit-have {
			return claviger.Errorf(claviger.ErrQuotaExceeded, "limit", "%d more %s would exceed the limit of %d; %d are in use", n, what, limit, have)
		}
		if counter.CompareAndSwap(have, have+n) {
			return nil
		}
	}
}

// takeHandle counts a handle that is about to be given.
func (t *tenant) takeHandle() error {
	return t.take(&t.handles, 1, int64(t.limits.Handles), "handles")
}

// takeKey counts a live key that a handle is about to hold.
func (t *tenant) takeKey() error {
	return t.take(&t.keys, 1, int64(t.limits.Keys), "live keys")
}

// Reserve charges held bytes. It makes the tenant the budget of its contexts.
func (t *tenant) Reserve(n int64) error {
	if n < 0 {
		return claviger.Errorf(claviger.ErrInvalidArgument, "limit", "a negative number of bytes")
	}
	return t.take(&t.held, n, t.limits.HeldBytes, "held bytes")
}

// Unreserve gives back what Reserve charged.
func (t *tenant) Unreserve(n int64) { t.held.Add(-n) }

// count notes one request.
func (t *tenant) count(op string) {
	t.frames.Add(1)
	t.mu.RLock()
	n := t.byOp[op]
	t.mu.RUnlock()
	if n == nil {
		n = t.newCount(op)
	}
	n.Add(1)
}

// newCount makes the counter of an operation that was not counted before.
func (t *tenant) newCount(op string) *atomic.Uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byOp[op] == nil {
		t.byOp[op] = new(atomic.Uint64)
	}
	return t.byOp[op]
}

// operations gives the requests by operation.
func (t *tenant) operations() map[string]uint64 {
	t.mu.RLock()
	defer t.mu.RUnlock()
	m := make(map[string]uint64, len(t.byOp))
	for op, n := range t.byOp {
		m[op] = n.Load()
	}
	return m
}
