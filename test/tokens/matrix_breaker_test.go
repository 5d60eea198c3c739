package tokens

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/test/daemontest"
)

// TestAWorkerThatCannotStartIsTriedAgain: while the module spoils each start of the worker, callers are told so and why, after some
// starts at once; once it behaves the token is of use again by itself.
func TestAWorkerThatCannotStartIsTriedAgain(t *testing.T) {
	t.Parallel()
	a := startArena(t, Options{HangAfter: hang})
	other := a.dialOther(t)
	before := a.settled(t)
	b := other.watch(t)
	for command, why := range map[string]string{
		"C_Initialize sleep": "a call has lasted longer than " + hang.String(), "C_Login crash": "its process is gone (it has ended: ",
	} {
		a.h.Command(fmt.Sprintf("%s %d", command, always))
		a.killWorker(t)
		awaitBreaker(t, a)
		start, stalls := time.Now(), daemontest.Stalls()
		err := drillSign(a.ctx, a)
		took, stalled := time.Since(start), stalls()
		wantCode(t, err, claviger.ErrProviderNotAvailable, `"token"`, "the breaker is open", why)
		if took > allowance+stalled {
			t.Errorf("%s: with an open breaker the answer took %v", command, took)
		}
		a.h.Command()
		t.Logf("%s: the token was of use again after %v", command, a.recovers(t))
	}
	b.done()
	a.nothingLeft(t, before, 8)
}

// awaitBreaker uses the token until it is refused at once. Nobody waits longer for that than his deadline, and nothing works meanwhile.
func awaitBreaker(t *testing.T, a *arena) {
	t.Helper()
	eventually(t, "the breaker is open", func() bool {
		got := a.attempt(drills()["sign"], 3*hasty)
		got.hold(t, "before the breaker is open", "exit")
		return got.err != nil && strings.Contains(got.err.Error(), "the breaker is open")
	})
	ctx, cancel := context.WithTimeout(a.ctx, patient)
	defer cancel()
	if status, err := a.stack.Status(ctx); err != nil || len(status.Providers) != 2 || status.Providers[0].Available {
		t.Errorf("the status is %+v, %v", status.Providers, err)
	}
}
