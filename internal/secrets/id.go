package secrets

import (
	"bytes"
	"encoding/hex"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/store"
)

// tenantID is a tenant's lasting identity. It is random: a name that comes back gets another one.
type tenantID [16]byte

// String gives 32 lower-case hexadecimal characters.
func (t tenantID) String() string { return hex.EncodeToString(t[:]) }

// secretID is the identifier of a secret or a managed key: 32 lower-case hexadecimal characters, random.
type secretID string

// idLength is the length of an identifier in characters.
const idLength = 32

// newSecretID draws an identifier.
func newSecretID() secretID {
	id := random[[16]byte]()
	return secretID(hex.EncodeToString(id[:]))
}

// parseSecretID reads an identifier. Zero bytes behind it are padding of a longer buffer. False for anything else,
// which no secret has.
func parseSecretID(b []byte) (secretID, bool) {
	b = bytes.TrimRight(b, "\x00")
	return secretID(b), isID(string(b))
}

// parseTenantID is the inverse of tenantID.String.
func parseTenantID(s string) (tenantID, error) {
	raw, err := hex.DecodeString(s)
	if id, ok := decodeID(raw); err == nil && ok && isID(s) {
		return id, nil
	}
	return tenantID{}, claviger.Errorf(claviger.ErrInvalidArgument, "secrets", "%q is no identifier of a tenant", claviger.Clip(s))
}

// isID tells whether s looks like an identifier of a secret or a tenant.
func isID(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return len(s) == idLength
}

// object is what a tenant has in versions: a secret or a managed key. The two differ in the kind of their records, so
// that an identifier of one is never found as the other, and in what a version holds; all else is the same.
type object struct {
	kind store.Kind
	id   secretID
}

// kinds lists the kinds of objects.
func kinds() [2]store.Kind { return [2]store.Kind{store.KindSecret, store.KindManaged} }

// parseObject reads the identifier of an object, as parseSecretID does.
func parseObject(kind store.Kind, b []byte) (object, bool) {
	id, ok := parseSecretID(b)
	return object{kind, id}, ok
}

// Keys of the records. An object's head and its versions lie side by side; a tenant's name is in the clear, because it
// is looked up.

func (o object) head(t tenantID) store.Key {
	return store.Key{Kind: o.kind, Name: t.String() + "/" + string(o.id)}
}

func (o object) value(t tenantID, version uint64) store.Key {
	return store.Key{Kind: o.kind, Name: t.String() + "/" + string(o.id), Version: version}
}

func bindingKey(name string) store.Key { return store.Key{Kind: store.KindTenant, Name: "n/" + name} }

func tenantKey(t tenantID) store.Key {
	return store.Key{Kind: store.KindTenant, Name: "t/" + t.String()}
}

func kekKey(t tenantID, version uint64) store.Key {
	return store.Key{Kind: store.KindTenant, Name: "k/" + t.String(), Version: version}
}

// markKey is where the clock's state lies.
func markKey() store.Key { return store.Key{Kind: store.KindMeta, Name: "clock"} }
