package path

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"

	"github.com/claviger/claviger/internal/pki/cert"
)

// shadows lets the standard library's builder, which does not know ML-DSA, build paths with ML-DSA certificates (RFC
// 9881). Each ML-DSA key is replaced by a P-256 key of its own, made for this one verification; each ML-DSA signature
// is verified here, and where it holds it is replaced by a signature over the same bytes by the issuer's P-256 key. A
// signature that does not hold is left as it is, and the builder refuses it. The private halves never leave here, so
// nobody else can make a signature that the builder takes for one of an ML-DSA issuer.
type shadows struct {
	keys   map[string]*ecdsa.PrivateKey // by SubjectPublicKeyInfo
	checks int                          // ML-DSA signatures verified so far
}

// apply returns x, the builder's copy of c, or a copy of it with key and signature replaced.
func (s *shadows) apply(v *verifier, c *cert.Certificate, x *x509.Certificate) *x509.Certificate {
	if !c.Lattice() && !c.Signed().Lattice() {
		return x
	}
	y := *x
	if c.Lattice() {
		key := s.key(c)
		if key == nil {
			return x
		}
		y.PublicKey, y.PublicKeyAlgorithm = &key.PublicKey, x509.ECDSA
	}
	if c.Signed().Lattice() {
		s.sign(v, c, &y)
	}
	return &y
}

// sign replaces the signature of y, the copy of c, if one of the certificates that bear the issuer's name made it.
func (s *shadows) sign(v *verifier, c *cert.Certificate, y *x509.Certificate) {
	for _, issuer := range v.issuersOf(c, []*cert.Certificate{c}) { // a root's own signature is nobody's concern
		if s.checks++; s.checks > signatureBudget {
			return
		}
		if cert.CheckSignature(issuer, c.Signed()) != nil {
			continue
		}
		key, digest := s.key(issuer), sha256.Sum256(y.RawTBSCertificate)
		if key == nil {
			return
		}
		if signature, err := ecdsa.SignASN1(rand.Reader, key, digest[:]); err == nil {
			y.Signature, y.SignatureAlgorithm = signature, x509.ECDSAWithSHA256
		}
		return
	}
}

// key returns the P-256 key that stands for c's, nil if none could be made.
func (s *shadows) key(c *cert.Certificate) *ecdsa.PrivateKey {
	spki := string(c.X509().RawSubjectPublicKeyInfo)
	if key, ok := s.keys[spki]; ok {
		return key
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil
	}
	if s.keys == nil {
		s.keys = map[string]*ecdsa.PrivateKey{}
	}
	s.keys[spki] = key
	return key
}
