// Package linkbench is the peer that the link is measured against: a bare echo over a unix stream socket, with blocking
// reads and writes in locked threads, in a process of its own. Nothing that has to move the same bytes between two Go
// processes and wake the other one does less.
package linkbench

import (
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// ServeEcho listens at path and sends back what it gets, size bytes at a time, until the process ends. Each connection has a
// thread of its own.
func ServeEcho(path string, size int) error {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return err
	}
	for {
		c, err := l.AcceptUnix()
		if err != nil {
			return err
		}
		f, err := blocking(c)
		if err != nil {
			return err
		}
		go func() {
			runtime.LockOSThread()
			defer f.Close()
			fd, buf := int(f.Fd()), make([]byte, size)
			for readFull(fd, buf) == nil && writeFull(fd, buf) == nil {
			}
		}()
	}
}

// Echo is one connection to ServeEcho. For one goroutine at a time.
type Echo struct {
	f   *os.File
	fd  int
	buf []byte
}

// DialEcho connects to an echo of size bytes.
func DialEcho(path string, size int) (*Echo, error) {
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	f, err := blocking(c)
	if err != nil {
		return nil, err
	}
	return &Echo{f: f, fd: int(f.Fd()), buf: make([]byte, size)}, nil
}

// Call sends the bytes and waits for them. The calling goroutine should be locked to its thread.
func (e *Echo) Call() error {
	if err := writeFull(e.fd, e.buf); err != nil {
		return err
	}
	return readFull(e.fd, e.buf)
}

// Close closes the connection.
func (e *Echo) Close() error { return e.f.Close() }

// blocking takes a connection out of Go's poller.
func blocking(c *net.UnixConn) (*os.File, error) {
	defer c.Close()
	f, err := c.File()
	if err != nil {
		return nil, err
	}
	return f, unix.SetNonblock(int(f.Fd()), false)
}

func readFull(fd int, p []byte) error {
	for len(p) > 0 {
		n, err := unix.Read(fd, p)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		if n == 0 {
			return io.EOF
		}
		p = p[n:]
	}
	return nil
}

func writeFull(fd int, p []byte) error {
	for len(p) > 0 {
		n, err := unix.Write(fd, p)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

// Pin binds every thread of this process, and what it starts from now on, to one CPU.
func Pin(cpu int) error {
	var set unix.CPUSet
	set.Set(cpu)
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, t := range tasks {
		tid, err := strconv.Atoi(t.Name())
		if err != nil {
			return err
		}
		if err := unix.SchedSetaffinity(tid, &set); err != nil && err != unix.ESRCH {
			return err
		}
	}
	runtime.GOMAXPROCS(1)
	return nil
}

// Times are the latencies of calls, sorted.
type Times []time.Duration

// Latency makes calls one after the other, for span, in a locked thread if locked.
func Latency(span time.Duration, locked bool, call func() error) (Times, error) {
	if locked {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	var t Times
	start := time.Now()
	for last := start; last.Sub(start) < span; {
		if err := call(); err != nil {
			return nil, err
		}
		now := time.Now()
		t = append(t, now.Sub(last))
		last = now
	}
	slices.Sort(t)
	return t, nil
}

// Quantile gives the latency that the fraction q of calls kept; 0 without calls.
func (t Times) Quantile(q float64) time.Duration {
	if len(t) == 0 {
		return 0
	}
	return t[int(q*float64(len(t)-1))]
}

// Rate makes calls from several goroutines for span and gives calls per second. caller is asked once in each goroutine
// for the function that it calls.
func Rate(span time.Duration, callers int, locked bool, caller func() (func() error, error)) (float64, error) {
	var wg sync.WaitGroup
	counts, failures := make([]int, callers), make([]error, callers)
	begin, end := make(chan struct{}), make(chan struct{})
	var ready sync.WaitGroup
	for i := range callers {
		ready.Add(1)
		wg.Go(func() {
			if locked {
				runtime.LockOSThread()
			}
			call, err := caller()
			failures[i] = err
			ready.Done()
			<-begin
			for err == nil {
				select {
				case <-end:
					return
				default:
				}
				err = call()
				counts[i]++
			}
			failures[i] = err
		})
	}
	ready.Wait()
	start := time.Now()
	close(begin)
	time.Sleep(span)
	close(end)
	wg.Wait()
	took := time.Since(start)
	sum := 0
	for i, n := range counts {
		if failures[i] != nil {
			return 0, failures[i]
		}
		sum += n
	}
	return float64(sum) / took.Seconds(), nil
}
