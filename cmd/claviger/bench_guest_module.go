package main

import (
	"encoding/binary"
	"slices"
)

// hostCall is one call of an imported function by a guest of the benchmark. Its result is an errno.
type hostCall struct {
	module, name string
	args         []hostArg
}

// hostArg is an i32 argument: a number, or what stands in memory at an address.
type hostArg struct {
	value  uint32
	loaded bool
}

// number is an argument that is the same each time.
func number(v uint32) hostArg { return hostArg{value: v} }

// at is an argument that is read from memory at each call: a handle that another call has stored there.
func at(address uint32) hostArg { return hostArg{value: address, loaded: true} }

// routine is an exported function of a guest: it takes how many times to make its calls, one after the other, and
// gives the errnos of all of them, joined by or.
type routine struct {
	name  string
	calls []hostCall
}

// What the WebAssembly core specification 1.0, chapter 5, calls these.
const (
	wasmI32    = 0x7F
	wasmFunc   = 0x60
	wasmEmpty  = 0x40
	wasmLoop   = 0x03
	wasmEnd    = 0x0B
	wasmBranch = 0x0D
	wasmCall   = 0x10
	wasmGet    = 0x20
	wasmSet    = 0x21
	wasmTee    = 0x22
	wasmLoad   = 0x28
	wasmConst  = 0x41
	wasmSub    = 0x6B
	wasmOr     = 0x72
)

// assemble makes a guest of routines, with two pages of memory. It is smaller than what a compiler would give, and it
// does nothing but call.
func assemble(routines []routine) []byte {
	var imports []hostCall
	index := func(c hostCall) int {
		i := slices.IndexFunc(imports, func(x hostCall) bool { return x.module == c.module && x.name == c.name })
		if i < 0 {
			i, imports = len(imports), append(imports, c)
		}
		return i
	}
	var bodies [][]byte
	for _, r := range routines {
		bodies = append(bodies, sized(body(r, index)))
	}
	types, named := [][]byte{functionType(1)}, [][]byte{}
	for i, c := range imports {
		types = append(types, functionType(len(c.args)))
		named = append(named, slices.Concat(word(c.module), word(c.name), []byte{0}, leb(i+1)))
	}
	exports, functions := [][]byte{slices.Concat(word("memory"), []byte{2, 0})}, [][]byte{}
	for i, r := range routines {
		functions = append(functions, leb(0))
		exports = append(exports, slices.Concat(word(r.name), []byte{0}, leb(len(imports)+i)))
	}
	return slices.Concat([]byte("\x00asm\x01\x00\x00\x00"), section(1, types), section(2, named), section(3, functions),
		section(5, [][]byte{{1, 2, 2}}), section(7, exports), section(10, bodies))
}

// body is the code of a routine. Local 0 counts down, local 1 gathers the errnos.
func body(r routine, index func(hostCall) int) []byte {
	code := []byte{1, 1, wasmI32, wasmLoop, wasmEmpty}
	for _, c := range r.calls {
		for _, a := range c.args {
			code = append(append(code, wasmConst), signed(a.value)...)
			if a.loaded {
				code = append(code, wasmLoad, 2, 0) // alignment of 4 bytes, no offset
			}
		}
		code = append(append(code, wasmCall), leb(index(c))...)
		code = append(code, wasmGet, 1, wasmOr, wasmSet, 1)
	}
	return append(code, wasmGet, 0, wasmConst, 1, wasmSub, wasmTee, 0, wasmBranch, 0, wasmEnd, wasmGet, 1, wasmEnd)
}

// functionType takes n i32 and gives one.
func functionType(n int) []byte {
	return slices.Concat([]byte{wasmFunc}, sized(slices.Repeat([]byte{wasmI32}, n)), []byte{1, wasmI32})
}

// section is a section of a module with its elements.
func section(id byte, elements [][]byte) []byte {
	return slices.Concat([]byte{id}, sized(slices.Concat(leb(len(elements)), slices.Concat(elements...))))
}

// sized puts the length before the bytes.
func sized(b []byte) []byte { return slices.Concat(leb(len(b)), b) }

func word(s string) []byte { return sized([]byte(s)) }

// leb is unsigned LEB128.
func leb(n int) []byte { return binary.AppendUvarint(nil, uint64(n)) }

// signed is a constant in signed LEB128.
func signed(v uint32) []byte {
	var b []byte
	for n := int32(v); ; n >>= 7 {
		if n >= -64 && n < 64 {
			return append(b, byte(n&0x7F))
		}
		b = append(b, byte(n&0x7F|0x80))
	}
}
