package guest

import (
	"time"
	"unsafe"

	"github.com/claviger/claviger/guest/raw"
)

// StoreSecret keeps a secret, of up to 1 MiB on Claviger, until its time, and gives its identifier. Time counts in whole
// seconds; a time in the past, the zero time among them, is stored and reads as ErrExpired.
func (m *SecretsManager) StoreSecret(value []byte, expires time.Time) (id string, err error) {
	var room identifier
	from, size := data(value)
	err = result("external_secret_store",
		raw.ExternalSecretStore(uint32(m.object), from, size, seconds(expires), unsafe.Pointer(&room), uint32(len(room))))
	if err != nil {
		return "", err
	}
	return room.String(), nil
}

// ReplaceSecret stores the next version of a secret, with a time of its own, and gives its number. Earlier ones stay until their
// time or InvalidateSecret. ErrNotFound for an identifier that is unknown or wholly invalidated.
func (m *SecretsManager) ReplaceSecret(id string, value []byte, expires time.Time) (version uint64, err error) {
	from, size := data(value)
	at, length := text(id)
	err = result("external_secret_replace",
		raw.ExternalSecretReplace(uint32(m.object), from, size, seconds(expires), at, length, unsafe.Pointer(&version)))
	return version, err
}

// Secret reads a version of a secret, Latest or a number. The bytes are the caller's, who should clear them after use.
// ErrNotFound for what is unknown, invalidated or another guest's, ErrExpired past its time.
func (m *SecretsManager) Secret(id string, version uint64) ([]byte, error) {
	var array object
	at, length := text(id)
	err := result("external_secret_from_id", raw.ExternalSecretFromID(uint32(m.object), at, length, version, array.out()))
	if err != nil {
		return nil, err
	}
	return pull(array)
}

// InvalidateSecret ends a version of a secret, or with All every version, for good: then it is ErrNotFound.
func (m *SecretsManager) InvalidateSecret(id string, version uint64) error {
	at, length := text(id)
	return result("external_secret_invalidate", raw.ExternalSecretInvalidate(uint32(m.object), at, length, version))
}

// Encapsulate seals a secret and its time into a capsule that the guest keeps where it likes. Only this guest's keeper opens it.
func (m *SecretsManager) Encapsulate(value []byte, expires time.Time) (capsule []byte, err error) {
	var array object
	from, size := data(value)
	err = result("external_secret_encapsulate",
		raw.ExternalSecretEncapsulate(uint32(m.object), from, size, seconds(expires), array.out()))
	if err != nil {
		return nil, err
	}
	return pull(array)
}

// Decapsulate opens a capsule. ErrVerificationFailed if it was altered or is another guest's, ErrExpired past its time.
func (m *SecretsManager) Decapsulate(capsule []byte) ([]byte, error) {
	var array object
	from, size := data(capsule)
	err := result("external_secret_decapsulate", raw.ExternalSecretDecapsulate(uint32(m.object), from, size, array.out()))
	if err != nil {
		return nil, err
	}
	return pull(array)
}

// seconds gives a time in seconds since 1970; what lies before counts as 1970.
func seconds(t time.Time) uint64 { return uint64(max(0, t.Unix())) }
