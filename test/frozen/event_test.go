package frozen_test

import (
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger/internal/wire"
)

// event is one frame of a recorded conversation.
type event struct {
	at     int    // its place among all, where it was read from a recording
	part   string // of the conversation; "" before the first
	daemon bool   // who sent it: the daemon, or the client
	conn   int    // on which connection, counted from 0
	frame  []byte // header and body
	memory []byte // where frame speaks of a region: the input that lies there, or the output
}

// header reads the frame's header.
func (e *event) header() wire.Header {
	parse := wire.ParseRequest
	if e.daemon {
		parse = wire.ParseReply
	}
	h, err := parse(e.frame)
	if err != nil {
		panic(err) // read checks every frame, and so does a tap
	}
	return h
}

func (e *event) body() []byte { return e.frame[wire.HeaderSize:] }

// data reads the body of a data request.
func (e *event) data() wire.Data {
	h := e.header()
	d, err := wire.ParseData(h.Op, h.Flags, e.body())
	if err != nil {
		panic(err)
	}
	return d
}

// write writes a conversation: a line for each frame, with who sends it (> the client, < the daemon), the connection, the frame
// and, where it speaks of a region, what lies there; bytes in hexadecimal. A line of # and a name begins a part. A connection
// after the first is the other end of the descriptor that came with a Connect, in their order.
func write(events []event) []byte {
	var b strings.Builder
	part := ""
	for _, e := range events {
		if e.part != part {
			part = e.part
			fmt.Fprintf(&b, "# %s\n", part)
		}
		who := ">"
		if e.daemon {
			who = "<"
		}
		fmt.Fprintf(&b, "%s %d %x", who, e.conn, e.frame)
		if e.memory != nil {
			fmt.Fprintf(&b, " %x", e.memory)
		}
		b.WriteByte('\n')
	}
	return []byte(b.String())
}

// read reads a conversation of a recording.
func read(t *testing.T, dir, name string) []event {
	t.Helper()
	var events []event
	part := ""
	for line := range strings.Lines(string(inflate(t, filepath.Join(dir, name+".txt.gz")))) {
		if begun, ok := strings.CutPrefix(line, "# "); ok {
			part = strings.TrimSuffix(begun, "\n")
			continue
		}
		e := event{at: len(events), part: part, daemon: line[0] == '<'}
		parts := strings.Fields(line[1:])
		must(fmt.Sscan(parts[0], &e.conn))(t)
		e.frame = must(hex.DecodeString(parts[1]))(t)
		if len(parts) > 2 {
			e.memory = must(hex.DecodeString(parts[2]))(t)
		}
		parse := wire.ParseRequest
		if e.daemon {
			parse = wire.ParseReply
		}
		h := must(parse(e.frame))(t)
		if int(h.Length) != len(e.body()) {
			t.Fatalf("%s: a frame of %d bytes has %d", h.Op, h.Length, len(e.body()))
		}
		events = append(events, e)
	}
	return events
}

// peer is one end of a connection, by whole frames. Descriptors are the receiver's.
type peer struct{ *net.UnixConn }

// patience bounds every wait for a frame.
const patience = 30 * time.Second

// receive reads a frame and the descriptor that came with it, -1 for none.
func (p peer) receive() (frame []byte, fd int, err error) {
	fd = -1
	frame = make([]byte, wire.HeaderSize)
	oob := make([]byte, unix.CmsgSpace(4*4))
	n, have, _, _, err := p.ReadMsgUnix(frame, oob)
	if err != nil {
		return nil, fd, err
	}
	if have > 0 {
		if fd, err = right(oob[:have]); err != nil {
			return nil, fd, err
		}
	}
	if n == 0 {
		return nil, fd, io.EOF
	}
	if _, err = io.ReadFull(p, frame[n:]); err != nil {
		return nil, fd, err
	}
	length := uint32(frame[0]) | uint32(frame[1])<<8 | uint32(frame[2])<<16 | uint32(frame[3])<<24
	if length > wire.MaxControl {
		return nil, fd, fmt.Errorf("a frame of %d bytes", length)
	}
	frame = append(frame, make([]byte, length)...)
	_, err = io.ReadFull(p, frame[wire.HeaderSize:])
	return frame, fd, err
}

// right gives the one descriptor of a control message.
func right(oob []byte) (int, error) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return -1, err
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return -1, fmt.Errorf("%d descriptors at once: %w", len(fds), err)
	}
	return fds[0], nil
}

// send writes a frame, with a descriptor unless fd is negative, and closes the descriptor.
func (p peer) send(frame []byte, fd int) error {
	if fd < 0 {
		_, err := p.Write(frame)
		return err
	}
	defer unix.Close(fd)
	_, _, err := p.WriteMsgUnix(frame, unix.UnixRights(fd), nil)
	return err
}

// pair makes two connected ends: one for this program, and a descriptor to pass on.
func pair() (peer, int, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return peer{}, -1, err
	}
	mine, err := adopt(fds[0])
	return mine, fds[1], err
}

// adopt takes over a descriptor of a connected socket.
func adopt(fd int) (peer, error) {
	f := os.NewFile(uintptr(fd), "")
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		return peer{}, err
	}
	u, ok := c.(*net.UnixConn)
	if !ok {
		c.Close()
		return peer{}, fmt.Errorf("the descriptor is a %T", c)
	}
	return peer{u}, nil
}

// mapped maps the memory of a region's descriptor for as long as the test runs.
func mapped(fd int, size uint64) ([]byte, error) {
	return unix.Mmap(fd, 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
}
