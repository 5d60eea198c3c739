package secrets

import (
	"context"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/secmem"
	"github.com/claviger/claviger/internal/store"
)

// Put stores a secret of at most claviger.MaxSecret bytes, which stays the caller's, under a new identifier as version
// 1. expires is in seconds since 1970; any value is good, and one that is past reads as expired. Durable when it
// returns. ErrQuotaExceeded over a limit.
func (m *Manager) Put(ctx context.Context, g policy.Grant, secret []byte, expires uint64) (id string, err error) {
	const op = "put secret"
	name, err := g.Tenant(op)
	if err == nil {
		err = checkSize(op, secret)
	}
	if err != nil {
		return "", err
	}
	made := newSecretID()
	value := encodeValue(expires, secret)
	defer secmem.Wipe(value)
	err = m.store.Update(ctx, func(tx *store.Tx) error {
		a, err := m.account(tx, op, name)
		if err != nil {
			return err
		}
		if a.secrets >= uint64(m.limits.Secrets) {
			return claviger.Errorf(claviger.ErrQuotaExceeded, op, "%d secrets are stored, which is the limit", a.secrets)
		}
		a.secrets++
		return m.add(a, op, made, head{}, expires, value)
	})
	return string(made), err
}

// Replace stores the next version of a secret and gives its number, one more than the highest ever made. Older versions
// stay readable until they are invalidated or expire. ErrSecretNotFound for an identifier that is unknown, another
// tenant's, or without any version left; else as Put.
func (m *Manager) Replace(ctx context.Context, g policy.Grant, id, secret []byte, expires uint64) (version uint64, err error) {
	const op = "replace secret"
	name, err := g.Tenant(op)
	if err == nil {
		err = checkSize(op, secret)
	}
	if err != nil {
		return 0, err
	}
	known, ok := parseSecretID(id)
	if !ok {
		return 0, errNotFound(op)
	}
	value := encodeValue(expires, secret)
	defer secmem.Wipe(value)
	err = m.store.Update(ctx, func(tx *store.Tx) error {
		a, h, err := m.existing(tx, op, name, known)
		if err != nil {
			return err
		}
		if len(h.kept) >= m.limits.Versions {
			return claviger.Errorf(claviger.ErrQuotaExceeded, op, "%d versions are stored, which is the limit", len(h.kept))
		}
		version = h.latest + 1
		return m.add(a, op, known, h, expires, value)
	})
	if err != nil {
		return 0, err
	}
	return version, nil
}

// add writes the next version of a secret with its head and its owner. value is the encoded version.
func (m *Manager) add(a *account, op string, id secretID, h head, expires uint64, value []byte) error {
	size := uint64(len(value) - 8)
	if limit := uint64(m.limits.Bytes); a.bytes > limit || size > limit-a.bytes {
		return claviger.Errorf(claviger.ErrQuotaExceeded, op, "%d more bytes would exceed the limit of %d; %d are stored", size, limit, a.bytes)
	}
	a.bytes += size
	h.latest++
	h.kept = append(h.kept, entry{h.latest, expires, uint32(size)})
	if err := a.tx.Put(valueKey(a.id, id, h.latest), valueSchema, value); err != nil {
		return err
	}
	if err := a.tx.Put(headKey(a.id, id), headSchema, h.encode()); err != nil {
		return err
	}
	return a.save()
}

// existing finds a secret that holds something, and its owner.
func (m *Manager) existing(tx *store.Tx, op, name string, id secretID) (*account, head, error) {
	if err := m.check(op, name); err != nil {
		return nil, head{}, err
	}
	t, found, err := lookup(tx, name)
	if err != nil {
		return nil, head{}, err
	}
	if !found {
		return nil, head{}, errNotFound(op)
	}
	return holding(tx, op, t, id)
}

// holding finds a secret of a tenant that holds something.
func holding(tx *store.Tx, op string, t tenantID, id secretID) (*account, head, error) {
	h, err := read(tx, headKey(t, id), headSchema, decodeHead)
	if absent(err) || err == nil && len(h.kept) == 0 {
		return nil, head{}, errNotFound(op)
	}
	if err != nil {
		return nil, head{}, err
	}
	a, err := accountOf(tx, t)
	return a, h, err
}

// Invalidate destroys a version of a secret, the latest one (claviger.LatestVersion), or every one
// (claviger.AllVersions): it cannot be read from then on, and its number is not given again. Durable when it returns.
// ErrSecretNotFound when there is nothing to destroy; an expired version can be destroyed.
func (m *Manager) Invalidate(ctx context.Context, g policy.Grant, id []byte, version uint64) error {
	const op = "invalidate secret"
	name, err := g.Tenant(op)
	if err != nil {
		return err
	}
	known, ok := parseSecretID(id)
	if !ok {
		return errNotFound(op)
	}
	return m.store.Update(ctx, func(tx *store.Tx) error {
		a, h, err := m.existing(tx, op, name, known)
		if err != nil {
			return err
		}
		return m.invalidate(a, op, known, h, version)
	})
}

// InvalidateFor is Invalidate for an administrator: which names the owner, by its name or, also when it is retired, by
// its identifier. ErrAccessDenied for others.
func (m *Manager) InvalidateFor(ctx context.Context, g policy.Grant, which string, id []byte, version uint64) error {
	const op = "invalidate secret"
	if err := g.DemandAdmin(op); err != nil {
		return err
	}
	known, ok := parseSecretID(id)
	if !ok {
		return errNotFound(op)
	}
	return m.store.Update(ctx, func(tx *store.Tx) error {
		t, err := owner(tx, op, which)
		if err != nil {
			return err
		}
		a, h, err := holding(tx, op, t, known)
		if err != nil {
			return err
		}
		return m.invalidate(a, op, known, h, version)
	})
}

// invalidate destroys versions of a secret in an update.
func (m *Manager) invalidate(a *account, op string, id secretID, h head, version uint64) error {
	if version == claviger.AllVersions {
		return m.destroy(a, id, h, func(entry) bool { return true })
	}
	if version == claviger.LatestVersion {
		version = h.latest
	}
	if h.find(version) < 0 {
		return errNotFound(op)
	}
	return m.destroy(a, id, h, func(e entry) bool { return e.version == version })
}

// destroy deletes the versions of a secret that are doomed. When none is left a tombstone stays: it keeps the highest
// number, and refuses a replacement. A tenant that has as many tombstones as it may have secrets leaves no further
// one: an identifier is random and does not come again, so that nothing depends on it.
func (m *Manager) destroy(a *account, id secretID, h head, doomed func(entry) bool) error {
	kept := make([]entry, 0, len(h.kept))
	for _, e := range h.kept {
		if !doomed(e) {
			kept = append(kept, e)
			continue
		}
		a.bytes -= min(a.bytes, uint64(e.size))
		if err := a.tx.Delete(valueKey(a.id, id, e.version)); err != nil {
			return err
		}
	}
	h.kept = kept
	if len(h.kept) > 0 {
		if err := a.tx.Put(headKey(a.id, id), headSchema, h.encode()); err != nil {
			return err
		}
		return a.save()
	}
	a.secrets -= min(a.secrets, 1)
	return m.bury(a, id, h)
}

// bury leaves a tombstone where there is room for one.
func (m *Manager) bury(a *account, id secretID, h head) error {
	if a.buried >= uint64(m.limits.Secrets) {
		if err := a.tx.Delete(headKey(a.id, id)); err != nil {
			return err
		}
		return a.save()
	}
	a.buried++
	h.died = max(m.clock.look().steady, 1)
	if err := a.tx.Put(headKey(a.id, id), headSchema, h.encode()); err != nil {
		return err
	}
	return a.save()
}
