package server_test

import (
	"crypto/sha256"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/server/servertest"
	"github.com/claviger/claviger/internal/session"
	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
)

// guests starts a server whose one application runs the guest "guest", and gives the request that says so.
func guests(t *testing.T, l session.Limits) (*servertest.Rig, *pb.BecomeGuestRequest) {
	t.Helper()
	self, digest := uint32(os.Getuid()), sha256.Sum256([]byte("guest"))
	rules := policy.Rules{Apps: []policy.App{
		{Name: "runner", UID: &self, Vouches: []string{"guest"}},
		{Name: "guest", Digests: [][32]byte{digest}},
	}}
	return servertest.Start(t, servertest.Config{Rules: &rules, Limits: l}), &pb.BecomeGuestRequest{Sha256: digest[:]}
}

// TestOnlyTheFirstRequestMakesAGuest holds that after anything else, on whatever connection, the session stays its runner's;
// and that further connections are the guest's.
func TestOnlyTheFirstRequestMakesAGuest(t *testing.T) {
	r, request := guests(t, session.Limits{})
	var reply pb.BecomeGuestReply
	late := greeted(t, r.Path)
	late.wantAlive()
	if err := late.control(wire.OpBecomeGuest, request, &reply); claviger.CodeOf(err) != claviger.ErrInvalidOperation {
		t.Errorf("after a ping: %v", err)
	}
	if name := late.status().Name; name != "runner" {
		t.Errorf("the session is %s's", name)
	}

	conn := greeted(t, r.Path)
	ok(t, conn.control(wire.OpBecomeGuest, request, &reply))
	if name := conn.status().Name; reply.Tenant != "guest" || name != "guest" {
		t.Errorf("the session is %s's, the reply says %s", name, reply.Tenant)
	}
	further := conn.further()
	if err := further.control(wire.OpBecomeGuest, request, &reply); claviger.CodeOf(err) != claviger.ErrInvalidOperation {
		t.Errorf("first on a further connection: %v", err)
	}
	if err := further.control(wire.OpBecomeGuest, request, &reply); claviger.CodeOf(err) != claviger.ErrInvalidOperation {
		t.Errorf("second on a further connection: %v", err)
	}
	if s := further.status(); s.Name != "guest" || s.Connections != 2 || s.Sessions != 1 {
		t.Errorf("the further connection: %v", s)
	}

	orphan := greeted(t, r.Path)
	heir := orphan.further()
	heir.wantAlive()
	orphan.Close()
	if err := heir.control(wire.OpBecomeGuest, request, &reply); claviger.CodeOf(err) != claviger.ErrInvalidOperation {
		t.Errorf("on a connection whose founder is gone: %v", err)
	}
}

// further opens a further connection of the session.
func (c *raw) further() *raw {
	c.t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	ok(c.t, err)
	c.id++
	c.sendFDs(frame(wire.OpConnect, wire.FlagFD, c.id, 0, nil), fds[1])
	ok(c.t, unix.Close(fds[1]))
	_, _, err = c.receive()
	ok(c.t, err)
	f := os.NewFile(uintptr(fds[0]), "further")
	defer f.Close()
	near, err := net.FileConn(f)
	ok(c.t, err)
	c.t.Cleanup(func() { near.Close() })
	ok(c.t, near.SetDeadline(time.Now().Add(time.Minute)))
	return &raw{UnixConn: near.(*net.UnixConn), t: c.t}
}

// TestALongFirstRequestMakesNoGuest holds that what was charged to the runner for the request's own length is not given
// back to the guest.
func TestALongFirstRequestMakesNoGuest(t *testing.T) {
	r, request := guests(t, session.Limits{})
	conn := greeted(t, r.Path)
	request.Tenant = string(make([]byte, 200<<10))
	if err := conn.control(wire.OpBecomeGuest, request, &pb.BecomeGuestReply{}); claviger.CodeOf(err) != claviger.ErrInvalidOperation {
		t.Errorf("200 KiB: %v", err)
	}
	eventually(t, "nothing is held", func() bool { s := conn.status(); return s.Name == "runner" && s.HeldBytes == 0 })
}

// TestARefusedGuestLeavesTheSessionItsRunners holds that the session goes on after a refusal.
func TestARefusedGuestLeavesTheSessionItsRunners(t *testing.T) {
	r, _ := guests(t, session.Limits{})
	conn := greeted(t, r.Path)
	err := conn.control(wire.OpBecomeGuest, &pb.BecomeGuestRequest{Sha256: make([]byte, 32)}, &pb.BecomeGuestReply{})
	if claviger.CodeOf(err) != claviger.ErrAccessDenied {
		t.Errorf("an unknown guest: %v", err)
	}
	if s := conn.status(); s.Name != "runner" || s.Sessions != 1 || s.Connections != 1 {
		t.Errorf("after it: %v", s)
	}
}
