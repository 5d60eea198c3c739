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

// member is a provider with its mechanisms indexed.
type member struct {
	Member
	rows map[mechanismID]provider.Mechanism
	keys map[claviger.Algorithm]bool // key algorithms that some mechanism works with

	states map[claviger.Algorithm]bool // symmetric algorithms of wasi-crypto that it runs states of
}

type mechanismID struct {
	op       provider.Op
	alg, key claviger.Algorithm
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
		e.members = append(e.members, newMember(m))
	}
	return e, nil
}

// newMember indexes what a provider offers. A provider that is not open offers nothing.
func newMember(m Member) *member {
	x := &member{Member: m, rows: make(map[mechanismID]provider.Mechanism), keys: make(map[claviger.Algorithm]bool)}
	if m.Provider == nil {
		return x
	}
	for _, row := range m.Provider.Mechanisms() {
		x.rows[mechanismID{row.Op, row.Algorithm, row.Key}] = row
		if row.Key != "" {
			x.keys[row.Key] = true
		}
	}
	if p, ok := m.Provider.(provider.StateProvider); ok {
		x.states = make(map[claviger.Algorithm]bool)
		for _, name := range p.States() {
			x.states[name] = true
		}
	}
	return x
}

// available refuses a provider that could not be opened with ErrProviderNotAvailable.
func (m *member) available(op string) error {
	if m.Provider != nil {
		return nil
	}
	return claviger.Errorf(claviger.ErrProviderNotAvailable, op, "provider %d (%s) is not available: %s", m.ID, m.Name, m.Reason)
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

// Providers describes the providers, in the configured order.
func (e *Engine) Providers() []claviger.ProviderInfo {
	list := make([]claviger.ProviderInfo, 0, len(e.members))
	for _, m := range e.members {
		list = append(list, claviger.ProviderInfo{ID: m.ID, Name: m.Name, Kind: m.Kind, Available: m.Provider != nil, Reason: m.Reason})
	}
	return list
}

// member finds a provider by its number; nil if there is none.
func (e *Engine) member(id claviger.ProviderID) *member {
	for _, m := range e.members {
		if m.ID == id {
			return m
		}
	}
	return nil
}
