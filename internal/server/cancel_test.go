package server_test

import (
	"testing"
	"time"

	"github.com/claviger/claviger/internal/server/servertest"
	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
)

// TestACancelMeansTheLastCallUnderItsID: what an older one gave stays its caller's, whatever kind of call came after it and in
// whatever order ids are chosen.
func TestACancelMeansTheLastCallUnderItsID(t *testing.T) {
	conn := greeted(t, servertest.Start(t, servertest.Config{}).Path)
	call := func(op wire.Op, id uint64, body []byte) {
		t.Helper()
		_, err := conn.Write(frame(op, 0, id, 0, body))
		ok(t, err)
		if h, _, err := conn.receive(); err != nil || h.ID != id {
			t.Fatalf("%s: reply to %d, %v", op, h.ID, err)
		}
	}
	mac := conn.macContext()
	generate, err := wire.AppendMessage(nil, wire.OpGenerate, &pb.GenerateRequest{Algorithm: "AES-256"})
	ok(t, err)
	for name, later := range map[string]struct {
		op    wire.Op
		body  []byte
		gives uint32 // keys
	}{
		"a short call":            {wire.OpOneShot, oneShot(mac, []byte("x")), 0},
		"a pooled call":           {wire.OpOneShot, oneShot(mac, make([]byte, wire.MaxInline)), 0},
		"a short control call":    {wire.OpCapabilities, nil, 0},
		"a ping":                  {wire.OpPing, nil, 0},
		"a call that gives a key": {wire.OpGenerate, generate, 1},
	} {
		for _, id := range []uint64{9000, 8000, 1 << 40} {
			before := conn.status().Keys
			call(wire.OpGenerate, id, generate)
			call(later.op, id, later.body)
			if n := conn.status().Keys; n != before+1+later.gives {
				t.Fatalf("%s: %d keys, there were %d", name, n, before)
			}
			_, err := conn.Write(frame(wire.OpCancel, 0, id, 0, nil))
			ok(t, err)
			if n := conn.status().Keys; n != before+1 {
				t.Errorf("a cancel of %s under the id %d: %d keys left, not %d", name, id, n, before+1)
			}
		}
	}
}

// TestACancelThatMeetsTheEndOfItsCallLeavesNothing: at whatever moment the cancel comes, what the call makes is nobody's.
func TestACancelThatMeetsTheEndOfItsCallLeavesNothing(t *testing.T) {
	conn := greeted(t, servertest.Start(t, servertest.Config{}).Path)
	body, err := wire.AppendMessage(nil, wire.OpGenerate, &pb.GenerateRequest{Algorithm: "AES-256"})
	ok(t, err)
	until := func(id uint64) []byte { // replies that cross their cancels come in between
		for {
			h, b, err := conn.receive()
			ok(t, err)
			if h.ID == id {
				return b
			}
		}
	}
	for i := range 4000 {
		id := conn.send(wire.OpGenerate, 0, body)
		for start := time.Now(); time.Since(start) < time.Duration(i%80)*time.Microsecond; { // meet it at another moment
		}
		_, err := conn.Write(frame(wire.OpCancel, 0, id, 0, nil))
		ok(t, err)
		until(conn.send(wire.OpPing, 0, nil))
	}
	status, err := wire.AppendMessage(nil, wire.OpStatus, &pb.StatusRequest{})
	ok(t, err)
	eventually(t, "no key is left", func() bool {
		var r pb.StatusReply
		ok(t, wire.ParseMessage(until(conn.send(wire.OpStatus, 0, status)), wire.OpStatus, &r))
		s := r.Tenants[0]
		return s.InFlight == 0 && s.Keys == 0 && s.Handles == 0
	})
}
