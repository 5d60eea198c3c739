package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/keeper"
	"github.com/claviger/claviger/internal/kv"
	"github.com/claviger/claviger/internal/kv/bolt"
	"github.com/claviger/claviger/internal/kv/mem"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newKeeper makes a key file in a directory of its own.
func newKeeper(t testing.TB) *keeper.Keeper {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.key")
	must(t, keeper.CreateFile(path))
	return keeper.File(path)
}

// inMemory opens a store in memory, and gives the memory too.
func inMemory(t testing.TB) (*DB, *mem.Store) {
	t.Helper()
	s := mem.New()
	db, err := Open(t.Context(), s, newKeeper(t), Options{})
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	return db, s
}

// inFile opens a store in a file.
func inFile(t testing.TB, path string, k Keeper) *DB {
	t.Helper()
	s, err := bolt.Open(path, bolt.Options{})
	must(t, err)
	db, err := Open(context.Background(), s, k, Options{})
	must(t, err)
	return db
}

func put(t testing.TB, db *DB, key Key, value string) {
	t.Helper()
	must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.Put(key, 1, []byte(value)) }))
}

// value reads a record's value, or its error's text.
func value(db *DB, key Key) string {
	var out string
	err := db.View(func(tx *Tx) error {
		r, err := tx.Get(key)
		out = string(r.Value)
		return err
	})
	if err != nil {
		return err.Error()
	}
	return out
}

func key(name string, version uint64) Key { return Key{KindKey, name, version} }

func TestRecordsComeBackAfterReopen(t *testing.T) {
	path, k := filepath.Join(t.TempDir(), "store.db"), newKeeper(t)
	db := inFile(t, path, k)
	put(t, db, key("vehicle/data", 1), "first")
	put(t, db, Key{KindMeta, "empty", 0}, "")
	must(t, db.Close())
	db = inFile(t, path, k)
	defer func() { must(t, db.Close()) }()
	must(t, db.View(func(tx *Tx) error {
		r, err := tx.Get(key("vehicle/data", 1))
		if string(r.Value) != "first" || r.Schema != 1 || r.Key != key("vehicle/data", 1) {
			t.Errorf("%+v", r)
		}
		return err
	}))
	if got := value(db, Key{KindMeta, "empty", 0}); got != "" {
		t.Errorf("the empty record is %q", got)
	}
	file, err := os.ReadFile(path)
	must(t, err)
	if bytes.Contains(file, []byte("first")) || !bytes.Contains(file, []byte("vehicle/data")) {
		t.Error("values must not lie in the clear, and names are said to")
	}
}

func TestOpenRefusesAnotherKeyAndAnUnfitHeader(t *testing.T) {
	db, s := inMemory(t)
	put(t, db, key("a", 1), "x")
	if _, err := Open(t.Context(), s, newKeeper(t), Options{}); !errors.Is(err, claviger.ErrWrapUnwrapFailed) {
		t.Errorf("another key: %v", err)
	}
	var h []byte
	must(t, s.View(func(r kv.Reader) error {
		b, err := r.Get(headerKey)
		h = bytes.Clone(b)
		return err
	}))
	for i := range h {
		altered := bytes.Clone(h)
		altered[i] ^= 1
		must(t, s.Update(func(w kv.Writer) error { return w.Put(headerKey, altered) }))
		if _, err := Open(t.Context(), s, db.keeper, Options{}); err == nil || claviger.CodeOf(err) == claviger.ErrInternal {
			t.Errorf("header byte %d altered: %v", i, err)
		}
	}
	must(t, s.Update(func(w kv.Writer) error { return w.Delete(headerKey) }))
	if _, err := Open(t.Context(), s, db.keeper, Options{}); !errors.Is(err, claviger.ErrInvalidFormat) {
		t.Errorf("without a header: %v", err)
	}
	if _, err := Open(t.Context(), mem.New(), db.keeper, Options{MustExist: true}); !errors.Is(err, claviger.ErrResourceNotFound) {
		t.Errorf("a store that must exist: %v", err)
	}
}

func TestScansAreOrderedAndSkipNothing(t *testing.T) {
	db, s := inMemory(t)
	for _, k := range []Key{key("b", 2), key("b", 10), key("ba", 1), key("a", 300), key("b", 1), {KindSlot, "b", 0}, {KindCert, "b", 0}} {
		put(t, db, k, k.String())
	}
	must(t, s.Update(func(w kv.Writer) error { return w.Put(key("b", 2).encode(), []byte("junk")) }))
	must(t, db.View(func(tx *Tx) error {
		var got []string
		for r, err := range tx.Scan(KindKey, "b") {
			if (r.Key == key("b", 2)) != errors.Is(err, ErrDamaged) {
				t.Errorf("%v: %v", r.Key, err)
			}
			got = append(got, r.Key.String())
		}
		if want := `key "b" version 1, key "b" version 2, key "b" version 10, key "ba" version 1`; strings.Join(got, ", ") != want {
			t.Errorf("Scan gives %v", got)
		}
		n := 0
		for range tx.Versions(KindKey, "b") {
			n++
		}
		for k, err := range tx.Keys(KindKey, "") {
			if err != nil || k.Kind != KindKey {
				t.Errorf("%v: %v", k, err)
			}
			n++
		}
		if n != 3+5 {
			t.Errorf("Versions and Keys gave %d", n)
		}
		return nil
	}))
	must(t, db.Update(t.Context(), func(tx *Tx) error {
		for r := range tx.Versions(KindKey, "b") {
			if err := tx.Delete(r.Key); err != nil {
				return err
			}
		}
		return nil
	}))
	must(t, db.View(func(tx *Tx) error {
		for k := range tx.Keys(KindKey, "b") {
			if k != key("ba", 1) {
				t.Errorf("%v is still there", k)
			}
		}
		return nil
	}))
}

func TestWhatCannotBeStoredIsRefused(t *testing.T) {
	db, _ := inMemory(t)
	for _, k := range []Key{{}, {Name: "x"}, {Kind: KindKey}, key("a\x00b", 1), key(strings.Repeat("x", MaxName+1), 1)} {
		err := db.Update(t.Context(), func(tx *Tx) error { return tx.Put(k, 1, nil) })
		if !errors.Is(err, claviger.ErrInvalidArgument) {
			t.Errorf("Put %v: %v", k, err)
		}
		if err := db.View(func(tx *Tx) error { _, err := tx.Get(k); return err }); !errors.Is(err, claviger.ErrInvalidArgument) {
			t.Errorf("Get %v: %v", k, err)
		}
	}
	err := db.Update(t.Context(), func(tx *Tx) error { return tx.Put(key("a", 1), 1, make([]byte, MaxValue+1)) })
	if !errors.Is(err, claviger.ErrInvalidArgument) {
		t.Errorf("a large value: %v", err)
	}
	if err := db.View(func(tx *Tx) error { return tx.Put(key("a", 1), 1, nil) }); !errors.Is(err, claviger.ErrInvalidOperation) {
		t.Errorf("Put in a View: %v", err)
	}
	if err := db.View(func(tx *Tx) error { _, err := tx.Get(key("a", 1)); return err }); !errors.Is(err, claviger.ErrResourceNotFound) {
		t.Errorf("an absent record: %v", err)
	}
	var late *Tx
	must(t, db.View(func(tx *Tx) error { late = tx; return nil }))
	if _, err := late.Get(key("a", 1)); !errors.Is(err, claviger.ErrInvalidOperation) {
		t.Errorf("after the end: %v", err)
	}
}

func TestNumbersNeverRepeat(t *testing.T) {
	path, k := filepath.Join(t.TempDir(), "store.db"), newKeeper(t)
	db := inFile(t, path, k)
	next := func() (n uint64) {
		t.Helper()
		must(t, db.Update(t.Context(), func(tx *Tx) (err error) {
			if n, err = tx.Next(KindKey, "slot"); err != nil {
				return err
			}
			return tx.Put(key("slot", n), 1, []byte("x"))
		}))
		return n
	}
	counter := counterKey(KindKey, "slot")
	for want := uint64(1); want <= 6; want++ {
		if got := next(); got != want {
			t.Fatalf("got %d, want %d", got, want)
		}
		must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.Delete(key("slot", want)) }))
		err := db.Update(t.Context(), func(tx *Tx) error { return tx.Delete(counter) })
		if !errors.Is(err, claviger.ErrInvalidOperation) {
			t.Errorf("deleting the counter: %v", err)
		}
		err = db.Update(t.Context(), func(tx *Tx) error { return tx.Put(counter, 1, make([]byte, 8)) })
		if !errors.Is(err, claviger.ErrInvalidOperation) {
			t.Errorf("putting the counter: %v", err)
		}
		if want%2 == 0 {
			must(t, db.Compact(t.Context()))
		}
		must(t, db.Close())
		db = inFile(t, path, k)
	}
	must(t, db.Close())
}

func TestRandomOperationsMatchAMap(t *testing.T) {
	path, k := filepath.Join(t.TempDir(), "store.db"), newKeeper(t)
	db := inFile(t, path, k)
	r := rand.New(rand.NewPCG(3, 5))
	model := map[Key]string{}
	for round := range 120 {
		next, abort := maps.Clone(model), r.IntN(4) == 0
		err := db.Update(t.Context(), func(tx *Tx) error {
			for range r.IntN(8) {
				k := Key{Kind(1 + r.IntN(4)), fmt.Sprintf("n%d", r.IntN(5)), uint64(r.IntN(3))}
				if r.IntN(3) == 0 {
					delete(next, k)
					must(t, tx.Delete(k))
					continue
				}
				next[k] = strings.Repeat("v", r.IntN(3000))
				must(t, tx.Put(k, uint16(len(next[k])), []byte(next[k])))
			}
			if abort {
				return claviger.ErrAccessDenied
			}
			return nil
		})
		if abort != errors.Is(err, claviger.ErrAccessDenied) {
			t.Fatal(err)
		}
		if !abort {
			model = next
		}
		switch r.IntN(10) {
		case 0:
			must(t, db.Compact(t.Context()))
		case 1:
			must(t, db.Close())
			db = inFile(t, path, k)
		}
		compare(t, db, model)
		if t.Failed() {
			t.Fatalf("after round %d", round)
		}
	}
	must(t, db.Close())
}

// compare holds that the store's records, counters apart, are those of the model.
func compare(t *testing.T, db *DB, model map[Key]string) {
	t.Helper()
	found := map[Key]string{}
	must(t, db.View(func(tx *Tx) error {
		for kind := KindSlot; kind < kindCount; kind++ {
			for r, err := range tx.Scan(kind, "") {
				if err != nil || int(r.Schema) != len(r.Value) {
					t.Errorf("%v, schema %d: %v", r.Key, r.Schema, err)
				}
				found[r.Key] = string(r.Value)
			}
		}
		return nil
	}))
	if !maps.Equal(found, model) {
		t.Errorf("the store holds %d records, the model %d, and they differ", len(found), len(model))
	}
}
