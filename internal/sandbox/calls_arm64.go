package sandbox

import "golang.org/x/sys/unix"

// architecture is how the kernel names this machine.
const architecture = unix.AUDIT_ARCH_AARCH64

// machineCalls are refused calls that this machine has beyond the common ones: none.
func machineCalls() []uint32 { return nil }

// machineAttributeCalls are older forms of attributeCalls: this machine never had them.
func machineAttributeCalls() []uint32 { return nil }

// machineOpening adds the rules for an older form of openat: this machine never had one.
func machineOpening(*assembler) {}
