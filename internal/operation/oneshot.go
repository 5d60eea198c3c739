package operation

import (
	"context"
	"crypto/subtle"
	"errors"
	"io"
	"slices"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/provider"
)

// The answers of a context that verifies.
const (
	wrong byte = 0
	right byte = 1
)

// OneShot runs one whole message and appends the result to dst, which it returns; on an error it returns dst as it
// was. first is the IV or nonce of a cipher or AEAD, the signature of a verifying context, or the code that a MAC
// context is to compare with; aad is an AEAD's associated data; size is the output wanted of an extendable-output hash
// or a random generator, 0 for the context's own. A verifying call appends one byte, 1 for right and 0 for wrong. A
// context that draws nonces appends nonce, ciphertext and tag. Any number of calls may run at once.
//
// Errors: those of State, ErrKeyOperationNotPermitted for a grant that does not cover the call, ErrInvalidArgument for
// arguments, ErrOperationFailed with one text for every failed decryption, and the provider's own.
func (c *Context) OneShot(ctx context.Context, g policy.Grant, first, aad []byte, size int, dst, data []byte) ([]byte, error) {
	op := c.op.String()
	if err := c.permit(g, op); err != nil {
		return dst, err
	}
	if err := c.enter(op); err != nil {
		return dst, err
	}
	defer c.leave()
	if err := c.State().wantIdle(op); err != nil {
		return dst, err
	}
	x := c.engine.takeCall(c)
	defer c.engine.giveCall(x)
	switch c.op {
	case provider.Encrypt, provider.Decrypt:
		return c.crypt(ctx, x, first, aad, dst, data)
	case provider.Verify, provider.VerifyDigest:
		x.params.Signature = first
		_, err := c.runner.OneShot(ctx, c.op, &x.params, dst, data)
		return verdict(op, dst, err)
	case provider.MAC:
		return c.mac(ctx, x, first, dst, data)
	}
	if err := c.outputSize(x, op, size); err != nil {
		return dst, err
	}
	if len(first) != 0 {
		return dst, claviger.Errorf(claviger.ErrInvalidArgument, op, "a %s context takes no IV or signature", c.info.Kind)
	}
	out, err := c.runner.OneShot(ctx, c.op, &x.params, dst, data)
	if err != nil {
		return dst, failure(op, err)
	}
	return out, nil
}

// crypt encrypts or decrypts one message.
func (c *Context) crypt(ctx context.Context, x *call, iv, aad, dst, data []byte) ([]byte, error) {
	op := c.op.String()
	if err := c.checkIV(op, iv); err != nil {
		return dst, err
	}
	if err := c.checkAAD(op, aad); err != nil {
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
	x.params.IV, x.params.AAD = iv, aad
	out, err := c.runner.OneShot(ctx, c.op, &x.params, out, data)
	if err != nil {
		return dst, failure(op, err)
	}
	return out, nil
}

// mac gives the code of a message, or compares it with the one given.
func (c *Context) mac(ctx context.Context, x *call, expected, dst, data []byte) ([]byte, error) {
	if len(expected) == 0 {
		if err := c.mayMake(); err != nil {
			return dst, err
		}
		out, err := c.runner.OneShot(ctx, provider.MAC, &x.params, dst, data)
		if err != nil {
			return dst, failure("mac", err)
		}
		return out, nil
	}
	code, err := c.runner.OneShot(ctx, provider.MAC, &x.params, x.scratch[:0], data)
	if err != nil {
		return dst, failure("mac", err)
	}
	return append(dst, same(code, expected)), nil
}

// mayMake refuses to make codes with a version that is not the newest.
func (c *Context) mayMake() error {
	if !c.verifyOnly {
		return nil
	}
	return claviger.Errorf(claviger.ErrKeyOperationNotPermitted, "mac", "a version that is not the newest compares codes; it makes none")
}

// same compares in constant time and gives the answer as a byte.
func same(code, expected []byte) byte {
	if subtle.ConstantTimeCompare(code, expected) == 1 {
		return right
	}
	return wrong
}

// checkIV refuses an IV of another length, and one where the daemon draws it.
func (c *Context) checkIV(op string, iv []byte) error {
	switch {
	case c.info.DaemonNonce && len(iv) != 0:
		return claviger.Errorf(claviger.ErrInvalidArgument, op, "the daemon draws the nonces of this slot; only a slot with caller_nonce = true takes them from the caller")
	case c.info.DaemonNonce, len(iv) == c.info.IV:
		return nil
	case c.info.IV == 0:
		return claviger.Errorf(claviger.ErrInvalidArgument, op, "%s takes no IV", c.info.Algorithm)
	}
	return claviger.Errorf(claviger.ErrInvalidArgument, op, "%s takes an IV or nonce of %d bytes, not %d", c.info.Algorithm, c.info.IV, len(iv))
}

// checkAAD refuses associated data where it would be ignored.
func (c *Context) checkAAD(op string, aad []byte) error {
	if len(aad) == 0 || c.info.Kind == claviger.AEADContext {
		return nil
	}
	return claviger.Errorf(claviger.ErrInvalidArgument, op, "associated data needs an AEAD context")
}

// drawNonce appends a random nonce. Random 96-bit nonces are good for 2^32 messages under one key (SP 800-38D, 8.3).
func (c *Context) drawNonce(dst []byte) ([]byte, error) {
	n := len(dst)
	dst = slices.Grow(dst, c.info.IV)[:n+c.info.IV]
	if _, err := io.ReadFull(c.engine.rand, dst[n:]); err != nil {
		return dst[:n], claviger.Errorf(claviger.ErrOperationFailed, "nonce", "the system gave no random numbers")
	}
	return dst, nil
}

// outputSize sets what a hash or a random generator is to give.
func (c *Context) outputSize(x *call, op string, size int) error {
	switch {
	case size < 0 || size > MaxOutput:
		return claviger.Errorf(claviger.ErrInvalidArgument, op, "output of %d bytes; the limit is %d", size, MaxOutput)
	case c.op == provider.Random:
		x.params.Size = size
	case size != 0 && size != c.info.Size && !c.row.Extendable:
		return claviger.Errorf(claviger.ErrInvalidArgument, op, "%s gives %d bytes, not %d", c.info.Algorithm, c.info.Size, size)
	case size != 0 && c.row.Extendable:
		x.params.Size = size
	}
	return nil
}

// verdict turns the outcome of a verification into a byte.
func verdict(op string, dst []byte, err error) ([]byte, error) {
	switch {
	case err == nil:
		return append(dst, right), nil
	case errors.Is(err, provider.ErrMismatch):
		return append(dst, wrong), nil
	}
	return dst, failure(op, err)
}

// failure gives an error of a provider its code. Every failed decryption has the same text, whatever was wrong.
func failure(op string, err error) error {
	if errors.Is(err, provider.ErrMismatch) {
		return claviger.Errorf(claviger.ErrOperationFailed, op, "the data could not be decrypted")
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return claviger.Errorf(claviger.ErrOperationTimedOut, op, "the deadline passed")
	}
	return claviger.WrapError(claviger.ErrOperationFailed, op, err)
}
