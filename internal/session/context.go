package session

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/operation"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/provider"
	pb "github.com/claviger/claviger/proto"
)

// openContext is an operation context with the grant under which it works. When another policy comes into force the
// grant is asked for anew.
type openContext struct {
	context *operation.Context
	grant   atomic.Pointer[policy.Grant]
	keyless bool
	name    string              // of the slot, as the caller calls it; "" for a key that is of no slot
	label   string              // what the log calls the key
	slot    string              // of the slot, as the configuration calls it
	has     claviger.Permission // permissions of the key that decide

	refused atomic.Pointer[policy.Policy] // the policy whose refusal was logged
}

// release closes the context. Calls that run keep what they use.
func (c *openContext) release(t *tenant) {
	c.context.Close()
	t.contexts.Add(-1)
}

// CreateContext makes an operation context and gives a handle for it, which the caller releases. The context holds the
// key by itself: the key's handle may be released at once. Order of checks: handle (ErrResourceNotFound,
// ErrInvalidResourceType, ErrKeySlotEmpty), permission (ErrKeyOperationNotPermitted), algorithm and type of key
// (ErrUnsupportedAlgorithm, ErrAlgorithmMismatch, ErrIncompatibleKeyType), provider (ErrProviderNotAvailable,
// ErrCrossProviderIncompatible). One decision is logged.
func (s *Session) CreateContext(ctx context.Context, r *pb.CreateContextRequest) (*pb.CreateContextReply, error) {
	switch {
	case r.Kind > uint32(claviger.RandomContext):
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, "create context", "unknown kind of context %d", r.Kind)
	case r.Direction > uint32(claviger.Decrypting):
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, "create context", "unknown direction %d", r.Direction)
	case r.Size > operation.MaxOutput:
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, "create context", "an output of %d bytes; the limit is %d", r.Size, operation.MaxOutput)
	}
	if err := s.tenant.takeHandle(); err != nil {
		return nil, err
	}
	c, err := s.create(ctx, r)
	if err != nil {
		s.tenant.handles.Add(-1)
		return nil, err
	}
	s.tenant.contexts.Add(1)
	reply := describeContext(c.context.Info())
	if reply.Handle, err = s.table.add(c); err != nil {
		s.drop(c)
	}
	return reply, err
}

// create makes the context and remembers how its grant was given, so that it can be asked for again. The caller has
// taken a handle and counts the context.
func (s *Session) create(ctx context.Context, r *pb.CreateContextRequest) (*openContext, error) {
	spec := operation.ContextSpec{Kind: claviger.ContextKind(r.Kind), Algorithm: claviger.Algorithm(r.Algorithm),
		Direction: claviger.Direction(r.Direction), Digest: r.Digest, DER: r.Der, Size: int(r.Size), Budget: s.tenant}
	op := spec.Kind.String()
	var err error
	if spec.Provider, err = selector(op, r.Provider); err != nil {
		return nil, err
	}
	if r.Key == 0 {
		return s.createKeyless(ctx, spec)
	}
	_, k, g, err := s.granted(ctx, op, r.Key, r.Version, spec.Needs)
	if err != nil {
		return nil, err
	}
	defer k.done()
	spec.Old = k.old
	made, err := s.engine().NewContext(ctx, g, k.ref, spec)
	if err != nil {
		return nil, err
	}
	s.chosen(ctx, op, k.label(), made.Info().Provider)
	_, has := spec.Needs(k.ref.Traits())
	c := &openContext{context: made, name: k.name, label: k.label(), slot: k.slot, has: has}
	c.grant.Store(&g)
	return c, nil
}

// createKeyless makes a hash or random context, or says that the kind needs a key.
func (s *Session) createKeyless(ctx context.Context, spec operation.ContextSpec) (*openContext, error) {
	p, err := s.current()
	if err != nil {
		return nil, err
	}
	g := p.Keyless(s.caller)
	made, err := s.engine().NewContext(ctx, g, nil, spec)
	s.decided(ctx, spec.Kind.String(), "", err)
	if err != nil {
		return nil, err
	}
	s.chosen(ctx, spec.Kind.String(), "", made.Info().Provider)
	c := &openContext{context: made, keyless: true}
	c.grant.Store(&g)
	return c, nil
}

// describeContext turns a description into its message.
func describeContext(i operation.ContextInfo) *pb.CreateContextReply {
	return &pb.CreateContextReply{Size: uint32(i.Size), Block: uint32(i.Block), Iv: uint32(i.IV), Tag: uint32(i.Tag), DaemonNonce: i.DaemonNonce,
		MaxMessage: uint64(i.MaxMessage), Provider: uint32(i.Provider), Algorithm: string(i.Algorithm), Gathers: i.Gathers}
}

// open finds a context and the grant of this moment. It costs one look-up and one comparison while the policy stays.
func (s *Session) open(h uint64) (*operation.Context, policy.Grant, error) {
	i := s.table.get(h)
	if i == nil {
		return nil, policy.Grant{}, notFound("context")
	}
	c, ok := i.(*openContext)
	if !ok {
		return nil, policy.Grant{}, claviger.Errorf(claviger.ErrInvalidResourceType, "context", "the handle is not that of a context")
	}
	g := c.grant.Load()
	if g.By(s.m.policy.Load()) {
		return c.context, *g, nil
	}
	fresh, err := s.regrant(c)
	return c.context, fresh, err
}

// regrant asks the policy in force for what a context was granted under another. A refusal is logged, once for each
// policy, so that a caller who goes on calling does not fill the log; the context stays, and is asked about again at
// its next call.
func (s *Session) regrant(c *openContext) (policy.Grant, error) {
	p := s.m.policy.Load()
	g, err := s.ask(c)
	if err != nil && c.refused.Swap(p) == p {
		return policy.Grant{}, err
	}
	if err != nil {
		s.decided(context.Background(), c.context.Info().Kind.String(), c.label, err)
		return policy.Grant{}, err
	}
	c.grant.Store(&g)
	return g, nil
}

// ask decides about a context anew: who the caller is, what the name stands for, permissions, modes, nonces, provider.
func (s *Session) ask(c *openContext) (policy.Grant, error) {
	p, err := s.current()
	if err != nil {
		return policy.Grant{}, err
	}
	info := c.context.Info()
	op := info.Kind.String()
	switch {
	case c.keyless:
		return p.Keyless(s.caller), nil
	case c.name == "":
		if err := s.lives(op, c.context.Key()); err != nil {
			return policy.Grant{}, err
		}
		return p.EphemeralKey(op, c.has, c.context.Needs())
	}
	g, err := s.slotGrant(p, op, c.name, c.slot, c.context.Needs(), c.has)
	if err != nil {
		return policy.Grant{}, err
	}
	switch slot := g.Slot(); {
	case !slot.AllowsMode(info.Algorithm):
		err = claviger.Errorf(claviger.ErrKeyOperationNotPermitted, op, "the modes of slot %q do not list %s any more", slot.Name, info.Algorithm)
	case info.CallerNonce && !slot.CallerNonce:
		err = claviger.Errorf(claviger.ErrKeyOperationNotPermitted, op, "slot %q does not take nonces from the caller any more", slot.Name)
	case !slices.Contains(slot.Providers, info.Provider):
		err = claviger.Errorf(claviger.ErrProviderNotAvailable, op, "slot %q is not for provider %d any more", slot.Name, info.Provider)
	}
	return g, err
}

// Init opens a message with an IV or nonce and associated data, as the algorithm takes them. Where the daemon draws the
// nonce it is appended to dst. All slices are the caller's again when it returns; dst is returned, grown if need be.
// Like all data calls it costs no allocation for small messages and answers ErrResourceNotFound for an unknown handle.
func (s *Session) Init(ctx context.Context, h uint64, iv, aad, dst []byte) ([]byte, error) {
	c, g, err := s.open(h)
	if err != nil {
		return dst, err
	}
	return c.Init(ctx, g, iv, aad, dst)
}

// Update takes a part of a message and appends to dst what output is due. A part that is refused, because it is over
// the message limit (ErrInvalidArgument) or the tenant's share of memory (ErrQuotaExceeded), changes nothing.
func (s *Session) Update(ctx context.Context, h uint64, data, dst []byte) ([]byte, error) {
	c, g, err := s.open(h)
	if err != nil {
		return dst, err
	}
	return c.Update(ctx, g, dst, data)
}

// UpdateParts is Update with n bytes that next gives part by part, as operation.Context has it: refused as a whole, also
// for an output that is longer than room (ErrInsufficientBufferSize), it changes nothing; what fails later puts the
// context into the error state.
func (s *Session) UpdateParts(ctx context.Context, h uint64, n int64, room int, space []byte, next func(out []byte) ([]byte, error)) ([]byte, error) {
	c, g, err := s.open(h)
	if err != nil {
		return nil, err
	}
	return c.UpdateParts(ctx, g, n, room, space, next)
}

// Finalize ends a message and appends what is left to dst. A verifying context, and a MAC context that is given a code,
// append one byte: 1 for right, 0 for wrong. size shortens the output of an extendable-output hash, 0 takes all; with
// keep the result is that of the message so far, which goes on. An output of more than room bytes (0: no bound) is
// ErrInsufficientBufferSize, and the message stays as it is.
func (s *Session) Finalize(ctx context.Context, h uint64, signature []byte, size int, keep bool, room int, dst []byte) ([]byte, error) {
	c, g, err := s.open(h)
	if err != nil {
		return dst, err
	}
	return c.Finalize(ctx, g, signature, size, keep, room, dst)
}

// Reset discards the message under way and has no effect when there is none; the context can be used anew at once. A
// context in the error state stays there: ErrInvalidOperation.
func (s *Session) Reset(ctx context.Context, h uint64) error {
	c, g, err := s.open(h)
	if err != nil {
		return err
	}
	return c.Reset(ctx, g)
}

// OneShot runs one whole message and appends the result to dst. first is an IV or nonce, the signature to verify, or the
// code to compare; aad is an AEAD's associated data; size is the output wanted of an extendable-output hash or a random
// generator. Calls on one context may run side by side. While a message is under way it is ErrStreamAlreadyActive.
func (s *Session) OneShot(ctx context.Context, h uint64, first, aad []byte, size int, data, dst []byte) ([]byte, error) {
	c, g, err := s.open(h)
	if err != nil {
		return dst, err
	}
	return c.OneShot(ctx, g, first, aad, size, dst, data)
}

// Cost says where the next call on a context with n more bytes may run; Inline for an unknown handle.
func (s *Session) Cost(h uint64, n int) provider.Cost {
	if c, ok := s.table.get(h).(*openContext); ok {
		return c.context.Cost(n)
	}
	return provider.Inline
}

// Abandon puts a context into the error state because a call on it was given up; no effect on an unknown handle.
func (s *Session) Abandon(h uint64) {
	if c, ok := s.table.get(h).(*openContext); ok {
		c.context.Abandon()
	}
}
