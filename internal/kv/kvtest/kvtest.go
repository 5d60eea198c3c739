// Package kvtest is the contract of kv.Store as tests. Every implementation's own tests run it.
package kvtest

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/claviger/claviger/internal/kv"
)

// Test runs the contract. open makes a new, empty store for each part; the part closes it.
func Test(t *testing.T, open func(*testing.T) kv.Store) {
	for _, part := range []struct {
		name string
		run  func(*testing.T, kv.Store)
	}{
		{"GetGivesWhatWasPut", getGivesWhatWasPut},
		{"ScanIsOrderedAndBoundedByPrefix", scanIsOrdered},
		{"ScanSurvivesWritesOfItsLoop", scanSurvivesWrites},
		{"LimitsAreKept", limitsAreKept},
		{"BigValuesComeBackWhole", bigValues},
		{"ErrorUndoesAll", errorUndoesAll},
		{"PanicUndoesAllAndReachesTheCaller", panicUndoesAll},
		{"ViewSeesOneState", viewSeesOneState},
		{"CompareAndSwapLosesNoUpdate", compareAndSwap},
		{"RewriteReplacesAll", rewriteReplacesAll},
		{"FailedRewriteChangesNothing", failedRewrite},
		{"ReadersGoOnDuringRewrite", readersGoOn},
		{"RandomOperationsMatchAMap", randomOperations},
		{"ClosedStoreRefuses", closedStoreRefuses},
	} {
		t.Run(part.name, func(t *testing.T) {
			s := open(t)
			defer func() {
				if err := s.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			}()
			part.run(t, s)
		})
	}
}

// must ends the test on an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// put writes pairs given as key, value, key, value.
func put(t *testing.T, s kv.Store, pairs ...string) {
	t.Helper()
	must(t, s.Update(func(w kv.Writer) error {
		for i := 0; i < len(pairs); i += 2 {
			if err := w.Put([]byte(pairs[i]), []byte(pairs[i+1])); err != nil {
				return err
			}
		}
		return nil
	}))
}

// list reads all pairs of a prefix as "key=value key=value".
func list(r kv.Reader, prefix string) (string, error) {
	var out []string
	for p, err := range r.Scan([]byte(prefix)) {
		if err != nil {
			return "", err
		}
		out = append(out, string(p.Key)+"="+string(p.Value))
	}
	return strings.Join(out, " "), nil
}

// expect compares the pairs of a prefix with want.
func expect(t *testing.T, s kv.Store, prefix, want string) {
	t.Helper()
	must(t, s.View(func(r kv.Reader) error {
		got, err := list(r, prefix)
		if got != want {
			t.Errorf("pairs under %q: %q, want %q", prefix, got, want)
		}
		return err
	}))
}

func getGivesWhatWasPut(t *testing.T, s kv.Store) {
	put(t, s, "a", "1", "b", "", "a", "2")
	must(t, s.View(func(r kv.Reader) error {
		if v, err := r.Get([]byte("a")); err != nil || string(v) != "2" {
			t.Errorf("a: %q, %v", v, err)
		}
		if v, err := r.Get([]byte("b")); err != nil || v == nil || len(v) != 0 {
			t.Errorf("b, an empty value: %v, %v", v, err)
		}
		for _, absent := range []string{"c", "", strings.Repeat("x", kv.MaxKey+1)} {
			if _, err := r.Get([]byte(absent)); !errors.Is(err, kv.ErrNotFound) {
				t.Errorf("an absent key: %v", err)
			}
		}
		return nil
	}))
	must(t, s.Update(func(w kv.Writer) error {
		must(t, w.Delete([]byte("a")))
		if _, err := w.Get([]byte("a")); !errors.Is(err, kv.ErrNotFound) {
			t.Errorf("deleted in this update: %v", err)
		}
		return w.Delete([]byte("never there"))
	}))
	expect(t, s, "", "b=")
	if n, err := s.Size(); err != nil || n <= 0 {
		t.Errorf("Size: %d, %v", n, err)
	}
}

func scanIsOrdered(t *testing.T, s kv.Store) {
	put(t, s, "b\xff\xff", "4", "a", "1", "c", "5", "b\x00", "3", "b", "2", "\xff", "6")
	expect(t, s, "", "a=1 b=2 b\x00=3 b\xff\xff=4 c=5 \xff=6")
	expect(t, s, "b", "b=2 b\x00=3 b\xff\xff=4")
	expect(t, s, "b\xff", "b\xff\xff=4")
	expect(t, s, "d", "")
	must(t, s.View(func(r kv.Reader) error {
		n := 0
		for range r.Scan(nil) {
			if n++; n == 2 {
				break
			}
		}
		if n != 2 {
			t.Errorf("a scan that was left after 2 pairs gave %d", n)
		}
		return nil
	}))
}

func scanSurvivesWrites(t *testing.T, s kv.Store) {
	for i := range 300 {
		put(t, s, fmt.Sprintf("k%03d", i), strings.Repeat("v", 100))
	}
	seen := 0
	must(t, s.Update(func(w kv.Writer) error {
		for p, err := range w.Scan([]byte("k")) {
			must(t, err)
			key := string(p.Key)
			if want := fmt.Sprintf("k%03d", seen); key != want {
				t.Fatalf("pair %d is %s", seen, key)
			}
			seen++
			must(t, w.Delete([]byte(key)))
			must(t, w.Put([]byte("a"+key), []byte("behind")))
			must(t, w.Put([]byte("z"+key), []byte("outside")))
		}
		return nil
	}))
	if seen != 300 {
		t.Errorf("%d pairs of 300 were seen", seen)
	}
	expect(t, s, "k", "")
}

func limitsAreKept(t *testing.T, s kv.Store) {
	must(t, s.Update(func(w kv.Writer) error {
		if err := w.Put(nil, []byte("v")); !errors.Is(err, kv.ErrKeySize) {
			t.Errorf("an empty key: %v", err)
		}
		if err := w.Put(make([]byte, kv.MaxKey+1), nil); !errors.Is(err, kv.ErrKeySize) {
			t.Errorf("a long key: %v", err)
		}
		if err := w.Put([]byte("k"), make([]byte, kv.MaxValue+1)); !errors.Is(err, kv.ErrTooLarge) {
			t.Errorf("a large value: %v", err)
		}
		return w.Put(bytes.Repeat([]byte("k"), kv.MaxKey), []byte("fits"))
	}))
	expect(t, s, "", strings.Repeat("k", kv.MaxKey)+"=fits")
}

func bigValues(t *testing.T, s kv.Store) {
	for _, n := range []int{4095, 4096, 65_537, 3 << 20} {
		value := bytes.Repeat([]byte{byte(n), 1, 2, 3, 5}, n/5+1)[:n]
		key := fmt.Appendf(nil, "big%d", n)
		must(t, s.Update(func(w kv.Writer) error { return w.Put(key, value) }))
		must(t, s.View(func(r kv.Reader) error {
			got, err := r.Get(key)
			if !bytes.Equal(got, value) {
				t.Errorf("a value of %d bytes came back as %d others", n, len(got))
			}
			return err
		}))
	}
}

func errorUndoesAll(t *testing.T, s kv.Store) {
	put(t, s, "a", "1", "b", "2")
	mine := errors.New("mine")
	err := s.Update(func(w kv.Writer) error {
		must(t, w.Put([]byte("a"), []byte("changed")))
		must(t, w.Delete([]byte("b")))
		must(t, w.Put([]byte("c"), []byte("new")))
		return mine
	})
	if !errors.Is(err, mine) {
		t.Errorf("the error is %v", err)
	}
	expect(t, s, "", "a=1 b=2")
	if err := s.View(func(kv.Reader) error { return mine }); !errors.Is(err, mine) {
		t.Errorf("the error of a View is %v", err)
	}
}

func panicUndoesAll(t *testing.T, s kv.Store) {
	put(t, s, "a", "1")
	func() {
		defer func() {
			if p := recover(); p != "mine" {
				t.Errorf("the panic is %v", p)
			}
		}()
		_ = s.Update(func(w kv.Writer) error {
			must(t, w.Put([]byte("a"), []byte("changed")))
			panic("mine")
		})
	}()
	func() {
		defer func() { _ = recover() }()
		_ = s.View(func(kv.Reader) error { panic("mine") })
	}()
	expect(t, s, "", "a=1")
	put(t, s, "b", "2")
	expect(t, s, "", "a=1 b=2")
}

func viewSeesOneState(t *testing.T, s kv.Store) {
	put(t, s, "a", "1", "b", "1")
	started, written := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		<-started
		put(t, s, "a", "2", "b", "2", "c", "2")
		close(written)
	})
	must(t, s.View(func(r kv.Reader) error {
		if _, err := r.Get([]byte("a")); err != nil {
			return err
		}
		close(started)
		<-written
		if got, err := list(r, ""); got != "a=1 b=1" {
			t.Errorf("the view sees %q, %v", got, err)
		}
		return nil
	}))
	wg.Wait()
	expect(t, s, "", "a=2 b=2 c=2")
}

func compareAndSwap(t *testing.T, s kv.Store) {
	put(t, s, "n", "0")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 10 {
				err := s.Update(func(w kv.Writer) error {
					v, err := w.Get([]byte("n"))
					if err != nil {
						return err
					}
					var n int
					if _, err := fmt.Sscan(string(v), &n); err != nil {
						return err
					}
					return w.Put([]byte("n"), fmt.Append(nil, n+1))
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	expect(t, s, "n", "n=80")
}

func randomOperations(t *testing.T, s kv.Store) {
	r := rand.New(rand.NewPCG(7, 11))
	model := map[string]string{}
	for round := range 60 {
		next := maps.Clone(model)
		abort := r.IntN(4) == 0
		_ = s.Update(func(w kv.Writer) error {
			for range r.IntN(20) {
				key := fmt.Sprintf("k%02d", r.IntN(40))
				if r.IntN(3) == 0 {
					delete(next, key)
					must(t, w.Delete([]byte(key)))
					continue
				}
				next[key] = strings.Repeat("v", r.IntN(2000))
				must(t, w.Put([]byte(key), []byte(next[key])))
			}
			if abort {
				return errors.New("abort")
			}
			return nil
		})
		if !abort {
			model = next
		}
		var want []string
		for _, k := range slices.Sorted(maps.Keys(model)) {
			want = append(want, k+"="+model[k])
		}
		expect(t, s, "", strings.Join(want, " "))
		if t.Failed() {
			t.Fatalf("after round %d", round)
		}
	}
}

func closedStoreRefuses(t *testing.T, s kv.Store) {
	put(t, s, "a", "1")
	must(t, s.Close())
	for name, err := range map[string]error{
		"View":    s.View(func(kv.Reader) error { return nil }),
		"Update":  s.Update(func(kv.Writer) error { return nil }),
		"Rewrite": s.Rewrite(func(kv.Reader, kv.Writer) error { return nil }),
		"Close":   s.Close(),
	} {
		if (name != "Close" && !errors.Is(err, kv.ErrClosed)) || (name == "Close" && err != nil) {
			t.Errorf("%s on a closed store: %v", name, err)
		}
	}
	if _, err := s.Size(); !errors.Is(err, kv.ErrClosed) {
		t.Errorf("Size on a closed store: %v", err)
	}
}
