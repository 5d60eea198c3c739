package session

import (
	"context"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/operation"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/secmem"
	pb "github.com/claviger/claviger/proto"
)

// OpenState opens a symmetric state over a managed key of the session and gives a handle for it, which the caller
// releases. The state holds the key by itself. It lives at most as long as the session; invalidating the key does not
// end it. One decision is logged. Errors: ErrResourceNotFound, ErrInvalidResourceType, ErrIncompatibleKeyType for a pair,
// ErrNonceRequired, ErrInvalidNonce, ErrQuotaExceeded.
func (s *Session) OpenState(ctx context.Context, r *pb.OpenStateRequest) (*pb.StateReply, error) {
	const op = "open state"
	p, err := s.current()
	if err != nil {
		return nil, err
	}
	k, err := s.managed(p, op, r.Key)
	if err != nil {
		return nil, err
	}
	defer k.done()
	g, err := p.EphemeralKey(op, k.live.Traits().Permissions, 0)
	if err != nil {
		return nil, err
	}
	h := &heldState{tenant: s.tenant}
	own := stateSize(k.live, r)
	if err := h.charge(own); err != nil {
		return nil, err
	}
	h.state, err = s.engine().OpenState(ctx, g, k.live, stateOptions(r))
	s.decided(ctx, op, k.label(), err)
	if err != nil {
		h.uncharge(own)
		return nil, err
	}
	return s.giveState(h)
}

// stateSize is what a new state takes, in bytes: it keeps its options, and may keep a copy of its key.
func stateSize(k *operation.Key, r *pb.OpenStateRequest) int {
	return stateFootprint + k.Traits().Bits/8 + len(r.Nonce) + len(r.Salt) + len(r.Context)
}

// giveState gives a state its handle.
func (s *Session) giveState(h *heldState) (*pb.StateReply, error) {
	handle, err := s.give(h)
	if err != nil {
		return nil, err
	}
	return &pb.StateReply{Handle: handle}, nil
}

// stateOptions reads the options of a state; nil is "not given", also where the message has it.
func stateOptions(r *pb.OpenStateRequest) claviger.StateOptions {
	return claviger.StateOptions{Nonce: r.Nonce, Salt: r.Salt, Context: r.Context,
		MemoryLimit: r.MemoryLimit, OpsLimit: r.OpsLimit, Parallelism: r.Parallelism}
}

// RunState runs one verb of a symmetric state. What STATE_HOLD keeps is for the verb that follows, whatever becomes of
// it; an input says how much of it went ahead, so that the beginning of one that was given up becomes a part of no other. What
// STATE_TAKE has not fetched is gone with any other verb. A verb that fails leaves the state as it was. The
// request's data is wiped. Errors: ErrResourceNotFound, ErrInvalidResourceType, ErrInvalidOperation for a verb that the
// algorithm does not have and while another call runs, ErrQuotaExceeded over 64 MiB, ErrKeyOperationNotPermitted, and those of claviger.SymmetricState.
func (s *Session) RunState(ctx context.Context, r *pb.RunStateRequest) (*pb.StateReply, error) {
	defer secmem.Wipe(r.Data)
	const op = "state"
	p, err := s.current()
	if err != nil {
		return nil, err
	}
	if err := s.lasting(op); err != nil {
		return nil, err
	}
	i := s.table.get(r.State)
	if i == nil {
		return nil, notFound(op)
	}
	h, ok := i.(*heldState)
	if !ok {
		return nil, claviger.Errorf(claviger.ErrInvalidResourceType, op, "the handle is not that of a state")
	}
	run := stateVerbs[r.Verb]
	if run == nil {
		return nil, claviger.Errorf(claviger.ErrUnsupportedOperation, op, "verb %d is not known", int32(r.Verb))
	}
	if err := h.enter(op); err != nil {
		return nil, err
	}
	defer h.leave()
	g, err := p.EphemeralKey(op, h.state.Key().Traits().Permissions, 0)
	if err != nil {
		return nil, err
	}
	return run(stateCall{h, s, g}, ctx, r)
}

// stateCall is one call on a state.
type stateCall struct {
	*heldState
	session *Session
	grant   policy.Grant
}

// stateVerbs is the dispatch table of the verbs. It never changes.
var stateVerbs = map[pb.StateVerb]func(stateCall, context.Context, *pb.RunStateRequest) (*pb.StateReply, error){
	pb.StateVerb_STATE_HOLD:             stateCall.keepInput,
	pb.StateVerb_STATE_TAKE:             stateCall.moreOutput,
	pb.StateVerb_STATE_CLONE:            fresh(stateCall.clone),
	pb.StateVerb_STATE_OPTION:           fresh(stateCall.option),
	pb.StateVerb_STATE_OPTION_NUMBER:    fresh(stateCall.optionNumber),
	pb.StateVerb_STATE_ABSORB:           fresh(stateCall.absorb),
	pb.StateVerb_STATE_SQUEEZE:          fresh(stateCall.squeeze),
	pb.StateVerb_STATE_SQUEEZE_TAG:      fresh(stateCall.squeezeTag),
	pb.StateVerb_STATE_SQUEEZE_KEY:      fresh(stateCall.squeezeKey),
	pb.StateVerb_STATE_MAX_TAG_LEN:      fresh(stateCall.maxTagLen),
	pb.StateVerb_STATE_ENCRYPT:          fresh(stateCall.encrypt),
	pb.StateVerb_STATE_ENCRYPT_DETACHED: fresh(stateCall.encrypt),
	pb.StateVerb_STATE_DECRYPT:          fresh(stateCall.decrypt),
	pb.StateVerb_STATE_DECRYPT_DETACHED: fresh(stateCall.decrypt),
	pb.StateVerb_STATE_RATCHET:          fresh(stateCall.ratchet),
}

// fresh makes a verb forget the output of the verb before it, and the input held for it once it has run. An error
// forgets its own output too.
func fresh(verb func(stateCall, context.Context, *pb.RunStateRequest) (*pb.StateReply, error)) func(stateCall, context.Context, *pb.RunStateRequest) (*pb.StateReply, error) {
	return func(c stateCall, ctx context.Context, r *pb.RunStateRequest) (*pb.StateReply, error) {
		c.dropOutput()
		defer c.dropInput()
		reply, err := verb(c, ctx, r)
		if err != nil {
			c.dropOutput()
			return nil, err
		}
		return reply, nil
	}
}

func (c stateCall) keepInput(_ context.Context, r *pb.RunStateRequest) (*pb.StateReply, error) {
	c.dropOutput()
	err := c.goOn(r.Size)
	if err == nil {
		err = c.hold(r.Data)
	}
	return &pb.StateReply{}, err
}

func (c stateCall) moreOutput(_ context.Context, r *pb.RunStateRequest) (*pb.StateReply, error) {
	if c.output == nil {
		return nil, claviger.Errorf(claviger.ErrInvalidOperation, "state", "no output is left to be taken")
	}
	return c.take(int(min(r.Size, statePart))), nil
}

func (c stateCall) clone(ctx context.Context, _ *pb.RunStateRequest) (*pb.StateReply, error) {
	own := c.charged - int64(cap(c.input)) // what the copy takes as well
	h := &heldState{tenant: c.tenant}
	if err := h.charge(int(own)); err != nil {
		return nil, err
	}
	var err error
	if h.state, err = c.state.Clone(ctx, c.grant); err != nil {
		h.uncharge(int(own))
		return nil, err
	}
	return c.session.giveState(h)
}

func (c stateCall) option(ctx context.Context, r *pb.RunStateRequest) (*pb.StateReply, error) {
	value, err := c.state.Option(ctx, c.grant, r.Name)
	return &pb.StateReply{Secret: value}, err
}

func (c stateCall) optionNumber(ctx context.Context, r *pb.RunStateRequest) (*pb.StateReply, error) {
	n, err := c.state.OptionNumber(ctx, c.grant, r.Name)
	return &pb.StateReply{Number: n}, err
}

// absorb charges what the state keeps of it for as long as the state lives.
func (c stateCall) absorb(ctx context.Context, r *pb.RunStateRequest) (*pb.StateReply, error) {
	in, err := c.whole(r.Data, r.Size)
	if err != nil {
		return nil, err
	}
	kept := 0
	if c.state.Holds() {
		kept = len(in)
	}
	if err := c.charge(kept); err != nil {
		return nil, err
	}
	if err := c.state.Absorb(ctx, c.grant, in); err != nil {
		c.uncharge(kept)
		return nil, err
	}
	return &pb.StateReply{}, nil
}

func (c stateCall) squeeze(ctx context.Context, r *pb.RunStateRequest) (*pb.StateReply, error) {
	if r.Size > stateWhole {
		return nil, claviger.Errorf(claviger.ErrInvalidLength, "state", "an output of %d bytes; the limit is %d", r.Size, stateWhole)
	}
	if err := c.reserve(int(r.Size)); err != nil {
		return nil, err
	}
	out := make([]byte, r.Size)
	if err := c.state.Squeeze(ctx, c.grant, out); err != nil {
		return nil, err
	}
	return c.give(out), nil
}

func (c stateCall) squeezeTag(ctx context.Context, _ *pb.RunStateRequest) (*pb.StateReply, error) {
	tag, err := c.state.SqueezeTag(ctx, c.grant)
	return &pb.StateReply{Tag: tag}, err
}

func (c stateCall) squeezeKey(ctx context.Context, r *pb.RunStateRequest) (*pb.StateReply, error) {
	key, err := c.state.SqueezeKey(ctx, c.grant, claviger.Algorithm(r.Name))
	return &pb.StateReply{Secret: key}, err
}

func (c stateCall) maxTagLen(ctx context.Context, _ *pb.RunStateRequest) (*pb.StateReply, error) {
	n, err := c.state.MaxTagLen(ctx, c.grant)
	return &pb.StateReply{Number: uint64(n)}, err
}

// encrypt is both forms of encryption.
func (c stateCall) encrypt(ctx context.Context, r *pb.RunStateRequest) (*pb.StateReply, error) {
	in, err := c.message(r)
	if err != nil {
		return nil, err
	}
	var out, tag []byte
	if r.Verb == pb.StateVerb_STATE_ENCRYPT {
		out, err = c.state.Encrypt(ctx, c.grant, in)
	} else {
		out, tag, err = c.state.EncryptDetached(ctx, c.grant, in)
	}
	if err != nil {
		return nil, err
	}
	reply := c.give(out)
	reply.Tag = tag
	return reply, nil
}

// decrypt is both forms of decryption.
func (c stateCall) decrypt(ctx context.Context, r *pb.RunStateRequest) (*pb.StateReply, error) {
	in, err := c.message(r)
	if err != nil {
		return nil, err
	}
	var out []byte
	if r.Verb == pb.StateVerb_STATE_DECRYPT {
		out, err = c.state.Decrypt(ctx, c.grant, in)
	} else {
		out, err = c.state.DecryptDetached(ctx, c.grant, in, r.Tag)
	}
	if err != nil {
		return nil, err
	}
	return c.give(out), nil
}

// message gives the whole input of an encryption or decryption, and takes the room for its output.
func (c stateCall) message(r *pb.RunStateRequest) ([]byte, error) {
	in, err := c.whole(r.Data, r.Size)
	if err == nil {
		err = c.reserve(len(in) + stateTag)
	}
	return in, err
}

func (c stateCall) ratchet(ctx context.Context, _ *pb.RunStateRequest) (*pb.StateReply, error) {
	return &pb.StateReply{}, c.state.Ratchet(ctx, c.grant)
}
