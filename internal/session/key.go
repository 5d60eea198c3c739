package session

import (
	"cmp"
	"context"
	"math"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/operation"
	"github.com/claviger/claviger/internal/policy"
	pb "github.com/claviger/claviger/proto"
)

// liveKey is a key that a handle holds.
type liveKey struct {
	key  *operation.Key
	name string // of the slot that it was loaded from, as the caller calls it; "" for one that is of no slot
	id   string // of a managed key; "" for any other
	old  bool   // a version that was not the newest when it was loaded
}

// release gives the handle's reference back; contexts on the key have their own.
func (k *liveKey) release(t *tenant) {
	k.key.Release()
	t.keys.Add(-1)
}

// source is a key that a request names: by its own handle, or by that of a slot.
type source struct {
	ref  *operation.KeyRef
	live *operation.Key // with a reference that done gives back; nil for a slot
	name string         // of the slot, as the caller calls it; "" for a key that is of no slot
	id   string         // of a managed key; "" for any other
	slot string         // of the slot, as the configuration calls it
	old  bool
}

// label is what the log calls the key; "" for an ephemeral key.
func (k source) label() string { return claviger.Clip(cmp.Or(k.name, k.id)) }

// done gives the reference back. It may be called on the zero source.
func (k source) done() {
	if k.live != nil {
		k.live.Release()
	}
}

// source resolves a handle to a key. Errors: ErrResourceNotFound, ErrInvalidResourceType for a handle of something
// else, ErrKeySlotEmpty, ErrInvalidArgument for a version of what has none.
func (s *Session) source(p *policy.Policy, op string, h, version uint64) (source, error) {
	var k source
	var i item
	if !s.table.with(h, func(found item) {
		i = found
		if held, ok := found.(*liveKey); ok {
			k = source{live: held.key.Retain(), name: held.name, id: held.id, old: held.old}
		}
	}) {
		return source{}, notFound(op)
	}
	if k.live != nil {
		if version != 0 {
			k.done()
			return source{}, claviger.Errorf(claviger.ErrInvalidArgument, op, "a version is one of a slot; the handle is that of a key")
		}
		if err := s.lives(op, k.live); err != nil {
			k.done()
			return source{}, err
		}
		k.ref = operation.LiveRef(k.live)
		k.slot, _ = k.live.Slot()
		return k, nil
	}
	n, ok := i.(*named)
	if !ok || n.kind != claviger.TypeKeySlot {
		return source{}, claviger.Errorf(claviger.ErrInvalidResourceType, op, "the handle is neither that of a key nor that of a key slot")
	}
	g, err := p.SlotKey(s.caller, op, n.name, claviger.AllPermissions, 0)
	if err != nil {
		return source{}, err
	}
	k = source{name: n.name, slot: g.Slot().Name}
	k.ref, k.old, err = s.engine().SlotRef(k.slot, version)
	return k, err
}

// lives refuses a managed key that was the tenant's before it was removed and made anew: ErrAccessDenied.
func (s *Session) lives(op string, k *operation.Key) error {
	if _, managed := k.Managed(); !managed {
		return nil
	}
	return s.lasting(op)
}

// grant asks the policy for the use of a key. has are the permissions of the key that decide.
func (s *Session) grant(p *policy.Policy, op string, k source, want, has claviger.Permission) (policy.Grant, error) {
	if k.name == "" {
		return p.EphemeralKey(op, has, want)
	}
	return s.slotGrant(p, op, k.name, k.slot, want, has)
}

// slotGrant asks for a slot's key; the name must still stand for that slot.
func (s *Session) slotGrant(p *policy.Policy, op, name, slot string, want, has claviger.Permission) (policy.Grant, error) {
	g, err := p.SlotKey(s.caller, op, name, has, want)
	if err != nil {
		return policy.Grant{}, err
	}
	if g.Slot().Name != slot {
		return policy.Grant{}, claviger.Errorf(claviger.ErrAccessDenied, op, "%q stands for another slot now; resolve it anew", claviger.Clip(name))
	}
	return g, nil
}

// granted is what most verbs on a key begin with: policy, source, grant. The caller calls done if there is no error.
func (s *Session) granted(ctx context.Context, op string, h, version uint64, needs func(operation.Traits) (want, has claviger.Permission)) (*policy.Policy, source, policy.Grant, error) {
	p, err := s.current()
	if err != nil {
		return nil, source{}, policy.Grant{}, err
	}
	k, err := s.source(p, op, h, version)
	if err != nil {
		return nil, source{}, policy.Grant{}, err
	}
	t := k.ref.Traits()
	g, err := s.grant(p, op, k, 0, claviger.AllPermissions)
	t.Within = g.Permissions()
	want, has := needs(t)
	if err == nil {
		g, err = s.grant(p, op, k, want, has)
	}
	s.decided(ctx, op, k.label(), err)
	if err != nil {
		k.done()
		return nil, source{}, policy.Grant{}, err
	}
	return p, k, g, nil
}

// own are the needs of a verb that demands nothing of the key's permissions.
func own(t operation.Traits) (want, has claviger.Permission) { return 0, t.Permissions }

// target resolves where a new key goes. A nil target is an ephemeral key that permits everything. want is the change
// that the mapping of a slot must allow: ErrAccessDenied.
func (s *Session) target(ctx context.Context, p *policy.Policy, op string, t *pb.KeyTarget, want policy.Write) (operation.Target, error) {
	var out operation.Target
	if t == nil {
		return out, nil
	}
	out.Rotate = t.Rotate
	var err error
	if out.Provider, err = selector(op, t.Provider); err != nil {
		return out, err
	}
	if t.Permissions != nil {
		permissions := claviger.Permission(*t.Permissions)
		out.Permissions = &permissions
	}
	if t.Slot == 0 {
		if t.Rotate {
			return out, claviger.Errorf(claviger.ErrInvalidArgument, op, "only a slot can be rotated; none is given")
		}
		return out, nil
	}
	out.Durable = true
	out.Slot, err = s.writeGrant(ctx, p, op, t.Slot, want)
	return out, err
}

// writeGrant asks the policy for a change of a slot, and logs the answer.
func (s *Session) writeGrant(ctx context.Context, p *policy.Policy, op string, h uint64, want policy.Write) (policy.Grant, error) {
	n, err := s.name(op, h, claviger.TypeKeySlot)
	if err != nil {
		return policy.Grant{}, err
	}
	g, err := p.SlotWrite(s.caller, op, n.name, want)
	s.decided(ctx, op, n.name, err)
	return g, err
}

// selector reads a wish for a provider: ErrProviderNotAvailable for a number that none can have.
func selector(op string, s *pb.Selector) (operation.Selector, error) {
	if s == nil {
		return operation.Selector{}, nil
	}
	if s.Id > math.MaxUint16 {
		return operation.Selector{}, claviger.Errorf(claviger.ErrProviderNotAvailable, op, "no provider has the number %d; numbers are 1 to %d", s.Id, math.MaxUint16)
	}
	if s.Kind > uint32(claviger.SoftwarePreferred) {
		return operation.Selector{}, claviger.Errorf(claviger.ErrInvalidArgument, op, "unknown kind of provider %d", s.Kind)
	}
	return operation.Selector{ID: claviger.ProviderID(s.Id), Kind: claviger.ProviderKind(s.Kind), Name: s.Name}, nil
}

// room takes what the handle of a new key needs, before the work is done. The function undoes it.
func (s *Session) room(t operation.Target) (undo func(), err error) {
	if t.Durable {
		return func() {}, nil
	}
	if err := s.tenant.takeKey(); err != nil {
		return nil, err
	}
	if err := s.tenant.takeHandle(); err != nil {
		s.tenant.keys.Add(-1)
		return nil, err
	}
	return func() { s.tenant.keys.Add(-1); s.tenant.handles.Add(-1) }, nil
}

// making runs a verb that makes a key, and gives the key a handle. Handle and key are counted before the verb runs, so
// that a full tenant makes no device work in vain.
func (s *Session) making(t operation.Target, verb func() (operation.Made, error)) (*pb.KeyReply, error) {
	undo, err := s.room(t)
	if err != nil {
		return nil, err
	}
	made, err := verb()
	if err != nil {
		undo()
		return nil, err
	}
	s.chosen(context.Background(), "new key", "", made.Info.Provider)
	return s.keyReply(made)
}

// keyReply describes a key and gives it a handle if it is live; the room for it has been taken.
func (s *Session) keyReply(made operation.Made) (*pb.KeyReply, error) {
	reply := &pb.KeyReply{Key: describe(made.Info), Version: made.Version}
	if made.Key == nil {
		return reply, nil
	}
	return reply, s.hold(reply, &liveKey{key: made.Key})
}

// hold gives a key, for which room has been taken, its handle.
func (s *Session) hold(reply *pb.KeyReply, k *liveKey) error {
	h, err := s.table.add(k)
	if err != nil {
		s.drop(k)
	}
	reply.Handle = h
	return err
}

// describe turns a key's description into its message.
func describe(i claviger.KeyInfo) *pb.KeyDescription {
	return &pb.KeyDescription{Algorithm: string(i.Algorithm), Class: uint32(i.Class), Persistence: uint32(i.Persistence),
		Permissions: uint32(i.Permissions), Provider: uint32(i.Provider), Bits: uint32(i.Bits)}
}
