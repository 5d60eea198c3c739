// Package secrets keeps bytes for tenants: under random identifiers, in versions, until they expire; managed keys in the
// same way, which do not expire; and seals capsules that the tenants keep themselves. It stands on package store, which makes records durable and sealed, and on a clock
// of its own that a changed wall clock does not fool.
//
// Rules: an identifier means something only to the tenant that owns it. Versions count from 1 and no number is ever
// given twice. The latest version is the highest that was ever made: it never falls back to an older one. What a call
// has changed is durable when it returns. docs/STORE.md shows the layouts.
package secrets

import (
	"context"
	"crypto/rand"
	"math"
	"sync"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/secmem"
	"github.com/claviger/claviger/internal/store"
)

// Limits bound what one tenant may keep. Zero means the default named here. What is over a limit is refused with
// ErrQuotaExceeded, and nothing is stored.
type Limits struct {
	Secrets  int   // identifiers of secrets and managed keys together; default 1,048,576
	Bytes    int64 // of all versions of all of them, without overhead; default 1 GiB
	Versions int   // of one secret or key, and of the key-encryption key, kept at once; default 10,000
}

// withDefaults fills in what is zero or negative.
func (l Limits) withDefaults() Limits {
	if l.Secrets <= 0 {
		l.Secrets = 1 << 20
	}
	if l.Bytes <= 0 {
		l.Bytes = 1 << 30
	}
	if l.Versions <= 0 {
		l.Versions = 10_000
	}
	return l
}

// Retention is how long an expired version, and the trace of a secret that is wholly invalidated, are kept before they
// are swept: until then a read says expired, and after that not found.
const Retention = 30 * 24 * time.Hour

// Config is what a Manager works with.
type Config struct {
	Store     *store.DB     // stays the caller's
	Time      Source        // zero: the machine's clocks
	Limits    Limits        // of each tenant
	Retention time.Duration // whole seconds; 0: the constant of that name
}

// Manager keeps the secrets of all tenants. Safe for concurrent use. A ctx that ends while an update is being made
// durable gives ErrOperationTimedOut, and the outcome is unknown; errors of the store pass through.
type Manager struct {
	store     *store.DB
	limits    Limits
	retention uint64
	clock     *clock

	mu     sync.Mutex
	known  map[string]bool // names of tenants that the configuration has; nil for any; guarded by mu
	cursor string          // where the sweep goes on; guarded by mu
}

// Open makes a manager over a store that is open. A store without a clock's mark gets one. ctx bounds that write.
func Open(ctx context.Context, c Config) (*Manager, error) {
	if c.Time.Wall == nil {
		c.Time = machine()
	}
	if c.Retention <= 0 {
		c.Retention = Retention
	}
	m := &Manager{store: c.Store, limits: c.Limits.withDefaults(), retention: uint64(c.Retention / time.Second)}
	var err error
	m.clock, err = openClock(ctx, c.Store, c.Time)
	return m, err
}

// Close makes the clock's state durable. The manager must not be used afterwards. ctx bounds the write.
func (m *Manager) Close(ctx context.Context) error { return m.clock.persist(ctx) }

// checkSize refuses a secret that is too long.
func checkSize(op string, secret []byte) error {
	if len(secret) > claviger.MaxSecret {
		return claviger.Errorf(claviger.ErrQuotaExceeded, op, "a secret of %d bytes; the limit is %d", len(secret), claviger.MaxSecret)
	}
	return nil
}

// expired compares unsigned; a secret has expired when its second has begun.
func expired(now, expires uint64) bool { return now >= expires }

// later adds without overflow.
func later(at, span uint64) uint64 {
	if at > math.MaxUint64-span {
		return math.MaxUint64
	}
	return at + span
}

// random fills a value with random bytes.
func random[T ~[16]byte | ~[24]byte | ~[32]byte]() (v T) {
	b := make([]byte, len(v))
	_, _ = rand.Read(b) // never fails
	for i := range b {
		v[i] = b[i]
	}
	secmem.Wipe(b)
	return v
}

// errNotFound is the one answer for an identifier or version that is not there, or not this tenant's.
func errNotFound(op string) error {
	return claviger.Errorf(claviger.ErrSecretNotFound, op, "no such identifier or version")
}

// errExpired is the answer for what is there and over.
func errExpired(op string) error {
	return claviger.Errorf(claviger.ErrSecretExpired, op, "the secret has expired")
}
