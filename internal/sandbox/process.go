package sandbox

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger"
)

// drainTime is how long the log is read on after the worker's end, if something else still holds it open.
const drainTime = time.Second

// Process is a worker that runs, or has ended. Its methods may be called concurrently. Whoever has it calls Wait once at least.
//
// The kernel ends the worker when the daemon ends, also by SIGKILL: PR_SET_PDEATHSIG, which the filter keeps the worker from
// taking back. The kernel ties that signal to the thread that started the worker and not to the process, so each worker
// has a goroutine that keeps its thread for as long as the worker lives.
type Process struct {
	Conn   *net.UnixConn // the daemon's end; whatever has been read of it since is the caller's
	PID    int           // also the number of the worker's session and process group
	Report Report        // what is in force

	process *os.Process
	output  *os.File  // what the worker prints; nil without a log
	release chan bool // to the owner of the thread: true to end the thread, closed to give it back
	tasks   sync.WaitGroup

	mu     sync.Mutex
	reaped bool // guarded by mu: the number may be another process's

	done  chan struct{} // closed when the worker is reaped and its log written
	state *os.ProcessState
}

// start starts the program on a thread of its own, and the goroutines that see to it.
func (p *Process) start(c Config, attr *os.ProcAttr) error {
	started := make(chan error, 1)
	p.tasks.Go(func() {
		onThread(func() bool {
			process, err := os.StartProcess(c.Path, c.argv(), attr)
			if err == nil {
				p.process, p.PID = process, process.Pid
			}
			started <- err
			return err == nil && <-p.release
		})
	})
	if err := <-started; err != nil {
		p.tasks.Wait()
		return err
	}
	logged := make(chan struct{})
	p.tasks.Go(func() {
		defer close(logged)
		if p.output != nil {
			copyLines(c.Stderr, p.output, time.Now)
		}
	})
	p.tasks.Go(func() { p.reap(logged) })
	return nil
}

// onThread runs f on a thread that nothing else uses meanwhile, and that ends with f if f says so. A process's first thread
// cannot end before the process does, so it is not used.
func onThread(f func() (end bool)) {
	runtime.LockOSThread()
	if unix.Gettid() != unix.Getpid() {
		if !f() {
			runtime.UnlockOSThread() // a goroutine that ends without it takes its thread along
		}
		return
	}
	elsewhere, finished := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(finished)
		runtime.LockOSThread() // another thread, because the first one is locked
		close(elsewhere)
		if !f() {
			runtime.UnlockOSThread()
		}
	}()
	<-elsewhere
	runtime.UnlockOSThread()
	<-finished
}

// reap waits for the worker's end, ends what it may have left of its group, and frees its number last.
func (p *Process) reap(logged <-chan struct{}) {
	for unix.Waitid(unix.P_PID, p.PID, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
	p.mu.Lock()
	_ = unix.Kill(-p.PID, unix.SIGKILL) // most often there is nobody
	p.state, _ = p.process.Wait()       // fails only for a process that somebody else has reaped
	p.reaped = true
	p.mu.Unlock()
	close(p.release)
	if p.output != nil {
		_ = p.output.SetReadDeadline(time.Now().Add(drainTime))
		<-logged
		p.output.Close()
	}
	close(p.done)
}

// Kill ends the worker and all of its process group with SIGKILL, whatever they are doing. It does not wait; Wait does. Further
// calls do nothing. Where the daemon may not signal the worker's user, it ends the thread that started the worker, and the kernel signals.
func (p *Process) Kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reaped {
		return
	}
	if unix.Kill(-p.PID, unix.SIGKILL) != nil {
		select {
		case p.release <- true:
		default: // said before
		}
	}
}

// Exited is closed when the worker has ended, however that came, and its last line has been written. Conn stays open, so
// that an answer the worker had sent can still be read.
func (p *Process) Exited() <-chan struct{} { return p.done }

// Wait waits for the worker's end, closes Conn, and returns when nothing of the worker is left: no process, descriptor or
// goroutine. It is nil for a worker that exited with status 0, and else an ErrOperationFailed that says how it ended.
func (p *Process) Wait() error {
	<-p.done
	p.tasks.Wait()
	p.Conn.Close()
	return ended(p.state)
}

// ended says how a worker has ended.
func ended(state *os.ProcessState) error {
	how := "somebody else has waited for it"
	if state != nil {
		status, _ := state.Sys().(syscall.WaitStatus)
		switch {
		case status.Exited() && status.ExitStatus() == 0:
			return nil
		case status.Exited():
			how = fmt.Sprintf("exit status %d", status.ExitStatus())
		case status.Signaled() && status.Signal() == unix.SIGSYS:
			how = "a system call of a foreign architecture"
		case status.Signaled():
			how = fmt.Sprintf("signal %d, %v", status.Signal(), status.Signal())
		}
	}
	return claviger.Errorf(claviger.ErrOperationFailed, op, "it has ended: %s", how)
}
