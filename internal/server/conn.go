package server

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/sock"
	"github.com/claviger/claviger/internal/wire"
)

// Sizes of a connection's buffers in bytes. The input starts small, becomes normal with the hello and large with the
// first frame that needs it; only a control body beyond that gets more, charged to its tenant and given back after it.
const (
	strangerInput = 2 << 10
	normalInput   = 16 << 10
	largeInput    = wire.HeaderSize + wire.MaxData
	roomToRead    = 1 << 10 // free space that a read should find
	flushAt       = 64 << 10
	keepOutput    = 192 << 10 // a larger output buffer is not kept
)

var errBye = errors.New("closed after a refusal") // what was wrong has been answered

// conn is one connection. All but writer and calls belongs to its own goroutine.
type conn struct {
	srv  *Server
	net  *net.UnixConn
	raw  syscall.RawConn
	who  sock.Peer
	peer *peer // nil before the hello

	founder  bool // it said the session's hello
	stranger bool // the policy did not know the uid at the beginning; under srv.mu

	in      []byte // in[r:w] has been received and not handled
	r, w    int
	skip    int   // bytes of a refused body that are still to come
	charged int64 // of the tenant's bytes, for an input beyond largeInput
	arrived int64 // clock when the last bytes came
	now     int64 // clock when the last call ended

	frames  uint64 // handled so far
	armed   bool   // a read deadline is set, for the frame with this number
	armedAt uint64

	rx      sock.Receiver
	fds     []int // received and not claimed, at most one
	got     int
	recvErr error
	recv    func(fd uintptr) bool
	spin    sock.Spinner

	out    []byte
	writer writer
	calls  calls
}

func newConn(s *Server, nc *net.UnixConn, who sock.Peer) (*conn, error) {
	raw, err := nc.SyscallConn()
	if err != nil {
		return nil, claviger.WrapError(claviger.ErrConnectionFailed, "connect", err)
	}
	c := &conn{srv: s, net: nc, raw: raw, who: who, in: make([]byte, strangerInput)}
	c.writer.init(nc, raw, s.cfg.Frame)
	c.calls.init()
	c.recv = c.receive
	return c, nil
}

// run serves the connection until it ends and gives back all that it held.
func (s *Server) run(c *conn) error {
	err := c.serve()
	if err == io.EOF || closed(err) {
		err = nil
	}
	if s.closing.Load() {
		c.calls.wait()
	}
	c.calls.drop()
	c.writer.finish()
	c.net.Close()
	c.closeFDs()
	clear(c.in)
	clear(c.out[:cap(c.out)])
	if c.peer == nil {
		s.refuseStranger(c, err)
	} else {
		c.uncharge()
		c.peer.leave(err)
	}
	s.untrack(c)
	return err
}

func (s *Server) refuseStranger(c *conn, err error) {
	if err == nil {
		err = errors.New("closed without a hello")
	}
	s.refuse("connection ended before a session", "uid", c.who.UID, "pid", c.who.PID, "error", err.Error())
}

func (c *conn) serve() error {
	if c.peer == nil {
		c.armed = true // until the hello is there
		if err := c.net.SetReadDeadline(time.Now().Add(c.srv.cfg.Hello)); err != nil {
			return err
		}
	}
	for {
		if err := c.fill(); err != nil {
			return err
		}
		err := c.drain()
		if failed := c.flush(); err == nil {
			err = failed
		}
		if err != nil {
			return err
		}
	}
}

// fill waits for bytes and reads them once.
func (c *conn) fill() error {
	if err := c.writer.settle(); err != nil {
		return err
	}
	if err := c.deadline(); err != nil {
		return err
	}
	if c.r == c.w {
		c.r, c.w = 0, 0
	} else if len(c.in)-c.w < roomToRead {
		copy(c.in, c.in[c.r:c.w])
		c.r, c.w = 0, c.w-c.r
	}
	err := c.raw.Read(c.recv)
	if err == nil {
		err = c.recvErr
	}
	if err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return claviger.Errorf(claviger.ErrConnectionFailed, "receive", "frame not complete within its time")
		}
		return err
	}
	c.w += c.got
	c.arrived = c.srv.clock()
	c.now = c.arrived
	c.srv.soleConn.note(c, c.now)
	c.srv.solePeer.note(c.peer, c.now)
	return nil
}

// receive is what the poller runs when there may be something to read. While only one session is in use it looks a few
// times more before it has the poller wait, because going to sleep and being woken costs more than a small call; not
// while a pooled call of this connection needs the processor.
func (c *conn) receive(fd uintptr) bool {
	if c.look(fd) {
		return true
	}
	if c.peer == nil || c.calls.running.Load() > 0 {
		return false
	}
	switch look := func() bool { return c.look(fd) }; {
	case c.srv.soleConn.is(c, c.now):
		return c.spin.Spin(look)
	case c.srv.solePeer.is(c.peer, c.now):
		return c.spin.Linger(look)
	}
	return false
}

// look reads once; false if there is nothing.
func (c *conn) look(fd uintptr) bool {
	var more bool
	c.got, c.fds, more, c.recvErr = c.rx.Recv(fd, c.in[c.w:], c.fds)
	if c.recvErr == sock.ErrAgain {
		return false
	}
	if more || len(c.fds) > 1 {
		c.recvErr = claviger.Errorf(claviger.ErrInvalidFormat, "receive", "more descriptors than frames that announce one")
	}
	return true
}

// deadline sees that a frame that has begun must end in time and that an idle connection may wait for ever.
func (c *conn) deadline() error {
	begun := c.w > c.r || c.skip > 0
	switch {
	case c.peer == nil || begun && c.armed && c.armedAt == c.frames:
		return nil
	case begun:
		c.armed, c.armedAt = true, c.frames
		return c.net.SetReadDeadline(time.Now().Add(c.srv.cfg.Frame))
	case c.armed:
		c.armed = false
		return c.net.SetReadDeadline(time.Time{})
	}
	return nil
}

// drain handles all complete frames of the input. An error ends the connection.
func (c *conn) drain() error {
	for {
		if c.skip > 0 {
			n := min(c.skip, c.w-c.r)
			c.skip -= n
			c.r += n
		}
		if c.skip > 0 || c.w-c.r < wire.HeaderSize {
			break
		}
		h, err := wire.ParseRequest(c.in[c.r:c.w])
		if err == nil && c.peer == nil && h.Op != wire.OpHello {
			err = claviger.Errorf(claviger.ErrInvalidOperation, h.Op.String(), "the first frame is a hello")
		}
		if err != nil {
			c.fail(h, err)
			return errBye
		}
		total := wire.HeaderSize + int(h.Length)
		if c.w-c.r < total {
			c.makeRoom(h, total)
			break
		}
		body := c.in[c.r+wire.HeaderSize : c.r+total]
		c.r += total
		c.frames++
		if err := c.handle(h, body); err != nil {
			return err
		}
		if len(c.out) >= flushAt {
			if err := c.unload(); err != nil {
				return err
			}
		}
	}
	c.shrink()
	c.dropForeign()
	return nil
}

// makeRoom sees that a frame of total bytes fits into the input. A control body that the tenant has no bytes left for
// is refused, and what comes of it thrown away.
func (c *conn) makeRoom(h wire.Header, total int) {
	size := len(c.in)
	switch {
	case total <= size:
		return
	case total <= normalInput:
		size = normalInput
	case total <= largeInput:
		size = largeInput
	default:
		if err := c.peer.sess.Reserve(int64(total)); err != nil {
			c.fail(h, err)
			c.skip = total - (c.w - c.r)
			c.r = c.w
			c.frames++
			return
		}
		c.charged, size = int64(total), total
	}
	c.resize(size)
}

func (c *conn) resize(size int) {
	in := make([]byte, size)
	c.w = copy(in, c.in[c.r:c.w])
	c.r = 0
	clear(c.in)
	c.in = in
}

// shrink gives an input beyond largeInput back once its frame has been handled.
func (c *conn) shrink() {
	if c.charged > 0 && c.w-c.r < wire.HeaderSize {
		c.resize(normalInput)
		c.uncharge()
	}
}

func (c *conn) uncharge() {
	if c.charged > 0 {
		c.peer.sess.Unreserve(c.charged)
		c.charged = 0
	}
}

// dropForeign closes a received descriptor that no frame has announced. One that came with the beginning of a frame is
// kept until the frame's header can be read.
func (c *conn) dropForeign() {
	if len(c.fds) == 0 {
		return
	}
	if n := c.w - c.r; n > 0 && n < wire.HeaderSize {
		return
	} else if n > 0 {
		if h, err := wire.ParseRequest(c.in[c.r:c.w]); err == nil && h.Flags&wire.FlagFD != 0 {
			return
		}
	}
	c.closeFDs()
}

func (c *conn) closeFDs() {
	for _, fd := range c.fds {
		_ = unix.Close(fd)
	}
	c.fds = c.fds[:0]
}

// claimFD gives the descriptor that came with a frame; the caller closes it.
func (c *conn) claimFD() (int, error) {
	if len(c.fds) == 0 {
		return -1, claviger.Errorf(claviger.ErrInvalidArgument, "receive", "no descriptor came with the frame that announces one")
	}
	fd := c.fds[0]
	c.fds = c.fds[:0]
	return fd, nil
}

// unload sends the replies that have gathered while there are further requests in the input. Those wait, like requests
// that have not been read, while too much waits for the client.
func (c *conn) unload() error {
	if err := c.flush(); err != nil {
		return err
	}
	err := c.writer.settle()
	c.now = c.srv.clock()
	return err
}

// flush sends the replies that have gathered.
func (c *conn) flush() error {
	if len(c.out) == 0 {
		return nil
	}
	err := c.writer.send(c.out)
	if cap(c.out) > keepOutput {
		clear(c.out)
		c.out = nil
	}
	c.out = c.out[:0]
	return err
}

// reply appends a whole reply to the output.
func (c *conn) reply(h wire.Header, body []byte) {
	c.out = wire.Header{Length: uint32(len(body)), Op: h.Op, Flags: wire.FlagReply, ID: h.ID}.Append(c.out)
	c.out = append(c.out, body...)
}

// fail appends an error reply to the output.
func (c *conn) fail(h wire.Header, err error) { c.out = appendFailure(c.out, h, err) }

func appendFailure(dst []byte, h wire.Header, err error) []byte {
	start := len(dst)
	dst = wire.AppendError(wire.Header{}.Append(dst), h.Op, err)
	return seal(dst, start, h, wire.FlagReply|wire.FlagError)
}

// seal writes the header of the reply that starts at dst[start] and ends with dst.
func seal(dst []byte, start int, h wire.Header, flags wire.Flags) []byte {
	wire.Header{Length: uint32(len(dst) - start - wire.HeaderSize), Op: h.Op, Flags: flags, ID: h.ID}.Put(dst[start:])
	return dst
}
