package main

import (
	"crypto/sha256"

	"github.com/claviger/claviger/guest/raw"
)

// symmetricManaged holds rule 84: what holds for pairs holds for symmetric keys. The replacement is in the interface and missing in the
// prose.
func symmetricManaged(t *T) {
	m, other := t.manager(), t.manager()
	key := t.managedKey(m, "HMAC/SHA-256")
	is := t.keyIdentity(key)
	tag := t.mac(t.state("HMAC/SHA-256", some(key), maybe{}))
	t.same("tag with the key that was found", t.mac(t.state("HMAC/SHA-256", some(t.foundKey(other, is)), maybe{})), tag)
	t.symmetricReplaced(m, key, is, tag)
	t.symmetricUnmanaged(m, is)
}

// symmetricReplaced holds the new version beside the old one, and that another algorithm is refused.
func (t *T) symmetricReplaced(m, key uint32, is identity, tag []byte) {
	version := t.replacedKey(m, key, t.key("HMAC/SHA-256", counting(32)))
	for _, v := range []uint64{version, raw.VersionLatest} {
		found := t.foundKey(m, identity{is.id, v})
		t.same("tag with the new version", t.mac(t.state("HMAC/SHA-256", some(found), maybe{})), authenticated(sha256.New, counting(32), nil))
	}
	t.same("tag with the first version", t.mac(t.state("HMAC/SHA-256", some(t.foundKey(m, is)), maybe{})), tag)
	_, e := symmetricKeyReplaceManaged(m, t.foundKey(m, is), t.key("AES-256-GCM", counting(32)))
	t.want("symmetric_key_replace_managed with another algorithm", e, incompatibleKeys)
}

// symmetricUnmanaged holds what a key that is not managed, a small buffer, and an unknown version are answered.
func (t *T) symmetricUnmanaged(m uint32, is identity) {
	own := t.key("HMAC/SHA-256", counting(32))
	_, version, e := symmetricKeyID(own, make([]byte, 256))
	t.notManaged("symmetric_key_id", version, e)
	// A host may also prohibit keys of the guest's.
	t.want("symmetric_key_store_managed into a small buffer", symmetricKeyStoreManaged(m, own, make([]byte, 1)), overflow, prohibitedOperation)
	_, _, e = symmetricKeyID(t.foundKey(m, is), make([]byte, 1))
	t.want("symmetric_key_id into a small buffer", e, overflow)
	for _, version := range []uint64{0xfeff_ffff_ffff_ffff, raw.VersionUnspecified, raw.VersionAll} {
		t.noKey(m, identity{is.id, version})
	}
}

// invalidateAnswer holds rule 76 for a pair and a symmetric key.
func invalidateAnswer(t *T) {
	m := t.manager()
	pair := t.pairIdentity(t.managedPair(m, raw.TypeSignatures, t.signer()))
	t.want("secrets_manager_invalidate of a pair", secretsManagerInvalidate(m, pair.id, pair.version), success, unsupportedFeature)
	key := t.keyIdentity(t.managedKey(m, "HMAC/SHA-256"))
	t.want("secrets_manager_invalidate of a key", secretsManagerInvalidate(m, key.id, key.version), success, unsupportedFeature)
}

// invalidated holds rule 77. What latest means after the latest version was invalidated is not said: not_found, or an older version.
func invalidated(t *T) {
	m := t.manager()
	key, one := t.storedKey(m, "HMAC/SHA-256", counting(32))
	versions := []uint64{one.version}
	for range 3 {
		next := t.key("HMAC/SHA-256", counting(33))
		versions = append(versions, t.replacedKey(m, key, next))
		key = next
	}
	t.kept("secrets_manager_invalidate", secretsManagerInvalidate(m, one.id, versions[1]))
	t.noKey(m, identity{one.id, versions[1]})
	t.foundKey(m, identity{one.id, versions[0]})
	t.must("secrets_manager_invalidate latest", secretsManagerInvalidate(m, one.id, raw.VersionLatest))
	t.noKey(m, identity{one.id, versions[3]})
	t.foundKey(m, identity{one.id, versions[2]})
	h, e := symmetricKeyFromID(m, one.id, raw.VersionLatest)
	t.want("symmetric_key_from_id of latest after latest was invalidated", e, notFound, success)
	if e == success {
		t.later(symmetricKeyClose, h)
		if now := t.keyIdentity(h).version; now != versions[2] {
			t.fail("latest after latest was invalidated: want version %d, got %d", versions[2], now)
		}
	}
	t.must("secrets_manager_invalidate all", secretsManagerInvalidate(m, one.id, raw.VersionAll))
	for _, version := range append(versions, raw.VersionLatest) {
		t.noKey(m, identity{one.id, version})
	}
	pair := t.pairIdentity(t.managedPair(m, raw.TypeSignatures, t.signer()))
	t.must("secrets_manager_invalidate all of a pair", secretsManagerInvalidate(m, pair.id, raw.VersionAll))
	t.noPair(m, pair)
	t.noPair(m, identity{pair.id, raw.VersionLatest})
}

// unknownKey holds rule 78 for identifiers of any shape, unknown versions, and what was revoked.
func unknownKey(t *T) {
	m := t.manager()
	for _, id := range [][]byte{nil, {0}, []byte("no such identifier"), counting(32), []byte("00112233445566778899aabbccddeeff"), make([]byte, 5000)} {
		t.noPair(m, identity{id, raw.VersionLatest})
		t.noKey(m, identity{id, 1})
	}
	is := t.keyIdentity(t.managedKey(m, "HMAC/SHA-256"))
	t.noKey(m, identity{is.id, is.version + 1})
	t.kept("secrets_manager_invalidate", secretsManagerInvalidate(m, is.id, is.version))
	t.noKey(m, is)
	t.want("secrets_manager_invalidate of an unknown identifier", secretsManagerInvalidate(m, counting(32), 1), notFound)
	t.want("secrets_manager_invalidate of an unknown version", secretsManagerInvalidate(m, is.id, is.version+1), notFound)
}
