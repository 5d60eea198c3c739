package attack_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/internal/wire"
	"github.com/claviger/claviger/test/daemontest"
)

// The anonymous memory in bytes that the daemon stays under while users who each keep as many connections open as they
// get send on them what they like. A stranger costs a few KiB a connection. An application may have the daemon hold
// limits.held_bytes, here 32 MiB, and one frame of 68 KiB for each of its 256 connections; there are two, and Go's heap may
// be twice what is in use.
const (
	strangersCeiling = 64 << 20
	callersCeiling   = 224 << 20
)

// attacked is the configuration under attack: user B is an attacker whom the daemon knows.
const attacked = userSlots + `
[limits]
held_bytes = 33554432
`

// badConnections is how many are made: 10,000, in short mode 1,000, or what CLAVIGER_CONNECTIONS says.
func badConnections(t *testing.T) int {
	if text := os.Getenv("CLAVIGER_CONNECTIONS"); text != "" {
		return must(strconv.Atoi(text))(t)
	}
	if testing.Short() {
		return 1000
	}
	return 10_000
}

// userLimit is how many connections the daemon takes of one user, and atOnce how many an attacker tries to keep open.
const (
	userLimit = 512
	atOnce    = 600
)

// TestBadConnectionsDoNotHarm: 10,000 connections that are silent, slow, oversized, random or break off, as many at once as
// the daemon lets in, leave its memory under a stated ceiling and another client's calls as they are.
func TestBadConnectionsDoNotHarm(t *testing.T) {
	daemontest.NeedRoot(t)
	wantDescriptors(t, 5*atOnce)
	t.Run("strangers", func(t *testing.T) {
		underAttack(t, strangersCeiling, stranger, stranger+1, stranger+2, stranger+3)
	})
	t.Run("callers", func(t *testing.T) { underAttack(t, callersCeiling, daemontest.UserA, daemontest.UserB) })
}

// underAttack starts a daemon, lets users attack it, and looks at its memory, its descriptors and another client.
func underAttack(t *testing.T, ceiling int64, users ...int) {
	d := daemontest.Start(t, attacked)
	work := newWorker(t, d.Dial(t))
	work.once(t.Context())
	before := descriptors(t, d)
	peak := daemontest.Watch(d.PID())
	stop := work.start()
	var wg sync.WaitGroup
	for _, uid := range users {
		wg.Go(func() { flood(t, d, uid, badConnections(t)/len(users)) })
	}
	finished := make(chan struct{})
	go func() { wg.Wait(); close(finished) }()
	most := 0
	for attacking := true; attacking; {
		select {
		case <-finished:
			attacking = false
		case <-time.After(50 * time.Millisecond):
			most = max(most, descriptors(t, d))
			check(t, d.DialWith(t, client.Config{Timeout: 2 * time.Second}).Close()) // a newcomer gets in
		}
	}
	rounds, slowest := stop()
	top := peak()
	t.Logf("up to %d descriptors and %d MiB; the other client called %d times, the slowest took %s", most, top>>20, 2*rounds, slowest.Round(time.Microsecond))
	within(t, daemontest.Patience, "the daemon's descriptors are closed", func() bool { return descriptors(t, d) <= before })
	if top > ceiling && !daemontest.Race {
		t.Errorf("the daemon took up to %d MiB, the ceiling is %d", top>>20, ceiling>>20)
	}
	if rounds < 100 {
		t.Errorf("the other client called %d times", 2*rounds)
	}
}

// wantDescriptors raises the soft limit of open files, or skips where n are not to be had.
func wantDescriptors(t *testing.T, n uint64) {
	t.Helper()
	var limit unix.Rlimit
	check(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	if limit.Cur >= n {
		return
	}
	if limit.Max < n {
		t.Skipf("needs %d open files; the limit is %d", n, limit.Max)
	}
	limit.Cur = limit.Max
	check(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &limit))
}

// flood makes n bad connections as one user: half of what a user may have stay silent and open as long as the daemon lets
// them, the others come and go, always more at once than the daemon takes.
func flood(t *testing.T, d *daemontest.Daemon, uid, n int) {
	open := make(chan *net.UnixConn, atOnce)
	var held []*net.UnixConn
	asUser(t, uid, func() {
		for i := range n {
			conn, err := connectHere(d.Socket)
			if err != nil {
				t.Errorf("connection %d of uid %d: %v", i, uid, err)
				break
			}
			if len(held) < userLimit/2 {
				held = append(held, conn)
				continue
			}
			go misbehave(conn, badKinds[i%len(badKinds)])
			if len(open) == atOnce-userLimit/2 {
				(<-open).Close()
			}
			open <- conn
		}
	})
	time.Sleep(2500 * time.Millisecond) // longer than the time for a first frame
	close(open)
	for conn := range open {
		conn.Close()
	}
	for _, conn := range held {
		_ = conn.SetReadDeadline(time.Now().Add(time.Second)) // never fails on an open socket
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !errors.Is(err, unix.ECONNRESET) {
			t.Errorf("a silent connection of uid %d is still open: %v", uid, err)
		}
		conn.Close()
	}
}

// misbehave writes a part every 50 ms until it is all there or the daemon has enough of it.
func misbehave(conn *net.UnixConn, parts func() [][]byte) {
	for i, part := range parts() {
		if i > 0 {
			time.Sleep(50 * time.Millisecond)
		}
		if _, err := conn.Write(part); err != nil {
			return
		}
	}
}

// badKinds are the ways to misbehave, each a maker of what is written in parts.
var badKinds = []func() [][]byte{
	func() [][]byte { return nil },                // silent
	func() [][]byte { return split(goodHello()) }, // slow
	func() [][]byte { return [][]byte{goodHello()[:wire.HeaderSize/2]} },
	func() [][]byte { return [][]byte{goodHello()[:wire.HeaderSize+3]} },
	func() [][]byte { return [][]byte{header(wire.OpHello, 0, 1<<31)} },
	func() [][]byte { return [][]byte{header(wire.OpImport, 0, wire.MaxControl), make([]byte, 64<<10)} }, // before its hello
	func() [][]byte { return [][]byte{random(4096)} },
	func() [][]byte { return [][]byte{append(header(wire.OpHello, 0, 32), random(32)...)} },
	func() [][]byte { return [][]byte{append(goodHello(), goodHello()...)} },
	func() [][]byte { return [][]byte{append(goodHello(), random(4096)...)} },
	func() [][]byte {
		return [][]byte{append(goodHello(), header(wire.OpOneShot, 0, wire.MaxData)...), make([]byte, 60<<10)}
	}, // never ends
	func() [][]byte {
		return [][]byte{append(goodHello(), header(wire.OpImport, 0, wire.MaxControl)...), make([]byte, 1<<20)}
	},
	func() [][]byte {
		return [][]byte{append(goodHello(), header(wire.OpImport, 0, 1<<32-1)...), make([]byte, 64<<10)}
	},
	func() [][]byte { return [][]byte{goodHello(), pings(2000)} }, // and never reads the replies
}

func header(op wire.Op, flags wire.Flags, length uint32) []byte {
	return wire.Header{Length: length, Op: op, Flags: flags, ID: 1}.Append(nil)
}

func goodHello() []byte {
	body := wire.Hello{Lowest: wire.Version, Highest: wire.Version, MaxInline: wire.MaxData, MaxControl: wire.MaxControl}.Append(nil)
	return append(header(wire.OpHello, 0, uint32(len(body))), body...)
}

func pings(n int) []byte {
	var list []byte
	for range n {
		list = append(list, header(wire.OpPing, 0, 0)...)
	}
	return list
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// split cuts bytes into single ones.
func split(b []byte) [][]byte {
	parts := make([][]byte, len(b))
	for i := range b {
		parts[i] = b[i : i+1]
	}
	return parts
}

// worker is a client whose calls must go on.
type worker struct {
	t     testing.TB
	stack *client.Stack
	mac   *client.MAC
}

// callTime is what each of a worker's calls must take at most.
const callTime = time.Second

func newWorker(t testing.TB, stack *client.Stack) *worker {
	t.Helper()
	cc := scope(t, stack)
	key := must(manager(t, cc).Generate(t.Context(), client.GenerateParams{Algorithm: "HMAC-SHA-256"}))(t)
	mac := must(cc.NewMAC(t.Context(), client.MACConfig{Algorithm: "HMAC-SHA-256", Key: key, Timeout: callTime}))(t)
	return &worker{t, stack, mac}
}

// once makes two calls and gives the time of the longer one.
func (w *worker) once(ctx context.Context) time.Duration {
	start := time.Now()
	if _, err := w.mac.Sum(ctx, nil, []byte("text")); err != nil && ctx.Err() == nil {
		w.t.Errorf("MAC: %v", err)
	}
	half := time.Now()
	bounded, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if err := w.stack.Ping(bounded); err != nil && !errors.Is(ctx.Err(), context.Canceled) {
		w.t.Errorf("ping: %v", err)
	}
	return max(half.Sub(start), time.Since(half))
}

// start calls on and on until the function that it returns is called; that gives the number of rounds and the longest call.
func (w *worker) start() func() (int, time.Duration) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	var rounds int
	var slowest time.Duration
	go func() {
		defer close(done)
		for ; ctx.Err() == nil; rounds++ {
			slowest = max(slowest, w.once(ctx))
			time.Sleep(time.Millisecond)
		}
	}()
	return func() (int, time.Duration) {
		cancel()
		<-done
		return rounds, slowest
	}
}
