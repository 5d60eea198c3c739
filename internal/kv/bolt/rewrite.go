package bolt

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/claviger/claviger/internal/kv"
)

// freshFill is how full a rewrite makes its pages: keys come in order, and few will be put between them.
const freshFill = 0.9

// Rewrite is kv.Store's. The fresh file is built beside the old one, made durable, and renamed over it. Should the
// directory then not become durable, the error says so; the new state is in use, and no update is accepted before the
// directory is.
func (s *Store) Rewrite(fn func(old kv.Reader, fresh kv.Writer) error) error {
	s.write.Lock()
	defer s.write.Unlock()
	gen, err := s.acquireWriter()
	if err != nil {
		return err
	}
	defer s.release(gen)
	fresh, err := s.build(gen, fn)
	if err != nil {
		return err
	}
	if err := os.Rename(s.path+".new", s.path); err != nil {
		return errors.Join(err, fresh.close(), os.Remove(s.path+".new"))
	}
	s.mu.Lock()
	s.gen = fresh
	s.retire(gen)
	s.mu.Unlock()
	if err := syncDir(s.path); err != nil {
		s.unsynced = true
		return fmt.Errorf("%w: %s: directory: %v", kv.ErrBroken, s.path, err)
	}
	return nil
}

// build makes the fresh file durable under its second name, or leaves none.
func (s *Store) build(gen *generation, fn func(kv.Reader, kv.Writer) error) (*generation, error) {
	fresh, err := openFile(s.path+".new", time.Second, true)
	if err != nil {
		return nil, s.space(err)
	}
	built := false
	defer func() { // also when fn panics
		if !built {
			_ = fresh.close()
			_ = os.Remove(s.path + ".new")
		}
	}()
	old, err := begin(gen, false)
	if err != nil {
		return nil, err
	}
	defer old.end()
	if err := fill(fresh, old, fn); err != nil {
		return nil, s.space(err)
	}
	built = true
	return fresh, nil
}

// fill runs fn and makes what it wrote durable once, at the end.
func fill(fresh *generation, old *tx, fn func(kv.Reader, kv.Writer) error) error {
	fresh.db.NoSync = true
	t, err := begin(fresh, true)
	if err != nil {
		return err
	}
	defer t.end()
	t.fresh = true
	t.bucket.FillPercent = freshFill
	if err := fn(old, t); err != nil {
		return err
	}
	if err := t.commit(); err != nil {
		return err
	}
	fresh.db.NoSync = false
	return fresh.db.Sync()
}

// space names a lack of space; other errors pass. The old file is untouched by either.
func (s *Store) space(err error) error {
	if noSpace(err) {
		return fmt.Errorf("%w: %s.new: %v", kv.ErrFull, s.path, err)
	}
	return err
}
