package session

import (
	"context"
	"os"
	"slices"
	"strings"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/operation"
	"github.com/claviger/claviger/internal/policy"
	pb "github.com/claviger/claviger/proto"
)

// Capabilities says what the open providers offer under one name, or under all, and describes the providers. An unknown
// name is ErrUnsupportedAlgorithm.
func (s *Session) Capabilities(_ context.Context, r *pb.CapabilitiesRequest) (*pb.CapabilitiesReply, error) {
	p, err := s.current()
	if err != nil {
		return nil, err
	}
	only := claviger.ProviderID(r.Provider)
	if uint32(only) != r.Provider {
		return nil, claviger.Errorf(claviger.ErrProviderNotAvailable, "capabilities", "no provider has the number %d", r.Provider)
	}
	list, err := s.engine().Capabilities(p.Keyless(s.caller), only, claviger.Algorithm(r.Algorithm))
	if err != nil {
		return nil, err
	}
	reply := &pb.CapabilitiesReply{Providers: s.providers()}
	for _, a := range list {
		d := &pb.AlgorithmDescription{Name: string(a.Name), Aliases: a.Aliases, Operations: a.Operations}
		for _, k := range a.Keys {
			d.Keys = append(d.Keys, string(k))
		}
		for _, id := range a.Providers {
			d.Providers = append(d.Providers, uint32(id))
		}
		reply.Algorithms = append(reply.Algorithms, d)
	}
	return reply, nil
}

// providers describes the configured providers.
func (s *Session) providers() []*pb.ProviderDescription {
	var list []*pb.ProviderDescription
	for _, p := range s.engine().Providers() {
		list = append(list, &pb.ProviderDescription{Id: uint32(p.ID), Name: p.Name, Kind: uint32(p.Kind), Available: p.Available, Reason: p.Reason,
			Detail: p.Detail, Restarts: p.Restarts})
	}
	return list
}

// Status tells what the tenant holds and has asked for since the start; administrators see all tenants. The number of
// loaded slots is the daemon's as a whole.
func (s *Session) Status(context.Context, *pb.StatusRequest) (*pb.StatusReply, error) {
	p, err := s.current()
	if err != nil {
		return nil, err
	}
	_, err = p.Admin(s.caller)
	admin := err == nil
	reply := &pb.StatusReply{Started: s.m.started.Unix(), Pid: int64(os.Getpid()), Providers: s.providers()}
	tenants := []*tenant{s.tenant}
	if admin {
		tenants = s.m.all()
		reply.LoadedSlots = uint64(s.engine().LoadedSlots()) // of all: to others it would tell what strangers do
	}
	for _, t := range tenants {
		reply.Tenants = append(reply.Tenants, t.status())
		reply.Frames += t.frames.Load()
	}
	slices.SortFunc(reply.Tenants, func(a, b *pb.TenantStatus) int { return strings.Compare(a.Name, b.Name) })
	if s.m.hooks.Status != nil {
		s.m.hooks.Status(reply, admin)
	}
	return reply, nil
}

// status gives a tenant's counters.
func (t *tenant) status() *pb.TenantStatus {
	return &pb.TenantStatus{Name: t.name, Sessions: uint32(t.sessions.Load()), Connections: uint32(t.connections.Load()),
		Handles: uint32(t.handles.Load()), Keys: uint32(t.keys.Load()), Contexts: uint32(t.contexts.Load()), InFlight: uint32(t.inFlight.Load()),
		HeldBytes: uint64(t.held.Load()), RegionBytes: uint64(t.regions.Load()), Frames: t.frames.Load(), Operations: t.operations()}
}

// ListSlots lists what the caller can resolve: names, what they stand for, and what is in slots.
func (s *Session) ListSlots(context.Context, *pb.ListSlotsRequest) (*pb.ListSlotsReply, error) {
	p, err := s.current()
	if err != nil {
		return nil, err
	}
	names, err := s.names(p)
	if err != nil {
		return nil, err
	}
	reply := &pb.ListSlotsReply{}
	for _, n := range names {
		slot := &pb.NamedSlot{Name: n.Name, Slot: n.Target, Type: uint32(n.Type)}
		switch n.Type {
		case claviger.TypeKeySlot:
			slot.Info, err = s.slotInfo(p, n.Name)
		case claviger.TypeCertSlot:
			var info operation.CertSlotInfo
			info, err = s.engine().CertSlot(p.Keyless(s.caller), n.Target)
			slot.Certificate = uint32(info.State)
		}
		if err != nil {
			return nil, err
		}
		reply.Slots = append(reply.Slots, slot)
	}
	return reply, nil
}

// names lists the names that are configured, and where every name is a slot of its own those that hold something.
func (s *Session) names(p *policy.Policy) ([]policy.Resolved, error) {
	list := p.Names(s.caller)
	keys, certificates, err := s.engine().OccupiedSlots(p.Keyless(s.caller))
	if err != nil {
		return nil, err
	}
	add := func(names []string, t claviger.ResourceType) {
		for _, name := range names {
			found, err := p.Resolve(s.caller, name, t)
			if err == nil && !slices.Contains(list, found) {
				list = append(list, found)
			}
		}
	}
	add(keys, claviger.TypeKeySlot)
	add(certificates, claviger.TypeCertSlot)
	return list, nil
}

// Reload makes the daemon read its configuration anew, all or nothing. For administrators: others get ErrAccessDenied.
// The errors of the configuration pass through.
func (s *Session) Reload(ctx context.Context, _ *pb.ReloadRequest) (*pb.ReloadReply, error) {
	if err := s.admin(ctx, "reload", s.m.hooks.Reload != nil); err != nil {
		return nil, err
	}
	return &pb.ReloadReply{}, s.m.hooks.Reload(ctx)
}

// Compact makes the daemon rewrite its store, after which what was destroyed is gone from the medium, and gives the
// sizes before and after in bytes. For administrators: others get ErrAccessDenied.
func (s *Session) Compact(ctx context.Context, _ *pb.CompactRequest) (*pb.CompactReply, error) {
	if err := s.admin(ctx, "compact", s.m.hooks.Compact != nil); err != nil {
		return nil, err
	}
	before, after, err := s.m.hooks.Compact(ctx)
	return &pb.CompactReply{Before: before, After: after}, err
}

// admin refuses all but administrators, and what the daemon does not offer.
func (s *Session) admin(ctx context.Context, op string, offered bool) error {
	p, err := s.current()
	if err != nil {
		return err
	}
	g, err := p.Admin(s.caller)
	if err == nil {
		err = g.DemandAdmin(op)
	}
	s.decided(ctx, op, "", err)
	if err == nil && !offered {
		err = claviger.Errorf(claviger.ErrUnsupportedOperation, op, "this daemon does not offer it")
	}
	return err
}
