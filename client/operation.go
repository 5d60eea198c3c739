package client

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/link"
	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
)

// pieceBytes is how much of a long message goes to the daemon at once.
const pieceBytes = 1 << 20

// wholeBytes is the longest message that a one-call method sends at once; longer ones go in
// pieces.
const wholeBytes = 64 << 20

// The states of an operation as the client knows it. Idle, initialized and active are the
// daemon's.
//
//	live   → failed   a call timed out, was given up, or failed half-way
//	live   → closed   Close of the context; a closed CryptoContext or Stack counts as well
//	failed → closed
const (
	stateLive   int32 = iota
	stateFailed       // every call but Close is ErrInvalidOperation
	stateClosed
)

// operation is what all operation contexts are built on: a handle in the daemon and what the
// daemon said of it.
type operation struct {
	cc      *CryptoContext
	kind    claviger.ContextKind
	handle  uint64
	timeout time.Duration
	props   *pb.CreateContextReply // read only
	state   atomic.Int32

	stream  sync.Mutex // held by a call on a message in parts; only ever tried
	nonce   []byte     // what the daemon drew at the last Init; guarded by stream
	pending int64      // bytes that the daemon has taken of the open message; guarded by stream
	verdict [1]byte    // where a verdict is read to; guarded by stream
}

// Algorithm gives the canonical name of the context's algorithm.
func (o *operation) Algorithm() claviger.Algorithm { return claviger.Algorithm(o.props.GetAlgorithm()) }

// Provider gives the number of the provider that the operation runs in.
func (o *operation) Provider() claviger.ProviderID { return claviger.ProviderID(o.props.GetProvider()) }

// MaxMessage gives the longest message that the context takes, in bytes; 0 means any length.
func (o *operation) MaxMessage() int64 { return int64(o.props.GetMaxMessage()) }

// Reset discards what was given so far and goes back to idle: one round trip. It has no effect
// on an idle context, and does not leave the error state.
func (o *operation) Reset(ctx context.Context) error {
	if err := o.lock("reset"); err != nil {
		return err
	}
	defer o.stream.Unlock()
	o.pending = 0
	c := link.DataCall{Op: wire.OpReset}
	_, err := o.call(ctx, &c, nil)
	return err
}

// Close releases the context and, if it was made with a slot, the key that the daemon had
// loaded for it: one round trip within the context's timeout. Idempotent.
func (o *operation) Close() error { return o.cc.release(o.timeout, o.end(nil)...) }

// end closes the context for its callers and adds its handle, which the caller releases, to
// handles; not twice.
func (o *operation) end(handles []uint64) []uint64 {
	if o.state.Swap(stateClosed) == stateClosed {
		return handles
	}
	return append(handles, o.handle)
}

// check reports whether the context can still be called.
func (o *operation) check(what string) error {
	if err := o.cc.check(what); err != nil {
		return err
	}
	switch o.state.Load() {
	case stateFailed:
		return claviger.Errorf(claviger.ErrInvalidOperation, what,
			"the %s context is in the error state, because a call timed out, was given up or failed half-way; close it and make a new one", o.kind)
	case stateClosed:
		return errClosed(what, o.kind.String()+" context")
	}
	return nil
}

// lock takes the stream for one call; the caller unlocks it. A stream that is in use is
// ErrInvalidOperation.
func (o *operation) lock(what string) error {
	if err := o.check(what); err != nil {
		return err
	}
	if !o.stream.TryLock() {
		return claviger.Errorf(claviger.ErrInvalidOperation, what, "the stream of this %s context is in use by another goroutine", o.kind)
	}
	return nil
}

// call makes one data call on the context and appends the answer to dst. A failure leaves nil.
func (o *operation) call(ctx context.Context, c *link.DataCall, dst []byte) ([]byte, error) {
	c.Handle, c.Timeout = o.handle, o.timeout
	out, err := o.cc.stack.link.Data(ctx, c, dst)
	if err == nil {
		return out, nil
	}
	if errors.Is(err, claviger.ErrOperationTimedOut) || errors.Is(err, context.Canceled) {
		o.fail()
	}
	return nil, o.cc.stack.fault(o.kind.String(), err)
}

// fail puts the context in the error state, unless it is closed.
func (o *operation) fail() { o.state.CompareAndSwap(stateLive, stateFailed) }

// init opens a message; the caller holds the stream. A nonce that the daemon draws is kept.
func (o *operation) init(ctx context.Context, iv, aad []byte) error {
	c := link.DataCall{Op: wire.OpInit, First: iv, Second: aad}
	out, err := o.call(ctx, &c, o.nonce[:0])
	if err != nil {
		return err
	}
	o.nonce, o.pending = out, 0
	return nil
}

// update takes the next part, in pieces if it is long; the caller holds the stream. All pieces
// share the time of one call. A failure after the first piece is the context's end, because
// nobody could know where the message stands. A single piece the daemon takes or refuses as a
// whole; where it fails in the midst of one, the context is in the error state there.
func (o *operation) update(ctx context.Context, dst, data []byte) ([]byte, error) {
	if len(data) <= pieceBytes {
		return o.feed(ctx, dst, data)
	}
	ctx, cancel := o.bound(ctx)
	defer cancel()
	before := o.pending
	out, err := o.feed(ctx, dst, data)
	if err != nil && o.pending != before {
		o.fail()
	}
	return out, err
}

// feed is update without the care for time and failure. pending tells how much the daemon has
// taken.
func (o *operation) feed(ctx context.Context, dst, data []byte) ([]byte, error) {
	c := link.DataCall{Op: wire.OpUpdate}
	for first := true; first || len(data) > 0; first = false {
		n := min(len(data), pieceBytes)
		c.Data = data[:n]
		out, err := o.call(ctx, &c, dst)
		if err != nil {
			return nil, err
		}
		dst, data = out, data[n:]
		o.pending += int64(n)
	}
	return dst, nil
}

// finalize ends the message and appends what is left of it; the caller holds the stream. first
// is the signature or code to check, nil where there is none.
func (o *operation) finalize(ctx context.Context, dst, first []byte, size int, flags wire.Flags) ([]byte, error) {
	c := link.DataCall{Op: wire.OpFinalize, Flags: flags, First: first, Size: size}
	if o.props.GetGathers() {
		c.Expect = int(min(o.pending, wholeBytes))
	}
	return o.call(ctx, &c, dst)
}

// whole runs a message in one call. One that is too long for that takes the stream and goes in
// pieces.
func (o *operation) whole(ctx context.Context, what string, dst, first, second, data []byte, size int) ([]byte, error) {
	if err := o.check(what); err != nil {
		return nil, err
	}
	if err := checkAssociated(what, second); err != nil {
		return nil, err
	}
	if len(data) > wholeBytes {
		return o.pieces(ctx, what, dst, first, second, data, size)
	}
	c := link.DataCall{Op: wire.OpOneShot, First: first, Second: second, Size: size, Data: data}
	return o.call(ctx, &c, dst)
}

// checkAssociated refuses associated data of more than 64 KiB: it travels in one frame.
func checkAssociated(what string, aad []byte) error {
	if len(aad) > wire.MaxInline {
		return claviger.Errorf(claviger.ErrInvalidArgument, what, "associated data of %d bytes; the limit is %d", len(aad), wire.MaxInline)
	}
	return nil
}

// pieces runs a message of any length as a stream within the time of one call.
func (o *operation) pieces(ctx context.Context, what string, dst, first, second, data []byte, size int) ([]byte, error) {
	if err := o.lock(what); err != nil {
		return nil, err
	}
	defer o.stream.Unlock()
	ctx, cancel := o.bound(ctx)
	defer cancel()
	iv, signature := first, []byte(nil)
	switch o.kind {
	case claviger.VerifyContext, claviger.MACContext:
		iv, signature = nil, first
	}
	if err := o.init(ctx, iv, second); err != nil {
		return nil, err
	}
	dst = append(dst, o.nonce...)
	out, err := o.feed(ctx, dst, data)
	if err == nil {
		out, err = o.finalize(ctx, out, signature, size, 0)
	}
	if err == nil || o.state.Load() != stateLive {
		return out, err
	}
	if _, late := o.call(ctx, &link.DataCall{Op: wire.OpReset}, nil); late != nil { // leave no open stream behind
		o.fail()
	}
	return nil, err
}

// bound gives a context that ends with the time of one call, for what takes several round
// trips.
func (o *operation) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	return o.cc.stack.bound(ctx, o.timeout)
}
