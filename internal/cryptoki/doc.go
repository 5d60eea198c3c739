// Package cryptoki speaks PKCS #11 (Cryptoki) 2.20 to 3.x to one module, a shared library that the caller names, without
// cgo. It knows the standard's functions, structures and numbers; it has no policy, no names and no pool.
//
// Whatever a module reports is judged before it is used: a length against the buffer it is about, a count against a
// limit, a function pointer against NULL, text against what can be printed. A report that cannot be is ErrImplausible,
// never a panic and never a read beyond a buffer. What a module does to memory by itself is outside of this promise:
// it is machine code in this process, so it belongs into a process of its own.
//
// Memory that a module sees is on the Go heap, which does not move, and is held until the call returns. Arguments of
// a call are handed over where they lie; whatever is reached through a second pointer (the values of a template, the
// parameters of a mechanism) is first copied into a frame of the session, and wiped there after use.
//
// Module may be used by many goroutines at once, Session by one at a time. A program that links this package is
// linked dynamically to the C library, with CGO_ENABLED=0 too. CK_ULONG is taken to be 8 bytes, as on 64-bit Linux; the
// package does not compile elsewhere.
package cryptoki

import "unsafe"

// The sizes of CK_ULONG and of a pointer: a compile-time error on systems where they are not 8 bytes.
const (
	_ = uint(unsafe.Sizeof(uint(0)) - 8)
	_ = uint(8 - unsafe.Sizeof(uintptr(0)))
)
