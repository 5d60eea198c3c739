package worker

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync"
	"syscall"

	"github.com/claviger/claviger/internal/secmem"
	"github.com/claviger/claviger/internal/sock"
)

// pipe is a connection whose system calls never wait: Go's poller does, so that the runtime need not watch them.
type pipe struct{ raw syscall.RawConn }

func newPipe(c *net.UnixConn) (pipe, error) {
	raw, err := c.SyscallConn()
	return pipe{raw}, err
}

// Read reads once, when there is something.
func (p pipe) Read(b []byte) (n int, err error) {
	waited := p.raw.Read(func(fd uintptr) bool {
		n, err = sock.Recv(fd, b)
		return err != sock.ErrAgain
	})
	if waited != nil {
		return 0, waited
	}
	return n, err
}

// Write writes all of b.
func (p pipe) Write(b []byte) (n int, err error) {
	waited := p.raw.Write(func(fd uintptr) bool {
		for n < len(b) {
			var sent int
			if sent, err = sock.Send(fd, b[n:]); err != nil {
				return err != sock.ErrAgain
			}
			n += sent
		}
		return true
	})
	if waited != nil {
		return n, waited
	}
	return n, err
}

// writer sends frames. Who comes while another writes leaves the frame to it, so that many callers' frames take one system
// call. Safe for concurrent use.
type writer struct {
	to io.Writer

	mu   sync.Mutex
	out  []byte // frames that wait
	free []byte // the buffer of the write before
	busy bool   // somebody writes
	err  error  // of the first write that failed
}

// keepOut is the largest buffer in bytes that is kept between writes.
const keepOut = 1 << 20

// add appends a frame of at most size bytes, which flush writes. An error is that of a write before.
func (w *writer) add(size int, frame func(dst []byte) []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return w.err
	}
	w.reserve(size)
	w.out = frame(w.out)
	return nil
}

// flush sees that all frames are written, by this goroutine or the one that writes already; with yield it lets those that are
// about to add theirs do so first. Buffers are wiped when they are written or outgrown.
func (w *writer) flush(yield bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.busy {
		return w.err
	}
	w.busy = true
	if yield {
		w.mu.Unlock()
		runtime.Gosched()
		w.mu.Lock()
	}
	for len(w.out) > 0 && w.err == nil {
		batch := w.out
		w.out = w.free[:0]
		w.mu.Unlock()
		_, err := w.to.Write(batch)
		secmem.Wipe(batch)
		w.mu.Lock()
		w.err = err
		if w.free = nil; cap(batch) <= keepOut {
			w.free = batch[:0]
		}
	}
	w.busy = false
	return w.err
}

// send is add and flush.
func (w *writer) send(size int, frame func(dst []byte) []byte) error {
	if err := w.add(size, frame); err != nil {
		return err
	}
	return w.flush(true)
}

// reserve makes room for n more bytes, so that no frame is left behind in a buffer that grew; the caller holds mu.
func (w *writer) reserve(n int) {
	if cap(w.out)-len(w.out) >= n {
		return
	}
	bigger := make([]byte, len(w.out), max(2*cap(w.out), len(w.out)+n, 4<<10))
	copy(bigger, w.out)
	secmem.Wipe(w.out)
	w.out = bigger
}

// reader receives frames. Not safe for concurrent use.
type reader struct {
	from *bufio.Reader
	head [frameHeader]byte
}

// more reports whether another frame has begun to arrive.
func (r *reader) more() bool { return r.from.Buffered() >= frameHeader }

func newReader(from io.Reader) *reader { return &reader{from: bufio.NewReaderSize(from, 64<<10)} }

// next reads a frame into buf, which it enlarges where it must. A body over maxBody is an error.
func (r *reader) next(buf []byte) (id uint64, body []byte, err error) {
	if _, err := io.ReadFull(r.from, r.head[:]); err != nil {
		return 0, buf, err
	}
	n := binary.LittleEndian.Uint32(r.head[:])
	if n > maxBody {
		return 0, buf, fmt.Errorf("%w: it has %d bytes; the limit is %d", errFrame, n, maxBody)
	}
	if int(n) > cap(buf) {
		buf = make([]byte, n)
	}
	body = buf[:n]
	_, err = io.ReadFull(r.from, body)
	return binary.LittleEndian.Uint64(r.head[4:]), body, err
}
