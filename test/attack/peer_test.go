package attack_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"

	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
	"github.com/claviger/claviger/test/daemontest"
)

// peer is a client that sends what it likes: frames by hand over a plain socket.
type peer struct {
	t    testing.TB
	conn *net.UnixConn
	id   uint64
	oob  []byte // sent with every frame
}

// newPeer connects as a user and says hello.
func newPeer(t testing.TB, d *daemontest.Daemon, uid int) *peer {
	t.Helper()
	p := &peer{t: t, conn: connect(t, d.Socket, uid)}
	check(t, p.hello())
	return p
}

// hello sends a right hello and reads the answer.
func (p *peer) hello() error {
	body := wire.Hello{Lowest: wire.Version, Highest: wire.Version, MaxInline: wire.MaxData, MaxControl: wire.MaxControl}.Append(nil)
	_, err := p.call(wire.OpHello, 0, body)
	return err
}

// frame makes the bytes of a request with the next id.
func (p *peer) frame(op wire.Op, flags wire.Flags, body []byte) []byte {
	p.id++
	head := wire.Header{Length: uint32(len(body)), Op: op, Flags: flags, ID: p.id, Remaining: 5_000_000}
	return append(head.Append(nil), body...)
}

// send sends a request, with descriptors that travel with its first byte. They stay open here.
func (p *peer) send(op wire.Op, flags wire.Flags, body []byte, fds ...int) error {
	oob := bytes.Clone(p.oob)
	if len(fds) > 0 {
		oob = append(oob, unix.UnixRights(fds...)...)
	}
	check(p.t, p.conn.SetDeadline(time.Now().Add(daemontest.Patience)))
	frame := p.frame(op, flags, body)
	n, _, err := p.conn.WriteMsgUnix(frame, oob, nil)
	if err == nil && n < len(frame) {
		_, err = p.conn.Write(frame[n:])
	}
	return err
}

// receive reads one reply. An error reply is the error.
func (p *peer) receive() ([]byte, error) {
	head := make([]byte, wire.HeaderSize)
	if _, err := io.ReadFull(p.conn, head); err != nil {
		return nil, err
	}
	h, err := wire.ParseReply(head)
	if err != nil {
		return nil, err
	}
	body := make([]byte, h.Length)
	if _, err := io.ReadFull(p.conn, body); err != nil {
		return nil, err
	}
	if h.Flags&wire.FlagError == 0 {
		return body, nil
	}
	refusal, err := wire.ParseError(body)
	if err != nil {
		return nil, err
	}
	return nil, refusal
}

func (p *peer) call(op wire.Op, flags wire.Flags, body []byte, fds ...int) ([]byte, error) {
	if err := p.send(op, flags, body, fds...); err != nil {
		return nil, err
	}
	return p.receive()
}

// control runs a control operation; reply may be nil.
func (p *peer) control(op wire.Op, request, reply proto.Message) error {
	p.t.Helper()
	body, err := proto.Marshal(request)
	check(p.t, err)
	out, err := p.call(op, 0, body)
	if err != nil || reply == nil {
		return err
	}
	return proto.Unmarshal(out, reply)
}

func (p *peer) data(op wire.Op, flags wire.Flags, d wire.Data) ([]byte, error) {
	return p.call(op, flags, d.Append(nil, flags))
}

// region passes a sealed memfd of n bytes to the daemon and gives its handle.
func (p *peer) region(n int) uint64 {
	p.t.Helper()
	fd := memfd(p.t, n, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
	return must(wire.ParseNumber(must(p.call(wire.OpRegion, wire.FlagFD, wire.AppendNumber(nil, uint64(n)), fd))(p.t)))(p.t)
}

// closed reports whether the daemon ends the connection within ten seconds; replies that come before are read over.
func (p *peer) closed() bool {
	check(p.t, p.conn.SetReadDeadline(time.Now().Add(daemontest.Patience)))
	_, err := io.Copy(io.Discard, p.conn)
	return err == nil || errors.Is(err, unix.ECONNRESET)
}

// memfd makes a memory file of n bytes with seals, closed with the test.
func memfd(t testing.TB, n int, seals int) int {
	t.Helper()
	fd := must(unix.MemfdCreate("attack", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING))(t)
	t.Cleanup(func() { unix.Close(fd) })
	check(t, unix.Ftruncate(fd, int64(n)))
	_, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals)
	check(t, err)
	return fd
}

// release gives handles back.
func (p *peer) release(handles ...uint64) error {
	return p.control(wire.OpRelease, &pb.ReleaseRequest{Handles: handles}, nil)
}
