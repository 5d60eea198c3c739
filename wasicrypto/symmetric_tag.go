package wasicrypto

import (
	"crypto/subtle"

	"github.com/claviger/claviger/internal/secmem"
)

// symmetricTag is an authentication tag. It does not change; safe for concurrent use.
type symmetricTag struct{ tag []byte }

func (t *symmetricTag) close() { secmem.Wipe(t.tag) }

// tagLen (symmetric_tag) gives its size in bytes.
func tagLen(c *call) (n uint32, e errno) {
	e = use(&c.guest.table, c.u32(0), func(t *symmetricTag) errno {
		n = uint32(len(t.tag))
		return success
	})
	return n, e
}

// tagPull (symmetric_tag, buffer) copies the tag, gives its size and closes it. The buffer has exactly that size, else it is overflow or
// invalid_length and the tag stays.
func tagPull(c *call) (n uint32, e errno) {
	to, e := c.bytes(1)
	if e != success {
		return 0, e
	}
	h := c.u32(0)
	e = use(&c.guest.table, h, func(t *symmetricTag) errno {
		if e := (sizes{len(t.tag), len(t.tag)}).check(len(to)); e != success {
			return e
		}
		n = uint32(copy(to, t.tag))
		return success
	})
	if e == success {
		drop[*symmetricTag](&c.guest.table, h)
	}
	return n, e
}

// tagVerify (symmetric_tag, expected): invalid_tag unless both are equal, in a time that depends on the lengths alone.
func tagVerify(c *call) errno {
	expected, e := c.bytes(1)
	if e != success {
		return e
	}
	return use(&c.guest.table, c.u32(0), func(t *symmetricTag) errno {
		if subtle.ConstantTimeCompare(t.tag, expected) != 1 {
			return invalidTag
		}
		return success
	})
}
