package server

import (
	"context"
	"runtime/debug"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/session"
	"github.com/claviger/claviger/internal/wire"
)

// handle answers one request or queues it. An error ends the connection.
func (c *conn) handle(h wire.Header, body []byte) error {
	if c.peer == nil {
		return c.hello(h, body)
	}
	c.peer.sess.CountFrame(h.Op.String())
	if h.Op != wire.OpCancel {
		c.calls.arrives(h.ID)
	}
	switch {
	case h.Op.Data():
		c.data(h, body)
	case h.Op.Control():
		c.control(h, body)
	case h.Op == wire.OpPing:
		c.reply(h, nil)
	case h.Op == wire.OpCancel:
		c.peer.discard(c.calls.cancel(h.ID))
	case h.Op == wire.OpConnect:
		return c.connect(h)
	case h.Op == wire.OpRegion:
		return c.region(h, body)
	case h.Op == wire.OpHello:
		c.fail(h, claviger.Errorf(claviger.ErrInvalidOperation, "hello", "only the first frame is a hello"))
		return errBye
	default:
		c.fail(h, claviger.Errorf(claviger.ErrUnsupportedOperation, "frame", "operation %#x is not known", uint16(h.Op)))
	}
	return nil
}

// data runs a data operation here if it is short, or in the pool.
func (c *conn) data(h wire.Header, body []byte) {
	d, err := wire.ParseData(h.Op, h.Flags, body)
	if err != nil {
		c.fail(h, err)
		return
	}
	n := len(d.Payload)
	if h.Flags&wire.FlagRegion != 0 {
		n = int(min(d.Region.Length, 1<<40))
	}
	if n > provider.InlineBytes || c.peer.sess.Cost(d.Handle, n) == provider.Pool {
		c.enqueue(&job{header: h, handle: d.Handle, body: body})
		return
	}
	start := len(c.out)
	deadline := c.deadlineOf(h)
	if c.now > deadline { // it waited behind others
		c.late(h, d.Handle, start)
		return
	}
	dst := append(c.out, make([]byte, wire.HeaderSize)...)
	out, flags, err := c.srv.execute(c.peer.ctx, c.peer, h, &d, dst)
	c.now = c.srv.clock()
	c.out = out
	switch {
	case c.now > deadline:
		c.late(h, d.Handle, start)
	case err != nil:
		clear(out[min(start, len(out)):])
		c.out = appendFailure(out[:start], h, err)
	default:
		c.out = seal(out, start, h, wire.FlagReply|flags)
	}
}

// deadlineOf gives the clock at which a call that has just arrived must be answered.
func (c *conn) deadlineOf(h wire.Header) int64 {
	return c.arrived + int64(c.srv.limit(h.Remaining))
}

// late answers a call that took too long: its output is wiped and its context goes into the error state.
func (c *conn) late(h wire.Header, handle uint64, start int) {
	clear(c.out[start:])
	c.out = c.out[:start]
	if handle != 0 {
		c.peer.sess.Abandon(handle)
	}
	c.fail(h, c.srv.timedOut(h, false))
}

// timedOut is the answer to a call that took too long.
func (s *Server) timedOut(h wire.Header, durable bool) error {
	limit := s.limit(h.Remaining).Round(time.Microsecond)
	if durable {
		return claviger.Errorf(claviger.ErrOperationTimedOut, h.Op.String(), "not finished within %s; whether it takes effect is unknown", limit)
	}
	return claviger.Errorf(claviger.ErrOperationTimedOut, h.Op.String(), "not finished within %s", limit)
}

// execute runs a data operation and appends its output to dst. On an error what it returns still starts with dst. A
// panic below becomes ErrInternal and a log line without data.
func (s *Server) execute(ctx context.Context, p *peer, h wire.Header, d *wire.Data, dst []byte) (out []byte, flags wire.Flags, err error) {
	defer func() {
		if r := recover(); r != nil {
			out, err = dst, s.fault(h)
			p.sess.Abandon(d.Handle)
		}
	}()
	if h.Flags&wire.FlagRegion != 0 {
		return s.executeRegion(ctx, p.sess, h, *d, dst)
	}
	sess := p.sess
	switch h.Op {
	case wire.OpInit:
		out, err = sess.Init(ctx, d.Handle, d.First, d.Second, dst)
	case wire.OpUpdate:
		out, err = sess.Update(ctx, d.Handle, d.Payload, dst)
	case wire.OpFinalize:
		if err = fitsInline(h, d); err == nil {
			out, err = sess.Finalize(ctx, d.Handle, d.First, int(d.Size), h.Flags&wire.FlagKeep != 0, wire.MaxData, dst)
		}
	case wire.OpReset:
		out, err = dst, sess.Reset(ctx, d.Handle)
	case wire.OpOneShot:
		if err = fitsInline(h, d); err == nil {
			out, err = sess.OneShot(ctx, d.Handle, d.First, d.Second, int(d.Size), d.Payload, dst)
		}
	}
	if err != nil {
		return dst, 0, err
	}
	if n := len(out) - len(dst); n > wire.MaxData {
		clear(out[len(dst):])
		return dst, 0, tooLong(sess, h, d.Handle, "output of %d bytes goes by region", n)
	}
	return out, 0, nil
}

// tooLong is the error of an output that was made and cannot be delivered. A one-shot call has consumed nothing. Update
// and Finalize are refused before they begin, so that only a provider at fault, which gave more than it should, gets here.
func tooLong(sess *session.Session, h wire.Header, handle uint64, format string, args ...any) error {
	if h.Op == wire.OpOneShot {
		return claviger.Errorf(claviger.ErrInsufficientBufferSize, h.Op.String(), format, args...)
	}
	sess.Abandon(handle)
	return claviger.Errorf(claviger.ErrInternal, h.Op.String(), "more than was due: "+format, args...)
}

// fitsInline refuses a wanted output size that no inline reply can hold.
func fitsInline(h wire.Header, d *wire.Data) error {
	if d.Size > wire.MaxInline {
		return claviger.Errorf(claviger.ErrInsufficientBufferSize, h.Op.String(), "output of %d bytes goes by region; without, the limit is %d", d.Size, wire.MaxInline)
	}
	return nil
}

// fault logs a panic; what it says of the panic is the place, not the value, which could hold data.
func (s *Server) fault(h wire.Header) error {
	s.cfg.Log.Error("a call panicked", "operation", h.Op.String(), "stack", string(debug.Stack()))
	return claviger.Errorf(claviger.ErrInternal, h.Op.String(), "the daemon's log says where")
}
