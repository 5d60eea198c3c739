package mldsamu

import (
	"crypto/sha3"
	"math/bits"
)

// poly is a polynomial, or its transform; every coefficient is below q.
type poly [n]uint32

// zetas are the powers of the 512th root of unity 1753, in bit-reversed order (FIPS 204
// appendix B). Never written after.
var zetas = roots()

func roots() (z [n]uint32) {
	power := uint32(1)
	for i := range n {
		reversed := 0
		for b := range 8 {
			reversed |= i >> b & 1 << (7 - b)
		}
		z[reversed] = power
		power = mul(power, 1753)
	}
	return z
}

// mul multiplies by Barrett's method: the estimate of the quotient is at most 1 too low.
func mul(a, b uint32) uint32 {
	product := uint64(a) * uint64(b)
	quotient, _ := bits.Mul64(product, (1<<64-1)/q)
	return reduced(uint32(product - quotient*q))
}

func add(a, b uint32) uint32 { return reduced(a + b) }

func sub(a, b uint32) uint32 { return reduced(a + q - b) }

// reduced takes q off a number below 2q, unless it is below q already.
func reduced(a uint32) uint32 {
	a -= q
	return a + q&-(a>>31)
}

// ntt is FIPS 204 algorithm 41.
func (p *poly) ntt() {
	m := 0
	for length := n / 2; length >= 1; length /= 2 {
		for start := 0; start < n; start += 2 * length {
			m++
			for j := start; j < start+length; j++ {
				t := mul(zetas[m], p[j+length])
				p[j], p[j+length] = add(p[j], t), sub(p[j], t)
			}
		}
	}
}

// inverseNTT is FIPS 204 algorithm 42.
func (p *poly) inverseNTT() {
	m := n
	for length := 1; length < n; length *= 2 {
		for start := 0; start < n; start += 2 * length {
			m--
			for j := start; j < start+length; j++ {
				t := p[j]
				p[j], p[j+length] = add(t, p[j+length]), mul(q-zetas[m], sub(t, p[j+length]))
			}
		}
	}
	const inverseOf256 = 8347681
	for i := range p {
		p[i] = mul(p[i], inverseOf256)
	}
}

// addProduct adds a·b, both transformed.
func (p *poly) addProduct(a, b *poly) {
	for i := range p {
		p[i] = add(p[i], mul(a[i], b[i]))
	}
}

// rejectionNTT makes an entry of the matrix A from its seed and place (FIPS 204 algorithm
// 30).
func rejectionNTT(rho []byte, s, r byte) poly {
	h := sha3.NewSHAKE128()
	h.Write(rho)
	h.Write([]byte{s, r})
	var p poly
	var block [168]byte // the rate, a multiple of 3
	for i := 0; i < n; {
		h.Read(block[:])
		for b := block[:]; len(b) >= 3 && i < n; b = b[3:] {
			if v := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2]&0x7f)<<16; v < q {
				p[i] = v
				i++
			}
		}
	}
	return p
}

// unpackT1 reads t1 (FIPS 204 algorithm 23) and multiplies it by 2^d.
func unpackT1(b []byte) poly {
	var p poly
	bits := bitReader{b: b}
	for i := range p {
		p[i] = uint32(bits.next(10) << dropped)
	}
	return p
}

// bitReader reads little-endian numbers of a few bits, in constant time. The bytes must suffice.
type bitReader struct {
	b    []byte
	held uint64
	n    int // bits held
}

func (r *bitReader) next(width int) int {
	for r.n < width {
		r.held |= uint64(r.b[0]) << r.n
		r.b, r.n = r.b[1:], r.n+8
	}
	v := int(r.held & (1<<width - 1))
	r.held, r.n = r.held>>width, r.n-width
	return v
}
