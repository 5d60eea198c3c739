package client

import (
	"context"
	"time"

	"github.com/claviger/claviger"
	pb "github.com/claviger/claviger/proto"
)

// SignerConfig says how to sign.
type SignerConfig struct {
	Algorithm claviger.Algorithm // "ECDSA-P256-SHA-256", "Ed25519", "ML-DSA-65", "RSA-PSS-SHA-256", "HMAC-SHA-256", ...
	Key       KeySource          // a pair or, for HMAC, a secret key; permits Sign
	DER       bool               // ECDSA: signatures in ASN.1 form; otherwise r ‖ s, each as long as the curve's order
	Digest    bool               // the message given is the digest of the algorithm's hash already
	Provider  ProviderSelector
	Timeout   time.Duration // of each call; 0 is the stack's, NoTimeout is none
}

// VerifierConfig says how to verify. Fields are those of SignerConfig; the key permits Verify
// and may be a public key alone.
type VerifierConfig struct {
	Algorithm claviger.Algorithm
	Key       KeySource
	DER       bool
	Digest    bool
	Provider  ProviderSelector
	Timeout   time.Duration
}

// Signer makes signatures. Sign is safe for concurrent use, a message in parts belongs to one
// goroutine.
type Signer struct {
	absorber
	variants *variants
}

// Verifier checks signatures. Verify is safe for concurrent use, a message in parts belongs to
// one goroutine.
type Verifier struct{ absorber }

// NewSigner makes a signing context: one round trip. ErrKeyOperationNotPermitted if the key
// does not permit Sign, before anything else about key and algorithm is looked at.
func (c *CryptoContext) NewSigner(ctx context.Context, config SignerConfig) (*Signer, error) {
	o, err := c.createKeyed(ctx, config.Timeout, config.Key, &pb.CreateContextRequest{
		Kind:      uint32(claviger.SignContext),
		Algorithm: string(config.Algorithm),
		Provider:  config.Provider.message(),
		Digest:    config.Digest,
		Der:       config.DER,
	})
	if err != nil {
		return nil, err
	}
	return &Signer{absorber{o}, newVariants(c, config.Key, config.Provider, config.Timeout)}, nil
}

// NewVerifier makes a verifying context: one round trip.
func (c *CryptoContext) NewVerifier(ctx context.Context, config VerifierConfig) (*Verifier, error) {
	o, err := c.createKeyed(ctx, config.Timeout, config.Key, &pb.CreateContextRequest{
		Kind:      uint32(claviger.VerifyContext),
		Algorithm: string(config.Algorithm),
		Provider:  config.Provider.message(),
		Digest:    config.Digest,
		Der:       config.DER,
	})
	if err != nil {
		return nil, err
	}
	return &Verifier{absorber{o}}, nil
}

// SignatureSize gives the length of a signature in bytes: 3309 for ML-DSA-65 (FIPS 204). For
// ECDSA it is that of r ‖ s; the ASN.1 form varies and has up to 8 bytes more.
func (s *Signer) SignatureSize() int { return int(s.props.GetSize()) }

// SignFinalize ends the message and appends its signature to dst.
func (s *Signer) SignFinalize(ctx context.Context, dst []byte) ([]byte, error) {
	return s.finish(ctx, dst, 0)
}

// Sign appends the signature of a whole message to dst: one round trip.
func (s *Signer) Sign(ctx context.Context, dst, message []byte) ([]byte, error) {
	return s.whole(ctx, "sign", dst, nil, nil, message, 0)
}

// Close releases the context and those that CryptoSigner has made: one round trip within the
// context's timeout. Idempotent.
func (s *Signer) Close() error { return s.cc.release(s.timeout, s.variants.end(s.end(nil))...) }

// SignatureSize gives the length of a signature in bytes, as Signer.SignatureSize does.
func (v *Verifier) SignatureSize() int { return int(v.props.GetSize()) }

// VerifyFinalize ends the message and reports whether signature is its signature. A wrong one
// is false, nil.
func (v *Verifier) VerifyFinalize(ctx context.Context, signature []byte) (bool, error) {
	return v.finishVerify(ctx, signature)
}

// Verify reports whether signature is that of a whole message: one round trip. A wrong one is
// false, nil.
func (v *Verifier) Verify(ctx context.Context, message, signature []byte) (bool, error) {
	return v.verifyWhole(ctx, message, signature)
}
