package client

import (
	"context"
	"hash"

	"github.com/claviger/claviger/internal/link"
	"github.com/claviger/claviger/internal/wire"
)

// stdHash is a hash.Hash over a stream in the daemon. What is written is gathered up to
// wire.MaxInline bytes; a message that is no longer than that is one round trip.
type stdHash struct {
	a      absorber
	size   int // for Size
	want   int // asked for of an extendable-output function, else 0
	buf    []byte
	opened bool // the daemon has a part of the message
	err    error
}

// Std gives the context as a hash.Hash, which takes the context's stream for itself: nothing
// else may use the stream meanwhile. Sum works on a copy inside the daemon and leaves the
// message open. Each call is bounded by the context's timeout. The first error sticks: Write
// returns it, Sum, which cannot, panics with it.
func (h *Hash) Std() hash.Hash { return &stdHash{a: h.absorber, size: h.Size(), want: h.size} }

// Std gives the context as a hash.Hash; what is said of Hash.Std holds.
func (m *MAC) Std() hash.Hash { return &stdHash{a: m.absorber, size: m.Size()} }

// Size gives the length of Sum's result in bytes.
func (h *stdHash) Size() int { return h.size }

// BlockSize gives the algorithm's block size in bytes, 1 if the daemon does not say.
func (h *stdHash) BlockSize() int { return max(1, int(h.a.props.GetBlock())) }

// Write takes p. It gives the first error that any call has met.
func (h *stdHash) Write(p []byte) (int, error) {
	total := len(p)
	for h.err == nil && len(h.buf)+len(p) > wire.MaxInline {
		n := wire.MaxInline - len(h.buf)
		if len(h.buf) == 0 {
			n = len(p) - len(p)%wire.MaxInline
			h.flush(p[:n])
		} else {
			h.buf = append(h.buf, p[:n]...)
			h.flush(h.buf)
			h.buf = h.buf[:0]
		}
		p = p[n:]
	}
	if h.err != nil {
		return 0, h.err
	}
	h.buf = append(h.buf, p...)
	return total, nil
}

// Sum appends the result for what has been written so far to b.
func (h *stdHash) Sum(b []byte) []byte {
	if h.err == nil && h.opened && len(h.buf) > 0 {
		h.flush(h.buf)
		h.buf = h.buf[:0]
	}
	if h.err == nil {
		var out []byte
		if out, h.err = h.sum(b); h.err == nil {
			return out
		}
	}
	panic(h.err)
}

// sum gives the result for what the daemon has, or, if that is nothing, for the buffer.
func (h *stdHash) sum(b []byte) ([]byte, error) {
	ctx := context.Background()
	if !h.opened {
		return h.a.whole(ctx, "sum", b, nil, nil, h.buf, h.want)
	}
	if err := h.a.lock("sum"); err != nil {
		return nil, err
	}
	defer h.a.stream.Unlock()
	c := link.DataCall{Op: wire.OpFinalize, Flags: wire.FlagKeep, Size: h.want}
	return h.a.call(ctx, &c, b)
}

// Reset discards what has been written. It does not heal an error.
func (h *stdHash) Reset() {
	h.buf = h.buf[:0]
	if !h.opened || h.err != nil {
		return
	}
	h.opened = false
	h.err = h.a.Reset(context.Background())
}

// flush sends a part of the message.
func (h *stdHash) flush(p []byte) {
	ctx := context.Background()
	if !h.opened {
		if h.err = h.a.Init(ctx); h.err != nil {
			return
		}
		h.opened = true
	}
	h.err = h.a.Update(ctx, p)
}
