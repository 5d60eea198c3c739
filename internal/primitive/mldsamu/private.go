package mldsamu

import (
	"crypto/sha3"
	"crypto/subtle"
)

// The parts of a private key that are bytes (FIPS 204 algorithm 24), by length.
const (
	seedSize = 32 // ρ, and K too
	hashSize = 64 // tr, the hash of the public key
)

// private is an expanded private key taken apart. The bytes are parts of the encoding.
type private struct {
	rho, key, tr []byte
	s1, s2, t0   []poly
}

// eta is the bound η of the coefficients of s1 and s2.
func (p Parameters) eta() int {
	if p.beta == 2*p.tau {
		return 2
	}
	return 4
}

// etaBits is the width of a coefficient of s1 or s2.
func (p Parameters) etaBits() int {
	if p.eta() == 2 {
		return 3
	}
	return 4
}

// PrivateKeySize is the length of an expanded private key in bytes (FIPS 204 table 2).
func (p Parameters) PrivateKeySize() int {
	return 2*seedSize + hashSize + n*((p.rows+p.columns)*p.etaBits()+p.rows*dropped)/8
}

// PublicKey gives the public key of an expanded private key, which stays the caller's. It
// reports false for one that no seed can have made, as far as that shows: of another length,
// with a coefficient out of range, or whose t0 or hash of the public key is not the one that
// follows from the rest. FIPS 204 algorithm 25 leaves this to the caller.
func (p Parameters) PublicKey(privateKey []byte) ([]byte, bool) {
	k, ok := p.decode(privateKey)
	defer k.wipe()
	if !ok {
		return nil, false
	}
	public := append(make([]byte, 0, p.PublicKeySize()), k.rho...)
	for i := range k.s1 {
		k.s1[i].ntt()
	}
	var differs uint32
	for r := range k.s2 {
		t := p.product(k.rho, r, k.s1)
		t.inverseNTT()
		var high poly
		for i := range t {
			var low uint32
			high[i], low = roundDown(add(t[i], k.s2[r][i]))
			differs |= low ^ k.t0[r][i]
		}
		public = appendBits(public, &high, 10)
	}
	whole := subtle.ConstantTimeEq(int32(differs), 0) & subtle.ConstantTimeCompare(k.tr, sha3.SumSHAKE256(public, hashSize))
	return public, whole == 1
}

// product gives row r of A times a transformed vector.
func (p Parameters) product(rho []byte, r int, v []poly) (sum poly) {
	for s := range v {
		a := rejectionNTT(rho, byte(s), byte(r))
		sum.addProduct(&a, &v[s])
	}
	return sum
}

// decode takes a private key apart (FIPS 204 algorithm 25). It reports false for a wrong
// length and for coefficients out of range.
func (p Parameters) decode(b []byte) (k private, ok bool) {
	if p.rows == 0 || len(b) != p.PrivateKeySize() {
		return k, false
	}
	k.rho, k.key, k.tr = b[:seedSize], b[seedSize:2*seedSize], b[2*seedSize:2*seedSize+hashSize]
	bits := bitReader{b: b[2*seedSize+hashSize:]}
	inside := true
	unpack := func(count, width, highest, bound int) []poly {
		all := make([]poly, count)
		for i := range all {
			inside = all[i].unpack(&bits, width, highest, bound) && inside
		}
		return all
	}
	k.s1 = unpack(p.columns, p.etaBits(), p.eta(), p.eta())
	k.s2 = unpack(p.rows, p.etaBits(), p.eta(), p.eta())
	k.t0 = unpack(p.rows, dropped, 1<<(dropped-1), 1<<(dropped-1)-1)
	return k, inside
}

// unpack reads coefficients from -lowest to highest, each as what it is less than highest
// (FIPS 204 algorithm 19), and reports whether all are.
func (p *poly) unpack(bits *bitReader, width, highest, lowest int) bool {
	outside := 0
	for i := range p {
		v := bits.next(width)
		outside |= highest + lowest - v // negative if v is too much
		p[i] = reduced(uint32(highest - v + q))
	}
	return outside >= 0
}

// roundDown takes t apart into t1 and t0 (FIPS 204 algorithm 35).
func roundDown(t uint32) (high, low uint32) {
	high = (t + 1<<(dropped-1) - 1) >> dropped
	return high, sub(t, high<<dropped)
}

// appendBits packs the low bits of coefficients (FIPS 204 algorithm 16).
func appendBits(dst []byte, p *poly, width int) []byte {
	var held uint64
	filled := 0
	for _, v := range p {
		held |= uint64(v) << filled
		for filled += width; filled >= 8; filled -= 8 {
			dst, held = append(dst, byte(held)), held>>8
		}
	}
	return dst
}

// wipe clears what was unpacked.
func (k *private) wipe() {
	clear(k.s1)
	clear(k.s2)
	clear(k.t0)
}
