package link

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/wire"
)

// An id is the number of a call on its connection and, in the lower bits, the slot that it waits in.
const (
	slotBits = 16
	slotMask = 1<<slotBits - 1
)

// grace is how much longer than the daemon the link waits, so that the daemon's own answer, which knows more, comes first.
const grace = 5 * time.Millisecond

// unwatched is for how long a call's context goes unwatched. Most calls are over by then, and having a context tell of
// its end costs as much as a small call, more still where several callers share one.
const unwatched = 5 * time.Millisecond

// request is what is to be called.
type request struct {
	op        wire.Op
	flags     wire.Flags
	data      wire.Data // data operations
	body      []byte    // the others
	fd        int       // with FlagFD; closed once it was sent, or when it never will be
	timeout   time.Duration
	dst       []byte // the reply is appended to it
	remaining uint32
	outFlags  wire.Flags // of the reply
}

// call waits for a reply. Fields are guarded by the connection's mu.
type call struct {
	slot     int
	id       uint64
	op       wire.Op
	waiting  bool
	answered bool
	late     bool  // its deadline has passed
	given    bool  // its context has ended
	deadline int64 // clock; 0 none
	ctx      context.Context
	look     int64       // clock at which ctx is to be watched from; 0 never, or already
	stop     func() bool // ends the watch; nil while there is none
	dst      []byte
	flags    wire.Flags
	err      error
	ready    chan struct{} // look again: answered, over, or needed as reader or writer
}

func (k *call) wake() {
	select {
	case k.ready <- struct{}{}:
	default:
	}
}

func (k *call) over() bool { return k.late || k.given }

func (k *call) expire(now int64) {
	if k.deadline != 0 && now >= k.deadline {
		k.late = true
	}
}

// next is the clock at which k must be looked at, 0 for never.
func (k *call) next() int64 {
	if k.look == 0 || k.deadline != 0 && k.deadline < k.look {
		return k.deadline
	}
	return k.look
}

// answer takes the reply over and wakes the caller.
func (k *call) answer(h wire.Header, body []byte) {
	k.waiting, k.answered = false, true
	k.flags = h.Flags
	switch {
	case h.Op != k.op:
		k.err = broken("receive", errors.New("a reply of another operation"))
	case h.Flags&wire.FlagError != 0:
		if e, err := wire.ParseError(body); err != nil {
			k.err = err
		} else {
			k.err = e
		}
	default:
		k.dst = append(k.dst, body...)
	}
	k.wake()
}

// do sends a request and waits for its reply, which is appended to r.dst.
func (c *conn) do(ctx context.Context, r *request) ([]byte, error) {
	deadline, look, err := c.link.budget(ctx, r)
	if err != nil {
		r.closeFD()
		return r.dst, err
	}
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		r.closeFD()
		return r.dst, c.err
	}
	if waiting := len(c.out); waiting > maxOutput {
		c.mu.Unlock()
		r.closeFD()
		return r.dst, claviger.Errorf(claviger.ErrQuotaExceeded, r.op.String(), "the daemon does not read: %d bytes wait for it; the limit is %d", waiting, maxOutput)
	}
	k := c.register(r, deadline)
	k.ctx, k.look = ctx, look
	c.alarm(k)
	c.enqueue(r, k.id)
	c.wait(k)
	out, flags, err := c.leave(k)
	failed := c.err
	c.mu.Unlock()
	if failed != nil {
		c.link.fail(failed)
	}
	r.outFlags = flags
	return out, err
}

func (r *request) closeFD() {
	if r.flags&wire.FlagFD != 0 {
		_ = os.NewFile(uintptr(r.fd), "").Close()
	}
}

// budget finds, as clocks, until when a call may last and when its context needs watching, and what its header says.
func (l *Link) budget(ctx context.Context, r *request) (deadline, look int64, err error) {
	timeout := r.timeout
	if timeout == 0 {
		timeout = l.opts.Timeout
	}
	limit := timeout
	switch {
	case timeout > 0:
		r.remaining = wire.Remaining(timeout)
	case timeout < 0:
		r.remaining = wire.NoDeadline
	default:
		limit = l.hello.Timeout
	}
	now := l.clock()
	if limit > 0 {
		deadline = now + int64(limit+grace)
	}
	if ctx.Done() == nil {
		return deadline, 0, nil
	}
	if ctx.Err() != nil {
		return 0, 0, ended(ctx, r.op.String())
	}
	wait := unwatched
	if at, ok := ctx.Deadline(); ok {
		left := time.Until(at)
		if left <= 0 {
			return 0, 0, ended(ctx, r.op.String())
		}
		if limit <= 0 || left < limit {
			r.remaining = wire.Remaining(left)
		}
		wait = min(wait, left)
	}
	return deadline, now + int64(wait), nil
}

// register takes a slot; the caller holds mu.
func (c *conn) register(r *request, deadline int64) *call {
	var k *call
	if n := len(c.free); n > 0 {
		k = c.free[n-1]
		c.free = c.free[:n-1]
	} else {
		k = &call{slot: len(c.slots), ready: make(chan struct{}, 1)}
		c.slots = append(c.slots, k)
	}
	c.seq++
	k.id = c.seq<<slotBits | uint64(k.slot)
	k.op, k.dst, k.deadline = r.op, r.dst, deadline
	k.waiting, k.answered, k.late, k.given, k.err, k.flags = true, false, false, false, nil, 0
	c.waiting++
	return k
}

// alarm sees that the reader looks at k when its time is over or its context needs watching; the caller holds mu.
func (c *conn) alarm(k *call) {
	if at := k.next(); at != 0 && (c.armed == 0 || at < c.armed) {
		c.arm(at)
	}
}

// watch has k's context tell of its end from now on; the caller holds mu.
func (c *conn) watch(k *call) {
	id := k.id
	k.look = 0
	k.stop = context.AfterFunc(k.ctx, func() { c.giveUp(k, id) })
}

// wait returns when k is answered, its time is over, or the connection is broken. Meanwhile it writes and reads for all
// when nobody else does. The caller holds mu, also afterwards.
func (c *conn) wait(k *call) {
	if c.link.flying.Load() > 1 && !c.writing { // let others who are about to call put their requests beside ours
		c.mu.Unlock()
		runtime.Gosched()
		c.mu.Lock()
	}
	for !k.answered && !k.over() && c.err == nil {
		switch {
		case len(c.out) > 0 && !c.writing && !c.reading && c.quiet():
			c.writing, c.reading = true, true
			c.readOnce(true)
		case len(c.out) > 0 && !c.writing:
			c.writing = true
			c.flush(k)
		case !c.reading:
			c.reading = true
			c.readOnce(false)
		default:
			c.mu.Unlock()
			<-k.ready
			c.mu.Lock()
		}
	}
}

// quiet reports whether no reply can be under way, so that an exchange need not look for one before it waits.
func (c *conn) quiet() bool {
	return c.waiting == 1 && c.lost == 0 && c.r == c.w && len(c.marks) == 0
}

// readOnce waits for bytes, after sending the output if so told, and handles them. The caller holds mu and has made
// itself the reader (and the writer); afterwards it holds mu alone.
func (c *conn) readOnce(send bool) {
	read := c.await
	if send {
		read = c.exchange
		c.sending = true
	}
	c.mu.Unlock()
	err := c.raw.Read(read)
	if err == nil {
		err = c.readErr
	}
	c.mu.Lock()
	if c.sending { // the deadline had passed before anything was sent
		c.sending = false
		c.endWriting()
	}
	if err == io.EOF {
		err = errors.New("the daemon closed it")
	}
	c.received(err)
	c.reading = false
}

// leave gives the slot back, with a cancel if there was no answer, and sees that somebody goes on reading and writing.
// The caller holds mu.
func (c *conn) leave(k *call) (out []byte, flags wire.Flags, err error) {
	out, flags, err = k.dst, k.flags, k.err
	if !k.answered {
		k.waiting = false
		c.waiting--
		c.lost++
		if c.err != nil {
			err = c.err
		} else {
			err = k.failure()
			c.cancel(k.id)
		}
	}
	if k.stop != nil {
		k.stop()
	}
	k.dst, k.err, k.ctx, k.stop = nil, nil, nil, nil
	c.free = append(c.free, k)
	if c.waiting > 0 && (!c.reading || !c.writing && len(c.out) > 0) {
		c.promote(nil)
	}
	return out, flags, err
}

// failure says why a call that waits no longer got no answer.
func (k *call) failure() error {
	if k.given {
		return ended(k.ctx, k.op.String())
	}
	return claviger.Errorf(claviger.ErrOperationTimedOut, k.op.String(), "no answer from the daemon in time; whether the call takes effect is unknown")
}

// promote wakes a call that waits, another than except, to read and write for all; the caller holds mu.
func (c *conn) promote(except *call) {
	for _, k := range c.slots {
		if k.waiting && k != except {
			k.wake()
			return
		}
	}
}

// cancel tells the daemon that nobody waits for a call any longer, as far as that goes without waiting; the caller
// holds mu.
func (c *conn) cancel(id uint64) {
	if len(c.out) > maxCancels {
		return
	}
	c.enqueue(&request{op: wire.OpCancel}, id)
	if !c.writing {
		c.writing = true
		c.flush(nil)
	}
}

// giveUp ends the wait of a call whose context has ended.
func (c *conn) giveUp(k *call, id uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !k.waiting || k.id != id {
		return
	}
	k.given = true
	k.wake()
	if c.reading {
		c.arm(c.link.clock() - 1) // the reader may be the one; it arms anew
	}
}
