package wasicrypto

import (
	"context"
	"encoding/binary"
	"math"

	"github.com/tetratelabs/wazero/api"
)

// call is one call of a guest: its arguments, and the guest's memory and handles. It lives until the function returns.
type call struct {
	ctx    context.Context
	guest  *guest
	memory api.Memory // nil if the guest has none
	args   []uint64
	spare  []byte // what buffer gives; kept from call to call
}

// u32 gives an i32 argument. The upper half of its slot is not zero, whatever the declaration says.
func (c *call) u32(i int) uint32 { return uint32(c.args[i]) }

// u64 gives an i64 argument.
func (c *call) u64(i int) uint64 { return c.args[i] }

// u16 gives an enumeration: an i32 argument that must fit 16 bits.
func (c *call) u16(i int) (uint16, bool) {
	v := c.u32(i)
	return uint16(v), v <= 0xFFFF
}

// view gives n bytes of guest memory at an address: a window, not a copy. A length of zero fits any address. What does
// not lie in memory is guest_error; so is the very last byte of a memory of 4 GiB, which the runtime cannot show.
func (c *call) view(at, n uint32) ([]byte, errno) {
	if n == 0 {
		return nil, success
	}
	if c.memory == nil || uint64(at)+uint64(n) > math.MaxUint32 {
		return nil, guestError
	}
	b, ok := c.memory.Read(at, n)
	if !ok {
		return nil, guestError
	}
	return b, success
}

// bytes gives the buffer whose address is argument i and whose length is argument i+1, as view does. It is never nil on success.
func (c *call) bytes(i int) ([]byte, errno) {
	b, e := c.view(c.u32(i), c.u32(i+1))
	if b == nil {
		b = []byte{}
	}
	return b, e
}

// maxName is where text cuts a name off, in bytes: longer than any name that exists.
const maxName = 128

// text is bytes as a string, which is a copy. A longer one than any name is cut off, and so is none.
func (c *call) text(i int) (string, errno) {
	b, e := c.bytes(i)
	return string(b[:min(len(b), maxName)]), e
}

// out is where a function stores an ok value: a place of guest memory that was checked before any work was done.
type out []byte

// out checks the place of n bytes whose address is argument i.
func (c *call) out(i int, n uint32) (out, errno) {
	b, e := c.view(c.u32(i), n)
	return out(b), e
}

// set32 stores a handle or a size in a place of 4 bytes.
func (o out) set32(v uint32) { binary.LittleEndian.PutUint32(o, v) }

// set64 stores a version or a number in a place of 8 bytes.
func (o out) set64(v uint64) { binary.LittleEndian.PutUint64(o, v) }

// Places of ok values, in bytes.
const (
	size32 = 4
	size64 = 8
)

// optional reads an optional handle: argument i is the address of a record of 8 bytes with a tag in the first byte (0 is some, 1 none,
// others guest_error), three bytes without meaning, and the handle. What stands in place of an absent handle is not looked at.
func (c *call) optional(i int) (handle uint32, some bool, e errno) {
	b, e := c.view(c.u32(i), 8)
	if e != success {
		return 0, false, e
	}
	switch b[0] {
	case 0:
		return binary.LittleEndian.Uint32(b[4:]), true, success
	case 1:
		return 0, false, success
	}
	return 0, false, guestError
}

// spareSize is how many bytes a call keeps for the next one.
const spareSize = 64 << 10

// buffer gives n bytes of host memory for the length of the call, with whatever stood in them.
func (c *call) buffer(n int) []byte {
	if n > len(c.spare) {
		b := make([]byte, max(n, 512))
		if len(b) > spareSize {
			return b
		}
		c.spare = b
	}
	return c.spare[:n]
}

// room answers too_many_handles before work whose result would have no handle.
func (c *call) room() errno { return c.guest.table.room() }

// first gives the first of several answers that is not success.
func first(all ...errno) errno {
	for _, e := range all {
		if e != success {
			return e
		}
	}
	return success
}

// give gives an object a handle and stores it. The object is closed if there is no room.
func (c *call) give(to out, o object) errno {
	h, e := c.guest.table.add(o)
	if e == success {
		to.set32(h)
	}
	return e
}

// signal answers with the errno of an error.
func signal(err error) errno { return errnoOf(err) }
