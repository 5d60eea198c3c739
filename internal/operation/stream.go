package operation

import (
	"context"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/provider"
)

// begin is what all streaming calls start with. A nil error obliges the caller to end.
func (c *Context) begin(g policy.Grant, op string) error {
	if err := c.permit(g, op); err != nil {
		return err
	}
	if err := c.enter(op); err != nil {
		return err
	}
	if err := c.lock(op); err != nil {
		c.leave()
		return err
	}
	return nil
}

// end closes the parenthesis of begin. A context that was abandoned meanwhile drops its stream at once.
func (c *Context) end() {
	if s := c.State(); s == Failed || s == Destroyed {
		c.discard()
	}
	c.busy.Unlock()
	c.leave()
}

// Init opens a message. iv is the IV or nonce of a cipher or AEAD, aad an AEAD's associated data; both are the
// caller's again afterwards. A context that draws nonces appends the nonce to dst; all others return dst as it is.
// Errors: those of State, of OneShot, and ErrUnsupportedOperation for a random context.
func (c *Context) Init(ctx context.Context, g policy.Grant, iv, aad, dst []byte) ([]byte, error) {
	if err := c.begin(g, "init"); err != nil {
		return dst, err
	}
	defer c.end()
	if err := c.State().wantIdle("init"); err != nil {
		return dst, err
	}
	if c.op == provider.Random {
		return dst, claviger.Errorf(claviger.ErrUnsupportedOperation, "init", "a random context has no messages")
	}
	if err := c.checkIV("init", iv); err != nil {
		return dst, err
	}
	if err := c.checkAAD("init", aad); err != nil {
		return dst, err
	}
	out := dst
	if c.info.DaemonNonce {
		var err error
		if out, err = c.drawNonce(out); err != nil {
			return dst, err
		}
		iv = out[len(dst):]
	}
	if err := c.hold(len(aad)); err != nil {
		return dst, err
	}
	if err := c.start(ctx, iv, aad); err != nil {
		c.unhold()
		return dst, failure("init", err)
	}
	c.message = 0
	c.move(Initialized)
	return out, nil
}

// start takes the stream of the message before where that can be, or a new one.
func (c *Context) start(ctx context.Context, iv, aad []byte) error {
	if c.stream != nil {
		if err := c.stream.Reset(ctx, iv); err == nil {
			return nil
		}
		c.discard()
	}
	if c.op == provider.SignDigest || c.op == provider.VerifyDigest {
		c.stream = &digestStream{context: c}
		return nil
	}
	p := c.params
	p.IV, p.AAD = iv, aad
	stream, err := c.runner.Begin(ctx, c.op, &p)
	if err != nil {
		return err
	}
	c.stream = stream
	return nil
}

// Update takes the next part of the message and appends to dst what output is due. A part that is refused (over the
// message limit, over the quota) changes nothing.
func (c *Context) Update(ctx context.Context, g policy.Grant, dst, data []byte) ([]byte, error) {
	if err := c.begin(g, "update"); err != nil {
		return dst, err
	}
	defer c.end()
	if err := c.State().wantOpen("update"); err != nil {
		return dst, err
	}
	if err := c.hold(len(data)); err != nil {
		return dst, err
	}
	out, err := c.stream.Update(ctx, dst, data)
	if err != nil {
		if claviger.CodeOf(err) == claviger.ErrInvalidArgument {
			c.release(len(data))
		} else {
			c.move(Failed)
		}
		return dst, failure("update", err)
	}
	c.message += int64(len(data))
	c.move(Active)
	return out, nil
}

// UpdateParts is Update with n bytes that next gives part by part. It is handed the output of the part before, at first
// nothing, and returns at least one byte, which are its own again at the following call. space is where the output is
// made, from its beginning; that of the last part is returned.
//
// The n bytes are refused as a whole, by the limits and quotas of Update, or with ErrInsufficientBufferSize where their
// output is longer than room (0: no bound), before the first part is taken: that changes nothing. What fails after a
// part was taken, next included, puts the context into the error state: where its message stands is not known.
func (c *Context) UpdateParts(ctx context.Context, g policy.Grant, n int64, room int, space []byte, next func(out []byte) ([]byte, error)) ([]byte, error) {
	if err := c.begin(g, "update"); err != nil {
		return nil, err
	}
	defer c.end()
	if err := c.State().wantOpen("update"); err != nil {
		return nil, err
	}
	if err := c.admit(n, room); err != nil {
		return nil, err
	}
	if err := c.hold(int(n)); err != nil {
		return nil, err
	}
	out := space[:0]
	for taken := int64(0); taken < n; {
		part, err := next(out)
		kept := taken == 0 // the message is what it was
		if err == nil {
			out, err = c.stream.Update(ctx, out[:0], part)
			kept = kept && claviger.CodeOf(err) == claviger.ErrInvalidArgument
			err = failure("update", err)
		}
		if err != nil && kept {
			c.release(int(n))
		} else if err != nil {
			c.move(Failed)
		}
		if err != nil {
			return nil, err
		}
		taken += int64(len(part))
	}
	c.message += n
	c.move(Active)
	return out, nil
}

// Finalize ends the message and appends what is left to dst: digest, code, signature, last block, or the whole message
// of an AEAD. Right after Init it is that of the empty message. signature is what a verifying context checks, or the
// code that a MAC context compares; the answer is then one byte, 1 or 0. size shortens the output of an
// extendable-output hash; 0 takes the context's own. With keep the result is that of the message so far, and the
// message goes on: ErrUnsupportedOperation where the provider cannot. An output of more than room bytes (0: no bound) is
// ErrInsufficientBufferSize, and the message stays as it is. Other errors: those of OneShot.
func (c *Context) Finalize(ctx context.Context, g policy.Grant, signature []byte, size int, keep bool, room int, dst []byte) ([]byte, error) {
	if err := c.begin(g, "finalize"); err != nil {
		return dst, err
	}
	defer c.end()
	if err := c.State().wantOpen("finalize"); err != nil {
		return dst, err
	}
	if err := c.checkFinal(signature, size); err != nil {
		return dst, err
	}
	if err := fits("finalize", c.left(signature, size), room); err != nil {
		return dst, err
	}
	stream := c.stream
	if keep {
		cloner, ok := stream.(provider.Cloner)
		if !ok {
			return dst, claviger.Errorf(claviger.ErrUnsupportedOperation, "finalize", "%s cannot go on after a result", c.info.Algorithm)
		}
		copied, err := cloner.Clone()
		if err != nil {
			return dst, failure("finalize", err)
		}
		defer copied.Close()
		return c.finish(ctx, copied, signature, size, dst)
	}
	out, err := c.finish(ctx, stream, signature, size, dst)
	c.finished(err != nil)
	return out, err
}

// finished goes back to idle and keeps the stream where Reset is enough for the next message. One that failed is not
// kept, because it may still hold its message.
func (c *Context) finished(failed bool) {
	c.move(Idle)
	c.unhold()
	if failed || c.row.Family == algorithm.FamilyAEAD { // the associated data is another's next time
		c.discard()
	}
}

// finish gives the result of a stream: for a MAC with an expected code and for verifications one byte.
func (c *Context) finish(ctx context.Context, stream provider.Stream, signature []byte, size int, dst []byte) ([]byte, error) {
	switch {
	case c.verifies():
		_, err := stream.Finish(ctx, dst, signature)
		return verdict("verify", dst, err)
	case c.op == provider.MAC && len(signature) != 0:
		x := c.engine.takeCall(c)
		defer c.engine.giveCall(x)
		code, err := stream.Finish(ctx, x.scratch[:0], nil)
		if err != nil {
			return dst, failure("finalize", err)
		}
		return append(dst, same(code, signature)), nil
	}
	out, err := stream.Finish(ctx, dst, nil)
	if err != nil {
		return dst, failure("finalize", err)
	}
	if c.row.Extendable && size != 0 {
		out = out[:len(dst)+size]
	}
	return out, nil
}

// checkFinal checks what Finalize is given.
func (c *Context) checkFinal(signature []byte, size int) error {
	switch {
	case len(signature) != 0 && !c.verifies() && c.op != provider.MAC:
		return claviger.Errorf(claviger.ErrInvalidArgument, "finalize", "a %s context compares with nothing", c.info.Kind)
	case c.op == provider.MAC && len(signature) == 0:
		return c.mayMake()
	case size < 0 || size > c.info.Size && c.op == provider.Hash:
		return claviger.Errorf(claviger.ErrInvalidArgument, "finalize", "output of %d bytes; this context was made for up to %d", size, c.info.Size)
	case size != 0 && size != c.info.Size && !c.row.Extendable:
		return claviger.Errorf(claviger.ErrInvalidArgument, "finalize", "%s has one output size; leave the size out", c.info.Algorithm)
	}
	return nil
}

// Reset discards the message under way; it has no effect when there is none. It does not leave the error state. Where
// the provider fails the context is in the error state, and the error is ErrContextResetFailed.
func (c *Context) Reset(ctx context.Context, g policy.Grant) error {
	if err := c.begin(g, "reset"); err != nil {
		return err
	}
	defer c.end()
	state := c.State()
	if err := state.wantLive("reset"); err != nil {
		return err
	}
	if !state.open() {
		return nil
	}
	c.unhold()
	if c.info.IV != 0 || c.row.Family == algorithm.FamilyAEAD { // the next IV is not known yet
		c.discard()
	} else if err := c.stream.Reset(ctx, nil); err != nil {
		c.move(Failed)
		return claviger.Errorf(claviger.ErrContextResetFailed, "reset", "the provider did not start again: %s", claviger.Clip(err.Error()))
	}
	c.move(Idle)
	return nil
}

// digestStream collects the digest of SignDigest and VerifyDigest, which is too short for a stream of the provider's.
type digestStream struct {
	context *Context
	digest  [64]byte // the longest digest
	n       int
}

// Update keeps a copy of in. A digest that is too long is ErrInvalidArgument.
func (s *digestStream) Update(_ context.Context, dst, in []byte) ([]byte, error) {
	if want := s.context.digestSize(); s.n+len(in) > want {
		return dst, claviger.Errorf(claviger.ErrInvalidArgument, "update", "%s takes a digest of %d bytes, not %d", s.context.info.Algorithm, want, s.n+len(in))
	}
	s.n += copy(s.digest[s.n:], in)
	return dst, nil
}

// Finish signs or verifies the digest.
func (s *digestStream) Finish(ctx context.Context, dst, signature []byte) ([]byte, error) {
	x := s.context.engine.takeCall(s.context)
	defer s.context.engine.giveCall(x)
	x.params.Signature = signature
	return s.context.runner.OneShot(ctx, s.context.op, &x.params, dst, s.digest[:s.n])
}

// Reset starts again.
func (s *digestStream) Reset(context.Context, []byte) error { s.n = 0; return nil }

// Close forgets the digest.
func (s *digestStream) Close() { clear(s.digest[:]); s.n = 0 }

var _ provider.Stream = (*digestStream)(nil)
