package sandbox

import "golang.org/x/sys/unix"

// architecture is how the kernel names this machine.
const architecture = unix.AUDIT_ARCH_X86_64

// machineCalls are refused calls that this machine has beyond the common ones: those that make processes, and ports and segments.
func machineCalls() []uint32 {
	return []uint32{unix.SYS_FORK, unix.SYS_VFORK, unix.SYS_IOPL, unix.SYS_IOPERM, unix.SYS_MODIFY_LDT, unix.SYS_USELIB, unix.SYS_CREATE_MODULE}
}

// machineAttributeCalls are older forms of attributeCalls.
func machineAttributeCalls() []uint32 {
	return []uint32{unix.SYS_CHMOD, unix.SYS_CHOWN, unix.SYS_LCHOWN, unix.SYS_UTIME, unix.SYS_UTIMES, unix.SYS_FUTIMESAT}
}

// machineOpening adds the rules for an older form of openat.
func machineOpening(p *assembler) { p.call(unix.SYS_OPEN, opening(1)) }
