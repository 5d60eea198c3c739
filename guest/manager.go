package guest

import (
	"unsafe"

	"github.com/claviger/claviger/guest/raw"
)

// Versions that name no single one. Real ones start at 1 on Claviger, grow by 1 and are never given twice.
const (
	Unspecified = raw.VersionUnspecified // of a key that is not managed
	Latest      = raw.VersionLatest      // the newest ever made; ErrNotFound or ErrExpired if that one is gone, never an older one
	All         = raw.VersionAll         // only to invalidate
)

// SecretsManager keeps keys and secrets of this guest. What it has acknowledged is durable. Another guest's identifiers are
// ErrNotFound. Identifiers are 32 lower-case hexadecimal characters on Claviger.
type SecretsManager struct{ object }

// OpenSecretsManager reaches the keeper. ErrUnsupportedFeature where the host has none for this guest, ErrAlgorithmFailure where
// it cannot be reached now. After a keeper was lost, what was opened before stays dead; a manager that is opened anew finds it all.
func OpenSecretsManager() (*SecretsManager, error) {
	m := new(SecretsManager)
	none := optional(0, false)
	return made(m, result("secrets_manager_open", raw.SecretsManagerOpen(pointer(&none), m.out())))
}

// Close lets go of the keeper. Keys that were opened through it go on.
func (m *SecretsManager) Close() error {
	return m.end("secrets_manager_close", raw.SecretsManagerClose)
}

// Invalidate ends a version of a managed key, or with All every version, for good: then it is ErrNotFound.
func (m *SecretsManager) Invalidate(id string, version uint64) error {
	at, length := text(id)
	return result("secrets_manager_invalidate", raw.SecretsManagerInvalidate(uint32(m.object), at, length, version))
}

// GenerateKeyPair makes a pair that the keeper holds and the guest uses.
func (m *SecretsManager) GenerateKeyPair(f Family, algorithm string, c ManagedConfig) (*KeyPair, error) {
	options, err := c.options(uint32(f))
	if err != nil {
		return nil, err
	}
	defer closeOptions(options)
	k := new(KeyPair)
	at, length := text(algorithm)
	set := optional(options, options != 0)
	return made(k, result("keypair_generate_managed",
		raw.KeypairGenerateManaged(uint32(m.object), uint32(f), at, length, pointer(&set), k.out())))
}

// StoreKeyPair gives a pair that the guest made or imported to the keeper, and its identifier. It cannot be taken out again.
// The pair at hand becomes the managed one.
func (m *SecretsManager) StoreKeyPair(k *KeyPair) (id string, err error) {
	var room identifier
	err = result("keypair_store_managed", raw.KeypairStoreManaged(uint32(m.object), uint32(k.object), unsafe.Pointer(&room), uint32(len(room))))
	if err != nil {
		return "", err
	}
	return room.String(), nil
}

// ReplaceKeyPair stores next as the next version of a managed pair, and gives its number. Then next is the managed pair and
// managed is closed; its version stays and can be opened. ErrIncompatibleKeys, and nothing changed, if the algorithms differ.
func (m *SecretsManager) ReplaceKeyPair(managed, next *KeyPair) (version uint64, err error) {
	err = result("keypair_replace_managed",
		raw.KeypairReplaceManaged(uint32(m.object), uint32(managed.object), uint32(next.object), unsafe.Pointer(&version)))
	if err == nil && managed.object != next.object {
		managed.object = 0
	}
	return version, err
}

// KeyPair opens a stored pair by identifier and version, Latest or a number. ErrNotFound, ErrExpired.
func (m *SecretsManager) KeyPair(id string, version uint64) (*KeyPair, error) {
	k := new(KeyPair)
	at, length := text(id)
	return made(k, result("keypair_from_id", raw.KeypairFromID(uint32(m.object), at, length, version, k.out())))
}

// GenerateSymmetricKey makes a key that the keeper holds and the guest uses.
func (m *SecretsManager) GenerateSymmetricKey(algorithm string, c ManagedConfig) (*SymmetricKey, error) {
	options, err := c.options(raw.TypeSymmetric)
	if err != nil {
		return nil, err
	}
	defer closeOptions(options)
	k := new(SymmetricKey)
	at, length := text(algorithm)
	set := optional(options, options != 0)
	return made(k, result("symmetric_key_generate_managed",
		raw.SymmetricKeyGenerateManaged(uint32(m.object), at, length, pointer(&set), k.out())))
}

// StoreSymmetricKey is StoreKeyPair for a symmetric key.
func (m *SecretsManager) StoreSymmetricKey(k *SymmetricKey) (id string, err error) {
	var room identifier
	err = result("symmetric_key_store_managed",
		raw.SymmetricKeyStoreManaged(uint32(m.object), uint32(k.object), unsafe.Pointer(&room), uint32(len(room))))
	if err != nil {
		return "", err
	}
	return room.String(), nil
}

// ReplaceSymmetricKey is ReplaceKeyPair for a symmetric key.
func (m *SecretsManager) ReplaceSymmetricKey(managed, next *SymmetricKey) (version uint64, err error) {
	err = result("symmetric_key_replace_managed",
		raw.SymmetricKeyReplaceManaged(uint32(m.object), uint32(managed.object), uint32(next.object), unsafe.Pointer(&version)))
	if err == nil && managed.object != next.object {
		managed.object = 0
	}
	return version, err
}

// SymmetricKey opens a stored key by identifier and version, Latest or a number. ErrNotFound, ErrExpired.
func (m *SecretsManager) SymmetricKey(id string, version uint64) (*SymmetricKey, error) {
	k := new(SymmetricKey)
	at, length := text(id)
	return made(k, result("symmetric_key_from_id", raw.SymmetricKeyFromID(uint32(m.object), at, length, version, k.out())))
}
