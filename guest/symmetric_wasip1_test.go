package guest_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"io"
	"testing"

	"github.com/claviger/claviger/guest"
)

func TestHashesAreThoseOfGo(t *testing.T) {
	for algorithm, want := range map[string]hash.Hash{
		"SHA-256": sha256.New(), "SHA-384": sha512.New384(), "SHA-512": sha512.New(), "sha-512/256": sha512.New512_256(),
	} {
		h, err := guest.NewHash(algorithm)
		ok(t, err)
		sameHash(t, algorithm, h, want)
		ok(t, h.Close())
	}
	_, err := guest.NewHash("CSHAKE-128")
	refused(t, err, guest.ErrUnsupportedAlgorithm)
}

func TestMACsAreThoseOfGo(t *testing.T) {
	key := []byte("a key of any length")
	for algorithm, digest := range map[string]func() hash.Hash{"HMAC/SHA-256": sha256.New, "HMAC/SHA-512": sha512.New} {
		h, err := guest.NewMAC(algorithm, keyOf(t, algorithm, key))
		ok(t, err)
		sameHash(t, algorithm, h, hmac.New(digest, key))
		ok(t, h.Close())
	}
}

// sameHash compares sums in mid-stream, at the end and after Reset.
func sameHash(t *testing.T, algorithm string, have, want hash.Hash) {
	t.Helper()
	if have.Size() != want.Size() || have.Size() == 64 && have.BlockSize() == 0 {
		t.Errorf("%s: size %d, want %d", algorithm, have.Size(), want.Size())
	}
	for round := range 2 {
		for _, part := range []string{"one", "", "two"} {
			io.WriteString(have, part)
			io.WriteString(want, part)
			if got, want := have.Sum([]byte("x")), want.Sum([]byte("x")); !bytes.Equal(got, want) {
				t.Errorf("%s, round %d: %x, want %x", algorithm, round, got, want)
			}
		}
		have.Reset()
		want.Reset()
	}
}

func TestTagsAreComparedInTheHost(t *testing.T) {
	key := keyOf(t, "HMAC/SHA-256", []byte("key"))
	state := stateOf(t, "HMAC/SHA-256", guest.StateConfig{Key: key})
	ok(t, state.Absorb([]byte("message")))
	mac := hmac.New(sha256.New, []byte("key"))
	mac.Write([]byte("message"))
	want := mac.Sum(nil)
	tag, err := state.SqueezeTag()
	ok(t, err)
	ok(t, tag.Verify(want))
	refused(t, tag.Verify(want[:31]), guest.ErrInvalidTag)
	refused(t, tag.Verify(nil), guest.ErrInvalidTag)
	raw, err := tag.Bytes()
	ok(t, err)
	if !bytes.Equal(raw, want) {
		t.Errorf("tag %x, want %x", raw, want)
	}
	refused(t, tag.Close(), guest.ErrClosed)
}

func TestDerivationIsThatOfGo(t *testing.T) {
	extract := stateOf(t, "HKDF-EXTRACT/SHA-256", guest.StateConfig{Key: keyOf(t, "HKDF-EXTRACT/SHA-256", []byte("input"))})
	ok(t, extract.Absorb([]byte("salt")))
	prk, err := extract.SqueezeKey("HKDF-EXPAND/SHA-256")
	ok(t, err)
	defer prk.Close()
	expand := stateOf(t, "HKDF-EXPAND/SHA-256", guest.StateConfig{Key: prk})
	ok(t, expand.Absorb([]byte("info")))
	got := make([]byte, 100)
	ok(t, expand.Squeeze(got))
	want, err := hkdf.Key(sha256.New, []byte("input"), []byte("salt"), "info", len(got))
	ok(t, err)
	if !bytes.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
}

func TestAnExtendableOutputGoesOn(t *testing.T) {
	state := stateOf(t, "TURBOSHAKE-128", guest.StateConfig{})
	io.WriteString(state, "seed")
	clone, err := state.Clone()
	ok(t, err)
	defer clone.Close()
	first, second := make([]byte, 100), make([]byte, 100)
	ok(t, state.Squeeze(first))
	ok(t, state.Squeeze(second))
	both, err := io.ReadAll(io.LimitReader(clone, 200))
	ok(t, err)
	if bytes.Equal(first, second) || !bytes.Equal(both, append(first, second...)) {
		t.Error("two outputs are not one stream")
	}
}

func TestAnAEADIsThatOfGo(t *testing.T) {
	raw := bytes.Repeat([]byte{7}, 32)
	block, err := aes.NewCipher(raw)
	ok(t, err)
	want, err := cipher.NewGCM(block)
	ok(t, err)
	have, err := guest.NewAEAD("AES-256-GCM", keyOf(t, "AES-256-GCM", raw))
	ok(t, err)
	nonce, message, extra := make([]byte, have.NonceSize()), bytes.Repeat([]byte("m"), 1000), []byte("extra")
	sealed := have.Seal([]byte("x"), nonce, message, extra)
	if !bytes.Equal(sealed, want.Seal([]byte("x"), nonce, message, extra)) || have.Overhead() != want.Overhead() {
		t.Error("host and crypto/cipher seal differently")
	}
	inPlace := append(make([]byte, 0, 2000), message...)
	if got := have.Seal(inPlace[:0], nonce, inPlace, extra); !bytes.Equal(got, sealed[1:]) {
		t.Error("sealing in place gives something else")
	}
	opened, err := have.Open(nil, nonce, sealed[1:], extra)
	ok(t, err)
	if !bytes.Equal(opened, message) {
		t.Error("another message came back")
	}
	for _, short := range []int{0, 15, 500} {
		_, err = have.Open(nil, nonce, sealed[1:][:short], extra)
		refused(t, err, guest.ErrInvalidTag)
	}
	_, err = have.Open(nil, nonce, sealed[1:], nil)
	refused(t, err, guest.ErrInvalidTag)
	_, err = have.Open(nil, nonce[1:], sealed[1:], extra)
	refused(t, err, guest.ErrInvalidNonce)
}

func TestEveryAEADRoundTrips(t *testing.T) {
	for _, algorithm := range []string{
		"AES-128-GCM", "AES-256-GCM", "CHACHA20-POLY1305", "XCHACHA20-POLY1305", "AES-128-GCM-SIV", "AES-256-GCM-SIV", "ASCON-AEAD",
		"AEGIS-128L", "AEGIS-128X2", "AEGIS-128X4", "AEGIS-256", "AEGIS-256X2", "AEGIS-256X4",
	} {
		key, err := guest.GenerateSymmetricKey(algorithm)
		ok(t, err)
		a, err := guest.NewAEAD(algorithm, key)
		if err != nil {
			t.Errorf("%s: %v", algorithm, err)
			continue
		}
		sealed := a.Seal(nil, make([]byte, a.NonceSize()), []byte("message"), nil)
		if got, err := a.Open(nil, make([]byte, a.NonceSize()), sealed, nil); err != nil || string(got) != "message" {
			t.Errorf("%s: %v", algorithm, err)
		}
		ok(t, key.Close())
	}
}

func TestANonceThatTheHostDrewCanBeRead(t *testing.T) {
	key := keyOf(t, "XCHACHA20-POLY1305", make([]byte, 32))
	state := stateOf(t, "XCHACHA20-POLY1305", guest.StateConfig{Key: key})
	sealed, err := state.Encrypt(nil, []byte("message"))
	ok(t, err)
	nonce, err := state.Option("nonce")
	ok(t, err)
	if len(nonce) != 24 || bytes.Equal(nonce, make([]byte, 24)) {
		t.Errorf("nonce %x", nonce)
	}
	again := stateOf(t, "XCHACHA20-POLY1305", guest.StateConfig{Key: key, Nonce: nonce})
	if got, err := again.Decrypt(nil, sealed); err != nil || string(got) != "message" {
		t.Errorf("%q, %v", got, err)
	}
	_, err = guest.NewState("AES-256-GCM", guest.StateConfig{Key: keyOf(t, "AES-256-GCM", make([]byte, 32))})
	refused(t, err, guest.ErrNonceRequired)
}

func TestOptionsAreReadBack(t *testing.T) {
	long := bytes.Repeat([]byte("c"), 300)
	state := stateOf(t, "CSHAKE-128", guest.StateConfig{Context: long, OpsLimit: 5})
	if got, err := state.Option("context"); err != nil || !bytes.Equal(got, long) {
		t.Errorf("context of %d bytes, %v", len(got), err)
	}
	if got, err := state.OptionNumber("ops_limit"); err != nil || got != 5 {
		t.Errorf("ops_limit %d, %v", got, err)
	}
	_, err := state.Option("salt")
	refused(t, err, guest.ErrOptionNotSet)
	_, err = state.OptionNumber("memory_limit")
	refused(t, err, guest.ErrOptionNotSet)
	lent := stateOf(t, "SHA-256", guest.StateConfig{Buffer: make([]byte, 100)})
	ok(t, lent.Absorb(nil))
}

func TestDetachedTagsAndCiphersWithout(t *testing.T) {
	key := keyOf(t, "AES-128-GCM", make([]byte, 16))
	state := stateOf(t, "AES-128-GCM", guest.StateConfig{Key: key, Nonce: make([]byte, 12)})
	sealed, tag, err := state.EncryptDetached([]byte("x"), []byte("message"))
	ok(t, err)
	raw, err := tag.Bytes()
	ok(t, err)
	again := stateOf(t, "AES-128-GCM", guest.StateConfig{Key: key, Nonce: make([]byte, 12)})
	if got, err := again.DecryptDetached([]byte("y"), sealed[1:], raw); err != nil || string(got) != "ymessage" {
		t.Errorf("%q, %v", got, err)
	}
	_, err = again.DecryptDetached(nil, sealed[1:], raw[1:])
	refused(t, err, guest.ErrInvalidTag)
	for _, algorithm := range []string{"AES-256-CTR", "AES-256-CBC"} {
		c := guest.StateConfig{Key: keyOf(t, algorithm, make([]byte, 32)), Nonce: make([]byte, 16)}
		for _, n := range []int{0, 1, 15, 16, 17} {
			message := bytes.Repeat([]byte{9}, n)
			sealed, err := stateOf(t, algorithm, c).Encrypt(nil, message)
			ok(t, err)
			if got, err := stateOf(t, algorithm, c).Decrypt(nil, sealed); err != nil || !bytes.Equal(got, message) {
				t.Errorf("%s of %d bytes: %d bytes came back, %v", algorithm, n, len(got), err)
			}
		}
	}
}

func TestASessionRolls(t *testing.T) {
	key := keyOf(t, "XOODYAK-128", make([]byte, 16))
	alice, bob := stateOf(t, "XOODYAK-128", guest.StateConfig{Key: key}), stateOf(t, "XOODYAK-128", guest.StateConfig{Key: key})
	var last []byte
	for range 2 {
		sealed, err := alice.Encrypt(nil, []byte("message"))
		ok(t, err)
		got, err := bob.Decrypt(nil, sealed)
		ok(t, err)
		if string(got) != "message" || bytes.Equal(sealed, last) {
			t.Error("the session stands still")
		}
		last = sealed
		ok(t, alice.Ratchet())
		ok(t, bob.Ratchet())
	}
	refused(t, stateOf(t, "SHA-256", guest.StateConfig{}).Ratchet(), guest.ErrInvalidOperation)
}

func TestAClosedKeyIsNotNoKey(t *testing.T) {
	key, err := guest.GenerateSymmetricKey("BLAKE3")
	ok(t, err)
	ok(t, key.Close())
	_, err = guest.NewState("BLAKE3", guest.StateConfig{Key: key})
	refused(t, err, guest.ErrInvalidHandle)
}
