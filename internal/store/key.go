package store

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/claviger/claviger"
)

// Kind is the kind of a record. The numbers are stored: new kinds are added at the end, none is renumbered.
type Kind uint8

// The kinds.
const (
	KindSlot    Kind = iota + 1 // a key slot: what is in it, and its state
	KindKey                     // a version of a slot's key
	KindCert                    // a certificate slot
	KindCRL                     // a certificate revocation list
	KindTrust                   // a trust store
	KindSecret                  // a version of a secret
	KindCounter                 // a counter of Tx.Next, named "kind/name"; it cannot be put
	KindTenant                  // a tenant's lasting identity
	KindMeta                    // what the daemon remembers of itself
	KindManaged                 // a version of a managed key
	KindPIN                     // what came of a provider's PIN
	kindCount
)

var kindWords = [kindCount]string{
	"", "slot", "key", "certificate slot", "CRL", "trust store", "secret", "counter", "tenant", "meta", "managed key", "PIN",
}

// String gives the kind's words, and "kind N" for one that this program does not know.
func (k Kind) String() string {
	if k > 0 && k < kindCount {
		return kindWords[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// MaxName is the longest name of a record in bytes.
const MaxName = 255

// Key names one record. Names are stored in the clear: what must not be read from the file does not belong in one.
type Key struct {
	Kind    Kind
	Name    string // 1 to MaxName bytes, none of them zero
	Version uint64 // zero for what has no versions
}

// String gives the key as people read it: key "vehicle/data" version 3.
func (k Key) String() string {
	if k.Version == 0 {
		return fmt.Sprintf("%v %q", k.Kind, k.Name)
	}
	return fmt.Sprintf("%v %q version %d", k.Kind, k.Name, k.Version)
}

// check refuses a key that cannot be stored.
func (k Key) check() error {
	limit := MaxName
	if k.Kind == KindCounter {
		limit += len("255/")
	}
	switch {
	case k.Kind == 0:
		return claviger.Errorf(claviger.ErrInvalidArgument, "store", "a record without a kind")
	case k.Name == "":
		return claviger.Errorf(claviger.ErrInvalidArgument, "store", "%v with an empty name", k.Kind)
	case len(k.Name) > limit:
		return claviger.Errorf(claviger.ErrInvalidArgument, "store", "%v with a name of %d bytes; the limit is %d", k.Kind, len(k.Name), limit)
	case strings.IndexByte(k.Name, 0) >= 0:
		return claviger.Errorf(claviger.ErrInvalidArgument, "store", "%v with a zero byte in its name", k.Kind)
	}
	return nil
}

// encode gives the key under which the record lies. Records of a kind are ordered by name, then version:
//
//	0      1          1+n   2+n              10+n
//	┌──────┬──────────┬─────┬────────────────┐
//	│ kind │ name (n) │ 0x00│ version, big-  │
//	│      │          │     │ endian         │
//	└──────┴──────────┴─────┴────────────────┘
func (k Key) encode() []byte {
	out := make([]byte, 0, len(k.Name)+10)
	out = append(append(out, byte(k.Kind)), k.Name...)
	return binary.BigEndian.AppendUint64(append(out, 0), k.Version)
}

// decodeKey is the inverse of encode; false for bytes that encode cannot give.
func decodeKey(b []byte) (Key, bool) {
	at := len(b) - 9 // of the zero byte
	if at < 2 || b[0] == 0 || b[at] != 0 {
		return Key{}, false
	}
	k := Key{Kind: Kind(b[0]), Name: string(b[1:at]), Version: binary.BigEndian.Uint64(b[at+1:])}
	return k, strings.IndexByte(k.Name, 0) < 0
}

// prefix is where all records of a kind begin whose name begins with name.
func prefix(kind Kind, name string) []byte { return append([]byte{byte(kind)}, name...) }

// counterKey names the counter of a kind and name.
func counterKey(kind Kind, name string) Key {
	return Key{Kind: KindCounter, Name: fmt.Sprintf("%d/%s", uint8(kind), name)}
}
