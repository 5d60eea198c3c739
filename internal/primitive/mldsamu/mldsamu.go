// Package mldsamu verifies ML-DSA signatures (FIPS 204) over the message representative μ
// instead of the message, makes them with an expanded private key, and judges such keys. No
// library offers that in public, and the pre-hash form HashML-DSA (FIPS 204 section 5.4)
// needs it: its μ begins otherwise than that of the plain form.
//
// What depends on a private key runs in constant time, but for the number of attempts that a
// signature takes and for the challenges of those that are given up: neither says anything
// about the key. Verification handles public data only.
package mldsamu

import (
	"bytes"
	"crypto/sha3"
)

// The ring of FIPS 204 section 2.3: polynomials of degree below n over the integers modulo
// q.
const (
	n       = 256
	q       = 8380417
	dropped = 13 // d, the bits dropped from t
)

// MuSize is the length of μ in bytes.
const MuSize = 64

// Parameters is a parameter set of FIPS 204 table 1. The zero value verifies nothing.
type Parameters struct {
	rows, columns int // k and l
	gammaBits     int // γ1 is 2 to this power
	gamma2        int
	tau           int // ones in the challenge
	beta          int // τ · η
	omega         int // most ones in the hint
	challenge     int // bytes of c~, λ/4
}

// MLDSA44 gives the parameters of ML-DSA-44.
func MLDSA44() Parameters { return Parameters{4, 4, 17, (q - 1) / 88, 39, 78, 80, 32} }

// MLDSA65 gives the parameters of ML-DSA-65.
func MLDSA65() Parameters { return Parameters{6, 5, 19, (q - 1) / 32, 49, 196, 55, 48} }

// MLDSA87 gives the parameters of ML-DSA-87.
func MLDSA87() Parameters { return Parameters{8, 7, 19, (q - 1) / 32, 60, 120, 75, 64} }

// PublicKeySize is the length of an encoded public key in bytes.
func (p Parameters) PublicKeySize() int { return 32 + p.rows*n*10/8 }

// SignatureSize is the length of a signature in bytes.
func (p Parameters) SignatureSize() int {
	return p.challenge + p.columns*p.zSize() + p.omega + p.rows
}

// zSize is the length of one packed polynomial of z in bytes.
func (p Parameters) zSize() int { return n * (p.gammaBits + 1) / 8 }

// Mu gives μ of a formatted message M' in parts (FIPS 204 algorithm 7, line 6): the hash of
// the public key's hash and M'.
func Mu(publicKey []byte, parts ...[]byte) []byte {
	h := sha3.NewSHAKE256()
	h.Write(sha3.SumSHAKE256(publicKey, 64))
	for _, part := range parts {
		h.Write(part)
	}
	mu := make([]byte, MuSize)
	h.Read(mu)
	return mu
}

// Verify reports whether signature is one of μ by the public key (FIPS 204 algorithm 8 from
// line 8 on). Wrong lengths are wrong signatures.
func (p Parameters) Verify(publicKey, mu, signature []byte) bool {
	if p.rows == 0 || len(publicKey) != p.PublicKeySize() || len(mu) != MuSize || len(signature) != p.SignatureSize() {
		return false
	}
	challenge, rest := signature[:p.challenge], signature[p.challenge:]
	z, ok := p.unpackZ(rest[:p.columns*p.zSize()])
	if !ok {
		return false
	}
	hint, ok := p.unpackHint(rest[p.columns*p.zSize():])
	if !ok {
		return false
	}
	for i := range z {
		z[i].ntt()
	}
	c := p.sampleInBall(challenge)
	c.ntt()
	h := sha3.NewSHAKE256()
	h.Write(mu)
	for r := range p.rows {
		w := p.commitment(publicKey, r, z, &c)
		h.Write(p.packW1(&w, &hint[r]))
	}
	own := make([]byte, p.challenge)
	h.Read(own)
	return bytes.Equal(own, challenge)
}

// commitment gives row r of w = A·z - c·t1·2^d.
func (p Parameters) commitment(publicKey []byte, r int, z []poly, c *poly) poly {
	var w poly
	for s := range z {
		a := rejectionNTT(publicKey[:32], byte(s), byte(r))
		w.addProduct(&a, &z[s])
	}
	t := unpackT1(publicKey[32+r*n*10/8:][:n*10/8])
	t.ntt()
	var ct poly
	ct.addProduct(c, &t)
	for i := range w {
		w[i] = sub(w[i], ct[i])
	}
	w.inverseNTT()
	return w
}

// unpackZ reads l polynomials (FIPS 204 algorithm 19 with bounds γ1-1 and γ1) and checks
// ‖z‖ < γ1 - β.
func (p Parameters) unpackZ(b []byte) ([]poly, bool) {
	z := make([]poly, p.columns)
	gamma := 1 << p.gammaBits
	for i := range z {
		bits := bitReader{b: b[i*p.zSize():]}
		for j := range z[i] {
			v := gamma - bits.next(p.gammaBits+1)
			if max(v, -v) >= gamma-p.beta {
				return nil, false
			}
			z[i][j] = uint32((v + q) % q)
		}
	}
	return z, true
}

// unpackHint reads the positions of ones (FIPS 204 algorithm 21), which have only one
// encoding.
func (p Parameters) unpackHint(y []byte) ([][n]bool, bool) {
	hint := make([][n]bool, p.rows)
	index := 0
	for i := range hint {
		end := int(y[p.omega+i])
		if end < index || end > p.omega {
			return nil, false
		}
		for first := index; index < end; index++ {
			if index > first && y[index-1] >= y[index] {
				return nil, false
			}
			hint[i][y[index]] = true
		}
	}
	for _, b := range y[index:p.omega] {
		if b != 0 {
			return nil, false
		}
	}
	return hint, true
}

// sampleInBall makes the challenge polynomial (FIPS 204 algorithm 29).
func (p Parameters) sampleInBall(seed []byte) poly {
	h := sha3.NewSHAKE256()
	h.Write(seed)
	var signs [8]byte
	h.Read(signs[:])
	var c poly
	var b [1]byte
	for i := n - p.tau; i < n; i++ {
		for h.Read(b[:]); int(b[0]) > i; {
			h.Read(b[:])
		}
		j, k := int(b[0]), i+p.tau-n
		c[i] = c[j]
		c[j] = 1
		if signs[k/8]>>(k%8)&1 == 1 {
			c[j] = q - 1
		}
	}
	return c
}

// packW1 corrects w by the hint and packs it (FIPS 204 algorithms 40 and 28).
func (p Parameters) packW1(w *poly, hint *[n]bool) []byte {
	width := 4
	if p.gamma2 == (q-1)/88 {
		width = 6
	}
	out := make([]byte, n*width/8)
	for i := range w {
		v := p.useHint(hint[i], int(w[i]))
		for b := range width {
			at := i*width + b
			out[at/8] |= byte(v>>b&1) << (at % 8)
		}
	}
	return out
}

// useHint gives the high bits of r, corrected (FIPS 204 algorithms 36 and 40).
func (p Parameters) useHint(hint bool, r int) int {
	m := (q - 1) / (2 * p.gamma2)
	low := r % (2 * p.gamma2)
	if low > p.gamma2 {
		low -= 2 * p.gamma2
	}
	high := (r - low) / (2 * p.gamma2)
	if r-low == q-1 {
		high, low = 0, low-1
	}
	switch {
	case !hint:
		return high
	case low > 0:
		return (high + 1) % m
	}
	return (high - 1 + m) % m
}
