package pkcs11

import (
	"context"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/cryptoki"
)

// share says what the sessions with a token are for.
type share struct {
	keepers int  // own keys: one that writes, from eight sessions on another one for keys that are made and dropped with calls
	workers int  // run operations
	few     bool // the token says that it has fewer than are configured
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

// lanes counts what streams have pinned. The zero value is none.
type lanes struct {
	open int
	of   map[string]int // by whose they are; "" is everybody of whom it is not known
}

func (l *lanes) add(lane string) {
	if l.of == nil {
		l.of = make(map[string]int)
	}
	l.open++
	l.of[lane]++
}

func (l *lanes) remove(lane string) {
	l.open--
	if l.of[lane]--; l.of[lane] == 0 {
		delete(l.of, lane)
	}
}

// closing is for how long a stream that would be one too many waits for another one to end: whoever closes one and opens the next does not
// wait in between, and the two calls may come here in either order.
const closing = 50 * time.Millisecond

// pin takes a session for a stream of lane, which unpin takes back. ErrProviderBusy where that has its share.
func (p *pool) pin(ctx context.Context, op, lane string) (*cryptoki.Session, error) {
	late := time.NewTimer(closing)
	defer late.Stop()
	for {
		needed, ended, err := p.reserve(op, lane)
		if err != nil {
			if p.grow() {
				continue
			}
			select {
			case <-ended:
				continue
			case <-late.C:
			case <-ctx.Done():
			}
			return nil, err
		}
		var s *cryptoki.Session
		if err = p.openAhead(ctx, op, needed); err == nil {
			s, err = p.take(ctx, op)
		}
		if err == nil {
			return s, nil
		}
		p.release(lane)
		if !among(err, cryptoki.ErrSessionCount) || !p.less(needed) {
			return nil, err
		}
	}
}

// reserve counts a stream. Half of the sessions are for streams, so that calls need not wait for streams to end, and nobody may open
// another one who has as many open as are free: whoever takes all that he may leaves some to the next. needed is how many sessions
// must be open for that to be so: more than a token has shown to have are not counted on. ended is closed when it is worth trying again.
func (p *pool) reserve(op, lane string) (needed int, ended <-chan struct{}, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	most := streams(p.limit)
	own, free := p.streams.of[lane], most-p.streams.open
	if own >= free {
		if p.ended == nil {
			p.ended = make(chan struct{})
		}
		return 0, p.ended, p.full(op, most, own, free)
	}
	needed = 2 * (p.streams.open + own + 1)
	p.streams.add(lane)
	return needed, nil, nil
}

// less reports whether the limit has been found to be below n.
func (p *pool) less(n int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.limit < n
}

// full says why there is no stream; the caller holds mu.
func (p *pool) full(op string, most, own, free int) error {
	hint := "more sessions allow more"
	if p.few || p.limit < cap(p.permits) {
		hint = "the token allows no more sessions"
	}
	switch {
	case most == 0:
		return claviger.Errorf(claviger.ErrProviderBusy, op, "no session can be spared for a stream in the token; %s", hint)
	case free > 0:
		return claviger.Errorf(claviger.ErrProviderBusy, op, "the caller has %d of %d streams in the token and may open another one when more than that are free, not %d; %s",
			own, most, free, hint)
	}
	return claviger.Errorf(claviger.ErrProviderBusy, op, "%d streams are open in the token, where %d may be at once; %s", most-free, most, hint)
}

func (p *pool) unpin(s *cryptoki.Session, lane string, err error) {
	p.give(s, err)
	p.release(lane)
}

func (p *pool) release(lane string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.streams.remove(lane)
	if p.ended != nil {
		close(p.ended)
		p.ended = nil
	}
}
