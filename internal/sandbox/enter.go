package sandbox

import (
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger"
)

// socket is the descriptor over which a worker is spoken to.
const socket = 3

// Enter confines this process, which Start has started, as Start was told. The worker calls it from main before it starts
// a goroutine, opens a file or loads foreign code. It starts the program once more and does not return the first time. The second
// time it gives the connection to the daemon, whose other end is Process.Conn, and what is in force.
//
// The program's GOMAXPROCS is the daemon's afterwards. On an error nothing is promised and the worker must end; the daemon has been told if it
// could be. The error is ErrInvalidOperation if Start has not started this process.
func Enter() (*net.UnixConn, Report, error) {
	kind, err := unix.GetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil || kind != unix.AF_UNIX {
		return nil, Report{}, claviger.Errorf(claviger.ErrInvalidOperation, op, "only the daemon starts a worker: descriptor %d is not its socket", socket)
	}
	var todo plan
	if err := readFrame(descriptor(socket), &todo); err != nil {
		return nil, Report{}, claviger.WrapError(claviger.ErrInvalidOperation, op, err)
	}
	var conn *net.UnixConn
	if todo.Stage == 1 {
		err = todo.restart()
	} else {
		conn, err = todo.confine()
	}
	if err != nil {
		refusal, _ := claviger.WrapError(claviger.ErrInternal, op, err).(*claviger.Error)
		_ = writeFrame(descriptor(socket), answer{Code: refusal.Code, Detail: refusal.Detail})
		return nil, Report{}, refusal
	}
	return conn, todo.Report, nil
}

// restart is stage one: what a thread passes on to the program that it executes. It returns only errors.
func (p plan) restart() error {
	runtime.LockOSThread() // for good: this thread is not like the others any longer
	for _, step := range []func() error{leaveDescriptors, p.renounce, noCore, undumpable, p.landlock} {
		if err := step(); err != nil {
			return err
		}
	}
	err := unix.Exec(program(), os.Args, os.Environ())
	return claviger.Errorf(claviger.ErrInternal, op, "program cannot be executed once more: %v", err)
}

// confine is stage two: what execve undoes, and what applies to all threads at once.
func (p plan) confine() (*net.UnixConn, error) {
	if p.Procs > 0 {
		runtime.GOMAXPROCS(p.Procs)
	}
	if err := undumpable(); err != nil {
		return nil, err
	}
	if p.Report.Seccomp {
		f := filter{network: p.Network, shared: p.Shared, landlock: p.Report.Landlock, pid: uint32(unix.Getpid())}
		if err := f.install(); err != nil {
			return nil, err
		}
	}
	conn, err := connection(socket)
	if err != nil {
		return nil, claviger.Errorf(claviger.ErrInternal, op, "descriptor %d: %v", socket, err)
	}
	if err := writeFrame(conn, answer{}); err != nil {
		conn.Close()
		return nil, claviger.Errorf(claviger.ErrConnectionFailed, op, "the daemon is gone: %v", err)
	}
	return conn, nil
}

// leaveDescriptors marks all descriptors but 0 to 3 to be closed by execve: close_range(2), or one by one before Linux 5.11.
// The runtime of stage one may still need its own.
func leaveDescriptors() error {
	if unix.CloseRange(socket+1, ^uint(0)>>32, unix.CLOSE_RANGE_CLOEXEC) == nil {
		return nil
	}
	return leaveEach("/proc/self/fd")
}

// program gives the path to execute: the program's own where it still leads to it, because the kernel names the process
// after the path, and else the link that always does.
func program() string {
	path, err := os.Readlink(self)
	if err != nil {
		return self
	}
	there, err := os.Stat(path)
	if err != nil {
		return self
	}
	running, err := os.Stat(self)
	if err != nil || !os.SameFile(there, running) {
		return self
	}
	return path
}
