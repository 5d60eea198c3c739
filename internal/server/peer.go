package server

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/session"
	"github.com/claviger/claviger/internal/sock"
	"github.com/claviger/claviger/internal/wire"
)

const noDeadline = wire.NoDeadline

// peer is a caller with its session and connections. The session ends with the last connection.
type peer struct {
	srv    *Server
	sess   *session.Session
	who    sock.Peer
	opened int64 // clock
	ctx    context.Context
	cancel context.CancelFunc

	mu    sync.Mutex
	conns int
}

// hello answers the first frame and opens the session. After an error the connection is closed.
func (c *conn) hello(h wire.Header, body []byte) error {
	p, version, err := c.srv.greet(c, body)
	if err != nil {
		c.srv.refuse("session refused", slog.Any("uid", c.who.UID), slog.Any("pid", c.who.PID), slog.String("error", err.Error()))
		c.fail(h, err)
		return errBye
	}
	c.peer, c.founder = p, true
	c.armed = true // the hello's deadline is still set
	c.armedAt = c.frames - 1
	sock.Grow(c.net)
	cfg := &c.srv.cfg
	c.reply(h, wire.HelloReply{Version: version, MaxInline: wire.MaxInline, MaxControl: wire.MaxControl, Timeout: cfg.Timeout,
		Ceiling: cfg.Ceiling, MaxConnections: uint16(min(cfg.PerSession, 0xFFFF)), Tenant: p.sess.Caller().Tenant}.Append(nil))
	c.resize(normalInput)
	return nil
}

func (s *Server) greet(c *conn, body []byte) (*peer, uint16, error) {
	hello, err := wire.ParseHello(body)
	if err != nil {
		return nil, 0, err
	}
	version, err := hello.Choose()
	if err != nil {
		return nil, 0, err
	}
	if err := s.identify(c.who); err != nil {
		return nil, 0, err
	}
	caller, err := s.cfg.Manager.Policy().Identify(c.who.UID)
	if err != nil {
		return nil, 0, err
	}
	p, err := s.open(c, caller)
	return p, version, err
}

// open makes the session of a caller with its first connection.
func (s *Server) open(c *conn, caller policy.Caller) (*peer, error) {
	sess, err := s.cfg.Manager.Open(caller)
	if err != nil {
		return nil, err
	}
	if err := sess.AddConnection(); err != nil {
		sess.Close()
		return nil, err
	}
	p := &peer{srv: s, sess: sess, who: c.who, opened: s.clock(), conns: 1}
	if who, err := sock.PeerOf(c.net, true); err == nil {
		p.who = who // with a descriptor of the process, so that its pid is not given to another meanwhile
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	s.cfg.Log.Info("session opened", "tenant", caller.Tenant, "uid", p.who.UID, "pid", p.who.PID, "admin", caller.Admin)
	return p, nil
}

// leave ends one connection of the caller, and the session with the last one.
func (p *peer) leave(why error) {
	p.sess.DropConnection()
	p.mu.Lock()
	p.conns--
	last := p.conns == 0
	p.mu.Unlock()
	if !last {
		return
	}
	p.cancel()
	p.srv.solePeer.forget(p)
	p.sess.Close()
	if p.who.PIDFD >= 0 {
		_ = unix.Close(p.who.PIDFD)
	}
	reason := "closed by the client"
	if why != nil {
		reason = why.Error()
	}
	p.srv.cfg.Log.Info("session closed", "tenant", p.sess.Caller().Tenant, "uid", p.who.UID, "pid", p.who.PID,
		"lasted", time.Duration(p.srv.clock()-p.opened).Round(time.Millisecond), "reason", reason)
}

// connect makes the passed socket a further connection of the session, past its hello. Who holds the socket's other end
// is what the caller has decided by passing it on.
func (c *conn) connect(h wire.Header) error {
	fd, err := c.claimFD()
	if err != nil {
		c.fail(h, err)
		return errBye
	}
	nc, err := sock.Adopt(fd)
	if err != nil {
		c.fail(h, claviger.Errorf(claviger.ErrInvalidArgument, "connect", "the descriptor is %s", err))
		return nil
	}
	if err := c.adopt(nc); err != nil {
		nc.Close()
		c.fail(h, err)
		return nil
	}
	c.reply(h, nil)
	return nil
}

func (c *conn) adopt(nc *net.UnixConn) error {
	p := c.peer
	further, err := newConn(c.srv, nc, c.who)
	if err != nil {
		return err
	}
	if err := p.sess.AddConnection(); err != nil {
		return err
	}
	if err := c.srv.track(further); err != nil {
		p.sess.DropConnection()
		return err
	}
	further.peer = p
	further.resize(normalInput)
	p.mu.Lock()
	p.conns++
	p.mu.Unlock()
	sock.Grow(nc)
	go func() { _ = c.srv.run(further) }()
	return nil
}
