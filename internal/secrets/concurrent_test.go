package secrets

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/claviger/claviger"
)

// TestConcurrentReplacesGiveEachNumberOnce holds that callers at once get different versions, each with its own bytes.
func TestConcurrentReplacesGiveEachNumberOnce(t *testing.T) {
	r := newRig(t, Config{})
	id := r.put("0", time.Hour)
	var wg sync.WaitGroup
	var mu sync.Mutex
	given := make(map[uint64]string)
	for w := range 8 {
		wg.Go(func() {
			for i := range 20 {
				what := fmt.Sprint(w, "/", i)
				v, err := r.Replace(t.Context(), r.alice(), []byte(id), []byte(what), start+3600)
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := r.Get(t.Context(), r.alice(), []byte(id), claviger.LatestVersion); err != nil {
					t.Error(err)
				}
				mu.Lock()
				if given[v] != "" {
					t.Errorf("version %d was given twice", v)
				}
				given[v] = what
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for v, what := range given {
		r.holds(fmt.Sprint("version ", v), id, v, what)
	}
	if len(given) != 160 {
		t.Errorf("%d versions", len(given))
	}
}

// TestOneTenantIsMadeByManyFirstCalls holds that a tenant's first calls at once agree on who it is.
func TestOneTenantIsMadeByManyFirstCalls(t *testing.T) {
	r := newRig(t, Config{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := r.Put(t.Context(), r.alice(), []byte("s"), start+3600); err != nil {
				t.Error(err)
			}
			if c, err := r.Seal(t.Context(), r.alice(), []byte("c"), start+3600); err != nil {
				t.Error(err)
			} else if _, err := r.Open(t.Context(), r.alice(), c); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	r.counts(8, 8, 0)
}
