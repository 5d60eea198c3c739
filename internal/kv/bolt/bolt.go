// Package bolt is a kv.Store in one file of go.etcd.io/bbolt: a B+tree with copy-on-write pages and two root pages,
// written as pages, fdatasync, root, fdatasync. An update therefore is there as a whole or not at all, whatever the
// moment of a crash.
//
// The file has mode 0600 and one process at a time: an exclusive flock holds others off. Beside it, while a new file
// is being built, lies one of the same name with ".new" at its end; one that a crash has left is removed at the next
// Open.
package bolt

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.etcd.io/bbolt"

	"github.com/claviger/claviger/internal/kv"
)

// Options of a store. The zero value means the defaults named here.
type Options struct {
	LockWait time.Duration // how long Open waits for another process to let go; default 1 s
}

// Sizes of the file and its mapping.
const (
	firstMapping = 256 << 20 // bytes of address space, not memory; growth below it never waits for readers
	growth       = 4 << 20   // bytes by which the file grows
	freshBatch   = 8 << 20   // bytes that a rewrite holds in memory at once
)

// bucket is the one bucket of the file; another bbolt file does not have it.
const bucket = "claviger"

// Store is an open file. Make it with Open.
type Store struct {
	path string

	write    sync.Mutex // held by a running Update, Rewrite or Close; guards the next two
	broken   error      // why writing has ended, or nil
	unsynced bool       // the directory may not yet know the file durably

	mu     sync.Mutex // guards gen, its refs and retired, and closed
	gen    *generation
	closed bool
}

var _ kv.Store = (*Store)(nil)

// generation is one file at the store's path; a rewrite makes the next one, and the last reader closes the old one.
type generation struct {
	db      *bbolt.DB
	file    *os.File      // the one that db uses
	refs    int           // transactions that run on it
	retired bool          // it gets no more of them
	stuck   atomic.Bool   // bbolt panicked with its lock held: only the file can be closed
	done    chan struct{} // closed when db is
	err     error         // of closing; read after done
}

// Open opens the store's file and makes it, durably, when it is missing. Refused, as kv.ErrForbidden, are a file that
// is a symbolic link, is not a regular file, is accessible to group or others or is owned by another user, and a
// directory that group or others can write to. kv.ErrLocked is a file that another process has open; kv.ErrDamaged one
// that is not a store or has lost its tail.
func Open(path string, o Options) (*Store, error) {
	if o.LockWait == 0 {
		o.LockWait = time.Second
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := checkDir(filepath.Dir(path)); err != nil {
		return nil, err
	}
	if err := ensure(path, o.LockWait); err != nil {
		return nil, err
	}
	gen, err := openFile(path, o.LockWait, false)
	if err != nil {
		return nil, err
	}
	// With the file's lock held, a file with this name can only be a leftover.
	if err := os.Remove(path + ".new"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, errors.Join(err, gen.close())
	}
	if err := syncDir(path); err != nil {
		return nil, errors.Join(err, gen.close())
	}
	return &Store{path: path, gen: gen}, nil
}

// View is kv.Store's.
func (s *Store) View(fn func(kv.Reader) error) error {
	gen, err := s.acquire()
	if err != nil {
		return err
	}
	defer s.release(gen)
	t, err := begin(gen, false)
	if err != nil {
		return err
	}
	defer t.end()
	return fn(t)
}

// Update is kv.Store's.
func (s *Store) Update(fn func(kv.Writer) error) error {
	s.write.Lock()
	defer s.write.Unlock()
	gen, err := s.acquireWriter()
	if err != nil {
		return err
	}
	defer s.release(gen)
	t, err := begin(gen, true)
	if err != nil {
		return err
	}
	defer t.end()
	if err := fn(t); err != nil {
		return err
	}
	if err := t.commit(); err != nil {
		return s.failed(err)
	}
	return nil
}

// acquireWriter is acquire for one who may write; s.write is held.
func (s *Store) acquireWriter() (*generation, error) {
	if s.broken != nil {
		return nil, s.broken
	}
	if s.unsynced {
		if err := syncDir(s.path); err != nil {
			return nil, err
		}
		s.unsynced = false
	}
	return s.acquire()
}

// failed names the failure of a commit and ends writing where the outcome is unknown; s.write is held.
func (s *Store) failed(err error) error {
	if noSpace(err) {
		return fmt.Errorf("%w: %s: %v", kv.ErrFull, s.path, err)
	}
	s.broken = fmt.Errorf("%w: %s: %v", kv.ErrBroken, s.path, err)
	return s.broken
}

// noSpace tells whether a commit failed before anything that counts was written: bbolt rolls such a commit back to the
// pages that were there. A failed fdatasync is not among these, whatever its number.
func noSpace(err error) bool {
	var pe *os.PathError
	if !errors.As(err, &pe) || (pe.Op != "write" && pe.Op != "truncate") {
		return false
	}
	return errors.Is(pe.Err, syscall.ENOSPC) || errors.Is(pe.Err, syscall.EDQUOT) || errors.Is(pe.Err, syscall.EFBIG)
}

// Size gives the blocks that the file takes on its medium, in bytes.
func (s *Store) Size() (int64, error) {
	gen, err := s.acquire()
	if err != nil {
		return 0, err
	}
	defer s.release(gen)
	var st syscall.Stat_t
	if err := syscall.Fstat(int(gen.file.Fd()), &st); err != nil {
		return 0, fmt.Errorf("%s: %w", s.path, err)
	}
	return st.Blocks * 512, nil
}

// Close is kv.Store's.
func (s *Store) Close() error {
	s.write.Lock()
	defer s.write.Unlock()
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	gen := s.gen
	s.retire(gen)
	s.mu.Unlock()
	<-gen.done
	return gen.err
}

// acquire gives the present generation and keeps it open until release.
func (s *Store) acquire() (*generation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, kv.ErrClosed
	}
	s.gen.refs++
	return s.gen, nil
}

func (s *Store) release(gen *generation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	gen.refs--
	if gen.retired && gen.refs == 0 {
		gen.err = gen.close()
		close(gen.done)
	}
}

// retire lets a generation end with its last transaction; s.mu is held.
func (s *Store) retire(gen *generation) {
	gen.retired = true
	if gen.refs == 0 {
		gen.err = gen.close()
		close(gen.done)
	}
}

func (g *generation) close() error {
	if g.stuck.Load() {
		return unlockAndClose(g.file)
	}
	return g.db.Close()
}
