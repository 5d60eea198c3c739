package secmem

import (
	"math/bits"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger"
)

// Sizes of the arenas. A request of up to largestClass bytes takes a slot of the next power of two; a larger one takes
// a mapping of its own, in whole pages.
const (
	smallestClass = 32       // bytes; an AES-256 or X25519 key
	largestClass  = 4 << 10  // bytes
	slabSize      = 16 << 10 // bytes of one mapping that is cut into slots of one class
	classCount    = 8        // 32, 64, ... 4096
)

// Stats counts the memory of this process's secrets.
type Stats struct {
	Secrets       int64 // secrets that are open now, the empty ones not counted
	Bytes         int64 // bytes in slots and mappings that those secrets take
	LockedBytes   int64 // bytes mapped and locked
	UnlockedBytes int64 // bytes mapped that could not be locked, most often because RLIMIT_MEMLOCK is used up
}

// arenas is the process's store of locked memory.
var arenas heap

// ReadStats gives the counters of this moment. Each is exact; together they need not belong to one instant.
func ReadStats() Stats {
	return Stats{
		Secrets:       arenas.secrets.Load(),
		Bytes:         arenas.inUse.Load(),
		LockedBytes:   arenas.locked.Load(),
		UnlockedBytes: arenas.unlocked.Load(),
	}
}

// heap is one class per power of two. The zero value is ready.
type heap struct {
	classes                          [classCount]class
	secrets, inUse, locked, unlocked atomic.Int64
}

// class holds the slabs of one slot size that have a free slot; full slabs are known only to their slots.
type class struct {
	mu      sync.Mutex
	partial []*slab // guarded by mu; the last one serves next
}

// slab is one mapping, cut into slots. Its fields are guarded by its class's mutex, map apart.
type slab struct {
	mapping mapping
	size    int      // bytes per slot
	free    []uint16 // numbers of the free slots; every byte of a free slot is zero
}

// mapping is one anonymous mapping and whether it is locked.
type mapping struct {
	mem    []byte
	locked bool
}

// slot is what a secret has been given: a part of a slab, or with a nil slab a mapping of its own.
type slot struct {
	mem  []byte
	slab *slab
	own  mapping
}

// alloc gives n zero bytes or more, n > 0.
func (h *heap) alloc(n int) (slot, error) {
	s, err := h.place(n)
	if err != nil {
		return slot{}, err
	}
	h.secrets.Add(1)
	h.inUse.Add(int64(len(s.mem)))
	return s, nil
}

func (h *heap) place(n int) (slot, error) {
	if n > largestClass {
		m, err := h.mapPages(n)
		return slot{mem: m.mem, own: m}, err
	}
	c, size := h.class(n)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.partial) == 0 {
		fresh, err := h.newSlab(size)
		if err != nil {
			return slot{}, err
		}
		c.partial = append(c.partial, fresh)
	}
	s := c.partial[len(c.partial)-1]
	last := len(s.free) - 1
	at := int(s.free[last]) * size
	s.free = s.free[:last]
	if last == 0 {
		c.partial = c.partial[:len(c.partial)-1]
	}
	return slot{mem: s.mapping.mem[at : at+size : at+size], slab: s}, nil
}

// release takes back a slot that its owner has wiped. An empty slab is unmapped unless it is the last with free slots.
func (h *heap) release(s slot) {
	h.secrets.Add(-1)
	h.inUse.Add(-int64(len(s.mem)))
	if s.slab == nil {
		h.unmap(s.own)
		return
	}
	c, size := h.class(len(s.mem))
	c.mu.Lock()
	defer c.mu.Unlock()
	slab := s.slab
	slab.free = append(slab.free, slab.number(s.mem))
	switch len(slab.free) {
	case 1:
		c.partial = append(c.partial, slab)
	case slabSize / size:
		if len(c.partial) > 1 {
			at := slices.Index(c.partial, slab)
			c.partial = slices.Delete(c.partial, at, at+1)
			h.unmap(slab.mapping)
		}
	}
}

// class finds the class for n bytes, 0 < n <= largestClass, and its slot size.
func (h *heap) class(n int) (*class, int) {
	i := bits.Len(uint(max(n, smallestClass)-1)) - 5
	return &h.classes[i], smallestClass << i
}

// newSlab maps a slab of free slots.
func (h *heap) newSlab(size int) (*slab, error) {
	m, err := h.mapPages(slabSize)
	if err != nil {
		return nil, err
	}
	s := &slab{mapping: m, size: size, free: make([]uint16, 0, slabSize/size)}
	for i := slabSize/size - 1; i >= 0; i-- {
		s.free = append(s.free, uint16(i))
	}
	return s, nil
}

// number finds which slot mem is. A slot's capacity ends with it, so the distance comes from comparing addresses.
func (s *slab) number(mem []byte) uint16 {
	return uint16((address(mem) - address(s.mapping.mem)) / uintptr(s.size))
}

// mapPages maps n bytes, rounded up to whole pages: private, zero, out of dumps (MADV_DONTDUMP), zero in a forked
// child (MADV_WIPEONFORK), and locked when the limit allows.
func (h *heap) mapPages(n int) (mapping, error) {
	page := os.Getpagesize()
	size := (n + page - 1) / page * page
	mem, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return mapping{}, claviger.Errorf(claviger.ErrAllocationFailed, "secmem", "no memory for %d bytes: %v", size, err)
	}
	for _, advice := range []int{unix.MADV_DONTDUMP, unix.MADV_WIPEONFORK} {
		if err := unix.Madvise(mem, advice); err != nil {
			_ = unix.Munmap(mem)
			return mapping{}, claviger.Errorf(claviger.ErrAllocationFailed, "secmem", "memory cannot be kept out of dumps and children: %v", err)
		}
	}
	m := mapping{mem: mem, locked: unix.Mlock(mem) == nil}
	h.count(m, 1)
	return m, nil
}

// unmap gives a wiped mapping back.
func (h *heap) unmap(m mapping) {
	h.count(m, -1)
	_ = unix.Munmap(m.mem) // fails only for an address that is not mapped
}

func (h *heap) count(m mapping, sign int64) {
	counter := &h.unlocked
	if m.locked {
		counter = &h.locked
	}
	counter.Add(sign * int64(len(m.mem)))
}
