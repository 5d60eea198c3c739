package link

import (
	"errors"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/sock"
	"github.com/claviger/claviger/internal/wire"
)

// Sizes in bytes of a connection's buffers.
const (
	firstInput  = 4 << 10
	normalInput = wire.HeaderSize + wire.MaxData
	keepOutput  = 192 << 10 // larger output buffers are not kept
	maxCancels  = 64 << 10  // no cancel is queued behind so much output
	maxOutput   = 32 << 20  // no request is queued behind so much: those that were given up wait here too
)

// conn is one connection, shared by the calls that wait on it. At any time one of them may write and one may read; who
// waits and is neither relies on the reader, which also watches everybody's deadline.
type conn struct {
	link *Link
	net  *net.UnixConn
	raw  syscall.RawConn
	load int // calls; under link.mu

	mu      sync.Mutex
	err     error   // sticky
	slots   []*call // every call that ever waited here; the lower bits of an id say which
	free    []*call
	waiting int
	lost    int // replies that nobody waits for any longer may still come
	seq     uint64

	writing bool
	out     []byte // whole frames, and at first perhaps the rest of one
	spare   []byte
	// outSecret and takenSecret say that out, and what takeOut took of it, has control messages, in which keys and secrets travel.
	outSecret   bool
	takenSecret bool

	queued uint64 // bytes that were ever put into out
	sent   uint64 // bytes that were ever sent; the writer's
	marks  []mark
	marked atomic.Int32 // len(marks)

	reading  bool
	armed    int64 // clock of the read deadline; 0 none
	in       []byte
	r, w     int // in[r:w] is received and not handled; the reader's
	got      int
	readErr  error
	sendErr  error
	sending  bool // the next run of exchange sends
	sendBuf  []byte
	sendN    int
	spin     sock.Spinner // the reader's
	receive  func(fd uintptr) bool
	await    func(fd uintptr) bool
	exchange func(fd uintptr) bool
	transmit func(fd uintptr) bool
}

// mark says that a descriptor goes with a frame: the n bytes from off of all that is ever queued.
type mark struct {
	off uint64
	n   int
	fd  int
}

func newConn(l *Link, nc *net.UnixConn) (*conn, error) {
	raw, err := nc.SyscallConn()
	if err != nil {
		return nil, claviger.WrapError(claviger.ErrConnectionFailed, "connect", err)
	}
	c := &conn{link: l, net: nc, raw: raw, in: make([]byte, firstInput)}
	c.receive = func(fd uintptr) bool {
		c.got, c.readErr = sock.Recv(fd, c.in[c.w:])
		return c.readErr != sock.ErrAgain
	}
	c.transmit = func(fd uintptr) bool {
		c.sendN, c.sendErr = c.transmitOnce(fd, c.sendBuf)
		return true
	}
	c.exchange = func(fd uintptr) bool {
		if !c.sending {
			return c.await(fd)
		}
		return c.sendWhole(fd) || c.spinFor(fd)
	}
	c.await = func(fd uintptr) bool { return c.receive(fd) || c.spinFor(fd) }
	return c, nil
}

// spinFor looks for the reply for a short while before the poller is asked to wait for it, and holds on to the processor
// when no other call is under way in this process.
func (c *conn) spinFor(fd uintptr) bool {
	if c.link.flying.Load() > 1 {
		return c.spin.Linger(func() bool { return c.receive(fd) })
	}
	if c.link.processors == 1 {
		runtime.Gosched() // others who want to call now are better served together
	}
	got := false
	c.spin.Spin(func() bool {
		got = c.link.flying.Load() == 1 && c.receive(fd)
		return got || c.link.flying.Load() > 1
	})
	return got
}

// received handles the outcome of a read: it delivers replies, or ends the connection, or looks for calls whose time is
// over. The caller holds mu and is the reader.
func (c *conn) received(err error) {
	switch {
	case err == nil:
		c.w += c.got
		c.deliver()
	case errors.Is(err, sock.ErrAgain):
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.expire()
	default:
		c.breakOff(broken("receive", err))
	}
}

// expire ends the wait of calls whose deadline has passed, has the contexts of others watched that have lasted a while,
// and arms the next deadline; the caller holds mu.
func (c *conn) expire() {
	now, next := c.link.clock(), int64(0)
	for _, k := range c.slots {
		if !k.waiting {
			continue
		}
		if k.expire(now); k.over() {
			k.wake()
			continue
		}
		if k.look != 0 && now >= k.look {
			c.watch(k)
		}
		if at := k.next(); at != 0 && (next == 0 || at < next) {
			next = at
		}
	}
	c.arm(next)
}

// arm sets the read deadline to a clock, 0 for none; the caller holds mu.
func (c *conn) arm(at int64) {
	c.armed = at
	var t time.Time
	if at != 0 {
		t = c.link.epoch.Add(time.Duration(at))
	}
	_ = c.net.SetReadDeadline(t)
}

// deliver hands out the complete replies of the input; the caller holds mu and is the reader.
func (c *conn) deliver() {
	for c.w-c.r >= wire.HeaderSize && c.err == nil {
		h, err := wire.ParseReply(c.in[c.r:c.w])
		if err != nil {
			c.breakOff(broken("receive", err))
			return
		}
		total := wire.HeaderSize + int(h.Length)
		if c.w-c.r < total {
			c.makeRoom(total)
			return
		}
		body := c.in[c.r+wire.HeaderSize : c.r+total]
		c.r += total
		if i := int(h.ID & slotMask); i < len(c.slots) && c.slots[i].waiting && c.slots[i].id == h.ID {
			c.slots[i].answer(h, body)
			c.waiting--
		} else if c.lost > 0 {
			c.lost--
		}
		if h.Op.Control() {
			clear(body)
		}
	}
	if c.r == c.w {
		c.r, c.w = 0, 0
		if len(c.in) > normalInput {
			c.in = make([]byte, normalInput)
		}
	} else if len(c.in)-c.w < wire.HeaderSize {
		c.makeRoom(len(c.in) - 1)
	}
}

// makeRoom sees that a reply of total bytes fits and that there is room to read.
func (c *conn) makeRoom(total int) {
	in := c.in
	if total > len(in) {
		size := normalInput
		for size < total {
			size *= 2
		}
		in = make([]byte, size)
	}
	c.w = copy(in, c.in[c.r:c.w])
	c.r = 0
	c.in = in
}

// breakOff ends the connection and wakes all who wait; the caller holds mu.
func (c *conn) breakOff(err error) {
	if c.err != nil {
		return
	}
	c.err = err
	go c.net.Close() // which waits for who reads or writes, who may wait for mu
	if !c.writing {
		c.endWriting()
	}
	for _, k := range c.slots {
		if k.waiting {
			k.wake()
		}
	}
}

func broken(op string, err error) error {
	return &claviger.Error{Code: claviger.ErrConnectionFailed, Op: op, Detail: "the connection to the daemon broke: " + err.Error(), Err: err}
}
