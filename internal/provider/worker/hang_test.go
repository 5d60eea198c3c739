package worker_test

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/worker"
)

func TestADeadlineAnswersItsCallerAndHarmsNobody(t *testing.T) {
	d := &token{}
	p := rig(t, d, worker.Config{HangAfter: long})
	k, other := generate(t, p), generate(t, p)
	hold := make(chan struct{})
	var first atomic.Bool
	d.acts(func(provider.Op) error {
		if first.CompareAndSwap(false, true) {
			<-hold
		}
		return nil
	})
	_, err := mac(within(t, 20*time.Millisecond), k)
	wants(t, "a call on a device that takes its time", err, claviger.ErrOperationTimedOut, nil)
	if _, err := mac(within(t, long), other); err != nil {
		t.Errorf("another call meanwhile: %v", err)
	}
	close(hold)
	if _, err := mac(within(t, long), k); err != nil {
		t.Errorf("the same key afterwards: %v", err)
	}
	if h := p.Health(); !h.Available || h.Restarts != 0 {
		t.Errorf("%+v", h)
	}
}

func TestWhatAnAbandonedCallMadeIsReleased(t *testing.T) {
	d := &token{}
	p := rig(t, d, worker.Config{HangAfter: long})
	hold := make(chan struct{})
	d.acts(func(provider.Op) error { <-hold; return nil })
	_, err := p.Generate(within(t, 10*time.Millisecond), provider.Spec{Algorithm: "AES-256"})
	wants(t, "generating", err, claviger.ErrOperationTimedOut, nil)
	close(hold)
	eventually(t, "the key is made", func() bool { return d.made.Load() == 1 })
	k := generate(t, p)
	eventually(t, "the worker has one key", func() bool { return d.made.Load() == 2 && d.live.Load() == 1 })
	_, _ = k.Close(), k.Close()
	eventually(t, "the worker has no key", func() bool { return d.live.Load() == 0 })
}

func TestACallThatHangsHasTheWorkerReplaced(t *testing.T) {
	d := &token{}
	p := rig(t, d, worker.Config{HangAfter: 50 * time.Millisecond})
	slot, session := stored(t, p), generate(t, p)
	before, err := mac(t.Context(), slot)
	if err != nil {
		t.Fatal(err)
	}
	hold := make(chan struct{})
	defer close(hold)
	d.acts(func(provider.Op) error { <-hold; return nil })
	_, err = mac(within(t, long), slot)
	wants(t, "the call that hangs", err, claviger.ErrProviderNotAvailable, provider.ErrLost)
	if err == nil || !strings.Contains(err.Error(), "longer than 50ms") {
		t.Errorf("the reason: %v", err)
	}
	d.acts(nil)
	after, err := mac(within(t, long), slot)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("a slot's key is not loaded again: %v", err)
	}
	_, err = mac(within(t, long), session)
	wants(t, "a key of the worker that ended", err, claviger.ErrProviderNotAvailable, provider.ErrLost)
	if h := p.Health(); !h.Available || h.Restarts != 1 {
		t.Errorf("%+v", h)
	}
}

func TestManyShortDeadlinesAreNoReasonToReplaceTheWorker(t *testing.T) {
	d := &token{}
	p := rig(t, d, worker.Config{HangAfter: 2 * time.Second})
	d.acts(func(provider.Op) error { time.Sleep(2 * time.Millisecond); return nil })
	k := stored(t, p)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				if _, err := mac(within(t, time.Millisecond), k); err != nil && claviger.CodeOf(err) != claviger.ErrOperationTimedOut {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if _, err := mac(within(t, long), k); err != nil || p.Health().Restarts != 0 {
		t.Errorf("%v, %+v", err, p.Health())
	}
}

// A device makes keys one after the other: who waits for that waits here, and hangs nowhere.
func TestManyKeysAtOnceAreNoHang(t *testing.T) {
	d := &token{lock: provider.Lock{Sessions: 16, Makers: 2}}
	p := rig(t, d, worker.Config{HangAfter: 500 * time.Millisecond})
	k := stored(t, p)
	var session sync.Mutex
	d.acts(func(op provider.Op) error {
		if op == provider.Generate {
			session.Lock()
			defer session.Unlock()
			time.Sleep(25 * time.Millisecond)
		}
		return nil
	})
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			k, err := p.Generate(within(t, long), provider.Spec{Algorithm: "AES-256"})
			if err != nil {
				t.Error(err)
				return
			}
			_ = k.Close()
		})
	}
	for range 100 {
		if _, err := mac(within(t, long), k); err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
	if h := p.Health(); !h.Available || h.Restarts != 0 {
		t.Errorf("%+v", h)
	}
}

// A device that does one thing at a time is slow, and hangs in nothing: neither when it takes calls as they come, nor when many
// overtake the first.
func TestADeviceThatTakesCallsOneByOneDoesNotHang(t *testing.T) {
	const callers, each, overtake = 32, 3, 28
	for _, unfair := range []bool{false, true} {
		d := &token{lock: provider.Lock{Sessions: callers}}
		p := rig(t, d, worker.Config{HangAfter: time.Second})
		k := stored(t, p)
		var card sync.Mutex
		var calls, done atomic.Int64
		d.acts(func(provider.Op) error {
			for first := calls.Add(1) == 1; unfair && first && done.Load() < overtake; {
				time.Sleep(time.Millisecond)
			}
			card.Lock()
			defer card.Unlock()
			time.Sleep(20 * time.Millisecond)
			done.Add(1)
			return nil
		})
		var wg sync.WaitGroup
		for range callers {
			wg.Go(func() {
				for range each {
					if _, err := mac(within(t, long), k); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if h := p.Health(); !h.Available || h.Restarts != 0 {
			t.Errorf("unfair %v: %+v", unfair, h)
		}
	}
}

// One call that hangs among many that do not is found all the same.
func TestAHungCallIsFoundBesideOthers(t *testing.T) {
	d := &token{lock: provider.Lock{Sessions: 8}}
	p := rig(t, d, worker.Config{HangAfter: 200 * time.Millisecond})
	k := stored(t, p)
	hold, began := make(chan struct{}), make(chan struct{})
	defer close(hold)
	var first atomic.Bool
	d.acts(func(provider.Op) error {
		if first.CompareAndSwap(false, true) {
			close(began)
			<-hold
		}
		return nil
	})
	answer := make(chan error, 1)
	go func() { _, err := mac(within(t, long), k); answer <- err }()
	<-began
	for {
		select {
		case err := <-answer:
			wants(t, "the call that hangs", err, claviger.ErrProviderNotAvailable, provider.ErrLost)
			return
		default:
			_, _ = mac(within(t, long), k)
		}
	}
}

func TestADeviceThatIsLostIsOpenedAgain(t *testing.T) {
	d := &token{}
	p := rig(t, d, worker.Config{})
	k := stored(t, p)
	var once sync.Once
	d.acts(func(provider.Op) (err error) {
		once.Do(func() {
			err = &claviger.Error{Code: claviger.ErrProviderNotAvailable, Op: "mac", Detail: "the token was removed", Err: provider.ErrLost}
		})
		return err
	})
	_, err := mac(within(t, long), k)
	wants(t, "the call that found out", err, claviger.ErrProviderNotAvailable, provider.ErrLost)
	if _, err := mac(within(t, long), k); err != nil {
		t.Errorf("the next call: %v", err)
	}
	if n := d.opens.Load(); n != 2 {
		t.Errorf("opened %d times", n)
	}
}

func TestABreakerOpensAndSaysSo(t *testing.T) {
	d := &token{fail: claviger.Errorf(claviger.ErrProviderNotAvailable, "open", "no token is labelled x")}
	p := rig(t, d, worker.Config{})
	wants(t, "the first start", p.Ready(t.Context()), claviger.ErrProviderNotAvailable, nil)
	eventually(t, "the breaker is open", func() bool { return strings.Contains(p.Health().Reason, "breaker is open") })
	h := p.Health()
	if h.Available || !strings.Contains(h.Reason, "no token is labelled x") {
		t.Errorf("%+v", h)
	}
	begin := time.Now()
	_, err := p.Generate(within(t, long), provider.Spec{Algorithm: "AES-256"})
	wants(t, "a call", err, claviger.ErrProviderNotAvailable, nil)
	if !strings.Contains(err.Error(), "no token is labelled x") || time.Since(begin) > long/2 {
		t.Errorf("after %s: %v", time.Since(begin), err)
	}
	d.fails(nil)
	p.Retry()
	eventually(t, "the token is back", func() bool { return p.Health().Available })
	if _, err := p.Generate(within(t, long), provider.Spec{Algorithm: "AES-256"}); err != nil {
		t.Error(err)
	}
}

func TestCloseEndsCallsUnderWay(t *testing.T) {
	d := &token{}
	p := rig(t, d, worker.Config{HangAfter: long})
	k := generate(t, p)
	hold, began := make(chan struct{}), make(chan struct{})
	defer close(hold)
	d.acts(func(provider.Op) error { close(began); <-hold; return nil })
	answer := make(chan error, 1)
	go func() { _, err := mac(t.Context(), k); answer <- err }()
	<-began
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	wants(t, "the call under way", <-answer, claviger.ErrProviderNotAvailable, provider.ErrLost)
	_, err := mac(t.Context(), k)
	wants(t, "a call afterwards", err, claviger.ErrProviderNotAvailable, nil)
	_, err = p.Generate(t.Context(), provider.Spec{Algorithm: "AES-256"})
	wants(t, "generating afterwards", err, claviger.ErrProviderNotAvailable, nil)
}

func TestManyCallersOfFewSessions(t *testing.T) {
	d := &token{lock: provider.Lock{Sessions: 3}}
	p := rig(t, d, worker.Config{HangAfter: long})
	k := stored(t, p)
	var most, now int
	var mu sync.Mutex
	d.acts(func(provider.Op) error {
		mu.Lock()
		now++
		most = max(most, now)
		mu.Unlock()
		defer func() { mu.Lock(); now--; mu.Unlock() }()
		time.Sleep(50 * time.Microsecond)
		return nil
	})
	want, err := mac(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for range 20 {
				if got, err := mac(t.Context(), k); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%x, %v", got, err)
				}
			}
		})
	}
	wg.Wait()
	mu.Lock()
	defer mu.Unlock()
	if most > 3 {
		t.Errorf("%d calls at once; the device takes 3", most)
	}
}

// errTest is an error of no code.
var errTest = errors.New("a plain error")

func TestErrorsArriveAsTheyAre(t *testing.T) {
	d := &token{}
	p := rig(t, d, worker.Config{})
	k := generate(t, p)
	for _, c := range []struct {
		given error
		code  claviger.Code
		cause error
	}{
		{provider.ErrMismatch, claviger.ErrInternal, provider.ErrMismatch},
		{claviger.Errorf(claviger.ErrProviderBusy, "mac", "8 streams are open, which is the limit"), claviger.ErrProviderBusy, nil},
		{claviger.ErrKeyNotExportable, claviger.ErrKeyNotExportable, nil},
		{errTest, claviger.ErrInternal, nil},
	} {
		d.acts(func(provider.Op) error { return c.given })
		_, err := mac(t.Context(), k)
		wants(t, c.given.Error(), err, c.code, c.cause)
	}
	d.acts(func(provider.Op) error { panic("in the provider") })
	_, err := mac(t.Context(), k)
	wants(t, "a panic", err, claviger.ErrInternal, nil)
	d.acts(nil)
	if _, err := mac(t.Context(), k); err != nil || p.Health().Restarts != 0 {
		t.Errorf("afterwards: %v", err)
	}
}
