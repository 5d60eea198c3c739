package store

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/keeper"
	"github.com/claviger/claviger/internal/kv"
	"github.com/claviger/claviger/internal/kv/bolt"
	"github.com/claviger/claviger/internal/kv/mem"
	"github.com/claviger/claviger/internal/primitive/xaes"
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

func TestGoldenHeaderAndRecord(t *testing.T) {
	id := storeID([]byte("0123456789abcdef"))
	h := header{id: id, generation: 7, wrapped: []byte("wrapped by a keeper")}
	const wantHeader = "434c415649474552000130313233343536373839616263646566000000070013777261707065642062792061206b6565706572"
	if got := hex.EncodeToString(h.encode()); got != wantHeader {
		t.Errorf("header\ngot  %s\nwant %s", got, wantHeader)
	}
	back, err := decodeHeader(h.encode())
	if err != nil || !bytes.Equal(back.encode(), h.encode()) {
		t.Errorf("header comes back as %+v, %v", back, err)
	}
	k := Key{KindSecret, "name", 3}
	if got, want := hex.EncodeToString(k.encode()), "066e616d65000000000000000003"; got != want {
		t.Errorf("key\ngot  %s\nwant %s", got, want)
	}
	aead, err := xaes.New(bytes.Repeat([]byte{1}, xaes.KeySize))
	must(t, err)
	sealed := sealRecord(aead, id, 7, [24]byte([]byte("ABCDEFGHIJKLMNOPQRSTUVWX")), k, 2, []byte("value"))
	const wantRecord = "010002000000074142434445464748494a4b4c4d4e4f505152535455565758e07447d07482b0013e4e419f2671dfe1a1deeef26d"
	if got := hex.EncodeToString(sealed); got != wantRecord {
		t.Errorf("record\ngot  %s\nwant %s", got, wantRecord)
	}
}

// TestEveryAlteredByteIsNamedAndTheRestServes flips each bit group of a record, swaps records and renames them.
func TestEveryAlteredByteIsNamedAndTheRestServes(t *testing.T) {
	db, s := inMemory(t)
	put(t, db, key("a", 1), "alpha secret")
	put(t, db, key("b", 1), "beta")
	raw := func(k Key) (out []byte) {
		must(t, s.View(func(r kv.Reader) error {
			b, err := r.Get(k.encode())
			out = bytes.Clone(b)
			return err
		}))
		return out
	}
	set := func(k Key, b []byte) { must(t, s.Update(func(w kv.Writer) error { return w.Put(k.encode(), b) })) }
	a, b := raw(key("a", 1)), raw(key("b", 1))
	refused := func(what string, k Key) {
		t.Helper()
		err := db.View(func(tx *Tx) error { _, err := tx.Get(k); return err })
		if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), k.String()) || strings.Contains(err.Error(), "alpha") {
			t.Errorf("%s: %v", what, err)
		}
		if bad, err := db.Check(t.Context()); err != nil || !slices.Equal(bad, []Key{k}) || !slices.Contains(db.Damaged(), k) {
			t.Errorf("%s: Check gives %v, %v; Damaged %v", what, bad, err, db.Damaged())
		}
		if got := value(db, key("b", 1)); got != "beta" {
			t.Errorf("%s: the other record is %q", what, got)
		}
	}
	for i := range a {
		altered := bytes.Clone(a)
		altered[i] ^= 0x40
		set(key("a", 1), altered)
		refused(fmt.Sprintf("byte %d", i), key("a", 1))
		set(key("a", 1), a[:i])
		refused(fmt.Sprintf("cut to %d", i), key("a", 1))
	}
	set(key("a", 1), b)
	refused("another record in its place", key("a", 1))
	set(key("a", 1), a)
	for _, moved := range []Key{key("a", 2), key("aa", 1), {KindSecret, "a", 1}} {
		set(moved, a)
		refused("moved to "+moved.String(), moved)
		if err := db.Compact(t.Context()); !errors.Is(err, ErrDamaged) {
			t.Errorf("compaction over a damaged record: %v", err)
		}
		must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.Delete(moved) }))
		if slices.Contains(db.Damaged(), moved) {
			t.Error("a deleted record is still called damaged")
		}
	}
	if got := value(db, key("a", 1)); got != "alpha secret" {
		t.Errorf("put back, the record is %q", got)
	}
	must(t, db.Compact(t.Context()))
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

func FuzzRecord(f *testing.F) {
	k := Key{KindSecret, "name", 3}
	e, err := makeEpoch(7, make([]byte, xaes.KeySize))
	if err != nil {
		f.Fatal(err)
	}
	good := e.seal(storeID{}, k, 1, []byte("value"))
	h := header{generation: 1, wrapped: []byte("w")}
	f.Add(k.encode(), good)
	f.Add([]byte{1, 'a', 0}, good[:recordMinimum])
	f.Add(headerKey, h.encode())
	f.Fuzz(func(t *testing.T, rawKey, value []byte) {
		key, ok := decodeKey(rawKey)
		if ok && !bytes.Equal(key.encode(), rawKey) {
			t.Errorf("key %x comes back as %x", rawKey, key.encode())
		}
		if s, ok := parseRecord(value); ok {
			if len(s.head)+len(s.nonce)+len(s.ciphertext) != len(value) {
				t.Error("a record lost bytes")
			}
			if _, ok := s.open(e.aead, storeID{}, key); ok && !bytes.Equal(value, good) {
				t.Error("bytes that were never sealed were opened")
			}
		}
		if h, err := decodeHeader(value); err == nil && !bytes.Equal(h.encode(), value) {
			t.Error("a header comes back as another")
		}
	})
}
