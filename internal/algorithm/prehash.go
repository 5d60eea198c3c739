package algorithm

import (
	"crypto"
	"crypto/rand"

	"filippo.io/mldsa"
	"filippo.io/mldsa/mldsacrypto"
	"github.com/cloudflare/circl/sign"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/primitive/mldsamu"
)

// preHashed is HashML-DSA with SHA-512 and an empty context (FIPS 204 section 5.4). It
// signs by filippo.io/mldsa, which takes seeds only, and with an expanded key by package
// mldsamu, by which it verifies too, over a message representative that circl does not take.
type preHashed struct {
	name   claviger.Algorithm
	sizes  mldsamu.Parameters
	params mldsa.Parameters
}

// preHashedForms lists the three parameter sets, in the order of signatureLattices.
func preHashedForms() []preHashed {
	return []preHashed{
		{"HashML-DSA-44-SHA-512", mldsamu.MLDSA44(), mldsa.MLDSA44()},
		{"HashML-DSA-65-SHA-512", mldsamu.MLDSA65(), mldsa.MLDSA65()},
		{"HashML-DSA-87-SHA-512", mldsamu.MLDSA87(), mldsa.MLDSA87()},
	}
}

// mu formats the digest as FIPS 204 algorithm 4, line 23, has it: 1, the length of the
// context, the object identifier of SHA-512 in DER, digest.
func (preHashed) mu(key sign.PublicKey, digest []byte) ([]byte, error) {
	public, err := key.MarshalBinary()
	if err != nil {
		return nil, err
	}
	prefix := []byte{1, 0, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03}
	return mldsamu.Mu(public, prefix, digest), nil
}

// representative asks filippo.io/mldsa to take its input as μ.
type representative struct{}

// HashFunc names the pseudo-hash that stands for μ.
func (representative) HashFunc() crypto.Hash { return mldsacrypto.MLDSAMu }

func (s preHashed) sign(key crypto.PrivateKey, dst, in []byte, _ bool) ([]byte, error) {
	k := key.(*signPrivate)
	mu, err := s.mu(k.public, in)
	if err != nil {
		return dst, err
	}
	if k.seed == nil {
		return s.signExpanded(k.expanded, dst, mu)
	}
	private, err := mldsa.NewPrivateKey(s.params, k.seed)
	if err != nil {
		return dst, err
	}
	out, err := private.Sign(nil, mu, representative{})
	return append(dst, out...), err
}

func (s preHashed) signExpanded(key, dst, mu []byte) ([]byte, error) {
	random := make([]byte, mldsamu.RandomSize)
	if _, err := rand.Read(random); err != nil {
		return dst, err
	}
	out, ok := s.sizes.Sign(key, mu, random)
	if !ok {
		return dst, errKey
	}
	return append(dst, out...), nil
}

func (s preHashed) verify(key crypto.PublicKey, in, signature []byte, _ bool) bool {
	k := key.(sign.PublicKey)
	mu, err := s.mu(k, in)
	if err != nil {
		return false
	}
	public, err := k.MarshalBinary()
	return err == nil && s.sizes.Verify(public, mu, signature)
}
