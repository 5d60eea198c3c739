package sandbox

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger"
)

// The filter is assembled here and not by a library: the one that is written in Go lets a foreign architecture through where
// the default is to allow, and takes a thread that could not be synchronized for a success.

// Offsets in struct seccomp_data, see seccomp(2). Both of our machines are little endian.
const (
	offsetNumber       = 0
	offsetArchitecture = 4
	offsetArguments    = 16
)

// What a filter answers.
const (
	answerAllow   = unix.SECCOMP_RET_ALLOW
	answerRefuse  = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	answerUnknown = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
	answerKill    = unix.SECCOMP_RET_KILL_PROCESS
)

// x32 marks calls of the x32 ABI, which shares an architecture with amd64. No machine has calls with such numbers otherwise.
const x32 = 0x40000000

// newestCall is the last system call that was known when the list of refused ones was made. Those after it are answered as
// an older kernel would, so that one that is made tomorrow is no way out.
const newestCall = unix.SYS_RSEQ_SLICE_YIELD

// namespaces are the flags of clone(2) that make new ones.
const namespaces = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC |
	unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET

// filter is what the seccomp filter depends on.
type filter struct {
	network  bool   // sockets may be made and connected
	shared   bool   // the worker's user owns files of others: the daemon's
	landlock int    // the ABI whose rules apply besides
	pid      uint32 // the worker
}

// install applies the filter to all threads and looks whether it answers. The process has no_new_privs.
func (f filter) install() error {
	program := f.program()
	raw := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	thread, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&raw)))
	runtime.KeepAlive(program)
	if e != 0 {
		return claviger.Errorf(claviger.ErrInternal, op, "seccomp filter: %v", e)
	}
	if thread != 0 {
		return claviger.Errorf(claviger.ErrInternal, op, "seccomp filter does not apply to thread %d", thread)
	}
	if _, _, e := unix.Syscall6(unix.SYS_EXECVEAT, ^uintptr(0), 0, 0, 0, 0, 0); e != unix.EPERM {
		return claviger.Errorf(claviger.ErrInternal, op, "seccomp filter is in force and refuses nothing")
	}
	return nil
}

// program assembles the filter: foreign architectures, unknown calls, refused calls, calls that depend on an argument, all others.
func (f filter) program() []unix.SockFilter {
	var p assembler
	p.load(offsetArchitecture)
	p.jump(unix.BPF_JEQ, architecture, 1, 0)
	p.answer(answerKill)
	p.load(offsetNumber)
	p.answerIf(unix.BPF_JGE, x32, answerKill)
	p.answerIf(unix.BPF_JGT, newestCall, answerUnknown)
	p.answerIf(unix.BPF_JEQ, unix.SYS_CLONE3, answerUnknown)  // its flags are in memory; the C library turns to clone
	p.answerIf(unix.BPF_JEQ, unix.SYS_OPENAT2, answerUnknown) // so are its flags; whoever knows it turns to openat
	for _, call := range f.refused() {
		p.answerIf(unix.BPF_JEQ, call, answerRefuse)
	}
	p.call(unix.SYS_CLONE, func(p *assembler) { // threads, and no processes
		p.load(offsetArguments)
		p.answerIf(unix.BPF_JSET, namespaces, answerRefuse)
		p.answerIf(unix.BPF_JSET, unix.CLONE_THREAD, answerAllow)
		p.answer(answerRefuse)
	})
	for _, call := range []uint32{unix.SYS_KILL, unix.SYS_TGKILL, unix.SYS_RT_SIGQUEUEINFO, unix.SYS_RT_TGSIGQUEUEINFO} {
		p.only(call, f.pid)
	}
	p.only(unix.SYS_PRLIMIT64, 0, f.pid)
	if f.network {
		p.only(unix.SYS_SOCKET, unix.AF_UNIX, unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK)
	}
	p.call(unix.SYS_PRCTL, processControl)
	machineOpening(&p)
	p.call(unix.SYS_OPENAT, opening(2))
	p.call(unix.SYS_FCNTL, f.descriptorControl)
	p.call(unix.SYS_IOCTL, f.deviceControl)
	p.answer(answerAllow)
	return p
}

// processControl refuses what would undo the worker's confinement: being dumpable, traced, or without a death signal.
func processControl(p *assembler) {
	p.load(offsetArguments)
	p.answerIf(unix.BPF_JEQ, unix.PR_SET_PDEATHSIG, answerRefuse)
	p.answerIf(unix.BPF_JEQ, unix.PR_SET_PTRACER, answerRefuse)
	p.answerIf(unix.BPF_JEQ, unix.PR_SET_MM, answerRefuse)
	p.jump(unix.BPF_JEQ, unix.PR_SET_DUMPABLE, 1, 0)
	p.answer(answerAllow)
	p.load(offsetArguments + 8)
	p.answerIf(unix.BPF_JEQ, 0, answerAllow)
	p.answer(answerRefuse)
}

// assembler is a program under construction. After load the accumulator holds the value that jumps compare.
type assembler []unix.SockFilter

func (p *assembler) load(offset uint32) {
	*p = append(*p, unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset})
}

func (p *assembler) jump(condition uint16, value uint32, yes, no uint8) {
	*p = append(*p, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_K | condition, K: value, Jt: yes, Jf: no})
}

func (p *assembler) answer(value uint32) {
	*p = append(*p, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: value})
}

func (p *assembler) answerIf(condition uint16, value, answer uint32) {
	p.jump(condition, value, 0, 1)
	p.answer(answer)
}

// call adds a body, which ends with an answer in every case, for one system call.
func (p *assembler) call(number uint32, body func(*assembler)) {
	var inner assembler
	body(&inner)
	p.jump(unix.BPF_JEQ, number, 0, uint8(len(inner)))
	*p = append(*p, inner...)
}

// only allows a call whose first argument, of 32 bits, is one of the values.
func (p *assembler) only(number uint32, values ...uint32) {
	p.call(number, func(p *assembler) {
		p.load(offsetArguments)
		for _, value := range values {
			p.answerIf(unix.BPF_JEQ, value, answerAllow)
		}
		p.answer(answerRefuse)
	})
}
