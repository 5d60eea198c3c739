package server

import (
	"errors"
	"io"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/wire"
)

// region is memory that a client shares: a sealed memfd. It is only read and written by system calls into private
// memory, never mapped, so that what has been checked cannot change under the work. Safe for concurrent use.
type region struct {
	fd   int
	size int64

	mu     sync.Mutex
	users  int
	closed bool
}

// wantSeals keep a region at its size for ever (memfd_create(2)).
const wantSeals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL

// newRegion takes over fd, which it closes on an error. Anything but a memfd that is sealed and of the announced size
// is ErrInvalidMemoryRegion.
func newRegion(fd int, size uint64) (*region, error) {
	if err := checkRegion(fd, size); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return &region{fd: fd, size: int64(size)}, nil
}

func checkRegion(fd int, size uint64) error {
	seals, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0)
	if err != nil {
		return claviger.Errorf(claviger.ErrInvalidMemoryRegion, "region", "the descriptor is not a memfd")
	}
	if seals&wantSeals != wantSeals {
		return claviger.Errorf(claviger.ErrInvalidMemoryRegion, "region", "seals %#x; shrink, grow and seal are needed", seals)
	}
	if seals&(unix.F_SEAL_WRITE|unix.F_SEAL_FUTURE_WRITE) != 0 {
		return claviger.Errorf(claviger.ErrInvalidMemoryRegion, "region", "the region is sealed against writing")
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return claviger.WrapError(claviger.ErrInvalidMemoryRegion, "region", err)
	}
	if st.Size < 0 || uint64(st.Size) != size || size == 0 {
		return claviger.Errorf(claviger.ErrInvalidMemoryRegion, "region", "the region has %d bytes, not %d", st.Size, size)
	}
	return nil
}

// region answers OpRegion.
func (c *conn) region(h wire.Header, body []byte) error {
	fd, err := c.claimFD()
	if err != nil {
		c.fail(h, err)
		return errBye
	}
	size, err := wire.ParseNumber(body)
	if err != nil {
		_ = unix.Close(fd)
		c.fail(h, err)
		return nil
	}
	r, err := newRegion(fd, size)
	if err != nil {
		c.fail(h, err)
		return nil
	}
	handle, err := c.peer.sess.AddRegion(r, r.size)
	if err != nil {
		c.fail(h, err)
		return nil
	}
	c.calls.remember(h.ID, []uint64{handle})
	c.reply(h, wire.AppendNumber(nil, handle))
	return nil
}

// acquire keeps the region open until release; false if it was released by its owner.
func (r *region) acquire() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.users++
	return true
}

func (r *region) release() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.users--; r.users == 0 && r.closed {
		_ = unix.Close(r.fd)
	}
}

// Close ends the region; calls that use it finish first. Idempotent.
func (r *region) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	r.closed = true
	if r.users == 0 {
		return unix.Close(r.fd)
	}
	return nil
}

// readAt fills p from offset off, which lies within the region.
func (r *region) readAt(p []byte, off int64) error {
	return whole(p, off, func(p []byte, off int64) (int, error) { return unix.Pread(r.fd, p, off) })
}

// writeAt writes p at offset off, which lies within the region.
func (r *region) writeAt(p []byte, off int64) error {
	return whole(p, off, func(p []byte, off int64) (int, error) { return unix.Pwrite(r.fd, p, off) })
}

func whole(p []byte, off int64, call func([]byte, int64) (int, error)) error {
	for len(p) > 0 {
		n, err := call(p, off)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err == nil && n == 0:
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return claviger.WrapError(claviger.ErrInvalidMemoryRegion, "region", err)
		}
		p, off = p[n:], off+int64(n)
	}
	return nil
}
