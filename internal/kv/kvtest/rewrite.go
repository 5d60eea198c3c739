package kvtest

import (
	"bytes"
	"errors"
	"sync"
	"testing"

	"github.com/claviger/claviger/internal/kv"
)

func rewriteReplacesAll(t *testing.T, s kv.Store) {
	put(t, s, "a", "1", "b", "2", "c", "3")
	must(t, s.Rewrite(func(old kv.Reader, fresh kv.Writer) error {
		if got, err := list(fresh, ""); got != "" || err != nil {
			t.Errorf("a fresh state holds %q, %v", got, err)
		}
		for p, err := range old.Scan(nil) {
			must(t, err)
			if string(p.Key) == "b" {
				continue
			}
			must(t, fresh.Put(p.Key, append(bytes.Clone(p.Value), '!')))
		}
		if got, err := list(fresh, ""); got != "a=1! c=3!" || err != nil {
			t.Errorf("the fresh state holds %q, %v", got, err)
		}
		return nil
	}))
	expect(t, s, "", "a=1! c=3!")
	put(t, s, "d", "4")
	expect(t, s, "", "a=1! c=3! d=4")
}

func failedRewrite(t *testing.T, s kv.Store) {
	put(t, s, "a", "1")
	mine := errors.New("mine")
	err := s.Rewrite(func(_ kv.Reader, fresh kv.Writer) error {
		must(t, fresh.Put([]byte("z"), []byte("26")))
		return mine
	})
	if !errors.Is(err, mine) {
		t.Errorf("the error is %v", err)
	}
	func() {
		defer func() {
			if p := recover(); p != "mine" {
				t.Errorf("the panic is %v", p)
			}
		}()
		_ = s.Rewrite(func(kv.Reader, kv.Writer) error { panic("mine") })
	}()
	expect(t, s, "", "a=1")
	put(t, s, "b", "2")
	expect(t, s, "", "a=1 b=2")
}

func readersGoOn(t *testing.T, s kv.Store) {
	put(t, s, "a", "1")
	inView, rewritten := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = s.View(func(r kv.Reader) error {
			close(inView)
			<-rewritten
			if got, err := list(r, ""); got != "a=1" {
				t.Errorf("the old view sees %q, %v", got, err)
			}
			return nil
		})
	})
	<-inView
	must(t, s.Rewrite(func(_ kv.Reader, fresh kv.Writer) error {
		expect(t, s, "", "a=1")
		return fresh.Put([]byte("a"), []byte("2"))
	}))
	expect(t, s, "", "a=2")
	put(t, s, "b", "2")
	close(rewritten)
	wg.Wait()
	expect(t, s, "", "a=2 b=2")
}
