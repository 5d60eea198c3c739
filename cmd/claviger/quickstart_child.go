package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// stopTime is how long a daemon has to stop in order before it is killed.
const stopTime = 3 * time.Second

// child is a daemon that lives at most as long as this process: it holds the reading end of a pipe and stops at its
// end, and the kernel kills it when the thread that started it dies, however that happens.
type child struct {
	cmd      *exec.Cmd
	lifeline *os.File // closed: the daemon stops in order
	stderr   *tail
	exited   chan struct{} // closed when the daemon is gone and reaped
}

// startChild runs this binary again with the arguments, and returns when the daemon has said that it is ready.
// parent is this process's own parent: should it die, this process gets SIGTERM.
func startChild(ctx context.Context, parent int, args ...string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	lifeRead, lifeWrite, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer lifeRead.Close()
	readyRead, readyWrite, err := os.Pipe()
	if err != nil {
		lifeWrite.Close()
		return nil, err
	}
	defer readyRead.Close()
	c := &child{lifeline: lifeWrite, stderr: &tail{}, exited: make(chan struct{})}
	c.cmd = exec.Command(self, append(args, "--lifeline", "3", "--ready", "4")...)
	c.cmd.ExtraFiles = []*os.File{lifeRead, readyWrite}
	c.cmd.Stderr = c.stderr
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go c.own(parent, started)
	err = <-started
	readyWrite.Close()
	if err != nil {
		lifeWrite.Close()
		return nil, err
	}
	if err := awaitReady(ctx, readyRead); err != nil {
		c.stop()
		return nil, errors.Join(err, c.stderr.err())
	}
	return c, nil
}

// own starts the daemon and waits for it. It keeps its thread from the start to the end, because the kernel ties the
// daemon's life to it.
func (c *child) own(parent int, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := followParent(parent)
	if err == nil {
		err = c.cmd.Start()
	}
	started <- err
	if err == nil {
		c.cmd.Wait() // its exit status says nothing that the flows do not say
	}
	close(c.exited)
}

// followParent asks the kernel for SIGTERM when this process's parent dies, so that a killed `go run` takes it along.
// A parent that is gone already is an error.
func followParent(parent int) error {
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGTERM), 0, 0, 0); err != nil {
		return fmt.Errorf("follow the parent process: %w", err)
	}
	if os.Getppid() != parent {
		return errors.New("the parent process is gone")
	}
	return nil
}

// awaitReady waits for the byte that the daemon writes when it listens.
func awaitReady(ctx context.Context, ready *os.File) error {
	stop := context.AfterFunc(ctx, func() { ready.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	_, err := io.ReadFull(ready, make([]byte, 1))
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return errors.New("the daemon did not start")
	}
	return nil
}

// stop ends the daemon in order, or after stopTime by force, and returns when it is gone. Idempotent.
func (c *child) stop() {
	c.lifeline.Close()
	timer := time.NewTimer(stopTime)
	defer timer.Stop()
	select {
	case <-c.exited:
	case <-timer.C:
		c.cmd.Process.Kill()
		<-c.exited
	}
}

// tail keeps the last bytes that were written to it. Safe for concurrent use.
type tail struct {
	mu  sync.Mutex
	buf []byte // guarded by mu
}

// tailSize is how much a tail keeps, in bytes.
const tailSize = 4 << 10

// Write never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if extra := len(t.buf) - tailSize; extra > 0 {
		t.buf = append(t.buf[:0], t.buf[extra:]...)
	}
	return len(p), nil
}

// err gives the last lines that were written as an error; nil if there were none.
func (t *tail) err() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if text := bytes.TrimSpace(t.buf); len(text) > 0 {
		return fmt.Errorf("daemon: %s", text)
	}
	return nil
}
