package secrets

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/claviger/claviger/internal/store"
)

// A tenant's secrets and managed keys are gone through in parts, by the first two characters of their random identifiers, so that no
// look at the store is long.
const (
	parts      = 256
	sweepHeads = 4096 // objects that one Tick looks at before it stops, about
	sweepBatch = 64   // objects that are swept in one update
)

func partName(part int) string { return fmt.Sprintf("%02x", part) }

// TickEvery is how many seconds should lie between two Ticks.
const TickEvery = 60

// Tick does what time asks for; the daemon calls it again and again. It makes the trusted time durable when that has
// grown old, and sweeps some of what expired, or was wholly invalidated, longer than the retention ago: it leaves the
// store, and a read says not found. While the wall clock is ahead and not believed, nothing is swept. The number of
// secrets that lost something is returned.
func (m *Manager) Tick(ctx context.Context) (swept int, err error) {
	if m.clock.stale() {
		if err := m.clock.persist(ctx); err != nil {
			return 0, err
		}
	}
	if m.clock.look().ahead {
		return 0, nil
	}
	todo, err := m.todo()
	if err != nil {
		return 0, err
	}
	for seen, i := 0, 0; i < len(todo) && seen < sweepHeads; i++ {
		n, looked, err := m.sweepPart(ctx, todo[i])
		swept, seen = swept+n, seen+looked
		if err != nil {
			return swept, err
		}
		m.mu.Lock()
		m.cursor = todo[i]
		m.mu.Unlock()
	}
	return swept, nil
}

// todo lists the parts of all tenants, beginning after the one that was swept last.
func (m *Manager) todo() ([]string, error) {
	m.mu.Lock()
	cursor := m.cursor
	m.mu.Unlock()
	var after, before []string
	err := m.store.View(func(tx *store.Tx) error {
		list, err := owners(tx)
		for _, a := range list {
			if a.secrets+a.buried == 0 {
				continue
			}
			for part := range parts {
				if p := a.id.String() + "/" + partName(part); p > cursor {
					after = append(after, p)
				} else {
					before = append(before, p)
				}
			}
		}
		return err
	})
	return append(after, before...), err
}

// sweepPart sweeps the objects whose records' names begin with a prefix. looked is how many there are.
func (m *Manager) sweepPart(ctx context.Context, prefix string) (swept, looked int, err error) {
	due, looked, err := m.due(prefix)
	for len(due) > 0 && err == nil {
		batch := due[:min(len(due), sweepBatch)]
		due = due[len(batch):]
		err = m.store.Update(ctx, func(tx *store.Tx) error {
			for _, key := range batch {
				if err := m.sweep(tx, key); err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil {
			swept += len(batch)
		}
	}
	return swept, looked, err
}

// due lists the heads of which something is to be swept. A damaged one is left to the administrator.
func (m *Manager) due(prefix string) (keys []store.Key, looked int, err error) {
	now := m.clock.look().steady
	err = m.store.View(func(tx *store.Tx) error {
		a, err := accountAt(tx, prefix)
		if err != nil {
			return err
		}
		for _, kind := range kinds() {
			n, err := m.dueOf(tx, a, kind, prefix, now, &keys)
			looked += n
			if err != nil {
				return err
			}
		}
		return nil
	})
	return keys, looked, err
}

// dueOf is due for the objects of one kind.
func (m *Manager) dueOf(tx *store.Tx, a *account, kind store.Kind, prefix string, now uint64, keys *[]store.Key) (looked int, err error) {
	for key, err := range tx.Keys(kind, prefix) {
		if errors.Is(err, store.ErrDamaged) || err == nil && key.Version != 0 {
			continue
		}
		if err != nil {
			return looked, err
		}
		looked++
		if h, err := read(tx, key, headSchema, decodeHead); err == nil && m.sweepable(a, kind, h, now) {
			*keys = append(*keys, key)
		}
	}
	return looked, nil
}

// accountAt gives the account of the tenant with whose identity a record's name begins.
func accountAt(tx *store.Tx, name string) (*account, error) {
	owner, _, _ := strings.Cut(name, "/")
	t, err := parseTenantID(owner)
	if err != nil {
		return nil, err
	}
	return accountOf(tx, t)
}

// sweepable tells whether something of an object is over long enough.
func (m *Manager) sweepable(a *account, kind store.Kind, h head, now uint64) bool {
	if len(h.kept) == 0 {
		return expired(now, later(h.died, m.retention))
	}
	for _, e := range h.kept {
		if m.spent(a, kind, e, now) {
			return true
		}
	}
	return false
}

// spent tells whether a version is over long enough: it expired, or it is a managed key, which does not expire, and its
// tenant was retired. A retired tenant does not come back, so that nobody could use the key again.
func (m *Manager) spent(a *account, kind store.Kind, e entry, now uint64) bool {
	return expired(now, later(e.expires, m.retention)) ||
		kind == store.KindManaged && a.retired != 0 && expired(now, later(a.retired, m.retention))
}

// sweep deletes the versions of one object that are over long enough, or its tombstone. The object may have changed
// since it was found due.
func (m *Manager) sweep(tx *store.Tx, key store.Key) error {
	moment := m.clock.look()
	a, err := accountAt(tx, key.Name)
	if err != nil {
		return err
	}
	h, err := read(tx, key, headSchema, decodeHead)
	if absent(err) || err == nil && (moment.ahead || !m.sweepable(a, key.Kind, h, moment.steady)) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(h.kept) == 0 {
		a.buried -= min(a.buried, 1)
		if err := tx.Delete(key); err != nil {
			return err
		}
		return a.save()
	}
	_, id, _ := strings.Cut(key.Name, "/")
	return m.destroy(a, object{key.Kind, secretID(id)}, h, func(e entry) bool { return m.spent(a, key.Kind, e, moment.steady) })
}
