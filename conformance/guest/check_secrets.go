package main

import (
	"bytes"
	"slices"

	"github.com/claviger/claviger/guest/raw"
)

// secretKept holds rule 85: the secret is there for another manager when the call returns, and its version is one that can be named.
func secretKept(t *T) {
	m, other := t.manager(), t.manager()
	id := t.store(m, []byte("a token"), future())
	t.same("the secret", t.secretOf(other, id, raw.VersionLatest), []byte("a token"))
	second := t.store(m, []byte("another token"), future())
	t.differ("identifiers of two secrets", id, second)
	t.same("the first secret", t.secretOf(m, id, raw.VersionLatest), []byte("a token"))
}

// secretIdentifiers holds rule 86.
func secretIdentifiers(t *T) {
	m, expires := t.manager(), future()
	var ids [][]byte
	for range 3 {
		id := t.store(m, []byte("a token"), expires)
		for _, earlier := range ids {
			t.differ("identifiers of one secret stored twice", earlier, id)
		}
		ids = append(ids, id)
	}
}

// secretIDBuffer holds rule 87: what does not fit is overflow, and what fits exactly does not need more.
func secretIDBuffer(t *T) {
	m := t.manager()
	size := len(t.store(m, []byte("a token"), future()))
	for _, n := range []int{0, 1, size - 1} {
		t.want("external_secret_store into a small buffer", externalSecretStore(m, []byte("a token"), future(), make([]byte, n)), overflow)
	}
	id := make([]byte, size)
	t.must("external_secret_store into a buffer that fits", externalSecretStore(m, []byte("a token"), future(), id))
	t.same("the secret", t.secretOf(m, id, raw.VersionLatest), []byte("a token"))
}

// secretExpiry holds rule 88: the expiry counts in seconds since 1970, up to the largest number. A host may refuse to
// store what is over already.
func secretExpiry(t *T) {
	m := t.manager()
	for _, expires := range []uint64{future(), 1 << 40, 1<<63 - 1} {
		t.same("the secret", t.secretOf(m, t.store(m, []byte("a token"), expires), raw.VersionLatest), []byte("a token"))
	}
	for _, expires := range []uint64{0, 1, past()} {
		t.over(m, []byte("a token"), expires)
	}
}

// over stores a secret whose time is over, and holds that it cannot be read.
func (t *T) over(m uint32, secret []byte, expires uint64) {
	id, e := t.tryStore(m, secret, expires)
	t.want("external_secret_store of what is over", e, success, expired)
	if e == success {
		t.want("external_secret_from_id of what is over", t.noSecret(m, id, raw.VersionLatest), expired, notFound)
	}
}

// secretMissing holds rule 89.
func secretMissing(t *T) {
	m := t.manager()
	id := t.store(m, []byte("a token"), future())
	for _, unknown := range [][]byte{nil, {0}, []byte("no such identifier"), []byte("00112233445566778899aabbccddeeff"), make([]byte, 5000)} {
		t.want("external_secret_from_id of an unknown identifier", t.noSecret(m, unknown, raw.VersionLatest), notFound)
	}
	t.want("external_secret_from_id of an unknown version", t.noSecret(m, id, 0xfeff_ffff_ffff_ffff), notFound)
	t.replace(m, id, []byte("what is over"), past())
	t.want("external_secret_from_id of a version that is over", t.noSecret(m, id, raw.VersionLatest), expired, notFound)
}

// secretInvalidated holds rule 90.
func secretInvalidated(t *T) {
	m := t.manager()
	id := t.store(m, []byte("a token"), future())
	t.kept("external_secret_invalidate", externalSecretInvalidate(m, id, raw.VersionAll))
	t.want("external_secret_from_id of what was invalidated", t.noSecret(m, id, raw.VersionLatest), notFound)
	t.want("external_secret_from_id with another manager", t.noSecret(t.manager(), id, raw.VersionLatest), notFound)
}

// secretLimits holds rule 91 for the size of a secret: a host keeps it, or says overflow.
func secretLimits(t *T) {
	m := t.manager()
	for _, size := range []int{1 << 16, 1 << 20, 1<<20 + 1, 4 << 20} {
		secret := bytes.Repeat([]byte{0x5a}, size)
		id, e := t.tryStore(m, secret, future())
		if e != overflow {
			t.kept("external_secret_store of a large secret (if not overflow)", e)
			t.same("a large secret", t.secretOf(m, id, raw.VersionLatest), secret)
		}
	}
}

// externalStore holds S1: any bytes, zeros included, and a buffer larger than the identifier. Whether there are empty secrets is not said.
func externalStore(t *T) {
	m := t.manager()
	for _, secret := range [][]byte{counting(256), make([]byte, 32), {0}} {
		t.same("the secret", t.secretOf(m, t.store(m, secret, future()), raw.VersionLatest), secret)
	}
}

// externalReplace holds S2.
func externalReplace(t *T) {
	m := t.manager()
	id := t.store(m, []byte("first"), future())
	second := t.replace(m, id, []byte("second"), future())
	third := t.replace(m, id, []byte("third"), future())
	if third <= second {
		t.fail("external_secret_replace: want a version above %d, got %d", second, third)
	}
	t.same("the second version", t.secretOf(m, id, second), []byte("second"))
	t.same("the third version", t.secretOf(m, id, third), []byte("third"))
	t.same("the latest version", t.secretOf(m, id, raw.VersionLatest), []byte("third"))
	t.replace(m, id, []byte("over"), past())
	t.same("an earlier version after one that is over", t.secretOf(m, id, third), []byte("third"))
	_, e := externalSecretReplace(m, []byte("token"), future(), []byte("00112233445566778899aabbccddeeff"))
	t.want("external_secret_replace of an unknown identifier", e, notFound)
}

// externalFromID holds S3: a copy each time; the numbers for no version and all versions name none.
func externalFromID(t *T) {
	m := t.manager()
	id := t.store(m, []byte("first"), future())
	version := t.replace(m, id, []byte("second"), future())
	for range 2 {
		t.same("the exact version", t.secretOf(m, id, version), []byte("second"))
		t.same("the latest version", t.secretOf(m, id, raw.VersionLatest), []byte("second"))
	}
	for _, none := range []uint64{raw.VersionUnspecified, raw.VersionAll, version + 1} {
		t.want("external_secret_from_id of a version that is none", t.noSecret(m, id, none), notFound)
	}
}

// externalInvalidate holds S4. What latest means after the latest version was invalidated is not said: not_found, or an older version.
func externalInvalidate(t *T) {
	m := t.manager()
	id := t.store(m, []byte("first"), future())
	second := t.replace(m, id, []byte("second"), future())
	third := t.replace(m, id, []byte("third"), future())
	t.kept("external_secret_invalidate", externalSecretInvalidate(m, id, second))
	t.want("external_secret_from_id of the invalidated version", t.noSecret(m, id, second), notFound)
	t.same("the third version", t.secretOf(m, id, third), []byte("third"))
	t.must("external_secret_invalidate latest", externalSecretInvalidate(m, id, raw.VersionLatest))
	t.want("external_secret_from_id of the latest version", t.noSecret(m, id, third), notFound)
	h, e := externalSecretFromID(m, id, raw.VersionLatest)
	t.want("external_secret_from_id of latest after latest was invalidated", e, notFound, success)
	if e == success {
		t.same("latest after latest was invalidated", t.array(h), []byte("first"))
	}
	t.must("external_secret_invalidate all", externalSecretInvalidate(m, id, raw.VersionAll))
	for _, version := range []uint64{second, third, raw.VersionLatest} {
		t.want("external_secret_from_id after all were invalidated", t.noSecret(m, id, version), notFound)
	}
	t.want("external_secret_invalidate of an unknown identifier", externalSecretInvalidate(m, []byte("00112233445566778899aabbccddeeff"), 1), notFound)
	other := t.store(m, []byte("other"), future())
	t.want("external_secret_invalidate of an unknown version", externalSecretInvalidate(m, other, 0xfeff_ffff_ffff_ffff), notFound)
	t.same("another secret", t.secretOf(m, other, raw.VersionLatest), []byte("other"))
}

// A capsule that cannot be verified is verification_failed in the interface, and invalid_tag in the prose: either is taken.

// externalEncapsulate holds S5. Whether there are empty secrets is not said.
func externalEncapsulate(t *T) {
	m, other := t.manager(), t.manager()
	for _, secret := range [][]byte{counting(256), make([]byte, 32), {0}} {
		t.same("what is in the capsule", t.opened(other, t.capsule(m, secret, future())), secret)
	}
}

// externalDecapsulate holds S6.
func externalDecapsulate(t *T) {
	m := t.manager()
	capsule := t.capsule(m, []byte("a token"), future())
	t.same("what is in the capsule", t.opened(m, capsule), []byte("a token"))
	t.same("what is in the capsule, again", t.opened(m, capsule), []byte("a token"))
	t.want("external_secret_decapsulate of what is over", t.unopened(m, t.capsule(m, []byte("a token"), past())), expired)
	for _, other := range [][]byte{nil, {0}, []byte("not a capsule"), make([]byte, len(capsule)), make([]byte, 1<<16), append(slices.Clone(capsule), 0)} {
		t.want("external_secret_decapsulate of other bytes", t.unopened(m, other), verificationFailed, invalidTag)
	}
}

// capsuleHides holds rule 92 as far as a guest can see: a capsule shows nothing of its secret.
func capsuleHides(t *T) {
	m := t.manager()
	secret := []byte("a token that is long enough to be recognized in what the host gives out")
	capsule := t.capsule(m, secret, future())
	for i := range len(secret) - 8 {
		if bytes.Contains(capsule, secret[i:i+8]) {
			t.fail("the capsule: want nothing of the secret in it, found %q", secret[i:i+8])
		}
	}
	t.same("what is in the capsule", t.opened(m, capsule), secret)
}

// capsuleAuthentic holds rule 93: no change of a byte, no cut, and no mixture of two capsules opens, in particular not the secret of one with
// the expiry of another.
func capsuleAuthentic(t *T) {
	m := t.manager()
	capsule := t.capsule(m, []byte("a token"), future())
	for i := range capsule {
		changed := slices.Clone(capsule)
		changed[i] ^= 1
		t.want("a capsule with a changed byte", t.unopened(m, changed), verificationFailed, invalidTag)
		t.want("a capsule that was cut", t.unopened(m, capsule[:i]), verificationFailed, invalidTag)
	}
	over := t.capsule(m, []byte("a secret"), past())
	for i := range min(len(over), len(capsule)) {
		for _, mixed := range [][]byte{slices.Concat(capsule[:i], over[i:]), slices.Concat(over[:i], capsule[i:])} {
			if !slices.Equal(mixed, capsule) {
				t.want("a mixture of two capsules", t.unopened(m, mixed), verificationFailed, invalidTag, expired)
			}
		}
	}
}

// capsuleNonce holds rule 94.
func capsuleNonce(t *T) {
	m, expires := t.manager(), future()
	one, two := t.capsule(m, []byte("a token"), expires), t.capsule(m, []byte("a token"), expires)
	t.differ("two capsules of one secret", one, two)
	t.same("what is in the first", t.opened(m, one), []byte("a token"))
	t.same("what is in the second", t.opened(m, two), []byte("a token"))
}

// capsuleChecks holds rule 95: genuine and over is expired; altered is not, whatever its time, unless the host looks at the time first.
func capsuleChecks(t *T) {
	m := t.manager()
	for _, expires := range []uint64{0, 1, past()} {
		t.want("a capsule that is over", t.unopened(m, t.capsule(m, []byte("a token"), expires)), expired)
	}
	capsule := t.capsule(m, []byte("a token"), future())
	t.same("what is in the capsule", t.opened(m, capsule), []byte("a token"))
	capsule[len(capsule)-1] ^= 1
	t.want("an altered capsule", t.unopened(m, capsule), verificationFailed, invalidTag)
}
