package secmem

import "unsafe"

// address gives where p begins. The memory is not the garbage collector's, so it never moves.
func address(p []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(p))) }
