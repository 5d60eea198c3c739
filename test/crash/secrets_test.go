package crash_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/test/daemontest"
)

// secretKeeper works on one secret or managed key and knows what the daemon has acknowledged of it.
type secretKeeper struct {
	kind     int // of kinds
	id       string
	latest   uint64            // highest version acknowledged
	value    map[uint64]string // versions that must read
	dead     map[uint64]bool   // versions that must not
	doubt    uint64            // version whose making or end was under way at the kill; 0 for none
	doubtful string            // what it holds if it is there
	capsule  []byte
	answers  int // acknowledged calls
}

// enough is how many versions a keeper makes before it begins with another identifier.
const enough = 100

// work replaces and invalidates until the daemon is gone.
func (k *secretKeeper) work(t *testing.T, stack *client.Stack) {
	for t.Context().Err() == nil {
		if err := k.step(t, stack); err != nil {
			if !errors.Is(err, claviger.ErrConnectionFailed) {
				t.Errorf("%s: %v", k.id, err)
			}
			return
		}
		k.answers++
	}
}

// step makes one call. What is in doubt is noted before it and taken back after it.
func (k *secretKeeper) step(t *testing.T, stack *client.Stack) (err error) {
	ctx, s := t.Context(), kinds(stack)[k.kind]
	switch {
	case k.id == "" || k.latest >= enough:
		if err := k.begin(ctx, s); err != nil {
			return err
		}
		k.capsule, err = stack.Secrets().Seal(ctx, []byte("sealed for "+k.id), math.MaxUint64)
		return err
	case k.latest > 2 && rand.IntN(3) == 0 && k.value[k.latest-1] != "":
		v := k.latest - 1
		k.doubt, k.doubtful = v, k.value[v]
		if err := s.invalidate(ctx, k.id, v); err != nil {
			delete(k.value, v)
			return err
		}
		delete(k.value, v)
		k.dead[v] = true
	default:
		what := fmt.Sprintf("%s after %d, %d", k.id, k.latest, rand.Uint64())
		k.doubt, k.doubtful = k.latest+1, what
		v, err := s.replace(ctx, k.id, what)
		if err != nil {
			return err
		}
		if v != k.latest+1 {
			t.Errorf("%s: version %d after %d", k.id, v, k.latest)
		}
		k.latest, k.value[v] = v, what
	}
	k.doubt = 0
	return nil
}

// begin makes a new identifier.
func (k *secretKeeper) begin(ctx context.Context, s versioned) error {
	id, err := s.put(ctx, "first")
	if err != nil {
		return err
	}
	*k = secretKeeper{kind: k.kind, id: id, latest: 1, value: map[uint64]string{1: "first"}, dead: map[uint64]bool{}, answers: k.answers}
	return nil
}

// check holds a new daemon against what was acknowledged, and settles what was in doubt.
func (k *secretKeeper) check(t *testing.T, stack *client.Stack) {
	if k.id == "" {
		return
	}
	s := kinds(stack)[k.kind]
	if k.doubt != 0 {
		k.settle(t, s)
	}
	for v := uint64(1); v <= k.latest; v++ {
		_, right, err := s.holds(t.Context(), k.id, v, k.value[v])
		switch {
		case k.dead[v] && !errors.Is(err, claviger.ErrSecretNotFound):
			t.Errorf("%s: version %d lives again: %v", k.id, v, err)
		case !k.dead[v] && (err != nil || !right):
			t.Errorf("%s: version %d is lost: %v", k.id, v, err)
		}
	}
	switch v, _, err := s.holds(t.Context(), k.id, claviger.LatestVersion, ""); {
	case k.dead[k.latest] && !errors.Is(err, claviger.ErrSecretNotFound):
		t.Errorf("%s: the latest falls back to %d: %v", k.id, v, err)
	case !k.dead[k.latest] && (err != nil || v != k.latest):
		t.Errorf("%s: the latest is %d, not %d: %v", k.id, v, k.latest, err)
	}
	if k.capsule == nil {
		return
	}
	if found, err := stack.Secrets().Open(t.Context(), k.capsule); err != nil || string(found.Value) != "sealed for "+k.id {
		t.Errorf("%s: its capsule: %v", k.id, err)
	}
}

// settle sees what became of the call that was not answered: it took effect whole, or not at all.
func (k *secretKeeper) settle(t *testing.T, s versioned) {
	_, right, err := s.holds(t.Context(), k.id, k.doubt, k.doubtful)
	switch {
	case err == nil && right:
		k.value[k.doubt] = k.doubtful
		k.latest = max(k.latest, k.doubt)
	case errors.Is(err, claviger.ErrSecretNotFound):
		k.dead[k.doubt] = k.doubt <= k.latest
	default:
		t.Errorf("%s: version %d is neither there nor absent: %v", k.id, k.doubt, err)
	}
	k.doubt = 0
}

// TestKillLosesNoSecretAndRevivesNone: after SIGKILL at any moment every acknowledged version of a secret or managed key
// reads, every one that was invalidated does not, no number comes again, and capsules that were handed out open.
func TestKillLosesNoSecretAndRevivesNone(t *testing.T) {
	d := daemontest.Start(t, config())
	keepers := make([]*secretKeeper, 8)
	for i := range keepers {
		keepers[i] = &secretKeeper{kind: i % 2}
	}
	each := func(f func(k *secretKeeper, stack *client.Stack)) func() {
		stack := d.Dial(t)
		var wg sync.WaitGroup
		for _, k := range keepers {
			wg.Go(func() { f(k, stack) })
		}
		return func() { wg.Wait(); stack.Close() }
	}
	answers := 0
	for round := range rounds(t) {
		done := each(func(k *secretKeeper, stack *client.Stack) { k.work(t, stack) })
		time.Sleep(time.Millisecond + time.Duration(rand.IntN(50_000))*time.Microsecond)
		d.Kill()
		done()
		d.Launch(t)
		each(func(k *secretKeeper, stack *client.Stack) { k.check(t, stack) })()
		if t.Failed() {
			t.Fatalf("in round %d:\n%s", round, d.Log())
		}
	}
	for _, k := range keepers {
		answers += k.answers
	}
	t.Logf("%d calls were acknowledged", answers)
	if answers < 5*rounds(t) {
		t.Error("that is too few to show anything")
	}
}

// TestKillRightAfterAnAcknowledgementLosesNothing: one call on a secret or a managed key, and SIGKILL as soon as it is
// answered. All that was ever acknowledged is then as it was acknowledged.
func TestKillRightAfterAnAcknowledgementLosesNothing(t *testing.T) {
	d := daemontest.Start(t, config())
	keepers := []*secretKeeper{{kind: 0}, {kind: 1}}
	calls := make(map[string]int)
	for round := range rounds(t) {
		stack := d.Dial(t)
		k := keepers[round%2]
		what := k.last(t, stack)
		d.Kill()
		stack.Close()
		calls[what]++
		d.Launch(t)
		fresh := d.Dial(t)
		for _, k := range keepers {
			k.check(t, fresh)
		}
		fresh.Close()
		if t.Failed() {
			t.Fatalf("in round %d, after %s:\n%s", round, what, d.Log())
		}
	}
	t.Logf("the last call was %v", calls)
}

// last makes one call that must be answered, any of all kinds, and says which.
func (k *secretKeeper) last(t *testing.T, stack *client.Stack) string {
	ctx, s, choice := t.Context(), kinds(stack)[k.kind], rand.IntN(8)
	fail := func(what string, err error) string {
		if err != nil {
			t.Errorf("%s of %s: %v", what, k.id, err)
		}
		return what
	}
	switch {
	case k.id == "" || choice == 0 || k.latest >= enough:
		return fail("a put", k.begin(ctx, s))
	case choice == 1 && !k.dead[k.latest]:
		k.dead[k.latest] = true
		return fail("the end of the latest", s.invalidate(ctx, k.id, claviger.LatestVersion))
	case choice == 2 && !k.dead[1]:
		k.dead[1] = true
		return fail("the end of the first", s.invalidate(ctx, k.id, 1))
	}
	if len(k.dead) == int(k.latest) { // nothing is left, and nothing can replace it
		if _, err := s.replace(ctx, k.id, ""); !errors.Is(err, claviger.ErrSecretNotFound) {
			t.Errorf("%s was wholly invalidated and is replaced: %v", k.id, err)
		}
		return fail("a put", k.begin(ctx, s))
	}
	if choice == 3 {
		for v := range k.latest {
			k.dead[v+1] = true
		}
		return fail("the end of all", s.invalidate(ctx, k.id, claviger.AllVersions))
	}
	what := fmt.Sprint(rand.Uint64())
	v, err := s.replace(ctx, k.id, what)
	if err == nil && v != k.latest+1 {
		t.Errorf("%s: version %d after %d", k.id, v, k.latest)
	}
	k.latest, k.value[v] = v, what
	return fail("a replacement", err)
}
