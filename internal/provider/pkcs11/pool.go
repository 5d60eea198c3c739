package pkcs11

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/claviger/claviger/internal/cryptoki"
	"github.com/claviger/claviger/internal/provider"
)

// pool keeps the sessions with the token. Safe for concurrent use once its keepers are open.
type pool struct {
	module *cryptoki.Module
	at     place
	writer *keeper // read-write, if the token can be written to
	owner  *keeper // the same as writer where sessions are few

	permits chan struct{} // one for each worker session that is not in use, open or not yet
	few     bool          // it is the token that has no more of them, and not the configuration

	mu      sync.Mutex
	idle    []*cryptoki.Session // guarded by mu; open and not in use
	limit   int                 // guarded by mu; of workers, as far as the token allows
	refused time.Time           // guarded by mu; when the token last allowed no more
	growing bool                // guarded by mu; it is being asked again
	open    int                 // guarded by mu; worker sessions, idle, in use or being opened
	streams lanes               // guarded by mu; that have pinned a session
	ended   chan struct{}       // guarded by mu; closed when one of them has given it back; nil: nobody waits for that
	closed  bool                // guarded by mu
}

// askAgain is for how long a token that allows no more sessions is not asked for more. Others may use it too, and give theirs back.
const askAgain = time.Second

// openKeepers opens the sessions that own keys, logs in by the first, and opens one worker, without which nothing works.
func (p *pool) openKeepers(s share, login func(*cryptoki.Session) error) error {
	p.limit, p.few = s.workers, s.few
	p.permits = make(chan struct{}, s.workers)
	for range s.workers {
		p.permits <- struct{}{}
	}
	first, err := p.module.OpenSession(p.at.slot, true)
	if among(err, cryptoki.ErrTokenWriteProtected) {
		first, err = p.module.OpenSession(p.at.slot, false)
	}
	if err != nil {
		return err
	}
	p.writer = newKeeper(p, first)
	p.owner = p.writer
	if err := login(first); err != nil {
		return err
	}
	if err := p.openAhead(context.Background(), "unlock", 1); err != nil {
		return err
	}
	if s.keepers > 1 {
		second, err := p.module.OpenSession(p.at.slot, false)
		switch {
		case err == nil:
			p.owner = newKeeper(p, second)
		case !among(err, cryptoki.ErrSessionCount):
			return err
		}
	}
	return p.openForStreams()
}

// openForStreams asks the token for a second session for operations: without one there are no streams.
func (p *pool) openForStreams() error {
	if p.limit < 2 {
		return nil
	}
	err := p.openAhead(context.Background(), "unlock", 2)
	if among(err, cryptoki.ErrSessionCount) {
		return nil
	}
	return err
}

// take waits for a worker session, which give takes back.
func (p *pool) take(ctx context.Context, op string) (*cryptoki.Session, error) {
	for {
		if err := provider.Alive(ctx, op); err != nil {
			return nil, err
		}
		if len(p.permits) == 0 {
			p.grow()
		}
		if err := await(ctx, op, p.permits); err != nil {
			return nil, err
		}
		if s := p.fromIdle(); s != nil {
			return s, nil
		}
		s, err := p.openWorker()
		if err == nil {
			return s, nil
		}
		if !p.learn(err) {
			return nil, err
		}
	}
}

// openWorker opens a session for operations, which its caller has counted.
func (p *pool) openWorker() (*cryptoki.Session, error) {
	s, err := p.module.OpenSession(p.at.slot, false)
	if err != nil {
		p.mu.Lock()
		p.open--
		p.mu.Unlock()
	}
	return s, err
}

// openAhead opens sessions for whoever comes next, until there are n of them with those in use. n is no more than the limit.
func (p *pool) openAhead(ctx context.Context, op string, n int) error {
	for p.lacks(n, false) {
		if err := await(ctx, op, p.permits); err != nil {
			return err
		}
		if !p.lacks(n, true) {
			p.permits <- struct{}{}
			return nil
		}
		s, err := p.openWorker()
		if err != nil {
			p.learn(err)
			return err
		}
		p.give(s, nil)
	}
	return nil
}

// lacks reports whether fewer than n sessions are open; with count the caller, who has a permit, opens one.
func (p *pool) lacks(n int, count bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open >= n {
		return false
	}
	if count {
		p.open++
	}
	return true
}

// fromIdle gives a session to a caller who has a permit; nil: the caller opens one.
func (p *pool) fromIdle() *cryptoki.Session {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 {
		p.open++
		return nil
	}
	s := p.idle[len(p.idle)-1]
	p.idle = p.idle[:len(p.idle)-1]
	return s
}

// learn takes the permit of a caller for whom no session was opened. Where that is because the token allows no more than are open, it
// is kept, with all others for which there is no session. It reports false if it goes back: for another error, and where none would be left
// but those of streams.
func (p *pool) learn(err error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	least := max(p.open, p.streams.open+1)
	if !among(err, cryptoki.ErrSessionCount) || p.limit <= p.streams.open+1 {
		p.permits <- struct{}{}
		return false
	}
	p.refused = time.Now()
	if p.limit <= p.open { // it is the permit of a session that there is
		p.permits <- struct{}{}
		return true
	}
	for p.limit--; p.limit > least; p.limit-- {
		select {
		case <-p.permits:
		default:
			return true
		}
	}
	return true
}

// grow asks a token again that has allowed fewer sessions than it should, for those who find none. It reports whether there is one more.
func (p *pool) grow() bool {
	p.mu.Lock()
	due := !p.growing && !p.closed && p.limit < cap(p.permits) && time.Since(p.refused) >= askAgain
	if due {
		p.growing = true
		p.open++
	}
	p.mu.Unlock()
	if !due {
		return false
	}
	s, err := p.openWorker()
	p.mu.Lock()
	p.growing = false
	if err != nil {
		p.refused = time.Now()
	} else {
		p.limit++
	}
	p.mu.Unlock()
	if err != nil {
		return false
	}
	p.give(s, nil)
	return true
}

// give takes a session back after err. One in which an operation may be active is closed; it owns nothing.
func (p *pool) give(s *cryptoki.Session, err error) {
	p.mu.Lock()
	keep := harmless(err) && !p.closed
	if keep {
		p.idle = append(p.idle, s)
	} else {
		p.open--
	}
	p.mu.Unlock()
	if !keep {
		_ = s.Close()
	}
	p.permits <- struct{}{}
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
	p.open -= len(dropped)
	p.mu.Unlock()
	for _, s := range dropped {
		_ = s.Close()
	}
	return p.once(ctx, op, func(s *cryptoki.Session) error { return p.loggedIn(s, op) })
}

// loggedIn reports a token that has forgotten the login, in which private objects seem not to be there. Any session tells.
func (p *pool) loggedIn(s *cryptoki.Session, op string) error {
	in, err := s.LoggedIn()
	if err != nil || in || !p.at.info.Flags.Has(cryptoki.FlagLoginRequired) {
		return err
	}
	return p.at.lost(op, "has logged out")
}

// missing is asked where nothing is found that should be in the token: it reports a token that has logged out, or is not there.
func (p *pool) missing(s *cryptoki.Session, op string) error {
	if err := p.loggedIn(s, op); err != nil {
		return err
	}
	return p.present(op)
}

// present reports a token that is not there any longer. Not every module says so by itself: with some, a token that was taken out has
// sessions and a login as before, and no objects.
func (p *pool) present(op string) error {
	now := place{slot: p.at.slot}
	slots, err := p.module.Slots(true)
	if err == nil && slices.Contains(slots, now.slot) {
		now.info, err = p.module.TokenInfo(now.slot)
	}
	switch {
	case err != nil:
		return p.at.lost(op, "is gone: "+err.Error())
	case !now.same(p.at):
		return p.at.lost(op, "is gone, and its slot is empty or has another one")
	}
	return nil
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
