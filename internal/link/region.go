package link

import (
	"context"
	"errors"
	"math/bits"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
)

// Limits in bytes of the regions that a link makes.
const (
	smallRegion = 256 << 10
	regionSlack = 64 << 10        // what output may have beyond its input
	maxRegion   = 64<<20 + 64<<10 // the longest message, with its slack
	maxRegions  = 4 * maxRegion   // all of a link together
	idleRegions = 2 * time.Second // after which unused regions are released
	seals       = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL
)

// Region is memory that this process and the daemon share: a sealed memfd, mapped here. It belongs to whoever borrowed
// it until Return. A second call on it must wait for the first.
type Region struct {
	link    *Link
	handle  uint64
	mem     []byte
	spoiled atomic.Bool // the daemon may still use it, so nobody else must
}

// Bytes is the shared memory itself.
func (r *Region) Bytes() []byte { return r.mem }

// regions are those of one link. Safe for concurrent use.
type regions struct {
	link   *Link
	mu     sync.Mutex
	free   map[int][]*Region // by size
	total  int
	change chan struct{} // closed and made anew when a region comes back
	used   bool          // since the last sweep
	sweep  *time.Timer
	closed bool
}

func (rs *regions) init(l *Link) {
	rs.link, rs.free, rs.change = l, make(map[int][]*Region), make(chan struct{})
}

func regionSize(n int) int {
	if n <= smallRegion {
		return smallRegion + regionSlack
	}
	return 1<<bits.Len(uint(n-1)) + regionSlack
}

// Borrow gives a region of at least n bytes and some more for a tag or padding. When the link's regions are all in use
// it waits for one, until ctx ends. A message longer than 64 MiB is ErrQuotaExceeded.
func (l *Link) Borrow(ctx context.Context, n int) (*Region, error) {
	size := regionSize(n)
	if n < 0 || size > maxRegion {
		return nil, claviger.Errorf(claviger.ErrQuotaExceeded, "region", "message of %d bytes; the limit is %d", n, maxRegion-regionSlack)
	}
	for {
		r, wait, err := l.regions.take(size)
		if r != nil || err != nil {
			return r, err
		}
		if wait == nil {
			return l.newRegion(ctx, size)
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, ended(ctx, "region")
		}
	}
}

// take gives a free region, or reserves the size for a new one (nil, nil), or says what to wait for.
func (rs *regions) take(size int) (*Region, <-chan struct{}, error) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	rs.used = true
	if rs.closed {
		return nil, nil, rs.link.Err()
	}
	if list := rs.free[size]; len(list) > 0 {
		r := list[len(list)-1]
		rs.free[size] = list[:len(list)-1]
		return r, nil, nil
	}
	if rs.total+size > maxRegions {
		rs.releaseFree()
	}
	if rs.total+size > maxRegions {
		return nil, rs.change, nil
	}
	rs.total += size
	return nil, nil, nil
}

// gone gives back the size of a region that is no more.
func (rs *regions) gone(size int) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	rs.total -= size
	rs.changed()
}

func (rs *regions) changed() {
	close(rs.change)
	rs.change = make(chan struct{})
}

// releaseFree releases all regions that nobody uses; the caller holds mu.
func (rs *regions) releaseFree() {
	var handles []uint64
	for size, list := range rs.free {
		for _, r := range list {
			handles = append(handles, r.handle)
			rs.total -= size
			_ = unix.Munmap(r.mem)
		}
		delete(rs.free, size)
	}
	rs.link.release(handles)
}

// release gives handles back to the daemon without waiting for it.
func (l *Link) release(handles []uint64) {
	if len(handles) > 0 && l.Err() == nil {
		go func() {
			_ = l.Control(context.Background(), wire.OpRelease, 0, &pb.ReleaseRequest{Handles: handles}, &pb.ReleaseReply{})
		}()
	}
}

// newRegion makes a region and tells the daemon of it. Its size is reserved.
func (l *Link) newRegion(ctx context.Context, size int) (*Region, error) {
	r, err := l.makeRegion(ctx, size)
	if err != nil {
		l.regions.gone(size)
		return nil, err
	}
	return r, nil
}

func (l *Link) makeRegion(ctx context.Context, size int) (*Region, error) {
	fd, mem, err := sealedMemory(size)
	if err != nil {
		return nil, claviger.Errorf(claviger.ErrAllocationFailed, "region", "no shared memory of %d bytes: %s", size, err)
	}
	out, err := l.call(ctx, &request{op: wire.OpRegion, flags: wire.FlagFD, fd: fd, body: wire.AppendNumber(nil, uint64(size))})
	var handle uint64
	if err == nil {
		handle, err = wire.ParseNumber(out)
	}
	if err != nil {
		_ = unix.Munmap(mem)
		return nil, err
	}
	return &Region{link: l, handle: handle, mem: mem}, nil
}

// sealedMemory makes a memfd that can no longer change its size, and maps it.
func sealedMemory(size int) (int, []byte, error) {
	fd, err := unix.MemfdCreate("claviger", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING|unix.MFD_NOEXEC_SEAL)
	if errors.Is(err, unix.EINVAL) { // kernels before 6.3
		fd, err = unix.MemfdCreate("claviger", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	}
	if err != nil {
		return -1, nil, os.NewSyscallError("memfd_create", err)
	}
	if err = unix.Ftruncate(fd, int64(size)); err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals)
	}
	var mem []byte
	if err == nil {
		mem, err = unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, nil, err
	}
	_ = unix.Madvise(mem, unix.MADV_DONTDUMP)
	return fd, mem, nil
}

// Return gives the region back. A region on which a call was given up is released instead of being used again.
func (r *Region) Return() {
	rs := &r.link.regions
	rs.mu.Lock()
	defer rs.mu.Unlock()
	size := len(r.mem)
	if r.spoiled.Load() || rs.closed {
		_ = unix.Munmap(r.mem)
		rs.total -= size
		r.link.release([]uint64{r.handle})
	} else {
		rs.free[size] = append(rs.free[size], r)
		if rs.sweep == nil {
			rs.sweep = time.AfterFunc(idleRegions, rs.trim)
		}
	}
	rs.changed()
}

// trim releases all free regions once none was asked for in a while.
func (rs *regions) trim() {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.used && !rs.closed {
		rs.used = false
		rs.sweep.Reset(idleRegions)
		return
	}
	rs.sweep = nil
	rs.releaseFree()
}

// close unmaps what is free; regions in use are unmapped by their Return.
func (rs *regions) close() {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	rs.closed = true
	if rs.sweep != nil {
		rs.sweep.Stop()
	}
	rs.releaseFree()
	rs.changed()
}
