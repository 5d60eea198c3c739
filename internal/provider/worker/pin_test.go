package worker_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/worker"
	"github.com/claviger/claviger/internal/secmem"
)

// ledger is a gate that remembers in memory.
type ledger struct {
	mu      sync.Mutex
	refused []string // guarded by mu
	passed  []string // guarded by mu
	doubts  int      // guarded by mu
	untried int      // guarded by mu
}

// Try refuses what was refused.
func (g *ledger) Try(_ context.Context, pin []byte, doubt bool) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if doubt {
		g.doubts++
	}
	if slices.Contains(g.refused, string(pin)) {
		return &claviger.Error{Code: claviger.ErrProviderNotAvailable, Op: "unlock", Detail: "the PIN was refused before", Err: provider.ErrPIN}
	}
	return nil
}

// Done remembers.
func (g *ledger) Done(_ context.Context, pin []byte, v worker.Verdict) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch v {
	case worker.Refused:
		g.refused = append(g.refused, string(pin))
	case worker.Good:
		g.passed = append(g.passed, string(pin))
	default:
		g.untried++
	}
	return nil
}

func TestAWrongPINIsTriedOnce(t *testing.T) {
	d := &token{lock: provider.Lock{NeedsPIN: true, Doubt: true}, pin: "1234"}
	gate := &ledger{}
	var pin atomic.Value
	pin.Store("9999")
	p := rig(t, d, worker.Config{Gate: gate, PIN: func() (*secmem.Bytes, error) { return secmem.From([]byte(pin.Load().(string))) }})
	wants(t, "the first start", p.Ready(t.Context()), claviger.ErrProviderNotAvailable, provider.ErrPIN)
	_, err := p.Generate(within(t, long), provider.Spec{Algorithm: "AES-256"})
	wants(t, "a call", err, claviger.ErrProviderNotAvailable, provider.ErrPIN)
	p.Retry()
	eventually(t, "three starts", func() bool { p.Retry(); return d.opens.Load() >= 3 })
	if n := d.tries.Load(); n != 1 {
		t.Errorf("the PIN went to the device %d times", n)
	}
	pin.Store("1234")
	p.Retry()
	eventually(t, "the right PIN opens it", func() bool { return p.Health().Available })
	gate.mu.Lock()
	defer gate.mu.Unlock()
	if !slices.Equal(gate.refused, []string{"9999"}) || !slices.Equal(gate.passed, []string{"1234"}) || gate.doubts == 0 {
		t.Errorf("refused %q, passed %q, %d doubts", gate.refused, gate.passed, gate.doubts)
	}
}

// TestAnAnswerThatSaysNothingOfThePINDoesNotCount: a token that is lost while it is unlocked has said so, and the PIN is tried again.
func TestAnAnswerThatSaysNothingOfThePINDoesNotCount(t *testing.T) {
	d := &token{lock: provider.Lock{NeedsPIN: true}, pin: "1234"}
	d.unlocking = func() error {
		if d.tries.Load() > 3 {
			return nil
		}
		return &claviger.Error{Code: claviger.ErrProviderNotAvailable, Op: "unlock", Detail: "the token was removed", Err: provider.ErrLost}
	}
	gate := &ledger{}
	p := rig(t, d, worker.Config{Gate: gate, PIN: func() (*secmem.Bytes, error) { return secmem.From([]byte("1234")) }})
	err := p.Ready(t.Context())
	wants(t, "the first start", err, claviger.ErrProviderNotAvailable, provider.ErrLost)
	if err != nil && !strings.Contains(err.Error(), "the token was removed") {
		t.Errorf("the reason is not told: %v", err)
	}
	eventually(t, "the token is back", func() bool { p.Retry(); return p.Health().Available })
	gate.mu.Lock()
	defer gate.mu.Unlock()
	if gate.untried != 3 || len(gate.passed) != 1 || len(gate.refused) != 0 {
		t.Errorf("%d answers did not count, passed %q, refused %q", gate.untried, gate.passed, gate.refused)
	}
}

func TestADeviceThatWantsAPINIsNotOpenedWithoutOne(t *testing.T) {
	d := &token{lock: provider.Lock{NeedsPIN: true, Detail: `token "x"`}, pin: "1234"}
	p := rig(t, d, worker.Config{})
	wants(t, "no PIN", p.Ready(t.Context()), claviger.ErrProviderNotAvailable, nil)
	if d.tries.Load() != 0 {
		t.Error("an empty PIN was tried")
	}
}
