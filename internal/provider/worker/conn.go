package worker

import (
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
	if w.err != nil {
		secmem.Wipe(w.out)
		w.out = nil
	}
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

// reader receives frames. It wipes what it has handed on. Not safe for concurrent use.
type reader struct {
	from io.Reader
	buf  []byte
	r, w int // buf[r:w] is received and not handed on
}

// inputSize is the size of a reader's buffer in bytes: several small frames.
const inputSize = 64 << 10

func newReader(from io.Reader) *reader { return &reader{from: from, buf: make([]byte, inputSize)} }

// more reports whether another frame has begun to arrive.
func (r *reader) more() bool { return r.w-r.r >= frameHeader }

// next reads a frame, whose body is the caller's. A body over what most allows for its call, or over maxBody, is an error.
func (r *reader) next(most func(id uint64) int) (id uint64, body []byte, err error) {
	for r.w-r.r < frameHeader {
		if err := r.fill(); err != nil {
			return 0, nil, err
		}
	}
	head := r.buf[r.r:]
	n := int64(binary.LittleEndian.Uint32(head))
	id = binary.LittleEndian.Uint64(head[4:])
	limit := maxBody
	if most != nil {
		if limit = most(id); limit < 0 {
			return 0, nil, errNobody
		}
	}
	if n > int64(min(limit, maxBody)) {
		return 0, nil, fmt.Errorf("%w: it has %d bytes; the limit is %d", errFrame, n, min(limit, maxBody))
	}
	r.r += frameHeader
	body = make([]byte, n)
	taken := copy(body, r.buf[r.r:r.w])
	r.r += taken
	if _, err := io.ReadFull(r.from, body[taken:]); err != nil {
		secmem.Wipe(body)
		return 0, nil, err
	}
	if r.r == r.w {
		r.wipe()
	}
	return id, body, nil
}

// fill receives once more.
func (r *reader) fill() error {
	if r.r > 0 {
		copy(r.buf, r.buf[r.r:r.w])
		secmem.Wipe(r.buf[r.w-r.r : r.w])
		r.r, r.w = 0, r.w-r.r
	}
	n, err := r.from.Read(r.buf[r.w:])
	r.w += n
	return err
}

// wipe forgets what has been handed on, and what has not.
func (r *reader) wipe() {
	secmem.Wipe(r.buf[:r.w])
	r.r, r.w = 0, 0
}
