package sandbox

import (
	"context"
	"errors"
	"net"
	"os"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger"
)

// Start starts a worker and returns when it has said that it is confined as Process.Report says. The ctx bounds the start
// alone; the worker lives until it ends, Kill, or the daemon's end, however that comes. What Start does not return, it has
// ended and cleared away.
//
// Errors: ErrInvalidArgument for a configuration that cannot be meant, configured paths that do not exist included;
// ErrUnsupportedOperation for what Required asks and cannot have; ErrOperationFailed for a program that cannot be started, or that
// ends or fails before it is confined; ErrOperationTimedOut for the deadline of ctx, and the error of ctx itself when it is
// cancelled; ErrInternal when the system is out of descriptors. Start may be called concurrently.
func Start(ctx context.Context, c Config) (*Process, error) {
	c, err := c.checked()
	if err != nil {
		return nil, err
	}
	kernel := c.kernel
	if kernel == nil {
		asked := Supported()
		kernel = &asked
	}
	report, err := c.judge(*kernel)
	if err != nil {
		return nil, err
	}
	other := c.otherUser(*kernel)
	p, err := spawn(c, other)
	if err != nil {
		return nil, err
	}
	p.Report = report
	err = p.introduce(ctx, plan{
		Report:  report,
		Network: c.Network,
		Shared:  !other,
		Drop:    c.Mode != Off || other,
		Read:    c.Read, Write: c.Write, Hidden: c.Hidden,
		Procs: runtime.GOMAXPROCS(0),
	})
	if err != nil {
		p.Kill()
		_ = p.Wait() // it was killed, or has failed for the reason that err says
		return nil, err
	}
	return p, nil
}

// introduce tells both stages what to do, and waits for what comes of it.
func (p *Process) introduce(ctx context.Context, todo plan) error {
	stop := context.AfterFunc(ctx, func() { _ = p.Conn.SetDeadline(time.Unix(1, 0)) })
	said, err := p.ask(todo)
	if !stop() {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return claviger.Errorf(claviger.ErrOperationTimedOut, op, "worker %d was not confined in time", p.PID)
		}
		return ctx.Err()
	}
	if _, coded := errors.AsType[*claviger.Error](err); coded {
		return err
	}
	if err != nil {
		return claviger.Errorf(claviger.ErrOperationFailed, op, "worker %d ended before it was confined", p.PID)
	}
	return said.err()
}

// ask sends the plan for each stage and reads the answer. A worker that fails does not read all that was sent to it, so only what
// it says counts.
func (p *Process) ask(todo plan) (said answer, err error) {
	for todo.Stage = 1; todo.Stage <= 2; todo.Stage++ {
		err := writeFrame(p.Conn, todo)
		if _, coded := errors.AsType[*claviger.Error](err); coded {
			return said, err
		}
	}
	return said, readFrame(p.Conn, &said)
}

// spawn starts the program, not yet confined, with all that belongs to it on the daemon's side.
func spawn(c Config, other bool) (*Process, error) {
	var files inheritance
	defer files.close()
	conn, err := files.pair()
	if err != nil {
		return nil, claviger.Errorf(claviger.ErrInternal, op, "no socket pair for the worker: %v", err)
	}
	output, err := files.output(c.Stderr != nil)
	if err != nil {
		conn.Close()
		return nil, claviger.Errorf(claviger.ErrInternal, op, "no output for the worker: %v", err)
	}
	attr := &os.ProcAttr{
		Dir:   "/",
		Env:   c.Env,
		Files: []*os.File{files.null, files.print, files.print, files.socket},
		Sys:   &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL},
	}
	if other {
		attr.Sys.Credential = &syscall.Credential{Uid: c.User.UID, Gid: c.User.GID, Groups: c.User.Groups}
	}
	p := &Process{Conn: conn, output: output, release: make(chan bool, 1), done: make(chan struct{})}
	if err := p.start(c, attr); err != nil {
		conn.Close()
		if output != nil {
			output.Close()
		}
		return nil, claviger.Errorf(claviger.ErrOperationFailed, op, "worker cannot be started: %v", err)
	}
	return p, nil
}

// inheritance is the worker's ends of what the two processes share: close-on-exec here, and closed once it is started.
type inheritance struct {
	null, print, socket *os.File
}

func (i *inheritance) close() {
	for _, f := range []*os.File{i.null, i.print, i.socket} {
		if f != nil {
			f.Close() // null and print may be one, and then the second call does nothing
		}
	}
}

// pair makes the socket pair and gives the daemon's end. The worker's end waits in calls, because its stages have no poller.
func (i *inheritance) pair() (*net.UnixConn, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	i.socket = os.NewFile(uintptr(fds[1]), "worker")
	return connection(fds[0])
}

// output opens what the worker has for descriptors 0 to 2. With a log it gives the end of the pipe to read from.
func (i *inheritance) output(logged bool) (*os.File, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	i.null, i.print = null, null
	if !logged {
		return nil, nil
	}
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("pipe2", err)
	}
	i.print = os.NewFile(uintptr(fds[1]), "log")
	if err := unix.SetNonblock(fds[0], true); err != nil {
		unix.Close(fds[0])
		return nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(fds[0]), "log"), nil
}

// connection makes a connection of a connected socket, which it takes over also on an error.
func connection(fd int) (*net.UnixConn, error) {
	f := os.NewFile(uintptr(fd), "worker")
	defer f.Close() // FileConn has a duplicate of its own
	c, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	u, ok := c.(*net.UnixConn)
	if !ok {
		c.Close()
		return nil, errors.New("not a unix socket")
	}
	return u, nil
}
