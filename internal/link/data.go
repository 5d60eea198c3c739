package link

import (
	"context"
	"errors"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/wire"
)

// DataCall is a data operation. The slices are read during the call only.
type DataCall struct {
	Op      wire.Op       // OpInit to OpOneShot
	Flags   wire.Flags    // FlagKeep or nothing; FlagRegion is the link's own affair
	Handle  uint64        // the operation context
	First   []byte        // IV or nonce; signature
	Second  []byte        // associated data
	Size    int           // wanted output in bytes where the caller chooses it
	Data    []byte        // input of Update and OneShot
	Expect  int           // output that the caller reckons with in bytes, where that is not about len(Data) or Size
	Timeout time.Duration // 0 is that of Options, below 0 none

	Region          *Region // DataRegion: where the input lies, instead of Data
	In, Length, Out int     // DataRegion: offset and length of the input, offset of the output
}

// Data runs a data operation and appends its output to dst. Input or output beyond MaxInline bytes goes through a region
// that the link keeps for the purpose, and so does shorter input that does not fit into a frame beside First and Second. d.Region is not looked at; DataRegion is for regions of the caller's.
//
// After ErrOperationTimedOut the context is in the error state. A small call with a ctx that never ends allocates
// nothing beside what dst needs.
func (l *Link) Data(ctx context.Context, d *DataCall, dst []byte) ([]byte, error) {
	if !d.Op.Data() {
		return dst, claviger.Errorf(claviger.ErrInvalidArgument, d.Op.String(), "not a data operation")
	}
	if max(len(d.Data), d.Expect, d.Size) > wire.MaxInline && d.Op != wire.OpInit && d.Op != wire.OpReset {
		return l.borrowed(ctx, d, dst)
	}
	r := request{op: d.Op, flags: d.Flags, timeout: d.Timeout, dst: dst,
		data: wire.Data{Handle: d.Handle, First: d.First, Second: d.Second, Size: uint32(d.Size), Payload: d.Data}}
	if n := r.data.Len(d.Flags); n > wire.MaxData {
		if len(d.Data) > wire.RegionRefSize { // a long signature or much associated data beside it
			return l.borrowed(ctx, d, dst)
		}
		return dst, claviger.Errorf(claviger.ErrParamTruncated, d.Op.String(), "request of %d bytes; the limit is %d", n, wire.MaxData)
	}
	return l.call(ctx, &r)
}

// borrowed runs a data operation through a region of the link's own.
func (l *Link) borrowed(ctx context.Context, d *DataCall, dst []byte) ([]byte, error) {
	r, err := l.Borrow(ctx, max(len(d.Data), d.Expect, d.Size))
	if err != nil {
		return dst, err
	}
	moved := *d
	moved.Region, moved.In, moved.Length, moved.Out = r, 0, copy(r.mem, d.Data), 0
	moved.Data = nil
	out, n, err := l.DataRegion(ctx, &moved, dst)
	if err == nil {
		out = append(out, r.mem[:n]...)
	}
	r.Return()
	return out, err
}

// DataRegion runs a data operation on a region of the caller's. n is how many bytes of output the daemon wrote into the
// region at d.Out; output of up to 512 bytes is appended to dst instead, and n is 0.
func (l *Link) DataRegion(ctx context.Context, d *DataCall, dst []byte) (out []byte, n int, err error) {
	if d.Region == nil || d.In < 0 || d.Length < 0 || d.Out < 0 {
		return dst, 0, claviger.Errorf(claviger.ErrInvalidArgument, d.Op.String(), "a region and offsets of at least 0 are needed")
	}
	flags := d.Flags | wire.FlagRegion
	r := request{op: d.Op, flags: flags, timeout: d.Timeout, dst: dst,
		data: wire.Data{Handle: d.Handle, First: d.First, Second: d.Second, Size: uint32(d.Size),
			Region: wire.RegionRef{Handle: d.Region.handle, In: uint64(d.In), Length: uint64(d.Length), Out: uint64(d.Out)}}}
	if n := r.data.Len(flags); n > wire.MaxData {
		return dst, 0, claviger.Errorf(claviger.ErrParamTruncated, d.Op.String(), "request of %d bytes; the limit is %d", n, wire.MaxData)
	}
	out, err = l.call(ctx, &r)
	if err != nil {
		if errors.Is(err, claviger.ErrOperationTimedOut) || ctx.Err() != nil {
			d.Region.spoiled.Store(true) // the daemon may still be at work there
		}
		return dst, 0, err
	}
	if r.outFlags&wire.FlagRegion == 0 {
		return out, 0, nil
	}
	wrote, err := wire.ParseOutput(out[len(dst):])
	if err == nil && wrote > uint64(len(d.Region.mem)-min(d.Out, len(d.Region.mem))) {
		err = broken("receive", errors.New("output beyond the region's end"))
	}
	return dst, int(wrote), err
}

// MaxInline is the longest payload in bytes that goes without a region.
const MaxInline = wire.MaxInline
