package server

import (
	"net"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/sock"
)

// Limits in bytes of what waits for a client to read it.
const (
	softPending = 1 << 20  // beyond it no further request of the connection is handled
	hardPending = 16 << 20 // beyond it the connection is closed
)

// writer sends whole frames on one connection. What the socket does not take at once is kept and sent by a goroutine of
// its own, so that nobody who answers ever waits for a client. Safe for concurrent use; must not be copied.
type writer struct {
	net   *net.UnixConn
	raw   syscall.RawConn
	frame time.Duration // in which the client must take something

	mu       sync.Mutex
	changed  sync.Cond // pending shrank, or failed was set
	pending  []byte
	draining bool
	gathered []byte // replies of calls that were pooled, on their way to one send
	gathers  bool   // somebody is about to send gathered
	failed   error

	now     []byte // what once sends; under mu
	sent    int
	sendErr error
	once    func(fd uintptr) bool
}

func (w *writer) init(nc *net.UnixConn, raw syscall.RawConn, frame time.Duration) {
	w.net, w.raw, w.frame = nc, raw, frame
	w.changed.L = &w.mu
	w.once = func(fd uintptr) bool {
		w.sent, w.sendErr = sock.Send(fd, w.now)
		return true
	}
}

// send sends b, which must be whole frames and is the caller's again afterwards. It does not wait. The error is that of
// the connection, which is then closed.
func (w *writer) send(b []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sendNow(b)
}

// gather is send for calls that end on many goroutines at once: the first of them lets others come along, so that their
// replies take one system call and wake the client once.
func (w *writer) gather(b []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failed == nil && w.gathers {
		w.keep(b)
		return nil
	}
	w.gathers = true
	w.keep(b)
	w.mu.Unlock()
	runtime.Gosched()
	w.mu.Lock()
	w.gathers = false
	batch := w.gathered
	w.gathered = nil
	err := w.sendNow(batch)
	clear(batch)
	if cap(batch) <= keepGathered {
		w.gathered = batch[:0]
	}
	return err
}

// keep adds to what is gathered; a buffer that is outgrown is wiped. The caller holds mu.
func (w *writer) keep(b []byte) {
	if n := len(w.gathered) + len(b); n > cap(w.gathered) {
		bigger := append(make([]byte, 0, max(2*cap(w.gathered), n)), w.gathered...)
		clear(w.gathered)
		w.gathered = bigger
	}
	w.gathered = append(w.gathered, b...)
}

// keepGathered is the largest buffer in bytes that is kept for gathering.
const keepGathered = 64 << 10

// sendNow is send; the caller holds mu.
func (w *writer) sendNow(b []byte) error {
	if w.failed != nil {
		return w.failed
	}
	if !w.draining {
		w.now = b
		err := w.raw.Write(w.once)
		w.now = nil
		if err == nil && w.sendErr != sock.ErrAgain {
			err = w.sendErr
		}
		if err != nil {
			return w.fail(err)
		}
		b = b[w.sent:]
	}
	if len(b) == 0 {
		return nil
	}
	if len(w.pending)+len(b) > hardPending {
		return w.fail(claviger.Errorf(claviger.ErrQuotaExceeded, "reply", "%d bytes wait for the client to read them", len(w.pending)))
	}
	w.pending = append(w.pending, b...)
	if !w.draining {
		w.draining = true
		go w.drain()
	}
	return nil
}

// fail closes the connection; the caller holds mu.
func (w *writer) fail(err error) error {
	if w.failed == nil {
		w.failed = err
		w.net.Close()
		clear(w.pending)
		w.pending = nil
		w.changed.Broadcast()
	}
	return err
}

// settle waits until at most softPending bytes are pending.
func (w *writer) settle() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.failed == nil && len(w.pending) > softPending {
		w.changed.Wait()
	}
	return w.failed
}

// finish waits until nothing is pending, so that the connection can be closed.
func (w *writer) finish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.failed == nil && w.draining {
		w.changed.Wait()
	}
}

// drain sends what is pending until nothing is.
func (w *writer) drain() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.failed == nil && len(w.pending) > 0 {
		chunk := w.pending
		w.pending = nil
		w.mu.Unlock()
		err := w.all(chunk)
		clear(chunk)
		w.mu.Lock()
		if err != nil {
			_ = w.fail(err)
		}
		w.changed.Broadcast()
	}
	w.draining = false
	w.changed.Broadcast()
	_ = w.net.SetWriteDeadline(time.Time{})
}

// all writes b; the client must take some of it within each span of w.frame.
func (w *writer) all(b []byte) error {
	for len(b) > 0 {
		var n int
		var failed error
		_ = w.net.SetWriteDeadline(time.Now().Add(w.frame))
		err := w.raw.Write(func(fd uintptr) bool {
			n, failed = sock.Send(fd, b)
			return failed != sock.ErrAgain
		})
		if err == nil {
			err = failed
		}
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}
