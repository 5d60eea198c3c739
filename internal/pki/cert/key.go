package cert

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"

	"filippo.io/mldsa"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/claviger/claviger"
)

// MinRSABits is the shortest RSA modulus that signs certificates here (NIST SP 800-131A). MaxRSABits is the longest that
// a certificate may hold: longer ones are in nobody's use, and would take seconds for each signature.
const (
	MinRSABits = 2048
	MaxRSABits = 16384
)

// PublicKey returns the algorithm of the certificate's key and a copy of its SubjectPublicKeyInfo (DER, RFC 5280,
// 4.1.2.7). A key whose algorithm is unknown, or too weak to be used, is ErrUnsupportedAlgorithm.
func (c *Certificate) PublicKey() (claviger.Algorithm, []byte, error) {
	name, err := c.keyName()
	if err != nil {
		return "", nil, err
	}
	return name, bytes.Clone(c.x.RawSubjectPublicKeyInfo), nil
}

// keyName names the key's algorithm: RSA by the bits of its modulus, elliptic curves by those of their field.
func (c *Certificate) keyName() (claviger.Algorithm, error) {
	const op = "public key"
	switch key := c.x.PublicKey.(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() < MinRSABits {
			return "", claviger.Errorf(claviger.ErrUnsupportedAlgorithm, op, "RSA with %d bits; at least %d", key.N.BitLen(), MinRSABits)
		}
		return claviger.Algorithm(fmt.Sprintf("RSA-%d", key.N.BitLen())), nil
	case *ecdsa.PublicKey:
		return claviger.Algorithm(fmt.Sprintf("ECDSA-P%d", key.Curve.Params().BitSize)), nil
	case ed25519.PublicKey:
		return "Ed25519", nil
	}
	if c.lattice != nil {
		return claviger.Algorithm(c.lattice.Parameters().String()), nil
	}
	return "", claviger.Errorf(claviger.ErrUnsupportedAlgorithm, op, "a key algorithm that is not known here")
}

// Lattice reports whether the key is an ML-DSA key, which the standard library's path builder does not know.
func (c *Certificate) Lattice() bool { return c.lattice != nil }

// readLatticeKey returns the ML-DSA key in a SubjectPublicKeyInfo, nil if the key is of another algorithm. RFC 9881,
// 4: the parameters are absent and the key has its exact length.
func readLatticeKey(spki []byte) (*mldsa.PublicKey, error) {
	var (
		in, seq, alg = cryptobyte.String(spki), cryptobyte.String(nil), cryptobyte.String(nil)
		bits         []byte
	)
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.ReadASN1(&alg, cbasn1.SEQUENCE) {
		return nil, errors.New("malformed public key")
	}
	params, ok := latticeParameters(alg)
	if !ok {
		return nil, nil
	}
	if !seq.ReadASN1BitStringAsBytes(&bits) || !seq.Empty() {
		return nil, errors.New("malformed ML-DSA key")
	}
	key, err := mldsa.NewPublicKey(params, bits)
	if err != nil {
		return nil, errors.New("malformed ML-DSA key")
	}
	return key, nil
}

// latticeParameters reads the contents of an AlgorithmIdentifier. ok is false if it is not one of ML-DSA without
// parameters (RFC 9881, 2).
func latticeParameters(alg cryptobyte.String) (p mldsa.Parameters, ok bool) {
	var oid asn1.ObjectIdentifier
	if !alg.ReadASN1ObjectIdentifier(&oid) || !alg.Empty() {
		return p, false
	}
	switch oid.String() {
	case "2.16.840.1.101.3.4.3.17":
		return mldsa.MLDSA44(), true
	case "2.16.840.1.101.3.4.3.18":
		return mldsa.MLDSA65(), true
	case "2.16.840.1.101.3.4.3.19":
		return mldsa.MLDSA87(), true
	}
	return p, false
}

// Signed is a certificate or a revocation list as its signature sees it.
type Signed struct {
	algorithm      x509.SignatureAlgorithm
	lattice        *mldsa.Parameters // of an ML-DSA signature; else nil
	tbs, signature []byte
}

// ReadSigned takes a DER certificate or revocation list apart, which has been parsed before; algorithm is what the
// standard library calls its signature's. The result refers to der.
func ReadSigned(der []byte, algorithm x509.SignatureAlgorithm) (s Signed, ok bool) {
	var in, seq, tbs, alg = cryptobyte.String(der), cryptobyte.String(nil), cryptobyte.String(nil), cryptobyte.String(nil)
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.ReadASN1Element(&tbs, cbasn1.SEQUENCE) ||
		!seq.ReadASN1(&alg, cbasn1.SEQUENCE) || !seq.ReadASN1BitStringAsBytes(&s.signature) || !seq.Empty() {
		return Signed{}, false
	}
	s.algorithm, s.tbs = algorithm, tbs
	if p, ok := latticeParameters(alg); ok {
		s.lattice = &p
	}
	return s, true
}

// Lattice reports whether the signature is an ML-DSA signature.
func (s Signed) Lattice() bool { return s.lattice != nil }

// CheckSignature verifies s by signer's key. It is the one place where the signatures of certificates and revocation
// lists are verified. ErrUnsupportedAlgorithm: the algorithm is unknown here or refused (MD5, SHA-1, RSA under
// MinRSABits); ErrOperationFailed: the signature is wrong.
func CheckSignature(signer *Certificate, s Signed) error {
	const op = "check signature"
	if s.lattice != nil {
		if signer.lattice == nil || signer.lattice.Parameters() != *s.lattice ||
			mldsa.Verify(signer.lattice, s.tbs, s.signature, nil) != nil { // empty context (RFC 9881, 3)
			return claviger.Errorf(claviger.ErrOperationFailed, op, "wrong signature")
		}
		return nil
	}
	if signer.lattice != nil {
		return claviger.Errorf(claviger.ErrOperationFailed, op, "wrong signature")
	}
	switch s.algorithm {
	case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.DSAWithSHA1:
		return claviger.Errorf(claviger.ErrUnsupportedAlgorithm, op, "signature algorithm %s is too weak", s.algorithm)
	}
	if key, ok := signer.x.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() < MinRSABits {
		return claviger.Errorf(claviger.ErrUnsupportedAlgorithm, op, "RSA with %d bits; at least %d", key.N.BitLen(), MinRSABits)
	}
	err := signer.x.CheckSignature(s.algorithm, s.tbs, s.signature)
	if errors.Is(err, x509.ErrUnsupportedAlgorithm) {
		return claviger.Errorf(claviger.ErrUnsupportedAlgorithm, op, "signature algorithm %s", s.algorithm)
	}
	if err != nil {
		return claviger.Errorf(claviger.ErrOperationFailed, op, "wrong signature")
	}
	return nil
}
