package deadline_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/test/daemontest"
)

// TestSlowProvider: an operation of 300 ms ends at a deadline of 200 ms and passes under one of a second; one of 2 s passes
// without a deadline. After a timeout its context is in the error state, and everything else goes on.
func TestSlowProvider(t *testing.T) {
	d := daemontest.Start(t, config)
	cc := scope(t, d.Dial(t))
	ctx := t.Context()
	hasty, patient := slowMAC(t, cc, 9, short), slowMAC(t, cc, 9, time.Second)
	quick := slowMAC(t, cc, 2, short)
	onTime(t, "300 ms under 200 ms", short, func() error {
		_, err := hasty.Sum(ctx, nil, []byte("text"))
		if err != nil && !strings.Contains(err.Error(), "not finished within") {
			t.Errorf("it is not the daemon that says so: %v", err)
		}
		return err
	})
	for range 3 {
		_, err := hasty.Sum(ctx, nil, []byte("text"))
		wantCode(t, "the context after its timeout", err, claviger.ErrInvalidOperation)
		wantCode(t, "its Init", hasty.Init(ctx), claviger.ErrInvalidOperation)
		wantCode(t, "its Reset", hasty.Reset(ctx), claviger.ErrInvalidOperation)
		must(quick.Sum(ctx, nil, []byte("text")))(t)
	}
	must(patient.Sum(ctx, nil, []byte("text")))(t)
	if err := hasty.Close(); err != nil {
		t.Errorf("closing a context in the error state: %v", err)
	}
	slower := slowMAC(t, cc, 10, client.NoTimeout)
	start := time.Now()
	must(slower.Sum(ctx, nil, []byte("text")))(t)
	if took := time.Since(start); took < 2*time.Second {
		t.Errorf("an operation of 2 s took %s", took)
	}
	onTime(t, "no timeout but a context", short, func() error { _, err := slower.Sum(bounded(t, short), nil, nil); return err })
}

func bounded(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// TestSlowParts: each call of a message in parts has the whole time; the one that is late spoils the message.
func TestSlowParts(t *testing.T) {
	d := daemontest.Start(t, config)
	cc := scope(t, d.Dial(t))
	mac := slowMAC(t, cc, 9, time.Second)
	for _, call := range []func(context.Context) error{mac.Init, func(ctx context.Context) error { return mac.Update(ctx, []byte("text")) }} {
		if err := call(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	onTime(t, "Finalize", short, func() error { _, err := mac.Finalize(bounded(t, short), nil); return err })
	_, err := mac.Finalize(t.Context(), nil)
	wantCode(t, "the message after its timeout", err, claviger.ErrInvalidOperation)
}

// TestUnknownOutcome: a durable call that is late says that its outcome is unknown; the slot is then whole or empty.
func TestUnknownOutcome(t *testing.T) {
	d := daemontest.Start(t, config)
	cc := scope(t, d.Dial(t))
	slot := must(cc.KeySlot(t.Context(), "Slow"))(t)
	km := must(cc.NewKeyManager(t.Context(), client.KeyManagerConfig{Timeout: short}))(t)
	onTime(t, "generation into a slot", short, func() error {
		_, err := km.GenerateIn(t.Context(), slot, client.GenerateParams{})
		if err != nil && !strings.Contains(err.Error(), "unknown") {
			t.Errorf("it does not say that the outcome is unknown: %v", err)
		}
		return err
	})
	time.Sleep(time.Second)
	if info := must(slot.Info(t.Context()))(t); info.State == claviger.SlotOccupied {
		enc := must(cc.NewAEAD(bounded(t, 5*time.Second), client.AEADConfig{Algorithm: "AES-256-GCM", Key: slot}))(t)
		must(enc.Seal(bounded(t, 5*time.Second), nil, nil, []byte("text"), nil))(t)
	}
}

// occupy starts a call with each context, which ends with ctx, and gives where their errors come.
func occupy(ctx context.Context, macs []*client.MAC) <-chan error {
	errs := make(chan error, len(macs))
	for _, m := range macs {
		go func() { _, err := m.Sum(ctx, nil, []byte("text")); errs <- err }()
	}
	return errs
}

// TestCancelFreesTheDaemon: calls that wait for the tenant's share of the pool leave it at once when their caller gives up or
// their deadline passes; those that a hanging device keeps leave it when the device returns, and their share is free then.
func TestCancelFreesTheDaemon(t *testing.T) {
	d := daemontest.Start(t, config) // two slow operations at once
	stack := d.Dial(t)
	watch := d.Dial(t)
	cc := scope(t, stack)
	key := must(keysOf(t, cc, 10).Generate(t.Context(), client.GenerateParams{Algorithm: "HMAC-SHA-256"}))(t)
	var macs []*client.MAC
	for range 6 {
		macs = append(macs, must(cc.NewMAC(t.Context(), client.MACConfig{Algorithm: "HMAC-SHA-256", Key: key, Timeout: client.NoTimeout}))(t))
	}
	after := []*client.MAC{slowMAC(t, cc, 9, 800*time.Millisecond), slowMAC(t, cc, 9, 800*time.Millisecond)}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	running := occupy(ctx, macs[:2])
	within(t, daemontest.Patience, "both slots are taken", func() bool { return self(t, watch).InFlight == 2 })
	started := time.Now()
	queue, leave := context.WithCancel(t.Context())
	queued := occupy(queue, macs[2:5])
	within(t, daemontest.Patience, "three calls wait", func() bool { return self(t, watch).InFlight == 5 })
	onTime(t, "a fourth that waits", short, func() error { _, err := macs[5].Sum(bounded(t, short), nil, nil); return err })
	within(t, time.Second, "the fourth is gone", func() bool { return self(t, watch).InFlight == 5 })
	given(t, "a waiting call", leave, queued, 3)
	within(t, time.Second, "those that waited are gone", func() bool { return self(t, watch).InFlight == 2 })
	given(t, "a running call", cancel, running, 2)
	for _, m := range macs[:5] {
		_, err := m.Sum(t.Context(), nil, nil)
		wantCode(t, "a context whose call was cancelled", err, claviger.ErrInvalidOperation)
	}
	within(t, 3*time.Second, "nothing is under way", func() bool { return self(t, watch).InFlight == 0 })
	if took := time.Since(started); took > 3*time.Second {
		t.Errorf("the slots were taken for %s by operations of 2 s", took)
	}
	free := occupy(t.Context(), after)
	if err := errors.Join(<-free, <-free); err != nil {
		t.Errorf("the slots are not free: %v", err)
	}
}

// given cancels n calls, which must all return at once.
func given(t *testing.T, what string, cancel context.CancelFunc, errs <-chan error, n int) {
	t.Helper()
	start, stalls := time.Now(), daemontest.Stalls()
	cancel()
	for range n {
		if err := <-errs; !errors.Is(err, context.Canceled) || !errors.Is(err, claviger.ErrOperationFailed) {
			t.Errorf("%s that is cancelled: %v, want OperationFailed by context.Canceled", what, err)
		}
	}
	if took := time.Since(start); took > grace+stalls() {
		t.Errorf("%s that is cancelled returns after %s", what, took)
	}
}
