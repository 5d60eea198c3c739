package xaes

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// The two vectors of c2sp.org/XAES-256-GCM, one per value of the top bit of L.
func TestVectorsOfTheSpecification(t *testing.T) {
	for _, v := range []struct {
		name       string
		key        byte
		additional string
		ciphertext string
	}{
		{"MSB(L) = 0", 0x01, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"},
		{"MSB(L) = 1", 0x03, "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"},
	} {
		t.Run(v.name, func(t *testing.T) {
			a, err := New(bytes.Repeat([]byte{v.key}, KeySize))
			if err != nil {
				t.Fatal(err)
			}
			nonce := []byte("ABCDEFGHIJKLMNOPQRSTUVWX")
			sealed := a.Seal(nil, nonce, []byte("XAES-256-GCM"), []byte(v.additional))
			if got := hex.EncodeToString(sealed); got != v.ciphertext {
				t.Fatalf("got %s, want %s", got, v.ciphertext)
			}
			opened, err := a.Open(nil, nonce, sealed, []byte(v.additional))
			if err != nil || string(opened) != "XAES-256-GCM" {
				t.Errorf("Open: %q, %v", opened, err)
			}
			for i := range sealed {
				sealed[i] ^= 1
				if _, err := a.Open(nil, nonce, sealed, []byte(v.additional)); err == nil {
					t.Errorf("byte %d altered, and still opened", i)
				}
				sealed[i] ^= 1
			}
			for i := range nonce {
				other := bytes.Clone(nonce)
				other[i] ^= 1
				if _, err := a.Open(nil, other, sealed, []byte(v.additional)); err == nil {
					t.Errorf("nonce byte %d altered, and still opened", i)
				}
			}
		})
	}
}

func TestKeysOfAnotherLengthAreRefused(t *testing.T) {
	for _, n := range []int{0, 16, 24, 31, 33} {
		if _, err := New(make([]byte, n)); err == nil {
			t.Errorf("a key of %d bytes was taken", n)
		}
	}
}

func BenchmarkSeal512(b *testing.B) {
	a, err := New(make([]byte, KeySize))
	if err != nil {
		b.Fatal(err)
	}
	plaintext, nonce, dst := make([]byte, 512), make([]byte, NonceSize), make([]byte, 0, 600)
	b.SetBytes(512)
	for b.Loop() {
		a.Seal(dst, nonce, plaintext, nil)
	}
}
