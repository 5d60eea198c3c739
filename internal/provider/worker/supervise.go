package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/secmem"
)

// inventory is what a worker tells when its device is open.
type inventory struct {
	Mechanisms []provider.Mechanism
}

// Pauses before another start. After breakAt failures in a row, no call having succeeded between them, the breaker is open:
// calls are refused at once until a start succeeds.
const (
	firstPause   = 100 * time.Millisecond
	longestPause = 10 * time.Second
	breakAt      = 3
)

// pause is how long to wait before the start that follows n failures in a row.
func pause(n int) time.Duration {
	if n < breakAt {
		return firstPause
	}
	return min(time.Second<<min(n-breakAt, 8), longestPause)
}

// supervisor keeps one worker running. One goroutine starts and ends workers; callers wait for its changes.
type supervisor struct {
	cfg  Config
	stop context.CancelFunc
	wg   sync.WaitGroup
	kick chan struct{} // cuts a pause short

	mu       sync.Mutex
	link     *link         // guarded by mu; nil while there is none
	changed  chan struct{} // guarded by mu; closed and replaced at each change
	failures int           // guarded by mu; in a row
	reason   error         // guarded by mu; of the last failure
	next     time.Time     // guarded by mu; of the next start
	detail   string        // guarded by mu; of the last device that was opened
	starts   uint64        // guarded by mu; that succeeded
	tries    uint64        // guarded by mu; of starting
	closed   bool          // guarded by mu
	opened   func(inventory)
}

// run starts workers until ctx ends.
func (s *supervisor) run(ctx context.Context) {
	for {
		l, detail, err := s.start(ctx)
		if err == nil {
			s.up(l, detail)
			select {
			case <-l.dead:
			case <-ctx.Done():
			}
			s.down(l)
			l.leave()
			err = l.why()
		}
		if ctx.Err() != nil {
			return
		}
		wait := s.failed(err, l)
		select {
		case <-time.After(wait):
		case <-s.kick:
		case <-ctx.Done():
			return
		}
	}
}

// start starts a worker and opens its device.
func (s *supervisor) start(ctx context.Context) (*link, string, error) {
	process, err := s.cfg.Start(ctx)
	if err != nil {
		return nil, "", err
	}
	l, err := newLink(s.cfg.Name, process, s.cfg.HangAfter)
	if err != nil {
		process.Kill()
		_ = process.Wait()
		_ = process.Conn().Close()
		return nil, "", err
	}
	// A module that writes its token while it logs in is not cut off by a daemon that stops.
	lasting, cancel := prolonged(ctx, farewell)
	defer cancel()
	lock, stock, err := s.open(lasting, l)
	if err != nil {
		l.end(err)
		if errors.Is(err, errUnanswered) {
			err = l.lost("open") // by now it is known how
		}
		return nil, "", err
	}
	l.allow(min(max(lock.Sessions, 1), maxPlaces), lock.Makers < 2)
	l.served.Store(false)
	s.opened(stock)
	return l, lock.Detail + "; " + process.Detail(), nil
}

// maxPlaces bounds the calls that a worker may be given at once, whatever it says.
const maxPlaces = 1024

// open has the worker find the device and log in.
func (s *supervisor) open(ctx context.Context, l *link) (lock provider.Lock, stock inventory, err error) {
	a, err := l.call(ctx, "open", &request{verb: verbOpen, data: s.cfg.Settings})
	if err != nil {
		return lock, stock, err
	}
	err = json.Unmarshal(a.data, &lock)
	a.release()
	if err != nil {
		return lock, stock, errFrame
	}
	lock.Detail = clean(lock.Detail)
	pin, err := s.pin(ctx, lock)
	if err != nil {
		return lock, stock, err
	}
	defer pin.Close()
	a, err = l.call(ctx, "unlock", &request{verb: verbUnlock, data: pin.Bytes()})
	if err = s.judged(ctx, pin, lock, err); err != nil {
		if a != nil {
			a.release()
		}
		return lock, stock, err
	}
	defer a.release()
	if json.Unmarshal(a.data, &stock) != nil {
		return lock, stock, errFrame
	}
	return lock, stock, nil
}

// judged notes what came of a PIN: an answer that says nothing of it does not count. Where the worker ended before it said nobody knows,
// and nothing is noted.
func (s *supervisor) judged(ctx context.Context, pin *secmem.Bytes, lock provider.Lock, err error) error {
	if pin.Len() == 0 || s.cfg.Gate == nil || errors.Is(err, errUnanswered) || ctx.Err() != nil {
		return err
	}
	verdict := Untried
	switch {
	case err == nil:
		verdict = Good
	case errors.Is(err, provider.ErrPIN):
		verdict = Refused
	}
	err = errors.Join(err, s.cfg.Gate.Done(context.WithoutCancel(ctx), pin.Bytes(), verdict))
	if verdict != Refused {
		return err
	}
	if why := s.cfg.Gate.Try(ctx, pin.Bytes(), lock.Doubt); errors.Is(why, provider.ErrPIN) {
		err = errors.Join(why, err) // the gate says what helps
	}
	return err
}

// pin reads the PIN where one is wanted, and asks whether it may be tried.
func (s *supervisor) pin(ctx context.Context, lock provider.Lock) (*secmem.Bytes, error) {
	if !lock.NeedsPIN || s.cfg.PIN == nil {
		if lock.NeedsPIN {
			return nil, claviger.Errorf(claviger.ErrProviderNotAvailable, "unlock", "%s wants a PIN, and none is configured", lock.Detail)
		}
		return secmem.New(0)
	}
	pin, err := s.cfg.PIN()
	if err != nil {
		return nil, err
	}
	if s.cfg.Gate != nil {
		if err := s.cfg.Gate.Try(ctx, pin.Bytes(), lock.Doubt); err != nil {
			pin.Close()
			return nil, err
		}
	}
	return pin, nil
}

// up makes a worker the one that callers use.
func (s *supervisor) up(l *link, detail string) {
	s.mu.Lock()
	s.link, s.detail = l, detail
	s.starts++
	s.tries++
	s.reason = nil
	s.change()
	s.mu.Unlock()
	s.cfg.Log.Info("worker started", "provider", s.cfg.Name, "device", detail)
}

// down takes a worker from its callers.
func (s *supervisor) down(l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.link = nil
	if l.served.Load() {
		s.failures = 0
	}
}

// failed notes a failure, of a start or of a worker that was up, and tells how long to wait.
func (s *supervisor) failed(err error, l *link) time.Duration {
	s.mu.Lock()
	s.failures++
	again := s.reason != nil && text(s.reason) == text(err)
	if s.reason = err; l == nil {
		s.tries++
	}
	wait := pause(s.failures)
	if errors.Is(err, provider.ErrPIN) {
		wait = longestPause // nothing but another PIN helps
	}
	s.next = time.Now().Add(wait)
	failures := s.failures
	s.change()
	s.mu.Unlock()
	level := slog.LevelWarn
	if again {
		level = slog.LevelDebug // it has been said
	}
	s.cfg.Log.Log(context.Background(), level, "worker failed", "provider", s.cfg.Name, "reason", text(err), "failures", failures, "next", wait)
	return wait
}

// change tells those who wait; the caller holds mu.
func (s *supervisor) change() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// current gives the worker, or waits for it while a start is soon to come. With an open breaker it refuses at once.
func (s *supervisor) current(ctx context.Context, op string) (*link, error) {
	for {
		s.mu.Lock()
		l, changed, err := s.link, s.changed, s.refusal(op)
		s.mu.Unlock()
		if err != nil || l != nil && l.alive() {
			return l, err
		}
		provider.Park(ctx)
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, provider.Given(ctx, op)
		}
	}
}

// refusal is why a call is not worth waiting; the caller holds mu.
func (s *supervisor) refusal(op string) error {
	switch {
	case s.closed:
		return claviger.Errorf(claviger.ErrProviderNotAvailable, op, "provider %q is closed", s.cfg.Name)
	case s.link == nil && (s.failures >= breakAt || s.starts == 0 && s.failures > 0 || errors.Is(s.reason, provider.ErrPIN)):
		return &claviger.Error{Code: claviger.ErrProviderNotAvailable, Op: op, Detail: fmt.Sprintf("provider %q is not available: %s", s.cfg.Name, s.state()), Err: s.reason}
	}
	return nil
}

// state says for people why there is no worker; the caller holds mu.
func (s *supervisor) state() string {
	why := text(s.reason)
	if s.reason == nil && s.starts > 0 {
		why = "its worker has ended; another one is about to start"
	}
	if s.failures < breakAt {
		return why
	}
	next := "now"
	if wait := time.Until(s.next).Round(100 * time.Millisecond); wait > 0 {
		next = "in " + wait.String()
	}
	return fmt.Sprintf("%s; the breaker is open after %d failures, next start %s", why, s.failures, next)
}

// text gives what an error says without its code and operation.
func text(err error) string {
	switch e, ok := errors.AsType[*claviger.Error](err); {
	case err == nil:
		return "it has not been started yet"
	case ok && e.Detail != "":
		return e.Detail
	}
	return err.Error()
}

// health describes the worker of this moment.
func (s *supervisor) health() provider.Health {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := provider.Health{Available: s.link != nil && s.link.alive(), Detail: s.detail}
	if !h.Available {
		h.Reason = s.state()
	}
	if s.starts > 1 {
		h.Restarts = s.starts - 1
	}
	return h
}

// ready waits for the first start, whatever comes of it.
func (s *supervisor) ready(ctx context.Context) error {
	for {
		s.mu.Lock()
		l, changed, tries, reason, closed := s.link, s.changed, s.tries, s.reason, s.closed
		s.mu.Unlock()
		switch {
		case closed:
			return claviger.Errorf(claviger.ErrProviderNotAvailable, "start", "provider %q is closed", s.cfg.Name)
		case l != nil:
			return nil
		case tries > 0:
			return reason
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return provider.Given(ctx, "start")
		}
	}
}

// close ends the worker and waits for it.
func (s *supervisor) close() {
	s.mu.Lock()
	s.closed = true
	s.change()
	s.mu.Unlock()
	s.stop()
	s.wg.Wait()
}
