package session

import (
	"context"
	"io"
	"sync/atomic"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/operation"
	"github.com/claviger/claviger/internal/policy"
	pb "github.com/claviger/claviger/proto"
)

// Session is one caller. Its methods may be called by many goroutines at once; what each context allows is package
// operation's. After Close every method is ErrSessionExpired or finds no handle.
type Session struct {
	m          *Manager
	caller     policy.Caller // changed by BecomeGuest alone, before anybody else has the session
	tenant     *tenant       // the same
	generation uint64        // the tenant's; the same
	table      table
	vetted     atomic.Pointer[policy.Policy] // the policy under which the caller was last found to be who it was
}

// Caller is who the session belongs to.
func (s *Session) Caller() policy.Caller { return s.caller }

// Close releases everything that the session holds. Calls that run keep what they use until they return. Idempotent.
func (s *Session) Close() {
	items, ok := s.table.close()
	if !ok {
		return
	}
	for _, i := range items {
		s.drop(i)
	}
	s.tenant.sessions.Add(-1)
}

// drop gives back what an item holds, and its handle.
func (s *Session) drop(i item) {
	i.release(s.tenant)
	s.tenant.handles.Add(-1)
}

// give puts an item into the table. The item is released if there is no room for it.
func (s *Session) give(i item) (uint64, error) {
	if err := s.tenant.takeHandle(); err != nil {
		i.release(s.tenant)
		return 0, err
	}
	h, err := s.table.add(i)
	if err != nil {
		s.drop(i)
	}
	return h, err
}

// current gives the policy in force, under which the caller must still be the tenant that it was, and a guest still be
// vouched for: otherwise ErrAccessDenied.
func (s *Session) current() (*policy.Policy, error) {
	p := s.m.policy.Load()
	if s.vetted.Load() == p {
		return p, nil
	}
	if err := p.Confirm(s.caller); err != nil {
		return nil, err
	}
	s.vetted.Store(p)
	return p, nil
}

// lasting refuses what a tenant keeps for itself, secrets and managed keys, to a session that is older than the tenant: one that
// was removed from the configuration and made anew inherits nothing, not through handles that stayed open either. The policy
// in force knows the tenant, or current has refused. ErrAccessDenied.
func (s *Session) lasting(op string) error {
	if s.tenant.generation.Load() == s.generation {
		return nil
	}
	return claviger.Errorf(claviger.ErrAccessDenied, op, "%s was removed from the configuration and made anew, which this session was not; connect anew", s.caller.Tenant)
}

// Release gives handles back: contexts, keys, certificates, regions, resolved names. Unknown ones are
// ErrResourceNotFound, after all others have been released.
func (s *Session) Release(_ context.Context, r *pb.ReleaseRequest) (*pb.ReleaseReply, error) {
	missing := 0
	for _, h := range r.Handles {
		if i := s.table.remove(h); i != nil {
			s.drop(i)
		} else {
			missing++
		}
	}
	if missing > 0 {
		return nil, claviger.Errorf(claviger.ErrResourceNotFound, "release", "%d of %d handles are unknown", missing, len(r.Handles))
	}
	return &pb.ReleaseReply{}, nil
}

// named is a resolved name. What it stands for is looked up at each use, under the policy of that moment.
type named struct {
	name string
	kind claviger.ResourceType
}

// release gives nothing back: a name holds nothing.
func (*named) release(*tenant) {}

// Resolve looks a name up and gives a handle for it. Errors: ErrInvalidResourceID if it is not mapped,
// ErrInvalidResourceType if it is something else.
func (s *Session) Resolve(ctx context.Context, r *pb.ResolveRequest) (*pb.ResolveReply, error) {
	reply, err := s.resolve(r)
	s.decided(ctx, "resolve", claviger.Clip(r.Name), err)
	return reply, err
}

// resolve is Resolve without the log line.
func (s *Session) resolve(r *pb.ResolveRequest) (*pb.ResolveReply, error) {
	p, err := s.current()
	if err != nil {
		return nil, err
	}
	if r.Type > uint32(claviger.TypeDataObject) {
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, "resolve", "unknown type of resource %d", r.Type)
	}
	found, err := p.Resolve(s.caller, r.Name, claviger.ResourceType(r.Type))
	if err != nil {
		return nil, err
	}
	reply := &pb.ResolveReply{Type: uint32(found.Type), Persistence: uint32(claviger.Persistent)}
	if found.Type == claviger.TypeKeySlot {
		slot, err := p.Slot(found.Target)
		if err != nil {
			return nil, err
		}
		if len(slot.Providers) > 0 {
			reply.Provider = uint32(slot.Providers[0])
		}
	}
	reply.Handle, err = s.give(&named{found.Name, found.Type})
	return reply, err
}

// name finds a resolved name of the given type: ErrResourceNotFound or ErrInvalidResourceType.
func (s *Session) name(op string, h uint64, t claviger.ResourceType) (*named, error) {
	i := s.table.get(h)
	if i == nil {
		return nil, notFound(op)
	}
	n, ok := i.(*named)
	if !ok || n.kind != t {
		return nil, claviger.Errorf(claviger.ErrInvalidResourceType, op, "the handle is not that of a %s", t)
	}
	return n, nil
}

// notFound is the error of a handle that stands for nothing.
func notFound(op string) error {
	return claviger.Errorf(claviger.ErrResourceNotFound, op, "no such handle; it was released, or never given")
}

// region is a shared memory region. Who uses it counts references of its own.
type region struct {
	closer  io.Closer
	charged int64 // bytes
}

// leastRegion is what a region is charged at least, in bytes: it takes a descriptor of the process, which are few.
const leastRegion = 512 << 10

// release closes the region and uncharges it.
func (r *region) release(t *tenant) {
	_ = r.closer.Close()
	t.regions.Add(-r.charged)
}

// AddRegion takes a region of size bytes, charged to the tenant as 512 KiB or more; its release closes it. On an error
// it is closed at once: ErrQuotaExceeded, ErrInvalidArgument for a negative size, ErrSessionExpired.
func (s *Session) AddRegion(r io.Closer, size int64) (uint64, error) {
	err, charged := error(nil), max(size, leastRegion)
	if size < 0 {
		err = claviger.Errorf(claviger.ErrInvalidArgument, "region", "a region of %d bytes", size)
	} else {
		err = s.tenant.take(&s.tenant.regions, charged, s.m.limits.RegionBytes, "region bytes")
	}
	if err != nil {
		_ = r.Close()
		return 0, err
	}
	return s.give(&region{r, charged})
}

// Region finds a region: ErrInvalidMemoryRegion if the handle is not that of one.
func (s *Session) Region(h uint64) (io.Closer, error) {
	if r, ok := s.table.get(h).(*region); ok {
		return r.closer, nil
	}
	return nil, claviger.Errorf(claviger.ErrInvalidMemoryRegion, "region", "the handle is not that of a region")
}

// Reserve charges n bytes that the daemon holds for the tenant; Unreserve gives them back.
func (s *Session) Reserve(n int64) error { return s.tenant.Reserve(n) }

// Unreserve gives back what Reserve charged.
func (s *Session) Unreserve(n int64) { s.tenant.Unreserve(n) }

// AddConnection counts a connection of the session, or refuses it with ErrQuotaExceeded.
func (s *Session) AddConnection() error {
	return s.tenant.take(&s.tenant.connections, 1, int64(s.m.limits.Connections), "connections")
}

// DropConnection undoes AddConnection.
func (s *Session) DropConnection() { s.tenant.connections.Add(-1) }

// Begin counts a call that runs or waits, or refuses it with ErrQuotaExceeded; End undoes it.
func (s *Session) Begin() error {
	return s.tenant.take(&s.tenant.inFlight, 1, int64(s.m.limits.InFlight), "calls in flight")
}

// End undoes Begin.
func (s *Session) End() { s.tenant.inFlight.Add(-1) }

// CountFrame counts a request for the status.
func (s *Session) CountFrame(op string) { s.tenant.count(op) }

// Limits are those of the session's tenant.
func (s *Session) Limits() Limits { return s.m.limits }

// engine is where the verbs are.
func (s *Session) engine() *operation.Engine { return s.m.engine }
