package store

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/kv"
	"github.com/claviger/claviger/internal/kv/mem"
)

// gate is a kv.Store whose commits wait to be let through, so that a test decides what meets in one group. It counts
// the commits and can fail them.
type gate struct {
	kv.Store
	commits atomic.Int64
	mu      sync.Mutex // guards pass and fail
	pass    chan struct{}
	fail    error
}

func (g *gate) Update(fn func(kv.Writer) error) error {
	return g.Store.Update(func(w kv.Writer) error {
		if err := fn(w); err != nil {
			return err
		}
		g.commits.Add(1)
		g.mu.Lock()
		pass, fail := g.pass, g.fail
		g.mu.Unlock()
		if pass != nil {
			<-pass
		}
		return fail
	})
}

func (g *gate) set(pass chan struct{}, fail error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pass, g.fail = pass, fail
}

// gated opens a store behind a gate that is open.
func gated(t *testing.T) (*DB, *gate) {
	t.Helper()
	g := &gate{Store: mem.New()}
	db, err := Open(t.Context(), g, newKeeper(t), Options{Queue: 64})
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	return db, g
}

// until waits for a condition that another goroutine brings about.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// hold starts an update that stays in its commit until the returned function is called.
func hold(t *testing.T, db *DB, g *gate) (release func()) {
	t.Helper()
	pass, done, before := make(chan struct{}), make(chan error, 1), g.commits.Load()
	g.set(pass, nil)
	go func() {
		done <- db.Update(context.Background(), func(tx *Tx) error { return tx.Put(key("held", 1), 1, []byte("x")) })
	}()
	until(t, "the held update commits", func() bool { return g.commits.Load() == before+1 })
	return func() {
		t.Helper()
		g.set(nil, nil)
		close(pass)
		must(t, <-done)
	}
}

func TestWaitingUpdatesShareOneCommitAndFailAlone(t *testing.T) {
	db, g := gated(t)
	put(t, db, key("base", 1), "before")
	release := hold(t, db, g)
	before := g.commits.Load()
	var wg sync.WaitGroup
	var panics atomic.Int64
	for i := range 20 {
		wg.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					panics.Add(1)
					if p != "mine" {
						t.Errorf("panic %v", p)
					}
				}
			}()
			err := db.Update(t.Context(), func(tx *Tx) error {
				must(t, tx.Put(key("k", uint64(i)), 1, []byte("written")))
				if i%4 == 1 || i%4 == 2 {
					must(t, tx.Put(key("base", 1), 1, []byte("spoiled")))
					must(t, tx.Delete(key("base", 1)))
					must(t, tx.Put(key("base", 1), 1, []byte("spoiled twice")))
				}
				switch i % 4 {
				case 1:
					return claviger.ErrAccessDenied
				case 2:
					panic("mine")
				}
				return nil
			})
			if (i%4 == 1) != errors.Is(err, claviger.ErrAccessDenied) {
				t.Errorf("update %d: %v", i, err)
			}
		})
	}
	until(t, "20 wait", func() bool { return db.queue.length() == 20 })
	release()
	wg.Wait()
	if n := g.commits.Load() - before; n != 1 {
		t.Errorf("%d commits for 20 updates", n)
	}
	if panics.Load() != 5 {
		t.Errorf("%d panics reached their callers", panics.Load())
	}
	if got := value(db, key("base", 1)); got != "before" {
		t.Errorf("a failing update left %q", got)
	}
	for i := range 20 {
		got := value(db, key("k", uint64(i)))
		if (got == "written") != (i%4 == 0 || i%4 == 3) {
			t.Errorf("update %d left %q", i, got)
		}
	}
}

func TestAFunctionThatEndsItsGoroutineIsAnError(t *testing.T) {
	db, _ := inMemory(t)
	err := db.Update(t.Context(), func(tx *Tx) error {
		must(t, tx.Put(key("a", 1), 1, nil))
		runtime.Goexit()
		return nil
	})
	if !errors.Is(err, claviger.ErrInternal) {
		t.Errorf("%v", err)
	}
	put(t, db, key("b", 1), "goes on")
	if err := db.View(func(tx *Tx) error { _, err := tx.Get(key("a", 1)); return err }); !errors.Is(err, claviger.ErrResourceNotFound) {
		t.Errorf("what it wrote: %v", err)
	}
}

func TestAnUpdateOfNothingDoesNotCommit(t *testing.T) {
	db, g := gated(t)
	before := g.commits.Load()
	must(t, db.Update(t.Context(), func(tx *Tx) error {
		for range tx.Keys(KindKey, "") {
			t.Error("there is a key")
		}
		return nil
	}))
	if n := g.commits.Load() - before; n != 0 {
		t.Errorf("%d commits", n)
	}
}

func TestAContextThatEndsInTheQueueWritesNothing(t *testing.T) {
	db, g := gated(t)
	release := hold(t, db, g)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := db.Update(ctx, func(tx *Tx) error { return tx.Put(key("late", 1), 1, []byte("x")) })
	if !errors.Is(err, claviger.ErrOperationTimedOut) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	release()
	put(t, db, key("after", 1), "x")
	if err := db.View(func(tx *Tx) error { _, err := tx.Get(key("late", 1)); return err }); !errors.Is(err, claviger.ErrResourceNotFound) {
		t.Errorf("the withdrawn update: %v", err)
	}
}

func TestAContextThatEndsInTheCommitSaysThatTheOutcomeIsUnknown(t *testing.T) {
	db, g := gated(t)
	pass := make(chan struct{})
	g.set(pass, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var running atomic.Bool
	err := db.Update(ctx, func(tx *Tx) error {
		running.Store(true)
		defer running.Store(false)
		return tx.Put(key("late", 1), 1, []byte("x"))
	})
	if !errors.Is(err, claviger.ErrOperationTimedOut) || running.Load() {
		t.Errorf("%v, its function still runs: %v", err, running.Load())
	}
	if want := "outcome is unknown"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v does not say %q", err, want)
	}
	g.set(nil, nil)
	close(pass)
	put(t, db, key("after", 1), "x")
}

func TestAFailedCommitFailsItsGroupAndNothingElse(t *testing.T) {
	db, g := gated(t)
	put(t, db, key("a", 1), "before")
	g.set(nil, fmt.Errorf("%w: %w", kv.ErrFull, syscall.ENOSPC))
	err := db.Update(t.Context(), func(tx *Tx) error { return tx.Put(key("a", 1), 1, []byte("after")) })
	if !errors.Is(err, claviger.ErrPersistFailed) || !errors.Is(err, kv.ErrFull) || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%v", err)
	}
	if got := value(db, key("a", 1)); got != "before" {
		t.Errorf("earlier data is %q", got)
	}
	g.set(nil, nil)
	put(t, db, key("a", 1), "after")
}

func TestMoreUpdatesThanTheQueueHoldsAreRefused(t *testing.T) {
	db, g := gated(t)
	release := hold(t, db, g)
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			if err := db.Update(t.Context(), func(tx *Tx) error { return tx.Put(key("q", uint64(i)), 1, nil) }); err != nil {
				t.Error(err)
			}
		})
	}
	until(t, "the queue is full", func() bool { return db.queue.length() == 64 })
	if err := db.Update(t.Context(), func(*Tx) error { return nil }); !errors.Is(err, claviger.ErrProviderBusy) {
		t.Errorf("%v", err)
	}
	release()
	wg.Wait()
}

func TestUpdatesCanBeWithdrawnDuringACompaction(t *testing.T) {
	db, _ := inMemory(t)
	put(t, db, key("a", 1), "x")
	db.writing <- struct{}{} // what a compaction holds
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := db.Update(ctx, func(tx *Tx) error { return tx.Delete(key("a", 1)) }); !errors.Is(err, claviger.ErrOperationTimedOut) {
		t.Errorf("an update: %v", err)
	}
	if err := db.Compact(ctx); !errors.Is(err, claviger.ErrOperationTimedOut) {
		t.Errorf("a second compaction: %v", err)
	}
	<-db.writing
	if got := value(db, key("a", 1)); got != "x" {
		t.Errorf("got %q", got)
	}
}

func TestCloseFinishesWhatIsQueuedAndRefusesTheRest(t *testing.T) {
	g := &gate{Store: mem.New()}
	db, err := Open(t.Context(), g, newKeeper(t), Options{})
	must(t, err)
	release := hold(t, db, g)
	queued := make(chan error, 1)
	go func() {
		queued <- db.Update(context.Background(), func(tx *Tx) error { return tx.Put(key("a", 1), 1, nil) })
	}()
	until(t, "one waits", func() bool { return db.queue.length() == 1 })
	closed := make(chan error, 1)
	go func() { closed <- db.Close() }()
	release()
	must(t, <-queued)
	must(t, <-closed)
	must(t, db.Close())
	if err := db.Update(t.Context(), func(*Tx) error { return nil }); !errors.Is(err, claviger.ErrInvalidOperation) {
		t.Errorf("an update: %v", err)
	}
	if err := db.View(func(*Tx) error { return nil }); !errors.Is(err, claviger.ErrInvalidOperation) {
		t.Errorf("a view: %v", err)
	}
}
