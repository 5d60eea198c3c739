package server

import (
	"context"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/session"
	"github.com/claviger/claviger/internal/wire"
)

const (
	regionChunk  = 256 << 10 // private memory of a streaming call, in bytes
	regionInline = 512       // output up to so many bytes is answered inline
	outputSlack  = 4 << 10   // what an output may have beyond its input
)

// executeRegion runs a data operation whose input, and output if it is long, lie in a region.
func (s *Server) executeRegion(ctx context.Context, sess *session.Session, h wire.Header, d wire.Data, dst []byte) ([]byte, wire.Flags, error) {
	found, err := sess.Region(d.Region.Handle)
	if err != nil {
		return dst, 0, err
	}
	r, ok := found.(*region)
	if !ok || !r.acquire() {
		return dst, 0, claviger.Errorf(claviger.ErrInvalidMemoryRegion, h.Op.String(), "the region was released")
	}
	defer r.release()
	if err := d.Region.Check(r.size); err != nil {
		return dst, 0, err
	}
	call := regionCall{s: s, sess: sess, r: r, h: h, d: d, out: int64(d.Region.Out)}
	switch h.Op {
	case wire.OpUpdate:
		return call.update(ctx, dst)
	case wire.OpFinalize:
		return call.finalize(ctx, dst)
	}
	return call.oneShot(ctx, dst)
}

// regionCall is one data operation on a region.
type regionCall struct {
	s     *Server
	sess  *session.Session
	r     *region
	h     wire.Header
	d     wire.Data
	out   int64 // where the next output goes
	wrote uint64
}

// oneShot copies the whole message into private memory, works there, and copies the output back only when the work has
// succeeded: what a decryption has not verified never becomes visible.
func (c *regionCall) oneShot(ctx context.Context, dst []byte) ([]byte, wire.Flags, error) {
	n := int64(c.d.Region.Length)
	need := 2*n + outputSlack + int64(c.d.Size)
	if err := c.sess.Reserve(need); err != nil {
		return dst, 0, err
	}
	defer c.sess.Unreserve(need)
	in, err := c.s.buffers.take(int(n))
	if err != nil {
		return dst, 0, err
	}
	defer c.s.buffers.give(in)
	space, err := c.s.buffers.take(int(n) + outputSlack + int(c.d.Size))
	if err != nil {
		return dst, 0, err
	}
	defer c.s.buffers.give(space)
	if err := c.r.readAt(in, int64(c.d.Region.In)); err != nil {
		return dst, 0, err
	}
	out, err := c.sess.OneShot(ctx, c.d.Handle, c.d.First, c.d.Second, int(c.d.Size), in, space[:0])
	if err != nil {
		return dst, 0, err
	}
	defer clear(out) // in case it outgrew its space
	return c.deliver(dst, out)
}

// update feeds the input in chunks of private memory and puts the output of each behind that of the one before. The
// output must not run into input that has not been read: it starts at or before the input, or behind it. What can be
// refused is refused before the first chunk; what fails later puts the context into the error state.
func (c *regionCall) update(ctx context.Context, dst []byte) ([]byte, wire.Flags, error) {
	ref := c.d.Region
	if ref.Out > ref.In && ref.Out < ref.In+ref.Length {
		return dst, 0, claviger.Errorf(claviger.ErrInvalidMemoryRegion, "update", "output at %d lies within the input at %d", ref.Out, ref.In)
	}
	const need = 2*regionChunk + outputSlack
	if err := c.sess.Reserve(need); err != nil {
		return dst, 0, err
	}
	defer c.sess.Unreserve(need)
	in, err := c.s.buffers.take(int(min(ref.Length, regionChunk)))
	if err != nil {
		return dst, 0, err
	}
	defer c.s.buffers.give(in)
	space, err := c.s.buffers.take(len(in) + outputSlack)
	if err != nil {
		return dst, 0, err
	}
	defer c.s.buffers.give(space)
	at, left := int64(ref.In), ref.Length
	out, err := c.sess.UpdateParts(ctx, c.d.Handle, int64(ref.Length), c.room(), space[:0], func(out []byte) ([]byte, error) {
		if err := c.write(out); err != nil {
			return nil, err
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		part := in[:min(left, uint64(len(in)))]
		err := c.r.readAt(part, at)
		at, left = at+int64(len(part)), left-uint64(len(part))
		return part, err
	})
	if err != nil {
		return dst, 0, err
	}
	dst, flags, err := c.deliver(dst, out)
	if err != nil {
		c.sess.Abandon(c.d.Handle) // a part of the message's output is lost
	}
	return dst, flags, err
}

// finalize ends a message whose output may be as long as the message was.
func (c *regionCall) finalize(ctx context.Context, dst []byte) ([]byte, wire.Flags, error) {
	out, err := c.sess.Finalize(ctx, c.d.Handle, c.d.First, int(c.d.Size), c.h.Flags&wire.FlagKeep != 0, c.room(), nil)
	if err != nil {
		return dst, 0, err
	}
	defer clear(out)
	return c.deliver(dst, out)
}

// deliver answers with the output, or the rest of it, inline or in the region.
func (c *regionCall) deliver(dst, out []byte) ([]byte, wire.Flags, error) {
	if c.wrote == 0 && len(out) <= regionInline {
		return append(dst, out...), 0, nil
	}
	if err := c.write(out); err != nil {
		return dst, 0, err
	}
	return wire.AppendOutput(dst, c.wrote), wire.FlagRegion, nil
}

// room is the longest output that can be delivered.
func (c *regionCall) room() int { return int(max(regionInline, c.r.size-int64(c.d.Region.Out))) }

// write puts output into the region.
func (c *regionCall) write(out []byte) error {
	if int64(len(out)) > c.r.size-c.out {
		return tooLong(c.sess, c.h, c.d.Handle, "output of %d bytes at %d in a region of %d", len(out), c.out, c.r.size)
	}
	if err := c.r.writeAt(out, c.out); err != nil {
		return err
	}
	c.out += int64(len(out))
	c.wrote += uint64(len(out))
	return nil
}
