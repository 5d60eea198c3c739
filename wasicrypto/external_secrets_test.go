package wasicrypto

import (
	"bytes"
	"context"
	"math"
	"testing"

	"github.com/claviger/claviger"
)

// far is an expiry that no test lives to see.
const far = math.MaxUint64

// store stores a secret and gives its identifier.
func (r *rig) store(manager uint64, secret string, expires uint64) []byte {
	r.t.Helper()
	at, n := r.text(secret)
	to := r.room(32)
	r.must("external_secret_store", manager, at, n, expires, to, 32)
	return r.Get(uint32(to), 32)
}

// read reads a secret, or gives the errno.
func (r *rig) read(manager uint64, id []byte, version uint64) (string, errno) {
	r.t.Helper()
	at, n := r.put(id)
	to := r.room(4)
	if e := errno(r.Call("external_secret_from_id", manager, at, n, version, to)); e != success {
		return "", e
	}
	return string(r.pull(r.U32(uint32(to)))), success
}

// replace makes the next version of a secret.
func (r *rig) replace(manager uint64, id []byte, secret string, expires uint64) (uint64, errno) {
	r.t.Helper()
	s, sLen := r.text(secret)
	at, n := r.put(id)
	to := r.room(8)
	e := errno(r.Call("external_secret_replace", manager, s, sLen, expires, at, n, to))
	return r.U64(uint32(to)), e
}

// TestExternalSecrets is rules 85, 86, 87 and 89, and that a replacement keeps older versions.
func TestExternalSecrets(t *testing.T) {
	forEachKeeper(t, func(t *testing.T, m Managed) {
		r, manager := managedRig(t, m)
		id := r.store(manager, "secret", far)
		if !hexOnly(id) || bytes.Equal(id, r.store(manager, "secret", far)) {
			t.Errorf("identifier %q, or the same twice", id)
		}
		at, n := r.text("padded")
		to := r.room(40)
		r.must("external_secret_store", manager, at, n, far, to, 40)
		padded := r.Get(uint32(to), 40)
		if s, e := r.read(manager, padded, 1); e != success || s != "padded" || !bytes.Equal(padded[32:], make([]byte, 8)) {
			t.Errorf("through the padded identifier %q: %q, %v", padded, s, e)
		}
		if v, e := r.replace(manager, append(bytes.Clone(id), 0, 0), "next", far); v != 2 || e != success {
			t.Errorf("replaced by version %d, %v", v, e)
		}
		for version, want := range map[uint64]string{1: "secret", 2: "next", claviger.LatestVersion: "next"} {
			if s, e := r.read(manager, id, version); e != success || s != want {
				t.Errorf("version %#x: %q, %v", version, s, e)
			}
		}
		for _, version := range []uint64{0, 3, claviger.UnspecifiedVersion, claviger.AllVersions} {
			if _, e := r.read(manager, id, version); e != notFound {
				t.Errorf("version %#x: %v", version, e)
			}
		}
		if empty, e := r.read(manager, r.store(manager, "", far), 1); empty != "" || e != success {
			t.Errorf("the secret of no bytes: %q, %v", empty, e)
		}
		r.want(overflow, "external_secret_store", manager, at, n, far, to, 31)
		r.want(guestError, "external_secret_store", manager, at, n, far, 0xFFFFFF00, 32)
	})
}

// TestExpiredSecrets is rules 88 and 89: an expiry that is past can be stored, and is judged at reading.
func TestExpiredSecrets(t *testing.T) {
	forEachKeeper(t, func(t *testing.T, m Managed) {
		r, manager := managedRig(t, m)
		for _, expires := range []uint64{0, 1} {
			if _, e := r.read(manager, r.store(manager, "old", expires), claviger.LatestVersion); e != expired {
				t.Errorf("expiry %d: %v", expires, e)
			}
		}
		id := r.store(manager, "one", far)
		r.replace(manager, id, "two", 1)
		if _, e := r.read(manager, id, claviger.LatestVersion); e != expired {
			t.Errorf("latest, which expired: %v", e)
		}
		if s, e := r.read(manager, id, 1); s != "one" || e != success {
			t.Errorf("the version before it: %q, %v", s, e)
		}
		if s, e := r.read(manager, r.store(manager, "live", math.MaxInt64+1), 1); s != "live" || e != success {
			t.Errorf("an expiry above the signed range: %q, %v", s, e)
		}
	})
}

// TestInvalidatedSecrets is rule 90.
func TestInvalidatedSecrets(t *testing.T) {
	forEachKeeper(t, func(t *testing.T, m Managed) {
		r, manager := managedRig(t, m)
		id := r.store(manager, "one", far)
		r.replace(manager, id, "two", far)
		at, n := r.put(append(bytes.Clone(id), 0))
		r.want(notFound, "external_secret_invalidate", manager, at, n, 3)
		r.want(notFound, "external_secret_invalidate", manager, at, n, claviger.UnspecifiedVersion)
		r.must("external_secret_invalidate", manager, at, n, claviger.LatestVersion)
		if _, e := r.read(manager, id, claviger.LatestVersion); e != notFound {
			t.Errorf("latest falls back: %v", e)
		}
		if s, e := r.read(manager, id, 1); s != "one" || e != success {
			t.Errorf("the version that was left: %q, %v", s, e)
		}
		if v, e := r.replace(manager, id, "three", far); v != 3 || e != success {
			t.Errorf("the next version is %d, %v", v, e)
		}
		r.must("external_secret_invalidate", manager, at, n, claviger.AllVersions)
		for _, version := range []uint64{1, 2, 3, claviger.LatestVersion} {
			if _, e := r.read(manager, id, version); e != notFound {
				t.Errorf("version %#x: %v", version, e)
			}
		}
		if _, e := r.replace(manager, id, "four", far); e != notFound {
			t.Errorf("replacing what is gone: %v", e)
		}
		key, _ := r.identity(r.generate(manager, "AES-128-GCM", 0))
		if _, e := r.read(manager, key, 1); e != notFound {
			t.Errorf("a key read as a secret: %v", e)
		}
		if _, e := r.fromID(manager, r.store(manager, "s", far), 1); e != notFound {
			t.Errorf("a secret opened as a key: %v", e)
		}
	})
}

// TestSecretLimits is rule 91: one byte over the longest is overflow, everywhere, and nothing is stored.
func TestSecretLimits(t *testing.T) {
	forEachKeeper(t, func(t *testing.T, m Managed) {
		r, manager := managedRig(t, m)
		long := bytes.Repeat([]byte("x"), claviger.MaxSecret)
		id := r.store(manager, string(long), far)
		if s, e := r.read(manager, id, 1); e != success || s != string(long) {
			t.Errorf("the longest secret: %v, %d bytes", e, len(s))
		}
		at, n := r.put(append(long, 'x'))
		to := r.room(32)
		r.want(overflow, "external_secret_store", manager, at, n, far, to, 32)
		idAt, idLen := r.put(id)
		r.refused(overflow, "external_secret_replace", manager, at, n, far, idAt, idLen)
		r.refused(overflow, "external_secret_encapsulate", manager, at, n, far)
		r.refused(verificationFailed, "external_secret_decapsulate", manager, 0, 64<<14)
	})
}

// capsule seals a secret.
func (r *rig) capsule(manager uint64, secret string, expires uint64) []byte {
	r.t.Helper()
	at, n := r.text(secret)
	return r.pull(r.handle("external_secret_encapsulate", manager, at, n, expires))
}

// TestCapsules is rules 93 to 95.
func TestCapsules(t *testing.T) {
	forEachKeeper(t, func(t *testing.T, m Managed) {
		r, manager := managedRig(t, m)
		c := r.capsule(manager, "secret", far)
		if bytes.Equal(c, r.capsule(manager, "secret", far)) {
			t.Error("two capsules of one secret are the same")
		}
		at, n := r.put(c)
		for range 2 {
			if got := r.pull(r.handle("external_secret_decapsulate", manager, at, n)); string(got) != "secret" {
				t.Errorf("opened %q", got)
			}
		}
		old, oldLen := r.put(r.capsule(manager, "old", 1))
		r.refused(expired, "external_secret_decapsulate", manager, old, oldLen)
		for i := 0; i < len(c); i += 5 {
			bad := bytes.Clone(c)
			bad[i] ^= 0x40
			at, n := r.put(bad)
			r.refused(verificationFailed, "external_secret_decapsulate", manager, at, n)
		}
		for _, n := range []uint64{0, 1, n - 1} {
			r.refused(verificationFailed, "external_secret_decapsulate", manager, at, n)
		}
	})
}

// TestStoredIsDurable is rules 73 and 85: what a call has acknowledged is there for another stack, with no manager closed.
func TestStoredIsDurable(t *testing.T) {
	m := daemonKeeper(t)
	r, manager := managedRig(t, m)
	id := r.store(manager, "secret", far)
	key, _ := r.identity(r.generate(manager, "AES-128-GCM", 0))
	if s, err := m.Get(context.Background(), string(id), 1); err != nil || string(s.Value) != "secret" {
		t.Errorf("the keeper has %q, %v", s.Value, err)
	}
	second, other := managedRig(t, m)
	if s, e := second.read(other, id, 1); s != "secret" || e != success {
		t.Errorf("another guest of the tenant reads %q, %v", s, e)
	}
	if _, e := second.fromID(other, key, 1); e != success {
		t.Errorf("and its key: %v", e)
	}
}
