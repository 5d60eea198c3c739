package edwards

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"testing"

	"github.com/cloudflare/circl/ecc/goldilocks"
	"github.com/cloudflare/circl/math/fp25519"
	"github.com/cloudflare/circl/sign/ed448"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The constant of the addition is twice the curve's.
func TestTwiceD(t *testing.T) {
	once, twice := d(), twiceD()
	fp25519.Add(&once, &once, &once)
	fp25519.Sub(&once, &once, &twice)
	if !fp25519.IsZero(&once) {
		t.Error("2d is another number")
	}
}

// Keys of honest generators and of RFC 8032 sections 7.1 and 7.4 are valid.
func TestHonestKeysAreValid(t *testing.T) {
	for range 20 {
		public, _, err := ed25519.GenerateKey(rand.Reader)
		if err != nil || !Valid25519(public) {
			t.Errorf("a generated Ed25519 key is refused: %x, %v", public, err)
		}
		other, _, err := ed448.GenerateKey(rand.Reader)
		if err != nil || !Valid448(other) {
			t.Errorf("a generated Ed448 key is refused: %x, %v", other, err)
		}
	}
	if !Valid25519(unhex(t, "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")) {
		t.Error("the first Ed25519 key of RFC 8032 is refused")
	}
	if !Valid448(unhex(t, "5fd7449b59b461fd2ce787ec616ad46a1da1342485a70e1f8a0ea75d80e96778edf124769b46c7061bd6783df1e50f6cd1fa1abeafe8256180")) {
		t.Error("the first Ed448 key of RFC 8032 is refused")
	}
}

// Points of low order, of mixed order, off the curve and in another encoding than the canonical one are not valid.
func TestUnfitKeysOf25519(t *testing.T) {
	for name, key := range map[string]string{
		"order 1":                     "0100000000000000000000000000000000000000000000000000000000000000",
		"order 2":                     "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"order 4, 32 zero bytes":      "0000000000000000000000000000000000000000000000000000000000000000",
		"order 4, the other":          "0000000000000000000000000000000000000000000000000000000000000080",
		"order 8":                     "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"order 8, another":            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"order 1, with the sign":      "0100000000000000000000000000000000000000000000000000000000000080",
		"order 1, not reduced":        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"order 4, not reduced":        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"off the curve":               "0200000000000000000000000000000000000000000000000000000000000000",
		"31 bytes":                    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f70751",
		"a reduced y with all bits 1": "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	} {
		if Valid25519(unhex(t, key)) {
			t.Errorf("%s is called valid", name)
		}
	}
}

// A valid point plus one of order 2, 4 or 8 is on the curve and not in the main subgroup.
func TestMixedOrderIsNotValid(t *testing.T) {
	for _, low := range []string{"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"0000000000000000000000000000000000000000000000000000000000000000",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"} {
		p, ok := decode(unhex(t, "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"))
		q, fine := decode(unhex(t, low))
		if !ok || !fine {
			t.Fatal("the test's points do not decode")
		}
		p.add(&q)
		key := encode(p)
		if _, ok := decode(key); !ok {
			t.Errorf("the sum with %s is not on the curve", low)
		}
		if Valid25519(key) {
			t.Errorf("the sum with %s is called valid", low)
		}
	}
}

// encode is RFC 8032 section 5.1.2.
func encode(p point) []byte {
	var inverse fp25519.Elt
	fp25519.Inv(&inverse, &p.z)
	fp25519.Mul(&p.x, &p.x, &inverse)
	fp25519.Mul(&p.y, &p.y, &inverse)
	fp25519.Modp(&p.x)
	fp25519.Modp(&p.y)
	p.y[31] |= p.x[0] & 1 << 7
	return p.y[:]
}

// The same for the other curve, whose cofactor is 4.
func TestUnfitKeysOf448(t *testing.T) {
	var curve goldilocks.Curve
	order4 := make([]byte, 57) // y = 0
	low, err := goldilocks.FromBytes(order4)
	if err != nil {
		t.Fatal(err)
	}
	mixed := make([]byte, 57)
	if err := curve.Add(curve.Generator(), low).ToBytes(mixed); err != nil {
		t.Fatal(err)
	}
	identity := append([]byte{1}, make([]byte, 56)...)
	off := append([]byte{2}, make([]byte, 56)...)
	for name, key := range map[string][]byte{"order 4": order4, "mixed order": mixed, "order 1": identity, "off the curve or not": off, "short": order4[:56]} {
		if Valid448(key) {
			t.Errorf("%s is called valid", name)
		}
	}
}
