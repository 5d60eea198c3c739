package session

import (
	"cmp"
	"context"
	"encoding/hex"
	"log/slog"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/policy"
	pb "github.com/claviger/claviger/proto"
)

// BecomeGuest makes the session that of a WebAssembly guest, for good: from the reply on names, secrets, limits and
// counters are the guest's. Every later call asks again whether the guest is still configured and vouched for.
//
// It must be the session's first call, with one connection and no other call at the same time. Errors: ErrAccessDenied
// with the lines to add to the configuration, ErrInvalidArgument for a bad digest or name, ErrInvalidOperation after
// anything else was done, ErrQuotaExceeded when the guest has too many sessions or connections; the session is then what
// it was. One decision is logged.
func (s *Session) BecomeGuest(ctx context.Context, r *pb.BecomeGuestRequest) (*pb.BecomeGuestReply, error) {
	guest, err := s.vouched(r)
	if err == nil {
		err = s.admit(guest.Tenant)
	}
	s.decided(ctx, "become guest", claviger.Clip(cmp.Or(guest.Tenant, r.Tenant)), err, slog.String("sha256", hex.EncodeToString(r.Sha256[:min(len(r.Sha256), 32)])))
	if err != nil {
		return nil, err
	}
	s.caller = guest
	return &pb.BecomeGuestReply{Tenant: guest.Tenant}, nil
}

// vouched asks the policy which guest the caller may become.
func (s *Session) vouched(r *pb.BecomeGuestRequest) (policy.Caller, error) {
	const op = "guest"
	p, err := s.current()
	switch n := len(r.Sha256); {
	case err != nil:
		return policy.Caller{}, err
	case s.table.used():
		return policy.Caller{}, claviger.Errorf(claviger.ErrInvalidOperation, op, "the session has been used before")
	case n != 32 && (n != 0 || r.Tenant == ""):
		return policy.Caller{}, claviger.Errorf(claviger.ErrInvalidArgument, op, "a SHA-256 of %d bytes; 32 are wanted", n)
	}
	m := policy.Module{Tenant: r.Tenant}
	copy(m.SHA256[:], r.Sha256)
	return p.Become(s.caller, m)
}

// admit moves the session and its one connection from its tenant to another, or changes nothing: ErrQuotaExceeded.
func (s *Session) admit(name string) error {
	to, from, limits := s.m.tenant(name), s.tenant, &s.m.limits
	if err := to.take(&to.sessions, 1, int64(limits.Sessions), "sessions"); err != nil {
		return err
	}
	if err := to.take(&to.connections, 1, int64(limits.Connections), "connections"); err != nil {
		to.sessions.Add(-1)
		return err
	}
	from.sessions.Add(-1)
	from.connections.Add(-1)
	s.tenant, s.generation = to, to.generation.Load()
	return nil
}
