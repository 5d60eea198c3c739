package main

import (
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/claviger/claviger/guest/raw"
)

// managedKeyServes holds rule 69: a key that the manager keeps serves wherever one of the guest's own does, with the same results.
func managedKeyServes(t *T) {
	m := t.manager()
	_, is := t.storedKey(m, "HMAC/SHA-256", counting(32))
	state := t.state("HMAC/SHA-256", some(t.foundKey(m, is)), maybe{})
	t.absorb(state, "message")
	t.same("tag with a managed key", t.mac(state), authenticated(sha256.New, counting(32), []byte("message")))

	_, is = t.storedKey(m, "AES-256-GCM", counting(32))
	key := t.foundKey(m, is)
	state = t.state("AES-256-GCM", some(key), t.options(counting(12)))
	t.absorb(state, "associated")
	sealed := t.encrypt(state, "message")
	t.same("ciphertext with a managed key", sealed, gcm("AES-256-GCM", "message", "associated"))
	state = t.state("AES-256-GCM", some(key), t.options(counting(12)))
	t.absorb(state, "associated")
	t.same("plaintext with a managed key", t.decrypt(state, sealed), []byte("message"))

	_, is = t.storedKey(m, "HKDF-EXPAND/SHA-256", counting(32))
	state = t.state("HKDF-EXPAND/SHA-256", some(t.foundKey(m, is)), maybe{})
	own := t.keyed("HKDF-EXPAND/SHA-256", counting(32))
	t.same("output with a managed key", t.squeeze(state, 42), t.squeeze(own, 42))
	t.managedPairServes(m)
}

func (t *T) managedPairServes(m uint32) {
	pair := t.managedPair(m, raw.TypeSignatures, t.signer())
	t.must("verification of a managed signature", t.verify(t.public(pair), "message", t.sign(pair, "message")))
	local, algorithm := t.firstPair("X25519", "P256-SHA256")
	if algorithm != "" {
		kept := t.managedPair(m, raw.TypeKeyExchange, algorithm)
		t.same("shared secret with a managed pair", t.agree(t.public(local), t.secret(kept)), t.agree(t.public(kept), t.secret(local)))
	}
	if _, mechanism := t.firstPair(encapsulations()...); mechanism != "" {
		kept := t.managedPair(m, raw.TypeKeyExchange, mechanism)
		secret, encapsulated := t.encapsulate(kept)
		h, e := kxDecapsulate(t.secret(kept), encapsulated)
		t.must("kx_decapsulate with a managed pair", e)
		t.same("the two sides of "+mechanism, t.array(h), secret)
	}
}

// managedExport holds rule 70: a host gives a managed key out or says prohibited_operation, and nothing else.
func managedExport(t *T) {
	m := t.manager()
	pair := t.managedPair(m, raw.TypeSignatures, t.signer())
	e := t.discard(keypairExport(pair, raw.KeypairPKCS8))
	t.want("keypair_export of a managed pair", e, success, prohibitedOperation)
	secret, e := keypairSecretkey(pair)
	t.want("keypair_secretkey of a managed pair", e, success, prohibitedOperation)
	if e == success {
		t.later(secretkeyClose, secret)
		e = t.discard(secretkeyExport(secret, raw.KeyPKCS8))
		t.want("secretkey_export of a managed key", e, success, prohibitedOperation)
	}
	e = t.discard(symmetricKeyExport(t.managedKey(m, "HMAC/SHA-256")))
	t.want("symmetric_key_export of a managed key", e, success, prohibitedOperation)
}

// managerCounted holds rule 72.
func managerCounted(t *T) {
	m := t.manager()
	key, pair := t.managedKey(m, "HMAC/SHA-256"), t.managedPair(m, raw.TypeSignatures, t.signer())
	is := t.keyIdentity(key)
	state := t.state("HMAC/SHA-256", some(key), maybe{})
	t.must("secrets_manager_close", secretsManagerClose(m))
	t.absorb(state, "message")
	tag := t.mac(state)
	again := t.state("HMAC/SHA-256", some(key), maybe{})
	t.absorb(again, "message")
	t.same("tag after the manager was closed", t.mac(again), tag)
	t.must("verification after the manager was closed", t.verify(t.public(pair), "message", t.sign(pair, "message")))
	_, e := symmetricKeyFromID(m, is.id, is.version)
	t.want("symmetric_key_from_id with a closed manager", e, invalidHandle)
	t.want("secrets_manager_close of a closed manager", secretsManagerClose(m), closed, invalidHandle)
}

// durableWithoutClose holds rule 73 as far as one guest can see: another manager finds what the first, still open, has stored.
func durableWithoutClose(t *T) {
	first, second := t.manager(), t.manager()
	pair := t.managedPair(first, raw.TypeSignatures, t.signer())
	found := t.foundPair(second, t.pairIdentity(pair))
	t.must("verification by the public key of the pair that was found", t.verify(t.public(found), "message", t.sign(pair, "message")))
	_, is := t.storedKey(first, "HMAC/SHA-256", counting(32))
	t.same("tag with the key that was found", t.mac(t.state("HMAC/SHA-256", some(t.foundKey(second, is)), maybe{})),
		authenticated(sha256.New, counting(32), nil))
}

// keyIdentifiers holds rule 74: the same key stored thrice has three identifiers, and none begins with a digest of the key.
func keyIdentifiers(t *T) {
	m := t.manager()
	var ids [][]byte
	for range 3 {
		_, is := t.storedKey(m, "HMAC/SHA-256", counting(32))
		for _, id := range ids {
			t.differ("identifiers of two stored keys", id, is.id)
		}
		ids = append(ids, is.id)
		for algorithm, new := range hashes() {
			h := new()
			h.Write(counting(32))
			for _, digest := range [][]byte{h.Sum(nil), fmt.Appendf(nil, "%x", h.Sum(nil)), fmt.Appendf(nil, "%X", h.Sum(nil))} {
				n := min(len(digest), len(is.id))
				t.differ("identifier and "+algorithm+" of the key", is.id[:n], digest[:n])
			}
		}
	}
}

// versionsGrow holds rule 75, also when the latest version was invalidated: its number does not come again.
func versionsGrow(t *T) {
	m := t.manager()
	key, is := t.storedKey(m, "HMAC/SHA-256", counting(32))
	last := is.version
	for i := range 3 {
		next := t.key("HMAC/SHA-256", counting(33+i))
		last = t.replacedKey(m, key, next)
		key = next
	}
	if secretsManagerInvalidate(m, is.id, raw.VersionLatest) != success {
		return // rows 76 and 77 are about that
	}
	if version := t.replacedKey(m, t.foundKey(m, is), t.key("HMAC/SHA-256", counting(36))); version <= last {
		t.fail("the version after an invalidated one: want one above %d, got %d", last, version)
	}
}

// keyLimits holds rule 79 for the size of a key: HMAC takes one of any length, and a host keeps it or says overflow.
func keyLimits(t *T) {
	m := t.manager()
	for _, size := range []int{1 << 10, 1 << 16, 1 << 20} {
		key, e := symmetricKeyImport("HMAC/SHA-256", make([]byte, size))
		if e != success {
			t.want("symmetric_key_import of a long key", e, invalidKey, overflow)
			continue
		}
		t.later(symmetricKeyClose, key)
		e = symmetricKeyStoreManaged(m, key, make([]byte, 256))
		if e != overflow {
			t.taken("symmetric_key_store_managed of a long key (if not overflow)", e)
		}
	}
}

// pairManaged holds rule 80.
func pairManaged(t *T) {
	m, other := t.manager(), t.manager()
	algorithm := t.signer()
	pair := t.managedPair(m, raw.TypeSignatures, algorithm)
	found := t.foundPair(other, t.pairIdentity(pair))
	t.must("verification by the public key of a generated pair", t.verify(t.public(found), "message", t.sign(pair, "message")))

	own := t.pairFrom(raw.TypeSignatures, "RSA_PKCS1_2048_SHA256", rsa2048, raw.KeypairPKCS8)
	before := t.signed(own, "message")
	is := t.storedPair(m, own)
	t.same("signature with a stored pair", t.signed(t.foundPair(other, is), "message"), before)
	small := t.pairFrom(raw.TypeSignatures, "RSA_PKCS1_2048_SHA256", rsa2048, raw.KeypairPKCS8)
	t.want("keypair_store_managed into a small buffer", keypairStoreManaged(m, small, make([]byte, 1)), overflow)
	t.differ("identifiers of two pairs", t.pairIdentity(pair).id, is.id)
}

// pairReplace holds rule 81.
func pairReplace(t *T) {
	m := t.manager()
	algorithm := t.signer()
	old := t.managedPair(m, raw.TypeSignatures, algorithm)
	first := t.pairIdentity(old)
	signature := t.sign(old, "message")
	next := t.pair(raw.TypeSignatures, algorithm)
	nextPublic := t.public(next)
	version := t.replacedPair(m, old, next)
	t.must("verification by the first version", t.verify(t.public(t.foundPair(m, first)), "message", signature))
	for _, v := range []uint64{version, raw.VersionLatest} {
		found := t.foundPair(m, identity{first.id, v})
		t.must("verification of the new version", t.verify(nextPublic, "message", t.sign(found, "message")))
	}
	other := t.pairFrom(raw.TypeSignatures, "RSA_PKCS1_3072_SHA384", rsa3072, raw.KeypairPKCS8)
	_, e := keypairReplaceManaged(m, t.foundPair(m, first), other)
	t.want("keypair_replace_managed with another algorithm", e, incompatibleKeys)
}

// pairID holds rule 82.
func pairID(t *T) {
	own := t.pairFrom(raw.TypeSignatures, "RSA_PKCS1_2048_SHA256", rsa2048, raw.KeypairPKCS8)
	m := t.manager()
	_, version, e := keypairID(own, make([]byte, 256))
	t.notManaged("keypair_id", version, e)
	pair := t.managedPair(m, raw.TypeSignatures, t.signer())
	id := t.pairIdentity(pair).id
	for _, n := range []int{0, 1, len(id) - 1} {
		_, _, e = keypairID(pair, make([]byte, n))
		t.want("keypair_id into a small buffer", e, overflow)
	}
	exact := make([]byte, len(id))
	_, _, e = keypairID(pair, exact)
	t.must("keypair_id into a buffer that fits", e)
	t.same("the identifier", exact, id)
}

// pairFromID holds rule 83: no version but an exact one and latest is found, and no other identifier.
func pairFromID(t *T) {
	m := t.manager()
	pair := t.managedPair(m, raw.TypeSignatures, t.signer())
	is := t.pairIdentity(pair)
	for _, version := range []uint64{is.version, raw.VersionLatest} {
		found := t.pairIdentity(t.foundPair(m, identity{is.id, version}))
		t.same("identifier of what was found", found.id, is.id)
		if found.version != is.version {
			t.fail("version of what was found: want %d, got %d", is.version, found.version)
		}
	}
	for _, version := range []uint64{is.version + 1, 0xfeff_ffff_ffff_ffff, raw.VersionUnspecified, raw.VersionAll} {
		t.noPair(m, identity{is.id, version})
	}
	other := slices.Clone(is.id)
	other[0] ^= 1
	t.noPair(m, identity{other, is.version})
	t.noPair(m, identity{t.keyIdentity(t.managedKey(m, "HMAC/SHA-256")).id, raw.VersionLatest})
}
