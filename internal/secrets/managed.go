package secrets

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/secmem"
	"github.com/claviger/claviger/internal/store"
)

// Key is a version of a managed key, as it is kept. Who keeps it knows what it is; the blob is its provider's.
type Key struct {
	Type       claviger.GuestType
	Algorithm  claviger.Algorithm // canonical name in wasi-crypto, 1 to 64 bytes
	Exportable bool
	Provider   claviger.ProviderID // where the key lives
	Blob       []byte              // what that provider loads the key from; of a Key that was read the receiver's, who wipes it
}

// Format writes what the key is, never the blob, for every verb and flag of package fmt.
func (k Key) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "a key of %s in provider %d", k.Algorithm, k.Provider)
}

// Layout of a key, integers big-endian:
//
//	0       2        3          5     6     6+n
//	┌───────┬────────┬──────────┬─────┬─────┬──────┐
//	│ type  │ flags  │ provider │ n   │ n   │ blob │
//	│       │ 1: may be exported; the others are 0
//	└───────┴────────┴──────────┴─────┴─────┴──────┘
//
// where the n bytes are the algorithm's name.
const (
	keyHead       = 6
	keyExportable = 1
)

// encodeKey makes the content of a version, which the caller wipes. A key over the limits of the layout is
// ErrInvalidArgument.
func encodeKey(op string, k Key) ([]byte, error) {
	size := keyHead + len(k.Algorithm) + len(k.Blob)
	if n := len(k.Algorithm); n == 0 || n > claviger.MaxName || size > claviger.MaxSecret {
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, op, "a key of %d bytes with a name of %d; the limits are %d and %d", size, n, claviger.MaxSecret, claviger.MaxName)
	}
	out := binary.BigEndian.AppendUint16(make([]byte, 0, size), uint16(k.Type))
	var flags byte
	if k.Exportable {
		flags = keyExportable
	}
	out = binary.BigEndian.AppendUint16(append(out, flags), uint16(k.Provider))
	out = append(append(out, byte(len(k.Algorithm))), k.Algorithm...)
	return append(out, k.Blob...), nil
}

// decodeKey is the inverse of encodeKey. The blob is a part of b.
func decodeKey(b []byte) (Key, bool) {
	if len(b) < keyHead {
		return Key{}, false
	}
	n := int(b[keyHead-1])
	if b[2]&^keyExportable != 0 || n == 0 || n > claviger.MaxName || len(b) < keyHead+n || len(b) > claviger.MaxSecret {
		return Key{}, false
	}
	return Key{
		Type: claviger.GuestType(binary.BigEndian.Uint16(b)), Exportable: b[2] == keyExportable,
		Provider:  claviger.ProviderID(binary.BigEndian.Uint16(b[3:])),
		Algorithm: claviger.Algorithm(b[keyHead : keyHead+n]), Blob: b[keyHead+n:],
	}, true
}

// never is the expiry of managed keys: they have none.
const never = math.MaxUint64

// PutKey stores a managed key under a new identifier as version 1. The key stays the caller's. Durable when it returns.
// ErrQuotaExceeded over a limit.
func (m *Manager) PutKey(ctx context.Context, g policy.Grant, k Key) (id string, err error) {
	const op = "make managed key"
	content, err := encodeKey(op, k)
	if err != nil {
		return "", err
	}
	defer secmem.Wipe(content)
	return m.put(ctx, op, g, store.KindManaged, never, content)
}

// ReplaceKey stores the next version of a managed key and gives its number, one more than the highest ever made. Older
// versions stay usable until they are invalidated. ErrSecretNotFound for an identifier that is unknown, another
// tenant's, or without any version left; ErrIncompatibleKeys for a key of another family or algorithm; else as PutKey.
func (m *Manager) ReplaceKey(ctx context.Context, g policy.Grant, id []byte, k Key) (version uint64, err error) {
	const op = opReplaceKey
	content, err := encodeKey(op, k)
	if err != nil {
		return 0, err
	}
	defer secmem.Wipe(content)
	return m.replace(ctx, op, g, store.KindManaged, id, never, content, alike(op, k))
}

const opReplaceKey = "replace managed key"

// alike refuses a key that is not of the family and algorithm of those before it.
func alike(op string, k Key) fitting {
	return func(a *account, o object, h head) error {
		old, err := kindOfKey(a.tx, op, a.id, o, h)
		if err != nil {
			return err
		}
		if old.Type != k.Type || old.Algorithm != k.Algorithm {
			return claviger.Errorf(claviger.ErrIncompatibleKeys, op, "a key of %s cannot replace one of %s", k.Algorithm, old.Algorithm)
		}
		return nil
	}
}

// kindOfKey says what a managed key is, without its blob. All versions are alike: the newest that opens tells.
func kindOfKey(tx *store.Tx, op string, t tenantID, o object, h head) (k Key, err error) {
	for i := len(h.kept) - 1; i >= 0; i-- {
		var found Secret
		if found, err = readVersion(tx, op, t, o, h.kept[i].version); err != nil {
			continue
		}
		k, ok := decodeKey(found.Value)
		k.Blob = nil
		secmem.Wipe(found.Value)
		if ok {
			return k, nil
		}
		err = errNewer(o.value(t, h.kept[i].version))
	}
	return Key{}, err
}

// VetKey refuses, before any work is done, what PutKey would refuse of the tenant, or with an identifier what ReplaceKey
// would refuse of a key of k's family and algorithm. What it lets pass may be refused later all the same.
func (m *Manager) VetKey(g policy.Grant, id []byte, k Key) error {
	op := "make managed key"
	if id != nil {
		op = opReplaceKey
	}
	name, err := g.Tenant(op)
	if err != nil {
		return err
	}
	o, ok := parseObject(store.KindManaged, id)
	if id != nil && !ok {
		return errNotFound(op)
	}
	return m.store.View(func(tx *store.Tx) error {
		if id != nil {
			_, _, err := m.replaceable(tx, op, name, o, alike(op, k))
			return err
		}
		t, found, err := lookup(tx, name)
		if err != nil || !found {
			return err
		}
		a, err := accountOf(tx, t)
		if err != nil {
			return err
		}
		return m.roomForOne(op, a)
	})
}

// GetKey reads a version of a managed key, or the latest one (claviger.LatestVersion), and gives its number.
// ErrSecretNotFound for what is unknown, another tenant's or invalidated, and for the other reserved versions.
func (m *Manager) GetKey(ctx context.Context, g policy.Grant, id []byte, version uint64) (Key, uint64, error) {
	const op = "open managed key"
	found, err := m.get(ctx, op, g, store.KindManaged, id, version)
	if err != nil {
		return Key{}, 0, err
	}
	k, ok := decodeKey(found.Value)
	if !ok {
		secmem.Wipe(found.Value)
		return Key{}, 0, claviger.Errorf(claviger.ErrInvalidFormat, op, "version %d of the key is in a format that this version does not know", found.Version)
	}
	return k, found.Version, nil
}

// InvalidateKey destroys versions of a managed key, as Invalidate does with those of a secret.
func (m *Manager) InvalidateKey(ctx context.Context, g policy.Grant, id []byte, version uint64) error {
	return m.invalidateOwn(ctx, "invalidate managed key", g, store.KindManaged, id, version)
}

// ListKeys gives a page of the tenant's managed keys, ordered by identifier, after the page that ended with after. limit
// and next are as in List. A key of which no version opens has no algorithm.
func (m *Manager) ListKeys(g policy.Grant, after string, limit int) (page []claviger.ManagedInfo, next string, err error) {
	const op = "list managed keys"
	name, err := g.Tenant(op)
	if err != nil {
		return nil, "", err
	}
	if limit <= 0 || limit > MaxPage {
		limit = MaxPage
	}
	l := &lister{kind: store.KindManaged, after: after, max: limit}
	err = m.store.View(func(tx *store.Tx) error {
		if err := m.fill(tx, op, name, l); err != nil {
			return err
		}
		for _, found := range l.page {
			info, err := describeKey(tx, op, found)
			if err != nil {
				return err
			}
			page = append(page, info)
		}
		return nil
	})
	return page, l.next, err
}

// describeKey completes what a head says with what the key is.
func describeKey(tx *store.Tx, op string, found claviger.SecretInfo) (claviger.ManagedInfo, error) {
	t, err := parseTenantID(found.TenantID)
	if err != nil {
		return claviger.ManagedInfo{}, err
	}
	h := head{latest: found.Latest}
	info := claviger.ManagedInfo{ID: found.ID, Latest: found.Latest}
	for _, v := range found.Versions {
		h.kept = append(h.kept, entry{version: v.Version})
		info.Versions = append(info.Versions, v.Version)
	}
	k, err := kindOfKey(tx, op, t, object{store.KindManaged, secretID(found.ID)}, h)
	if err != nil && !errors.Is(err, store.ErrDamaged) && !errors.Is(err, claviger.ErrInvalidFormat) {
		return claviger.ManagedInfo{}, err
	}
	info.Type, info.Algorithm = k.Type, k.Algorithm
	return info, nil
}
