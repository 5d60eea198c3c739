package xoodyak

import (
	"bytes"
	"encoding/hex"
	"testing"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func sequence(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

// Known answers of the submission to the NIST lightweight cryptography process (LWC_AEAD_KAT_128_128).
func TestAEADKnownAnswers(t *testing.T) {
	a, err := NewAEAD(sequence(16))
	if err != nil {
		t.Fatal(err)
	}
	nonce := sequence(16)
	for _, c := range []struct {
		additional, message int
		want                string
	}{
		{0, 0, "4bf0e393144cb58069fc1febcafcfb3c"},
		{1, 0, "4d2a8d1716dfe3401f3bbe8acb637ab0"},
		{22, 13, "cfa1c6efb6e4795450abf50494c96372bf566dec846dbae29c36f4a9cf"},
	} {
		sealed := a.Seal([]byte("x"), nonce, sequence(c.message), sequence(c.additional))
		if got := hex.EncodeToString(sealed[1:]); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

// Whatever the length, what was sealed comes back, and nothing comes of it when one bit is another.
func TestEveryBitCounts(t *testing.T) {
	a, err := NewAEAD(sequence(16))
	if err != nil {
		t.Fatal(err)
	}
	nonce := make([]byte, 16)
	for n := range 60 {
		sealed := a.Seal(nil, nonce, sequence(n), sequence(2*n))
		if opened, err := a.Open([]byte("y"), nonce, sealed, sequence(2*n)); err != nil || !bytes.Equal(opened[1:], sequence(n)) {
			t.Fatalf("%d bytes do not come back: %v", n, err)
		}
		for i := range sealed {
			sealed[i] ^= 0x10
			if out, err := a.Open(nil, nonce, sealed, sequence(2*n)); err == nil || out != nil {
				t.Fatalf("byte %d of %d altered, and still opened", i, n)
			}
			sealed[i] ^= 0x10
		}
		if _, err := a.Open(nil, nonce, sealed, sequence(2*n+1)); err == nil {
			t.Error("a byte more of associated data, and still opened")
		}
	}
	if _, err := a.Open(nil, nonce, make([]byte, Overhead-1), nil); err == nil {
		t.Error("less than a tag was opened")
	}
	if _, err := NewAEAD(make([]byte, 20)); err == nil {
		t.Error("a key of 20 bytes was taken")
	}
}

// Known answers of the submission (LWC_HASH_KAT_256): the message is 0, 1, 2 and so on. The stream and the mode agree.
func TestHashKnownAnswers(t *testing.T) {
	for n, want := range map[int]string{
		0:  "ea152f2b47bce24efb66c479d4adf17bd324d806e85ff75ee369ee50dc8f8bd1",
		1:  "27921f8ddf392894460b70b3ed6c091e6421b7d2147dcd6031d7efebad3030cc",
		15: "db4c9cfe9d385d8ca329e27aeb495a0816c1ab051a57c231a134082661d71bed",
		16: "9ea695347cdddff9bc63ece30fe231441d581768fe223dd6bd7367094fd216b3",
		41: "079bff70855d0767cc3349752f3deff2b01d44a15ef68b98c9bcdf20bd1970d8",
	} {
		c := NewHash()
		c.Absorb(sequence(n))
		long := make([]byte, 100)
		c.Squeeze(long)
		if !bytes.Equal(long[:Size], unhex(t, want)) {
			t.Errorf("%d bytes: got %x, want %s", n, long[:Size], want)
		}
		var h Hash
		for part := 1; part < 20; part++ {
			h.Reset()
			for rest := sequence(n); len(rest) > 0; rest = rest[min(part, len(rest)):] {
				h.Write(rest[:min(part, len(rest))])
			}
			got := make([]byte, 100)
			clone := h.Clone()
			clone.Read(got[:7])
			clone.Read(got[7:])
			if !bytes.Equal(got, long) {
				t.Errorf("%d bytes in parts of %d differ", n, part)
			}
		}
	}
}

// In keyed mode, key, identifier, counter, ratchet and the kind of squeeze all count.
func TestKeyedMode(t *testing.T) {
	seen := make(map[string]string)
	for what, f := range map[string]func() *Cyclist{
		"key":        func() *Cyclist { return New([]byte("key"), nil, nil) },
		"identifier": func() *Cyclist { return New([]byte("key"), []byte("id"), nil) },
		"moved":      func() *Cyclist { return New([]byte("keyid"), nil, nil) },
		"counter":    func() *Cyclist { return New([]byte("key"), nil, []byte{1, 2}) },
		"absorbed":   func() *Cyclist { c := New([]byte("key"), nil, nil); c.Absorb(nil); return c },
		"ratchet":    func() *Cyclist { c := New([]byte("key"), nil, nil); c.Ratchet(); return c },
	} {
		plain, key := make([]byte, 60), make([]byte, 60)
		f().Squeeze(plain)
		f().SqueezeKey(key)
		for kind, out := range map[string][]byte{" plain": plain, " as key": key} {
			if other, ok := seen[string(out)]; ok {
				t.Errorf("%s is %s", what+kind, other)
			}
			seen[string(out)] = what + kind
		}
	}
	for what, f := range map[string]func(){
		"encryption without a key": func() { NewHash().Encrypt(nil) },
		"an empty key":             func() { New(nil, nil, nil) },
		"44 bytes of key":          func() { New(make([]byte, 40), make([]byte, 4), nil) },
		"a nonce without a key":    func() { NewWithNonce(nil, nil) },
		"44 bytes with the nonce":  func() { NewWithNonce(make([]byte, 40), make([]byte, 4)) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s did not panic", what)
				}
			}()
			f()
		}()
	}
}

// The answer that the reference implementation of wasi-crypto gives, from the tests of its library (crate xoodyak,
// test_aead_detached), and the one of the specification's way (XKCP, tests/SUPERCOP/Xoodyak_aead_round3).
func TestNonceInTheFirstString(t *testing.T) {
	crypt := func(c *Cyclist, additional, message string) string {
		c.Absorb(unhex(t, additional))
		b := unhex(t, message)
		c.Encrypt(b)
		tag := make([]byte, Overhead)
		c.Squeeze(tag)
		return hex.EncodeToString(append(b, tag...))
	}
	if got := crypt(NewWithNonce([]byte("key"), sequence(16)), "6164", "6d657373616765"); got[14:] != "24793cae64195a427de38109c99daa40" {
		t.Errorf("got %s", got)
	}
	key, nonce := unhex(t, "5a4b3c2d1e0f00f1e2d3c4b5a6978879"), unhex(t, "6b4c2d0eefd0b19272533415f6d7b899")
	if got := crypt(New(key, nonce, nil), "32f3b47535f6", "e465e566e667e7"); got != "6e68081c7eacbf72e2a677a60e442748d7a86e788eb9d4" {
		t.Errorf("got %s", got)
	}
	if crypt(NewWithNonce(key, nil), "", "") != crypt(New(key, nil, nil), "", "") {
		t.Error("without a nonce the two ways differ")
	}
}

func BenchmarkSeal(b *testing.B) {
	a, err := NewAEAD(make([]byte, KeySize))
	if err != nil {
		b.Fatal(err)
	}
	plaintext, nonce, dst := make([]byte, 16384), make([]byte, NonceSize), make([]byte, 0, 17000)
	b.SetBytes(16384)
	for b.Loop() {
		a.Seal(dst, nonce, plaintext, nil)
	}
}
