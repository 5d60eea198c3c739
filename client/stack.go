package client

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/link"
	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
)

// NoTimeout as a Timeout means that calls have no deadline of their own. The daemon's ceiling
// and the deadline of the context.Context stay in force.
const NoTimeout time.Duration = -1

// closeTimeout bounds the calls that give things back where no timeout is set.
const closeTimeout = 5 * time.Second

// Config says how to reach a daemon. The zero value means the defaults named here.
type Config struct {
	Endpoint    string        // "unix:///var/run/crypto-daemon.sock" or a path; "" is $CLAVIGER_SOCKET, else /run/claviger/claviger.sock
	Timeout     time.Duration // of each call that has none of its own; 0 is the daemon's default, NoTimeout is none
	DaemonUID   *uint32       // user the daemon may run as, beside root and the caller's own; nil is $CLAVIGER_DAEMON_UID, else the account "claviger"
	Connections int           // most connections opened; 0 is four per processor. The daemon may allow fewer
	Guest       GuestIdentity // the WebAssembly guest that the stack is to be; zero: the program itself
}

// Stack is a program's link to one daemon. Close ends it. Safe for concurrent use.
type Stack struct {
	link    *link.Link
	timeout time.Duration
	tenant  string // as the daemon calls the caller, or its guest
	closed  atomic.Bool

	verdicts sync.Pool // of *[1]byte: where verdicts are read to

	littered atomic.Bool // litter is not empty
	mu       sync.Mutex
	litter   []uint64 // handles of keys and certificates that were collected unclosed; guarded by mu
}

// Dial connects to the daemon that the configuration names. ctx and Timeout bound the dialling.
// The daemon must run as root, as the caller's own user or as DaemonUID. ErrConnectionFailed if
// it cannot be reached or is someone else, ErrAccessDenied if it does not know the caller, or the caller
// may not vouch for Guest; that error holds the lines to add to its configuration.
func Dial(ctx context.Context, c Config) (*Stack, error) {
	begin := time.Now()
	path, err := socketPath(c.Endpoint)
	if err != nil {
		return nil, err
	}
	if c.DaemonUID, err = daemonUID(c.DaemonUID); err != nil {
		return nil, err
	}
	l, err := link.Dial(ctx, path, c.options())
	if err != nil {
		return nil, err
	}
	return c.stack(ctx, l, begin)
}

// New makes a stack of a connected unix socket, such as one end of a socket pair. The stack
// owns conn from here on, also when New fails. Endpoint and the environment are not looked at.
func New(ctx context.Context, conn *net.UnixConn, c Config) (*Stack, error) {
	begin := time.Now()
	l, err := link.New(ctx, conn, c.options())
	if err != nil {
		return nil, err
	}
	return c.stack(ctx, l, begin)
}

// stack takes charge of a link whose dialling began at begin, and makes it the guest's where there is one.
func (c *Config) stack(ctx context.Context, l *link.Link, begin time.Time) (*Stack, error) {
	s := &Stack{link: l, timeout: c.Timeout, tenant: l.Hello().Tenant}
	s.verdicts.New = func() any { return new([1]byte) }
	if c.Guest == (GuestIdentity{}) {
		return s, nil
	}
	if err := s.become(ctx, c.Guest, begin); err != nil {
		_ = l.Close() // always nil
		return nil, err
	}
	return s, nil
}

// options are the part of the configuration that is the link's affair.
func (c *Config) options() link.Options {
	return link.Options{Timeout: c.Timeout, Connections: c.Connections, Owner: c.DaemonUID}
}

// CryptoContext makes a new scope for names, keys and operation contexts. It makes no call.
func (s *Stack) CryptoContext() (*CryptoContext, error) {
	if s.closed.Load() {
		return nil, errClosedStack("crypto context")
	}
	return &CryptoContext{stack: s, handles: make(map[uint64]struct{})}, nil
}

// Tenant gives the name under which the daemon knows the caller, or the guest that it vouches for.
func (s *Stack) Tenant() string { return s.tenant }

// Frames counts the requests that were sent to the daemon so far.
func (s *Stack) Frames() uint64 { return s.link.Frames() }

// Ping asks the daemon for an empty answer.
func (s *Stack) Ping(ctx context.Context) error {
	if s.closed.Load() {
		return errClosedStack("ping")
	}
	return s.fault("ping", s.link.Ping(ctx))
}

// Close ends the link. The daemon releases all that was made through it, calls in flight
// included. Idempotent.
func (s *Stack) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	return s.link.Close()
}

// control makes one control call. what names it in errors.
func (s *Stack) control(ctx context.Context, what string, op wire.Op, timeout time.Duration, req, reply proto.Message) error {
	if s.closed.Load() {
		return errClosedStack(what)
	}
	timeout = s.sweep(ctx, timeout)
	return s.fault(what, s.link.Control(ctx, op, timeout, req, reply))
}

// fault turns the error of a link that was closed under a call into the error of a closed
// stack.
func (s *Stack) fault(what string, err error) error {
	if err != nil && s.closed.Load() {
		return errClosedStack(what)
	}
	return err
}

// release gives handles back within timeout; 0 is the stack's, and where that is none it is
// closeTimeout. It needs no context, because what closes must not be kept from closing by a
// context that is done. On a broken or closed link nothing is left to give back.
func (s *Stack) release(timeout time.Duration, handles []uint64) error {
	if len(handles) == 0 || s.closed.Load() {
		return nil
	}
	if timeout = s.budget(timeout); timeout < 0 {
		timeout = closeTimeout
	}
	req := &pb.ReleaseRequest{Handles: handles}
	err := s.control(context.Background(), "release", wire.OpRelease, timeout, req, &pb.ReleaseReply{})
	if s.closed.Load() || claviger.CodeOf(err) == claviger.ErrConnectionFailed {
		return nil
	}
	return err
}

// discard notes a handle whose owner was collected without being closed. It runs on the
// collector's goroutine and must not block; the handle goes back with the next control call.
func (s *Stack) discard(handle uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.litter = append(s.litter, handle)
	s.littered.Store(true)
}

// sweep gives discarded handles back, on the time of the call that comes next, and gives what is left of it. Its failure
// is nobody's concern: the daemon frees them at the latest with the link.
func (s *Stack) sweep(ctx context.Context, timeout time.Duration) time.Duration {
	if !s.littered.Load() || ctx.Err() != nil { // such a call sends nothing
		return timeout
	}
	s.mu.Lock()
	handles := s.litter
	s.litter = nil
	s.littered.Store(false)
	s.mu.Unlock()
	budget, start := s.budget(timeout), time.Now()
	_ = s.link.Control(ctx, wire.OpRelease, budget, &pb.ReleaseRequest{Handles: handles}, &pb.ReleaseReply{})
	if budget < 0 {
		return budget
	}
	return max(budget-time.Since(start), 1) // 0 would be the default
}

// budget gives the time that a call with this timeout has: its own, else the stack's, else the
// daemon's; negative for none.
func (s *Stack) budget(timeout time.Duration) time.Duration {
	if timeout == 0 {
		timeout = s.timeout
	}
	if timeout == 0 {
		timeout = s.link.Hello().Timeout
	}
	return timeout
}

// bound gives a context that ends with the time of one call with this timeout, for what takes
// several round trips.
func (s *Stack) bound(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	budget := s.budget(timeout)
	if budget <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, budget)
}

// errClosedStack is the error of everything after Stack.Close.
func errClosedStack(what string) error {
	return claviger.Errorf(claviger.ErrUninitializedStack, what, "the stack is closed")
}
