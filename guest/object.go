package guest

import (
	"bytes"
	"unsafe"

	"github.com/claviger/claviger/guest/raw"
)

// object is what a guest knows of an object of the host. 0 is none.
type object uint32

// out is where the host writes the handle.
func (o *object) out() unsafe.Pointer { return unsafe.Pointer(o) }

// end closes the object by the function named call. The number is forgotten, so that a later use of it cannot meet another
// object to which the host gave the number again.
func (o *object) end(call string, fn func(handle uint32) uint32) error {
	handle := *o
	*o = 0
	return result(call, fn(uint32(handle)))
}

// text and data split a string and a slice into address and length. The length of a slice in a 32-bit memory fits.
func text(s string) (unsafe.Pointer, uint32) {
	return unsafe.Pointer(unsafe.StringData(s)), uint32(len(s))
}
func data(b []byte) (unsafe.Pointer, uint32) {
	return unsafe.Pointer(unsafe.SliceData(b)), uint32(len(b))
}

// optional makes the record of an object that may be left out.
func optional(o object, given bool) raw.Optional {
	if !given {
		return raw.Optional{Tag: raw.None}
	}
	return raw.Optional{Tag: raw.Some, Handle: uint32(o)}
}

// pull takes an array output out whole, which closes it. An empty one is pulled too: that lets go of it.
func pull(array object) ([]byte, error) {
	var size uint32
	if err := result("array_output_len", raw.ArrayOutputLen(uint32(array), unsafe.Pointer(&size))); err != nil {
		return nil, err
	}
	all := make([]byte, size)
	for rest := all; ; {
		at, length := data(rest)
		var n uint32
		err := result("array_output_pull", raw.ArrayOutputPull(uint32(array), at, length, unsafe.Pointer(&n)))
		if err != nil || n == 0 || n >= length {
			return all, err
		}
		rest = rest[n:]
	}
}

// identifier is room for one that a host writes: 32 bytes on Claviger, with space for hosts that make longer ones.
type identifier [128]byte

// String gives the identifier without the zero bytes that fill the room.
func (id *identifier) String() string { return string(bytes.TrimRight(id[:], "\x00")) }
