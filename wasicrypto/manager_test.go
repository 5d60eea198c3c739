package wasicrypto

import (
	"context"
	"testing"

	"github.com/claviger/claviger"
)

// errLost is what a stack says whose connection broke.
var errLost = claviger.Errorf(claviger.ErrConnectionFailed, "receive", "the connection to the daemon broke")

// TestNoManagerOfAKeeperThatIsGone: who opens the secrets manager learns that nobody is there, and gets one when somebody is again.
func TestNoManagerOfAKeeperThatIsGone(t *testing.T) {
	keeper := newKeeper()
	r := newRig(t, Config{Managed: keeper})
	for _, test := range []struct {
		gone error
		want errno
	}{
		{errLost, algorithmFailure},
		{claviger.Errorf(claviger.ErrOperationTimedOut, "ping", "no answer in time"), algorithmFailure},
		{claviger.Errorf(claviger.ErrAccessDenied, "ping", "not you"), prohibitedOperation},
	} {
		keeper.gone = test.gone
		r.refused(test.want, "secrets_manager_open", r.none())
	}
	if n := r.host.Handles(r.Module); n != 0 {
		t.Errorf("%d handles are open", n)
	}
	keeper.gone = nil
	r.store(uint64(r.handle("secrets_manager_open", r.none())), "secret", far)
}

// TestEachManagerHasTheKeeperOfItsTime: Connect is asked once for each manager, whose keys and secrets are those of what it gave.
func TestEachManagerHasTheKeeperOfItsTime(t *testing.T) {
	first, second := newKeeper(), newKeeper()
	now, failure, asked := first, error(nil), 0
	r := newRig(t, Config{Connect: func(context.Context) (Managed, error) {
		asked++
		if failure != nil {
			return nil, failure
		}
		return now, nil
	}})
	before := uint64(r.handle("secrets_manager_open", r.none()))
	id := r.store(before, "secret", far)
	failure = errLost
	r.refused(algorithmFailure, "secrets_manager_open", r.none())
	now, failure = second, nil
	after := uint64(r.handle("secrets_manager_open", r.none()))
	if s, e := r.read(before, id, 1); s != "secret" || e != success {
		t.Errorf("through the first manager: %q, %v", s, e)
	}
	if s, e := r.read(after, id, 1); s != "" || e != notFound {
		t.Errorf("through the second manager: %q, %v", s, e)
	}
	r.must("secrets_manager_close", before)
	if asked != 3 || first.stored() != 1 || second.stored() != 0 {
		t.Errorf("asked %d times; %d and %d are stored", asked, first.stored(), second.stored())
	}
}
