// Package wasmtest makes small WebAssembly guests for tests and measurements, byte by byte, without a compiler: modules that
// import functions, have a memory, and export a wrapper for each import, so that a Go test calls a host's functions as
// a guest does.
package wasmtest

import (
	"encoding/binary"
	"slices"
)

// Module describes a guest.
type Module struct {
	Imports []Import
	// Pages is the size of the memory, which is exported as "memory", in pages of 64 KiB; it cannot grow. NoMemory leaves it out.
	Pages    uint32
	NoMemory bool
	// Dirty lets every wrapper first call DirtFunction with eight i64 of all ones. A compiled guest leaves them where it then puts the
	// import's arguments, so that the upper halves of i32 arguments, which mean nothing, reach the host with bits in them.
	Dirty bool
}

// DirtModule and DirtFunction name the import of dirty guests, which Start provides.
const (
	DirtModule   = "wasmtest"
	DirtFunction = "dirt"
)

// dirt is what DirtFunction takes.
const dirt = "IIIIIIII"

// LoopPrefix stands before the name of a further wrapper of each import. Its first parameter, an i32 of at least 1, says how many times
// to call the import with the parameters that follow. The result is that of the last call.
const LoopPrefix = "loop:"

// Value types and instructions (WebAssembly 1.0, chapter 5).
const (
	i32       = 0x7F
	i64       = 0x7E
	funcType  = 0x60
	emptyType = 0x40

	opLoop   = 0x03
	opEnd    = 0x0B
	opBrIf   = 0x0D
	opCall   = 0x10
	opDrop   = 0x1A
	opGet    = 0x20
	opSet    = 0x21
	opTee    = 0x22
	opConst  = 0x41
	opConst8 = 0x42
	minusOne = 0x7F // in signed LEB128
	opSub    = 0x6B
	kindFunc = 0
	kindMem  = 2
)

// Sections, by number.
const (
	sectionType     = 1
	sectionImport   = 2
	sectionFunction = 3
	sectionMemory   = 5
	sectionExport   = 7
	sectionCode     = 10
)

// Bytes encodes the module. Function types are not shared: each import has one, which is its wrapper's too, and its loop has
// the next.
func (m Module) Bytes() []byte {
	all := m.Imports
	if m.Dirty {
		all = append(slices.Clone(all), Import{Module: DirtModule, Name: DirtFunction, Params: dirt})
	}
	n := len(all)
	var types, imports, functions, exports, code vector
	for i, f := range all {
		plain := params(f.Params)
		types.add(signature(plain))
		types.add(signature(append([]byte{i32}, plain...)))
		imports.add(text(f.Module), text(f.Name), []byte{kindFunc}, number(2*i))
		functions.add(number(2 * i))
		functions.add(number(2*i + 1))
		exports.add(text(f.Name), []byte{kindFunc}, number(n+2*i))
		exports.add(text(LoopPrefix+f.Name), []byte{kindFunc}, number(n+2*i+1))
		code.add(sized(m.wrap(i, len(plain))))
		code.add(sized(loop(i, len(plain))))
	}
	b := []byte("\x00asm\x01\x00\x00\x00")
	b = section(b, sectionType, types.bytes())
	b = section(b, sectionImport, imports.bytes())
	b = section(b, sectionFunction, functions.bytes())
	if !m.NoMemory {
		exports.add(text("memory"), []byte{kindMem, 0})
		b = section(b, sectionMemory, join([]byte{1, 1}, number(int(m.Pages)), number(int(m.Pages))))
	}
	b = section(b, sectionExport, exports.bytes())
	return section(b, sectionCode, code.bytes())
}

// wrap is the body of the wrapper of import i, which takes so many parameters.
func (m Module) wrap(i, params int) []byte {
	body := []byte{0} // no locals
	if m.Dirty {
		for range len(dirt) {
			body = append(body, opConst8, minusOne)
		}
		body = append(join(body, []byte{opCall}, number(len(m.Imports))), opDrop)
	}
	for p := range params {
		body = append(append(body, opGet), number(p)...)
	}
	return join(body, []byte{opCall}, number(i), []byte{opEnd})
}

// loop is the body of the loop of import i, which takes so many parameters.
func loop(i, params int) []byte {
	result := number(params + 1)
	body := join([]byte{1, 1, i32, opLoop, emptyType}) // one local, for the result
	for p := range params {
		body = append(append(body, opGet), number(p+1)...)
	}
	body = join(body, []byte{opCall}, number(i), []byte{opSet}, result)
	body = append(body, opGet, 0, opConst, 1, opSub, opTee, 0, opBrIf, 0, opEnd)
	return join(body, []byte{opGet}, result, []byte{opEnd})
}

// vector is an encoded sequence with its length before it.
type vector struct {
	count int
	data  []byte
}

func (v *vector) add(parts ...[]byte) {
	v.count++
	v.data = append(v.data, join(parts...)...)
}

func (v *vector) bytes() []byte { return append(number(v.count), v.data...) }

func params(letters string) []byte {
	types := make([]byte, len(letters))
	for i := range types {
		types[i] = i32
		if letters[i] == 'I' {
			types[i] = i64
		}
	}
	return types
}

// signature is a function type with one i32 as its result.
func signature(params []byte) []byte {
	return join([]byte{funcType}, sized(params), []byte{1, i32})
}

func section(b []byte, id byte, content []byte) []byte { return join(b, []byte{id}, sized(content)) }

// sized puts the length before the bytes.
func sized(b []byte) []byte { return append(number(len(b)), b...) }

func text(s string) []byte { return sized([]byte(s)) }

// number is unsigned LEB128.
func number(n int) []byte { return binary.AppendUvarint(nil, uint64(n)) }

func join(parts ...[]byte) []byte {
	var b []byte
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}
