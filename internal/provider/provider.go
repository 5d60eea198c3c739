// Package provider is the seam between the operations and the places where keys live and work. A provider knows no
// names, no callers and no policy. What a provider or a key can do is data (Mechanism), never a trial call. Key bytes
// stay behind the seam: an operation whose result is a key gives a Key.
//
// Everything that goes through the seam is already resolved: algorithm names are canonical (package algorithm), key
// material is in its one encoded form (raw bytes for a secret key, PKCS #8 for a private one, SubjectPublicKeyInfo
// for a public one), and permission has been granted.
package provider

import (
	"context"
	"errors"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/secmem"
)

// Op is what a provider or a key is asked to do.
type Op uint8

// The operations. Hash and Random need no key.
const (
	Hash Op = iota + 1
	Random
	MAC // give the code; comparing is the caller's work
	Encrypt
	Decrypt
	Sign         // the input is the message
	SignDigest   // the input is the digest of the algorithm's own hash
	Verify       // the input is the message; the signature is given apart
	VerifyDigest // the input is the digest
	Agree
	Derive
	Encapsulate
	Decapsulate
	Wrap
	Unwrap
	Generate // these two appear in mechanisms only
	Import
)

var opWords = [...]string{"", "hash", "random", "mac", "encrypt", "decrypt", "sign", "sign-digest", "verify",
	"verify-digest", "agree", "derive", "encapsulate", "decapsulate", "wrap", "unwrap", "generate", "import"}

// String gives the operation's word.
func (o Op) String() string {
	if int(o) < len(opWords) {
		return opWords[o]
	}
	return "unknown"
}

// Cost says where an operation may run.
type Cost uint8

// Inline work is short and runs where the call arrived; Pool work waits its turn in a bounded pool.
const (
	Inline Cost = iota
	Pool
)

// InlineBytes is the longest input that Inline work may have; beyond it everything goes to the pool.
const InlineBytes = 64 << 10

// Mechanism is one row of what a provider can do.
type Mechanism struct {
	Op         Op
	Algorithm  claviger.Algorithm // operation algorithm; for Generate and Import the key algorithm
	Key        claviger.Algorithm // key algorithm that it works with; "" where no key is needed
	MaxMessage int64              // longest message in bytes; 0 means no limit
	Stream     bool               // works in constant memory, output as it comes
	Cost       Cost
}

// ErrMismatch is what a provider returns when a signature, a tag or a padding is wrong: the operation ran, the answer
// is no. It never says which of them or why.
var ErrMismatch = errors.New("mismatch")

// Params are what an operation needs beside the key and the data. The zero value of each field means "not given". The callee reads it
// during the call only and keeps no reference, except that Begin may copy.
type Params struct {
	Algorithm claviger.Algorithm // canonical operation algorithm
	IV        []byte             // initialization vector or nonce
	AAD       []byte             // associated data
	Signature []byte             // Verify, VerifyDigest by OneShot: the signature to check
	Size      int                // Hash of an extendable-output function, Random: bytes wanted
	DER       bool               // ECDSA: signature in ASN.1 form (RFC 3279 section 2.2.3), not r ‖ s

	Peer   []byte   // Agree: the peer's public key (SubjectPublicKeyInfo); Decapsulate: the ciphertext
	KDF    *KDF     // Agree, Decapsulate, Encapsulate: derive at once; Derive: how
	Result Spec     // KeyOp: what the resulting key is
	Other  Key      // Wrap: the key to wrap
	Lane   string   // Begin in a worker process: Lane of the context, which does not get there; a device that has few streams shares them out by it
	_      struct{} // keyed literals only
}

// KDF is a key derivation: HKDF (RFC 5869) with the hash that the algorithm names.
type KDF struct {
	Algorithm claviger.Algorithm // "HKDF-SHA-256", ...
	Salt      []byte
	Info      []byte
	Size      int // bytes wanted where the resulting key's algorithm leaves it open
}

// Spec says what a key is.
type Spec struct {
	Algorithm claviger.Algorithm // canonical key algorithm
	Class     claviger.KeyClass
}

// Operator runs operations. A Key is one; a Provider is one for what needs no key. Safe for concurrent use.
type Operator interface {
	// OneShot runs one whole message and appends the result to dst. Verify gives no output and returns ErrMismatch for a wrong
	// signature; a decryption that fails returns ErrMismatch and dst as it was. The input and dst must not overlap. It does not
	// keep in. Small calls allocate nothing where the primitive allows.
	OneShot(ctx context.Context, op Op, p *Params, dst, in []byte) ([]byte, error)
	// Begin opens a stream.
	Begin(ctx context.Context, op Op, p *Params) (Stream, error)
}

// Stream is one message in parts. Not safe for concurrent use.
type Stream interface {
	// Update takes the next part and appends to dst what output is due. It does not keep in.
	Update(ctx context.Context, dst, in []byte) ([]byte, error)
	// Finish ends the message and appends what is left: digest, code, signature, last block, or the whole message of
	// an AEAD with its tag. Verify takes the signature here and returns ErrMismatch if it is wrong. After Finish only
	// Reset and Close may follow.
	Finish(ctx context.Context, dst, signature []byte) ([]byte, error)
	// Reset goes back to where Begin was, with the IV given (nil where the operation has none).
	Reset(ctx context.Context, iv []byte) error
	// Close wipes what the stream held. Idempotent.
	Close()
}

// Cloner is a Stream whose state can be copied, so that a digest can be had without ending the message.
type Cloner interface {
	Clone() (Stream, error)
}

// Key is a live key. Safe for concurrent use. It must not be used after Close, which the caller counts references for.
type Key interface {
	Operator
	// Spec says what the key is.
	Spec() Spec
	// Bits is the key's size as its users speak of it: 256 for AES-256 and P-256, 2048 for RSA-2048.
	Bits() int
	// KeyOp runs an operation whose result is a key: Agree, Derive, Encapsulate, Decapsulate, Unwrap. Encapsulate also
	// gives the ciphertext.
	KeyOp(ctx context.Context, op Op, p *Params) (Key, []byte, error)
	// Public gives the public half as SubjectPublicKeyInfo, nil for a secret key. The caller owns the bytes.
	Public() ([]byte, error)
	// Export gives the key in its encoded form, or claviger.ErrKeyNotExportable. The caller closes it.
	Export(ctx context.Context) (*secmem.Bytes, error)
	// Blob makes the key last and gives what Load of the same provider makes it from again: the key itself, or a reference to an
	// object of a device, which then bears the tag. Each call of a device's key makes another object. The caller closes it.
	Blob(ctx context.Context, tag Tag) (*secmem.Bytes, error)
	// Close wipes the key. Idempotent.
	Close() error
}

// Provider is a place where keys live and work. Safe for concurrent use.
type Provider interface {
	Operator
	// Mechanisms lists all that the provider offers. The slice is shared: read only. Where a device comes and goes another
	// slice is given when the list has changed, and the last one while the device is away.
	Mechanisms() []Mechanism
	// Generate makes a new key; the Class of spec is ignored.
	Generate(ctx context.Context, spec Spec) (Key, error)
	// Import makes a key from its encoded form. Malformed or unfit material is claviger.ErrInvalidFormat or ErrIncompatibleKeyType.
	Import(ctx context.Context, spec Spec, material []byte) (Key, error)
	// Load makes a key from a blob that this provider made, or claviger.ErrInvalidFormat.
	Load(ctx context.Context, blob []byte) (Key, error)
	// Close ends the provider. Keys must be closed before.
	Close() error
}

// StateProvider is a Provider whose generic secret keys (algorithm "SECRET") run symmetric states of wasi-crypto: each of
// them is a StateOpener.
type StateProvider interface {
	Provider
	// States lists the algorithms of those states, by their names in wasi-crypto. The slice is shared: read only.
	States() []claviger.Algorithm
}

// StateOpener is a Key that runs symmetric states of wasi-crypto where the key is.
type StateOpener interface {
	// OpenState opens a state of an algorithm, which the caller closes before the key. Algorithm is a name that States lists.
	// Errors: ErrUnsupportedAlgorithm, ErrInvalidKey, ErrNonceRequired, ErrInvalidNonce.
	OpenState(ctx context.Context, algorithm claviger.Algorithm, o claviger.StateOptions) (claviger.SymmetricState, error)
}

// Find returns the mechanism for an operation with a key of the given algorithm ("" for none).
func Find(rows []Mechanism, op Op, alg, key claviger.Algorithm) (Mechanism, bool) {
	for _, m := range rows {
		if m.Op == op && m.Algorithm == alg && m.Key == key {
			return m, true
		}
	}
	return Mechanism{}, false
}
