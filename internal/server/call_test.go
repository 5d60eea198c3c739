package server_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/delay"
	"github.com/claviger/claviger/internal/provider/software"
	"github.com/claviger/claviger/internal/server"
	"github.com/claviger/claviger/internal/server/servertest"
	"github.com/claviger/claviger/internal/session"
	"github.com/claviger/claviger/internal/sock"
	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
	"github.com/claviger/claviger/test/daemontest"
)

// text gathers a log. Safe for concurrent use.
type text struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *text) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *text) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// slow is a rig whose provider can be told to hang.
func slow(t *testing.T, c servertest.Config) (*servertest.Rig, *delay.Provider) {
	t.Helper()
	p := delay.New(software.New())
	c.Provider = p
	r := servertest.Start(t, c)
	t.Cleanup(func() { p.SetDelay(0) })
	return r, p
}

func TestPooledCallsAreAnsweredAtTheirDeadline(t *testing.T) {
	r, p := slow(t, servertest.Config{})
	conn := greeted(t, r.Path)
	h := conn.macContext()
	p.SetDelay(time.Minute)
	const limit = 50 * time.Millisecond
	start, stalls := time.Now(), daemontest.Stalls()
	_, err := conn.Write(frame(wire.OpOneShot, 0, 900, uint32(limit.Microseconds()), oneShot(h, []byte("x"))))
	ok(t, err)
	conn.wantAlive() // answered out of order, before the slow call
	conn.wantError(claviger.ErrOperationTimedOut)
	if took, stalled := time.Since(start), stalls(); took < limit || took > limit+200*time.Millisecond+stalled {
		t.Errorf("answered after %v", took)
	}
	p.SetDelay(0)
	conn.send(wire.OpOneShot, 0, oneShot(h, []byte("x")))
	conn.wantError(claviger.ErrInvalidOperation) // the context is in the error state
	eventually(t, "nothing is in flight or held", func() bool {
		s := conn.status()
		return s.InFlight == 0 && s.HeldBytes == 0
	})
}

func TestTheCeilingHoldsForCallsWithoutADeadline(t *testing.T) {
	r, p := slow(t, servertest.Config{Server: server.Config{Ceiling: 60 * time.Millisecond}})
	conn := greeted(t, r.Path)
	h := conn.macContext()
	p.SetDelay(time.Minute)
	_, err := conn.Write(frame(wire.OpOneShot, 0, 900, wire.NoDeadline, oneShot(h, nil)))
	ok(t, err)
	conn.wantError(claviger.ErrOperationTimedOut)
}

func TestADurableCallThatTimesOutSaysThatItsOutcomeIsUnknown(t *testing.T) {
	r, p := slow(t, servertest.Config{Server: server.Config{Timeout: 50 * time.Millisecond}})
	conn := greeted(t, r.Path)
	p.SetDelay(300 * time.Millisecond)
	var reply pb.KeyReply
	err := conn.control(wire.OpGenerate, &pb.GenerateRequest{Algorithm: "AES-256"}, &reply)
	if !errors.Is(err, claviger.ErrOperationTimedOut) || !strings.Contains(err.Error(), "unknown") {
		t.Fatal(err)
	}
	eventually(t, "the key that came too late is released", func() bool {
		s := conn.status()
		return s.InFlight == 0 && s.Keys == 0 && s.Handles == 0
	})
}

func TestCancelledCallsAreNotAnsweredAndGiveTheirPlaceBack(t *testing.T) {
	r, p := slow(t, servertest.Config{Limits: session.Limits{Slow: 1}})
	conn := greeted(t, r.Path)
	h, other := conn.macContext(), conn.macContext()
	p.SetDelay(200 * time.Millisecond)
	running := conn.send(wire.OpOneShot, 0, oneShot(h, nil))
	queued := conn.send(wire.OpOneShot, 0, oneShot(other, nil))
	for _, id := range []uint64{queued, running, queued, 123456} { // twice, and one that never was
		_, err := conn.Write(frame(wire.OpCancel, 0, id, 0, nil))
		ok(t, err)
	}
	conn.wantAlive()
	if s := conn.status(); s.InFlight > 1 {
		t.Errorf("%d calls in flight after both were cancelled", s.InFlight)
	}
	eventually(t, "the running call has ended", func() bool { return conn.status().InFlight == 0 })
	conn.wantAlive() // and no late reply came between
}

func TestACancelThatCrossesItsReplyReleasesWhatTheReplyGave(t *testing.T) {
	conn := greeted(t, servertest.Start(t, servertest.Config{}).Path)
	var reply pb.KeyReply
	ok(t, conn.control(wire.OpGenerate, &pb.GenerateRequest{Algorithm: "AES-256"}, &reply))
	if n := conn.status().Keys; n != 1 {
		t.Fatalf("%d keys", n)
	}
	_, err := conn.Write(frame(wire.OpCancel, 0, conn.id-1, 0, nil)) // the call before status
	ok(t, err)
	if n := conn.status().Keys; n != 0 {
		t.Errorf("%d keys after the cancel", n)
	}
}

func TestAnIDInUseIsRefused(t *testing.T) {
	r, p := slow(t, servertest.Config{})
	conn := greeted(t, r.Path)
	h, other := conn.macContext(), conn.macContext()
	p.SetDelay(50 * time.Millisecond)
	twice := append(frame(wire.OpOneShot, 0, 900, 0, oneShot(h, nil)), frame(wire.OpOneShot, 0, 900, 0, oneShot(other, nil))...)
	_, err := conn.Write(twice)
	ok(t, err)
	conn.wantError(claviger.ErrInvalidArgument)
	if _, out, err := conn.receive(); err != nil || len(out) != 32 {
		t.Errorf("the first call: %d bytes, %v", len(out), err)
	}
}

// broken panics in the middle of an operation.
type broken struct{ provider.Provider }

func (b broken) OneShot(context.Context, provider.Op, *provider.Params, []byte, []byte) ([]byte, error) {
	panic("with a secret in it")
}

func TestAPanicFailsItsCallAlone(t *testing.T) {
	var log text
	conn := greeted(t, servertest.Start(t, servertest.Config{Provider: broken{software.New()}, Log: &log}).Path)
	var r pb.CreateContextReply
	ok(t, conn.control(wire.OpCreateContext, &pb.CreateContextRequest{Kind: uint32(claviger.HashContext), Algorithm: "SHA-256"}, &r))
	conn.send(wire.OpOneShot, 0, oneShot(r.Handle, []byte("x")))
	conn.wantError(claviger.ErrInternal)
	conn.wantAlive()
	if s := log.String(); !strings.Contains(s, "panicked") || strings.Contains(s, "with a secret") {
		t.Errorf("log: %s", s)
	}
}

func TestEverythingIsReleasedWhenTheLastConnectionCloses(t *testing.T) {
	path := servertest.Start(t, servertest.Config{}).Path
	watcher := greeted(t, path)
	conn := greeted(t, path)
	conn.macContext()
	mine, fd, err := sock.Pair()
	ok(t, err)
	conn.id++
	conn.sendFDs(frame(wire.OpConnect, wire.FlagFD, conn.id, 0, nil), fd)
	ok(t, unix.Close(fd))
	if _, _, err := conn.receive(); err != nil {
		t.Fatal(err)
	}
	further := &raw{UnixConn: mine, t: t}
	further.wantAlive() // without a hello of its own
	conn.Close()
	eventually(t, "one connection less", func() bool { return watcher.status().Connections == 2 })
	if s := further.status(); s.Keys != 1 || s.Sessions != 2 {
		t.Errorf("%v after the first connection closed", s)
	}
	further.Close()
	eventually(t, "the session is gone", func() bool {
		s := watcher.status()
		return s.Sessions == 1 && s.Keys == 0 && s.Handles == 0 && s.Connections == 1
	})
}

func TestASessionIsOpenedRefusedAndClosedInTheLog(t *testing.T) {
	var log text
	rules := policy.Rules{}
	path := servertest.Start(t, servertest.Config{Log: &log, Rules: &rules}).Path
	conn := connect(t, path)
	conn.send(wire.OpHello, 0, wire.Hello{Lowest: 1, Highest: 1}.Append(nil))
	_, _, err := conn.receive()
	if !errors.Is(err, claviger.ErrAccessDenied) || !strings.Contains(err.Error(), "[[app]]") {
		t.Errorf("refusal: %v", err)
	}
	conn.wantClosed()
	eventually(t, "the refusal is logged", func() bool { return strings.Contains(log.String(), "session refused") })

	open := servertest.Start(t, servertest.Config{Log: &log}).Path
	greeted(t, open).Close()
	eventually(t, "opening and closing are logged", func() bool {
		s := log.String()
		return strings.Contains(s, "session opened") && strings.Contains(s, "session closed") && strings.Contains(s, "tenant=self")
	})
}

func TestAnEndOfASocketPairIsServedLikeAnyOther(t *testing.T) {
	r := servertest.Start(t, servertest.Config{})
	mine, fd, err := sock.Pair()
	ok(t, err)
	theirs, err := sock.Adopt(fd)
	ok(t, err)
	done := make(chan error, 1)
	go func() { done <- r.Server.ServeConn(theirs) }()
	conn := &raw{UnixConn: mine, t: t}
	conn.hello()
	conn.macContext()
	mine.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestShutdownLetsPooledCallsFinish(t *testing.T) {
	r, p := slow(t, servertest.Config{})
	conn := greeted(t, r.Path)
	h := conn.macContext()
	p.SetDelay(100 * time.Millisecond)
	conn.send(wire.OpOneShot, 0, oneShot(h, nil))
	time.Sleep(20 * time.Millisecond)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- r.Server.Shutdown(ctx) }()
	if _, out, err := conn.receive(); err != nil || len(out) != 32 {
		t.Errorf("%d bytes, %v", len(out), err)
	}
	conn.wantClosed()
	ok(t, <-done)
	if c, err := net.Dial("unix", r.Path); err == nil {
		c.Close()
		t.Error("still listening")
	}
}

func TestLargeControlBodiesAreChargedAndGivenBack(t *testing.T) {
	cfg := servertest.Config{Limits: session.Limits{HeldBytes: 1 << 20}}
	conn := greeted(t, servertest.Start(t, cfg).Path)
	for _, n := range []int{wire.MaxControl - 100, 1100 << 10, 100 << 10} {
		err := conn.control(wire.OpImport, &pb.ImportRequest{Algorithm: "AES-256", Format: uint32(claviger.Raw), Data: make([]byte, n)}, &pb.KeyReply{})
		if over := n > 1<<20; err == nil || over != errors.Is(err, claviger.ErrQuotaExceeded) {
			t.Errorf("%d bytes: %v", n, err)
		}
		conn.wantAlive()
	}
	eventually(t, "nothing is held", func() bool { return conn.status().HeldBytes == 0 })
}

func TestPipelinedRequestsAreAllAnswered(t *testing.T) {
	conn := greeted(t, servertest.Start(t, servertest.Config{}).Path)
	h := conn.macContext()
	const calls = 3000
	go func() {
		var b bytes.Buffer
		for i := range calls {
			b.Write(frame(wire.OpOneShot, 0, uint64(1000+i), 0, oneShot(h, bytes.Repeat([]byte{1}, i))))
		}
		_, _ = io.Copy(conn, &b)
	}()
	for i := range calls {
		if head, out, err := conn.receive(); err != nil || head.ID != uint64(1000+i) || len(out) != 32 {
			t.Fatalf("reply %d: id %d, %d bytes, %v", i, head.ID, len(out), err)
		}
	}
}

func TestATenantsSlowCallsRunAtMostItsShareAtOnce(t *testing.T) {
	r, p := slow(t, servertest.Config{Limits: session.Limits{Slow: 2}})
	conn := greeted(t, r.Path)
	var handles []uint64
	for range 6 {
		handles = append(handles, conn.macContext())
	}
	p.SetDelay(100 * time.Millisecond)
	start := time.Now()
	for _, h := range handles {
		conn.send(wire.OpOneShot, 0, oneShot(h, nil))
	}
	for range handles {
		if _, _, err := conn.receive(); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(start); took < 290*time.Millisecond {
		t.Errorf("6 calls of 100 ms, 2 at once, took %v", took)
	}
}
