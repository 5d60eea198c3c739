package algorithm

import (
	"crypto"
	"crypto/rand"
	"encoding/asn1"

	"gitlab.com/yawning/secp256k1-voi/secec"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/claviger/claviger"
)

// k256Pair is a key on secp256k1 (SEC 2 section 2.4.1), for signing or for agreement. Its
// raw forms are those of SEC 1: the scalar of 32 bytes, and the uncompressed point of 65.
type k256Pair struct{}

func k256OID() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 3, 132, 0, 10} }
func ecOID() asn1.ObjectIdentifier   { return asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1} }

func (k256Pair) generate() (crypto.PrivateKey, error) { return secec.GenerateKey() }

func (k256Pair) public(key crypto.PrivateKey) crypto.PublicKey {
	return key.(*secec.PrivateKey).PublicKey()
}

// parsePrivate reads PKCS #8 around the form of RFC 5915. A public key inside must be that
// of the private one.
func (p k256Pair) parsePrivate(der []byte) (crypto.PrivateKey, error) {
	in := cryptobyte.String(der)
	var outer, id, octets, body, scalar cryptobyte.String
	var version, inner int
	if !in.ReadASN1(&outer, cbasn1.SEQUENCE) || !in.Empty() || !outer.ReadASN1Integer(&version) || !outer.ReadASN1(&id, cbasn1.SEQUENCE) ||
		!k256Identity(id) || !outer.ReadASN1(&octets, cbasn1.OCTET_STRING) || !octets.ReadASN1(&body, cbasn1.SEQUENCE) || !octets.Empty() ||
		!body.ReadASN1Integer(&inner) || inner != 1 || !body.ReadASN1(&scalar, cbasn1.OCTET_STRING) {
		return nil, errKey
	}
	key, err := p.parseRaw(claviger.PrivateKey, scalar)
	if err != nil || !k256Rest(body, key.(*secec.PrivateKey)) {
		return nil, errKey
	}
	return key, nil
}

// k256Identity reports whether an algorithm identifier is that of this curve by its name
// (RFC 5480 section 2.1.1).
func k256Identity(id cryptobyte.String) bool {
	var kind, curve asn1.ObjectIdentifier
	return id.ReadASN1ObjectIdentifier(&kind) && id.ReadASN1ObjectIdentifier(&curve) && id.Empty() && kind.Equal(ecOID()) && curve.Equal(k256OID())
}

// k256Rest reports whether what follows the scalar (RFC 5915 section 3) fits the key.
func k256Rest(body cryptobyte.String, key *secec.PrivateKey) bool {
	var params, public cryptobyte.String
	var curve asn1.ObjectIdentifier
	var named, has bool
	if !body.ReadOptionalASN1(&params, &named, cbasn1.Tag(0).Constructed().ContextSpecific()) ||
		named && (!params.ReadASN1ObjectIdentifier(&curve) || !params.Empty() || !curve.Equal(k256OID())) ||
		!body.ReadOptionalASN1(&public, &has, cbasn1.Tag(1).Constructed().ContextSpecific()) || !body.Empty() {
		return false
	}
	var point []byte
	if !has {
		return true
	}
	if !public.ReadASN1BitStringAsBytes(&point) || !public.Empty() {
		return false
	}
	stated, err := secec.NewPublicKey(point)
	return err == nil && stated.Equal(key.PublicKey())
}

// k256SEC1 reports whether these bytes are the older form of a private key (RFC 5915
// section 3), which crypto/x509 reads for the NIST curves only, and name this curve. What
// else they hold is for parsePrivate to judge.
func k256SEC1(der []byte) bool {
	in := cryptobyte.String(der)
	var body, scalar, params cryptobyte.String
	var version int
	var curve asn1.ObjectIdentifier
	return in.ReadASN1(&body, cbasn1.SEQUENCE) && in.Empty() && body.ReadASN1Integer(&version) && version == 1 &&
		body.ReadASN1(&scalar, cbasn1.OCTET_STRING) && body.ReadASN1(&params, cbasn1.Tag(0).Constructed().ContextSpecific()) &&
		params.ReadASN1ObjectIdentifier(&curve) && params.Empty() && curve.Equal(k256OID())
}

// k256PKCS8 puts PKCS #8 around the older form. The caller wipes what it returns.
func k256PKCS8(sec1 []byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(0)
		addK256Identity(b)
		b.AddASN1OctetString(sec1)
	})
	return b.Bytes()
}

func (p k256Pair) parsePublic(der []byte) (crypto.PublicKey, error) {
	in := cryptobyte.String(der)
	var outer, id cryptobyte.String
	var point []byte
	if !in.ReadASN1(&outer, cbasn1.SEQUENCE) || !in.Empty() || !outer.ReadASN1(&id, cbasn1.SEQUENCE) || !k256Identity(id) ||
		!outer.ReadASN1BitStringAsBytes(&point) || !outer.Empty() {
		return nil, errKey
	}
	return p.parseRaw(claviger.PublicKey, point)
}

func (k256Pair) marshalPrivate(key crypto.PrivateKey) ([]byte, error) {
	k := key.(*secec.PrivateKey)
	scalar := k.Bytes()
	defer clear(scalar)
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(0)
		addK256Identity(b)
		b.AddASN1(cbasn1.OCTET_STRING, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(1)
				b.AddASN1OctetString(scalar)
				b.AddASN1(cbasn1.Tag(1).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) { b.AddASN1BitString(k.PublicKey().Bytes()) })
			})
		})
	})
	return b.Bytes()
}

func (k256Pair) marshalPublic(key crypto.PublicKey) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		addK256Identity(b)
		b.AddASN1BitString(key.(*secec.PublicKey).Bytes())
	})
	return b.Bytes()
}

func addK256Identity(b *cryptobyte.Builder) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(ecOID())
		b.AddASN1ObjectIdentifier(k256OID())
	})
}

func (p k256Pair) parseRaw(class claviger.KeyClass, raw []byte) (any, error) {
	if len(raw) != p.rawSize(class) {
		return nil, errKey
	}
	if class == claviger.PublicKey {
		return secec.NewPublicKey(raw)
	}
	return secec.NewPrivateKey(raw)
}

func (k256Pair) marshalRaw(class claviger.KeyClass, key any) ([]byte, error) {
	if class == claviger.PublicKey {
		return key.(*secec.PublicKey).Bytes(), nil
	}
	return key.(*secec.PrivateKey).Bytes(), nil
}

func (k256Pair) rawSize(class claviger.KeyClass) int {
	if class == claviger.PublicKey {
		return 65
	}
	return 32
}

// k256Signer is ECDSA on secp256k1, its signatures r ‖ s or DER. Of a longer digest the
// leftmost 256 bits count (FIPS 186-5 section 6.4.1), which the library leaves to its
// caller. Both values of s verify; those made here are the lower one.
type k256Signer struct{}

func (k256Signer) options(der bool) *secec.ECDSAOptions {
	if der {
		return &secec.ECDSAOptions{Encoding: secec.EncodingASN1}
	}
	return &secec.ECDSAOptions{Encoding: secec.EncodingCompact}
}

func (s k256Signer) sign(key crypto.PrivateKey, dst, in []byte, der bool) ([]byte, error) {
	out, err := key.(*secec.PrivateKey).Sign(rand.Reader, in[:32], s.options(der))
	return append(dst, out...), err
}

func (s k256Signer) verify(key crypto.PublicKey, in, signature []byte, der bool) bool {
	return key.(*secec.PublicKey).Verify(in[:32], signature, s.options(der))
}
