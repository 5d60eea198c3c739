package gcmsiv

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
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

// The worked example of RFC 8452 appendix A.
func TestPolyvalExampleOfTheRFC(t *testing.T) {
	p := polyval{key: load(unhex(t, "25629347589242761d31f826ba4b757b"))}
	p.padded(unhex(t, "4f4f95668c83dfb6401762bb2d01a262d1a24ddd2721d006bbe45f20d3c9f362"))
	if p.sum != load(unhex(t, "f7a3b47b846119fae5b7866cf5e5b77e")) {
		t.Errorf("got %x %x", p.sum.lo, p.sum.hi)
	}
}

// The product without tables is the one that shifting and adding gives.
func TestProductAgreesWithShiftAndAdd(t *testing.T) {
	source := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		x, y := source.Uint64(), source.Uint64()
		var lo, hi uint64
		for i := range 64 {
			if y>>i&1 == 1 {
				lo ^= x << i
				hi ^= x >> (64 - i)
			}
		}
		if l, h := wide(x, y); l != lo || h != hi {
			t.Fatalf("%x × %x: got %x %x, want %x %x", x, y, h, l, hi, lo)
		}
	}
}

// RFC 8452 appendix C.1, C.2 and C.3, the last with the counter passing 2^32.
func TestVectorsOfTheRFC(t *testing.T) {
	for _, c := range []struct{ name, key, nonce, additional, in, want string }{
		{"C.1, empty", "01000000000000000000000000000000", "030000000000000000000000", "", "", "dc20e2d83f25705bb49e439eca56de25"},
		{"C.1, 8 bytes", "01000000000000000000000000000000", "030000000000000000000000", "", "0100000000000000", "b5d839330ac7b786578782fff6013b815b287c22493a364c"},
		{"C.1, associated data", "01000000000000000000000000000000", "030000000000000000000000", "01", "0200000000000000",
			"1e6daba35669f4273b0a1a2560969cdf790d99759abd1508"},
		{"C.2, 8 bytes", "0100000000000000000000000000000000000000000000000000000000000000", "030000000000000000000000", "", "0100000000000000",
			"c2ef328e5c71c83b843122130f7364b761e0b97427e3df28"},
		{"C.3", "0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "",
			"000000000000000000000000000000004db923dc793ee6497c76dcc03a98e108",
			"f3f80f2cf0cb2dd9c5984fcda908456cc537703b5ba70324a6793a7bf218d3eaffffffff000000000000000000000000"},
	} {
		a, err := New(unhex(t, c.key))
		if err != nil {
			t.Fatal(err)
		}
		sealed := a.Seal([]byte("x"), unhex(t, c.nonce), unhex(t, c.in), unhex(t, c.additional))
		if got := hex.EncodeToString(sealed[1:]); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
		opened, err := a.Open([]byte("y"), unhex(t, c.nonce), sealed[1:], unhex(t, c.additional))
		if err != nil || !bytes.Equal(opened[1:], unhex(t, c.in)) {
			t.Errorf("%s: it does not come back: %v", c.name, err)
		}
		for i := range sealed[1:] {
			sealed[1+i] ^= 1
			if out, err := a.Open(nil, unhex(t, c.nonce), sealed[1:], unhex(t, c.additional)); err == nil || out != nil {
				t.Errorf("%s: byte %d altered, and still opened", c.name, i)
			}
			sealed[1+i] ^= 1
		}
	}
}

func TestKeysOfAnotherLengthAreRefused(t *testing.T) {
	for _, n := range []int{0, 15, 24, 33} {
		if _, err := New(make([]byte, n)); err == nil {
			t.Errorf("a key of %d bytes was taken", n)
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	a, err := New(make([]byte, 32))
	if err != nil {
		b.Fatal(err)
	}
	plaintext, nonce, dst := make([]byte, 16384), make([]byte, NonceSize), make([]byte, 0, 17000)
	b.SetBytes(16384)
	for b.Loop() {
		a.Seal(dst, nonce, plaintext, nil)
	}
}
