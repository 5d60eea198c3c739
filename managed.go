package claviger

import (
	"context"
	"fmt"
)

// GuestType is wasi-crypto's algorithm_type: which of its three families a name belongs to.
type GuestType uint16

// The families, numbered as in wasi-crypto.
const (
	GuestSignatures GuestType = iota
	GuestSymmetric
	GuestKeyExchange
)

// String gives the family's words, and "family N" for one that wasi-crypto does not have.
func (t GuestType) String() string {
	switch t {
	case GuestSignatures:
		return "signatures"
	case GuestSymmetric:
		return "symmetric"
	case GuestKeyExchange:
		return "key exchange"
	}
	return fmt.Sprintf("family %d", uint16(t))
}

// ManagedOptions say how a managed key is made.
type ManagedOptions struct {
	Exportable bool // the owner may take the key out again; otherwise nobody can
}

// ManagedMaterial is a key on its way into the keeper.
type ManagedMaterial struct {
	Type       GuestType
	Algorithm  Algorithm // name in wasi-crypto, such as "ECDSA_P256_SHA256"
	Key        []byte    `json:"-"` // PKCS #8 for a pair, the key's bytes for a symmetric key; stays the caller's
	Exportable bool
}

// ManagedInfo says what is kept under the identifier of a managed key, without any of it.
type ManagedInfo struct {
	ID        string    `json:"id"`        // 32 lower-case hexadecimal characters
	Type      GuestType `json:"type"`      // family of Algorithm
	Algorithm Algorithm `json:"algorithm"` // name in wasi-crypto; "" where no version can be read
	Latest    uint64    `json:"latest"`    // highest version ever made
	Versions  []uint64  `json:"versions"`  // those that are stored, oldest first
}

// Format writes what the material is, never the key, for every verb and flag of package fmt.
func (m ManagedMaterial) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "%d bytes of a key for %s (%s)", len(m.Key), m.Algorithm, m.Type)
}

// ManagedKey is a key that lives with its keeper under an identifier and a version, and that its owner uses without
// holding it. Safe for concurrent use. After Close every method that takes a context is ErrResourceNotFound.
//
// Errors of all: ErrKeyOperationNotPermitted for what the key's algorithm has no permission for, ErrConnectionFailed and
// ErrOperationTimedOut for the link.
type ManagedKey interface {
	ID() string           // 32 lower-case hexadecimal characters
	Version() uint64      // from 1
	Type() GuestType      // family of Algorithm
	Algorithm() Algorithm // name in wasi-crypto
	Public() []byte       // SubjectPublicKeyInfo of a pair, nil for a symmetric key; read only

	// Sign signs a message of up to 64 MiB, or with digested its digest by the algorithm's own hash, and gives the raw
	// signature (r ‖ s for ECDSA).
	Sign(ctx context.Context, message []byte, digested bool) ([]byte, error)
	// Agree gives the raw shared secret with a peer's public key, a SubjectPublicKeyInfo. The caller owns and wipes it.
	Agree(ctx context.Context, peer []byte) ([]byte, error)
	// Decapsulate gives the shared secret of a ciphertext. The caller owns and wipes it. ErrInvalidFormat for a wrong length.
	Decapsulate(ctx context.Context, ciphertext []byte) ([]byte, error)
	// OpenState opens a symmetric state that works with this key where the key is. The caller closes it.
	OpenState(ctx context.Context, o StateOptions) (SymmetricState, error)
	// Export gives PKCS #8, or the bytes of a symmetric key, which the caller owns and wipes; ErrKeyNotExportable unless the key
	// was made exportable.
	Export(ctx context.Context) ([]byte, error)
	// Close lets go of the key. What is kept of it stays. Idempotent.
	Close() error
}

// StateOptions are what a symmetric state is opened with. A nil slice and a nil pointer mean "not given"; an empty slice is given and empty.
// The callee copies what it keeps.
type StateOptions struct {
	Nonce   []byte
	Salt    []byte
	Context []byte // customization
	// Numbers that no algorithm of today's table uses; they are kept to be read back.
	MemoryLimit, OpsLimit, Parallelism *uint64
}

// SymmetricState is a symmetric state of wasi-crypto: what it does follows from its algorithm, and what the algorithm does
// not do is ErrInvalidOperation. An operation that fails leaves the state as it was. Not safe for concurrent use. No method keeps an argument.
//
// Lengths: more than 64 MiB absorbed or in one message, where the whole has to be held, is ErrQuotaExceeded.
type SymmetricState interface {
	// Option reads an option back, the nonce that was generated included: "context", "salt" or "nonce"; ErrOptionNotSet, and
	// ErrUnsupportedOption for another name. Names match without regard to case.
	Option(ctx context.Context, name string) ([]byte, error)
	// OptionNumber is Option for "memory_limit", "ops_limit" ("opslimit") and "parallelism".
	OptionNumber(ctx context.Context, name string) (uint64, error)
	// Clone gives an independent copy.
	Clone(ctx context.Context) (SymmetricState, error)
	Absorb(ctx context.Context, data []byte) error
	// Squeeze fills out. For a hash it works on a copy and truncates, longer than the digest being ErrInvalidLength; an
	// extendable output goes on where it was.
	Squeeze(ctx context.Context, out []byte) error
	// SqueezeTag gives an authentication tag, which the caller owns and wipes.
	SqueezeTag(ctx context.Context) ([]byte, error)
	// SqueezeKey gives the bytes of a key for another algorithm, which the caller owns and wipes.
	SqueezeKey(ctx context.Context, algorithm Algorithm) ([]byte, error)
	// MaxTagLen is the length of the tag in bytes.
	MaxTagLen(ctx context.Context) (int, error)
	// Encrypt appends ciphertext and tag to dst.
	Encrypt(ctx context.Context, dst, plaintext []byte) ([]byte, error)
	// EncryptDetached appends the ciphertext to dst and gives the tag apart.
	EncryptDetached(ctx context.Context, dst, plaintext []byte) (out, tag []byte, err error)
	// Decrypt appends the plaintext to dst, or nothing and ErrInvalidTag.
	Decrypt(ctx context.Context, dst, ciphertext []byte) ([]byte, error)
	// DecryptDetached is Decrypt with the tag apart.
	DecryptDetached(ctx context.Context, dst, ciphertext, tag []byte) ([]byte, error)
	Ratchet(ctx context.Context) error
	// Close wipes the state. Idempotent.
	Close() error
}
