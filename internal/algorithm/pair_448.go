package algorithm

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"encoding/asn1"
	"errors"

	"github.com/cloudflare/circl/dh/x448"
	"github.com/cloudflare/circl/sign/ed448"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/primitive/ed448ph"
)

// errShared is the fault of a peer key of low order.
var errShared = errors.New("no shared secret")

// octetsOf gives the private key of RFC 8410 section 7: an octet string within the one of
// PKCS #8, of exactly size bytes.
func octetsOf(der []byte, size int) ([]byte, error) {
	body, err := privateBody(der)
	if err != nil {
		return nil, err
	}
	var octets cryptobyte.String
	if !body.ReadASN1(&octets, cbasn1.OCTET_STRING) || !body.Empty() || len(octets) != size {
		return nil, errKey
	}
	return octets, nil
}

// marshalOctets is the reverse of octetsOf.
func marshalOctets(oid asn1.ObjectIdentifier, octets []byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(0)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oid) })
		b.AddASN1(cbasn1.OCTET_STRING, func(b *cryptobyte.Builder) { b.AddASN1OctetString(octets) })
	})
	return b.Bytes()
}

// marshalBits gives a SubjectPublicKeyInfo whose algorithm has no parameters.
func marshalBits(oid asn1.ObjectIdentifier, raw []byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oid) })
		b.AddASN1BitString(raw)
	})
	return b.Bytes()
}

// The object identifiers of RFC 8410 section 3.
func x448OID() asn1.ObjectIdentifier  { return asn1.ObjectIdentifier{1, 3, 101, 111} }
func ed448OID() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 3, 101, 113} }

// x448Private is an X448 key with its public half. The public key type is *x448.Key.
type x448Private struct{ secret, public x448.Key }

// x448Pair is X448 by circl. Its raw forms are those of RFC 7748 section 5: 56 bytes for
// either half.
type x448Pair struct{}

func newX448(raw []byte) *x448Private {
	k := new(x448Private)
	copy(k.secret[:], raw)
	x448.KeyGen(&k.public, &k.secret)
	return k
}

func (x448Pair) generate() (crypto.PrivateKey, error) {
	raw := make([]byte, x448.Size)
	defer clear(raw)
	if _, err := rand.Read(raw); err != nil {
		return nil, err
	}
	return newX448(raw), nil
}

func (x448Pair) public(key crypto.PrivateKey) crypto.PublicKey {
	public := key.(*x448Private).public
	return &public
}

func (x448Pair) parsePrivate(der []byte) (crypto.PrivateKey, error) {
	raw, err := octetsOf(der, x448.Size)
	if err != nil {
		return nil, err
	}
	return newX448(raw), nil
}

func (p x448Pair) parsePublic(der []byte) (crypto.PublicKey, error) {
	raw, err := publicBody(der)
	if err != nil {
		return nil, err
	}
	return p.parseRaw(claviger.PublicKey, raw)
}

func (x448Pair) marshalPrivate(key crypto.PrivateKey) ([]byte, error) {
	return marshalOctets(x448OID(), key.(*x448Private).secret[:])
}

func (x448Pair) marshalPublic(key crypto.PublicKey) ([]byte, error) {
	return marshalBits(x448OID(), key.(*x448.Key)[:])
}

func (x448Pair) parseRaw(class claviger.KeyClass, raw []byte) (any, error) {
	if len(raw) != x448.Size {
		return nil, errKey
	}
	if class == claviger.PublicKey {
		return new(x448.Key(raw)), nil
	}
	return newX448(raw), nil
}

func (x448Pair) marshalRaw(class claviger.KeyClass, key any) ([]byte, error) {
	if class == claviger.PublicKey {
		return bytes.Clone(key.(*x448.Key)[:]), nil
	}
	return bytes.Clone(key.(*x448Private).secret[:]), nil
}

func (x448Pair) rawSize(claviger.KeyClass) int { return x448.Size }

// ed448Pair is Ed448 by circl. Its raw forms are those of RFC 8032 section 5.2.5: the
// 57-byte seed and the 57-byte public key.
type ed448Pair struct{}

func (ed448Pair) generate() (crypto.PrivateKey, error) {
	_, key, err := ed448.GenerateKey(rand.Reader)
	return key, err
}

func (ed448Pair) public(key crypto.PrivateKey) crypto.PublicKey {
	return key.(ed448.PrivateKey).Public()
}

func (ed448Pair) parsePrivate(der []byte) (crypto.PrivateKey, error) {
	seed, err := octetsOf(der, ed448.SeedSize)
	if err != nil {
		return nil, err
	}
	return ed448.NewKeyFromSeed(seed), nil
}

func (p ed448Pair) parsePublic(der []byte) (crypto.PublicKey, error) {
	raw, err := publicBody(der)
	if err != nil {
		return nil, err
	}
	return p.parseRaw(claviger.PublicKey, raw)
}

func (ed448Pair) marshalPrivate(key crypto.PrivateKey) ([]byte, error) {
	seed := key.(ed448.PrivateKey).Seed()
	defer clear(seed)
	return marshalOctets(ed448OID(), seed)
}

func (ed448Pair) marshalPublic(key crypto.PublicKey) ([]byte, error) {
	return marshalBits(ed448OID(), key.(ed448.PublicKey))
}

func (ed448Pair) parseRaw(class claviger.KeyClass, raw []byte) (any, error) {
	if len(raw) != ed448.SeedSize {
		return nil, errKey
	}
	if class == claviger.PublicKey {
		return ed448.PublicKey(bytes.Clone(raw)), nil
	}
	return ed448.NewKeyFromSeed(raw), nil
}

func (ed448Pair) marshalRaw(class claviger.KeyClass, key any) ([]byte, error) {
	if class == claviger.PublicKey {
		return bytes.Clone(key.(ed448.PublicKey)), nil
	}
	return key.(ed448.PrivateKey).Seed(), nil
}

func (ed448Pair) rawSize(claviger.KeyClass) int { return ed448.SeedSize }

// ed448Signer is Ed448, or Ed448ph over the digest, with an empty context (RFC 8032
// section 5.2).
type ed448Signer struct{ prehash bool }

func (s ed448Signer) sign(key crypto.PrivateKey, dst, in []byte, _ bool) ([]byte, error) {
	k := key.(ed448.PrivateKey)
	if s.prehash {
		return append(dst, ed448ph.Sign(k[:ed448.SeedSize], k[ed448.SeedSize:], in)...), nil
	}
	return append(dst, ed448.Sign(k, in, "")...), nil
}

func (s ed448Signer) verify(key crypto.PublicKey, in, signature []byte, _ bool) bool {
	k := key.(ed448.PublicKey)
	if s.prehash {
		return ed448ph.Verify(k, in, signature)
	}
	return ed448.Verify(k, in, signature, "")
}
