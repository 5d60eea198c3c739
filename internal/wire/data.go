package wire

import (
	"encoding/binary"

	"github.com/claviger/claviger"
)

// PrefixSize is the size in bytes of what every data request starts with:
//
//	 0        8       12       16     20         24
//	+--------+-------+--------+------+----------+-------+--------+---------+
//	| handle | first | second | size | reserved | first | second | payload |
//	+--------+-------+--------+------+----------+-------+--------+---------+
//
// first and second are lengths. reserved is zero. With FlagRegion the payload is a RegionRef.
const PrefixSize = 24

// RegionRefSize is the size of a RegionRef in bytes.
const RegionRefSize = 32

// RegionRef says which part of a region is the input and where the output goes. Output ends at the region's end.
type RegionRef struct {
	Handle uint64 // as the reply of OpRegion gave it
	In     uint64 // offset of the input in bytes
	Length uint64 // of the input in bytes
	Out    uint64 // offset of the output in bytes
}

// Data is the body of a data request. After ParseData the slices are parts of the frame.
type Data struct {
	Handle  uint64    // the operation context
	First   []byte    // IV or nonce for Init and OneShot; signature for Finalize, and OneShot of a verifying context
	Second  []byte    // associated data, for Init and OneShot
	Size    uint32    // wanted output in bytes where the caller chooses it; 0 is the natural size
	Payload []byte    // the input; empty with FlagRegion
	Region  RegionRef // with FlagRegion
}

// ParseData reads the body of a data request whose header had the given operation and flags. Lengths that do not add
// up, parts that the operation does not take and a reserved field that is not zero are ErrInvalidFormat. It allocates
// nothing.
func ParseData(op Op, flags Flags, body []byte) (Data, error) {
	if len(body) < PrefixSize {
		return Data{}, claviger.Errorf(claviger.ErrInvalidFormat, op.String(), "body of %d bytes; its prefix has %d", len(body), PrefixSize)
	}
	d := Data{Handle: binary.LittleEndian.Uint64(body), Size: binary.LittleEndian.Uint32(body[16:])}
	first, second := uint64(binary.LittleEndian.Uint32(body[8:])), uint64(binary.LittleEndian.Uint32(body[12:]))
	if r := binary.LittleEndian.Uint32(body[20:]); r != 0 {
		return d, claviger.Errorf(claviger.ErrInvalidFormat, op.String(), "reserved field is %#x; it must be zero", r)
	}
	rest := body[PrefixSize:]
	if first+second > uint64(len(rest)) {
		return d, claviger.Errorf(claviger.ErrInvalidFormat, op.String(), "parts of %d and %d bytes in a body with room for %d", first, second, len(rest))
	}
	d.First, d.Second, d.Payload = rest[:first:first], rest[first:first+second:first+second], rest[first+second:]
	if flags&FlagRegion != 0 {
		if len(d.Payload) != RegionRefSize {
			return d, claviger.Errorf(claviger.ErrInvalidFormat, op.String(), "region reference of %d bytes; it has %d", len(d.Payload), RegionRefSize)
		}
		d.Region = parseRegionRef(d.Payload)
		d.Payload = nil
	}
	return d, d.check(op)
}

// check refuses parts that the operation has no use for, so that a client's mistake does not pass in silence.
func (d *Data) check(op Op) error {
	var extra string
	switch {
	case len(d.Payload) > MaxInline:
		return claviger.Errorf(claviger.ErrInvalidFormat, op.String(), "payload of %d bytes; the limit is %d, more goes by region", len(d.Payload), MaxInline)
	case op != OpUpdate && op != OpOneShot && (len(d.Payload) > 0 || d.Region.Length > 0):
		extra = "payload"
	case len(d.First) > 0 && (op == OpUpdate || op == OpReset):
		extra = "first part"
	case len(d.Second) > 0 && op != OpInit && op != OpOneShot:
		extra = "second part"
	case d.Size != 0 && op != OpFinalize && op != OpOneShot:
		extra = "output size"
	default:
		return nil
	}
	return claviger.Errorf(claviger.ErrInvalidFormat, op.String(), "this operation takes no %s", extra)
}

// Len is the length of the body in bytes.
func (d *Data) Len(flags Flags) int {
	if flags&FlagRegion != 0 {
		return PrefixSize + len(d.First) + len(d.Second) + RegionRefSize
	}
	return PrefixSize + len(d.First) + len(d.Second) + len(d.Payload)
}

// Append appends the body to dst. It does not check what ParseData checks.
func (d *Data) Append(dst []byte, flags Flags) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, d.Handle)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(d.First)))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(d.Second)))
	dst = binary.LittleEndian.AppendUint32(dst, d.Size)
	dst = binary.LittleEndian.AppendUint32(dst, 0)
	dst = append(dst, d.First...)
	dst = append(dst, d.Second...)
	if flags&FlagRegion == 0 {
		return append(dst, d.Payload...)
	}
	dst = binary.LittleEndian.AppendUint64(dst, d.Region.Handle)
	dst = binary.LittleEndian.AppendUint64(dst, d.Region.In)
	dst = binary.LittleEndian.AppendUint64(dst, d.Region.Length)
	return binary.LittleEndian.AppendUint64(dst, d.Region.Out)
}

func parseRegionRef(b []byte) RegionRef {
	return RegionRef{
		Handle: binary.LittleEndian.Uint64(b[0:]),
		In:     binary.LittleEndian.Uint64(b[8:]),
		Length: binary.LittleEndian.Uint64(b[16:]),
		Out:    binary.LittleEndian.Uint64(b[24:]),
	}
}

// Check reports whether input and start of output lie within a region of the given size in bytes. The error is
// ErrInvalidMemoryRegion.
func (r RegionRef) Check(size int64) error {
	n := uint64(size)
	if r.In > n || r.Length > n-r.In {
		return claviger.Errorf(claviger.ErrInvalidMemoryRegion, "region", "input of %d bytes at %d in a region of %d", r.Length, r.In, n)
	}
	if r.Out > n {
		return claviger.Errorf(claviger.ErrInvalidMemoryRegion, "region", "output at %d in a region of %d bytes", r.Out, n)
	}
	return nil
}

// AppendNumber appends the 8-byte body that OpRegion and its reply have.
func AppendNumber(dst []byte, v uint64) []byte { return binary.LittleEndian.AppendUint64(dst, v) }

// ParseNumber reads the body of OpRegion or of its reply. Another length than RegionBody is ErrInvalidFormat.
func ParseNumber(body []byte) (uint64, error) {
	if len(body) != RegionBody {
		return 0, claviger.Errorf(claviger.ErrInvalidFormat, "region", "body of %d bytes; it has %d", len(body), RegionBody)
	}
	return binary.LittleEndian.Uint64(body), nil
}

// AppendOutput appends the body of a reply with FlagRegion: how many bytes of output the region got. They are what the
// body of the reply would have been without the flag.
func AppendOutput(dst []byte, n uint64) []byte { return binary.LittleEndian.AppendUint64(dst, n) }

// ParseOutput reads the body of a reply with FlagRegion.
func ParseOutput(body []byte) (uint64, error) {
	if len(body) != outputBody {
		return 0, claviger.Errorf(claviger.ErrInvalidFormat, "region", "reply of %d bytes; it has %d", len(body), outputBody)
	}
	return binary.LittleEndian.Uint64(body), nil
}
