package server

import (
	"math/bits"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger"
)

// Limits in bytes of the private memory that is kept between calls on regions.
const (
	keepBuffers  = 64 << 20
	smallBuffer  = regionChunk + outputSlack
	bufferSlack  = outputSlack
	buffersAfter = time.Second // of disuse everything is given back
)

// buffers hands out private memory for calls on regions: outside the Go heap, left out of core dumps, wiped before it
// is used again. Fresh memory costs more than the work (each page must be found and zeroed), so a little is kept for a
// little while. The zero value is ready; safe for concurrent use.
type buffers struct {
	mu    sync.Mutex
	free  map[int][][]byte // by size
	kept  int
	used  bool // since the last sweep
	sweep *time.Timer
}

// class is the size of the buffer that n bytes get: a power of two and room for a tag.
func class(n int) int {
	if n <= smallBuffer {
		return smallBuffer
	}
	return 1<<bits.Len(uint(n-bufferSlack-1)) + bufferSlack
}

// take gives n bytes of any content, or ErrAllocationFailed.
func (b *buffers) take(n int) ([]byte, error) {
	size := class(n)
	b.mu.Lock()
	b.used = true
	if list := b.free[size]; len(list) > 0 {
		buf := list[len(list)-1]
		b.free[size] = list[:len(list)-1]
		b.kept -= size
		b.mu.Unlock()
		return buf[:n], nil
	}
	b.mu.Unlock()
	buf, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil, claviger.Errorf(claviger.ErrAllocationFailed, "region", "no memory for %d bytes", n)
	}
	_ = unix.Madvise(buf, unix.MADV_DONTDUMP)
	return buf[:n], nil
}

// give takes back what take gave, at its full length, and wipes it.
func (b *buffers) give(buf []byte) {
	clear(buf)
	size := class(len(buf))
	buf = buf[:cap(buf)]
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(buf) != size || b.kept+size > keepBuffers {
		_ = unix.Munmap(buf)
		return
	}
	if b.free == nil {
		b.free = make(map[int][][]byte)
	}
	b.free[size] = append(b.free[size], buf)
	b.kept += size
	if b.sweep == nil {
		b.sweep = time.AfterFunc(buffersAfter, b.trim)
	}
}

// trim gives everything back once nothing was taken for a while.
func (b *buffers) trim() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used {
		b.used = false
		b.sweep.Reset(buffersAfter)
		return
	}
	for _, list := range b.free {
		for _, buf := range list {
			_ = unix.Munmap(buf)
		}
	}
	clear(b.free)
	b.kept = 0
	b.sweep = nil
}
