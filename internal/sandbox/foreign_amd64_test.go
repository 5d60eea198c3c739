package sandbox

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// olderOpenings are calls that open files with flags in their second argument.
func olderOpenings() []uint32 { return []uint32{unix.SYS_OPEN} }

// foreignCall makes a system call of the 32-bit architecture: getpid by int 0x80.
func foreignCall() {
	code, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE|unix.PROT_EXEC, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		panic(err)
	}
	copy(code, []byte{0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0xc3}) // mov eax, 20; int 0x80; ret
	entry := unsafe.SliceData(code)
	pointer := &entry
	call := *(*func())(unsafe.Pointer(&pointer))
	call()
}
