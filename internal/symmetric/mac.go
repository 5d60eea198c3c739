package symmetric

import (
	"hash"

	"github.com/claviger/claviger/internal/algorithm"
)

// coding is a message authentication code: HMAC, CMAC or KMAC. It has no squeeze, so that codes are compared as tags, and
// no largest tag, since the specification gives that to encryption alone.
type coding struct {
	unable
	mac hash.Hash
}

// newCoding gives KMAC the option "context" as its customization string (SP 800-185 section 4.2).
func newCoding(g *algorithm.Guest, key, customization []byte) (*coding, error) {
	m, err := g.Use.NewNamedMAC(key, customization)
	if err != nil {
		return nil, errKey(g, len(key))
	}
	return &coding{unable{g}, m}, nil
}

// clone copies what was absorbed; both know the key.
func (c *coding) clone() (verbs, error) {
	m, err := cloned(c.guest, c.mac)
	return &coding{c.unable, m}, err
}

func (c *coding) wipe() { c.mac.Reset() }

// absorb takes the next part of the message, of any length.
func (c *coding) absorb(data []byte) error {
	c.mac.Write(data)
	return nil
}

// squeezeTag gives the whole code, 16 to 64 bytes, and leaves the state as it was, so that more may be absorbed.
func (c *coding) squeezeTag() ([]byte, error) { return c.mac.Sum(nil), nil }
