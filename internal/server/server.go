// Package server listens: it learns from the kernel who is calling, turns frames into calls of that caller's session,
// and holds the limits that keep one caller from harming another. docs/PROTOCOL.md is what it keeps to.
//
// Each connection has one goroutine. Work that its provider calls short runs there, and replies are written together
// once the input holds no further complete request. Everything else goes to a bounded pool and is answered out of order.
package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/session"
)

// Config says what a Server works with. Each zero field but Manager means the default named beside it.
type Config struct {
	Manager *session.Manager // opens sessions and knows the policy in force; required
	Log     *slog.Logger     // nil discards

	Timeout time.Duration // of a call that states none; default 5 s
	Ceiling time.Duration // of every call; default 2 min
	Hello   time.Duration // from connecting to a complete first frame; default 2 s
	Frame   time.Duration // from a frame's first byte to its last, and for a client to take some bytes; default 10 s

	Connections int // of all callers together; default 4096
	PerUID      int // connections of one uid, with those that have not said hello; default 512
	PerSession  int // connections that a client is told it may open; default 64
	Workers     int // pooled calls running at once; default 8 for each processor, at least 16
}

func (c Config) withDefaults() Config {
	def := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	span := func(v *time.Duration, d time.Duration) {
		if *v <= 0 {
			*v = d
		}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	span(&c.Timeout, 5*time.Second)
	span(&c.Ceiling, 2*time.Minute)
	span(&c.Hello, 2*time.Second)
	span(&c.Frame, 10*time.Second)
	def(&c.Connections, 4096)
	def(&c.PerUID, 512)
	def(&c.PerSession, 64)
	def(&c.Workers, max(16, 8*runtime.GOMAXPROCS(0)))
	c.Timeout = min(c.Timeout, c.Ceiling)
	return c
}

// Server serves callers. Its methods are safe for concurrent use.
type Server struct {
	cfg      Config
	epoch    time.Time // what clock counts from
	overflow uint32    // uid that the kernel shows for users it cannot map
	pool     *pool
	disk     *pool // of calls that do little but wait for a commit, which many share
	buffers  buffers
	refusals refusals

	closing atomic.Bool

	soleConn sole[conn]
	solePeer sole[peer]

	wg      sync.WaitGroup // connections
	mu      sync.Mutex
	sockets map[net.Listener]struct{}
	conns   map[*conn]struct{}
	perUID  map[uint32]int
	strange int // connections of uids that the policy does not know
}

// strangersShare is the part of all connections that callers may have whom the policy does not know: one for so many. A
// person can have thousands of uids by user namespaces (subuid(5)), so the limit for each uid is not enough.
const strangersShare = 4

// New makes a server that does not listen yet.
func New(cfg Config) *Server {
	cfg = cfg.withDefaults()
	return &Server{
		cfg:      cfg,
		epoch:    time.Now(),
		overflow: OverflowUID(),
		pool:     newPool(cfg.Workers, cfg.Manager.Limits().Slow),
		disk:     newPool(diskCalls, diskShare),
		sockets:  make(map[net.Listener]struct{}),
		conns:    make(map[*conn]struct{}),
		perUID:   make(map[uint32]int),
	}
}

// How many calls may wait for the store's commits at once, and how many of them for one tenant.
const (
	diskCalls = 256
	diskShare = 64
)

// OverflowUID reads which uid stands for unmapped users (user_namespaces(7)), who are refused; 65534 where the kernel does
// not say. It may be called concurrently.
func OverflowUID() uint32 {
	const usual = 65534
	text, err := os.ReadFile("/proc/sys/kernel/overflowuid")
	if err != nil {
		return usual
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 32)
	if err != nil {
		return usual
	}
	return uint32(n)
}

// clock is the monotonic time since New in nanoseconds. It costs half of what time.Now does.
func (s *Server) clock() int64 { return int64(time.Since(s.epoch)) }

// ServeConn serves one connection until it ends, as if it had been accepted; the server closes it. The error says why it
// ended: nil if the client closed it between two frames.
func (s *Server) ServeConn(nc *net.UnixConn) error {
	c, err := s.admit(nc)
	if err != nil {
		return err
	}
	return s.run(c)
}

// Shutdown stops listening, lets pooled calls finish until ctx ends, and closes what is left. It returns ctx's error if
// calls were cut off. New requests for pooled work are refused meanwhile.
func (s *Server) Shutdown(ctx context.Context) error {
	s.closing.Store(true)
	s.mu.Lock()
	for l := range s.sockets {
		l.Close()
	}
	s.mu.Unlock()
	err := errors.Join(s.pool.drain(ctx), s.disk.drain(ctx))
	s.mu.Lock()
	for c := range s.conns {
		_ = c.net.CloseRead() // what has arrived is still answered
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() {
		s.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
		return err
	case <-ctx.Done():
	case <-time.After(time.Second):
	}
	s.mu.Lock()
	for c := range s.conns {
		c.net.Close()
		c.calls.cutOff()
	}
	s.mu.Unlock()
	<-done
	return err
}

// track counts a connection, or refuses it: ErrQuotaExceeded, and ErrConnectionFailed when the server is closing.
func (s *Server) track(c *conn) error {
	_, unknown := s.cfg.Manager.Policy().Identify(c.who.UID)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch uid := c.who.UID; {
	case s.closing.Load():
		return claviger.Errorf(claviger.ErrConnectionFailed, "connect", "the daemon is stopping")
	case len(s.conns) >= s.cfg.Connections:
		return claviger.Errorf(claviger.ErrQuotaExceeded, "connect", "%d connections are open, the limit", len(s.conns))
	case s.perUID[uid] >= s.cfg.PerUID:
		return claviger.Errorf(claviger.ErrQuotaExceeded, "connect", "uid %d has %d connections, the limit", uid, s.perUID[uid])
	case unknown != nil && s.strange >= max(1, s.cfg.Connections/strangersShare):
		return claviger.Errorf(claviger.ErrQuotaExceeded, "connect", "%d connections of unknown users are open, the limit", s.strange)
	default:
		if c.stranger = unknown != nil; c.stranger {
			s.strange++
		}
		s.conns[c] = struct{}{}
		s.perUID[uid]++
		s.wg.Add(1)
		return nil
	}
}

func (s *Server) untrack(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	s.soleConn.forget(c)
	if c.stranger {
		s.strange--
	}
	if s.perUID[c.who.UID]--; s.perUID[c.who.UID] <= 0 {
		delete(s.perUID, c.who.UID)
	}
	s.wg.Done()
}

// limit is how long a call may take, from the remaining field of its header.
func (s *Server) limit(remaining uint32) time.Duration {
	switch remaining {
	case 0:
		return s.cfg.Timeout
	case noDeadline:
		return s.cfg.Ceiling
	}
	return min(time.Duration(remaining)*time.Microsecond, s.cfg.Ceiling)
}

// closed reports whether err is what a closed socket or listener gives.
func closed(err error) bool { return errors.Is(err, net.ErrClosed) }
