package guest

import (
	"hash"
	"strings"
)

// Hash is a hash or a MAC of the host behind hash.Hash. It also closes.
//
// Write gives the host's error. Sum and Reset, which have no error in their signature, panic with an *Error, which a hash
// that has been opened meets only after Close or when a managed key's keeper is gone.
type Hash struct {
	state       *State
	fresh       *State // as opened, for Reset
	size, block int
	mac         bool
}

var _ hash.Hash = (*Hash)(nil)

// NewHash opens a hash: "SHA-256", "SHA-384", "SHA-512", "SHA-512/256", "BLAKE2B-256", "BLAKE2B-512" or "ASCON-HASH".
// Extendable outputs have no size of their own: use a State.
func NewHash(algorithm string) (*Hash, error) {
	size, block := digest(algorithm)
	if size == 0 {
		return nil, &Error{Call: "symmetric_state_open", Errno: ErrUnsupportedAlgorithm}
	}
	return newHash(algorithm, nil, size, block)
}

// NewMAC opens a MAC, such as "HMAC/SHA-256" or "AES-256-CMAC", with a key of that algorithm. Compare its Sum with an expected
// one by crypto/subtle or hmac.Equal; State.SqueezeTag and Tag.Verify do that in the host.
func NewMAC(algorithm string, key *SymmetricKey) (*Hash, error) {
	h, err := newHash(algorithm, key, 0, 64)
	if err != nil {
		return nil, err
	}
	sum, err := h.tag()
	if err != nil {
		h.Close()
		return nil, err
	}
	h.size = len(sum)
	return h, nil
}

func newHash(algorithm string, key *SymmetricKey, size, block int) (*Hash, error) {
	fresh, err := NewState(algorithm, StateConfig{Key: key})
	if err != nil {
		return nil, err
	}
	state, err := fresh.Clone()
	if err != nil {
		fresh.Close()
		return nil, err
	}
	return &Hash{state: state, fresh: fresh, size: size, block: block, mac: key != nil}, nil
}

// Write adds to the message.
func (h *Hash) Write(p []byte) (int, error) { return h.state.Write(p) }

// Sum appends the digest or tag of what was written to b.
func (h *Hash) Sum(b []byte) []byte {
	if h.mac {
		sum, err := h.tag()
		if err != nil {
			panic(err)
		}
		return append(b, sum...)
	}
	grown, sum := grow(b, h.size)
	if err := h.state.Squeeze(sum); err != nil {
		panic(err)
	}
	return grown
}

func (h *Hash) tag() ([]byte, error) {
	tag, err := h.state.SqueezeTag()
	if err != nil {
		return nil, err
	}
	return tag.Bytes()
}

// Reset starts a new message.
func (h *Hash) Reset() {
	state, err := h.fresh.Clone()
	if err != nil {
		panic(err)
	}
	h.state.Close()
	h.state = state
}

// Size is the number of bytes that Sum appends.
func (h *Hash) Size() int { return h.size }

// BlockSize is that of the hash; 64 for a MAC, where it means nothing.
func (h *Hash) BlockSize() int { return h.block }

// Close lets go of the hash.
func (h *Hash) Close() error {
	h.fresh.Close()
	return h.state.Close()
}

// digest gives digest and block size of the interface's hashes in bytes; 0 for anything else.
func digest(algorithm string) (size, block int) {
	switch strings.ToUpper(algorithm) {
	case "SHA-256":
		return 32, 64
	case "SHA-384":
		return 48, 128
	case "SHA-512":
		return 64, 128
	case "SHA-512/256":
		return 32, 128
	case "BLAKE2B-256":
		return 32, 128
	case "BLAKE2B-512":
		return 64, 128
	case "ASCON-HASH":
		return 32, 8
	}
	return 0, 0
}
