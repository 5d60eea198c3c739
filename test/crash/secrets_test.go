package crash_test

import (
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

// secretKeeper works on one secret and knows what the daemon has acknowledged of it.
type secretKeeper struct {
	id       string
	latest   uint64            // highest version acknowledged
	value    map[uint64]string // versions that must read
	dead     map[uint64]bool   // versions that must not
	doubt    uint64            // version whose making or end was under way at the kill; 0 for none
	doubtful string            // what it holds if it is there
	capsule  []byte
	answers  int // acknowledged calls
}

// work replaces and invalidates until the daemon is gone.
func (k *secretKeeper) work(t *testing.T, s *client.Secrets) {
	for t.Context().Err() == nil {
		if err := k.step(t, s); err != nil {
			if !errors.Is(err, claviger.ErrConnectionFailed) {
				t.Errorf("%s: %v", k.id, err)
			}
			return
		}
		k.answers++
	}
}

// step makes one call. What is in doubt is noted before it and taken back after it.
func (k *secretKeeper) step(t *testing.T, s *client.Secrets) (err error) {
	ctx := t.Context()
	switch {
	case k.id == "":
		k.id, err = s.Put(ctx, []byte("first"), math.MaxUint64)
		if err != nil {
			k.id = ""
			return err
		}
		k.latest, k.value, k.dead = 1, map[uint64]string{1: "first"}, map[uint64]bool{}
		k.capsule, err = s.Seal(ctx, []byte("sealed for "+k.id), math.MaxUint64)
		return err
	case k.latest > 2 && rand.IntN(3) == 0 && k.value[k.latest-1] != "":
		v := k.latest - 1
		k.doubt, k.doubtful = v, k.value[v]
		if err := s.Invalidate(ctx, k.id, v); err != nil {
			delete(k.value, v)
			return err
		}
		delete(k.value, v)
		k.dead[v] = true
	default:
		what := fmt.Sprintf("%s after %d, %d", k.id, k.latest, rand.Uint64())
		k.doubt, k.doubtful = k.latest+1, what
		v, err := s.Replace(ctx, k.id, []byte(what), math.MaxUint64)
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

// check holds a new daemon against what was acknowledged, and settles what was in doubt.
func (k *secretKeeper) check(t *testing.T, s *client.Secrets) {
	if k.id == "" {
		return
	}
	if k.doubt != 0 {
		k.settle(t, s)
	}
	for v := uint64(1); v <= k.latest; v++ {
		found, err := s.Get(t.Context(), k.id, v)
		switch {
		case k.dead[v] && !errors.Is(err, claviger.ErrSecretNotFound):
			t.Errorf("%s: version %d lives again: %v", k.id, v, err)
		case !k.dead[v] && (err != nil || string(found.Value) != k.value[v]):
			t.Errorf("%s: version %d is lost: %v", k.id, v, err)
		}
	}
	if found, err := s.Get(t.Context(), k.id, claviger.LatestVersion); err != nil || found.Version != k.latest {
		t.Errorf("%s: the latest is %d, not %d: %v", k.id, found.Version, k.latest, err)
	}
	if k.capsule == nil {
		return
	}
	if found, err := s.Open(t.Context(), k.capsule); err != nil || string(found.Value) != "sealed for "+k.id {
		t.Errorf("%s: its capsule: %v", k.id, err)
	}
}

// settle sees what became of the call that was not answered: it took effect whole, or not at all.
func (k *secretKeeper) settle(t *testing.T, s *client.Secrets) {
	found, err := s.Get(t.Context(), k.id, k.doubt)
	switch {
	case err == nil && string(found.Value) == k.doubtful:
		k.value[k.doubt] = k.doubtful
		k.latest = max(k.latest, k.doubt)
	case errors.Is(err, claviger.ErrSecretNotFound):
		k.dead[k.doubt] = k.doubt <= k.latest
	default:
		t.Errorf("%s: version %d is neither there nor absent: %v", k.id, k.doubt, err)
	}
	k.doubt = 0
}

// TestKillLosesNoSecretAndRevivesNone: after SIGKILL at any moment every acknowledged version reads, every one that was
// invalidated does not, no number comes again, and capsules that were handed out open.
func TestKillLosesNoSecretAndRevivesNone(t *testing.T) {
	d := daemontest.Start(t, config())
	keepers := make([]*secretKeeper, 8)
	for i := range keepers {
		keepers[i] = &secretKeeper{}
	}
	each := func(f func(k *secretKeeper, s *client.Secrets)) func() {
		stack := d.Dial(t)
		var wg sync.WaitGroup
		for _, k := range keepers {
			wg.Go(func() { f(k, stack.Secrets()) })
		}
		return func() { wg.Wait(); stack.Close() }
	}
	answers := 0
	for round := range rounds(t) {
		done := each(func(k *secretKeeper, s *client.Secrets) { k.work(t, s) })
		time.Sleep(time.Millisecond + time.Duration(rand.IntN(50_000))*time.Microsecond)
		d.Kill()
		done()
		d.Launch(t)
		each(func(k *secretKeeper, s *client.Secrets) { k.check(t, s) })()
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
