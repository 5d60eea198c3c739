package siv

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

// RFC 5297 appendix A.1: deterministic encryption with one component of associated data.
func TestDeterministicExampleOfTheRFC(t *testing.T) {
	a, err := New(unhex(t, "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"))
	if err != nil {
		t.Fatal(err)
	}
	additional := unhex(t, "101112131415161718191a1b1c1d1e1f2021222324252627")
	message := unhex(t, "112233445566778899aabbccddee")
	sealed := a.Seal([]byte("x"), nil, message, additional)
	if got := hex.EncodeToString(sealed[1:]); got != "40c02b9690c4dc04daef7f6afe5c"+"85632d07c6e8f37f950acd320a2ecc93" {
		t.Errorf("got %s", got)
	}
	opened, err := a.Open([]byte("y"), nil, sealed[1:], additional)
	if err != nil || !bytes.Equal(opened[1:], message) {
		t.Errorf("it does not come back: %v", err)
	}
}

// Every byte counts: of what was sealed, of the nonce and of the associated data; so does whether there is a nonce.
func TestAlteredIsRefused(t *testing.T) {
	for _, size := range []int{32, 48, 64} {
		a, err := New(make([]byte, size))
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{0, 1, 15, 16, 17, 40} {
			nonce, additional := []byte("0123456789abcdef"), []byte("additional")
			sealed := a.Seal(nil, nonce, make([]byte, n), additional)
			if opened, err := a.Open(nil, nonce, sealed, additional); err != nil || len(opened) != n {
				t.Fatalf("%d bytes do not come back: %v", n, err)
			}
			for i := range sealed {
				sealed[i] ^= 1
				if out, err := a.Open(nil, nonce, sealed, additional); err == nil || out != nil {
					t.Errorf("byte %d altered, and still opened", i)
				}
				sealed[i] ^= 1
			}
			for what, c := range map[string][3][]byte{
				"another nonce": {[]byte("1123456789abcdef"), sealed, additional}, "no nonce": {nil, sealed, additional},
				"no associated data": {nonce, sealed, nil}, "less": {nonce, sealed[:len(sealed)-1], additional}, "nothing": {nonce, nil, additional},
			} {
				if _, err := a.Open(nil, c[0], c[1], c[2]); err == nil {
					t.Errorf("%s, and still opened", what)
				}
			}
		}
	}
}

func TestKeysOfAnotherLengthAreRefused(t *testing.T) {
	for _, n := range []int{0, 16, 24, 31, 33, 65} {
		if _, err := New(make([]byte, n)); err == nil {
			t.Errorf("a key of %d bytes was taken", n)
		}
	}
}
