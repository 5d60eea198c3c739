package wasicrypto

import (
	"sync"
	"sync/atomic"
)

// object is what a handle stands for. close wipes it; it is called once, when the handle is closed and the last call that uses the
// object has returned.
type object interface {
	close()
}

// entry is the object of a handle. Its references are the open handle and the calls that use the object.
type entry struct {
	object     object
	generation uint16
	refs       atomic.Int32
}

// retain takes a reference; false if the object is closed already.
func (e *entry) retain() bool {
	for {
		n := e.refs.Load()
		if n == 0 {
			return false
		}
		if e.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// release drops a reference; the last one closes the object.
func (e *entry) release() {
	if e.refs.Add(-1) == 0 {
		e.object.close()
	}
}

// table turns handles into objects. A handle has a generation in its upper 16 bits, which starts at 1, and a place in its
// lower ones, so that 0 is never one and a place that is used anew gives another number. Safe for concurrent use: who looks
// a handle up takes no lock.
type table struct {
	places atomic.Pointer[[]atomic.Pointer[entry]] // nil where none stands; longer ones take its place; written with mu held

	mu          sync.Mutex
	generations []uint16 // of the last handle of each place that was ever used; guarded by mu, as all below
	free        []uint16
	open        int
	limit       int
	shut        bool
}

// leastPlaces is how many places a table begins with.
const leastPlaces = 16

// add gives an object a handle. Without room it closes the object: too_many_handles.
func (t *table) add(o object) (uint32, errno) {
	h, e := t.place(o)
	if e != success {
		o.close()
	}
	return h, e
}

// room says whether another handle can be given: too_many_handles if not.
func (t *table) room() errno {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open >= t.limit || t.shut {
		return tooManyHandles
	}
	return success
}

// place is add without closing.
func (t *table) place(o object) (uint32, errno) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open >= t.limit || t.shut {
		return 0, tooManyHandles
	}
	i := t.vacant()
	if t.generations[i]++; t.generations[i] == 0 {
		t.generations[i] = 1
	}
	e := &entry{object: o, generation: t.generations[i]}
	e.refs.Store(1)
	(*t.places.Load())[i].Store(e)
	t.open++
	return uint32(e.generation)<<16 | uint32(i), success
}

// vacant gives a place where nothing stands. t.mu is held.
func (t *table) vacant() uint16 {
	if n := len(t.free); n > 0 {
		i := t.free[n-1]
		t.free = t.free[:n-1]
		return i
	}
	i := len(t.generations)
	t.generations = append(t.generations, 0)
	var old []atomic.Pointer[entry]
	if all := t.places.Load(); all != nil {
		old = *all
	}
	if i >= len(old) {
		longer := make([]atomic.Pointer[entry], max(leastPlaces, 2*len(old)))
		for k := range old {
			longer[k].Store(old[k].Load())
		}
		t.places.Store(&longer)
	}
	return uint16(i)
}

// find gives the entry of an open handle, nil if it is none.
func (t *table) find(h uint32) *entry {
	places := t.places.Load()
	if i := int(h & 0xFFFF); places != nil && i < len(*places) {
		if e := (*places)[i].Load(); e != nil && e.generation == uint16(h>>16) {
			return e
		}
	}
	return nil
}

// get finds an entry and takes a reference, which the caller releases; nil if the handle is none.
func (t *table) get(h uint32) *entry {
	if e := t.find(h); e != nil && e.retain() {
		return e
	}
	return nil
}

// remove closes a handle whose object fits: closed for one that is not open, invalid_handle for one of another type.
func (t *table) remove(h uint32, fits func(object) bool) errno {
	t.mu.Lock()
	e := t.find(h)
	if e == nil {
		t.mu.Unlock()
		return closed
	}
	if !fits(e.object) {
		t.mu.Unlock()
		return invalidHandle
	}
	(*t.places.Load())[h&0xFFFF].Store(nil)
	t.free = append(t.free, uint16(h&0xFFFF))
	t.open--
	t.mu.Unlock()
	e.release()
	return success
}

// closeAll closes every handle for good.
func (t *table) closeAll() {
	t.mu.Lock()
	places := t.places.Swap(nil)
	t.generations, t.free, t.open, t.shut = nil, nil, 0, true
	t.mu.Unlock()
	if places == nil {
		return
	}
	for i := range *places {
		if e := (*places)[i].Load(); e != nil {
			e.release()
		}
	}
}

// count gives the number of open handles.
func (t *table) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.open
}

// use finds an object of type T and calls fn with it. Another handle is invalid_handle.
func use[T object](t *table, h uint32, fn func(T) errno) errno {
	e := t.get(h)
	if e == nil {
		return invalidHandle
	}
	defer e.release()
	o, ok := e.object.(T)
	if !ok {
		return invalidHandle
	}
	return fn(o)
}

// use2 is use for two handles.
func use2[T, U object](t *table, h, i uint32, fn func(T, U) errno) errno {
	return use(t, h, func(o T) errno { return use(t, i, func(p U) errno { return fn(o, p) }) })
}

// drop closes a handle of an object of type T.
func drop[T object](t *table, h uint32) errno {
	return t.remove(h, func(o object) bool { _, ok := o.(T); return ok })
}
