package sandbox

import (
	"encoding/binary"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// run is what the kernel does with a filter: it fails for a program that the kernel would refuse.
func run(t *testing.T, program []unix.SockFilter, machine, number uint32, arguments ...uint64) uint32 {
	t.Helper()
	var data [64]byte
	binary.LittleEndian.PutUint32(data[offsetNumber:], number)
	binary.LittleEndian.PutUint32(data[offsetArchitecture:], machine)
	for i, argument := range arguments {
		binary.LittleEndian.PutUint64(data[offsetArguments+8*i:], argument)
	}
	var a uint32
	for at := 0; at < len(program); at++ {
		in := program[at]
		var yes bool
		switch in.Code {
		case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
			a = binary.LittleEndian.Uint32(data[in.K:])
			continue
		case unix.BPF_RET | unix.BPF_K:
			return in.K
		case unix.BPF_JMP | unix.BPF_K | unix.BPF_JEQ:
			yes = a == in.K
		case unix.BPF_JMP | unix.BPF_K | unix.BPF_JGT:
			yes = a > in.K
		case unix.BPF_JMP | unix.BPF_K | unix.BPF_JGE:
			yes = a >= in.K
		case unix.BPF_JMP | unix.BPF_K | unix.BPF_JSET:
			yes = a&in.K != 0
		default:
			t.Fatalf("instruction %d: code %x", at, in.Code)
		}
		if yes {
			at += int(in.Jt)
		} else {
			at += int(in.Jf)
		}
	}
	t.Fatalf("call %d: the program ends without an answer", number)
	return 0
}

// TestTheFilterAnswersAsItShould holds the answer for calls of every kind.
func TestTheFilterAnswersAsItShould(t *testing.T) {
	const pid, high = 4711, 1 << 32
	alone := filter{pid: pid}.program()
	network := filter{pid: pid, network: true}.program()
	shared := filter{pid: pid, shared: true}.program()
	thread := uint64(unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_THREAD)
	for _, c := range []struct {
		name      string
		program   []unix.SockFilter
		number    uint32
		want      uint32
		arguments []uint64
	}{
		{"read", alone, unix.SYS_READ, answerAllow, nil},
		{"openat", alone, unix.SYS_OPENAT, answerAllow, nil},
		{"mmap", alone, unix.SYS_MMAP, answerAllow, nil},
		{"exit_group", alone, unix.SYS_EXIT_GROUP, answerAllow, nil},
		{"rt_sigreturn", alone, unix.SYS_RT_SIGRETURN, answerAllow, nil},
		{"newest", alone, newestCall, answerAllow, nil},
		{"one newer", alone, newestCall + 1, answerUnknown, nil},
		{"just below x32", alone, x32 - 1, answerUnknown, nil},
		{"x32", alone, x32, answerKill, nil},
		{"x32 getpid", alone, x32 | unix.SYS_GETPID, answerKill, nil},
		{"minus one", alone, 1<<32 - 1, answerKill, nil},
		{"execve", alone, unix.SYS_EXECVE, answerRefuse, nil},
		{"execve with a network", network, unix.SYS_EXECVE, answerRefuse, nil},
		{"clone3", alone, unix.SYS_CLONE3, answerUnknown, nil},
		{"a thread", alone, unix.SYS_CLONE, answerAllow, []uint64{thread}},
		{"a process", alone, unix.SYS_CLONE, answerRefuse, []uint64{uint64(unix.SIGCHLD)}},
		{"a process in high bits", alone, unix.SYS_CLONE, answerRefuse, []uint64{unix.CLONE_THREAD << 32}},
		{"a namespace", alone, unix.SYS_CLONE, answerRefuse, []uint64{thread | unix.CLONE_NEWNET}},
		{"kill itself", alone, unix.SYS_KILL, answerAllow, []uint64{pid}},
		{"kill itself, high bits", alone, unix.SYS_KILL, answerAllow, []uint64{high | pid}},
		{"kill another", alone, unix.SYS_KILL, answerRefuse, []uint64{pid + 1}},
		{"kill all", alone, unix.SYS_KILL, answerRefuse, []uint64{1<<64 - 1}},
		{"kill the group", alone, unix.SYS_KILL, answerRefuse, []uint64{0}},
		{"tgkill itself", alone, unix.SYS_TGKILL, answerAllow, []uint64{pid, 1}},
		{"tgkill another", alone, unix.SYS_TGKILL, answerRefuse, []uint64{1, pid}},
		{"own limits", alone, unix.SYS_PRLIMIT64, answerAllow, []uint64{0}},
		{"own limits by number", alone, unix.SYS_PRLIMIT64, answerAllow, []uint64{pid}},
		{"another's limits", alone, unix.SYS_PRLIMIT64, answerRefuse, []uint64{1}},
		{"socket", alone, unix.SYS_SOCKET, answerRefuse, []uint64{unix.AF_UNIX}},
		{"socket with a network", network, unix.SYS_SOCKET, answerAllow, []uint64{unix.AF_INET6}},
		{"packet socket with a network", network, unix.SYS_SOCKET, answerRefuse, []uint64{unix.AF_PACKET}},
		{"connect with a network", network, unix.SYS_CONNECT, answerAllow, nil},
		{"listen with a network", network, unix.SYS_LISTEN, answerRefuse, nil},
		{"undumpable", alone, unix.SYS_PRCTL, answerAllow, []uint64{unix.PR_SET_DUMPABLE, 0}},
		{"dumpable", alone, unix.SYS_PRCTL, answerRefuse, []uint64{unix.PR_SET_DUMPABLE, 1}},
		{"dumpable by high bits", alone, unix.SYS_PRCTL, answerRefuse, []uint64{high | unix.PR_SET_DUMPABLE, 1}},
		{"death signal", alone, unix.SYS_PRCTL, answerRefuse, []uint64{unix.PR_SET_PDEATHSIG, 0}},
		{"tracer", alone, unix.SYS_PRCTL, answerRefuse, []uint64{unix.PR_SET_PTRACER, 1}},
		{"name", alone, unix.SYS_PRCTL, answerAllow, []uint64{unix.PR_SET_NAME, 1}},
		{"mode by name, own user", alone, unix.SYS_FCHMODAT, answerAllow, nil},
		{"mode by name, shared user", shared, unix.SYS_FCHMODAT, answerRefuse, nil},
		{"mode by descriptor, own user", alone, unix.SYS_FCHMOD, answerAllow, nil},
		{"mode by descriptor, shared user", shared, unix.SYS_FCHMOD, answerRefuse, nil},
		{"file attributes, own user", alone, unix.SYS_IOCTL, answerAllow, []uint64{0, unix.FS_IOC_SETFLAGS}},
		{"file attributes, shared user", shared, unix.SYS_IOCTL, answerRefuse, []uint64{0, unix.FS_IOC_SETFLAGS}},
	} {
		if got := run(t, c.program, architecture, c.number, c.arguments...); got != c.want {
			t.Errorf("%s: %x, want %x", c.name, got, c.want)
		}
	}
	for _, machine := range []uint32{unix.AUDIT_ARCH_I386, unix.AUDIT_ARCH_ARM, 0, ^uint32(architecture)} {
		if got := run(t, alone, machine, unix.SYS_READ); got != answerKill {
			t.Errorf("machine %x: %x", machine, got)
		}
	}
}

// TestTheFilterSeesHowFilesAreOpened holds which flags are refused whatever the path, with every ABI of Landlock.
func TestTheFilterSeesHowFilesAreOpened(t *testing.T) {
	const high = 1 << 32
	program := filter{landlock: newestLandlock}.program()
	for _, c := range []struct {
		name  string
		flags uint64
		want  uint32
	}{
		{"to read", unix.O_RDONLY, answerAllow},
		{"to read, made", unix.O_RDONLY | unix.O_CREAT | unix.O_CLOEXEC, answerAllow},
		{"to write", unix.O_WRONLY, answerAllow},
		{"to write, truncated", unix.O_WRONLY | unix.O_CREAT | unix.O_TRUNC, answerAllow},
		{"to read and write, truncated", unix.O_RDWR | unix.O_TRUNC, answerAllow},
		{"to read, truncated", unix.O_RDONLY | unix.O_TRUNC, answerRefuse},
		{"to read, truncated, high bits", high*unix.O_RDWR | unix.O_TRUNC | unix.O_CREAT, answerRefuse},
		{"for no access", unix.O_ACCMODE, answerRefuse},
		{"for no access, high bits", high | unix.O_ACCMODE, answerRefuse},
		{"for no access, truncated", unix.O_ACCMODE | unix.O_TRUNC, answerRefuse},
	} {
		if got := run(t, program, architecture, unix.SYS_OPENAT, 0, 0, c.flags, 0); got != c.want {
			t.Errorf("openat %s: %x, want %x", c.name, got, c.want)
		}
		for _, call := range olderOpenings() {
			if got := run(t, program, architecture, call, 0, c.flags, 0); got != c.want {
				t.Errorf("call %d %s: %x, want %x", call, c.name, got, c.want)
			}
		}
	}
	if got := run(t, program, architecture, unix.SYS_OPENAT2); got != answerUnknown {
		t.Errorf("openat2: %x", got)
	}
	for abi, want := range map[int]uint32{0: answerRefuse, 2: answerRefuse, 3: answerAllow, newestLandlock: answerAllow} {
		if got := run(t, filter{landlock: abi}.program(), architecture, unix.SYS_TRUNCATE); got != want {
			t.Errorf("landlock %d, truncate: %x, want %x", abi, got, want)
		}
	}
}

// TestTheFilterSeesWhoIsSignalled holds that no call makes another process the one that is signalled.
func TestTheFilterSeesWhoIsSignalled(t *testing.T) {
	const pid, high, group = 4711, 1 << 32, 1<<64 - 4711
	program := filter{pid: pid, network: true, landlock: newestLandlock}.program()
	for _, c := range []struct {
		name      string
		number    uint32
		want      uint32
		arguments []uint64
	}{
		{"status flags", unix.SYS_FCNTL, answerAllow, []uint64{0, unix.F_SETFL, unix.O_NONBLOCK}},
		{"a lock", unix.SYS_FCNTL, answerAllow, []uint64{0, unix.F_SETLK, high}},
		{"a lock of the description", unix.SYS_FCNTL, answerAllow, []uint64{0, unix.F_OFD_SETLK, high}},
		{"owner nobody", unix.SYS_FCNTL, answerAllow, []uint64{0, unix.F_SETOWN, 0}},
		{"owner itself", unix.SYS_FCNTL, answerAllow, []uint64{0, unix.F_SETOWN, pid}},
		{"owner itself, high bits", unix.SYS_FCNTL, answerAllow, []uint64{0, high | unix.F_SETOWN, high | pid}},
		{"owner another", unix.SYS_FCNTL, answerRefuse, []uint64{0, unix.F_SETOWN, pid + 1}},
		{"owner another, high bits of the command", unix.SYS_FCNTL, answerRefuse, []uint64{0, high | unix.F_SETOWN, pid + 1}},
		{"owner its group", unix.SYS_FCNTL, answerRefuse, []uint64{0, unix.F_SETOWN, group}},
		{"owner its group in 32 bits", unix.SYS_FCNTL, answerRefuse, []uint64{0, unix.F_SETOWN, group % high}},
		{"owner in memory", unix.SYS_FCNTL, answerRefuse, []uint64{0, unix.F_SETOWN_EX, 0}},
		{"the signal", unix.SYS_FCNTL, answerRefuse, []uint64{0, unix.F_SETSIG, 0}},
		{"a lease", unix.SYS_FCNTL, answerRefuse, []uint64{0, unix.F_SETLEASE, unix.F_WRLCK}},
		{"bytes that wait", unix.SYS_IOCTL, answerAllow, []uint64{0, unix.TIOCINQ}},
		{"owner by FIOSETOWN", unix.SYS_IOCTL, answerRefuse, []uint64{0, setSocketOwner}},
		{"owner by SIOCSPGRP", unix.SYS_IOCTL, answerRefuse, []uint64{0, unix.SIOCSPGRP}},
		{"owner by SIOCSPGRP, high bits", unix.SYS_IOCTL, answerRefuse, []uint64{0, high | unix.SIOCSPGRP}},
		{"queued to itself", unix.SYS_RT_SIGQUEUEINFO, answerAllow, []uint64{pid}},
		{"queued to another", unix.SYS_RT_SIGQUEUEINFO, answerRefuse, []uint64{pid + 1}},
		{"queued to another's thread", unix.SYS_RT_TGSIGQUEUEINFO, answerRefuse, []uint64{pid + 1, pid}},
		{"to a thread of anybody", unix.SYS_TKILL, answerRefuse, []uint64{pid}},
		{"by a descriptor of the process", unix.SYS_PIDFD_SEND_SIGNAL, answerRefuse, nil},
		{"at the daemon's end", unix.SYS_PRCTL, answerRefuse, []uint64{unix.PR_SET_PDEATHSIG, uint64(unix.SIGTERM)}},
		{"by io_uring", unix.SYS_IO_URING_SETUP, answerRefuse, nil},
		{"by bpf", unix.SYS_BPF, answerRefuse, nil},
		{"by counters", unix.SYS_PERF_EVENT_OPEN, answerRefuse, nil},
		{"another's memory", unix.SYS_PROCESS_MADVISE, answerRefuse, nil},
		{"a dying one's memory", unix.SYS_PROCESS_MRELEASE, answerRefuse, nil},
	} {
		if got := run(t, program, architecture, c.number, c.arguments...); got != c.want {
			t.Errorf("%s: %x, want %x", c.name, got, c.want)
		}
	}
}

// TestEveryRefusedCallIsRefused holds that no call falls through, and that none is listed twice.
func TestEveryRefusedCallIsRefused(t *testing.T) {
	for _, f := range []filter{{}, {landlock: newestLandlock}, {network: true}, {shared: true}, {network: true, shared: true}} {
		program, calls := f.program(), f.refused()
		if len(program) > 4096 {
			t.Errorf("%d instructions", len(program))
		}
		for _, call := range calls {
			if got := run(t, program, architecture, call); got != answerRefuse {
				t.Errorf("%+v: call %d: %x", f, call, got)
			}
		}
		slices.Sort(calls)
		if distinct := len(slices.Compact(slices.Clone(calls))); distinct != len(calls) {
			t.Errorf("%d calls are listed, %d of them distinct", len(calls), distinct)
		}
	}
}
