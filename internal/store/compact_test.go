package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/claviger/claviger/internal/kv"
)

func TestCompactionRemovesWhatWasDestroyed(t *testing.T) {
	path, k := filepath.Join(t.TempDir(), "store.db"), newKeeper(t)
	db := inFile(t, path, k)
	defer func() { must(t, db.Close()) }()
	put(t, db, key("doomed-name", 1), strings.Repeat("d", 500))
	put(t, db, key("kept-name", 1), "kept")
	var sealed, kept []byte
	must(t, db.kv.View(func(r kv.Reader) error {
		b, err := r.Get(key("doomed-name", 1).encode())
		must(t, err)
		sealed = bytes.Clone(b)
		b, err = r.Get(key("kept-name", 1).encode())
		kept = bytes.Clone(b)
		return err
	}))
	for i := range 50 { // some life around it
		put(t, db, key(fmt.Sprintf("other%d", i), 1), "x")
	}
	must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.Delete(key("doomed-name", 1)) }))
	before, err := os.ReadFile(path)
	must(t, err)
	if !bytes.Contains(before, sealed[len(sealed)-64:]) {
		t.Fatal("the file does not hold the old bytes: this test would show nothing")
	}
	must(t, db.Compact(t.Context()))
	after, err := os.ReadFile(path)
	must(t, err)
	for what, b := range map[string][]byte{"name": []byte("doomed-name"), "ciphertext": sealed[recordHead : recordHead+64], "tag": sealed[len(sealed)-16:], "neighbour's old ciphertext": kept[recordHead:]} {
		if bytes.Contains(after, b) {
			t.Errorf("the compacted file holds the %s", what)
		}
	}
	if !bytes.Contains(after, []byte("kept-name")) || value(db, key("kept-name", 1)) != "kept" {
		t.Error("the neighbour is lost")
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("the directory holds %v, %v", entries, err)
	}
}

func TestViewsGoOnThroughCompactions(t *testing.T) {
	db, _ := inMemory(t)
	put(t, db, key("a", 1), "old")
	must(t, db.View(func(tx *Tx) error {
		done := make(chan error, 1)
		go func() {
			err := db.Compact(t.Context())
			done <- errors.Join(err, db.Update(t.Context(), func(tx *Tx) error { return tx.Put(key("a", 1), 1, []byte("new")) }), db.Compact(t.Context()))
		}()
		must(t, <-done)
		if got := value(db, key("a", 1)); got != "new" {
			t.Errorf("a new view sees %q", got)
		}
		r, err := tx.Get(key("a", 1))
		if string(r.Value) != "old" {
			t.Errorf("the old view sees %q", r.Value)
		}
		return err
	}))
	if n := len(db.ring.all); n != 1 {
		t.Errorf("%d data keys are kept", n)
	}
}

func TestReadersAndWritersThroughManyCompactions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	db := inFile(t, path, newKeeper(t))
	defer func() { must(t, db.Close()) }()
	put(t, db, key("a", 1), "0")
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if got := value(db, key("a", 1)); strings.Contains(got, "damaged") {
					t.Error(got)
				}
			}
		})
	}
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				put(t, db, key("a", 1), fmt.Sprint(i))
			}
		}
	})
	for range 15 {
		must(t, db.Compact(t.Context()))
	}
	close(stop)
	wg.Wait()
	if bad := db.Damaged(); len(bad) != 0 {
		t.Errorf("damaged: %v", bad)
	}
}
