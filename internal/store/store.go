// Package store keeps records: named, versioned, each sealed on its own, durable when an Update returns. It stands on
// a kv.Store for the bytes and on a Keeper for the key. What a record's value means is its owner's business.
//
// Promises: an update that was acknowledged is durable and whole; one that was not is absent or whole. A record that
// cannot be opened is named (ErrDamaged, DB.Damaged, DB.Check) and the others serve. Names, kinds, versions, sizes and
// schemas lie in the clear; values do not. An old copy of the whole file, put back, is not detected. docs/STORE.md
// names the test behind each promise.
package store

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/kv"
)

// ErrDamaged matches, by errors.Is, every error about a record that does not open: altered, moved from elsewhere or
// sealed under another key. Such an error has the code ErrOperationFailed and names kind, name and version.
var ErrDamaged = errors.New("damaged record")

// ErrBroken matches, by errors.Is, the error of an update whose outcome is unknown: the system could not say that it is durable. Its code
// is ErrPersistFailed, and so is every later update's.
var ErrBroken = kv.ErrBroken

// Options of a store. The zero value means the defaults named here.
type Options struct {
	MustExist bool // refuse an empty kv.Store, as ErrResourceNotFound, instead of making a new store in it
	Queue     int  // updates that may wait at once; one more is refused as ErrProviderBusy; default 4096
}

// DB is an open store. It is safe for concurrent use.
type DB struct {
	kv    kv.Store
	id    storeID
	ring  *ring
	queue *queue

	writing chan struct{} // one token: held while a group commits, a compaction runs or the keeper changes

	mu      sync.Mutex // guards what follows
	keeper  Keeper
	damaged map[Key]struct{}
}

// Open opens the store in s, or makes one if s is empty. From its success on, s belongs to the DB, which closes it; on
// an error s stays the caller's. The errors are the keeper's, ErrInvalidFormat for a header that is not ours or of a
// newer format, ErrResourceNotFound as Options say, and those of reading.
func Open(ctx context.Context, s kv.Store, keeper Keeper, o Options) (*DB, error) {
	if o.Queue == 0 {
		o.Queue = 4096
	}
	h, found, err := readHeader(s)
	if err != nil {
		return nil, err
	}
	var present *epoch
	switch {
	case found:
		present, err = h.unlock(ctx, keeper)
	case o.MustExist:
		err = claviger.Errorf(claviger.ErrResourceNotFound, "store", "there is no store yet")
	default:
		h, present, err = create(ctx, s, keeper)
	}
	if err != nil {
		return nil, err
	}
	db := &DB{
		kv: s, keeper: keeper, id: h.id, ring: newRing(present), queue: newQueue(o.Queue),
		writing: make(chan struct{}, 1), damaged: make(map[Key]struct{}),
	}
	go db.serve()
	return db, nil
}

// readHeader reads the header; found is false when s is empty. Records without a header are an error.
func readHeader(s kv.Store) (h header, found bool, err error) {
	err = s.View(func(r kv.Reader) error {
		b, err := r.Get(headerKey)
		if err == nil {
			h, err = decodeHeader(b)
			found = err == nil
			return err
		}
		if !errors.Is(err, kv.ErrNotFound) {
			return err
		}
		for range r.Scan(nil) {
			return claviger.Errorf(claviger.ErrInvalidFormat, "store", "the header is missing")
		}
		return nil
	})
	return h, found, fault(err)
}

// create makes the header of a new store.
func create(ctx context.Context, s kv.Store, keeper Keeper) (header, *epoch, error) {
	var id storeID
	_, _ = rand.Read(id[:]) // never fails
	h, e, err := newEpoch(ctx, keeper, id, 1)
	if err != nil {
		return header{}, nil, err
	}
	err = s.Update(func(w kv.Writer) error { return w.Put(headerKey, h.encode()) })
	return h, e, fault(err)
}

// View runs fn over one unchanging state and returns its error. It never waits for updates. fn must not call the DB.
func (db *DB) View(fn func(*Tx) error) error {
	e := db.ring.enter()
	defer db.ring.leave(e)
	return fault(db.kv.View(func(r kv.Reader) error {
		tx := &Tx{db: db, r: r}
		defer tx.end()
		return fn(tx)
	}))
}

// Keeper says what the store's keeper protects against.
func (db *DB) Keeper() string { return db.kept().Describe() }

// kept gives the keeper that closes the store now.
func (db *DB) kept() Keeper {
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.keeper
}

// Size is the space on the medium in bytes, free pages included.
func (db *DB) Size() (int64, error) {
	n, err := db.kv.Size()
	return n, fault(err)
}

// Damaged names the records that were found not to open since Open, ordered by kind, name and version, apart from
// those that have been overwritten or deleted since. Check looks at all.
func (db *DB) Damaged() []Key {
	db.mu.Lock()
	defer db.mu.Unlock()
	return slices.SortedFunc(maps.Keys(db.damaged), compareKeys)
}

func compareKeys(a, b Key) int { return slices.Compare(a.encode(), b.encode()) }

// quarantine remembers a record that does not open and gives the error that names it.
func (db *DB) quarantine(key Key) error {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.damaged[key] = struct{}{}
	return damaged(key)
}

func damaged(keys ...Key) error {
	words := make([]string, 0, len(keys))
	for _, k := range keys {
		words = append(words, k.String())
	}
	return &claviger.Error{
		Code: claviger.ErrOperationFailed, Op: "store", Detail: "damaged: " + strings.Join(words, ", "), Err: ErrDamaged,
	}
}

// mended forgets that records were damaged: they have been written anew or deleted.
func (db *DB) mended(keys []Key) {
	db.mu.Lock()
	defer db.mu.Unlock()
	for _, k := range keys {
		delete(db.damaged, k)
	}
}

// Close lets the updates that are queued finish, ends the committer and closes the kv.Store. Further updates are
// ErrInvalidOperation. Further Closes do nothing.
func (db *DB) Close() error {
	db.queue.close()
	<-db.queue.ended
	return db.kv.Close()
}

// fault gives kv's errors their codes; an error that is not kv's passes as it is.
func fault(err error) error {
	var code claviger.Code
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kv.ErrFull), errors.Is(err, kv.ErrBroken):
		code = claviger.ErrPersistFailed
	case errors.Is(err, kv.ErrClosed):
		code = claviger.ErrInvalidOperation
	case errors.Is(err, kv.ErrDamaged):
		code = claviger.ErrOperationFailed
	case errors.Is(err, kv.ErrKeySize), errors.Is(err, kv.ErrTooLarge):
		code = claviger.ErrInvalidArgument
	default:
		return err
	}
	return claviger.WrapError(code, "store", err)
}
