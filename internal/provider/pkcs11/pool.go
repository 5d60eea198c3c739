package pkcs11

import (
	"context"
	"sync"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/cryptoki"
)

// share says what the sessions with a token are for.
type share struct {
	keepers int // own keys: one that writes, from eight sessions on another one for keys that are made and dropped with calls
	workers int // run operations
}

// twoKeepers is the number of sessions from which a generation that takes seconds has one of its own.
const twoKeepers = 8

// shares divides n sessions, at least minSessions.
func shares(n int) share {
	s := share{keepers: 1}
	if n >= twoKeepers {
		s.keepers = 2
	}
	s.workers = n - s.keepers
	return s
}

// calls is how many calls find a session at once when streams have pinned all that they may.
func (s share) calls() int { return s.workers - streams(s.workers) }

// streams is how many of the sessions for operations streams may pin.
func streams(workers int) int { return workers / 2 }

// pool keeps the sessions with the token. Safe for concurrent use once its keepers are open.
type pool struct {
	module *cryptoki.Module
	slot   cryptoki.SlotID
	login  bool    // the token wants a login
	writer *keeper // read-write, if the token can be written to
	owner  *keeper // the same as writer where sessions are few

	permits chan struct{} // one for each worker session that is not in use, open or not yet

	mu     sync.Mutex
	idle   []*cryptoki.Session // guarded by mu; open and not in use
	limit  int                 // guarded by mu; of workers, as far as the token allows
	pinned int                 // guarded by mu
	closed bool                // guarded by mu
}

// openKeepers opens the sessions that own keys, logs in by the first, and opens one worker, without which nothing works.
func (p *pool) openKeepers(s share, login func(*cryptoki.Session) error) error {
	p.limit = s.workers
	p.permits = make(chan struct{}, s.workers)
	for range s.workers {
		p.permits <- struct{}{}
	}
	first, err := p.module.OpenSession(p.slot, true)
	if among(err, cryptoki.ErrTokenWriteProtected) {
		first, err = p.module.OpenSession(p.slot, false)
	}
	if err != nil {
		return err
	}
	p.writer = newKeeper(first)
	p.owner = p.writer
	if err := login(first); err != nil {
		return err
	}
	worker, err := p.module.OpenSession(p.slot, false)
	if err != nil {
		return err
	}
	p.idle = append(p.idle, worker)
	if s.keepers == 1 {
		return nil
	}
	second, err := p.module.OpenSession(p.slot, false)
	if among(err, cryptoki.ErrSessionCount) {
		return nil
	}
	if err != nil {
		return err
	}
	p.owner = newKeeper(second)
	return nil
}

// take waits for a worker session, which give takes back.
func (p *pool) take(ctx context.Context, op string) (*cryptoki.Session, error) {
	for {
		if err := alive(ctx, op); err != nil {
			return nil, err
		}
		select {
		case <-p.permits:
		case <-ctx.Done():
			return nil, alive(ctx, op)
		}
		if s := p.fromIdle(); s != nil {
			return s, nil
		}
		s, err := p.module.OpenSession(p.slot, false)
		if err == nil {
			return s, nil
		}
		if !among(err, cryptoki.ErrSessionCount) || !p.shrink() {
			p.permits <- struct{}{}
			return nil, err
		}
	}
}

func (p *pool) fromIdle() *cryptoki.Session {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 {
		return nil
	}
	s := p.idle[len(p.idle)-1]
	p.idle = p.idle[:len(p.idle)-1]
	return s
}

// shrink learns that the token allows no more sessions than are open, and keeps the caller's permit. It reports false if
// none would be left.
func (p *pool) shrink() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.limit == 1 {
		return false
	}
	p.limit--
	return true
}

// give takes a session back after err. One in which an operation may be active is closed; it owns nothing.
func (p *pool) give(s *cryptoki.Session, err error) {
	p.mu.Lock()
	keep := harmless(err) && !p.closed
	if keep {
		p.idle = append(p.idle, s)
	}
	p.mu.Unlock()
	if !keep {
		_ = s.Close()
	}
	p.permits <- struct{}{}
}

// pin takes a session for a stream, which unpin takes back.
func (p *pool) pin(ctx context.Context, op string) (*cryptoki.Session, error) {
	p.mu.Lock()
	most := streams(p.limit)
	if p.pinned >= most {
		p.mu.Unlock()
		return nil, claviger.Errorf(claviger.ErrProviderBusy, op, "%d streams are open in the token, which is as many as may be at once; more sessions allow more", most)
	}
	p.pinned++
	p.mu.Unlock()
	s, err := p.take(ctx, op)
	if err != nil {
		p.release()
	}
	return s, err
}

func (p *pool) unpin(s *cryptoki.Session, err error) {
	p.give(s, err)
	p.release()
}

func (p *pool) release() {
	p.mu.Lock()
	p.pinned--
	p.mu.Unlock()
}

// once runs f with a worker session, which is closed should f panic.
func (p *pool) once(ctx context.Context, op string, f func(*cryptoki.Session) error) error {
	s, err := p.take(ctx, op)
	if err != nil {
		return err
	}
	err = cryptoki.ErrGeneralError
	defer func() { p.give(s, err) }()
	err = f(s)
	return err
}

// do runs f with a worker session. If that turns out to be gone, or to have an operation left in it, f is run once more with
// another one. Errors of the module come back as they are.
func (p *pool) do(ctx context.Context, op string, f func(*cryptoki.Session) error) error {
	err := p.once(ctx, op, f)
	switch {
	case sessionGone(err):
		if err := p.renew(ctx, op); err != nil {
			return err
		}
		return p.once(ctx, op, f)
	case among(err, cryptoki.ErrOperationActive):
		return p.once(ctx, op, f)
	}
	return err
}

// renew drops the idle sessions after one was found to be gone, and says whether it is worth going on with others.
func (p *pool) renew(ctx context.Context, op string) error {
	p.mu.Lock()
	dropped := p.idle
	p.idle = nil
	p.mu.Unlock()
	for _, s := range dropped {
		_ = s.Close()
	}
	return p.once(ctx, op, func(s *cryptoki.Session) error { return p.loggedIn(s, op) })
}

// loggedIn reports a token that has forgotten the login, in which private objects seem not to be there. Any session tells.
func (p *pool) loggedIn(s *cryptoki.Session, op string) error {
	in, err := s.LoggedIn()
	if err != nil || in || !p.login {
		return err
	}
	return lost(op, "the token has logged out")
}

// close closes the sessions that nobody uses, the owners of keys among them.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	for _, s := range idle {
		_ = s.Close()
	}
	for _, k := range []*keeper{p.owner, p.writer} {
		if k != nil {
			_ = k.session.Close()
		}
	}
}

// keeper is a session that owns keys. Safe for concurrent use.
type keeper struct {
	turn    chan struct{} // holds one value while nobody uses the session
	session *cryptoki.Session
}

func newKeeper(s *cryptoki.Session) *keeper {
	k := &keeper{turn: make(chan struct{}, 1), session: s}
	k.turn <- struct{}{}
	return k
}

// do runs f when it is the caller's turn. A session of this kind that is gone takes keys with it.
func (k *keeper) do(ctx context.Context, op string, f func(*cryptoki.Session) error) error {
	if err := alive(ctx, op); err != nil {
		return err
	}
	select {
	case <-k.turn:
	case <-ctx.Done():
		return alive(ctx, op)
	}
	defer func() { k.turn <- struct{}{} }()
	err := f(k.session)
	if sessionGone(err) {
		return lost(op, "the token has closed a session, and with it keys that were not made to last")
	}
	return err
}
