package wasicrypto

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/claviger/claviger"
)

func hexOnly(id []byte) bool { return len(strings.Trim(string(id), "0123456789abcdef")) == 0 }

// managedRig is a rig with an open secrets manager.
func managedRig(t *testing.T, m Managed) (*rig, uint64) {
	t.Helper()
	r := newRig(t, Config{Managed: m})
	return r, uint64(r.handle("secrets_manager_open", r.none()))
}

// generate makes a managed symmetric key.
func (r *rig) generate(manager uint64, algorithm string, options uint32) uint32 {
	r.t.Helper()
	name, n := r.text(algorithm)
	o := r.none()
	if options != 0 {
		o = r.some(options)
	}
	return r.handle("symmetric_key_generate_managed", manager, name, n, o)
}

// identity gives identifier and version of a symmetric key.
func (r *rig) identity(key uint32) (id []byte, version uint64) {
	r.t.Helper()
	at, size, v := r.room(32), r.room(4), r.room(8)
	r.must("symmetric_key_id", uint64(key), at, 32, size, v)
	return r.Get(uint32(at), r.U32(uint32(size))), r.U64(uint32(v))
}

// fromID opens a managed key, or gives the errno.
func (r *rig) fromID(manager uint64, id []byte, version uint64) (uint32, errno) {
	r.t.Helper()
	at, n := r.put(id)
	to := r.room(4)
	e := errno(r.Call("symmetric_key_from_id", manager, at, n, version, to))
	return r.U32(uint32(to)), e
}

// mac gives the HMAC of a message under a key.
func (r *rig) mac(key uint32, message string) []byte {
	r.t.Helper()
	s := r.state("HMAC/SHA-256", key, 0)
	r.absorb(s, message)
	return r.tag(s)
}

// forEachKeeper runs a test on every Managed there is.
func forEachKeeper(t *testing.T, test func(t *testing.T, m Managed)) {
	t.Helper()
	t.Run("memory", func(t *testing.T) { test(t, newKeeper()) })
	t.Run("daemon", func(t *testing.T) { test(t, daemonKeeper(t)) })
}

// TestManagedKeys is rules 70, 72, 74, 82, 83 and 84: identifier and version, work through the identifier after the manager is closed, no export.
func TestManagedKeys(t *testing.T) {
	forEachKeeper(t, func(t *testing.T, m Managed) {
		r, manager := managedRig(t, m)
		k := r.generate(manager, "hmac/sha-256", 0)
		id, version := r.identity(k)
		if len(id) != 32 || !hexOnly(id) || version != 1 {
			t.Fatalf("identifier %q, version %d", id, version)
		}
		second, _ := r.identity(r.generate(manager, "HMAC/SHA-256", 0))
		if bytes.Equal(id, second) {
			t.Error("two keys with one identifier")
		}
		want := r.mac(k, "data")
		r.refused(prohibitedOperation, "symmetric_key_export", uint64(k))
		r.refused(invalidKey, "symmetric_state_open", r.openArgs("HMAC/SHA-512", k, 0)...)
		for _, handed := range [][]byte{id, append(bytes.Clone(id), 0), append(bytes.Clone(id), make([]byte, 68)...)} {
			for _, version := range []uint64{1, claviger.LatestVersion} {
				h, e := r.fromID(manager, handed, version)
				if e != success || !bytes.Equal(r.mac(h, "data"), want) {
					t.Errorf("version %#x of %q: %v", version, handed, e)
				}
			}
		}
		s := r.state("HMAC/SHA-256", k, 0)
		r.must("secrets_manager_close", manager)
		if _, e := r.fromID(manager, id, 1); e != invalidHandle {
			t.Errorf("from a closed manager: %v", e)
		}
		r.absorb(s, "data")
		if got := r.tag(s); !bytes.Equal(got, want) || !bytes.Equal(r.mac(k, "data"), want) {
			t.Error("the key does not outlive the manager's handle")
		}
	})
}

// TestKeysThatAreNotThere is rule 78.
func TestKeysThatAreNotThere(t *testing.T) {
	forEachKeeper(t, func(t *testing.T, m Managed) {
		r, manager := managedRig(t, m)
		id, _ := r.identity(r.generate(manager, "AES-256-GCM", 0))
		upper := bytes.ToUpper(id)
		for _, c := range []struct {
			id      []byte
			version uint64
		}{
			{id, 0}, {id, 2}, {id, claviger.UnspecifiedVersion}, {id, claviger.AllVersions}, {id, 0xFFFFFFFFFFFFFFFF}, {nil, 1}, {id[:31], 1},
			{append(bytes.Clone(id), 'x'), 1}, {append(bytes.Clone(id), 0, 'x'), 1}, {make([]byte, 32), 1}, {[]byte(strings.Repeat("z", 32)), 1},
			{[]byte(strings.Repeat("0", 32)), claviger.LatestVersion},
		} {
			if _, e := r.fromID(manager, c.id, c.version); e != notFound {
				t.Errorf("version %#x of %q: %v", c.version, c.id, e)
			}
			if c.version == claviger.AllVersions {
				continue
			}
			at, n := r.put(c.id)
			r.want(notFound, "secrets_manager_invalidate", manager, at, n, c.version)
		}
		if _, e := r.fromID(manager, upper, 1); e != notFound && !bytes.Equal(upper, id) {
			t.Errorf("an identifier in upper case: %v", e)
		}
	})
}

func TestExportableManagedKey(t *testing.T) {
	forEachKeeper(t, func(t *testing.T, m Managed) {
		r, manager := managedRig(t, m)
		for _, c := range []struct {
			value uint64
			want  errno
		}{{0, prohibitedOperation}, {1, success}} {
			o := r.openOptions(claviger.GuestSymmetric)
			if e := r.setNumber(o, "exportable", c.value); e != success {
				t.Fatal(e)
			}
			k := r.generate(manager, "AES-128-GCM", o)
			to := r.room(4)
			r.want(c.want, "symmetric_key_export", uint64(k), to)
			if c.want == success && len(r.pull(r.U32(uint32(to)))) != 16 {
				t.Error("not the key")
			}
		}
		name, n := r.text("AES-128-GCM")
		r.refused(invalidHandle, "symmetric_key_generate_managed", manager, name, n, r.some(r.openOptions(claviger.GuestSignatures)))
		name, n = r.text("SHA-256")
		r.refused(keyNotSupported, "symmetric_key_generate_managed", manager, name, n, r.none())
		name, n = r.text("NOPE")
		r.refused(unsupportedAlgorithm, "symmetric_key_generate_managed", manager, name, n, r.none())
	})
}

// TestStoreMakesTheHandleManaged is rule 80 for symmetric keys.
func TestStoreMakesTheHandleManaged(t *testing.T) {
	forEachKeeper(t, func(t *testing.T, m Managed) {
		r, manager := managedRig(t, m)
		k := r.key("HMAC/SHA-256", []byte("0123456789abcdef"))
		want := r.mac(k, "data")
		if id, version := r.identity(k); len(id) != 0 || version != claviger.UnspecifiedVersion {
			t.Errorf("a local key is version %#x of %q", version, id)
		}
		r.must("symmetric_key_id", uint64(k), 0, 0, r.room(4), r.room(8))
		at := r.room(48)
		r.must("symmetric_key_store_managed", manager, uint64(k), at, 48)
		padded := r.Get(uint32(at), 48)
		id, version := r.identity(k)
		if !bytes.Equal(padded, append(bytes.Clone(id), make([]byte, 16)...)) || version != 1 {
			t.Errorf("stored as %q, the key is version %d of %q", padded, version, id)
		}
		r.refused(prohibitedOperation, "symmetric_key_export", uint64(k))
		r.want(prohibitedOperation, "symmetric_key_store_managed", manager, uint64(k), at, 48)
		h, e := r.fromID(manager, padded, 1)
		if e != success || !bytes.Equal(r.mac(h, "data"), want) || !bytes.Equal(r.mac(k, "data"), want) {
			t.Errorf("the stored key is another one: %v", e)
		}
		size, v := r.room(4), r.room(8)
		r.want(overflow, "symmetric_key_id", uint64(k), at, 31, size, v)
	})
}

// TestSmallBufferStoresNothing: overflow comes before the keeper is asked.
func TestSmallBufferStoresNothing(t *testing.T) {
	keeper := newKeeper()
	r, manager := managedRig(t, keeper)
	k := r.key("HMAC/SHA-256", []byte("key"))
	for _, n := range []uint64{0, 1, 31} {
		at := r.room(32)
		r.want(overflow, "symmetric_key_store_managed", manager, uint64(k), at, n)
		r.want(overflow, "external_secret_store", manager, at, 4, 5000, at, n)
	}
	if n := keeper.stored(); n != 0 {
		t.Errorf("%d things were stored", n)
	}
	keeper.fails = claviger.ErrQuotaExceeded
	at := r.room(32)
	r.want(overflow, "symmetric_key_store_managed", manager, uint64(k), at, 32)
	if got := r.pull(r.handle("symmetric_key_export", uint64(k))); string(got) != "key" {
		t.Error("a key that could not be stored is no local key any more")
	}
}

// TestReplaceManaged is rules 75 and 81 for symmetric keys: the new handle is the new version, the old one is closed, older versions stay.
func TestReplaceManaged(t *testing.T) {
	forEachKeeper(t, func(t *testing.T, m Managed) {
		r, manager := managedRig(t, m)
		old := r.generate(manager, "HMAC/SHA-256", 0)
		id, _ := r.identity(old)
		first := r.mac(old, "data")
		to := r.room(8)
		local := r.key("HMAC/SHA-256", []byte("0123456789abcdef"))
		second := r.mac(local, "data")
		r.must("symmetric_key_replace_managed", manager, uint64(old), uint64(local), to)
		if v := r.U64(uint32(to)); v != 2 {
			t.Errorf("the version is %d", v)
		}
		if now, v := r.identity(local); !bytes.Equal(now, id) || v != 2 {
			t.Errorf("the new key is version %d of %q, want 2 of %q", v, now, id)
		}
		r.refused(prohibitedOperation, "symmetric_key_export", uint64(local))
		r.want(closed, "symmetric_key_close", uint64(old))

		managed := r.generate(manager, "HMAC/SHA-256", 0)
		third := r.mac(managed, "data")
		other, _ := r.identity(managed)
		r.must("symmetric_key_replace_managed", manager, uint64(local), uint64(managed), to)
		r.must("symmetric_key_replace_managed", manager, uint64(managed), uint64(managed), to)
		if v := r.U64(uint32(to)); v != 4 {
			t.Errorf("the version is %d", v)
		}
		for version, want := range map[uint64][]byte{1: first, 2: second, 3: third, 4: third, claviger.LatestVersion: third} {
			h, e := r.fromID(manager, id, version)
			if e != success || !bytes.Equal(r.mac(h, "data"), want) {
				t.Errorf("version %#x: %v, or another key", version, e)
			}
		}
		if h, e := r.fromID(manager, other, 1); e != success || !bytes.Equal(r.mac(h, "data"), third) {
			t.Errorf("the key that was copied is gone: %v", e)
		}
	})
}

func TestReplaceThatDoesNotFit(t *testing.T) {
	forEachKeeper(t, func(t *testing.T, m Managed) {
		r, manager := managedRig(t, m)
		old := r.generate(manager, "HMAC/SHA-256", 0)
		sha512 := r.key("HMAC/SHA-512", []byte("0123456789abcdef"))
		r.refused(incompatibleKeys, "symmetric_key_replace_managed", manager, uint64(old), uint64(sha512))
		r.refused(incompatibleKeys, "symmetric_key_replace_managed", manager, uint64(old), uint64(r.generate(manager, "AES-256-GCM", 0)))
		r.refused(unsupportedFeature, "symmetric_key_replace_managed", manager, uint64(sha512), uint64(sha512))
		r.refused(invalidHandle, "symmetric_key_replace_managed", manager, uint64(old), manager)
		r.mac(old, "still there")
		if got := r.pull(r.handle("symmetric_key_export", uint64(sha512))); string(got) != "0123456789abcdef" {
			t.Error("the key that did not fit has changed")
		}
	})
}

// TestInvalidate is rules 77 and 78; latest never falls back to an older version, and a handle that is open goes on.
func TestInvalidate(t *testing.T) {
	forEachKeeper(t, func(t *testing.T, m Managed) {
		r, manager := managedRig(t, m)
		k := r.generate(manager, "HMAC/SHA-256", 0)
		id, _ := r.identity(k)
		for range 3 {
			next := r.generate(manager, "HMAC/SHA-256", 0)
			r.must("symmetric_key_replace_managed", manager, uint64(k), uint64(next), r.room(8))
			k = next
		}
		at, n := r.put(append(bytes.Clone(id), 0, 0))
		check := func(want map[uint64]errno) {
			t.Helper()
			for version, e := range want {
				if _, got := r.fromID(manager, id, version); got != e {
					t.Errorf("version %#x: %v, want %v", version, got, e)
				}
			}
		}
		r.must("secrets_manager_invalidate", manager, at, n, 2)
		check(map[uint64]errno{1: success, 2: notFound, 3: success, 4: success, claviger.LatestVersion: success})
		r.want(notFound, "secrets_manager_invalidate", manager, at, n, 2)
		r.must("secrets_manager_invalidate", manager, at, n, claviger.LatestVersion)
		check(map[uint64]errno{1: success, 3: success, 4: notFound, claviger.LatestVersion: notFound})
		r.must("secrets_manager_invalidate", manager, at, n, claviger.AllVersions)
		check(map[uint64]errno{1: notFound, 3: notFound, claviger.LatestVersion: notFound})
		next := r.key("HMAC/SHA-256", []byte("0123456789abcdef"))
		r.refused(notFound, "symmetric_key_replace_managed", manager, uint64(k), uint64(next))
	})
}

// TestManagedStates: encryption, derivation and drawn nonces where the key is.
func TestManagedStates(t *testing.T) {
	forEachKeeper(t, func(t *testing.T, m Managed) {
		r, manager := managedRig(t, m)
		x := r.generate(manager, "XCHACHA20-POLY1305", 0)
		s := r.state("XCHACHA20-POLY1305", x, 0)
		r.absorb(s, "associated")
		sealed, _ := r.crypt("symmetric_state_encrypt", s, 23, []byte("message"))
		s = r.state("XCHACHA20-POLY1305", x, r.options("nonce", string(r.option(s, "nonce"))))
		r.absorb(s, "associated")
		if got, _ := r.crypt("symmetric_state_decrypt", s, 7, sealed); string(got) != "message" {
			t.Errorf("decrypted %q", got)
		}
		sealed[0] ^= 1
		at := r.room(7)
		r.refused(invalidTag, "symmetric_state_decrypt", r.cryptArgs(s, at, 7, sealed)...)

		extract := r.state("HKDF-EXTRACT/SHA-256", r.generate(manager, "HKDF-EXTRACT/SHA-256", 0), 0)
		r.absorb(extract, "salt")
		name, n := r.text("HKDF-EXPAND/SHA-256")
		expand := r.state("HKDF-EXPAND/SHA-256", r.handle("symmetric_state_squeeze_key", uint64(extract), name, n), 0)
		if a, b := r.squeeze(expand, 40), r.squeeze(expand, 40); bytes.Equal(a, make([]byte, 40)) || !bytes.Equal(a, b) {
			t.Errorf("derived %x and %x", a, b)
		}
	})
}

// TestManagedKeysAreLetGo: every managed key that the host opened is closed with its handle, on every path.
func TestManagedKeysAreLetGo(t *testing.T) {
	keeper := newKeeper()
	r, manager := managedRig(t, keeper)
	k := r.generate(manager, "HMAC/SHA-256", 0)
	id, _ := r.identity(k)
	h, _ := r.fromID(manager, id, 1)
	r.must("symmetric_key_replace_managed", manager, uint64(k), uint64(h), r.room(8))
	pair, err := keeper.GenerateKey(t.Context(), claviger.GuestSignatures, "Ed25519", claviger.ManagedOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, e := r.fromID(manager, []byte(pair.ID()), 1); e != notFound {
		t.Errorf("a pair as a symmetric key: %v", e)
	}
	if err := errors.Join(pair.Close(), r.host.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	if n := keeper.opened(); n != 0 {
		t.Errorf("%d managed keys are still open", n)
	}
}
