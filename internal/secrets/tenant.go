package secrets

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/store"
)

// Load says which tenants the configuration that comes into force knows. Every other tenant that has a binding is
// retired, durably: its name is free, and a tenant that comes back under that name is a new one that inherits nothing.
// Retired names are returned, sorted. On an error the tenants known before stay known.
//
// What a retired tenant owns stays in the store, out of everybody's reach, until it expires or an administrator
// invalidates it.
func (m *Manager) Load(ctx context.Context, names []string) (retired []string, err error) {
	next := make(map[string]bool, len(names))
	for _, name := range names {
		next[name] = true
	}
	gone, err := m.gone(next)
	if err != nil {
		return nil, err
	}
	before := m.restrict(next)
	if len(gone) > 0 {
		err = m.store.Update(ctx, func(tx *store.Tx) error {
			retired = retired[:0]
			for _, name := range gone {
				if err := m.retire(tx, name); err != nil {
					return err
				}
				retired = append(retired, name)
			}
			return nil
		})
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		m.known = before
		return nil, err
	}
	m.known = next
	return retired, nil
}

// gone lists the bound names that are not in next.
func (m *Manager) gone(next map[string]bool) (names []string, err error) {
	err = m.store.View(func(tx *store.Tx) error {
		for key, err := range tx.Keys(store.KindTenant, "n/") {
			if err != nil {
				return err
			}
			if name := strings.TrimPrefix(key.Name, "n/"); !next[name] {
				names = append(names, name)
			}
		}
		return nil
	})
	return names, err
}

// restrict makes only those tenants known that are so before and after, so that none is bound anew while it is being
// retired. It gives what was known.
func (m *Manager) restrict(next map[string]bool) (before map[string]bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before = m.known
	both := maps.Clone(next)
	if before != nil {
		maps.DeleteFunc(both, func(name string, _ bool) bool { return !before[name] })
	}
	m.known = both
	return before
}

// retire takes a tenant's name away. A binding or tenant that does not open is no obstacle.
func (m *Manager) retire(tx *store.Tx, name string) error {
	id, err := read(tx, bindingKey(name), bindingSchema, decodeID)
	switch {
	case absent(err):
		return nil
	case err == nil:
		err = m.stamp(tx, id)
	}
	if err != nil && !errors.Is(err, store.ErrDamaged) {
		return err
	}
	return tx.Delete(bindingKey(name))
}

// stamp notes in a tenant when it was retired.
func (m *Manager) stamp(tx *store.Tx, id tenantID) error {
	t, err := read(tx, tenantKey(id), tenantSchema, decodeTenant)
	if err != nil {
		return err
	}
	t.retired = max(m.clock.look().steady, 1)
	return tx.Put(tenantKey(id), tenantSchema, t.encode())
}

// account is a tenant in an update.
type account struct {
	tx *store.Tx
	id tenantID
	tenant
}

// lookup finds a tenant by its name; found is false when it has never stored anything.
func lookup(tx *store.Tx, name string) (id tenantID, found bool, err error) {
	id, err = read(tx, bindingKey(name), bindingSchema, decodeID)
	if absent(err) {
		return id, false, nil
	}
	return id, err == nil, err
}

// check refuses a name that the configuration does not have.
func (m *Manager) check(op, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known != nil && !m.known[name] {
		return claviger.Errorf(claviger.ErrAccessDenied, op, "%s is no longer configured", claviger.Clip(name))
	}
	return nil
}

// account gives the account of a tenant, found or made. It runs in an update, after which nobody else has retired it.
func (m *Manager) account(tx *store.Tx, op, name string) (*account, error) {
	if err := m.check(op, name); err != nil {
		return nil, err
	}
	id, found, err := lookup(tx, name)
	if err != nil {
		return nil, err
	}
	if found {
		return accountOf(tx, id)
	}
	a := &account{tx: tx, id: random[tenantID](), tenant: tenant{created: m.clock.look().steady, name: name}}
	if err := tx.Put(bindingKey(name), bindingSchema, a.id[:]); err != nil {
		return nil, err
	}
	return a, a.save()
}

// accountOf gives the account of a tenant that exists.
func accountOf(tx *store.Tx, id tenantID) (*account, error) {
	t, err := read(tx, tenantKey(id), tenantSchema, decodeTenant)
	return &account{tx: tx, id: id, tenant: t}, err
}

// save writes what has changed of the tenant.
func (a *account) save() error { return a.tx.Put(tenantKey(a.id), tenantSchema, a.encode()) }

// owner finds the tenant that an administrator means: by its name while it is configured, else by its identifier.
func owner(tx *store.Tx, op, which string) (tenantID, error) {
	if id, found, err := lookup(tx, which); found || err != nil {
		return id, err
	}
	if id, err := parseTenantID(which); err == nil {
		if _, err := accountOf(tx, id); err == nil || !absent(err) {
			return id, err
		}
	}
	return tenantID{}, claviger.Errorf(claviger.ErrSecretNotFound, op, "no tenant %q keeps secrets", claviger.Clip(which))
}

// owners lists all tenants with what is known of them, ordered by identifier. One that does not open is left out.
func owners(tx *store.Tx) ([]*account, error) {
	var list []*account
	for r, err := range tx.Scan(store.KindTenant, "t/") {
		if errors.Is(err, store.ErrDamaged) {
			continue
		}
		if err != nil {
			return nil, err
		}
		id, err := parseTenantID(strings.TrimPrefix(r.Key.Name, "t/"))
		if t, ok := decodeTenant(r.Value); err == nil && ok {
			list = append(list, &account{tx: tx, id: id, tenant: t})
		}
	}
	slices.SortFunc(list, func(a, b *account) int { return strings.Compare(a.id.String(), b.id.String()) })
	return list, nil
}
