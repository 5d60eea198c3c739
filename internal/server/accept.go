package server

import (
	"errors"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/sock"
)

// Pauses of the accept loop after a failure.
const (
	firstPause = time.Millisecond
	lastPause  = 500 * time.Millisecond
)

// Serve accepts connections of a unix stream listener until Shutdown, which closes it, or until it is closed: both give
// nil. Running out of descriptors does not end it: waiting connections are dropped and the loop goes on.
func (s *Server) Serve(l net.Listener) error {
	s.mu.Lock()
	s.sockets[l] = struct{}{}
	stopping := s.closing.Load()
	s.mu.Unlock()
	defer l.Close()
	if stopping {
		return nil
	}
	spare := spareFD()
	defer func() { spare.Close() }()
	pause := firstPause
	for {
		nc, err := l.Accept()
		switch {
		case err == nil:
			pause = firstPause
			s.accepted(nc)
			continue
		case closed(err):
			return nil
		case errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE):
			spare.Close() // its number takes the connection that is dropped
			if nc, err := l.Accept(); err == nil {
				nc.Close()
			}
			spare = spareFD()
			s.refuse("out of descriptors, a connection was dropped")
		default:
			s.refuse("accept failed", slog.String("error", err.Error()))
		}
		time.Sleep(pause)
		pause = min(2*pause, lastPause)
	}
}

// spareFD holds a descriptor's number against the day when there is no other. Closing a nil file is harmless.
func spareFD() *os.File {
	f, err := os.Open(os.DevNull)
	if err != nil {
		return nil
	}
	return f
}

func (s *Server) accepted(nc net.Conn) {
	u, ok := nc.(*net.UnixConn)
	if !ok {
		nc.Close()
		s.refuse("not a unix connection")
		return
	}
	if c, err := s.admit(u); err == nil {
		go func() { _ = s.run(c) }()
	}
}

// admit asks the kernel who has connected and counts the connection. On an error nc has been closed and the refusal
// logged.
func (s *Server) admit(nc *net.UnixConn) (*conn, error) {
	who, err := sock.PeerOf(nc, false)
	if err != nil {
		nc.Close()
		return nil, claviger.WrapError(claviger.ErrConnectionFailed, "connect", err)
	}
	c, err := newConn(s, nc, who)
	if err == nil {
		err = s.track(c)
	}
	if err != nil {
		nc.Close()
		s.refuse("connection refused", slog.Any("uid", who.UID), slog.Any("pid", who.PID), slog.String("error", err.Error()))
		return nil, err
	}
	return c, nil
}

// identify refuses callers that the kernel cannot name.
func (s *Server) identify(who sock.Peer) error {
	switch {
	case who.UID == s.overflow:
		return claviger.Errorf(claviger.ErrAccessDenied, "hello", "uid %d stands for users that are not mapped here", who.UID)
	case who.PID <= 0:
		return claviger.Errorf(claviger.ErrAccessDenied, "hello", "the caller's process is not visible from here")
	}
	return nil
}

// refusalsPerSecond bounds the log lines that strangers can cause.
const refusalsPerSecond = 20

// refusals counts log lines within the running second.
type refusals struct {
	mu         sync.Mutex
	second     int64
	lines      int
	suppressed int
}

// refuse logs a refusal, unless too many were logged within the second; their number is told with the next line.
func (s *Server) refuse(what string, attrs ...any) {
	r := &s.refusals
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := s.clock() / int64(time.Second); now != r.second {
		r.second, r.lines = now, 0
	}
	if r.lines++; r.lines > refusalsPerSecond {
		r.suppressed++
		return
	}
	if r.suppressed > 0 {
		attrs = append(attrs, slog.Int("suppressed", r.suppressed))
		r.suppressed = 0
	}
	s.cfg.Log.Warn(what, attrs...)
}
