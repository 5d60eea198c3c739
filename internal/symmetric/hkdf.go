package symmetric

import (
	"bytes"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/secmem"
)

// holding is what the halves of HKDF hold until they give something: a key in locked memory, and the salt or the
// information (RFC 5869 section 2). They give the same whenever they are asked with the same absorbed.
type holding struct {
	unable
	key  *secmem.Bytes
	data []byte
}

// hold copies the key. ErrAllocationFailed if there is no memory for it.
func hold(g *algorithm.Guest, key []byte) (holding, error) {
	k, err := secmem.From(key)
	return holding{unable: unable{g}, key: k}, err
}

// copied gives a copy with a key in memory of its own.
func (h *holding) copied() (holding, error) {
	k, err := secmem.From(h.key.Bytes())
	return holding{h.unable, k, bytes.Clone(h.data)}, err
}

// wipe gives the locked memory back, which a state that is dropped without Close keeps.
func (h *holding) wipe() {
	h.key.Close()
	secmem.Wipe(h.data)
}

// absorb adds to the salt or the information.
func (h *holding) absorb(data []byte) error {
	if err := heldLimit(h.guest, len(h.data)+len(data)); err != nil {
		return err
	}
	h.data = extend(h.data, data)
	return nil
}

// extracting is HKDF-Extract (RFC 5869 section 2.2): the key is the input keying material, what is absorbed the salt.
type extracting struct{ holding }

func newExtracting(g *algorithm.Guest, key []byte) (*extracting, error) {
	h, err := hold(g, key)
	return &extracting{h}, err
}

func (e *extracting) clone() (verbs, error) {
	h, err := e.copied()
	return &extracting{h}, err
}

// squeezeKey gives the pseudorandom key, as long as the hash, of the expanding half with the same hash; any other target is
// ErrInvalidOperation.
func (e *extracting) squeezeKey(target *algorithm.Guest) ([]byte, error) {
	if target.Name != e.guest.Next {
		return nil, claviger.Errorf(claviger.ErrInvalidOperation, op, "%s gives a key of %s, not of %s", e.guest.Name, e.guest.Next, target.Name)
	}
	return e.guest.Use.Extract(e.key.Bytes(), e.data)
}

// expanding is HKDF-Expand (RFC 5869 section 2.3): the key is the pseudorandom key, what is absorbed the information.
type expanding struct{ holding }

func newExpanding(g *algorithm.Guest, key []byte) (*expanding, error) {
	h, err := hold(g, key)
	return &expanding{h}, err
}

func (e *expanding) clone() (verbs, error) {
	h, err := e.copied()
	return &expanding{h}, err
}

// squeeze gives the beginning of the output key material, the same whenever it is asked: at most 255 times the hash, more
// being ErrInvalidLength.
func (e *expanding) squeeze(out []byte) error {
	if limit := 255 * e.guest.Use.Size; len(out) > limit {
		return claviger.Errorf(claviger.ErrInvalidLength, op, "%s gives at most %d bytes, not %d", e.guest.Name, limit, len(out))
	}
	if len(out) == 0 {
		return nil
	}
	key, err := e.guest.Use.Expand(e.key.Bytes(), e.data, len(out))
	if err != nil {
		return err
	}
	copy(out, key)
	secmem.Wipe(key)
	return nil
}
