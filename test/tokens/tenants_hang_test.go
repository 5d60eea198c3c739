package tokens

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/test/daemontest"
)

// forEver is longer than any test.
const forEver = 10 * time.Minute

// hangs has callers wait for a token that never answers, until the function that it gives is called. Each of them has to be told then
// that its time is over.
func (a *arena) hangs(t testing.TB, callers int) (end func()) {
	t.Helper()
	a.h.Command("C_Sign sleep 1000000")
	ctx, cancel := context.WithCancel(a.ctx)
	var all sync.WaitGroup
	config := a.signing()
	config.Timeout = client.NoTimeout
	for range callers {
		signer := must(a.cc.NewSigner(a.ctx, config))(t)
		all.Go(func() {
			defer signer.Close()
			if _, err := signer.Sign(ctx, nil, []byte(message)); !errors.Is(err, context.Canceled) {
				t.Errorf("a call that hangs: %v", err)
			}
		})
	}
	eventually(t, "the token hangs", func() bool { return a.h.applied() >= 3 })
	return func() { cancel(); all.Wait() }
}

// TestATokenThatHangsHoldsUpNobody: while a token does not answer, another tenant's calls of software go on, and so do those of the
// tenant whose calls hang, though they are more than the daemon works on at once.
func TestATokenThatHangsHoldsUpNobody(t *testing.T) {
	t.Parallel()
	a := startArena(t, Options{HangAfter: forEver})
	other := a.dialOther(t)
	before := a.settled(t)
	end := a.hangs(t, 200)
	start := time.Now()
	theirs, own := other.watch(t), a.watch(t)
	for deadline := start.Add(time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if _, err := other.stack.Status(other.ctx); err != nil {
			t.Error(err)
		}
	}
	theirs.done()
	own.done()
	if len(theirs.took) < 50 || len(own.took) < 50 {
		t.Errorf("within %v there were %d calls of another tenant and %d of the same", time.Since(start), len(theirs.took), len(own.took))
	}
	t.Logf("while 200 calls hang: another tenant made %d calls of software, the same tenant %d; p99 %v and %v", len(theirs.took), len(own.took), p99(theirs.took), p99(own.took))
	ctx, cancel := context.WithTimeout(a.ctx, hasty)
	defer cancel()
	begun, stalls := time.Now(), daemontest.Stalls()
	_, err := a.held.Sign(ctx, nil, []byte(message))
	took, stalled := time.Since(begun), stalls()
	wantCode(t, err, claviger.ErrOperationTimedOut)
	if took > hasty+allowance+stalled {
		t.Errorf("one more call of the token with %v was answered after %v", hasty, took)
	}
	end()
	a.h.Command()
	a.killWorker(t) // who waits for the configured time sees it killed; that is the matrix's
	eventually(t, "the token is of use again", func() bool { return drillSign(a.ctx, a) == nil })
	a.nothingLeft(t, before, 8)
}

// p99 is what 99 of 100 calls take at most.
func p99(took []time.Duration) time.Duration {
	if len(took) == 0 {
		return 0
	}
	took = slices.Sorted(slices.Values(took))
	return took[min(len(took)-1, len(took)*99/100)]
}

// BenchmarkP99WhileATokenHangs measures what calls of software take of one tenant, with an idle token and with one that hangs under
// another tenant's calls. It says p99 of both in microseconds, and their ratio.
func BenchmarkP99WhileATokenHangs(b *testing.B) {
	a := startArena(b, Options{HangAfter: forEver})
	other := a.dialOther(b)
	const span = 3 * time.Second
	var idle, hung []time.Duration
	for b.Loop() {
		idle = append(idle, other.sampled(b, span)...)
		end := a.hangs(b, 64)
		hung = append(hung, other.sampled(b, span)...)
		end()
		a.h.Command()
		a.killWorker(b)
		eventually(b, "the token is of use again", func() bool { return drillSign(a.ctx, a) == nil })
	}
	b.Logf("%d calls with an idle token, %d with one that hangs", len(idle), len(hung))
	micros := func(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(micros(p99(idle)), "µs-p99-idle")
	b.ReportMetric(micros(p99(hung)), "µs-p99-hanging")
	b.ReportMetric(float64(p99(hung))/float64(p99(idle)), "ratio")
}

// sampled gives what a tenant's calls of software take within some time.
func (u *user) sampled(t testing.TB, span time.Duration) []time.Duration {
	t.Helper()
	s := u.watch(t)
	time.Sleep(span)
	s.done()
	return s.took
}
