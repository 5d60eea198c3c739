package operation

import (
	"crypto/rand"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/store"
)

// Member is a configured provider.
type Member struct {
	ID       claviger.ProviderID   // 1 to 65535, unique
	Name     string                // unique
	Kind     claviger.ProviderKind // Hardware or Software
	Provider provider.Provider     // nil if it could not be opened
	Reason   string                // why Provider is nil
}

// Config is what an Engine works with.
type Config struct {
	Providers []Member         // in the configured order; the engine does not close them
	Store     *store.DB        // the engine does not close it
	Clock     func() time.Time // nil: time.Now
	Rand      io.Reader        // nonces and identifiers; nil: crypto/rand. Safe for concurrent use.
}

// Engine runs the verbs.
type Engine struct {
	members []*member
	store   *store.DB
	clock   func() time.Time
	rand    io.Reader
	calls   sync.Pool // *call

	mu     sync.Mutex
	loaded map[loadedID]*Key // keys of slots in memory; guarded by mu
	live   atomic.Int64      // keys that are open in a provider
}

// New makes an engine. Two members with one number or name, or a number of zero, are ErrInvalidArgument.
func New(c Config) (*Engine, error) {
	e := &Engine{store: c.Store, clock: c.Clock, rand: c.Rand, loaded: make(map[loadedID]*Key)}
	if e.clock == nil {
		e.clock = time.Now
	}
	if e.rand == nil {
		e.rand = rand.Reader
	}
	e.calls.New = func() any { return new(call) }
	for _, m := range c.Providers {
		if m.ID == 0 {
			return nil, claviger.Errorf(claviger.ErrInvalidArgument, "provider", "provider %q has the number 0; numbers are 1 to 65535", m.Name)
		}
		for _, other := range e.members {
			if other.ID == m.ID || other.Name == m.Name {
				return nil, claviger.Errorf(claviger.ErrInvalidArgument, "provider", "providers %q and %q share a number or a name", other.Name, m.Name)
			}
		}
		e.members = append(e.members, &member{Member: m})
	}
	return e, nil
}

// Now is the engine's clock.
func (e *Engine) Now() time.Time { return e.clock() }

// LiveKeys is the number of keys that are open in providers, those of slots included.
func (e *Engine) LiveKeys() int64 { return e.live.Load() }

// LoadedSlots is the number of slot keys in memory: one for each version of a slot and provider that is in use.
func (e *Engine) LoadedSlots() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.loaded)
}
