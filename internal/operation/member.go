package operation

import (
	"sync/atomic"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
)

// member is a configured provider with what it offers indexed.
type member struct {
	Member
	last atomic.Pointer[offer] // the index of what it offered last; nil before the first look
}

// offer is a provider's list of mechanisms, indexed. It never changes: a device that comes back with another list gives
// another offer.
type offer struct {
	of     []provider.Mechanism // what was indexed
	rows   map[mechanismID]provider.Mechanism
	keys   map[claviger.Algorithm]bool // key algorithms that some mechanism works with
	states map[claviger.Algorithm]bool // symmetric algorithms of wasi-crypto that it runs states of
}

type mechanismID struct {
	op       provider.Op
	alg, key claviger.Algorithm
}

// offer gives what the provider offers at this moment. A provider that is not open offers nothing.
func (m *member) offer() *offer {
	if m.Provider == nil {
		return &offer{}
	}
	list := m.Provider.Mechanisms()
	if last := m.last.Load(); last != nil && len(last.of) == len(list) && (len(list) == 0 || &list[0] == &last.of[0]) {
		return last
	}
	fresh := newOffer(list)
	if p, ok := m.Provider.(provider.StateProvider); ok {
		for _, name := range p.States() {
			fresh.states[name] = true
		}
	}
	m.last.Store(fresh)
	return fresh
}

// newOffer indexes a list of mechanisms, which must not change afterwards.
func newOffer(list []provider.Mechanism) *offer {
	o := &offer{of: list, rows: make(map[mechanismID]provider.Mechanism, len(list)), keys: make(map[claviger.Algorithm]bool),
		states: make(map[claviger.Algorithm]bool)}
	for _, row := range list {
		o.rows[mechanismID{row.Op, row.Algorithm, row.Key}] = row
		if row.Key != "" {
			o.keys[row.Key] = true
		}
	}
	return o
}

// row finds a mechanism.
func (m *member) row(op provider.Op, alg, key claviger.Algorithm) (provider.Mechanism, bool) {
	row, ok := m.offer().rows[mechanismID{op, alg, key}]
	return row, ok
}

// health tells how the provider is: one that could not be opened is not available, one that cannot say is.
func (m *member) health() provider.Health {
	if m.Provider == nil {
		return provider.Health{Reason: m.Reason}
	}
	if r, ok := m.Provider.(provider.Reporter); ok {
		return r.Health()
	}
	return provider.Health{Available: true}
}

// available refuses a provider that is not to be had now with ErrProviderNotAvailable. A device that may be back is
// worth a try: its own answer says more.
func (m *member) available(op string) error {
	if h := m.health(); m.Provider == nil || !h.Available && len(m.offer().rows) == 0 {
		return claviger.Errorf(claviger.ErrProviderNotAvailable, op, "provider %d (%s) is not available: %s", m.ID, m.Name, h.Reason)
	}
	return nil
}

// device gives the provider as one that keeps objects; nil if it keeps none.
func (m *member) device() provider.ObjectProvider {
	d, _ := m.Provider.(provider.ObjectProvider)
	return d
}

// Providers describes the providers as they are now, in the configured order.
func (e *Engine) Providers() []claviger.ProviderInfo {
	list := make([]claviger.ProviderInfo, 0, len(e.members))
	for _, m := range e.members {
		h := m.health()
		list = append(list, claviger.ProviderInfo{ID: m.ID, Name: m.Name, Kind: m.Kind, Available: h.Available, Reason: h.Reason,
			Detail: h.Detail, Restarts: h.Restarts})
	}
	return list
}

// Choices is how many providers are configured.
func (e *Engine) Choices() int { return len(e.members) }

// member finds a provider by its number; nil if there is none.
func (e *Engine) member(id claviger.ProviderID) *member {
	for _, m := range e.members {
		if m.ID == id {
			return m
		}
	}
	return nil
}

// keepers are the members whose lasting keys are in the store and nowhere else: managed keys live there.
func (e *Engine) keepers() []*member {
	var list []*member
	for _, m := range e.members {
		if m.device() == nil {
			list = append(list, m)
		}
	}
	return list
}
