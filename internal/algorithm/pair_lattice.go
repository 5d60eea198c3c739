package algorithm

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"encoding"
	"encoding/asn1"

	"github.com/cloudflare/circl/kem"
	"github.com/cloudflare/circl/kem/mlkem/mlkem1024"
	"github.com/cloudflare/circl/kem/mlkem/mlkem512"
	"github.com/cloudflare/circl/kem/mlkem/mlkem768"
	"github.com/cloudflare/circl/kem/xwing"
	"github.com/cloudflare/circl/sign"
	"github.com/cloudflare/circl/sign/mldsa/mldsa44"
	"github.com/cloudflare/circl/sign/mldsa/mldsa65"
	"github.com/cloudflare/circl/sign/mldsa/mldsa87"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/claviger/claviger"
)

// lattice is a parameter set of ML-DSA (FIPS 204) or ML-KEM (FIPS 203), or X-Wing, which
// is ML-KEM-768 and X25519 in one. Keys are made from a seed and kept as it; one that comes
// expanded, without its seed, is kept as it came. Sizes in bytes.
type lattice[Private any, Public encoding.BinaryMarshaler] struct {
	name       claviger.Algorithm
	bits       int // ML-DSA: security strength; ML-KEM: the number in its name, for X-Wing too
	oid        asn1.ObjectIdentifier
	seedSize   int // ML-DSA: ξ (32); ML-KEM: d ‖ z (64); X-Wing: 32
	expanded   int // an expanded private key; X-Wing: 0, there is none
	publicSize int
	size       int  // of a signature or a ciphertext
	bare       bool // in PKCS #8 the seed has no tag of its own
	derive     func(seed []byte) (Public, Private)
	unpack     func(expanded []byte) (Public, Private, error) // judges it too
	unmarshal  func([]byte) (Public, error)
}

// latticeKey is a private key with what it came from: the seed, or else the expanded key.
type latticeKey[Private any, Public encoding.BinaryMarshaler] struct {
	seed     []byte
	expanded []byte // nil if there is a seed
	private  Private
	public   Public
}

// signLattice is ML-DSA by circl.
type signLattice struct {
	lattice[sign.PrivateKey, sign.PublicKey]
}

// kemLattice is ML-KEM or X-Wing by circl.
type kemLattice struct {
	lattice[kem.PrivateKey, kem.PublicKey]
}

type (
	signPrivate = latticeKey[sign.PrivateKey, sign.PublicKey]
	kemPrivate  = latticeKey[kem.PrivateKey, kem.PublicKey]
)

func signatureLattices() []signLattice {
	var all []signLattice
	preHashed := preHashedForms()
	for i, s := range []sign.Scheme{mldsa44.Scheme(), mldsa65.Scheme(), mldsa87.Scheme()} {
		all = append(all, signLattice{lattice[sign.PrivateKey, sign.PublicKey]{
			name: claviger.Algorithm(s.Name()), bits: []int{128, 192, 256}[i],
			oid:      asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, 17 + i}, // RFC 9881 section 2
			seedSize: s.SeedSize(), expanded: s.PrivateKeySize(), publicSize: s.PublicKeySize(), size: s.SignatureSize(),
			derive: s.DeriveKey, unpack: unpackSigning(s, preHashed[i].sizes), unmarshal: s.UnmarshalBinaryPublicKey,
		}})
	}
	return all
}

func kemLattices() []kemLattice {
	var all []kemLattice
	for i, s := range []kem.Scheme{mlkem512.Scheme(), mlkem768.Scheme(), mlkem1024.Scheme()} {
		all = append(all, kemLattice{lattice[kem.PrivateKey, kem.PublicKey]{
			name: claviger.Algorithm(s.Name()), bits: []int{512, 768, 1024}[i],
			oid:      asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 4, 1 + i}, // RFC 9935 section 3
			seedSize: s.SeedSize(), expanded: s.PrivateKeySize(), publicSize: s.PublicKeySize(), size: s.CiphertextSize(),
			derive: s.DeriveKeyPair, unpack: unpackDecapsulating(s), unmarshal: s.UnmarshalBinaryPublicKey,
		}})
	}
	x := xwing.Scheme()
	return append(all, kemLattice{lattice[kem.PrivateKey, kem.PublicKey]{
		name: "X-WING", bits: 768,
		oid:      asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 62253, 25722}, // draft-connolly-cfrg-xwing-kem, ASN.1 module
		seedSize: x.SeedSize(), publicSize: x.PublicKeySize(), size: x.CiphertextSize(), bare: true,
		derive: x.DeriveKeyPair, unmarshal: x.UnmarshalBinaryPublicKey,
	}})
}

func (l lattice[P, Q]) generate() (crypto.PrivateKey, error) {
	seed := make([]byte, l.seedSize)
	if _, err := rand.Read(seed); err != nil {
		return nil, err
	}
	return l.expand(seed), nil
}

// expand makes the key of a seed, which it keeps.
func (l lattice[P, Q]) expand(seed []byte) *latticeKey[P, Q] {
	public, private := l.derive(seed)
	return &latticeKey[P, Q]{seed: seed, private: private, public: public}
}

func (l lattice[P, Q]) public(key crypto.PrivateKey) crypto.PublicKey {
	return key.(*latticeKey[P, Q]).public
}

// parsePrivate takes the seed form, the expanded form and the form with both (RFC 9881
// section 6, RFC 9935 section 6). Of the last the expanded key must be the seed's, but
// nothing of it is kept. X-Wing has the seed and nothing else.
func (l lattice[P, Q]) parsePrivate(der []byte) (crypto.PrivateKey, error) {
	body, err := privateBody(der)
	if err != nil {
		return nil, err
	}
	var seed, expanded, both cryptobyte.String
	switch {
	case l.bare:
		seed = body
	case body.PeekASN1Tag(seedTag()):
		if !body.ReadASN1(&seed, seedTag()) || !body.Empty() {
			return nil, errKey
		}
	case body.PeekASN1Tag(cbasn1.OCTET_STRING):
		if !body.ReadASN1(&expanded, cbasn1.OCTET_STRING) || !body.Empty() {
			return nil, errKey
		}
		return l.parseExpanded(expanded)
	case body.PeekASN1Tag(cbasn1.SEQUENCE):
		if !body.ReadASN1(&both, cbasn1.SEQUENCE) || !body.Empty() || !both.ReadASN1(&seed, cbasn1.OCTET_STRING) ||
			!both.ReadASN1(&expanded, cbasn1.OCTET_STRING) || !both.Empty() {
			return nil, errKey
		}
	}
	if len(seed) != l.seedSize {
		return nil, errKey
	}
	key := l.expand(append([]byte(nil), seed...))
	if expanded != nil && !l.matches(key, expanded) {
		clear(key.seed)
		return nil, errKey
	}
	return key, nil
}

// seedTag is the tag of a seed in PKCS #8.
func seedTag() cbasn1.Tag { return cbasn1.Tag(0).ContextSpecific() }

func (l lattice[P, Q]) parsePublic(der []byte) (crypto.PublicKey, error) {
	raw, err := publicBody(der)
	if err != nil {
		return nil, err
	}
	return l.parseRaw(claviger.PublicKey, raw)
}

// marshalPrivate gives the form that the key came in, but never the one with both.
func (l lattice[P, Q]) marshalPrivate(key crypto.PrivateKey) ([]byte, error) {
	k := key.(*latticeKey[P, Q])
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(0)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(l.oid) })
		b.AddASN1(cbasn1.OCTET_STRING, func(b *cryptobyte.Builder) {
			switch {
			case k.seed == nil:
				b.AddASN1OctetString(k.expanded)
			case l.bare:
				b.AddBytes(k.seed)
			default:
				b.AddASN1(seedTag(), func(b *cryptobyte.Builder) { b.AddBytes(k.seed) })
			}
		})
	})
	return b.Bytes()
}

func (l lattice[P, Q]) marshalPublic(key crypto.PublicKey) ([]byte, error) {
	raw, err := l.marshalRaw(claviger.PublicKey, key)
	if err != nil {
		return nil, err
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(l.oid) })
		b.AddASN1BitString(raw)
	})
	return b.Bytes()
}

// parseRaw tells a seed from an expanded key by its length.
func (l lattice[P, Q]) parseRaw(class claviger.KeyClass, raw []byte) (any, error) {
	switch {
	case class == claviger.PublicKey && len(raw) == l.publicSize:
		return l.unmarshal(raw)
	case class == claviger.PublicKey:
		return nil, errKey
	case len(raw) == l.seedSize:
		return l.expand(append([]byte(nil), raw...)), nil
	}
	return l.parseExpanded(raw)
}

func (l lattice[P, Q]) marshalRaw(class claviger.KeyClass, key any) ([]byte, error) {
	if class == claviger.PublicKey {
		return key.(Q).MarshalBinary()
	}
	k := key.(*latticeKey[P, Q])
	if k.seed == nil {
		return bytes.Clone(k.expanded), nil
	}
	return bytes.Clone(k.seed), nil
}

func (l lattice[P, Q]) rawSize(class claviger.KeyClass) int {
	if class == claviger.PublicKey {
		return l.publicSize
	}
	return l.seedSize
}
