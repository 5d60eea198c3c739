package store

import (
	"crypto/cipher"
	"maps"
	"sync"
)

// epoch is the time of one data key, from one compaction to the next. The key exists only as the AES schedule inside
// aead, on the Go heap.
type epoch struct {
	generation uint32
	aead       cipher.AEAD // safe for concurrent use
	views      int         // guarded by the ring: views that began while this was the present one
}

// ring holds the data keys that are in use: the present one, the next one during a compaction, and past ones as long
// as a view from their time runs.
type ring struct {
	mu      sync.RWMutex
	present *epoch
	all     map[uint32]*epoch // by generation
}

// newRing makes a ring of one epoch.
func newRing(e *epoch) *ring {
	return &ring{present: e, all: map[uint32]*epoch{e.generation: e}}
}

// now gives the present epoch.
func (r *ring) now() *epoch {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.present
}

// find gives the epoch of a generation, or nil.
func (r *ring) find(generation uint32) *epoch {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.all[generation]
}

// enter keeps the present epoch, and with it every later one, until leave.
func (r *ring) enter() *epoch {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.present.views++
	return r.present
}

func (r *ring) leave(e *epoch) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e.views--
	r.sweep()
}

// add makes the next epoch known, before a record of it can be read.
func (r *ring) add(e *epoch) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all[e.generation] = e
}

// turn makes the next epoch the present one, or forgets it if it did not come to be.
func (r *ring) turn(next *epoch, came bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if came {
		r.present = next
	} else {
		delete(r.all, next.generation)
	}
	r.sweep()
}

// sweep forgets the past epochs that nobody can read any longer: a view may read its own epoch, if it began before the
// next one came, or any later one; r.mu is held.
func (r *ring) sweep() {
	if len(r.all) == 1 {
		return
	}
	oldest := r.present.generation
	for _, e := range r.all {
		if e.views > 0 {
			oldest = min(oldest, e.generation)
		}
	}
	maps.DeleteFunc(r.all, func(generation uint32, _ *epoch) bool { return generation < oldest })
}
