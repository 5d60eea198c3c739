package sandbox

import "golang.org/x/sys/unix"

// Requests of ioctl(2) that package unix has no names for; see socket(7), and linux/fs.h.
const (
	setSocketOwner   = 0x8901     // FIOSETOWN
	setFileAttribute = 0x401c5820 // FS_IOC_FSSETXATTR
)

// opening allows to open a file, with flags in the argument of that number, counted from 0, but for two things that Landlock does not
// judge as they are meant, and that POSIX leaves undefined: O_TRUNC of what is opened for reading, which an ABI before
// truncateABI takes for reading; and the access mode 3, which Linux has for ioctl alone and every ABI takes for no access at all.
func opening(flags uint32) func(*assembler) {
	return func(p *assembler) {
		p.load(offsetArguments + 8*flags)
		p.jump(unix.BPF_JSET, unix.O_WRONLY, 0, 3)
		p.answerIf(unix.BPF_JSET, unix.O_RDWR, answerRefuse)
		p.answer(answerAllow)
		p.answerIf(unix.BPF_JSET, unix.O_RDWR, answerAllow)
		p.answerIf(unix.BPF_JSET, unix.O_TRUNC, answerRefuse)
		p.answer(answerAllow)
	}
}

// descriptorControl refuses what has the kernel signal others for the worker, of fcntl(2): a descriptor's owner, who is signalled for it, is
// the worker or nobody, and the signal is not chosen. It also refuses leases, by which the worker would hold up whoever opens the file.
func (f filter) descriptorControl(p *assembler) {
	p.load(offsetArguments + 8)
	for _, command := range []uint32{unix.F_SETSIG, unix.F_SETOWN_EX, unix.F_SETLEASE} {
		p.answerIf(unix.BPF_JEQ, command, answerRefuse)
	}
	p.jump(unix.BPF_JEQ, unix.F_SETOWN, 1, 0)
	p.answer(answerAllow)
	p.load(offsetArguments + 16) // a number of 32 bits; a group's is negative
	p.answerIf(unix.BPF_JEQ, 0, answerAllow)
	p.answerIf(unix.BPF_JEQ, f.pid, answerAllow)
	p.answer(answerRefuse)
}

// deviceControl refuses the same of ioctl(2), and its forms of attributeCalls.
func (f filter) deviceControl(p *assembler) {
	p.load(offsetArguments + 8)
	p.answerIf(unix.BPF_JEQ, setSocketOwner, answerRefuse)
	p.answerIf(unix.BPF_JEQ, unix.SIOCSPGRP, answerRefuse)
	if f.shared {
		for _, request := range []uint32{unix.FS_IOC_SETFLAGS, setFileAttribute, unix.FS_IOC_ENABLE_VERITY} {
			p.answerIf(unix.BPF_JEQ, request, answerRefuse)
		}
	}
	p.answer(answerAllow)
}
