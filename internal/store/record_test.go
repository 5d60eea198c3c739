package store

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/claviger/claviger/internal/kv"
	"github.com/claviger/claviger/internal/primitive/xaes"
)

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

func FuzzRecord(f *testing.F) {
	k := Key{KindSecret, "name", 3}
	e, err := makeEpoch(7, make([]byte, xaes.KeySize))
	if err != nil {
		f.Fatal(err)
	}
	good := sealRecord(e.aead, storeID{}, 7, [24]byte{1}, k, 1, []byte("value"))
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
