// Package ed448ph is Ed448ph with an empty context (RFC 8032 section 5.2) over a digest that the caller has made: 64
// bytes of SHAKE256 of the message. It stands on the curve of circl, whose own Ed448ph wants the whole message at once.
package ed448ph

import (
	"crypto/sha3"
	"crypto/subtle"

	"github.com/cloudflare/circl/ecc/goldilocks"
)

// Sizes in bytes.
const (
	SeedSize      = 57
	PublicSize    = 57
	SignatureSize = 114
	DigestSize    = 64
)

// hash is SHAKE256(dom4(1, "") ‖ parts, 114) as a scalar (RFC 8032 sections 2 and 5.2.6).
func hash(parts ...[]byte) *goldilocks.Scalar {
	h := sha3.NewSHAKE256()
	h.Write([]byte{'S', 'i', 'g', 'E', 'd', '4', '4', '8', 1, 0})
	for _, p := range parts {
		h.Write(p)
	}
	var wide [SignatureSize]byte
	h.Read(wide[:])
	s := new(goldilocks.Scalar)
	s.FromBytes(wide[:])
	return s
}

// secret expands the seed into the scalar and the prefix (RFC 8032 section 5.2.5).
func secret(seed []byte) (*goldilocks.Scalar, []byte) {
	wide := sha3.SumSHAKE256(seed, SignatureSize)
	wide[0] &= 0xfc
	wide[SeedSize-1] = 0
	wide[SeedSize-2] |= 0x80
	s := new(goldilocks.Scalar)
	s.FromBytes(wide[:SeedSize])
	return s, wide[SeedSize:]
}

// Sign gives the signature of a digest by the private key's seed and its public key. It is deterministic and takes the
// same time for all keys and digests. Arguments of another length panic.
func Sign(seed, public, digest []byte) []byte {
	if len(seed) != SeedSize || len(public) != PublicSize || len(digest) != DigestSize {
		panic("ed448ph: an argument of another length")
	}
	s, prefix := secret(seed)
	r := hash(prefix, digest)
	signature := make([]byte, SignatureSize)
	if err := (goldilocks.Curve{}).ScalarBaseMult(r).ToBytes(signature[:PublicSize]); err != nil {
		panic("ed448ph: " + err.Error()) // the room is large enough
	}
	sum := new(goldilocks.Scalar)
	sum.Mul(hash(signature[:PublicSize], public, digest), s)
	sum.Add(sum, r)
	copy(signature[PublicSize:], sum[:])
	clear(prefix)
	*s, *r = goldilocks.Scalar{}, goldilocks.Scalar{}
	return signature
}

// Verify reports whether signature is one of digest by the public key. All three are public: its time may tell them.
// Anything of another length is merely wrong.
func Verify(public, digest, signature []byte) bool {
	if len(public) != PublicSize || len(digest) != DigestSize || len(signature) != SignatureSize || signature[SignatureSize-1] != 0 {
		return false
	}
	var sum, reduced goldilocks.Scalar
	copy(sum[:], signature[PublicSize:])
	reduced = sum
	reduced.Red()
	if reduced != sum { // not the one encoding of a number below the order
		return false
	}
	key, err := goldilocks.FromBytes(public)
	if err != nil {
		return false
	}
	key.Neg()
	var r [PublicSize]byte
	if err := (goldilocks.Curve{}).CombinedMult(&sum, hash(signature[:PublicSize], public, digest), key).ToBytes(r[:]); err != nil {
		return false
	}
	return subtle.ConstantTimeCompare(r[:], signature[:PublicSize]) == 1
}
