package turboshake

import (
	"bytes"
	"encoding/hex"
	"io"
	"testing"

	"github.com/cloudflare/circl/xof/k12"
)

// pattern is ptn(n) of RFC 9861 section 5: the bytes 0 to 0xfa again and again.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i % 0xfb)
	}
	return b
}

type function interface {
	io.ReadWriter
	Reset()
}

// The test vectors of RFC 9861 section 5.
func TestVectorsOfTheRFC(t *testing.T) {
	for _, c := range []struct {
		name string
		f    function
		in   []byte
		want string
	}{
		{"TurboSHAKE128 of nothing", New128(DomainDefault), nil, "1e415f1c5983aff2169217277d17bb538cd945a397ddec541f1ce41af2c1b74c"},
		{"TurboSHAKE128 of 17 bytes", New128(DomainDefault), pattern(17), "9c97d036a3bac819db70ede0ca554ec6e4c2a1a4ffbfd9ec269ca6a111161233"},
		{"TurboSHAKE128 with domain 01", New128(1), []byte{0xff, 0xff, 0xff}, "bf323f940494e88ee1c540fe660be8a0c93f43d15ec006998462fa994eed5dab"},
		{"TurboSHAKE256 of nothing", New256(DomainDefault), nil,
			"367a329dafea871c7802ec67f905ae13c57695dc2c6663c61035f59a18f8e7db11edc0e12e91ea60eb6b32df06dd7f002fbafabb6e13ec1cc20d995547600db0"},
		{"KT128 of nothing", NewKT128(nil), nil, "1ac2d450fc3b4205d19da7bfca1b37513c0803577ac7167f06fe2ce1f0ef39e5"},
		{"KT128 with one byte of customization", NewKT128(pattern(1)), nil, "fab658db63e94a246188bf7af69a133045f46ee984c56e3c3328caaf1aa1a583"},
		{"KT256 of nothing", NewKT256(nil), nil,
			"b23d2e9cea9f4904e02bec06817fc10ce38ce8e93ef4c89e6537076af8646404e3e8b68107b8833a5d30490aa33482353fd4adc7148ecb782855003aaebde4a9"},
	} {
		for range 2 {
			got := make([]byte, len(c.want)/2)
			c.f.Reset()
			c.f.Write(c.in)
			c.f.Read(got[:1])
			c.f.Read(got[1:])
			if hex.EncodeToString(got) != c.want {
				t.Errorf("%s: got %x, want %s", c.name, got, c.want)
			}
		}
	}
}

// KT128 agrees with another library around the chunk's length and beyond, whatever the parts.
func TestKT128AgreesWithAnotherLibrary(t *testing.T) {
	for _, n := range []int{0, 1, 167, 168, 8191, 8192, 8193, 16383, 16384, 16385, 100000} {
		for _, custom := range [][]byte{nil, pattern(1), pattern(8192)} {
			other := k12.NewDraft10(custom)
			other.Write(pattern(n))
			want := make([]byte, 300)
			other.Read(want)
			for _, part := range []int{n + 1, 1000, 8192} {
				own := NewKT128(custom)
				for rest := pattern(n); len(rest) > 0; rest = rest[min(part, len(rest)):] {
					own.Write(rest[:min(part, len(rest))])
				}
				got := make([]byte, 300)
				own.Clone().Read(got)
				if !bytes.Equal(got, want) {
					t.Fatalf("%d bytes in parts of %d with %d of customization differ", n, part, len(custom))
				}
			}
		}
	}
}

// What no stream can mean is a programmer's mistake.
func TestMisusePanics(t *testing.T) {
	for what, f := range map[string]func(){
		"a domain of 0":      func() { New128(0) },
		"a domain of 0x80":   func() { New256(0x80) },
		"write after read":   func() { s := New128(1); s.Read(make([]byte, 1)); s.Write([]byte{1}) },
		"a tree's, likewise": func() { s := NewKT128(nil); s.Read(make([]byte, 1)); s.Write([]byte{1}) },
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

func BenchmarkTurboSHAKE128(b *testing.B) {
	s, in, out := New128(DomainDefault), make([]byte, 16384), make([]byte, 32)
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		s.Reset()
		s.Write(in)
		s.Read(out)
	}
}
