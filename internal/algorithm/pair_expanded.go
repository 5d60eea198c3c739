package algorithm

import (
	"bytes"
	"crypto"
	"encoding"

	"github.com/cloudflare/circl/kem"
	"github.com/cloudflare/circl/sign"

	"github.com/claviger/claviger/internal/primitive/mldsamu"
)

// An expanded private key is what FIPS 203 and 204 call the decapsulation key and the private
// key: what a seed becomes. Unlike a seed, which is any bytes, one can be wrong in many ways.

// expandable is a pair whose private keys have an expanded form beside the seed.
type expandable interface {
	expandedSize() int // bytes; 0 if it has none after all
}

// ExpandedSize gives the length in bytes of a raw private key of this row in the form that
// is not RawSize long: the expanded key of FIPS 203 section 7.1 or FIPS 204 section 4. It is
// 0 for a row that has no second form, which is every row but those of ML-KEM and ML-DSA.
func (r *Row) ExpandedSize() int {
	if e, ok := r.impl.pair.(expandable); ok {
		return e.expandedSize()
	}
	return 0
}

func (l lattice[P, Q]) expandedSize() int { return l.expanded }

// parseExpanded reads an expanded key, of which it keeps a copy.
func (l lattice[P, Q]) parseExpanded(raw []byte) (crypto.PrivateKey, error) {
	if l.expanded == 0 || len(raw) != l.expanded {
		return nil, errKey
	}
	own := bytes.Clone(raw)
	public, private, err := l.unpack(own)
	if err != nil {
		clear(own)
		return nil, errKey
	}
	return &latticeKey[P, Q]{expanded: own, private: private, public: public}, nil
}

// matches reports whether an expanded key is the one of a key with a seed.
func (l lattice[P, Q]) matches(key *latticeKey[P, Q], expanded []byte) bool {
	own, err := marshaled(key.private)
	defer clear(own)
	return err == nil && equal(own, expanded)
}

// marshaled gives the expanded form of a library's private key.
func marshaled(private any) ([]byte, error) {
	if m, ok := private.(encoding.BinaryMarshaler); ok {
		return m.MarshalBinary()
	}
	return nil, errKey
}

// unpackSigning takes only a key that is in range and agrees with itself in all that follows
// from ρ, s1 and s2: with another t0 signatures could fail for ever, and with another tr none
// would verify.
func unpackSigning(s sign.Scheme, sizes mldsamu.Parameters) func([]byte) (sign.PublicKey, sign.PrivateKey, error) {
	return func(expanded []byte) (sign.PublicKey, sign.PrivateKey, error) {
		if _, ok := sizes.PublicKey(expanded); !ok {
			return nil, nil, errKey
		}
		private, err := s.UnmarshalBinaryPrivateKey(expanded)
		if err != nil {
			return nil, nil, err
		}
		public, ok := private.Public().(sign.PublicKey)
		if !ok {
			return nil, nil, errKey
		}
		return public, private, nil
	}
}

// unpackDecapsulating makes the checks of FIPS 203 on a key pair without its seed (section
// 7.1): the hash of the encapsulation key, by circl (section 7.3), coefficients below the
// modulus, so that the key is its only encoding (section 7.2), and that it opens what is
// encapsulated to its public half.
func unpackDecapsulating(s kem.Scheme) func([]byte) (kem.PublicKey, kem.PrivateKey, error) {
	return func(expanded []byte) (kem.PublicKey, kem.PrivateKey, error) {
		private, err := s.UnmarshalBinaryPrivateKey(expanded)
		if err != nil {
			return nil, nil, err
		}
		again, err := marshaled(private)
		defer clear(again)
		if err != nil || !equal(again, expanded) {
			return nil, nil, errKey
		}
		public := private.Public()
		ciphertext, want, err := s.Encapsulate(public)
		if err != nil {
			return nil, nil, err
		}
		got, err := s.Decapsulate(private, ciphertext)
		if err != nil || !equal(got, want) {
			return nil, nil, errKey
		}
		return public, private, nil
	}
}
