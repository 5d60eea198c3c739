package secrets

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/claviger/claviger/internal/store"
)

// A tenant's secrets are gone through in parts, by the first two characters of their random identifiers, so that no
// look at the store is long.
const (
	parts      = 256
	sweepHeads = 4096 // secrets that one Tick looks at before it stops, about
	sweepBatch = 64   // secrets that are swept in one update
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

// sweepPart sweeps the secrets whose records' names begin with a prefix. looked is how many there are.
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
		for key, err := range tx.Keys(store.KindSecret, prefix) {
			if errors.Is(err, store.ErrDamaged) || err == nil && key.Version != 0 {
				continue
			}
			if err != nil {
				return err
			}
			looked++
			if h, err := read(tx, key, headSchema, decodeHead); err == nil && m.sweepable(h, now) {
				keys = append(keys, key)
			}
		}
		return nil
	})
	return keys, looked, err
}

// sweepable tells whether something of a secret is over long enough.
func (m *Manager) sweepable(h head, now uint64) bool {
	if len(h.kept) == 0 {
		return expired(now, later(h.died, m.retention))
	}
	for _, e := range h.kept {
		if expired(now, later(e.expires, m.retention)) {
			return true
		}
	}
	return false
}

// sweep deletes the versions of one secret that are over long enough, or its tombstone. The secret may have changed
// since it was found due.
func (m *Manager) sweep(tx *store.Tx, key store.Key) error {
	moment := m.clock.look()
	h, err := read(tx, key, headSchema, decodeHead)
	if absent(err) || err == nil && (moment.ahead || !m.sweepable(h, moment.steady)) {
		return nil
	}
	if err != nil {
		return err
	}
	owner, id, _ := strings.Cut(key.Name, "/")
	t, err := parseTenantID(owner)
	if err != nil {
		return err
	}
	a, err := accountOf(tx, t)
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
	return m.destroy(a, secretID(id), h, func(e entry) bool { return expired(moment.steady, later(e.expires, m.retention)) })
}
