package server

import (
	"errors"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/operation"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/session"
	"github.com/claviger/claviger/internal/sock"
)

// One person may have thousands of uids of his own: user namespaces give them out (subuid(5)).
func TestStrangersOfManyUIDsLeaveRoomForCallers(t *testing.T) {
	known := uint32(7)
	engine, err := operation.New(operation.Config{})
	if err != nil {
		t.Fatal(err)
	}
	rules := policy.New(policy.Rules{Apps: []policy.App{{Name: "app", UID: &known}}})
	s := New(Config{Connections: 16, Manager: session.NewManager(session.Config{Engine: engine, Policy: rules})})
	from := func(uid uint32) (*conn, error) {
		c := &conn{srv: s, who: sock.Peer{UID: uid, PID: 1}}
		return c, s.track(c)
	}
	var in []*conn
	for uid := range uint32(100) {
		c, err := from(100_000 + uid)
		if err == nil {
			in = append(in, c)
		} else if !errors.Is(err, claviger.ErrQuotaExceeded) {
			t.Fatal(err)
		}
	}
	if len(in) != 4 {
		t.Errorf("%d of 16 connections are given to uids that the policy does not know", len(in))
	}
	mine, err := from(known)
	if err != nil {
		t.Errorf("a known caller is refused: %v", err)
	}
	for _, c := range append(in, mine) {
		s.untrack(c)
	}
	if _, err := from(100_000); err != nil {
		t.Errorf("after all have left: %v", err)
	}
}
