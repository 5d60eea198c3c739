// Package kv is the seam between the store and whatever keeps its bytes: ordered keys, transactions that see one state
// and take effect as a whole, and a rewrite of everything at once. Compare-and-swap is a Get and a Put in one Update.
// The rooms bolt (one file) and mem (tests) implement it; kvtest is the contract that both must meet.
package kv

import (
	"errors"
	"iter"
)

// Limits of every implementation, in bytes.
const (
	MaxKey   = 1 << 10  // a key has 1 to MaxKey bytes
	MaxValue = 64 << 20 // a value has 0 to MaxValue bytes
)

// Errors when reading and writing.
var (
	ErrNotFound = errors.New("kv: no such key")
	ErrKeySize  = errors.New("kv: a key must have 1 to 1024 bytes")
	ErrTooLarge = errors.New("kv: a value may have at most 64 MiB")
)

// Errors of the whole store.
var (
	ErrClosed    = errors.New("kv: the store is closed")
	ErrLocked    = errors.New("kv: the store is in use by another process")
	ErrForbidden = errors.New("kv: the file or its directory is open to others")
	ErrDamaged   = errors.New("kv: the file is damaged")

	// ErrFull is an update for which there was no space. Nothing of it was written, what was there before stays, and
	// updates work again when there is space again.
	ErrFull = errors.New("kv: no space left")

	// ErrBroken is an update whose outcome is unknown because the system could not say that bytes are durable, and
	// every update after it: a second attempt could report as durable what the system has dropped. Reads go on;
	// opening the store again ends this state.
	ErrBroken = errors.New("kv: writing failed; the store must be opened again")
)

// Store keeps pairs of keys and values, ordered by the bytes of the keys. It is safe for concurrent use: readers never
// wait for writers, and writers wait for each other. Within fn, calling the same store's methods again is a programming
// error that may block for ever. Errors are those of this package, wrapped with the path where there is one.
type Store interface {
	// View runs fn over one unchanging state and returns its error.
	View(fn func(Reader) error) error

	// Update runs fn and makes all that it wrote durable before it returns nil. When fn returns an error or panics,
	// nothing is written, and the error or panic is the caller's.
	Update(fn func(Writer) error) error

	// Rewrite replaces everything by what fn writes, given the state so far. Readers go on meanwhile; writers wait.
	// A crash at any moment leaves the old or the new state whole. What fn did not write is physically gone
	// afterwards. When fn returns an error or panics, the old state stays. The Writer's Get and Scan see the new state.
	Rewrite(fn func(old Reader, fresh Writer) error) error

	// Size is the space taken on the medium in bytes.
	Size() (int64, error)

	// Close waits for running calls and ends the store. Further calls answer ErrClosed, further Closes nil.
	Close() error
}

// Reader sees one state. It, and every slice that it hands out, is valid only until the function that received it
// returns; the slices must not be changed.
type Reader interface {
	// Get gives a key's value, or ErrNotFound. An empty value is not nil.
	Get(key []byte) ([]byte, error)

	// Scan gives the pairs whose key begins with prefix, in the order of their keys. An error comes as the last pair.
	// In an Update the loop may write: it then sees what it wrote ahead of its place, and each pair's slices hold
	// only until that write.
	Scan(prefix []byte) iter.Seq2[Pair, error]
}

// Writer is a Reader that sees its own writes.
type Writer interface {
	Reader

	// Put sets a key's value. The key is copied; the value must not change before the transaction has ended. Errors
	// are ErrKeySize and ErrTooLarge, after which the transaction may go on.
	Put(key, value []byte) error

	// Delete removes a key; one that is not there is no error.
	Delete(key []byte) error
}

// Pair is a key and its value.
type Pair struct {
	Key, Value []byte
}

// Check tells whether a key and a value are within the limits.
func Check(key, value []byte) error {
	switch {
	case len(key) == 0 || len(key) > MaxKey:
		return ErrKeySize
	case len(value) > MaxValue:
		return ErrTooLarge
	}
	return nil
}
