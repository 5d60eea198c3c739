package secrets

import (
	"context"
	"crypto/cipher"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/primitive/xaes"
	"github.com/claviger/claviger/internal/secmem"
	"github.com/claviger/claviger/internal/store"
)

// kek is a version of a tenant's key-encryption key, for one call. The key exists only as the AES schedule inside aead,
// on the Go heap.
type kek struct {
	tenant  tenantID
	version uint64
	aead    cipher.AEAD
}

// loadKEK reads a version; the store's ErrResourceNotFound if it is not there.
func loadKEK(tx *store.Tx, t tenantID, version uint64) (kek, error) {
	aead, err := read(tx, kekKey(t, version), kekSchema, func(b []byte) (cipher.AEAD, bool) {
		aead, err := xaes.New(b)
		return aead, err == nil
	})
	return kek{tenant: t, version: version, aead: aead}, err
}

// present gives the version that seals; found is false when the tenant has none.
func (m *Manager) present(op, name string) (k kek, found bool, err error) {
	if err := m.check(op, name); err != nil {
		return kek{}, false, err
	}
	err = m.store.View(func(tx *store.Tx) error {
		t, bound, err := lookup(tx, name)
		if err != nil || !bound {
			return err
		}
		a, err := accountOf(tx, t)
		if err != nil || a.kek == 0 {
			return err
		}
		k, err = loadKEK(tx, t, a.kek)
		found = err == nil
		return err
	})
	return k, found, err
}

// first makes a tenant's key if nobody else has meanwhile.
func (m *Manager) first(ctx context.Context, op, name string) (k kek, err error) {
	err = m.store.Update(ctx, func(tx *store.Tx) error {
		a, err := m.account(tx, op, name)
		if err != nil {
			return err
		}
		if a.kek == 0 {
			if err := newKEK(a); err != nil {
				return err
			}
		}
		k, err = loadKEK(tx, a.id, a.kek)
		return err
	})
	return k, err
}

// newKEK makes the next version the one that seals. Numbers never repeat.
func newKEK(a *account) error {
	version, err := a.tx.Next(store.KindTenant, kekKey(a.id, 0).Name)
	if err != nil {
		return err
	}
	key := random[[xaes.KeySize]byte]()
	defer secmem.Wipe(key[:])
	if err := a.tx.Put(kekKey(a.id, version), kekSchema, key[:]); err != nil {
		return err
	}
	a.kek = version
	return a.save()
}

// RotateKEK makes the next version of the tenant's key-encryption key, which seals from then on, and gives its number.
// Capsules of older versions can be opened until DestroyKEK. Durable when it returns. ErrQuotaExceeded when the tenant
// keeps too many.
func (m *Manager) RotateKEK(ctx context.Context, g policy.Grant) (version uint64, err error) {
	const op = "rotate capsule key"
	name, err := g.Tenant(op)
	if err != nil {
		return 0, err
	}
	err = m.store.Update(ctx, func(tx *store.Tx) error {
		a, err := m.account(tx, op, name)
		if err != nil {
			return err
		}
		count := 0
		for key, err := range tx.Keys(store.KindTenant, kekKey(a.id, 0).Name) {
			if err != nil {
				return err
			}
			if key.Version > 0 {
				count++
			}
		}
		if count >= m.limits.Versions {
			return claviger.Errorf(claviger.ErrQuotaExceeded, op, "%d versions of the key are kept, which is the limit", count)
		}
		if err := newKEK(a); err != nil {
			return err
		}
		version = a.kek
		return nil
	})
	if err != nil {
		return 0, err
	}
	return version, nil
}

// DestroyKEK destroys a version of the tenant's key-encryption key: its capsules can never be opened again. Destroying
// the one that seals lets the next capsule make a new one. Durable when it returns. ErrSecretNotFound for a version
// that is not there.
func (m *Manager) DestroyKEK(ctx context.Context, g policy.Grant, version uint64) error {
	const op = "destroy capsule key"
	name, err := g.Tenant(op)
	if err != nil {
		return err
	}
	return m.store.Update(ctx, func(tx *store.Tx) error {
		if err := m.check(op, name); err != nil {
			return err
		}
		t, found, err := lookup(tx, name)
		if err != nil {
			return err
		}
		if !found || version == 0 {
			return errNotFound(op)
		}
		if _, err := loadKEK(tx, t, version); absent(err) {
			return errNotFound(op)
		}
		if err := tx.Delete(kekKey(t, version)); err != nil { // also one that does not open
			return err
		}
		a, err := accountOf(tx, t)
		if err != nil || a.kek != version {
			return err
		}
		a.kek = 0
		return a.save()
	})
}
