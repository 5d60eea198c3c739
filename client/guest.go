package client

import (
	"context"
	"time"

	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
)

// GuestIdentity says which WebAssembly guest a program runs. The daemon believes the program, if its configuration
// lists the guest among those that the program may vouch for; from then on the stack is the guest's: its names, secrets,
// managed keys and limits, and none of the program's own. The zero value is no guest.
type GuestIdentity struct {
	SHA256 [32]byte // of the module's file; a configured daemon knows the guest by it
	Tenant string   // the guest's name, which only the owner of a one-user instance (serve --dev, embedded Dir) may choose; "" elsewhere
}

// become makes the session the guest's. It is the session's first request. begin is when the dialling began, whose time
// this takes part in.
func (s *Stack) become(ctx context.Context, g GuestIdentity, begin time.Time) error {
	timeout := s.timeout
	if timeout > 0 {
		timeout = max(timeout-time.Since(begin), 1) // 0 would be the default
	}
	req := &pb.BecomeGuestRequest{Tenant: g.Tenant}
	if g.SHA256 != [32]byte{} {
		req.Sha256 = g.SHA256[:]
	}
	var reply pb.BecomeGuestReply
	err := s.link.Control(ctx, wire.OpBecomeGuest, timeout, req, &reply)
	s.tenant = reply.GetTenant()
	return err
}
