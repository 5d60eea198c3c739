package secrets

import (
	"encoding/binary"
	"errors"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/secmem"
	"github.com/claviger/claviger/internal/store"
)

// Schemas of the records, by kind.
const (
	headSchema    = 1 // KindSecret and KindManaged, version 0
	valueSchema   = 2 // KindSecret and KindManaged, version 1 and up
	bindingSchema = 1 // KindTenant, "n/NAME"
	tenantSchema  = 2 // KindTenant, "t/ID"
	kekSchema     = 3 // KindTenant, "k/ID", version 1 and up
	markSchema    = 1 // KindMeta, "clock"
)

// entry is one version that is stored.
type entry struct {
	version, expires uint64
	size             uint32 // of the content in bytes
}

// head is what is known of an identifier. One without versions is a tombstone: it was wholly invalidated or swept.
// Integers are big-endian:
//
//	0         8       16         24         32      36
//	┌─────────┬───────┬──────────┬──────────┬───────┬─ - -
//	│ latest  │ died  │ version  │ expires  │ size  │ next entry
//	└─────────┴───────┴──────────┴──────────┴───────┴─ - -
//
// Entries are ordered by version; died is when the last one went, in seconds since 1970, else 0.
type head struct {
	latest uint64 // the highest version ever made
	died   uint64
	kept   []entry
}

const (
	headSize  = 16
	entrySize = 20
)

func (h head) encode() []byte {
	out := make([]byte, 0, headSize+entrySize*len(h.kept))
	out = binary.BigEndian.AppendUint64(out, h.latest)
	out = binary.BigEndian.AppendUint64(out, h.died)
	for _, e := range h.kept {
		out = binary.BigEndian.AppendUint64(out, e.version)
		out = binary.BigEndian.AppendUint64(out, e.expires)
		out = binary.BigEndian.AppendUint32(out, e.size)
	}
	return out
}

// decodeHead is the inverse of encode; false for bytes that encode cannot give.
func decodeHead(b []byte) (head, bool) {
	if len(b) < headSize || (len(b)-headSize)%entrySize != 0 {
		return head{}, false
	}
	h := head{latest: binary.BigEndian.Uint64(b), died: binary.BigEndian.Uint64(b[8:])}
	var last uint64
	for b = b[headSize:]; len(b) > 0; b = b[entrySize:] {
		e := entry{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint32(b[16:])}
		if e.version <= last || e.version > h.latest || e.size > claviger.MaxSecret {
			return head{}, false
		}
		last = e.version
		h.kept = append(h.kept, e)
	}
	return h, h.latest > 0
}

// find gives the place of a version among those that are stored, or -1.
func (h head) find(version uint64) int {
	for i := len(h.kept) - 1; i >= 0; i-- {
		if h.kept[i].version == version {
			return i
		}
	}
	return -1
}

// encodeValue makes the record of one version, which the caller wipes: expires (8 bytes), then the secret or what encodeKey gives.
func encodeValue(expires uint64, secret []byte) []byte {
	out := make([]byte, 0, 8+len(secret))
	return append(binary.BigEndian.AppendUint64(out, expires), secret...)
}

// decodeValue takes a version's record apart. The secret is a part of b.
func decodeValue(b []byte) (expires uint64, secret []byte, ok bool) {
	if len(b) < 8 || len(b) > 8+claviger.MaxSecret {
		return 0, nil, false
	}
	return binary.BigEndian.Uint64(b), b[8:], true
}

// tenant is an owner. Integers are big-endian:
//
//	0         8         16    24        32      40       48
//	┌─────────┬─────────┬─────┬─────────┬───────┬────────┬──────┐
//	│ created │ retired │ kek │ secrets │ bytes │ buried │ name │
//	└─────────┴─────────┴─────┴─────────┴───────┴────────┴──────┘
type tenant struct {
	created uint64 // seconds since 1970
	retired uint64 // when its name left the configuration; 0 while it is there
	kek     uint64 // version of the key-encryption key that seals; 0 for none
	secrets uint64 // identifiers of secrets and managed keys that hold something
	bytes   uint64 // of all versions
	buried  uint64 // tombstones
	name    string
}

const tenantSize = 48

func (t tenant) encode() []byte {
	out := make([]byte, 0, tenantSize+len(t.name))
	for _, n := range []uint64{t.created, t.retired, t.kek, t.secrets, t.bytes, t.buried} {
		out = binary.BigEndian.AppendUint64(out, n)
	}
	return append(out, t.name...)
}

// decodeTenant is the inverse of encode.
func decodeTenant(b []byte) (tenant, bool) {
	if len(b) <= tenantSize || len(b) > tenantSize+claviger.MaxName {
		return tenant{}, false
	}
	n := func(i int) uint64 { return binary.BigEndian.Uint64(b[8*i:]) }
	return tenant{n(0), n(1), n(2), n(3), n(4), n(5), string(b[tenantSize:])}, true
}

// decodeID reads a tenant's identifier from a binding.
func decodeID(b []byte) (tenantID, bool) {
	if len(b) != len(tenantID{}) {
		return tenantID{}, false
	}
	return tenantID(b), true
}

// read reads a record that is in the clear once it is open. What is not there is the store's ErrResourceNotFound.
func read[T any](tx *store.Tx, key store.Key, schema uint16, decode func([]byte) (T, bool)) (T, error) {
	var none T
	r, err := tx.Get(key)
	if err != nil {
		return none, err
	}
	defer secmem.Wipe(r.Value)
	v, ok := decode(r.Value)
	if r.Schema != schema || !ok {
		return none, errNewer(key)
	}
	return v, nil
}

// errNewer is the error of a record that opens and cannot be read: no version up to this one has written it.
func errNewer(key store.Key) error {
	return claviger.Errorf(claviger.ErrInvalidFormat, "secrets", "%v is in a format that this version does not know", key)
}

// absent reports whether the store's error says that a record is not there.
func absent(err error) bool { return errors.Is(err, claviger.ErrResourceNotFound) }
