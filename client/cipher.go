package client

import (
	"context"
	"time"

	"github.com/claviger/claviger"
	pb "github.com/claviger/claviger/proto"
)

// CipherConfig says how to encrypt or decrypt.
type CipherConfig struct {
	Algorithm claviger.Algorithm // "AES-256-CBC" (with PKCS #7 padding), "AES-256-CTR", "RSA-OAEP-SHA-256", or an AEAD such as "AES-256-GCM"
	Key       KeySource          // permits Encrypt or Decrypt as Direction says; CTR needs both
	Direction claviger.Direction // the zero value encrypts
	Provider  ProviderSelector
	Timeout   time.Duration // of each call; 0 is the stack's, NoTimeout is none
}

// Cipher encrypts or decrypts, as it was made to. With an AEAD algorithm it takes one message
// of up to 64 MiB without associated data, and the tag is appended to the ciphertext. Encrypt
// and Decrypt are safe for concurrent use, a message in parts belongs to one goroutine.
type Cipher struct {
	transformer
	variants *variants
}

// NewCipher makes a cipher context: one round trip.
func (c *CryptoContext) NewCipher(ctx context.Context, config CipherConfig) (*Cipher, error) {
	o, err := c.createKeyed(ctx, config.Timeout, config.Key, &pb.CreateContextRequest{
		Kind:      uint32(claviger.CipherContext),
		Algorithm: string(config.Algorithm),
		Direction: uint32(config.Direction),
		Provider:  config.Provider.message(),
	})
	if err != nil {
		return nil, err
	}
	return &Cipher{transformer{o, config.Direction}, newVariants(c, config.Key, config.Provider, config.Timeout)}, nil
}

// BlockSize gives the cipher's block size in bytes; 1 for a stream cipher. Finalize appends at
// most this much, for an AEAD algorithm the whole message.
func (c *Cipher) BlockSize() int { return int(c.props.GetBlock()) }

// IVSize gives the length in bytes of the IV or nonce that Init takes; 0 if it takes none.
func (c *Cipher) IVSize() int { return int(c.props.GetIv()) }

// Init opens a message with an IV or nonce of IVSize bytes, which must never repeat for one
// key; nil where the algorithm takes none or the daemon draws it. ErrStreamAlreadyActive if a
// message is open; call Reset first.
func (c *Cipher) Init(ctx context.Context, iv []byte) error { return c.begin(ctx, iv, nil) }

// Encrypt appends the ciphertext of a whole message to dst: one round trip. ErrInvalidOperation
// on a context that decrypts.
func (c *Cipher) Encrypt(ctx context.Context, dst, iv, plaintext []byte) ([]byte, error) {
	return c.run(ctx, claviger.Encrypting, dst, iv, nil, plaintext)
}

// Decrypt appends the plaintext of a whole message to dst: one round trip. ErrInvalidOperation
// on a context that encrypts, ErrOperationFailed if padding or tag are wrong, without saying
// which.
func (c *Cipher) Decrypt(ctx context.Context, dst, iv, ciphertext []byte) ([]byte, error) {
	return c.run(ctx, claviger.Decrypting, dst, iv, nil, ciphertext)
}

// Close releases the context and those that CryptoDecrypter has made: one round trip within the
// context's timeout. Idempotent.
func (c *Cipher) Close() error { return c.cc.release(c.timeout, c.variants.end(c.end(nil))...) }
