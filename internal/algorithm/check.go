package algorithm

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"math/big"

	"github.com/cloudflare/circl/dh/x448"
	"github.com/cloudflare/circl/sign/ed448"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/primitive/edwards"
)

// checker is a pair whose public keys can parse and be unfit for use all the same.
type checker interface {
	check(crypto.PublicKey) bool
}

// CheckPublic judges a public key of this row more strictly than parsing does, at the
// price of some time: ErrInvalidKey unless it is in canonical form and safe to use.
// Ed25519 and Ed448: a point of the main subgroup. X25519 and X448: reduced, and not of
// low order. RSA: a modulus without small factors that is not itself a prime (SP 800-89
// section 5.3.3). Points of prime curves are on their curves, and ML-KEM's coefficients
// reduced (FIPS 203 section 7.2), once they are parsed; ML-DSA keys have nothing to
// check.
func (r *Row) CheckPublic(key crypto.PublicKey) error {
	if c, ok := r.impl.pair.(checker); ok && !c.check(key) {
		return claviger.Errorf(claviger.ErrInvalidKey, op, "the public key of %s is not fit for use", r.Name)
	}
	return nil
}

func (edwardsPair) check(key crypto.PublicKey) bool {
	return edwards.Valid25519(key.(ed25519.PublicKey))
}

func (ed448Pair) check(key crypto.PublicKey) bool {
	return edwards.Valid448(key.(ed448.PublicKey))
}

// check tries an agreement, whose result is zero for a point of low order (RFC 7748
// section 6.1). On prime curves there is none.
func (p ecdhPair) check(key crypto.PublicKey) bool {
	peer := key.(*ecdh.PublicKey)
	if p.curve == ecdh.X25519() && !reduced(peer.Bytes(), p255()) {
		return false
	}
	own, err := p.curve.GenerateKey(rand.Reader)
	if err != nil {
		return false
	}
	secret, err := own.ECDH(peer)
	clear(secret)
	return err == nil
}

// check is that of X25519 for RFC 7748 section 6.2.
func (p x448Pair) check(key crypto.PublicKey) bool {
	peer := key.(*x448.Key)
	if !reduced(peer[:], p448()) {
		return false
	}
	own, err := p.generate()
	if err != nil {
		return false
	}
	secret, err := agreeX448(own, peer)
	clear(secret)
	return err == nil
}

// p255 is 2²⁵⁵ - 19.
func p255() *big.Int {
	p := new(big.Int).Lsh(big.NewInt(1), 255)
	return p.Sub(p, big.NewInt(19))
}

// p448 is 2⁴⁴⁸ - 2²²⁴ - 1.
func p448() *big.Int {
	p, middle := new(big.Int).Lsh(big.NewInt(1), 448), new(big.Int).Lsh(big.NewInt(1), 224)
	return p.Sub(p.Sub(p, middle), big.NewInt(1))
}

// reduced reports whether a little-endian number is below a limit.
func reduced(little []byte, limit *big.Int) bool {
	reversed := make([]byte, len(little))
	for i, b := range little {
		reversed[len(little)-1-i] = b
	}
	return new(big.Int).SetBytes(reversed).Cmp(limit) < 0
}

// smallest and largest odd prime that check divides by (SP 800-89 section 5.3.3).
const (
	firstPrime = 3
	lastPrime  = 751
)

func (p rsaPair) check(key crypto.PublicKey) bool {
	n := key.(*rsa.PublicKey).N
	var rest big.Int
	for divisor := int64(firstPrime); divisor <= lastPrime; divisor += 2 {
		if rest.Mod(n, big.NewInt(divisor)).Sign() == 0 {
			return false
		}
	}
	return !n.ProbablyPrime(0)
}
