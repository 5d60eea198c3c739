package provider

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/claviger/claviger"
)

// TestLife walks every call in every state of a stream.
func TestLife(t *testing.T) {
	const closed, finished = claviger.ErrContextAlreadyDestroyed, claviger.ErrStreamNotInitialized
	calls := []struct {
		name string
		call func(*Life, context.Context) error
	}{
		{"open", func(l *Life, _ context.Context) error { return l.Open() }},
		{"running", (*Life).Running},
		{"finishing", (*Life).Finishing},
		{"restartable", (*Life).Restartable},
		{"restart", (*Life).Restart},
	}
	for _, state := range []struct {
		name string
		into func(*Life)
		want map[string]claviger.Code // 0 where a call goes through
	}{
		{"running", func(*Life) {}, nil},
		{"finished", func(l *Life) { l.Fail() }, map[string]claviger.Code{"running": finished, "finishing": finished}},
		{"restarted", func(l *Life) { l.Fail(); _ = l.Restart(context.Background()) }, nil},
		{"closed", func(l *Life) { l.Shut() }, map[string]claviger.Code{"open": closed, "running": closed, "finishing": closed, "restartable": closed, "restart": closed}},
		{"finished and closed", func(l *Life) { l.Fail(); l.Shut() }, map[string]claviger.Code{"open": closed, "running": closed, "finishing": closed, "restartable": closed, "restart": closed}},
	} {
		for _, c := range calls {
			l := &Life{Op: Hash}
			state.into(l)
			if err := c.call(l, t.Context()); claviger.CodeOf(err) != state.want[c.name] {
				t.Errorf("%s while %s: %v, want code %#x", c.name, state.name, err, uint32(state.want[c.name]))
			}
		}
	}
}

// TestLifeOfAGivenUpCall: a call whose context has ended changes nothing of where the stream stands.
func TestLifeOfAGivenUpCall(t *testing.T) {
	over, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	for ctx, want := range map[context.Context]struct {
		code  claviger.Code
		cause error
	}{over: {claviger.ErrOperationFailed, context.Canceled}, late: {claviger.ErrOperationTimedOut, context.DeadlineExceeded}} {
		l := &Life{Op: MAC}
		for _, call := range []func(context.Context) error{l.Running, l.Finishing, l.Restartable, l.Restart} {
			if err := call(ctx); !errors.Is(err, want.code) || !errors.Is(err, want.cause) {
				t.Errorf("%v, want %v by %v", err, want.code, want.cause)
			}
		}
		if err := l.Finishing(t.Context()); err != nil {
			t.Errorf("afterwards: %v", err)
		}
		if err := l.Restart(ctx); err == nil || l.Running(t.Context()) == nil {
			t.Error("it has started again")
		}
	}
}

func TestShutSaysWhetherItWasOpen(t *testing.T) {
	l := new(Life)
	if !l.Shut() || l.Shut() {
		t.Error("only the first Shut finds it open")
	}
}
