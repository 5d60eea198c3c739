package client

import (
	"context"
	"time"

	"github.com/claviger/claviger"
	pb "github.com/claviger/claviger/proto"
)

// AEADConfig says how to seal or open.
type AEADConfig struct {
	Algorithm claviger.Algorithm // "AES-256-GCM", "ChaCha20-Poly1305", ...
	Key       KeySource          // permits Encrypt or Decrypt as Direction says
	Direction claviger.Direction // the zero value seals
	Provider  ProviderSelector
	Timeout   time.Duration // of each call; 0 is the stack's, NoTimeout is none
}

// AEAD seals or opens messages of up to 64 MiB, as it was made to. With the key of a slot the
// daemon draws the nonces, unless the slot leaves them to the caller; see DaemonNonce. Seal and
// Open are safe for concurrent use, a message in parts belongs to one goroutine.
type AEAD struct {
	transformer
	variants *variants
}

// NewAEAD makes an AEAD context: one round trip.
func (c *CryptoContext) NewAEAD(ctx context.Context, config AEADConfig) (*AEAD, error) {
	o, err := c.createKeyed(ctx, config.Timeout, config.Key, &pb.CreateContextRequest{
		Kind:      uint32(claviger.AEADContext),
		Algorithm: string(config.Algorithm),
		Direction: uint32(config.Direction),
		Provider:  config.Provider.message(),
	})
	if err != nil {
		return nil, err
	}
	return &AEAD{transformer{o, config.Direction}, newVariants(c, config.Key, config.Provider, config.Timeout)}, nil
}

// NonceSize gives the nonce's length in bytes.
func (a *AEAD) NonceSize() int { return int(a.props.GetIv()) }

// TagSize gives the tag's length in bytes.
func (a *AEAD) TagSize() int { return int(a.props.GetTag()) }

// Overhead gives by how many bytes Seal's result is longer than the message: the tag, and the
// nonce if the daemon draws it.
func (a *AEAD) Overhead() int {
	if a.DaemonNonce() {
		return a.NonceSize() + a.TagSize()
	}
	return a.TagSize()
}

// Init opens a message with its nonce, nil where the daemon draws it, and its associated data of
// up to 64 KiB.
func (a *AEAD) Init(ctx context.Context, nonce, aad []byte) error { return a.begin(ctx, nonce, aad) }

// Seal appends the ciphertext of a whole message and its tag to dst: one round trip. nonce is
// nil where the daemon draws it, and is then put in front; otherwise it must never repeat for
// one key. aad has up to 64 KiB. ErrInvalidOperation on a context that opens.
func (a *AEAD) Seal(ctx context.Context, dst, nonce, plaintext, aad []byte) ([]byte, error) {
	return a.run(ctx, claviger.Encrypting, dst, nonce, aad, plaintext)
}

// Open appends the plaintext of a sealed message to dst: one round trip. With a nil nonce it is
// taken off the front of sealed, where Seal puts it if the daemon draws it. ErrOperationFailed
// if anything was altered, ErrInvalidOperation on a context that seals.
func (a *AEAD) Open(ctx context.Context, dst, nonce, sealed, aad []byte) ([]byte, error) {
	if nonce == nil {
		n := a.NonceSize()
		if len(sealed) < n {
			return nil, claviger.Errorf(claviger.ErrInvalidFormat, "open", "the sealed message has %d bytes, less than its nonce of %d", len(sealed), n)
		}
		nonce, sealed = sealed[:n:n], sealed[n:]
	}
	return a.run(ctx, claviger.Decrypting, dst, nonce, aad, sealed)
}

// Close releases the context and those that Std has made: one round trip within the
// context's timeout. Idempotent.
func (a *AEAD) Close() error { return a.cc.release(a.timeout, a.variants.end(a.end(nil))...) }
