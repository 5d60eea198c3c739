package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"os"
	"runtime/debug"
	"strings"
	"syscall"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/claviger/claviger/internal/kv"
)

// tx is one transaction. A fresh one, of a rewrite, commits now and then so that it need not fit into memory.
type tx struct {
	gen      *generation
	tx       *bbolt.Tx
	bucket   *bbolt.Bucket
	writable bool
	writes   uint64 // how often a cursor became invalid
	fresh    bool
	pending  int // bytes since a fresh transaction's last commit
}

var _ kv.Writer = (*tx)(nil)

// begin starts a transaction that end must end.
func begin(gen *generation, writable bool) (*tx, error) {
	t := &tx{gen: gen, writable: writable}
	if err := t.open(); err != nil {
		if errors.Is(err, kv.ErrDamaged) {
			gen.stuck.Store(true)
		}
		return nil, fmt.Errorf("begin: %w", err)
	}
	if err := t.find(); err != nil {
		t.end()
		return nil, err
	}
	return t, nil
}

func (t *tx) open() (err error) {
	defer guard(debug.SetPanicOnFault(true), &err)
	t.tx, err = t.gen.db.Begin(t.writable)
	return err
}

func (t *tx) find() (err error) {
	defer guard(debug.SetPanicOnFault(true), &err)
	if t.bucket = t.tx.Bucket([]byte(bucket)); t.bucket == nil {
		return fmt.Errorf("%w: it is no store of Claviger", kv.ErrDamaged)
	}
	return nil
}

// end rolls back what is not committed.
func (t *tx) end() {
	var err error
	defer func() {
		if err != nil && !errors.Is(err, berrors.ErrTxClosed) {
			t.gen.stuck.Store(true)
		}
	}()
	defer guard(debug.SetPanicOnFault(true), &err)
	err = t.tx.Rollback()
}

func (t *tx) commit() (err error) {
	defer guard(debug.SetPanicOnFault(true), &err)
	return truncation(t.tx.Commit())
}

// truncation gives back its type to the one error that bbolt passes on as text alone: the file could not be extended,
// before anything was written.
func truncation(err error) error {
	if err == nil || !strings.HasPrefix(err.Error(), "file resize error: ") {
		return err
	}
	for _, cause := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		if strings.HasSuffix(err.Error(), cause.Error()) {
			return &os.PathError{Op: "truncate", Path: "store", Err: cause}
		}
	}
	return err
}

// Get is kv.Reader's.
func (t *tx) Get(key []byte) (value []byte, err error) {
	defer guard(debug.SetPanicOnFault(true), &err)
	if len(key) == 0 {
		return nil, kv.ErrNotFound
	}
	if value = t.bucket.Get(key); value == nil {
		return nil, kv.ErrNotFound
	}
	touch(value)
	return value, nil
}

// Scan is kv.Reader's.
func (t *tx) Scan(prefix []byte) iter.Seq2[kv.Pair, error] {
	return func(yield func(kv.Pair, error) bool) {
		var after []byte // the least key behind the present one
		cursor, p, err := t.seek(prefix)
		for err == nil && p.Key != nil && bytes.HasPrefix(p.Key, prefix) {
			writes := t.writes
			if t.writable {
				after = append(append(after[:0], p.Key...), 0)
			}
			if !yield(p, nil) {
				return
			}
			if t.writes == writes {
				p, err = next(cursor)
			} else {
				cursor, p, err = t.seek(after)
			}
		}
		if err != nil {
			yield(kv.Pair{}, err)
		}
	}
}

// seek makes a cursor at the first key that is not less than key.
func (t *tx) seek(key []byte) (c *bbolt.Cursor, p kv.Pair, err error) {
	defer guard(debug.SetPanicOnFault(true), &err)
	c = t.bucket.Cursor()
	p.Key, p.Value = c.Seek(key)
	touch(p.Value)
	return c, p, nil
}

func next(c *bbolt.Cursor) (p kv.Pair, err error) {
	defer guard(debug.SetPanicOnFault(true), &err)
	p.Key, p.Value = c.Next()
	touch(p.Value)
	return p, nil
}

// Put is kv.Writer's.
func (t *tx) Put(key, value []byte) (err error) {
	if err := kv.Check(key, value); err != nil {
		return err
	}
	if err := t.turn(len(key) + len(value)); err != nil {
		return err
	}
	defer guard(debug.SetPanicOnFault(true), &err)
	t.writes++
	return t.bucket.Put(key, value)
}

// Delete is kv.Writer's.
func (t *tx) Delete(key []byte) (err error) {
	defer guard(debug.SetPanicOnFault(true), &err)
	if len(key) == 0 {
		return nil
	}
	t.writes++
	return t.bucket.Delete(key)
}

// turn commits a fresh transaction that has grown large and starts the next one.
func (t *tx) turn(n int) (err error) {
	if !t.fresh {
		return nil
	}
	if t.pending += n; t.pending < freshBatch {
		return nil
	}
	if err := t.commit(); err != nil {
		return err
	}
	next, err := begin(t.gen, true)
	if err != nil {
		return err
	}
	t.tx, t.bucket, t.pending, t.writes = next.tx, next.bucket, n, t.writes+1
	t.bucket.FillPercent = freshFill
	return nil
}

// touch reads each page of a value, so that a medium that cannot give them is met here, under guard.
func touch(value []byte) {
	const page = 4096
	var sum byte
	for i := 0; i < len(value); i += page {
		sum |= value[i]
	}
	if len(value) > 0 {
		sum |= value[len(value)-1]
	}
	_ = sum
}

// guard, deferred, turns a panic of bbolt and a fault in its mapping, which both mean a damaged file or medium, into
// an error. It is never around the caller's own functions. before is what SetPanicOnFault was.
func guard(before bool, err *error) {
	debug.SetPanicOnFault(before)
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: %v", kv.ErrDamaged, p)
	}
}
