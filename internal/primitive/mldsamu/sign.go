package mldsamu

import (
	"crypto/sha3"
	"math/bits"
)

// RandomSize is the length in bytes of what Sign takes for hedging.
const RandomSize = 32

// attempts is how often Sign tries: that all fail has a probability below 2^-256 with a key
// that PublicKey takes (FIPS 204 appendix C).
const attempts = 814

// signing is the work on one signature. All of it but the matrix is secret.
type signing struct {
	Parameters
	key    private
	matrix [][]poly
	seed   []byte // ρ″
	mu     []byte
}

// Sign gives the signature of μ by an expanded private key that PublicKey has taken (FIPS 204
// algorithm 7 from line 7 on). random has RandomSize bytes; zeros give the deterministic
// variant. It reports false for wrong lengths, for a key that cannot be, and if no attempt
// succeeds. The arguments stay the caller's.
func (p Parameters) Sign(privateKey, mu, random []byte) ([]byte, bool) {
	k, ok := p.decode(privateKey)
	defer k.wipe()
	if !ok || len(mu) != MuSize || len(random) != RandomSize {
		return nil, false
	}
	for _, v := range [][]poly{k.s1, k.s2, k.t0} {
		for i := range v {
			v[i].ntt()
		}
	}
	s := signing{Parameters: p, key: k, mu: mu, seed: shake(64, k.key, random, mu)}
	defer clear(s.seed)
	for r := range p.rows {
		row := make([]poly, p.columns)
		for c := range row {
			row[c] = rejectionNTT(k.rho, byte(c), byte(r))
		}
		s.matrix = append(s.matrix, row)
	}
	for i := range attempts {
		if out := s.attempt(i * p.columns); out != nil {
			return out, true
		}
	}
	return nil, false
}

// attempt is one turn of the loop of algorithm 7; nil is a rejection.
func (s *signing) attempt(counter int) []byte {
	y := s.mask(counter)
	w := s.commit(y)
	defer func() { clear(y); clear(w) }() // w tells y
	high := make([]poly, s.rows)
	parts := [][]byte{s.mu}
	for r := range w {
		for i, v := range w[r] {
			high[r][i], _ = s.decompose(v)
		}
		parts = append(parts, appendBits(nil, &high[r], s.highBits()))
	}
	challenge := shake(s.challenge, parts...)
	c := s.sampleInBall(challenge)
	c.ntt()
	z, reach := y, 0 // reach is negative if a bound is passed
	for i := range z {
		z[i].addInverse(&c, &s.key.s1[i])
		reach |= z[i].within(1<<s.gammaBits - s.beta)
	}
	hints, ones := make([]poly, s.rows), 0
	for r := range hints {
		count, rest := s.hint(&hints[r], &w[r], &high[r], &c, r)
		ones, reach = ones+count, reach|rest
	}
	if reach < 0 || ones > s.omega {
		return nil
	}
	return s.pack(challenge, z, hints)
}

// hint gives one row of the hint, the number of its ones, and a negative number if the row is
// beyond a bound (FIPS 204 algorithm 7, lines 21 to 28).
func (s *signing) hint(hint, w, high, c *poly, r int) (ones, reach int) {
	var less, low, product poly
	product.addInverse(c, &s.key.s2[r])
	for i := range less {
		less[i] = sub(w[i], product[i])
		_, low[i] = s.decompose(less[i])
	}
	var ct poly
	ct.addInverse(c, &s.key.t0[r])
	reach = low.within(s.gamma2-s.beta) | ct.within(s.gamma2)
	for i := range hint {
		corrected, _ := s.decompose(add(less[i], ct[i]))
		other := corrected ^ high[i]
		hint[i] = (other | -other) >> 31
		ones += int(hint[i])
	}
	return ones, reach
}

// mask makes y (FIPS 204 algorithm 34).
func (s *signing) mask(counter int) []poly {
	y := make([]poly, s.columns)
	for i := range y {
		nonce := counter + i
		random := shake(s.zSize(), s.seed, []byte{byte(nonce), byte(nonce >> 8)})
		y[i].unpack(&bitReader{b: random}, s.gammaBits+1, 1<<s.gammaBits, 1<<s.gammaBits-1)
		clear(random) // y in another form
	}
	return y
}

// commit gives w = A·y.
func (s *signing) commit(y []poly) []poly {
	transformed := append([]poly(nil), y...)
	defer clear(transformed)
	for i := range transformed {
		transformed[i].ntt()
	}
	w := make([]poly, s.rows)
	for r := range w {
		for c := range transformed {
			w[r].addProduct(&s.matrix[r][c], &transformed[c])
		}
		w[r].inverseNTT()
	}
	return w
}

// highBits is the width of a coefficient of w1.
func (p Parameters) highBits() int { return bits.Len(uint((q-1)/(2*p.gamma2) - 1)) }

// decompose is FIPS 204 algorithm 36 in constant time; low is modulo q. The multiplication
// divides by 2·γ2, exactly for every value below q.
func (p Parameters) decompose(v uint32) (high, low uint32) {
	parts := (v + 127) >> 7
	if p.gamma2 == (q-1)/32 {
		high = (parts*1025 + 1<<21) >> 22 & 15
	} else {
		high = (parts*11275 + 1<<23) >> 24
		high &^= -((43 - high) >> 31) // 44 is 0
	}
	return high, sub(v, high*2*uint32(p.gamma2))
}

// addInverse adds the inverse transform of a·b.
func (p *poly) addInverse(a, b *poly) {
	var product poly
	product.addProduct(a, b)
	product.inverseNTT()
	for i := range p {
		p[i] = add(p[i], product[i])
	}
}

// within gives a negative number unless every coefficient, taken as the nearest to 0, is
// below bound in size.
func (p *poly) within(bound int) int {
	reach := 0
	for _, v := range p {
		above := int(v) - q/2 - 1 // negative if v is the positive one
		size := int(v)&(above>>31) | (q-int(v))&^(above>>31)
		reach |= bound - 1 - size
	}
	return reach
}

// pack writes the signature (FIPS 204 algorithm 26).
func (s *signing) pack(challenge []byte, z, hints []poly) []byte {
	out := append(make([]byte, 0, s.SignatureSize()), challenge...)
	for i := range z {
		for j, v := range z[i] {
			z[i][j] = sub(1<<s.gammaBits, v)
		}
		out = appendBits(out, &z[i], s.gammaBits+1)
	}
	at := len(out)
	out = append(out, make([]byte, s.omega+s.rows)...)
	positions, index := out[at:], 0
	for r := range hints {
		for i, one := range hints[r] {
			if one == 1 {
				positions[index] = byte(i)
				index++
			}
		}
		positions[s.omega+r] = byte(index)
	}
	return out
}

// shake is SHAKE256 over parts.
func shake(size int, parts ...[]byte) []byte {
	h := sha3.NewSHAKE256()
	defer h.Reset() // it has taken secrets
	for _, part := range parts {
		h.Write(part)
	}
	out := make([]byte, size)
	h.Read(out)
	return out
}
