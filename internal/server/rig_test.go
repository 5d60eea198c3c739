package server_test

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
	"google.golang.org/protobuf/proto"
)

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// raw is a connection whose every byte the test chooses.
type raw struct {
	*net.UnixConn
	t  testing.TB
	id uint64
}

// connect opens a connection without a hello.
func connect(t testing.TB, path string) *raw {
	t.Helper()
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	ok(t, err)
	t.Cleanup(func() { c.Close() })
	ok(t, c.SetDeadline(time.Now().Add(time.Minute)))
	return &raw{UnixConn: c, t: t}
}

// greeted opens a connection and says hello.
func greeted(t testing.TB, path string) *raw {
	t.Helper()
	c := connect(t, path)
	c.hello()
	return c
}

func (c *raw) hello() {
	c.t.Helper()
	c.send(wire.OpHello, 0, wire.Hello{Lowest: 1, Highest: 1}.Append(nil))
	if _, _, err := c.receive(); err != nil {
		c.t.Fatalf("hello: %v", err)
	}
}

func frame(op wire.Op, flags wire.Flags, id uint64, remaining uint32, body []byte) []byte {
	return append(wire.Header{Length: uint32(len(body)), Op: op, Flags: flags, ID: id, Remaining: remaining}.Append(nil), body...)
}

// send writes a frame and gives its id.
func (c *raw) send(op wire.Op, flags wire.Flags, body []byte) uint64 {
	c.t.Helper()
	c.id++
	_, err := c.Write(frame(op, flags, c.id, 0, body))
	ok(c.t, err)
	return c.id
}

// sendFDs writes bytes with descriptors.
func (c *raw) sendFDs(b []byte, fds ...int) {
	c.t.Helper()
	_, _, err := c.WriteMsgUnix(b, unix.UnixRights(fds...), nil)
	ok(c.t, err)
}

// receive reads a reply; an error reply is the error.
func (c *raw) receive() (wire.Header, []byte, error) {
	b := make([]byte, wire.HeaderSize)
	if _, err := io.ReadFull(c, b); err != nil {
		return wire.Header{}, nil, err
	}
	h, err := wire.ParseReply(b)
	if err != nil {
		return h, nil, err
	}
	body := make([]byte, h.Length)
	if _, err := io.ReadFull(c, body); err != nil {
		return h, nil, err
	}
	if h.Flags&wire.FlagError != 0 {
		e, err := wire.ParseError(body)
		if err != nil {
			return h, nil, err
		}
		return h, nil, e
	}
	return h, body, nil
}

// wantError reads a reply that must be this error.
func (c *raw) wantError(code claviger.Code) {
	c.t.Helper()
	if _, _, err := c.receive(); !errors.Is(err, code) {
		c.t.Fatalf("reply is %v, not %v", err, code)
	}
}

// wantClosed sees that the daemon closes the connection without another word.
func (c *raw) wantClosed() {
	c.t.Helper()
	if h, _, err := c.receive(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) || h.Op != 0 {
		c.t.Fatalf("connection is open: %v %v", h, err)
	}
}

// wantAlive sees that the connection still answers.
func (c *raw) wantAlive() {
	c.t.Helper()
	id := c.send(wire.OpPing, 0, nil)
	h, _, err := c.receive()
	if err != nil || h.ID != id {
		c.t.Fatalf("ping %d answered with %d, %v", id, h.ID, err)
	}
}

// control runs a control operation.
func (c *raw) control(op wire.Op, req, reply proto.Message) error {
	c.t.Helper()
	body, err := wire.AppendMessage(nil, op, req)
	ok(c.t, err)
	c.send(op, 0, body)
	_, out, err := c.receive()
	if err == nil {
		err = wire.ParseMessage(out, op, reply)
	}
	return err
}

// macContext makes an HMAC context and gives its handle.
func (c *raw) macContext() uint64 {
	c.t.Helper()
	var key pb.KeyReply
	ok(c.t, c.control(wire.OpImport, &pb.ImportRequest{Algorithm: "HMAC-SHA-256", Format: uint32(claviger.Raw), Data: make([]byte, 32)}, &key))
	var r pb.CreateContextReply
	ok(c.t, c.control(wire.OpCreateContext, &pb.CreateContextRequest{Kind: uint32(claviger.MACContext), Algorithm: "HMAC-SHA-256", Key: key.Handle}, &r))
	return r.Handle
}

// status asks for the counters of the caller's own tenant.
func (c *raw) status() *pb.TenantStatus {
	c.t.Helper()
	var r pb.StatusReply
	ok(c.t, c.control(wire.OpStatus, &pb.StatusRequest{}, &r))
	if len(r.Tenants) != 1 {
		c.t.Fatalf("%d tenants", len(r.Tenants))
	}
	return r.Tenants[0]
}

// eventually waits up to a second for a condition.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for range 200 {
		if holds() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("not within a second: %s", what)
}

// openFDs counts this process's descriptors, in which the daemon under test runs too.
func openFDs(t testing.TB) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	ok(t, err)
	return len(list)
}

func oneShot(handle uint64, message []byte) []byte {
	return (&wire.Data{Handle: handle, Payload: message}).Append(nil, 0)
}

// memfd makes a region of n bytes with the given seals; the caller closes it.
func memfd(t testing.TB, n int64, seals int) int {
	t.Helper()
	fd, err := unix.MemfdCreate("test", unix.MFD_ALLOW_SEALING|unix.MFD_CLOEXEC)
	ok(t, err)
	ok(t, unix.Ftruncate(fd, n))
	_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals)
	ok(t, err)
	return fd
}

func number(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }
