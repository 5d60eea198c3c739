package wire

import (
	"encoding/binary"
	"time"
	"unicode/utf8"

	"github.com/claviger/claviger"
)

// magic opens both hellos.
const magic = "CLVG"

// Sizes of the hellos in bytes. Longer ones come from a later version; what follows is ignored.
const (
	helloSize      = 24
	helloReplySize = 36 // and the tenant's name
)

// Hello is the body of the first frame that a client sends.
//
//	magic[4] lowest u16 highest u16 max-inline u32 max-control u32 features u64
type Hello struct {
	Lowest, Highest uint16 // protocol versions that the client speaks
	MaxInline       uint32 // bytes of a data reply's body that the client takes
	MaxControl      uint32 // bytes of a control reply's body that the client takes
	Features        uint64 // none defined yet; unknown bits are ignored
}

// Append appends the body to dst.
func (h Hello) Append(dst []byte) []byte {
	dst = append(dst, magic...)
	dst = binary.LittleEndian.AppendUint16(dst, h.Lowest)
	dst = binary.LittleEndian.AppendUint16(dst, h.Highest)
	dst = binary.LittleEndian.AppendUint32(dst, h.MaxInline)
	dst = binary.LittleEndian.AppendUint32(dst, h.MaxControl)
	return binary.LittleEndian.AppendUint64(dst, h.Features)
}

// ParseHello reads the body of a client's hello. The error is ErrInvalidFormat.
func ParseHello(body []byte) (Hello, error) {
	if err := checkHello(body, helloSize); err != nil {
		return Hello{}, err
	}
	h := Hello{
		Lowest:     binary.LittleEndian.Uint16(body[4:]),
		Highest:    binary.LittleEndian.Uint16(body[6:]),
		MaxInline:  binary.LittleEndian.Uint32(body[8:]),
		MaxControl: binary.LittleEndian.Uint32(body[12:]),
		Features:   binary.LittleEndian.Uint64(body[16:]),
	}
	if h.Lowest > h.Highest || h.Lowest == 0 {
		return h, claviger.Errorf(claviger.ErrInvalidFormat, "hello", "versions %d to %d", h.Lowest, h.Highest)
	}
	return h, nil
}

// Choose gives the highest protocol version that client and daemon both speak, or ErrUnsupportedOperation.
func (h Hello) Choose() (uint16, error) {
	if h.Lowest > Version || h.Highest < Version {
		return 0, claviger.Errorf(claviger.ErrUnsupportedOperation, "hello", "the client speaks protocol versions %d to %d, the daemon %d",
			h.Lowest, h.Highest, Version)
	}
	return Version, nil
}

// HelloReply is the body of the daemon's first frame.
//
//	magic[4] version u16 reserved u16 max-inline u32 max-control u32 features u64
//	default-us u32 ceiling-us u32 max-connections u16 tenant-length u16 tenant[...]
type HelloReply struct {
	Version        uint16        // in use from here on
	MaxInline      uint32        // bytes of payload that a data request may carry
	MaxControl     uint32        // bytes of a control request's body
	Features       uint64        // none defined yet
	Timeout        time.Duration // of a call that states none
	Ceiling        time.Duration // of every call
	MaxConnections uint16        // of one session
	Tenant         string        // as whom the daemon knows the caller; at most claviger.MaxName bytes
}

// Append appends the body to dst. Durations are cut to microseconds and to what fits.
func (h HelloReply) Append(dst []byte) []byte {
	dst = append(dst, magic...)
	dst = binary.LittleEndian.AppendUint16(dst, h.Version)
	dst = binary.LittleEndian.AppendUint16(dst, 0)
	dst = binary.LittleEndian.AppendUint32(dst, h.MaxInline)
	dst = binary.LittleEndian.AppendUint32(dst, h.MaxControl)
	dst = binary.LittleEndian.AppendUint64(dst, h.Features)
	dst = binary.LittleEndian.AppendUint32(dst, Remaining(h.Timeout))
	dst = binary.LittleEndian.AppendUint32(dst, Remaining(h.Ceiling))
	dst = binary.LittleEndian.AppendUint16(dst, h.MaxConnections)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(h.Tenant)))
	return append(dst, h.Tenant...)
}

// ParseHelloReply reads the body of the daemon's hello. The error is ErrInvalidFormat.
func ParseHelloReply(body []byte) (HelloReply, error) {
	if err := checkHello(body, helloReplySize); err != nil {
		return HelloReply{}, err
	}
	h := HelloReply{
		Version:        binary.LittleEndian.Uint16(body[4:]),
		MaxInline:      binary.LittleEndian.Uint32(body[8:]),
		MaxControl:     binary.LittleEndian.Uint32(body[12:]),
		Features:       binary.LittleEndian.Uint64(body[16:]),
		MaxConnections: binary.LittleEndian.Uint16(body[32:]),
	}
	for i, d := range []*time.Duration{&h.Timeout, &h.Ceiling} {
		us := binary.LittleEndian.Uint32(body[24+4*i:])
		if us == 0 || us == NoDeadline {
			return h, claviger.Errorf(claviger.ErrInvalidFormat, "hello", "a time of %#x microseconds; the default and the ceiling are times of calls", us)
		}
		*d = time.Duration(us) * time.Microsecond
	}
	n := int(binary.LittleEndian.Uint16(body[34:]))
	tenant := body[helloReplySize:]
	if r := binary.LittleEndian.Uint16(body[6:]); r != 0 {
		return h, claviger.Errorf(claviger.ErrInvalidFormat, "hello", "reserved field is %#x; it must be zero", r)
	}
	if n > len(tenant) || n > claviger.MaxName || !utf8.Valid(tenant[:n]) {
		return h, claviger.Errorf(claviger.ErrInvalidFormat, "hello", "tenant's name of %d bytes", n)
	}
	h.Tenant = string(tenant[:n])
	return h, nil
}

func checkHello(body []byte, size int) error {
	if len(body) < size || len(body) > MaxHello {
		return claviger.Errorf(claviger.ErrInvalidFormat, "hello", "body of %d bytes; it has %d to %d", len(body), size, MaxHello)
	}
	if string(body[:len(magic)]) != magic {
		return claviger.Errorf(claviger.ErrInvalidFormat, "hello", "body does not start with %q", magic)
	}
	return nil
}

// Remaining turns a positive duration into the header's field: microseconds, at least 1 and at most MaxRemaining.
func Remaining(d time.Duration) uint32 {
	return uint32(min(max(d.Microseconds(), 1), MaxRemaining))
}
