package guest

import (
	"unsafe"

	"github.com/claviger/claviger/guest/raw"
)

// SymmetricKey is a key for one symmetric algorithm, in the host or, when it is managed, with the keeper behind the host.
type SymmetricKey struct{ object }

// GenerateSymmetricKey makes a key of the algorithm's own length that lives in the host until it is closed.
// ErrKeyNotSupported for an algorithm that takes none, such as "SHA-256".
func GenerateSymmetricKey(algorithm string) (*SymmetricKey, error) {
	k := new(SymmetricKey)
	at, length := text(algorithm)
	none := optional(0, false)
	return made(k, result("symmetric_key_generate", raw.SymmetricKeyGenerate(at, length, pointer(&none), k.out())))
}

// ImportSymmetricKey takes in the bytes of a key. ErrInvalidKey for a wrong length.
func ImportSymmetricKey(algorithm string, key []byte) (*SymmetricKey, error) {
	k := new(SymmetricKey)
	at, length := text(algorithm)
	from, size := data(key)
	return made(k, result("symmetric_key_import", raw.SymmetricKeyImport(at, length, from, size, k.out())))
}

// Export takes the bytes of the key out. ErrProhibitedOperation for a managed key that was not made exportable.
func (k *SymmetricKey) Export() ([]byte, error) {
	var array object
	if err := result("symmetric_key_export", raw.SymmetricKeyExport(uint32(k.object), array.out())); err != nil {
		return nil, err
	}
	return pull(array)
}

// ID gives identifier and version of a managed key, and "" and Unspecified for any other.
func (k *SymmetricKey) ID() (id string, version uint64, err error) {
	var room identifier
	var size uint32
	err = result("symmetric_key_id", raw.SymmetricKeyID(uint32(k.object), unsafe.Pointer(&room), uint32(len(room)), unsafe.Pointer(&size), unsafe.Pointer(&version)))
	if err != nil {
		return "", 0, err
	}
	return room.String(), version, nil
}

// Close lets go of the key. A managed one stays with its keeper.
func (k *SymmetricKey) Close() error { return k.end("symmetric_key_close", raw.SymmetricKeyClose) }

// Tag is an authentication tag in the host.
type Tag struct{ object }

// Verify compares the tag with an expected one in constant time. ErrInvalidTag if they differ.
func (t *Tag) Verify(expected []byte) error {
	from, size := data(expected)
	return result("symmetric_tag_verify", raw.SymmetricTagVerify(uint32(t.object), from, size))
}

// Bytes takes the tag out, which closes it.
func (t *Tag) Bytes() ([]byte, error) {
	var length, n uint32
	if err := result("symmetric_tag_len", raw.SymmetricTagLen(uint32(t.object), unsafe.Pointer(&length))); err != nil {
		return nil, err
	}
	all := make([]byte, length)
	from, size := data(all)
	if err := result("symmetric_tag_pull", raw.SymmetricTagPull(uint32(t.object), from, size, unsafe.Pointer(&n))); err != nil {
		return nil, err
	}
	t.object = 0
	return all[:n], nil
}

// Close lets go of the tag.
func (t *Tag) Close() error { return t.end("symmetric_tag_close", raw.SymmetricTagClose) }
