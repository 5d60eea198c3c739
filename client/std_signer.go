package client

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"io"
	"strings"

	"github.com/claviger/claviger"
)

// stdSigner is a crypto.Signer and a crypto.MessageSigner whose key stays in the daemon.
type stdSigner struct {
	variants *variants
	public   crypto.PublicKey
	key      claviger.Algorithm // of the pair: "RSA-2048", "ECDSA-P256", "Ed25519"
}

// CryptoSigner gives the signer's key as a crypto.Signer that is a crypto.MessageSigner too; a
// tls.Certificate takes it as its PrivateKey. It signs by the options it is given, not by the
// signer's algorithm: RSA with PKCS #1 v1.5 or PSS (salt as long as the hash), ECDSA in ASN.1
// form, Ed25519 and Ed25519ph; other keys are ErrUnsupportedAlgorithm. The source of randomness
// is not used. The key of a slot is loaded here and stays the same when the slot rotates; a
// *Key must stay open. What is made lives until the Signer is closed; a context that a timeout
// has spoilt is made anew. ctx bounds this call; later ones are bounded by the signer's
// timeout.
func (s *Signer) CryptoSigner(ctx context.Context) (crypto.Signer, error) {
	if err := s.usable("crypto signer"); err != nil {
		return nil, err
	}
	public, key, err := s.variants.public(ctx)
	if err != nil {
		return nil, err
	}
	switch public.(type) {
	case *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey:
		return &stdSigner{s.variants, public, key}, nil
	}
	return nil, claviger.Errorf(claviger.ErrUnsupportedAlgorithm, "crypto signer", "crypto.Signer knows no %s keys", key)
}

// public gives the public half of the pair that all variants work with, as the standard library
// has it, and the name of its key algorithm.
func (v *variants) public(ctx context.Context) (crypto.PublicKey, claviger.Algorithm, error) {
	from, err := v.key(ctx)
	if err != nil {
		return nil, "", err
	}
	k, der, err := v.cc.publicKey(ctx, from, claviger.DER, v.timeout)
	if err != nil {
		return nil, "", err
	}
	name := k.Algorithm()
	if err := k.Close(); err != nil {
		return nil, "", err
	}
	public, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, "", claviger.Errorf(claviger.ErrUnsupportedAlgorithm, "public key", "the standard library does not know %s keys", name)
	}
	return public, name, nil
}

// Public gives the public half: *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey.
func (s *stdSigner) Public() crypto.PublicKey { return s.public }

// Sign signs a digest of opts.HashFunc; with Ed25519 and no hash the message itself.
func (s *stdSigner) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if opts == nil {
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, "sign", "no options given")
	}
	h := opts.HashFunc()
	if h != 0 && len(digest) != h.Size() {
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, "sign", "a digest of %d bytes is no %s digest", len(digest), h)
	}
	return s.sign(digest, opts, h != 0)
}

// SignMessage signs a message, which the daemon hashes with opts.HashFunc.
func (s *stdSigner) SignMessage(_ io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	if opts == nil {
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, "sign", "no options given")
	}
	return s.sign(message, opts, false)
}

// sign runs the variant that the options ask for; digest says what input is.
func (s *stdSigner) sign(input []byte, opts crypto.SignerOpts, digest bool) ([]byte, error) {
	algorithm, err := s.algorithm(opts)
	if err != nil {
		return nil, err
	}
	_, der := s.public.(*ecdsa.PublicKey)
	ctx := context.Background()
	o, err := s.variants.get(ctx, use{kind: claviger.SignContext, algorithm: algorithm, digest: digest, der: der})
	if err != nil {
		return nil, err
	}
	return o.whole(ctx, "sign", nil, nil, nil, input, 0)
}

// algorithm names what the options ask for.
func (s *stdSigner) algorithm(opts crypto.SignerOpts) (claviger.Algorithm, error) {
	h := opts.HashFunc()
	if _, edwards := s.public.(ed25519.PublicKey); edwards {
		return edwardsAlgorithm(h, opts)
	}
	if h == 0 {
		return "", claviger.Errorf(claviger.ErrUnsupportedAlgorithm, "sign", "%s needs a hash", s.key)
	}
	if _, ec := s.public.(*ecdsa.PublicKey); ec {
		return s.key + "-" + hashName(h), nil
	}
	pss, ok := opts.(*rsa.PSSOptions)
	if !ok {
		return "RSA-PKCS1-" + hashName(h), nil
	}
	switch pss.SaltLength {
	case rsa.PSSSaltLengthAuto, rsa.PSSSaltLengthEqualsHash, h.Size():
		return "RSA-PSS-" + hashName(h), nil
	}
	return "", claviger.Errorf(claviger.ErrUnsupportedOperation, "sign", "a PSS salt of %d bytes; only the hash's length, %d, is offered", pss.SaltLength, h.Size())
}

// edwardsAlgorithm is RFC 8032 section 5.1: the message whole, or its SHA-512 digest; without a
// context.
func edwardsAlgorithm(h crypto.Hash, opts crypto.SignerOpts) (claviger.Algorithm, error) {
	if o, ok := opts.(*ed25519.Options); ok && o.Context != "" {
		return "", claviger.Errorf(claviger.ErrUnsupportedOperation, "sign", "Ed25519 contexts are not offered")
	}
	switch h {
	case 0:
		return "Ed25519", nil
	case crypto.SHA512:
		return "Ed25519ph", nil
	}
	return "", claviger.Errorf(claviger.ErrUnsupportedAlgorithm, "sign", "Ed25519 with %s", h)
}

// hashName gives the name that a hash has in algorithm names. The standard library's are
// hyphenated likewise.
func hashName(h crypto.Hash) claviger.Algorithm {
	return claviger.Algorithm(strings.ToUpper(h.String()))
}

// stdDecrypter is a crypto.Decrypter whose key stays in the daemon.
type stdDecrypter struct {
	variants *variants
	public   crypto.PublicKey
}

// CryptoDecrypter gives the key of a cipher context with an RSA key as a crypto.Decrypter. It
// decrypts by the options it is given, which must be *rsa.OAEPOptions without a label: PKCS #1
// v1.5 is not offered. The key of a slot is loaded here. What is made lives until the Cipher is
// closed. ctx bounds this call; later ones are bounded by the cipher's timeout.
func (c *Cipher) CryptoDecrypter(ctx context.Context) (crypto.Decrypter, error) {
	if err := c.usable("crypto decrypter"); err != nil {
		return nil, err
	}
	public, key, err := c.variants.public(ctx)
	if err != nil {
		return nil, err
	}
	if _, ok := public.(*rsa.PublicKey); !ok {
		return nil, claviger.Errorf(claviger.ErrIncompatibleKeyType, "crypto decrypter", "an RSA key is needed, not %s", key)
	}
	return &stdDecrypter{c.variants, public}, nil
}

// Public gives the public half, an *rsa.PublicKey.
func (d *stdDecrypter) Public() crypto.PublicKey { return d.public }

// Decrypt decrypts with RSA-OAEP (RFC 8017 section 7.1.2). A failure is ErrOperationFailed
// without a reason.
func (d *stdDecrypter) Decrypt(_ io.Reader, msg []byte, opts crypto.DecrypterOpts) ([]byte, error) {
	o, ok := opts.(*rsa.OAEPOptions)
	switch {
	case !ok:
		return nil, claviger.Errorf(claviger.ErrUnsupportedOperation, "decrypt", "only *rsa.OAEPOptions are offered, not %T", opts)
	case o.MGFHash != 0 && o.MGFHash != o.Hash:
		return nil, claviger.Errorf(claviger.ErrUnsupportedOperation, "decrypt", "OAEP with %s and %s; only one hash for both is offered", o.Hash, o.MGFHash)
	case len(o.Label) != 0:
		return nil, claviger.Errorf(claviger.ErrUnsupportedOperation, "decrypt", "OAEP labels are not offered")
	}
	ctx := context.Background()
	op, err := d.variants.get(ctx, use{kind: claviger.CipherContext, algorithm: "RSA-OAEP-" + hashName(o.Hash), direction: claviger.Decrypting})
	if err != nil {
		return nil, err
	}
	return op.whole(ctx, "decrypt", nil, nil, nil, msg, 0)
}

// usable reports whether adapters can be made: an error state of the context itself does not
// matter to them.
func (o *operation) usable(what string) error {
	if err := o.check(what); err != nil && o.state.Load() != stateFailed {
		return err
	}
	return o.cc.check(what)
}
