package crash_test

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// writing are the system calls by which a program changes what lies in files, or says that it has.
var writing = []uint64{
	unix.SYS_WRITE, unix.SYS_PWRITE64, unix.SYS_PWRITEV, unix.SYS_FTRUNCATE, unix.SYS_FALLOCATE, unix.SYS_FSYNC, unix.SYS_FDATASYNC,
	unix.SYS_SYNC_FILE_RANGE, unix.SYS_MSYNC, unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2, unix.SYS_LINKAT, unix.SYS_UNLINKAT, unix.SYS_FLOCK,
}

// killedAt runs a command and ends it by SIGKILL when it is about to begin its nth writing system call, of all its threads
// together. It gives true when it was killed; when it has ended by itself before, its exit status. cmd must not have pipes.
func killedAt(t *testing.T, cmd *exec.Cmd, n int) (killed bool, status int) {
	t.Helper()
	runtime.LockOSThread() // the tracer is a thread, not a process
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr.Ptrace = true
	if err := cmd.Start(); errors.Is(err, os.ErrPermission) {
		t.Skipf("needs ptrace: %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Release()
	leader := cmd.Process.Pid
	var ws unix.WaitStatus
	if _, err := unix.Wait4(leader, &ws, unix.WALL, nil); err != nil || !ws.Stopped() {
		t.Fatalf("the child did not stop at its start: %v, %v", ws, err)
	}
	must(t, unix.PtraceSetOptions(leader, unix.PTRACE_O_TRACESYSGOOD|unix.PTRACE_O_TRACECLONE|unix.PTRACE_O_EXITKILL))
	must(t, unix.PtraceSyscall(leader, 0))
	for seen := 0; ; {
		pid, err := unix.Wait4(-1, &ws, unix.WALL|unix.WNOTHREAD, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		must(t, err)
		switch {
		case pid == leader && ws.Exited():
			return false, ws.ExitStatus()
		case pid == leader && ws.Signaled():
			return true, 0
		case !ws.Stopped():
			continue
		case ws.StopSignal() == unix.SIGTRAP|0x80 && begins(pid):
			if seen++; seen == n {
				must(t, unix.Kill(leader, unix.SIGKILL))
				continue
			}
		}
		resume(t, pid, ws)
	}
}

// resume lets a stopped thread go on to its next system call, with the signal that it was stopped for.
func resume(t *testing.T, pid int, ws unix.WaitStatus) {
	t.Helper()
	deliver := 0
	switch sig := ws.StopSignal(); sig {
	case unix.SIGTRAP, unix.SIGTRAP | 0x80, unix.SIGSTOP: // the tracer's own: events, calls, the start of a thread
	default:
		deliver = int(sig)
	}
	if err := unix.PtraceSyscall(pid, deliver); err != nil && !errors.Is(err, unix.ESRCH) { // gone, with its process
		t.Fatal(err)
	}
}

// begins tells whether a thread that stopped at a system call is about to begin one of those that write.
func begins(pid int) bool {
	var info struct { // struct ptrace_syscall_info of ptrace(2), as far as a beginning call fills it
		op   uint8 // 1: about to begin
		_    [3]uint8
		arch uint32
		_    [2]uint64
		nr   uint64
		_    [8]uint64
	}
	n, _, errno := unix.RawSyscall6(unix.SYS_PTRACE, unix.PTRACE_GET_SYSCALL_INFO, uintptr(pid), unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0)
	return errno == syscall.Errno(0) && n > 0 && info.op == unix.PTRACE_SYSCALL_INFO_ENTRY && slices.Contains(writing, info.nr)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
