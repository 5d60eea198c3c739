package client

import (
	"context"
	"crypto/cipher"

	"github.com/claviger/claviger"
)

// stdAEAD is a cipher.AEAD whose key stays in the daemon.
type stdAEAD struct {
	variants  *variants
	algorithm claviger.Algorithm
	nonce     int // bytes
	tag       int // bytes
}

// Std gives the context's key and algorithm as a cipher.AEAD, which works both ways and so
// needs Encrypt and Decrypt both. Where the daemon draws the nonces that interface cannot be
// met: ErrUnsupportedOperation. The key of a slot is loaded here. What is made lives until the
// AEAD is closed. Seal cannot return an error and panics with it, Open returns it. ctx bounds
// this call; later ones are bounded by the context's timeout. Safe for concurrent use.
func (a *AEAD) Std(ctx context.Context) (cipher.AEAD, error) {
	if err := a.usable("std aead"); err != nil {
		return nil, err
	}
	s := &stdAEAD{variants: a.variants, algorithm: a.Algorithm(), nonce: a.NonceSize(), tag: a.TagSize()}
	for _, way := range []claviger.Direction{claviger.Encrypting, claviger.Decrypting} {
		o, err := s.variants.get(ctx, s.use(way))
		if err != nil {
			return nil, err
		}
		if o.props.GetDaemonNonce() {
			return nil, claviger.Errorf(claviger.ErrUnsupportedOperation, "std aead",
				"the daemon draws the nonces of this key; cipher.AEAD needs caller_nonce = true on the slot")
		}
	}
	return s, nil
}

// use says which variant works in a direction.
func (s *stdAEAD) use(way claviger.Direction) use {
	return use{kind: claviger.AEADContext, algorithm: s.algorithm, direction: way}
}

// NonceSize gives the nonce's length in bytes.
func (s *stdAEAD) NonceSize() int { return s.nonce }

// Overhead gives the tag's length in bytes.
func (s *stdAEAD) Overhead() int { return s.tag }

// Seal appends ciphertext and tag to dst. It panics on any error.
func (s *stdAEAD) Seal(dst, nonce, plaintext, additionalData []byte) []byte {
	out, err := s.run(claviger.Encrypting, dst, nonce, additionalData, plaintext)
	if err != nil {
		panic(err)
	}
	return out
}

// Open appends the plaintext to dst. ErrOperationFailed if anything was altered.
func (s *stdAEAD) Open(dst, nonce, ciphertext, additionalData []byte) ([]byte, error) {
	return s.run(claviger.Decrypting, dst, nonce, additionalData, ciphertext)
}

// run is one message in one round trip. A nonce of another length is refused here.
func (s *stdAEAD) run(way claviger.Direction, dst, nonce, aad, data []byte) ([]byte, error) {
	if len(nonce) != s.nonce {
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, way.String(), "a nonce of %d bytes; %s takes %d", len(nonce), s.algorithm, s.nonce)
	}
	ctx := context.Background()
	o, err := s.variants.get(ctx, s.use(way))
	if err != nil {
		return nil, err
	}
	return o.whole(ctx, way.String(), dst, nonce, aad, data, 0)
}
