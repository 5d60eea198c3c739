// Package edwards judges public keys of EdDSA more strictly than verification does (RFC
// 8032 sections 5.1.3 and 5.2.3): a key must be the canonical encoding of a point of
// prime order. Public values only; nothing here is constant-time.
package edwards

import (
	"github.com/cloudflare/circl/ecc/goldilocks"
	"github.com/cloudflare/circl/math/fp25519"
)

// Size25519 is the length of an Ed25519 public key in bytes.
const Size25519 = 32

// Valid25519 reports whether key is the canonical encoding of a point of edwards25519
// whose order is that of the main subgroup, 2²⁵² +
// 27742317777372353535851937790883648493. The neutral element is not.
func Valid25519(key []byte) bool {
	p, ok := decode(key)
	if !ok || p.neutral() {
		return false
	}
	sum := point{y: one(), z: one()}
	order := [32]byte{
		0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10}
	multiply(order[:], func() { sum.add(&sum) }, func() { sum.add(&p) })
	return sum.neutral()
}

// Valid448 reports the same of an Ed448 public key of 57 bytes, with the order 2⁴⁴⁶ -
// 13818066809895115352007386748515426880336692474882178609894547503885.
func Valid448(key []byte) bool {
	if len(key) != 57 {
		return false
	}
	p, err := goldilocks.FromBytes(key)
	if err != nil || p.IsIdentity() {
		return false
	}
	var curve goldilocks.Curve
	sum, order := curve.Identity(), curve.Order()
	multiply(order[:], func() { sum = curve.Double(sum) }, func() { sum = curve.Add(sum, p) })
	return sum.IsEqual(curve.Identity())
}

// multiply walks the bits of a little-endian number from the top: double for each, add
// for those that are set.
func multiply(scalar []byte, double, add func()) {
	for i := len(scalar)*8 - 1; i >= 0; i-- {
		double()
		if scalar[i/8]>>(i%8)&1 == 1 {
			add()
		}
	}
}

// point is (x/z, y/z) with x·y = z·t (RFC 8032 section 5.1.4).
type point struct{ x, y, z, t fp25519.Elt }

func one() (e fp25519.Elt) {
	fp25519.SetOne(&e)
	return e
}

// d is the curve's constant, -121665/121666.
func d() (e fp25519.Elt) {
	numerator, denominator := fp25519.Elt{0x41, 0xdb, 0x01}, fp25519.Elt{0x42, 0xdb, 0x01}
	fp25519.Inv(&e, &denominator)
	fp25519.Mul(&e, &e, &numerator)
	fp25519.Neg(&e, &e)
	return e
}

// decode is RFC 8032 section 5.1.3; false for what is not on the curve or not canonical.
func decode(key []byte) (p point, ok bool) {
	if len(key) != Size25519 {
		return p, false
	}
	p.y, p.z = fp25519.Elt(key), one()
	sign := p.y[31] >> 7
	p.y[31] &= 0x7F
	reduced := p.y
	if fp25519.Modp(&reduced); reduced != p.y {
		return p, false
	}
	var u, v fp25519.Elt
	constant := d()
	fp25519.Sqr(&u, &p.y)
	fp25519.Mul(&v, &u, &constant)
	fp25519.Sub(&u, &u, &p.z) // y² - 1
	fp25519.Add(&v, &v, &p.z) // d·y² + 1
	if !fp25519.InvSqrt(&p.x, &u, &v) {
		return p, false
	}
	if fp25519.IsZero(&p.x) && sign == 1 { // IsZero reduces x
		return p, false
	}
	if p.x[0]&1 != sign {
		fp25519.Neg(&p.x, &p.x)
	}
	fp25519.Mul(&p.t, &p.x, &p.y)
	return p, true
}

// add is the complete addition of RFC 8032 section 5.1.4; q may be p itself.
func (p *point) add(q *point) {
	var a, b, c, s, r fp25519.Elt
	fp25519.Sub(&s, &p.y, &p.x)
	fp25519.Sub(&r, &q.y, &q.x)
	fp25519.Mul(&a, &s, &r)
	fp25519.Add(&s, &p.y, &p.x)
	fp25519.Add(&r, &q.y, &q.x)
	fp25519.Mul(&b, &s, &r)
	constant := twiceD()
	fp25519.Mul(&c, &p.t, &constant)
	fp25519.Mul(&c, &c, &q.t)
	fp25519.Mul(&s, &p.z, &q.z)
	fp25519.Add(&s, &s, &s)
	var e, f, g, h fp25519.Elt
	fp25519.Sub(&e, &b, &a)
	fp25519.Sub(&f, &s, &c)
	fp25519.Add(&g, &s, &c)
	fp25519.Add(&h, &b, &a)
	fp25519.Mul(&p.x, &e, &f)
	fp25519.Mul(&p.y, &g, &h)
	fp25519.Mul(&p.t, &e, &h)
	fp25519.Mul(&p.z, &f, &g)
}

// twiceD is 2d (RFC 8032 section 5.1), little-endian.
func twiceD() fp25519.Elt {
	return fp25519.Elt{
		0x59, 0xf1, 0xb2, 0x26, 0x94, 0x9b, 0xd6, 0xeb, 0x56, 0xb1, 0x83, 0x82, 0x9a, 0x14, 0xe0, 0x00,
		0x30, 0xd1, 0xf3, 0xee, 0xf2, 0x80, 0x8e, 0x19, 0xe7, 0xfc, 0xdf, 0x56, 0xdc, 0xd9, 0x06, 0x24}
}

// neutral reports whether p is (0, 1).
func (p *point) neutral() bool {
	x, difference := p.x, fp25519.Elt{}
	fp25519.Sub(&difference, &p.y, &p.z)
	return fp25519.IsZero(&x) && fp25519.IsZero(&difference)
}
