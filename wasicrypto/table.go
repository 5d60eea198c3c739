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

// entry is one place of the table. Its references are the open handle and the calls that use the object.
type entry struct {
	object object
	refs   atomic.Int32
}

// release drops a reference; the last one closes the object.
func (e *entry) release() {
	if e.refs.Add(-1) == 0 {
		e.object.close()
	}
}

// table turns handles into objects. A handle has a generation in its upper 16 bits, which starts at 1, and a place in its
// lower ones, so that 0 is never one and a place that is used anew gives another number. Safe for concurrent use.
type table struct {
	mu     sync.Mutex
	places []place // guarded by mu
	free   []uint16
	open   int
	limit  int
	shut   bool
}

// place is where an entry stands, or nil where none does.
type place struct {
	entry      *entry
	generation uint16
}

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
	e := &entry{object: o}
	e.refs.Store(1)
	var i uint16
	if n := len(t.free); n > 0 {
		i, t.free = t.free[n-1], t.free[:n-1]
	} else {
		i = uint16(len(t.places))
		t.places = append(t.places, place{})
	}
	p := &t.places[i]
	p.entry = e
	if p.generation++; p.generation == 0 {
		p.generation = 1
	}
	t.open++
	return uint32(p.generation)<<16 | uint32(i), success
}

// find gives the place of an open handle, nil if it is none. t.mu is held.
func (t *table) find(h uint32) *place {
	if i := int(h & 0xFFFF); i < len(t.places) {
		if p := &t.places[i]; p.entry != nil && p.generation == uint16(h>>16) {
			return p
		}
	}
	return nil
}

// get finds an entry and takes a reference, which the caller releases; nil if the handle is none.
func (t *table) get(h uint32) *entry {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.find(h)
	if p == nil {
		return nil
	}
	p.entry.refs.Add(1)
	return p.entry
}

// remove closes a handle whose object fits: closed for one that is not open, invalid_handle for one of another type.
func (t *table) remove(h uint32, fits func(object) bool) errno {
	t.mu.Lock()
	p := t.find(h)
	if p == nil {
		t.mu.Unlock()
		return closed
	}
	e := p.entry
	if !fits(e.object) {
		t.mu.Unlock()
		return invalidHandle
	}
	p.entry = nil
	t.free = append(t.free, uint16(h&0xFFFF))
	t.open--
	t.mu.Unlock()
	e.release()
	return success
}

// closeAll closes every handle for good.
func (t *table) closeAll() {
	t.mu.Lock()
	places := t.places
	t.places, t.free, t.open, t.shut = nil, nil, 0, true
	t.mu.Unlock()
	for _, p := range places {
		if p.entry != nil {
			p.entry.release()
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
