package algorithm

import (
	"crypto/subtle"
	"encoding/asn1"
	"math/big"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/claviger/claviger"
)

// identity is what an encoding says of itself. On a prime curve it is named as the ECDSA
// algorithm, and stands for ECDH too.
type identity struct {
	algorithm claviger.Algorithm
	class     claviger.KeyClass
}

// is reports whether the encoding can be a key of the algorithm.
func (i identity) is(alg claviger.Algorithm) bool {
	curve, ok := strings.CutPrefix(string(i.algorithm), "ECDSA-")
	return i.algorithm == alg || ok && alg == claviger.Algorithm("ECDH-"+curve)
}

// Identify says what a PKCS #8 private key or SubjectPublicKeyInfo holds, by its algorithm
// identifier; it does not check the key itself. On P-256, P-384, P-521 and secp256k1 the answer is the
// ECDSA algorithm, though the same bytes can be an ECDH key: the caller says which it
// wants. ErrInvalidFormat if the bytes are neither, ErrUnsupportedAlgorithm if the
// algorithm or size is not offered.
func Identify(der []byte) (claviger.Algorithm, claviger.KeyClass, error) {
	i, err := identify(der)
	return i.algorithm, i.class, err
}

func identify(der []byte) (identity, error) {
	malformed := claviger.Errorf(claviger.ErrInvalidFormat, op, "the bytes are neither PKCS #8 nor a SubjectPublicKeyInfo")
	in := cryptobyte.String(der)
	var outer, algorithm cryptobyte.String
	if !in.ReadASN1(&outer, cbasn1.SEQUENCE) || !in.Empty() {
		return identity{}, malformed
	}
	class := claviger.PublicKey
	if outer.PeekASN1Tag(cbasn1.INTEGER) {
		var version int
		if !outer.ReadASN1Integer(&version) || version < 0 || version > 1 {
			return identity{}, malformed
		}
		class = claviger.PrivateKey
	}
	if class == claviger.PrivateKey && explicitCurve(outer) {
		return identity{}, unnamedCurve()
	}
	var oid asn1.ObjectIdentifier
	if !outer.ReadASN1(&algorithm, cbasn1.SEQUENCE) || !algorithm.ReadASN1ObjectIdentifier(&oid) {
		return identity{}, malformed
	}
	if class == claviger.PrivateKey && !outer.PeekASN1Tag(cbasn1.OCTET_STRING) || class == claviger.PublicKey && !outer.PeekASN1Tag(cbasn1.BIT_STRING) {
		return identity{}, malformed
	}
	name, err := nameOf(oid, algorithm, outer, class)
	return identity{name, class}, err
}

// The object identifiers of keys: RFC 8017 appendix C, RFC 5480 section 2.1.1, RFC 8410
// section 3.
const (
	oidRSA     = "1.2.840.113549.1.1.1"
	oidEC      = "1.2.840.10045.2.1"
	oidX25519  = "1.3.101.110"
	oidX448    = "1.3.101.111"
	oidEd25519 = "1.3.101.112"
	oidEd448   = "1.3.101.113"
)

// nameOf turns an algorithm identifier into a key algorithm; RSA's size is in the key
// itself.
func nameOf(oid asn1.ObjectIdentifier, params, rest cryptobyte.String, class claviger.KeyClass) (claviger.Algorithm, error) {
	switch oid.String() {
	case oidRSA:
		return rsaName(rest, class)
	case oidEC:
		return curveName(params)
	case oidX25519:
		return "X25519", nil
	case oidX448:
		return "X448", nil
	case oidEd25519:
		return "Ed25519", nil
	case oidEd448:
		return "Ed448", nil
	}
	for _, s := range signatureLattices() {
		if oid.Equal(s.oid) {
			return s.name, nil
		}
	}
	for _, s := range kemLattices() {
		if oid.Equal(s.oid) {
			return s.name, nil
		}
	}
	return "", claviger.Errorf(claviger.ErrUnsupportedAlgorithm, op, "keys of the object identifier %s are not offered", claviger.Clip(oid.String()))
}

// unnamedCurve is the error of a key that describes its curve, or leaves it out.
func unnamedCurve() error {
	return claviger.Errorf(claviger.ErrInvalidFormat, op, "an elliptic curve key must name its curve; explicit curve parameters are not taken")
}

// explicitCurve reports whether what follows the version is the rest of an ECPrivateKey (RFC 5915 section 3) that describes its curve.
func explicitCurve(rest cryptobyte.String) bool {
	var params cryptobyte.String
	return rest.SkipASN1(cbasn1.OCTET_STRING) && rest.ReadASN1(&params, cbasn1.Tag(0).ContextSpecific().Constructed()) && params.PeekASN1Tag(cbasn1.SEQUENCE)
}

// curveName reads the named curve (RFC 5480 section 2.1.1.1).
func curveName(params cryptobyte.String) (claviger.Algorithm, error) {
	var oid asn1.ObjectIdentifier
	if !params.ReadASN1ObjectIdentifier(&oid) {
		return "", unnamedCurve()
	}
	switch oid.String() {
	case "1.2.840.10045.3.1.7":
		return "ECDSA-P256", nil
	case "1.3.132.0.10":
		return "ECDSA-K256", nil
	case "1.3.132.0.34":
		return "ECDSA-P384", nil
	case "1.3.132.0.35":
		return "ECDSA-P521", nil
	}
	return "", claviger.Errorf(claviger.ErrUnsupportedAlgorithm, op, "the curve %s is not offered", claviger.Clip(oid.String()))
}

// rsaName measures the modulus.
func rsaName(rest cryptobyte.String, class claviger.KeyClass) (claviger.Algorithm, error) {
	malformed := claviger.Errorf(claviger.ErrInvalidFormat, op, "not a valid RSA key")
	var body []byte
	var inner, key cryptobyte.String
	if class == claviger.PublicKey {
		if !rest.ReadASN1BitStringAsBytes(&body) {
			return "", malformed
		}
		inner = body
	} else if !rest.ReadASN1(&inner, cbasn1.OCTET_STRING) {
		return "", malformed
	}
	modulus := new(big.Int)
	var version int
	if !inner.ReadASN1(&key, cbasn1.SEQUENCE) || class == claviger.PrivateKey && !key.ReadASN1Integer(&version) || !key.ReadASN1Integer(modulus) {
		return "", malformed
	}
	for _, bits := range rsaSizes() {
		if modulus.Sign() > 0 && modulus.BitLen() == bits {
			return name("RSA-%d", bits), nil
		}
	}
	return "", claviger.Errorf(claviger.ErrUnsupportedAlgorithm, op, "RSA keys of %d bits are not offered; 2048, 3072 and 4096 are", modulus.BitLen())
}

// privateBody gives the octets of the private key in PKCS #8 whose algorithm identifier has
// no parameters.
func privateBody(der []byte) (cryptobyte.String, error) {
	in := cryptobyte.String(der)
	var outer, algorithm, body cryptobyte.String
	var version int
	var oid asn1.ObjectIdentifier
	if !in.ReadASN1(&outer, cbasn1.SEQUENCE) || !in.Empty() || !outer.ReadASN1Integer(&version) ||
		!outer.ReadASN1(&algorithm, cbasn1.SEQUENCE) || !algorithm.ReadASN1ObjectIdentifier(&oid) || !algorithm.Empty() ||
		!outer.ReadASN1(&body, cbasn1.OCTET_STRING) {
		return nil, errKey
	}
	return body, nil
}

// publicBody gives the octets of the public key in a SubjectPublicKeyInfo whose algorithm
// identifier has no parameters.
func publicBody(der []byte) ([]byte, error) {
	in := cryptobyte.String(der)
	var outer, algorithm cryptobyte.String
	var oid asn1.ObjectIdentifier
	var body []byte
	if !in.ReadASN1(&outer, cbasn1.SEQUENCE) || !in.Empty() || !outer.ReadASN1(&algorithm, cbasn1.SEQUENCE) ||
		!algorithm.ReadASN1ObjectIdentifier(&oid) || !algorithm.Empty() || !outer.ReadASN1BitStringAsBytes(&body) || !outer.Empty() {
		return nil, errKey
	}
	return body, nil
}

// equal compares secrets in constant time.
func equal(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }
