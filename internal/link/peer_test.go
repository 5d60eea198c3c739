package link_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/link"
	"github.com/claviger/claviger/internal/provider/delay"
	"github.com/claviger/claviger/internal/provider/software"
	"github.com/claviger/claviger/internal/server"
	"github.com/claviger/claviger/internal/server/servertest"
	"github.com/claviger/claviger/internal/sock"
	"github.com/claviger/claviger/internal/wire"
	"github.com/claviger/claviger/test/daemontest"
)

// slack is what a test allows beyond a deadline; the promise is 20 ms on a machine that is not busy.
const slack = 150 * time.Millisecond

// wantTimeout sees that call ends with ErrOperationTimedOut when limit has passed.
func wantTimeout(t *testing.T, what string, limit time.Duration, call func() error) {
	t.Helper()
	start, stalls := time.Now(), daemontest.Stalls()
	err := call()
	took, stalled := time.Since(start), stalls()
	if !errors.Is(err, claviger.ErrOperationTimedOut) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%s: %v", what, err)
	}
	if took < limit-5*time.Millisecond || took > limit+slack+stalled {
		t.Errorf("%s: ended after %v, the limit was %v", what, took, limit)
	}
}

func TestCallsEndInTimeWhileTheDaemonIsStopped(t *testing.T) {
	cmd, socket := daemon(t)
	const limit = 100 * time.Millisecond
	l := dial(t, socket, link.Options{Timeout: limit})
	h := macContext(t, l)
	daemontest.Freeze(t, cmd.Process.Pid)
	call := func(n int) func() error {
		return func() error {
			_, err := l.Data(context.Background(), &link.DataCall{Op: wire.OpOneShot, Handle: h, Data: make([]byte, n)}, nil)
			return err
		}
	}
	wantTimeout(t, "ping", limit, func() error { return l.Ping(context.Background()) })
	wantTimeout(t, "small call", limit, call(32))
	for range 12 { // more than the socket holds
		wantTimeout(t, "64 KiB call", limit, call(wire.MaxInline))
	}
	wantTimeout(t, "region call", limit, call(1<<20))
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { wantTimeout(t, "one of many", limit, call(32)) })
	}
	wg.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), limit/2)
	defer cancel()
	wantTimeout(t, "context's deadline", limit/2, func() error { return l.Ping(ctx) })
	wantTimeout(t, "dial", limit, func() error {
		_, err := link.Dial(context.Background(), socket, link.Options{Timeout: limit})
		return err
	})
	ok(t, cmd.Process.Signal(syscall.SIGCONT))
	fresh := macContext(t, l) // the old one is in the error state
	message := bytes.Repeat([]byte("late replies are skipped"), 40)
	for range 50 {
		out, err := l.Data(context.Background(), &link.DataCall{Op: wire.OpOneShot, Handle: fresh, Data: message, Timeout: 5 * time.Second}, nil)
		if err != nil || !bytes.Equal(out, mac(message)) {
			t.Fatal(err)
		}
	}
}

func TestDialEndsInTimeWhileTheBacklogIsFull(t *testing.T) {
	path := filepath.Join(shortDir(t), "s")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	ok(t, err)
	defer unix.Close(fd)
	ok(t, unix.Bind(fd, &unix.SockaddrUnix{Name: path}))
	ok(t, unix.Listen(fd, 0))
	const limit = 80 * time.Millisecond
	for range 3 { // the first fills the backlog
		wantTimeout(t, "dial", limit, func() error {
			_, err := link.Dial(context.Background(), path, link.Options{Timeout: limit})
			return err
		})
	}
}

func TestDialSaysWhyThereIsNoConnection(t *testing.T) {
	dir := shortDir(t)
	stale := filepath.Join(dir, "stale")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	ok(t, err)
	l.SetUnlinkOnClose(false)
	l.Close()
	for _, path := range []string{filepath.Join(dir, "none"), stale} {
		_, err := link.Dial(context.Background(), path, link.Options{})
		if !errors.Is(err, claviger.ErrConnectionFailed) || !bytes.Contains([]byte(err.Error()), []byte(path)) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestAllWhoWaitLearnAtOnceThatTheDaemonDied(t *testing.T) {
	cmd, socket := daemon(t)
	l := dial(t, socket, link.Options{Timeout: 30 * time.Second})
	ok(t, l.Ping(context.Background()))
	daemontest.Freeze(t, cmd.Process.Pid)
	var wg sync.WaitGroup
	ends := make([]time.Time, 30)
	for i := range ends {
		wg.Go(func() {
			if err := l.Ping(context.Background()); !errors.Is(err, claviger.ErrConnectionFailed) {
				t.Errorf("caller %d: %v", i, err)
			}
			ends[i] = time.Now()
		})
	}
	time.Sleep(50 * time.Millisecond)
	died, stalls := time.Now(), daemontest.Stalls()
	ok(t, cmd.Process.Kill())
	wg.Wait()
	stalled := stalls()
	for i, end := range ends {
		if took := end.Sub(died); took > 300*time.Millisecond+stalled {
			t.Errorf("caller %d learned it after %v", i, took)
		}
	}
	if err := l.Ping(context.Background()); !errors.Is(err, claviger.ErrConnectionFailed) || l.Err() == nil {
		t.Errorf("later call: %v, link: %v", err, l.Err())
	}
}

func TestCancellingAContextEndsTheCallAndFreesItsPlace(t *testing.T) {
	p := delay.New(software.New())
	path := servertest.Start(t, servertest.Config{Provider: p}).Path
	t.Cleanup(func() { p.SetDelay(0) })
	l := dial(t, path, link.Options{Connections: 1, Timeout: time.Minute})
	h := macContext(t, l)
	p.SetDelay(time.Minute)
	var wg sync.WaitGroup
	for range 10 { // of which one reads for all
		wg.Go(func() {
			ctx, cancel := context.WithCancel(context.Background())
			time.AfterFunc(50*time.Millisecond, cancel)
			start, stalls := time.Now(), daemontest.Stalls()
			_, err := l.Data(ctx, &link.DataCall{Op: wire.OpOneShot, Handle: h, Data: []byte("x")}, nil)
			took := time.Since(start) - stalls()
			if !errors.Is(err, context.Canceled) && !errors.Is(err, claviger.ErrInvalidOperation) {
				t.Errorf("%v", err)
			}
			if took > 50*time.Millisecond+slack {
				t.Errorf("ended after %v", took)
			}
		})
	}
	wg.Wait()
	ok(t, l.Ping(context.Background()))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	before := l.Frames()
	if err := l.Ping(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended: %v", err)
	}
	if n := l.Frames() - before; n > 1 {
		t.Errorf("%d frames", n)
	}
}

func TestTheShortestDeadlineOnASharedConnectionIsKept(t *testing.T) {
	p := delay.New(software.New())
	path := servertest.Start(t, servertest.Config{Provider: p, Server: server.Config{Ceiling: time.Minute}}).Path
	t.Cleanup(func() { p.SetDelay(0) })
	l := dial(t, path, link.Options{Connections: 1, Timeout: time.Minute})
	handles := []uint64{macContext(t, l), macContext(t, l), macContext(t, l)}
	p.SetDelay(time.Second)
	var wg sync.WaitGroup
	for i, limit := range []time.Duration{time.Minute, 60 * time.Millisecond, 150 * time.Millisecond} {
		wg.Go(func() {
			call := func() error {
				_, err := l.Data(context.Background(), &link.DataCall{Op: wire.OpOneShot, Handle: handles[i], Timeout: limit}, nil)
				return err
			}
			if limit == time.Minute {
				ok(t, call())
			} else {
				wantTimeout(t, "shared", limit, call)
			}
		})
		time.Sleep(5 * time.Millisecond) // the first becomes the reader
	}
	wg.Wait()
}

func TestTheDaemonMustBeWhoItShouldBe(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to be somebody else")
	}
	path := filepath.Join(shortDir(t), "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	ok(t, err)
	defer l.Close()
	raw, err := l.SyscallConn()
	ok(t, err)
	const unchanged = ^uintptr(0)
	done := make(chan error)
	go func() { // the kernel notes who listens, so a thread of another uid does
		var failed error
		err := raw.Control(func(fd uintptr) {
			if _, _, e := syscall.RawSyscall(syscall.SYS_SETRESUID, unchanged, 4242, unchanged); e != 0 {
				failed = e
			}
			if failed == nil {
				failed = unix.Listen(int(fd), 1)
			}
			_, _, _ = syscall.RawSyscall(syscall.SYS_SETRESUID, unchanged, 0, unchanged)
		})
		done <- errors.Join(err, failed)
	}()
	ok(t, <-done)
	other := uint32(4243)
	for _, o := range []link.Options{{}, {Owner: &other}} {
		if _, err := link.Dial(context.Background(), path, o); !errors.Is(err, claviger.ErrConnectionFailed) {
			t.Errorf("dial: %v", err)
		}
	}
	owner := uint32(4242)
	o := link.Options{Owner: &owner, Timeout: 50 * time.Millisecond}
	if _, err := link.Dial(context.Background(), path, o); !errors.Is(err, claviger.ErrOperationTimedOut) {
		t.Errorf("dial with the owner's uid: %v", err)
	}
}

func TestADaemonThatTalksNonsenseBreaksTheLink(t *testing.T) {
	hello := wire.HelloReply{Version: 1, MaxConnections: 1}.Append(nil)
	greeting := append(wire.Header{Op: wire.OpHello, Flags: wire.FlagReply, ID: 1 << 16, Length: uint32(len(hello))}.Append(nil), hello...)
	for name, nonsense := range map[string][]byte{
		"a request":        wire.Header{Op: wire.OpPing, ID: 2 << 16}.Append(nil),
		"too long a reply": wire.Header{Op: wire.OpPing, Flags: wire.FlagReply, ID: 2 << 16, Length: 9}.Append(nil),
		"another reply":    wire.Header{Op: wire.OpReset, Flags: wire.FlagReply, ID: 2 << 16}.Append(nil),
		"an empty error":   wire.Header{Op: wire.OpPing, Flags: wire.FlagReply | wire.FlagError, ID: 2 << 16}.Append(nil),
		"half a reply":     wire.Header{Op: wire.OpPing, Flags: wire.FlagReply, ID: 2 << 16}.Append(nil)[:20],
	} {
		t.Run(name, func(t *testing.T) {
			mine, fd, err := sock.Pair()
			ok(t, err)
			theirs, err := sock.Adopt(fd)
			ok(t, err)
			go func() {
				defer theirs.Close()
				b := make([]byte, 4096)
				_, _ = theirs.Read(b)
				_, _ = theirs.Write(greeting)
				_, _ = theirs.Read(b)
				_, _ = theirs.Write(nonsense)
			}()
			l, err := link.New(context.Background(), mine, link.Options{})
			ok(t, err)
			defer l.Close()
			if err := l.Ping(context.Background()); err == nil {
				t.Error("nonsense was taken for an answer")
			}
		})
	}
}

func TestClosingWakesAllWhoWait(t *testing.T) {
	cmd, socket := daemon(t)
	l := dial(t, socket, link.Options{Timeout: 30 * time.Second})
	daemontest.Freeze(t, cmd.Process.Pid)
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if err := l.Ping(context.Background()); !errors.Is(err, claviger.ErrUninitializedStack) {
				t.Error(err)
			}
		})
	}
	time.Sleep(50 * time.Millisecond)
	ok(t, l.Close())
	wg.Wait()
	ok(t, l.Close())
}

func TestClosingWhileACallBeginsEndsBoth(t *testing.T) {
	path := servertest.Start(t, servertest.Config{}).Path
	for range 300 {
		l := dial(t, path, link.Options{Connections: 1})
		begun, ended := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(ended)
			close(begun)
			for l.Ping(context.Background()) == nil {
			}
		}()
		<-begun
		go func() { _ = l.Close() }()
		select {
		case <-ended:
		case <-time.After(time.Minute):
			t.Fatal("a call and Close wait for each other")
		}
	}
}
