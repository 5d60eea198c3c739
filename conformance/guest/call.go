package main

import (
	"unsafe"

	"github.com/claviger/claviger/guest/raw"
)

// The functions of the interface, in files call_*.go by module, with Go's strings and slices for addresses and lengths. Each gives its results and what
// the host answered; the results mean nothing unless that is success.

// poison fills the places of results before a call, so that a host that answers success and stores nothing is seen.
const poison = 0xA5A5A5A5

// maybe is an optional handle; its zero value is none.
type maybe struct {
	handle uint32
	given  bool
}

// some is an optional handle that is there.
func some(handle uint32) maybe { return maybe{handle, true} }

// record gives an optional handle as it is passed, by address: the tag in the first byte, 0 for some and 1 for none. The three
// bytes behind it, and the handle where there is none, have no meaning, and a host must not look at them.
func (m maybe) record() [2]uint32 {
	if m.given {
		return [2]uint32{0xA5A5A500, m.handle}
	}
	return [2]uint32{0xA5A5A501, poison}
}

func start(b []byte) unsafe.Pointer   { return unsafe.Pointer(unsafe.SliceData(b)) }
func size(b []byte) uint32            { return uint32(len(b)) }
func letters(s string) unsafe.Pointer { return unsafe.Pointer(unsafe.StringData(s)) }
func length(s string) uint32          { return uint32(len(s)) }

// get is a call that gives a handle or a size.
func get(call func(to unsafe.Pointer) uint32) (uint32, errno) {
	value := uint32(poison)
	e := call(unsafe.Pointer(&value))
	return value, errno(e)
}

// get64 is a call that gives a version or a number.
func get64(call func(to unsafe.Pointer) uint32) (uint64, errno) {
	value := uint64(poison)<<32 | poison
	e := call(unsafe.Pointer(&value))
	return value, errno(e)
}

func optionsOpen(family uint32) (uint32, errno) {
	return get(func(to unsafe.Pointer) uint32 { return raw.OptionsOpen(family, to) })
}

func optionsClose(h uint32) errno { return errno(raw.OptionsClose(h)) }

func optionsSet(h uint32, name string, value []byte) errno {
	return errno(raw.OptionsSet(h, letters(name), length(name), start(value), size(value)))
}

func optionsSetU64(h uint32, name string, value uint64) errno {
	return errno(raw.OptionsSetU64(h, letters(name), length(name), value))
}

func optionsSetGuestBuffer(h uint32, name string, buffer []byte) errno {
	return errno(raw.OptionsSetGuestBuffer(h, letters(name), length(name), start(buffer), size(buffer)))
}

func arrayOutputLen(h uint32) (uint32, errno) {
	return get(func(to unsafe.Pointer) uint32 { return raw.ArrayOutputLen(h, to) })
}

func arrayOutputPull(h uint32, buf []byte) (uint32, errno) {
	return get(func(to unsafe.Pointer) uint32 { return raw.ArrayOutputPull(h, start(buf), size(buf), to) })
}

func secretsManagerOpen(options maybe) (uint32, errno) {
	o := options.record()
	return get(func(to unsafe.Pointer) uint32 { return raw.SecretsManagerOpen(unsafe.Pointer(&o), to) })
}

func secretsManagerClose(h uint32) errno { return errno(raw.SecretsManagerClose(h)) }

func secretsManagerInvalidate(manager uint32, id []byte, version uint64) errno {
	return errno(raw.SecretsManagerInvalidate(manager, start(id), size(id), version))
}
