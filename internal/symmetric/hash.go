package symmetric

import (
	"hash"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
)

// hashing is a hash of one size. Any number of absorbs and squeezes may come in any order: the specification wants a
// squeeze to finish a copy and leave the state as it was.
type hashing struct {
	unable
	hash hash.Hash
}

// newHashing starts with the empty message. Hashes use none of the options.
func newHashing(g *algorithm.Guest) *hashing { return &hashing{unable{g}, g.Use.NewHash()} }

func (h *hashing) clone() (verbs, error) {
	c, err := cloned(h.guest, h.hash)
	return &hashing{h.unable, c}, err
}

func (h *hashing) wipe() { h.hash.Reset() }

// absorb takes the next part of the message, of any length.
func (h *hashing) absorb(data []byte) error {
	h.hash.Write(data)
	return nil
}

// squeeze truncates what the hash of a copy is; longer is ErrInvalidLength.
func (h *hashing) squeeze(out []byte) error {
	switch size := h.guest.Use.Size; {
	case len(out) > size:
		return claviger.Errorf(claviger.ErrInvalidLength, op, "%s gives %d bytes, not %d", h.guest.Name, size, len(out))
	case len(out) == size:
		h.hash.Sum(out[:0:size]) // fills out in place
	default:
		copy(out, h.hash.Sum(nil))
	}
	return nil
}

// cloned copies a hash or code of the algorithm. Those of the table can be copied; one that cannot is ErrInternal.
func cloned(g *algorithm.Guest, h hash.Hash) (hash.Hash, error) {
	if c, ok := h.(hash.Cloner); ok {
		if copied, err := c.Clone(); err == nil {
			return copied, nil
		}
	}
	return nil, errCopy(g)
}
