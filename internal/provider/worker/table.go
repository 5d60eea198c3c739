package worker

import (
	"sync"

	"github.com/claviger/claviger"
)

// table holds what the daemon calls by number, with a count of the calls that use it: what is closed in the meantime goes
// when the last of them has returned. Safe for concurrent use.
type table[T any] struct {
	mu    sync.Mutex
	items map[uint64]*item[T] // guarded by mu
}

type item[T any] struct {
	value T
	uses  int
	gone  func(T) // set once it is closed
}

func newTable[T any]() *table[T] { return &table[T]{items: make(map[uint64]*item[T])} }

// put adds a value under a number that was never used before.
func (t *table[T]) put(number uint64, value T) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.items[number] = &item[T]{value: value}
}

// take gives a value for the time until done.
func (t *table[T]) take(number uint64) (value T, done func(), err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := t.items[number]
	if i == nil {
		return value, nil, claviger.Errorf(claviger.ErrResourceNotFound, "worker", "nothing has the number %d", number)
	}
	i.uses++
	return i.value, func() { t.done(i) }, nil
}

func (t *table[T]) done(i *item[T]) {
	t.mu.Lock()
	i.uses--
	last := i.uses == 0 && i.gone != nil
	t.mu.Unlock()
	if last {
		i.gone(i.value)
	}
}

// close forgets a number, and has its value closed when nobody uses it. An unknown number is nothing to do.
func (t *table[T]) close(number uint64, closing func(T)) {
	t.mu.Lock()
	i := t.items[number]
	delete(t.items, number)
	idle := i != nil && i.uses == 0
	if i != nil {
		i.gone = closing
	}
	t.mu.Unlock()
	if idle {
		closing(i.value)
	}
}

// each runs on every value, of a table that nobody uses any longer.
func (t *table[T]) each(f func(T)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, i := range t.items {
		f(i.value)
	}
}
