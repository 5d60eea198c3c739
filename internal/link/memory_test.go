package link_test

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/link"
	"github.com/claviger/claviger/internal/sock"
	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
)

// deaf gives a link to a daemon that says hello and reads nothing more.
func deaf(t *testing.T) *link.Link {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	ok(t, err)
	ends := [2]*net.UnixConn{}
	for i, fd := range fds {
		ends[i], err = sock.Adopt(fd)
		ok(t, err)
	}
	t.Cleanup(func() { ends[1].Close() })
	go func() {
		b := make([]byte, 1<<10)
		if _, err := io.ReadAtLeast(ends[1], b, wire.HeaderSize+24); err != nil {
			return
		}
		h, err := wire.ParseRequest(b)
		if err != nil {
			return
		}
		body := wire.HelloReply{Version: 1, Timeout: time.Second, Ceiling: time.Second, MaxConnections: 1, Tenant: "t"}.Append(nil)
		_, _ = ends[1].Write(append(wire.Header{Length: uint32(len(body)), Op: wire.OpHello, Flags: wire.FlagReply, ID: h.ID}.Append(nil), body...))
	}()
	l, err := link.New(t.Context(), ends[0], link.Options{})
	ok(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

func TestRequestsForADaemonThatReadsNothingDoNotGather(t *testing.T) {
	l := deaf(t)
	request := &pb.ImportRequest{Data: make([]byte, 2000<<10)}
	const calls = 40 // 80 MB
	for i := range calls {
		err := l.Control(t.Context(), wire.OpImport, time.Millisecond, request, &pb.KeyReply{})
		if errors.Is(err, claviger.ErrQuotaExceeded) {
			return
		}
		if !errors.Is(err, claviger.ErrOperationTimedOut) {
			t.Fatalf("call %d: %v", i, err)
		}
	}
	t.Errorf("%d requests of 2 MB were taken though none can be sent", calls)
}
