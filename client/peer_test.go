package client

import (
	"context"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
)

// peer is the far end of a link: it answers control calls from a few rules and data calls by a function of the test. It
// shows what the client does by itself; what a daemon does is tested over a daemon.
type peer struct {
	t     *testing.T
	conn  *net.UnixConn
	write sync.Mutex

	mu       sync.Mutex
	next     uint64   // next handle
	released []uint64 // handles given back
	releases int      // calls that did so
	data     func(wire.Op, wire.Flags, wire.Data) ([]byte, error)
	context  pb.CreateContextReply // what contexts are said to be
}

// dialPeer gives a stack joined to a new peer by a socket pair.
func dialPeer(t *testing.T, c Config) (*Stack, *peer) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, conn: unixConn(t, fds[0]), next: 1}
	done := make(chan struct{})
	go func() { defer close(done); p.serve() }()
	t.Cleanup(func() { p.conn.Close(); <-done })
	stack, err := New(context.Background(), unixConn(t, fds[1]), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stack.Close() })
	return stack, p
}

func unixConn(t *testing.T, fd int) *net.UnixConn {
	t.Helper()
	f := os.NewFile(uintptr(fd), "pair")
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		t.Fatal(err)
	}
	return c.(*net.UnixConn)
}

func (p *peer) serve() {
	var calls sync.WaitGroup
	defer calls.Wait()
	head := make([]byte, wire.HeaderSize)
	for {
		if _, err := io.ReadFull(p.conn, head); err != nil {
			return
		}
		h, err := wire.ParseRequest(head)
		if err != nil {
			p.t.Errorf("request: %v", err)
			return
		}
		body := make([]byte, h.Length)
		if _, err := io.ReadFull(p.conn, body); err != nil {
			return
		}
		calls.Go(func() { p.answer(h, body) })
	}
}

func (p *peer) answer(h wire.Header, body []byte) {
	reply, err := p.reply(h, body)
	flags := wire.FlagReply
	if err != nil {
		flags |= wire.FlagError
		reply = wire.AppendError(nil, h.Op, err)
	}
	if h.Op == wire.OpCancel {
		return
	}
	frame := wire.Header{Length: uint32(len(reply)), Op: h.Op, Flags: flags, ID: h.ID}.Append(nil)
	p.write.Lock()
	defer p.write.Unlock()
	_, _ = p.conn.Write(append(frame, reply...)) // the client may be gone
}

func (p *peer) reply(h wire.Header, body []byte) ([]byte, error) {
	switch {
	case h.Op == wire.OpHello:
		return wire.HelloReply{Version: wire.Version, MaxInline: wire.MaxInline, MaxControl: wire.MaxControl, Timeout: 5 * time.Second,
			Ceiling: time.Minute, MaxConnections: 1, Tenant: "test"}.Append(nil), nil
	case h.Op.Data():
		d, err := wire.ParseData(h.Op, h.Flags, body)
		if err != nil {
			return nil, err
		}
		p.mu.Lock()
		data := p.data
		p.mu.Unlock()
		return data(h.Op, h.Flags, d)
	case h.Op.Control():
		return p.control(h.Op, body)
	}
	return nil, nil
}

func (p *peer) control(op wire.Op, body []byte) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var m proto.Message
	switch op {
	case wire.OpRelease:
		var r pb.ReleaseRequest
		if err := proto.Unmarshal(body, &r); err != nil {
			return nil, err
		}
		p.released = append(p.released, r.GetHandles()...)
		p.releases++
		m = &pb.ReleaseReply{}
	case wire.OpCreateContext:
		r := proto.CloneOf(&p.context)
		r.Handle = p.handle()
		m = r
	case wire.OpResolve:
		var r pb.ResolveRequest
		if err := proto.Unmarshal(body, &r); err != nil {
			return nil, err
		}
		m = &pb.ResolveReply{Handle: p.handle(), Type: r.GetType()}
	case wire.OpGenerate, wire.OpLoad:
		m = &pb.KeyReply{Handle: p.handle(), Key: &pb.KeyDescription{Algorithm: "AES-256", Persistence: uint32(claviger.Ephemeral)}}
	case wire.OpStatus:
		m = &pb.StatusReply{}
	default:
		return nil, claviger.Errorf(claviger.ErrUnsupportedOperation, op.String(), "the peer does not know this")
	}
	return proto.Marshal(m)
}

// rules sets how the peer answers from now on: the socket is no barrier that the race detector knows.
func (p *peer) rules(set func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	set()
}

// handle gives the next handle. The caller holds mu.
func (p *peer) handle() uint64 {
	p.next++
	return p.next
}

// gone reports how many calls gave back how many handles.
func (p *peer) gone() (calls, handles int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.releases, len(p.released)
}
