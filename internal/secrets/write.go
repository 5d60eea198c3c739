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
	if err := checkSize(op, secret); err != nil {
		return "", err
	}
	return m.put(ctx, op, g, store.KindSecret, expires, secret)
}

// put makes an object with its first version.
func (m *Manager) put(ctx context.Context, op string, g policy.Grant, kind store.Kind, expires uint64, content []byte) (id string, err error) {
	name, err := g.Tenant(op)
	if err != nil {
		return "", err
	}
	made := object{kind, newSecretID()}
	value := encodeValue(expires, content)
	defer secmem.Wipe(value)
	err = m.store.Update(ctx, func(tx *store.Tx) error {
		a, err := m.account(tx, op, name)
		if err == nil {
			err = m.roomForOne(op, a)
		}
		if err != nil {
			return err
		}
		a.secrets++
		return m.add(a, op, made, head{}, expires, value)
	})
	return string(made.id), err
}

// roomForOne refuses one more identifier of a tenant that has as many as it may.
func (m *Manager) roomForOne(op string, a *account) error {
	if a.secrets >= uint64(m.limits.Secrets) {
		return claviger.Errorf(claviger.ErrQuotaExceeded, op, "%d secrets and keys are stored, which is the limit", a.secrets)
	}
	return nil
}

// Replace stores the next version of a secret and gives its number, one more than the highest ever made. Older versions
// stay readable until they are invalidated or expire. ErrSecretNotFound for an identifier that is unknown, another
// tenant's, or without any version left; else as Put.
func (m *Manager) Replace(ctx context.Context, g policy.Grant, id, secret []byte, expires uint64) (version uint64, err error) {
	const op = "replace secret"
	if err := checkSize(op, secret); err != nil {
		return 0, err
	}
	return m.replace(ctx, op, g, store.KindSecret, id, expires, secret, nil)
}

// fitting refuses what must not become the next version of an object that is there.
type fitting func(*account, object, head) error

// replace makes the next version of an object; fits may be nil.
func (m *Manager) replace(ctx context.Context, op string, g policy.Grant, kind store.Kind, id []byte, expires uint64, content []byte, fits fitting) (version uint64, err error) {
	name, err := g.Tenant(op)
	if err != nil {
		return 0, err
	}
	o, ok := parseObject(kind, id)
	if !ok {
		return 0, errNotFound(op)
	}
	value := encodeValue(expires, content)
	defer secmem.Wipe(value)
	err = m.store.Update(ctx, func(tx *store.Tx) error {
		a, h, err := m.replaceable(tx, op, name, o, fits)
		if err != nil {
			return err
		}
		version = h.latest + 1
		return m.add(a, op, o, h, expires, value)
	})
	if err != nil {
		return 0, err
	}
	return version, nil
}

// replaceable finds an object that may get another version.
func (m *Manager) replaceable(tx *store.Tx, op, name string, o object, fits fitting) (*account, head, error) {
	a, h, err := m.existing(tx, op, name, o)
	if err != nil {
		return nil, head{}, err
	}
	if len(h.kept) >= m.limits.Versions {
		return nil, head{}, claviger.Errorf(claviger.ErrQuotaExceeded, op, "%d versions are stored, which is the limit", len(h.kept))
	}
	if fits != nil {
		err = fits(a, o, h)
	}
	return a, h, err
}

// add writes the next version of an object with its head and its owner. value is the encoded version.
func (m *Manager) add(a *account, op string, o object, h head, expires uint64, value []byte) error {
	size := uint64(len(value) - 8)
	if limit := uint64(m.limits.Bytes); a.bytes > limit || size > limit-a.bytes {
		return claviger.Errorf(claviger.ErrQuotaExceeded, op, "%d more bytes would exceed the limit of %d; %d are stored", size, limit, a.bytes)
	}
	a.bytes += size
	h.latest++
	h.kept = append(h.kept, entry{h.latest, expires, uint32(size)})
	if err := a.tx.Put(o.value(a.id, h.latest), valueSchema, value); err != nil {
		return err
	}
	if err := a.tx.Put(o.head(a.id), headSchema, h.encode()); err != nil {
		return err
	}
	return a.save()
}

// existing finds an object that holds something, and its owner.
func (m *Manager) existing(tx *store.Tx, op, name string, o object) (*account, head, error) {
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
	return holding(tx, op, t, o)
}

// holding finds an object of a tenant that holds something.
func holding(tx *store.Tx, op string, t tenantID, o object) (*account, head, error) {
	h, err := read(tx, o.head(t), headSchema, decodeHead)
	if absent(err) || err == nil && len(h.kept) == 0 {
		return nil, head{}, errNotFound(op)
	}
	if err != nil {
		return nil, head{}, err
	}
	a, err := accountOf(tx, t)
	return a, h, err
}
