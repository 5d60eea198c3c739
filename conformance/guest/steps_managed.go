package main

import (
	"bytes"
	"time"

	"github.com/claviger/claviger/guest/raw"
)

// Steps with the secrets manager. All that it offers is optional, function by function: unsupported_feature skips a row.

// manager opens the secrets manager. With -skip-managed it holds that there is none, and skips the row.
func (t *T) manager() uint32 {
	h, e := secretsManagerOpen(maybe{})
	if t.skipManaged {
		if e == success {
			secretsManagerClose(h)
		}
		t.want("secrets_manager_open with -skip-managed", e, unsupportedFeature, notImplemented)
		t.skip("the host has no secrets manager, and says so")
	}
	t.want("secrets_manager_open (a host without one is checked with -skip-managed)", e, success)
	t.later(secretsManagerClose, h)
	return h
}

// kept holds that a function of the manager succeeded, and skips the row if the host does not have it.
func (t *T) kept(what string, got errno) {
	if got == unsupportedFeature {
		t.skip("the host does not offer %s", what)
	}
	t.must(what, got)
}

// taken is kept for a function that hands a key of the guest's to the manager, which may prohibit that.
func (t *T) taken(what string, got errno) {
	if got == prohibitedOperation {
		t.skip("the host prohibits %s with a key of the guest's", what)
	}
	t.kept(what, got)
}

// usable holds that a version is one of a key, not a reserved number.
func (t *T) usable(what string, version uint64) {
	if version > 0xfeff_ffff_ffff_ffff {
		t.fail("%s: want a version up to 0xfeffffffffffffff, got %#x", what, version)
	}
}

// signer is a signature algorithm whose pairs are made quickly, and the required one where the host lacks it.
func (t *T) signer() string {
	h, e := keypairGenerate(raw.TypeSignatures, "Ed25519", maybe{})
	if e == unsupportedAlgorithm {
		return "RSA_PKCS1_2048_SHA256"
	}
	if e == success {
		t.later(keypairClose, h)
	}
	return "Ed25519"
}

// managedPair generates a managed pair for signatures.
func (t *T) managedPair(manager uint32, family uint32, algorithm string) uint32 {
	h, e := keypairGenerateManaged(manager, family, algorithm, maybe{})
	for e == inProgress {
		h, e = keypairGenerateManaged(manager, family, algorithm, maybe{})
	}
	if e == unsupportedAlgorithm && !required(algorithm) {
		t.skip("the host does not offer %s", algorithm)
	}
	t.kept("keypair_generate_managed", e)
	t.later(keypairClose, h)
	return h
}

// managedKey generates a managed symmetric key.
func (t *T) managedKey(manager uint32, algorithm string) uint32 {
	h, e := symmetricKeyGenerateManaged(manager, algorithm, maybe{})
	t.kept("symmetric_key_generate_managed", e)
	t.later(symmetricKeyClose, h)
	return h
}

// identity is what a managed key is found by.
type identity struct {
	id      []byte
	version uint64
}

// identify reads the identity of a managed key by keypair_id or symmetric_key_id.
func (t *T) identify(what string, read func(h uint32, id []byte) (uint32, uint64, errno), h uint32) identity {
	id := make([]byte, 256)
	n, version, e := read(h, id)
	t.must(what, e)
	if n == 0 || n > 256 {
		t.fail("%s: want an identifier of 1 to 256 bytes, got %d", what, n)
	}
	t.usable(what, version)
	return identity{id[:n], version}
}

func (t *T) pairIdentity(pair uint32) identity { return t.identify("keypair_id", keypairID, pair) }
func (t *T) keyIdentity(key uint32) identity {
	return t.identify("symmetric_key_id", symmetricKeyID, key)
}

// storedKey stores a symmetric key of these bytes and gives its identity. The functions that store tell no length, so it is read from the handle,
// which storing makes that of a managed key; its identifier is the one that was written.
func (t *T) storedKey(manager uint32, algorithm string, key []byte) (uint32, identity) {
	h, written := t.key(algorithm, key), make([]byte, 256)
	t.taken("symmetric_key_store_managed", symmetricKeyStoreManaged(manager, h, written))
	is := t.keyIdentity(h)
	t.same("the identifier that was written", written[:len(is.id)], is.id)
	return h, is
}

// storedPair is storedKey for a key pair that is there already.
func (t *T) storedPair(manager, pair uint32) identity {
	written := make([]byte, 256)
	t.taken("keypair_store_managed", keypairStoreManaged(manager, pair, written))
	is := t.pairIdentity(pair)
	t.same("the identifier that was written", written[:len(is.id)], is.id)
	return is
}

// replacedKey makes a new version of a symmetric key. The handle of the new key is that of the new version then, and that of the old
// one is closed.
func (t *T) replacedKey(manager, old, new uint32) uint64 {
	is := t.keyIdentity(old)
	version, e := symmetricKeyReplaceManaged(manager, old, new)
	t.taken("symmetric_key_replace_managed", e)
	t.succeeds("symmetric_key_replace_managed", is, identity{is.id, version}, t.keyIdentity(new))
	_, _, e = symmetricKeyID(old, make([]byte, 256))
	t.want("symmetric_key_id with the handle of the old key", e, invalidHandle)
	return version
}

// replacedPair is replacedKey for key pairs.
func (t *T) replacedPair(manager, old, new uint32) uint64 {
	is := t.pairIdentity(old)
	version, e := keypairReplaceManaged(manager, old, new)
	t.taken("keypair_replace_managed", e)
	t.succeeds("keypair_replace_managed", is, identity{is.id, version}, t.pairIdentity(new))
	_, e = keypairPublickey(old)
	t.want("keypair_publickey with the handle of the old pair", e, invalidHandle)
	return version
}

// succeeds holds that the new identity is the old one with a higher version, and that the handle has it.
func (t *T) succeeds(what string, old, new, handle identity) {
	t.usable(what, new.version)
	if new.version <= old.version {
		t.fail("%s: want a version above %d, got %d", what, old.version, new.version)
	}
	t.same("identifier of the new key's handle", handle.id, new.id)
	if handle.version != new.version {
		t.fail("version of the new key's handle: want %d, got %d", new.version, handle.version)
	}
}

// notManaged holds the answer about the identity of a key that is not managed: the version "unspecified" by the prose, unsupported_feature
// by the interface.
func (t *T) notManaged(what string, version uint64, e errno) {
	t.want(what+" of a key that is not managed", e, success, unsupportedFeature)
	if e == success && version != raw.VersionUnspecified {
		t.fail("%s of a key that is not managed: want version %#x, got %#x", what, raw.VersionUnspecified, version)
	}
}

// foundPair opens a managed pair.
func (t *T) foundPair(manager uint32, is identity) uint32 {
	h, e := keypairFromID(manager, is.id, is.version)
	t.must("keypair_from_id", e)
	t.later(keypairClose, h)
	return h
}

// foundKey opens a managed symmetric key.
func (t *T) foundKey(manager uint32, is identity) uint32 {
	h, e := symmetricKeyFromID(manager, is.id, is.version)
	t.must("symmetric_key_from_id", e)
	t.later(symmetricKeyClose, h)
	return h
}

// noPair and noKey hold that a version is not found.
func (t *T) noPair(manager uint32, is identity) {
	h, e := keypairFromID(manager, is.id, is.version)
	if e == success {
		t.later(keypairClose, h)
	}
	t.want("keypair_from_id", e, notFound)
}

func (t *T) noKey(manager uint32, is identity) {
	h, e := symmetricKeyFromID(manager, is.id, is.version)
	if e == success {
		t.later(symmetricKeyClose, h)
	}
	t.want("symmetric_key_from_id", e, notFound)
}

// future and past are an hour from now, in seconds since 1970.
func future() uint64 { return uint64(time.Now().Unix()) + 3600 }
func past() uint64   { return uint64(time.Now().Unix()) - 3600 }

// tryStore tries to store a secret and gives its identifier. The interface tells no length: the bytes at the end of the buffer that
// are zero are not of it, unless -secret-id-length says how long it is.
func (t *T) tryStore(manager uint32, secret []byte, expires uint64) ([]byte, errno) {
	id := make([]byte, 256)
	if t.idLength > 0 {
		id = id[:t.idLength]
	}
	e := externalSecretStore(manager, secret, expires, id)
	if t.idLength == 0 {
		id = bytes.TrimRight(id, "\x00")
	}
	if e == success && len(id) == 0 {
		t.fail("external_secret_store: want an identifier, got nothing in the buffer")
	}
	return id, e
}

// store stores a secret and gives its identifier.
func (t *T) store(manager uint32, secret []byte, expires uint64) []byte {
	id, e := t.tryStore(manager, secret, expires)
	t.kept("external_secret_store", e)
	return id
}

// replace makes a new version of a secret.
func (t *T) replace(manager uint32, id, secret []byte, expires uint64) uint64 {
	version, e := externalSecretReplace(manager, secret, expires, id)
	t.kept("external_secret_replace", e)
	t.usable("external_secret_replace", version)
	return version
}

// secretOf reads a secret.
func (t *T) secretOf(manager uint32, id []byte, version uint64) []byte {
	h, e := externalSecretFromID(manager, id, version)
	t.must("external_secret_from_id", e)
	return t.array(h)
}

// noSecret gives the answer of a read that must not succeed.
func (t *T) noSecret(manager uint32, id []byte, version uint64) errno {
	h, e := externalSecretFromID(manager, id, version)
	if e == success {
		t.fail("external_secret_from_id: want an error, got a secret of %d bytes", len(t.array(h)))
	}
	return e
}

// capsule encapsulates a secret.
func (t *T) capsule(manager uint32, secret []byte, expires uint64) []byte {
	h, e := externalSecretEncapsulate(manager, secret, expires)
	t.kept("external_secret_encapsulate", e)
	return t.array(h)
}

// opened gives what is in a capsule.
func (t *T) opened(manager uint32, capsule []byte) []byte {
	h, e := externalSecretDecapsulate(manager, capsule)
	t.must("external_secret_decapsulate", e)
	return t.array(h)
}

// unopened gives the answer about a capsule that must not open.
func (t *T) unopened(manager uint32, capsule []byte) errno {
	h, e := externalSecretDecapsulate(manager, capsule)
	if e == success {
		t.fail("external_secret_decapsulate: want an error, got a secret of %d bytes", len(t.array(h)))
	}
	return e
}
