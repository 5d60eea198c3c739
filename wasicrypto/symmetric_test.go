package wasicrypto

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
)

// TestEveryGuestAlgorithmOpens opens a state of each symmetric algorithm, by its name and in another case, with a key that the host
// makes where one is taken.
func TestEveryGuestAlgorithmOpens(t *testing.T) {
	opened := 0
	for _, g := range algorithm.Guests() {
		if g.Type != claviger.GuestSymmetric {
			continue
		}
		opened++
		r := newRigIn(t)
		name := strings.ToLower(string(g.Name))
		var key, options uint32
		if g.MaxKey > 0 {
			n, nLen := r.text(name)
			key = r.handle("symmetric_key_generate", n, nLen, r.none())
		}
		if g.Nonce > 0 {
			options = r.options("nonce", string(make([]byte, g.Nonce)))
		}
		r.must("symmetric_state_close", uint64(r.state(string(g.Name), key, options)))
		r.state(name, key, options)
	}
	if opened < 40 {
		t.Errorf("only %d algorithms", opened)
	}
}

// newRigIn is newRig for tests that need many.
func newRigIn(t *testing.T) *rig { return newRig(t, Config{}) }

func TestKeysAtImport(t *testing.T) {
	r := newRig(t, Config{})
	for _, c := range []struct {
		algorithm string
		size      int
		want      errno
	}{
		{"AES-128-GCM", 16, success}, {"AES-128-GCM", 15, invalidKey}, {"AES-128-GCM", 17, invalidKey}, {"AES-128-GCM", 0, invalidKey},
		{"AES-256-GCM", 16, invalidKey}, {"HMAC/SHA-256", 4, success}, {"HMAC/SHA-512", 200, success},
		{"HKDF-EXTRACT/SHA-256", 1, success}, {"HKDF-EXPAND/SHA-256", 31, invalidKey}, {"HKDF-EXPAND/SHA-256", 33, success},
		{"SHA-256", 32, keyNotSupported}, {"SHA-512/256", 0, keyNotSupported}, {"MD5", 16, unsupportedAlgorithm}, {"", 16, unsupportedAlgorithm},
		{"Ed25519", 32, unsupportedAlgorithm}, {strings.Repeat("A", 100_000), 1, unsupportedAlgorithm},
	} {
		name, nameLen := r.text(c.algorithm)
		at, n := r.put(make([]byte, c.size))
		if c.want == success {
			h := r.handle("symmetric_key_import", name, nameLen, at, n)
			if got := r.pull(r.handle("symmetric_key_export", uint64(h))); len(got) != c.size {
				t.Errorf("%s: %d of %d bytes came back", c.algorithm, len(got), c.size)
			}
			continue
		}
		r.refused(c.want, "symmetric_key_import", name, nameLen, at, n)
	}
}

func TestKeyOfAnotherAlgorithm(t *testing.T) {
	r := newRig(t, Config{})
	gcm := r.key("AES-256-GCM", make([]byte, 32))
	for _, c := range []struct {
		algorithm string
		key       uint32
		want      errno
	}{
		{"AES-256-GCM", 0, keyRequired}, {"HMAC/SHA-256", 0, keyRequired}, {"SHA-256", gcm, keyNotSupported},
		{"CHACHA20-POLY1305", gcm, invalidKey}, {"HMAC/SHA-256", gcm, invalidKey}, {"AES-256-GCM", gcm, nonceRequired},
		{"NOPE", gcm, unsupportedAlgorithm}, {"NOPE", 0, unsupportedAlgorithm},
	} {
		r.refused(c.want, "symmetric_state_open", r.openArgs(c.algorithm, c.key, 0)...)
	}
	r.refused(invalidHandle, "symmetric_state_open", r.openArgs("AES-256-GCM", 0xFFFFFFFF, 0)...)
}

// TestClosedKey is rule 25; a state that is open goes on.
func TestClosedKey(t *testing.T) {
	r := newRig(t, Config{})
	k := r.key("HMAC/SHA-256", []byte("key"))
	s := r.state("HMAC/SHA-256", k, 0)
	r.must("symmetric_key_close", uint64(k))
	r.want(closed, "symmetric_key_close", uint64(k))
	r.refused(invalidHandle, "symmetric_state_open", r.openArgs("HMAC/SHA-256", k, 0)...)
	r.refused(invalidHandle, "symmetric_key_export", uint64(k))
	r.absorb(s, "data")
	mac := hmac.New(sha256.New, []byte("key"))
	mac.Write([]byte("data"))
	if got := r.tag(s); !bytes.Equal(got, mac.Sum(nil)) {
		t.Errorf("the tag is %x", got)
	}
}

// TestHash is rules 45 to 49.
func TestHash(t *testing.T) {
	r := newRig(t, Config{})
	s := r.state("SHA-256", 0, 0)
	empty := sha256.Sum256(nil)
	for range 2 {
		if got := r.squeeze(s, 32); !bytes.Equal(got, empty[:]) {
			t.Errorf("of nothing: %x", got)
		}
	}
	r.absorb(s, "da")
	r.squeeze(s, 32)
	r.absorb(s, "ta")
	want := sha256.Sum256([]byte("data"))
	for _, n := range []int{0, 1, 31, 32} {
		if got := r.squeeze(s, n); !bytes.Equal(got, want[:n]) {
			t.Errorf("%d bytes: %x", n, got)
		}
	}
	at := r.room(33)
	r.want(invalidLength, "symmetric_state_squeeze", uint64(s), at, 33)
	if got := r.Get(uint32(at), 1); got[0] != 0xA5 {
		t.Error("something was written on an error")
	}
}

// TestMissingOperations is rules 28 to 31, 36 and 38.
func TestMissingOperations(t *testing.T) {
	r := newRig(t, Config{})
	hash := r.state("SHA-256", 0, 0)
	mac := r.state("HMAC/SHA-256", r.key("HMAC/SHA-256", []byte("k")), 0)
	aead := r.state("AES-128-GCM", r.key("AES-128-GCM", make([]byte, 16)), r.options("nonce", "123456789012"))
	at, n := r.put(make([]byte, 32))
	target, targetLen := r.text("AES-128-GCM")
	for _, s := range []uint32{hash, mac} {
		r.refused(invalidOperation, "symmetric_state_encrypt", uint64(s), at, n, at, n)
		r.refused(invalidOperation, "symmetric_state_encrypt_detached", uint64(s), at, n, at, n)
		r.refused(invalidOperation, "symmetric_state_decrypt", uint64(s), at, n, at, n)
		r.refused(invalidOperation, "symmetric_state_decrypt_detached", uint64(s), at, n, at, n, at, 16)
		r.refused(invalidOperation, "symmetric_state_squeeze_key", uint64(s), target, targetLen)
		r.refused(invalidOperation, "symmetric_state_max_tag_len", uint64(s))
		r.want(invalidOperation, "symmetric_state_ratchet", uint64(s))
	}
	r.refused(invalidOperation, "symmetric_state_squeeze_tag", uint64(hash))
	r.want(invalidOperation, "symmetric_state_squeeze", uint64(mac), at, n)
	r.want(invalidOperation, "symmetric_state_squeeze", uint64(aead), at, n)
	r.refused(invalidOperation, "symmetric_state_squeeze_tag", uint64(aead))
	r.refused(invalidOperation, "symmetric_state_squeeze_key", uint64(aead), target, targetLen)
	r.want(invalidOperation, "symmetric_state_ratchet", uint64(aead))
}

// TestDerivation is rules 53 to 55, and that the squeezed key is for the named algorithm (test case 1 of RFC 5869 appendix A).
func TestDerivation(t *testing.T) {
	r := newRig(t, Config{})
	extract := r.state("HKDF-EXTRACT/SHA-256", r.key("HKDF-EXTRACT/SHA-256", bytes.Repeat([]byte{0x0B}, 22)), 0)
	r.absorb(extract, "\x00\x01\x02\x03\x04")
	r.absorb(extract, "\x05\x06\x07\x08\x09\x0a\x0b\x0c")
	name, n := r.text("hkdf-expand/sha-256")
	prk := r.handle("symmetric_state_squeeze_key", uint64(extract), name, n)
	if got := r.pull(r.handle("symmetric_key_export", uint64(prk))); !bytes.HasPrefix(got, []byte{0x07, 0x77, 0x09, 0x36}) || len(got) != 32 {
		t.Errorf("the key is %x", got)
	}
	expand := r.state("HKDF-EXPAND/SHA-256", prk, 0)
	r.absorb(expand, "\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9")
	if got := r.squeeze(expand, 42); !bytes.HasPrefix(got, []byte{0x3c, 0xb2, 0x5f, 0x25}) || got[41] != 0x65 {
		t.Errorf("the output is %x", got)
	}
	name, n = r.text("NOPE")
	r.refused(unsupportedAlgorithm, "symmetric_state_squeeze_key", uint64(extract), name, n)
}

// TestClone: the copy and the original go their own ways.
func TestClone(t *testing.T) {
	r := newRig(t, Config{})
	s := r.state("SHA-256", 0, r.options("context", "c"))
	r.absorb(s, "common")
	twin := r.handle("symmetric_state_clone", uint64(s))
	r.absorb(s, "one")
	r.absorb(twin, "two")
	r.must("symmetric_state_close", uint64(s))
	want := sha256.Sum256([]byte("commontwo"))
	if got := r.squeeze(twin, 32); !bytes.Equal(got, want[:]) {
		t.Errorf("the copy gives %x", got)
	}
	if got := r.option(twin, "context"); string(got) != "c" {
		t.Errorf("the copy's option is %q", got)
	}
	r.refused(invalidHandle, "symmetric_state_clone", uint64(s))
}

// TestTags is rules 42 and 43.
func TestTags(t *testing.T) {
	r := newRig(t, Config{})
	s := r.state("HMAC/SHA-256", r.key("HMAC/SHA-256", []byte("key")), 0)
	r.absorb(s, "data")
	raw := r.tag(s)
	h := uint64(r.handle("symmetric_state_squeeze_tag", uint64(s)))
	verify := func(want errno, tag []byte) {
		t.Helper()
		at, n := r.put(tag)
		r.want(want, "symmetric_tag_verify", h, at, n)
	}
	verify(success, raw)
	for _, bad := range [][]byte{nil, raw[:31], append(bytes.Clone(raw), 0), append(bytes.Clone(raw[:31]), raw[31]^1), make([]byte, 32)} {
		verify(invalidTag, bad)
	}
	at := r.room(40)
	r.refused(overflow, "symmetric_tag_pull", h, at, 31)
	r.refused(overflow, "symmetric_tag_pull", h, 0, 0)
	r.refused(invalidLength, "symmetric_tag_pull", h, at, 33)
	if got := r.pullTag(uint32(h)); !bytes.Equal(got, raw) {
		t.Errorf("pulled %x, want %x", got, raw)
	}
	verify(invalidHandle, raw)
	r.want(closed, "symmetric_tag_close", h)
	h = uint64(r.handle("symmetric_state_squeeze_tag", uint64(s)))
	r.must("symmetric_tag_close", h)
}

// TestTooMuchAbsorbed is rule 27, with a small limit.
func TestTooMuchAbsorbed(t *testing.T) {
	r := newRig(t, Config{Limits: Limits{Held: 1000}})
	s := r.gcm()
	at, n := r.put(make([]byte, 600))
	r.must("symmetric_state_absorb", uint64(s), at, n)
	r.want(overflow, "symmetric_state_absorb", uint64(s), at, n)
	r.must("symmetric_state_absorb", uint64(s), at, 300)
	long, longLen := r.put(make([]byte, 1001))
	r.refused(overflow, "symmetric_state_encrypt", uint64(s), long, longLen, long, longLen)
	sealed, _ := r.crypt("symmetric_state_encrypt", r.gcm(), 1016, make([]byte, 1000))
	if got, _ := r.crypt("symmetric_state_decrypt", r.gcm(), 1000, sealed); !bytes.Equal(got, make([]byte, 1000)) {
		t.Error("the longest message that can be encrypted is not decrypted")
	}
	r.refused(overflow, "symmetric_state_decrypt", r.cryptArgs(r.gcm(), long, 1001, make([]byte, 1017))...)
	name, nameLen := r.text("HMAC/SHA-256")
	r.refused(overflow, "symmetric_key_export", uint64(r.handle("symmetric_key_import", name, nameLen, long, longLen)))
	hash := r.state("SHA-256", 0, 0)
	for range 10 {
		r.must("symmetric_state_absorb", uint64(hash), at, n)
	}
}
