package link_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/link"
	"github.com/claviger/claviger/internal/server"
	"github.com/claviger/claviger/internal/server/servertest"
	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
)

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func dial(t testing.TB, path string, o link.Options) *link.Link {
	t.Helper()
	l, err := link.Dial(context.Background(), path, o)
	ok(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

// importKey imports raw key bytes and gives the key's handle.
func importKey(t testing.TB, l *link.Link, alg string, key []byte) uint64 {
	t.Helper()
	var r pb.KeyReply
	ok(t, l.Control(context.Background(), wire.OpImport, 0, &pb.ImportRequest{Algorithm: alg, Format: uint32(claviger.Raw), Data: key}, &r))
	return r.Handle
}

func newContext(t testing.TB, l *link.Link, r *pb.CreateContextRequest) uint64 {
	t.Helper()
	var reply pb.CreateContextReply
	ok(t, l.Control(context.Background(), wire.OpCreateContext, 0, r, &reply))
	return reply.Handle
}

var hmacKey = []byte("0123456789abcdef0123456789abcdef")

func macContext(t testing.TB, l *link.Link) uint64 {
	t.Helper()
	key := importKey(t, l, "HMAC-SHA-256", hmacKey)
	return newContext(t, l, &pb.CreateContextRequest{Kind: uint32(claviger.MACContext), Algorithm: "HMAC-SHA-256", Key: key})
}

func mac(message []byte) []byte {
	h := hmac.New(sha256.New, hmacKey)
	h.Write(message)
	return h.Sum(nil)
}

func TestOneShotOfEveryLengthGivesTheRightCode(t *testing.T) {
	l := dial(t, servertest.Start(t, servertest.Config{}).Path, link.Options{})
	h := macContext(t, l)
	for _, n := range []int{0, 1, 32, 4 << 10, wire.MaxInline - 1, wire.MaxInline, wire.MaxInline + 1, 1 << 20, 5<<20 + 3} {
		message := bytes.Repeat([]byte{0xA5, 1, 2}, n)[:n]
		out, err := l.Data(context.Background(), &link.DataCall{Op: wire.OpOneShot, Handle: h, Data: message}, []byte("before"))
		if err != nil || !bytes.Equal(out, append([]byte("before"), mac(message)...)) {
			t.Errorf("%d bytes: %x, %v", n, out, err)
		}
	}
}

func TestStreamedUpdatesGiveTheSameCode(t *testing.T) {
	l := dial(t, servertest.Start(t, servertest.Config{}).Path, link.Options{})
	h := macContext(t, l)
	_, err := l.Data(context.Background(), &link.DataCall{Op: wire.OpInit, Handle: h}, nil)
	ok(t, err)
	var message []byte
	for _, n := range []int{10, 70_000, 0, 1 << 20} {
		part := bytes.Repeat([]byte{byte(n)}, n)
		message = append(message, part...)
		_, err := l.Data(context.Background(), &link.DataCall{Op: wire.OpUpdate, Handle: h, Data: part}, nil)
		ok(t, err)
	}
	out, err := l.Data(context.Background(), &link.DataCall{Op: wire.OpFinalize, Handle: h}, nil)
	if err != nil || !bytes.Equal(out, mac(message)) {
		t.Errorf("%x, %v", out, err)
	}
}

func TestManyCallersGetTheirOwnReplies(t *testing.T) {
	for _, connections := range []int{1, 3, 0} {
		t.Run(fmt.Sprint(connections, " connections"), func(t *testing.T) {
			l := dial(t, servertest.Start(t, servertest.Config{}).Path, link.Options{Connections: connections})
			h := macContext(t, l)
			var wg sync.WaitGroup
			for g := range 64 {
				wg.Go(func() {
					for i := range 50 {
						message := bytes.Repeat([]byte{byte(g), byte(i)}, 1+(g*i)%9000)
						out, err := l.Data(context.Background(), &link.DataCall{Op: wire.OpOneShot, Handle: h, Data: message}, nil)
						if err != nil || !bytes.Equal(out, mac(message)) {
							t.Errorf("caller %d: %v", g, err)
							return
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

func TestErrorsArriveWithCodeAndText(t *testing.T) {
	l := dial(t, servertest.Start(t, servertest.Config{}).Path, link.Options{})
	_, err := l.Data(context.Background(), &link.DataCall{Op: wire.OpOneShot, Handle: 12345, Data: []byte("x")}, nil)
	if !errors.Is(err, claviger.ErrResourceNotFound) {
		t.Errorf("unknown handle: %v", err)
	}
	err = l.Control(context.Background(), wire.ControlBit|0x777, 0, &pb.StatusRequest{}, &pb.StatusReply{})
	if !errors.Is(err, claviger.ErrUnsupportedOperation) {
		t.Errorf("unknown operation: %v", err)
	}
	ok(t, l.Ping(context.Background()))
}

func TestHelloTellsLimitsAndTenant(t *testing.T) {
	r := servertest.Start(t, servertest.Config{Server: server.Config{Timeout: 3 * time.Second, Ceiling: time.Minute}})
	l := dial(t, r.Path, link.Options{})
	if h := l.Hello(); h.Tenant != "self" || h.Timeout != 3*time.Second || h.Ceiling != time.Minute || h.MaxInline != wire.MaxInline {
		t.Errorf("%+v", h)
	}
}

func TestSmallCallsAllocateNothing(t *testing.T) {
	if racing {
		t.Skip("the race detector allocates")
	}
	l := dial(t, servertest.Start(t, servertest.Config{}).Path, link.Options{Connections: 1})
	h := macContext(t, l)
	d := link.DataCall{Op: wire.OpOneShot, Handle: h, Data: make([]byte, 32)}
	out := make([]byte, 0, 64)
	ctx := context.Background()
	call := func() {
		var err error
		if out, err = l.Data(ctx, &d, out[:0]); err != nil || len(out) != 32 {
			t.Fatal(len(out), err)
		}
	}
	call()
	// The daemon runs in this process, so this counts both sides.
	if n := testing.AllocsPerRun(2000, call); n != 0 {
		t.Errorf("%v allocations a call", n)
	}
}
