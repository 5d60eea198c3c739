package secrets

import (
	"context"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/store"
)

// Invalidate destroys a version of a secret, the latest one (claviger.LatestVersion), or every one
// (claviger.AllVersions): it cannot be read from then on, and its number is not given again. Durable when it returns.
// ErrSecretNotFound when there is nothing to destroy; an expired version can be destroyed.
func (m *Manager) Invalidate(ctx context.Context, g policy.Grant, id []byte, version uint64) error {
	return m.invalidateOwn(ctx, "invalidate secret", g, store.KindSecret, id, version)
}

// invalidateOwn destroys versions of the tenant's own object.
func (m *Manager) invalidateOwn(ctx context.Context, op string, g policy.Grant, kind store.Kind, id []byte, version uint64) error {
	name, err := g.Tenant(op)
	if err != nil {
		return err
	}
	o, ok := parseObject(kind, id)
	if !ok {
		return errNotFound(op)
	}
	return m.store.Update(ctx, func(tx *store.Tx) error {
		a, h, err := m.existing(tx, op, name, o)
		if err != nil {
			return err
		}
		return m.invalidate(a, op, o, h, version)
	})
}

// InvalidateFor is Invalidate for an administrator: which names the owner, by its name or, also when it is retired, by
// its identifier. ErrAccessDenied for others.
func (m *Manager) InvalidateFor(ctx context.Context, g policy.Grant, which string, id []byte, version uint64) error {
	const op = "invalidate secret"
	if err := g.DemandAdmin(op); err != nil {
		return err
	}
	o, ok := parseObject(store.KindSecret, id)
	if !ok {
		return errNotFound(op)
	}
	return m.store.Update(ctx, func(tx *store.Tx) error {
		t, err := owner(tx, op, which)
		if err != nil {
			return err
		}
		a, h, err := holding(tx, op, t, o)
		if err != nil {
			return err
		}
		return m.invalidate(a, op, o, h, version)
	})
}

// invalidate destroys versions of an object in an update.
func (m *Manager) invalidate(a *account, op string, o object, h head, version uint64) error {
	if version == claviger.AllVersions {
		return m.destroy(a, o, h, func(entry) bool { return true })
	}
	if version == claviger.LatestVersion {
		version = h.latest
	}
	if h.find(version) < 0 {
		return errNotFound(op)
	}
	return m.destroy(a, o, h, func(e entry) bool { return e.version == version })
}

// destroy deletes the versions of an object that are doomed. When none is left a tombstone stays: it keeps the highest
// number, and refuses a replacement. A tenant that has as many tombstones as it may have objects leaves no further
// one: an identifier is random and does not come again, so that nothing depends on it.
func (m *Manager) destroy(a *account, o object, h head, doomed func(entry) bool) error {
	kept := make([]entry, 0, len(h.kept))
	for _, e := range h.kept {
		if !doomed(e) {
			kept = append(kept, e)
			continue
		}
		a.bytes -= min(a.bytes, uint64(e.size))
		if err := a.tx.Delete(o.value(a.id, e.version)); err != nil {
			return err
		}
	}
	h.kept = kept
	if len(h.kept) > 0 {
		if err := a.tx.Put(o.head(a.id), headSchema, h.encode()); err != nil {
			return err
		}
		return a.save()
	}
	a.secrets -= min(a.secrets, 1)
	return m.bury(a, o, h)
}

// bury leaves a tombstone where there is room for one.
func (m *Manager) bury(a *account, o object, h head) error {
	if a.buried >= uint64(m.limits.Secrets) {
		if err := a.tx.Delete(o.head(a.id)); err != nil {
			return err
		}
		return a.save()
	}
	a.buried++
	h.died = max(m.clock.look().steady, 1)
	if err := a.tx.Put(o.head(a.id), headSchema, h.encode()); err != nil {
		return err
	}
	return a.save()
}
