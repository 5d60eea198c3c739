// Package mem is a kv.Store in memory, for tests and for what need not last. Nothing in it is durable, and a write
// costs time in proportion to the number of pairs.
package mem

import (
	"bytes"
	"iter"
	"slices"
	"sync"

	"github.com/claviger/claviger/internal/kv"
)

// Store is an empty store when zero. It must not be copied after use.
type Store struct {
	write  sync.Mutex   // held by a running Update or Rewrite
	mu     sync.RWMutex // guards what follows
	state  []kv.Pair    // ordered by key; a published slice and its pairs never change
	closed bool
}

var _ kv.Store = (*Store)(nil)

// New makes an empty store.
func New() *Store { return &Store{} }

// View is kv.Store's.
func (s *Store) View(fn func(kv.Reader) error) error {
	state, err := s.current()
	if err != nil {
		return err
	}
	return fn(&tx{pairs: state})
}

// Update is kv.Store's.
func (s *Store) Update(fn func(kv.Writer) error) error {
	s.write.Lock()
	defer s.write.Unlock()
	state, err := s.current()
	if err != nil {
		return err
	}
	t := &tx{pairs: slices.Clone(state)}
	if err := fn(t); err != nil {
		return err
	}
	s.publish(t.pairs)
	return nil
}

// Rewrite is kv.Store's.
func (s *Store) Rewrite(fn func(old kv.Reader, fresh kv.Writer) error) error {
	s.write.Lock()
	defer s.write.Unlock()
	state, err := s.current()
	if err != nil {
		return err
	}
	fresh := &tx{}
	if err := fn(&tx{pairs: state}, fresh); err != nil {
		return err
	}
	s.publish(fresh.pairs)
	return nil
}

// Size is the sum of all keys and values.
func (s *Store) Size() (int64, error) {
	state, err := s.current()
	var n int64
	for _, p := range state {
		n += int64(len(p.Key) + len(p.Value))
	}
	return n, err
}

// Close is kv.Store's.
func (s *Store) Close() error {
	s.write.Lock()
	defer s.write.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed, s.state = true, nil
	return nil
}

func (s *Store) current() ([]kv.Pair, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, kv.ErrClosed
	}
	return s.state, nil
}

func (s *Store) publish(pairs []kv.Pair) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = pairs
}

// tx is one transaction's view; a writer's pairs are its own slice.
type tx struct {
	pairs []kv.Pair
}

func (t *tx) find(key []byte) (int, bool) {
	return slices.BinarySearchFunc(t.pairs, key, func(p kv.Pair, key []byte) int { return bytes.Compare(p.Key, key) })
}

func (t *tx) Get(key []byte) ([]byte, error) {
	at, found := t.find(key)
	if !found {
		return nil, kv.ErrNotFound
	}
	return t.pairs[at].Value, nil
}

func (t *tx) Scan(prefix []byte) iter.Seq2[kv.Pair, error] {
	return func(yield func(kv.Pair, error) bool) {
		at, _ := t.find(prefix)
		for at < len(t.pairs) && bytes.HasPrefix(t.pairs[at].Key, prefix) {
			p := t.pairs[at]
			if !yield(p, nil) {
				return
			}
			next, found := t.find(p.Key) // the loop may have written
			if at = next; found {
				at++
			}
		}
	}
}

func (t *tx) Put(key, value []byte) error {
	if err := kv.Check(key, value); err != nil {
		return err
	}
	p := kv.Pair{Key: bytes.Clone(key), Value: append([]byte{}, value...)}
	at, found := t.find(key)
	if found {
		t.pairs[at] = p
		return nil
	}
	t.pairs = slices.Insert(t.pairs, at, p)
	return nil
}

func (t *tx) Delete(key []byte) error {
	if at, found := t.find(key); found {
		t.pairs = slices.Delete(t.pairs, at, at+1)
	}
	return nil
}
