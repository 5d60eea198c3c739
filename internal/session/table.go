package session

import (
	"crypto/rand"
	"encoding/binary"
	"math"
	"sync"

	"github.com/claviger/claviger"
)

// item is what a handle can stand for. release gives back what it holds; it is called once.
type item interface {
	release(*tenant)
}

// table turns handles into items. A handle has a count in its upper half, which never repeats, and a random lower
// half. Safe for concurrent use.
type table struct {
	mu     sync.RWMutex
	items  map[uint64]item // nil after close
	count  uint32
	closed bool
}

// add gives an item a handle. ErrSessionExpired after close.
func (t *table) add(i item) (uint64, error) {
	var low [4]byte
	if _, err := rand.Read(low[:]); err != nil {
		return 0, claviger.Errorf(claviger.ErrInternal, "handle", "the system gave no random numbers")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || t.count == math.MaxUint32 {
		return 0, claviger.Errorf(claviger.ErrSessionExpired, "handle", "the session is over")
	}
	if t.items == nil {
		t.items = make(map[uint64]item)
	}
	t.count++
	h := uint64(t.count)<<32 | uint64(binary.LittleEndian.Uint32(low[:]))
	t.items[h] = i
	return h, nil
}

// get finds an item; nil if there is none.
func (t *table) get(h uint64) item {
	t.mu.RLock()
	i := t.items[h]
	t.mu.RUnlock()
	return i
}

// with runs fn on an item while it cannot be released; false if there is none.
func (t *table) with(h uint64, fn func(item)) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	i, ok := t.items[h]
	if ok {
		fn(i)
	}
	return ok
}

// each runs fn on every item, in no order.
func (t *table) each(fn func(item)) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, i := range t.items {
		fn(i)
	}
}

// remove takes an item out; nil if there is none.
func (t *table) remove(h uint64) item {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := t.items[h]
	delete(t.items, h)
	return i
}

// close empties the table for good and gives what was in it. ok is false if it was closed before.
func (t *table) close() (items map[uint64]item, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, false
	}
	items, t.items, t.closed = t.items, nil, true
	return items, true
}

// used reports whether a handle was ever given.
func (t *table) used() bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.count > 0
}
