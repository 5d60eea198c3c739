package sandbox

import (
	"encoding/binary"
	"encoding/json"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger"
)

// maxFrame bounds a frame between Start and Enter, in bytes.
const maxFrame = 1 << 20

// plan is what the daemon tells a stage. Both get the same one, but for Stage.
type plan struct {
	Stage               int // 1 or 2
	Report              Report
	Network             bool
	Shared              bool // the worker runs as the daemon's user
	Drop                bool // give up all capabilities
	Read, Write, Hidden []string
	Procs               int // GOMAXPROCS of the daemon, who sees the control group that the worker cannot
}

// answer is what a stage says: stage two that it is done, either that it is not.
type answer struct {
	Code   claviger.Code // zero: confined
	Detail string
}

func (a answer) err() error {
	if a.Code == 0 {
		return nil
	}
	return claviger.Errorf(a.Code, op, "%s", a.Detail)
}

// writeFrame writes the value's length in four bytes, big endian, and the value as JSON.
func writeFrame(w io.Writer, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if len(text) > maxFrame {
		return claviger.Errorf(claviger.ErrInvalidArgument, op, "paths of %d bytes; the limit is %d", len(text), maxFrame)
	}
	_, err = w.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(text))), text...))
	return err
}

// readFrame reads one frame and not a byte more.
func readFrame(r io.Reader, v any) error {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > maxFrame {
		return claviger.Errorf(claviger.ErrInvalidFormat, op, "frame of %d bytes; the limit is %d", n, maxFrame)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return claviger.Errorf(claviger.ErrInvalidFormat, op, "frame that cannot be read: %v", err)
	}
	return nil
}

// descriptor reads and writes a blocking descriptor without the runtime's poller, and never closes it.
type descriptor int

// Read reads once.
func (d descriptor) Read(p []byte) (int, error) {
	for {
		switch n, err := unix.Read(int(d), p); {
		case err == unix.EINTR:
		case err != nil:
			return 0, os.NewSyscallError("read", err)
		case n == 0 && len(p) > 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// Write writes all of p.
func (d descriptor) Write(p []byte) (int, error) {
	written := 0
	for written < len(p) {
		n, err := unix.Write(int(d), p[written:])
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return written, os.NewSyscallError("write", err)
		}
		written += n
	}
	return written, nil
}
