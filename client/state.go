package client

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync/atomic"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
)

// Bounds of a symmetric state in bytes.
const (
	statePart = 1 << 20 // most of an input or output that one message carries
	stateTag  = 64      // by how much a ciphertext with its tag may be longer than its plaintext
)

// remoteState is a symmetric state in the daemon. A call that timed out or was given up leaves it in an error state,
// because nobody could know where it stands: every further one is ErrInvalidOperation.
type remoteState struct {
	stack   *Stack
	handle  uint64
	failed  bool
	closed  atomic.Bool
	cleanup runtime.Cleanup
}

var _ claviger.SymmetricState = (*remoteState)(nil)

// OpenState opens a symmetric state that works with this key in the daemon. The caller closes it; it does not need the
// managed key to stay open. Input and output of more than 1 MiB go in parts. ErrIncompatibleKeyType for a pair,
// ErrNonceRequired, ErrInvalidNonce, ErrQuotaExceeded.
func (k *ManagedKey) OpenState(ctx context.Context, o claviger.StateOptions) (claviger.SymmetricState, error) {
	const what = "open state"
	if err := k.check(what); err != nil {
		return nil, err
	}
	req := &pb.OpenStateRequest{Key: k.key.handle, Nonce: o.Nonce, Salt: o.Salt, Context: o.Context,
		MemoryLimit: o.MemoryLimit, OpsLimit: o.OpsLimit, Parallelism: o.Parallelism}
	var reply pb.StateReply
	err := k.cc.control(ctx, what, wire.OpOpenState, 0, req, &reply)
	runtime.KeepAlive(k)
	if err != nil {
		return nil, k.fault(what, err)
	}
	return newState(k.cc.stack, reply.GetHandle()), nil
}

// newState takes charge of a state's handle.
func newState(stack *Stack, handle uint64) *remoteState {
	s := &remoteState{stack: stack, handle: handle}
	s.cleanup = runtime.AddCleanup(s, stack.discard, handle)
	return s
}

// run makes one call on the state.
func (s *remoteState) run(ctx context.Context, req *pb.RunStateRequest) (*pb.StateReply, error) {
	const what = "state"
	switch {
	case s.stack.closed.Load():
		return nil, errClosedStack(what)
	case s.closed.Load():
		return nil, claviger.Errorf(claviger.ErrResourceNotFound, what, "the state is closed")
	case s.failed:
		return nil, claviger.Errorf(claviger.ErrInvalidOperation, what, "the state is in the error state, because a call timed out or was given up; close it and open a new one")
	}
	req.State = s.handle
	reply := &pb.StateReply{}
	err := s.stack.control(ctx, what, wire.OpRunState, 0, req, reply)
	runtime.KeepAlive(s)
	if errors.Is(err, claviger.ErrOperationTimedOut) || errors.Is(err, context.Canceled) {
		s.failed = true
	}
	return reply, err
}

// bound gives a context that ends with the time of one call, for what takes several round trips because of its length.
func (s *remoteState) bound(ctx context.Context, length int) (context.Context, context.CancelFunc) {
	if length <= statePart {
		return ctx, func() {}
	}
	return s.stack.bound(ctx, 0)
}

// feed makes a call with data of any length: all but its end goes ahead, each part with the number of bytes before it. Beyond 64 MiB it is ErrQuotaExceeded.
func (s *remoteState) feed(ctx context.Context, req *pb.RunStateRequest, data []byte) (*pb.StateReply, error) {
	if len(data) > wholeBytes+stateTag {
		return nil, claviger.Errorf(claviger.ErrQuotaExceeded, "state", "%d bytes; the limit is %d", len(data), wholeBytes)
	}
	for len(data) > statePart {
		if _, err := s.run(ctx, &pb.RunStateRequest{Verb: pb.StateVerb_STATE_HOLD, Data: data[:statePart], Size: req.Size}); err != nil {
			return nil, err
		}
		data, req.Size = data[statePart:], req.Size+statePart
	}
	req.Data = data
	return s.run(ctx, req)
}

// fetch appends an output to dst, with what is left of it in the daemon. An error gives dst as it was.
func (s *remoteState) fetch(ctx context.Context, dst []byte, reply *pb.StateReply) ([]byte, error) {
	left := reply.GetLeft()
	if left > wholeBytes+stateTag {
		return dst, claviger.Errorf(claviger.ErrInternal, "state", "the daemon holds %d more bytes; the limit is %d", left, wholeBytes)
	}
	out := slices.Grow(dst, len(reply.GetSecret())+int(left)) // once, so that no copy stays behind
	for {
		out = append(out, reply.GetSecret()...)
		clear(reply.GetSecret())
		if left == 0 {
			return out, nil
		}
		var err error
		reply, err = s.run(ctx, &pb.RunStateRequest{Verb: pb.StateVerb_STATE_TAKE, Size: statePart})
		if got := uint64(len(reply.GetSecret())); err == nil && (got == 0 || got+reply.GetLeft() != left) {
			err = claviger.Errorf(claviger.ErrInternal, "state", "the daemon gave %d bytes of %d", got, left)
		}
		if err != nil {
			clear(out[len(dst):])
			return dst, err
		}
		left = reply.GetLeft()
	}
}

// Option reads an option back.
func (s *remoteState) Option(ctx context.Context, name string) ([]byte, error) {
	reply, err := s.run(ctx, &pb.RunStateRequest{Verb: pb.StateVerb_STATE_OPTION, Name: name})
	return reply.GetSecret(), err
}

// OptionNumber reads an option that is a number.
func (s *remoteState) OptionNumber(ctx context.Context, name string) (uint64, error) {
	reply, err := s.run(ctx, &pb.RunStateRequest{Verb: pb.StateVerb_STATE_OPTION_NUMBER, Name: name})
	return reply.GetNumber(), err
}

// Clone gives an independent copy in the daemon.
func (s *remoteState) Clone(ctx context.Context) (claviger.SymmetricState, error) {
	reply, err := s.run(ctx, &pb.RunStateRequest{Verb: pb.StateVerb_STATE_CLONE})
	if err != nil {
		return nil, err
	}
	return newState(s.stack, reply.GetHandle()), nil
}

// Absorb takes data of up to 64 MiB in, as one input.
func (s *remoteState) Absorb(ctx context.Context, data []byte) error {
	ctx, cancel := s.bound(ctx, len(data))
	defer cancel()
	_, err := s.feed(ctx, &pb.RunStateRequest{Verb: pb.StateVerb_STATE_ABSORB}, data)
	return err
}

// Squeeze fills out, of up to 64 MiB. An error leaves it as it was.
func (s *remoteState) Squeeze(ctx context.Context, out []byte) error {
	ctx, cancel := s.bound(ctx, len(out))
	defer cancel()
	reply, err := s.run(ctx, &pb.RunStateRequest{Verb: pb.StateVerb_STATE_SQUEEZE, Size: uint64(len(out))})
	if err != nil {
		return err
	}
	if n := uint64(len(reply.GetSecret())) + reply.GetLeft(); n != uint64(len(out)) {
		return claviger.Errorf(claviger.ErrInternal, "state", "the daemon squeezed %d bytes; %d were wanted", n, len(out))
	}
	if reply.GetLeft() == 0 {
		copy(out, reply.GetSecret())
		clear(reply.GetSecret())
		return nil
	}
	all, err := s.fetch(ctx, nil, reply) // an error leaves out as it was
	copy(out, all)
	clear(all)
	return err
}

// SqueezeTag gives a tag.
func (s *remoteState) SqueezeTag(ctx context.Context) ([]byte, error) {
	reply, err := s.run(ctx, &pb.RunStateRequest{Verb: pb.StateVerb_STATE_SQUEEZE_TAG})
	return reply.GetTag(), err
}

// SqueezeKey gives the bytes of a key for another algorithm.
func (s *remoteState) SqueezeKey(ctx context.Context, algorithm claviger.Algorithm) ([]byte, error) {
	reply, err := s.run(ctx, &pb.RunStateRequest{Verb: pb.StateVerb_STATE_SQUEEZE_KEY, Name: string(algorithm)})
	return reply.GetSecret(), err
}

// MaxTagLen is the length of the tag in bytes.
func (s *remoteState) MaxTagLen(ctx context.Context) (int, error) {
	reply, err := s.run(ctx, &pb.RunStateRequest{Verb: pb.StateVerb_STATE_MAX_TAG_LEN})
	return int(reply.GetNumber()), err
}

// Encrypt appends ciphertext and tag to dst.
func (s *remoteState) Encrypt(ctx context.Context, dst, plaintext []byte) ([]byte, error) {
	out, _, err := s.transform(ctx, pb.StateVerb_STATE_ENCRYPT, dst, plaintext, nil)
	return out, err
}

// EncryptDetached appends the ciphertext to dst and gives the tag apart.
func (s *remoteState) EncryptDetached(ctx context.Context, dst, plaintext []byte) (out, tag []byte, err error) {
	return s.transform(ctx, pb.StateVerb_STATE_ENCRYPT_DETACHED, dst, plaintext, nil)
}

// Decrypt appends the plaintext to dst, or nothing.
func (s *remoteState) Decrypt(ctx context.Context, dst, ciphertext []byte) ([]byte, error) {
	out, _, err := s.transform(ctx, pb.StateVerb_STATE_DECRYPT, dst, ciphertext, nil)
	return out, err
}

// DecryptDetached is Decrypt with the tag apart.
func (s *remoteState) DecryptDetached(ctx context.Context, dst, ciphertext, tag []byte) ([]byte, error) {
	out, _, err := s.transform(ctx, pb.StateVerb_STATE_DECRYPT_DETACHED, dst, ciphertext, tag)
	return out, err
}

// transform encrypts or decrypts. An error gives dst as it was.
func (s *remoteState) transform(ctx context.Context, verb pb.StateVerb, dst, data, tag []byte) (out, made []byte, err error) {
	ctx, cancel := s.bound(ctx, len(data))
	defer cancel()
	reply, err := s.feed(ctx, &pb.RunStateRequest{Verb: verb, Tag: tag}, data)
	if err != nil {
		return dst, nil, err
	}
	out, err = s.fetch(ctx, dst, reply)
	return out, reply.GetTag(), err
}

// Ratchet makes what was before unrecoverable.
func (s *remoteState) Ratchet(ctx context.Context) error {
	_, err := s.run(ctx, &pb.RunStateRequest{Verb: pb.StateVerb_STATE_RATCHET})
	return err
}

// Close wipes the state in the daemon, within the stack's timeout. Idempotent.
func (s *remoteState) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	s.cleanup.Stop()
	return s.stack.release(0, []uint64{s.handle})
}
