package store

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/keeper"
	"github.com/claviger/claviger/internal/kv"
	"github.com/claviger/claviger/internal/kv/mem"
	"github.com/claviger/claviger/internal/secmem"
)

// nothing is an update that writes nothing.
func nothing(*Tx) error { return nil }

// rawRecord gives a record as it lies in the file.
func rawRecord(t *testing.T, s kv.Store, k Key) string {
	t.Helper()
	var out string
	must(t, s.View(func(r kv.Reader) error {
		b, err := r.Get(k.encode())
		out = string(b)
		return err
	}))
	return out
}

// opens tells whether a keeper opens the store in s, whose DB has been closed.
func opens(t *testing.T, s kv.Store, k Keeper) bool {
	t.Helper()
	h, found, err := readHeader(s)
	if err != nil || !found {
		t.Fatal(found, err)
	}
	_, err = h.unlock(t.Context(), k)
	if err != nil && !errors.Is(err, claviger.ErrWrapUnwrapFailed) {
		t.Fatal(err)
	}
	return err == nil
}

// TestRekeyWritesTheHeaderAlone holds that after a change the new keeper opens the store and the old one does not, that
// records stay byte for byte, that what goes with the change is there, and that the open store and its compactions go on.
func TestRekeyWritesTheHeaderAlone(t *testing.T) {
	s, old, next := mem.New(), newKeeper(t), newKeeper(t)
	db, err := Open(t.Context(), s, old, Options{})
	must(t, err)
	put(t, db, key("a", 1), "alpha")
	before := rawRecord(t, s, key("a", 1))
	note := Key{KindMeta, "note", 0}
	must(t, db.Rekey(t.Context(), next, func(tx *Tx) error { return tx.Put(note, 1, []byte("changed")) }))
	if rawRecord(t, s, key("a", 1)) != before {
		t.Error("a record was rewritten")
	}
	if opens(t, s, old) || !opens(t, s, next) || db.Keeper() != next.Describe() {
		t.Error("the store does not open with the new keeper alone")
	}
	put(t, db, key("b", 1), "beta")
	must(t, db.Compact(t.Context()))
	if opens(t, s, old) || !opens(t, s, next) {
		t.Error("the compacted store does not open with the new keeper alone")
	}
	again, err := Open(t.Context(), s, next, Options{MustExist: true})
	must(t, err)
	if got := value(again, key("a", 1)) + value(again, key("b", 1)) + value(again, note); got != "alphabetachanged" {
		t.Errorf("the records are %q", got)
	}
	must(t, again.Close())
}

// TestCompactionEndsTheOldKeeper holds that what the file kept of the old header is gone from it once the store is compacted.
func TestCompactionEndsTheOldKeeper(t *testing.T) {
	path, old, next := filepath.Join(t.TempDir(), "store.db"), newKeeper(t), newKeeper(t)
	db := inFile(t, path, old)
	put(t, db, key("a", 1), "alpha")
	h, _, err := readHeader(db.kv)
	must(t, err)
	must(t, db.Rekey(t.Context(), next, nothing))
	must(t, db.Compact(t.Context()))
	must(t, db.Close())
	file, err := os.ReadFile(path)
	must(t, err)
	if bytes.Contains(file, h.wrapped) {
		t.Error("the header that the old keeper opens is still in the file")
	}
	db = inFile(t, path, next)
	if got := value(db, key("a", 1)); got != "alpha" {
		t.Errorf("the record is %q", got)
	}
	must(t, db.Close())
}

// forgetful is a keeper that gives another secret back than it took.
type forgetful struct{ *keeper.Keeper }

func (f forgetful) Unwrap(ctx context.Context, wrapped []byte) (*secmem.Bytes, error) {
	secret, err := f.Keeper.Unwrap(ctx, wrapped)
	if err == nil {
		secret.Bytes()[headerSecrets-1] ^= 1
	}
	return secret, err
}

// TestAFailedRekeyChangesNothing goes through what may fail.
func TestAFailedRekeyChangesNothing(t *testing.T) {
	broken := errors.New("no")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx  context.Context
		next Keeper
		also func(*Tx) error
		want error
	}{
		"no such key file":       {t.Context(), keeper.File(filepath.Join(t.TempDir(), "none")), nothing, claviger.ErrResourceNotFound},
		"what goes with it":      {t.Context(), newKeeper(t), func(tx *Tx) error { return errors.Join(broken, tx.Put(key("b", 1), 1, nil)) }, broken},
		"a keeper that forgets":  {t.Context(), forgetful{newKeeper(t)}, nothing, claviger.ErrWrapUnwrapFailed},
		"a context that is over": {ended, newKeeper(t), nothing, claviger.ErrOperationTimedOut},
	} {
		s, old := mem.New(), newKeeper(t)
		db, err := Open(t.Context(), s, old, Options{})
		must(t, err)
		put(t, db, key("a", 1), "alpha")
		if err := db.Rekey(c.ctx, c.next, c.also); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if !opens(t, s, old) || db.Keeper() != old.Describe() || value(db, key("a", 1)) != "alpha" || value(db, key("b", 1)) == "" {
			t.Errorf("%s: something changed", name)
		}
		must(t, db.Close())
	}
}
