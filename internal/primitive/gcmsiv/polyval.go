package gcmsiv

import (
	"encoding/binary"
	"math/bits"
)

// element is a member of the field of RFC 8452 section 3: bit i of lo is the coefficient of x^i, bit i of hi that of
// x^(64+i).
type element struct{ lo, hi uint64 }

// load reads an element, least significant byte first.
func load(b []byte) element {
	return element{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])}
}

// low gives the lower 64 bits of the product of two polynomials over GF(2). Integers with three zero bits between their
// own are multiplied, so that no carry reaches a bit that counts; there are no tables and no branches.
func low(x, y uint64) uint64 {
	const m0, m1, m2, m3 = 0x1111111111111111, 0x2222222222222222, 0x4444444444444444, 0x8888888888888888
	x0, x1, x2, x3 := x&m0, x&m1, x&m2, x&m3
	y0, y1, y2, y3 := y&m0, y&m1, y&m2, y&m3
	return (x0*y0^x1*y3^x2*y2^x3*y1)&m0 | (x0*y1^x1*y0^x2*y3^x3*y2)&m1 |
		(x0*y2^x1*y1^x2*y0^x3*y3)&m2 | (x0*y3^x1*y2^x2*y1^x3*y0)&m3
}

// wide gives all 127 bits of the product: the upper half is the lower half of the product of the reversed factors.
func wide(x, y uint64) (lo, hi uint64) {
	return low(x, y), bits.Reverse64(low(bits.Reverse64(x), bits.Reverse64(y))) >> 1
}

// dot is a·b·x^-128 in the field (RFC 8452 section 3).
func dot(a, b element) element {
	w0, w1 := wide(a.lo, b.lo)
	w2, w3 := wide(a.hi, b.hi)
	m0, m1 := wide(a.lo^a.hi, b.lo^b.hi)
	m0, m1 = m0^w0^w2, m1^w1^w3
	w1, w2 = w1^m0, w2^m1
	// The modulus is x^128 + x^127 + x^126 + x^121 + 1: a word at x^0 equals itself at x^121, x^126, x^127 and x^128.
	w1 ^= w0<<57 ^ w0<<62 ^ w0<<63
	w2 ^= w0 ^ w0>>7 ^ w0>>2 ^ w0>>1
	w2 ^= w1<<57 ^ w1<<62 ^ w1<<63
	w3 ^= w1 ^ w1>>7 ^ w1>>2 ^ w1>>1
	return element{w2, w3}
}

// polyval is a running POLYVAL.
type polyval struct{ key, sum element }

// block takes 16 bytes.
func (p *polyval) block(b []byte) {
	x := load(b)
	p.sum = dot(element{p.sum.lo ^ x.lo, p.sum.hi ^ x.hi}, p.key)
}

// padded takes bytes, filled with zeros to whole blocks.
func (p *polyval) padded(in []byte) {
	for len(in) >= 16 {
		p.block(in)
		in = in[16:]
	}
	if len(in) > 0 {
		var last [16]byte
		copy(last[:], in)
		p.block(last[:])
	}
}
