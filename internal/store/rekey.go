package store

import (
	"context"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/kv"
)

// Rekey gives the data key to another keeper: from its success on next opens the store, and the one before does not. Only
// the header is written, with what also writes, as one update that a crash leaves undone or whole; records stay as they
// are, and so does their data key. The keeper of now must open the header once more, and next what it has closed, before
// anything is written. Updates wait meanwhile; also must not call the DB.
//
// An old header, in a copy or in the file's free pages, still gives the old keeper the data key, until Compact has drawn
// a new one. Errors are those of the keepers, of also and of Update; ErrOperationTimedOut when ctx ends while
// others write: nothing changed.
func (db *DB) Rekey(ctx context.Context, next Keeper, also func(*Tx) error) error {
	select {
	case db.writing <- struct{}{}:
		defer func() { <-db.writing }()
	case <-ctx.Done():
		return timedOut(ctx.Err(), "nothing was written")
	}
	h, err := db.rewrap(ctx, next)
	if err != nil {
		return err
	}
	var wrote []Key
	err = db.kv.Update(func(w kv.Writer) error {
		if err := w.Put(headerKey, h.encode()); err != nil {
			return err
		}
		tx := &Tx{db: db, r: w, w: w}
		defer tx.end()
		err := also(tx)
		wrote = tx.touched
		return err
	})
	if err != nil {
		return fault(err)
	}
	db.mended(wrote)
	db.mu.Lock()
	defer db.mu.Unlock()
	db.keeper = next
	return nil
}

// rewrap gives the header as next closes it, having seen that next opens it again.
func (db *DB) rewrap(ctx context.Context, next Keeper) (header, error) {
	h, found, err := readHeader(db.kv)
	if err == nil && !found {
		err = claviger.Errorf(claviger.ErrInvalidFormat, "store", "the header is missing")
	}
	if err != nil {
		return header{}, err
	}
	secret, err := h.unwrap(ctx, db.kept())
	if err != nil {
		return header{}, err
	}
	defer secret.Close()
	if h.wrapped, err = wrap(ctx, next, secret.Bytes()); err != nil {
		return header{}, err
	}
	again, err := h.unwrap(ctx, next)
	if err != nil {
		return header{}, err
	}
	defer again.Close()
	if !again.Equal(secret.Bytes()) {
		return header{}, claviger.Errorf(claviger.ErrWrapUnwrapFailed, "store", "the new keeper gives another data key back")
	}
	return h, nil
}
