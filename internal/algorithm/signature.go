package algorithm

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"math/big"

	"github.com/cloudflare/circl/sign"
	"github.com/cloudflare/circl/sign/mldsa/mldsa44"
	"github.com/cloudflare/circl/sign/mldsa/mldsa65"
	"github.com/cloudflare/circl/sign/mldsa/mldsa87"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/claviger/claviger"
)

// signer signs and verifies what in is: the digest where the row names a Digest, else the
// message. sign appends to dst.
type signer interface {
	sign(key crypto.PrivateKey, dst, in []byte, der bool) ([]byte, error)
	verify(key crypto.PublicKey, in, signature []byte, der bool) bool
}

// Sign appends to dst the signature of in, which is the digest where the row names a Digest
// and the message otherwise. der asks for the ASN.1 form of ECDSA (RFC 3279 section 2.2.3)
// and has no effect elsewhere. A digest of another length is ErrInvalidArgument. key is of
// an algorithm in Keys. ML-DSA is hedged with randomness, ECDSA too; Ed25519 is
// deterministic.
func (r *Row) Sign(key crypto.PrivateKey, dst, in []byte, der bool) ([]byte, error) {
	if err := r.checkDigest(in); err != nil {
		return dst, err
	}
	out, err := r.impl.sign.sign(key, dst, in, der)
	if err != nil {
		return dst, claviger.Errorf(claviger.ErrOperationFailed, "sign", "%s could not sign", r.Name)
	}
	return out, nil
}

// Verify reports whether signature is one of in by the key; in and der are as for Sign. A
// digest of another length is an error, a signature of another length is merely wrong.
func (r *Row) Verify(key crypto.PublicKey, in, signature []byte, der bool) (bool, error) {
	if err := r.checkDigest(in); err != nil {
		return false, err
	}
	return r.impl.sign.verify(key, in, signature, der), nil
}

func (r *Row) checkDigest(in []byte) error {
	if r.Digest == "" {
		return nil
	}
	if h, ok := Lookup(r.Digest, FamilyHash); ok && len(in) != h.Size {
		return claviger.Errorf(claviger.ErrInvalidArgument, "sign", "%s takes a digest of %d bytes, not %d", r.Name, h.Size, len(in))
	}
	return nil
}

// SignatureSize gives the length of a signature in bytes with a key of the given algorithm;
// for ECDSA that of r ‖ s.
func (r *Row) SignatureSize(key claviger.Algorithm) int {
	if r.Size != 0 {
		return r.Size
	}
	if k, ok := Lookup(key, FamilyKey); ok {
		return k.Bits / 8
	}
	return 0
}

// rsaSigner is RSASSA-PKCS1-v1_5, or RSASSA-PSS (RFC 8017 sections 8.2 and 8.1). It signs with a
// salt as long as the hash and verifies with a salt of any length, because the defaults of
// others differ: OpenSSL and crypto/rsa take the longest that fits.
type rsaSigner struct {
	hash crypto.Hash
	pss  bool
}

func (s rsaSigner) sign(key crypto.PrivateKey, dst, in []byte, _ bool) ([]byte, error) {
	var out []byte
	var err error
	if s.pss {
		out, err = rsa.SignPSS(rand.Reader, key.(*rsa.PrivateKey), s.hash, in, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	} else {
		out, err = rsa.SignPKCS1v15(nil, key.(*rsa.PrivateKey), s.hash, in)
	}
	return append(dst, out...), err
}

func (s rsaSigner) verify(key crypto.PublicKey, in, signature []byte, _ bool) bool {
	k := key.(*rsa.PublicKey)
	if s.pss {
		return rsa.VerifyPSS(k, s.hash, in, signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto}) == nil
	}
	return rsa.VerifyPKCS1v15(k, s.hash, in, signature) == nil
}

// ecdsaSigner is ECDSA (FIPS 186-5 section 6), its signatures r ‖ s or DER.
type ecdsaSigner struct{ curve curve }

func (s ecdsaSigner) sign(key crypto.PrivateKey, dst, in []byte, der bool) ([]byte, error) {
	out, err := ecdsa.SignASN1(rand.Reader, key.(*ecdsa.PrivateKey), in)
	if err != nil || der {
		return append(dst, out...), err
	}
	n := s.curve.size()
	seq, body := cryptobyte.String(out), cryptobyte.String(nil)
	var r, t big.Int
	if !seq.ReadASN1(&body, cbasn1.SEQUENCE) || !body.ReadASN1Integer(&r) || !body.ReadASN1Integer(&t) {
		return dst, errKey
	}
	start := len(dst)
	dst = append(dst, make([]byte, 2*n)...)
	r.FillBytes(dst[start : start+n])
	t.FillBytes(dst[start+n:])
	return dst, nil
}

func (s ecdsaSigner) verify(key crypto.PublicKey, in, signature []byte, der bool) bool {
	k := key.(*ecdsa.PublicKey)
	if der {
		return ecdsa.VerifyASN1(k, in, signature)
	}
	n := s.curve.size()
	if len(signature) != 2*n {
		return false
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1BigInt(new(big.Int).SetBytes(signature[:n]))
		b.AddASN1BigInt(new(big.Int).SetBytes(signature[n:]))
	})
	encoded, err := b.Bytes()
	return err == nil && ecdsa.VerifyASN1(k, in, encoded)
}

// edwardsSigner is Ed25519, or Ed25519ph with an empty context (RFC 8032 section 5.1).
type edwardsSigner struct{ prehash bool }

func (s edwardsSigner) options() *ed25519.Options {
	if s.prehash {
		return &ed25519.Options{Hash: crypto.SHA512}
	}
	return &ed25519.Options{}
}

func (s edwardsSigner) sign(key crypto.PrivateKey, dst, in []byte, _ bool) ([]byte, error) {
	out, err := key.(ed25519.PrivateKey).Sign(nil, in, s.options())
	return append(dst, out...), err
}

func (s edwardsSigner) verify(key crypto.PublicKey, in, signature []byte, _ bool) bool {
	return ed25519.VerifyWithOptions(key.(ed25519.PublicKey), in, signature, s.options()) == nil
}

// sign is ML-DSA.Sign of FIPS 204 section 5.2, hedged, with an empty context.
func (l signLattice) sign(key crypto.PrivateKey, dst, in []byte, _ bool) ([]byte, error) {
	start := len(dst)
	dst = append(dst, make([]byte, l.size)...)
	out := dst[start:]
	var err error
	switch k := key.(*signPrivate).private.(type) {
	case *mldsa44.PrivateKey:
		err = mldsa44.SignTo(k, in, nil, true, out)
	case *mldsa65.PrivateKey:
		err = mldsa65.SignTo(k, in, nil, true, out)
	case *mldsa87.PrivateKey:
		err = mldsa87.SignTo(k, in, nil, true, out)
	default:
		err = errKey
	}
	return dst, err
}

// verify is ML-DSA.Verify of FIPS 204 section 5.3 with an empty context.
func (l signLattice) verify(key crypto.PublicKey, in, signature []byte, _ bool) bool {
	k := key.(sign.PublicKey)
	return len(signature) == l.size && k.Scheme().Verify(k, in, signature, nil)
}
