// Package link is the client's end of the wire: one session with a daemon, over several connections that many
// goroutines share. It knows frames, time and broken connections, and nothing of what the operations mean.
//
// A call writes its request and reads the reply in its own goroutine. When several share a connection, one of them reads
// for all and hands on the reading when it has what it came for; requests that are made meanwhile go out together.
package link

import (
	"context"
	"errors"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/sock"
	"github.com/claviger/claviger/internal/wire"
)

// dialTimeout bounds Dial when Options.Timeout leaves it open.
const dialTimeout = 5 * time.Second

// Options say how a Link behaves. The zero value works.
type Options struct {
	Timeout     time.Duration // of calls that state none; 0 is the daemon's default, below 0 none
	Connections int           // at most; 0 is 4 for each processor; the daemon may allow fewer
	Owner       *uint32       // uid that the daemon may have beside root's and this process's own
}

// Hello is what the daemon said when the session was opened.
type Hello = wire.HelloReply

// Link is a session with a daemon. Its methods are safe for concurrent use. Errors are *claviger.Error. Once a connection
// breaks the whole link is broken: every call, waiting or new, is ErrConnectionFailed at once.
type Link struct {
	opts       Options
	epoch      time.Time
	hello      Hello
	processors int
	calls      atomic.Uint64 // requests sent
	flying     atomic.Int32  // requests that wait for their reply

	mu      sync.Mutex
	conns   []*conn // the first is the one that said hello
	max     int
	opening bool
	err     error // sticky
	regions regions
}

// Dial connects to the daemon's socket at path and says hello. With the daemon stopped or its backlog full it returns
// ErrOperationTimedOut when Options.Timeout (5 s if that is not positive) has passed or ctx ends. ErrConnectionFailed
// says why there is no connection, ErrAccessDenied that the daemon lets nobody of this uid in.
func Dial(ctx context.Context, path string, o Options) (*Link, error) {
	ctx, cancel := o.dialing(ctx)
	defer cancel()
	c, err := sock.Connect(path, ctx.Done())
	switch {
	case err == nil:
		return New(ctx, c, o)
	case errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() != nil:
		return nil, ended(ctx, "dial")
	}
	return nil, &claviger.Error{Code: claviger.ErrConnectionFailed, Op: "dial", Detail: path + ": " + err.Error(), Err: err}
}

func (o Options) dialing(ctx context.Context) (context.Context, context.CancelFunc) {
	switch {
	case o.Timeout > 0:
		return context.WithTimeout(ctx, o.Timeout)
	case o.Timeout < 0:
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, dialTimeout)
}

// New says hello on a connection, which the link takes over also when it fails. Time and errors are Dial's.
func New(ctx context.Context, nc *net.UnixConn, o Options) (*Link, error) {
	ctx, cancel := o.dialing(ctx)
	defer cancel()
	if err := checkPeer(nc, o.Owner); err != nil {
		nc.Close()
		return nil, err
	}
	l := &Link{opts: o, epoch: time.Now(), processors: runtime.GOMAXPROCS(0)}
	l.regions.init(l)
	c, err := newConn(l, nc)
	if err != nil {
		nc.Close()
		return nil, err
	}
	l.conns = []*conn{c}
	if err := l.greet(ctx, c); err != nil {
		l.fail(err)
		return nil, err
	}
	return l, nil
}

// checkPeer sees that the daemon is who it should be: a socket in a place where others can write could be anybody's.
func checkPeer(nc *net.UnixConn, owner *uint32) error {
	who, err := sock.PeerOf(nc, false)
	if err != nil {
		return claviger.WrapError(claviger.ErrConnectionFailed, "dial", err)
	}
	if self := uint32(os.Getuid()); who.UID == 0 || who.UID == self || owner != nil && who.UID == *owner {
		return nil
	}
	return claviger.Errorf(claviger.ErrConnectionFailed, "dial", "the socket belongs to uid %d, which is not root, not uid %d of this process and not the daemon's uid as configured",
		who.UID, os.Getuid())
}

func (l *Link) greet(ctx context.Context, c *conn) error {
	hello := wire.Hello{Lowest: wire.Version, Highest: wire.Version, MaxInline: wire.MaxData, MaxControl: wire.MaxControl}
	body, err := c.do(ctx, &request{op: wire.OpHello, body: hello.Append(nil), timeout: -1})
	if err != nil {
		return err
	}
	if l.hello, err = wire.ParseHelloReply(body); err != nil {
		return err
	}
	if l.hello.Version != wire.Version {
		return claviger.Errorf(claviger.ErrConnectionFailed, "hello", "the daemon chose protocol version %d", l.hello.Version)
	}
	sock.Grow(c.net)
	l.max = l.opts.Connections
	if l.max <= 0 {
		l.max = 4 * l.processors
	}
	l.max = max(1, min(l.max, int(l.hello.MaxConnections)))
	return nil
}

// Hello gives what the daemon said: limits, tenant, default timeout.
func (l *Link) Hello() Hello { return l.hello }

// Frames counts the requests that were sent so far, cancels apart.
func (l *Link) Frames() uint64 { return l.calls.Load() }

// Err is nil while the link can be used, and the reason once it cannot.
func (l *Link) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Close ends the session. Calls that wait, and later ones, are ErrUninitializedStack. It returns nil; further calls do
// nothing.
func (l *Link) Close() error {
	l.fail(claviger.Errorf(claviger.ErrUninitializedStack, "close", "the stack was closed"))
	return nil
}

// fail makes err the link's end, unless it has ended before, and wakes all who wait.
func (l *Link) fail(err error) {
	l.mu.Lock()
	if l.err != nil {
		l.mu.Unlock()
		return
	}
	l.err = err
	conns := l.conns
	l.mu.Unlock()
	for _, c := range conns {
		c.mu.Lock()
		c.breakOff(err)
		c.mu.Unlock()
	}
	l.regions.close()
}

// clock is the monotonic time since the link was made in nanoseconds.
func (l *Link) clock() int64 { return int64(time.Since(l.epoch)) }

// Ping asks the daemon for an empty reply.
func (l *Link) Ping(ctx context.Context) error {
	_, err := l.call(ctx, &request{op: wire.OpPing})
	return err
}

// Control runs a control operation: req and reply are the messages that docs/PROTOCOL.md names for op. timeout 0 is
// that of Options, below 0 none. After ErrOperationTimedOut the outcome is unknown.
func (l *Link) Control(ctx context.Context, op wire.Op, timeout time.Duration, req, reply proto.Message) error {
	body, err := wire.AppendMessage(nil, op, req)
	if err != nil {
		return err
	}
	out, err := l.call(ctx, &request{op: op, body: body, timeout: timeout})
	clear(body)
	if err != nil {
		return err
	}
	err = wire.ParseMessage(out, op, reply)
	clear(out)
	return err
}

// call runs a request on the connection that suits best.
func (l *Link) call(ctx context.Context, r *request) ([]byte, error) {
	c, err := l.pick()
	if err != nil {
		r.closeFD()
		return r.dst, err
	}
	l.flying.Add(1)
	out, err := c.do(ctx, r)
	l.flying.Add(-1)
	l.done(c)
	return out, err
}

// pick chooses an idle connection, or the one with the fewest calls; then one more is opened in the background while
// there may be more.
func (l *Link) pick() (*conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return nil, l.err
	}
	best := l.conns[0]
	for _, c := range l.conns {
		if c.load < best.load {
			best = c
		}
		if best.load == 0 {
			break
		}
	}
	if l.crowded(best) && !l.opening && len(l.conns) < l.max {
		l.opening = true
		go l.grow()
	}
	best.load++
	l.calls.Add(1)
	return best, nil
}

// crowded reports whether another connection would help, best being the one with the fewest calls; the caller holds mu.
// What the daemon does for one connection it does one after the other, so there should be one for each processor;
// beyond that, requests that go out together on one connection cost less than on several.
func (l *Link) crowded(best *conn) bool {
	switch n := len(l.conns); {
	case n < l.processors:
		return best.load > 0
	case n < 2*l.processors:
		return best.load > 1
	}
	return best.load > 15
}

func (l *Link) done(c *conn) {
	l.mu.Lock()
	c.load--
	l.mu.Unlock()
}

// grow opens one more connection of the session. If the daemon does not want it, what there is has to do.
func (l *Link) grow() {
	c, err := l.further()
	l.mu.Lock()
	l.opening = false
	switch {
	case err != nil:
		l.max = len(l.conns)
	case l.err == nil:
		l.conns = append(l.conns[:len(l.conns):len(l.conns)], c)
		c = nil
	}
	l.mu.Unlock()
	if c != nil {
		c.net.Close()
	}
}

func (l *Link) further() (*conn, error) {
	nc, fd, err := sock.Pair()
	if err != nil {
		return nil, err
	}
	c, err := newConn(l, nc)
	if err != nil {
		nc.Close()
		return nil, err
	}
	sock.Grow(nc)
	l.mu.Lock()
	first := l.conns[0]
	l.mu.Unlock()
	if _, err := first.do(context.Background(), &request{op: wire.OpConnect, flags: wire.FlagFD, fd: fd}); err != nil {
		nc.Close()
		return nil, err
	}
	return c, nil
}

// ended says why a call whose context has ended got no answer. A context may be past its deadline a moment before it says
// so itself.
func ended(ctx context.Context, op string) error {
	if err := ctx.Err(); err == nil || errors.Is(err, context.DeadlineExceeded) {
		return &claviger.Error{Code: claviger.ErrOperationTimedOut, Op: op, Detail: "no answer in time", Err: context.DeadlineExceeded}
	}
	return &claviger.Error{Code: claviger.ErrOperationFailed, Op: op, Detail: "given up by the caller", Err: ctx.Err()}
}
