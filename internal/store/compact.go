package store

import (
	"context"
	"errors"
	"math"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/kv"
	"github.com/claviger/claviger/internal/secmem"
)

// Compact writes everything anew, under a new data key, and puts it in place of the old at once: a crash leaves the
// one or the other whole. Updates wait and may time out waiting; views go on. What was deleted is afterwards gone from
// the file, and what a medium keeps of the old file is sealed under a key that the new file does not hold.
//
// Records that do not open stop it, as ErrDamaged with their names, and nothing changes: delete them first. Needs the
// space of both files while it runs. ctx is looked at between records.
func (db *DB) Compact(ctx context.Context) error {
	select {
	case db.writing <- struct{}{}:
		defer func() { <-db.writing }()
	case <-ctx.Done():
		return compactTimedOut(ctx.Err())
	}
	last := db.ring.now().generation
	if last == math.MaxUint32 {
		return claviger.Errorf(claviger.ErrQuotaExceeded, "store", "the generations of the data key are used up")
	}
	h, next, err := newEpoch(ctx, db.kept(), db.id, last+1)
	if err != nil {
		return err
	}
	db.ring.add(next)
	came := false
	defer func() { db.ring.turn(next, came) }()
	err = db.kv.Rewrite(func(old kv.Reader, fresh kv.Writer) error { return db.copyAll(ctx, old, fresh, h, next) })
	came = err == nil || db.inUse(next)
	return fault(err)
}

// inUse tells whether the store now holds the generation of e: a rewrite may fail after it has taken effect.
func (db *DB) inUse(e *epoch) bool {
	h, found, err := readHeader(db.kv)
	return err == nil && found && h.generation == e.generation
}

// copyAll seals every record anew.
func (db *DB) copyAll(ctx context.Context, old kv.Reader, fresh kv.Writer, h header, next *epoch) error {
	if err := fresh.Put(headerKey, h.encode()); err != nil {
		return err
	}
	tx := &Tx{db: db, r: old}
	defer tx.end()
	var bad []Key
	for r, err := range tx.records(nil) {
		if errors.Is(err, ErrDamaged) {
			bad = append(bad, r.Key)
			continue
		}
		if err == nil && ctx.Err() != nil {
			err = compactTimedOut(ctx.Err())
		}
		if err == nil {
			err = fresh.Put(r.Key.encode(), next.seal(db.id, r.Key, r.Schema, r.Value))
		}
		secmem.Wipe(r.Value)
		if err != nil {
			return err
		}
	}
	if len(bad) > 0 {
		return damaged(bad...)
	}
	return nil
}

func compactTimedOut(cause error) error {
	return &claviger.Error{Code: claviger.ErrOperationTimedOut, Op: "store", Detail: "compaction not finished in time: nothing changed", Err: cause}
}

// Check opens every record and names those that do not open, in order; a store without any gives none. The error is
// ErrOperationTimedOut when ctx ends first, or one of reading.
func (db *DB) Check(ctx context.Context) ([]Key, error) {
	var bad []Key
	err := db.View(func(tx *Tx) error {
		for r, err := range tx.records(nil) {
			secmem.Wipe(r.Value)
			switch {
			case errors.Is(err, ErrDamaged):
				bad = append(bad, r.Key)
			case err != nil:
				return err
			case ctx.Err() != nil:
				return &claviger.Error{Code: claviger.ErrOperationTimedOut, Op: "store", Detail: "check not finished in time", Err: ctx.Err()}
			}
		}
		return nil
	})
	return bad, err
}
