package sandbox

import "golang.org/x/sys/unix"

// foreignCall makes a call that no architecture of this machine knows.
func foreignCall() { unix.RawSyscall(x32, 0, 0, 0) }
