package sandbox

import "golang.org/x/sys/unix"

// olderOpenings are calls that open files with flags in their second argument: this machine never had one.
func olderOpenings() []uint32 { return nil }

// foreignCall makes a call that no architecture of this machine knows.
func foreignCall() { unix.RawSyscall(x32, 0, 0, 0) }
