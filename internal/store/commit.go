package store

import (
	"context"
	"errors"
	"runtime"
	"sync"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/kv"
)

// request is one Update on its way.
type request struct {
	ctx   context.Context
	fn    func(*Tx) error
	group *group        // guarded by the queue until the request is taken; nil while it waits
	done  chan struct{} // closed when what follows is final
	err   error
	panic any // what fn panicked with
	keys  []Key
}

// group is what becomes durable together.
type group struct {
	requests   []*request
	committing chan struct{} // closed when no fn of the group will run any more
}

// queue holds the updates that wait. Everything in it goes into the next group.
type queue struct {
	mu      sync.Mutex
	waiting []*request
	limit   int
	closed  bool
	wake    chan struct{} // holds a token when the committer should look
	ended   chan struct{} // closed when the committer has ended
}

func newQueue(limit int) *queue {
	return &queue{limit: limit, wake: make(chan struct{}, 1), ended: make(chan struct{})}
}

// add queues a request.
func (q *queue) add(r *request) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return fault(kv.ErrClosed)
	}
	if len(q.waiting) >= q.limit {
		return claviger.Errorf(claviger.ErrProviderBusy, "store", "%d updates are waiting, which is the limit", q.limit)
	}
	q.waiting = append(q.waiting, r)
	q.signal()
	return nil
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// withdraw takes a request back that no group has taken yet.
func (q *queue) withdraw(r *request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, other := range q.waiting {
		if other == r {
			q.waiting = append(q.waiting[:i], q.waiting[i+1:]...)
			return true
		}
	}
	return false
}

// take makes a group of all that waits; nil when nothing does. ended is true when nothing ever will.
func (q *queue) take() (g *group, ended bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return nil, q.closed
	}
	g = &group{requests: q.waiting, committing: make(chan struct{})}
	for _, r := range g.requests {
		r.group = g
	}
	q.waiting = nil
	return g, false
}

func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.signal()
}

// Update runs fn and returns nil when all that it wrote is durable. Updates of concurrent callers share one commit. An
// error of fn is returned, a panic raised again here, and in both cases nothing of this update is written and the
// others of its group are untouched. fn runs on another goroutine, once at most, and never after Update has returned;
// it must not call the DB and should not wait.
//
// When ctx ends first the error is ErrOperationTimedOut: nothing was written if the text says so; otherwise the commit
// was under way and its outcome is unknown. ErrPersistFailed means that the medium refused; kv.ErrFull and
// kv.ErrBroken tell apart whether later updates may work.
func (db *DB) Update(ctx context.Context, fn func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return timedOut(err, "nothing was written")
	}
	r := &request{ctx: ctx, fn: fn, done: make(chan struct{})}
	if err := db.queue.add(r); err != nil {
		return err
	}
	select {
	case <-r.done:
		return r.result()
	case <-ctx.Done():
	}
	if db.queue.withdraw(r) {
		return timedOut(ctx.Err(), "nothing was written")
	}
	select {
	case <-r.done:
		return r.result()
	case <-r.group.committing:
	}
	select {
	case <-r.done:
		return r.result()
	default:
		return timedOut(ctx.Err(), "the commit was under way; its outcome is unknown")
	}
}

func timedOut(cause error, outcome string) error {
	return &claviger.Error{Code: claviger.ErrOperationTimedOut, Op: "store", Detail: "update not finished in time: " + outcome, Err: cause}
}

func (r *request) result() error {
	if r.panic != nil {
		panic(r.panic)
	}
	return r.err
}

// serve is the committer: one goroutine from Open to Close.
func (db *DB) serve() {
	last := 0
	for range db.queue.wake {
		for {
			db.gather(last)
			db.writing <- struct{}{}
			g, ended := db.queue.take()
			if g == nil {
				<-db.writing
				if ended {
					close(db.queue.ended)
					return
				}
				break
			}
			last = len(g.requests)
			db.commit(g)
			<-db.writing
		}
	}
}

// gather lets callers whom the last group has just released come back with their next update, for as long as each
// look finds more of them. A lone caller is not kept waiting.
func (db *DB) gather(last int) {
	if last < 2 {
		return
	}
	for before := -1; before < db.queue.length(); {
		before = db.queue.length()
		runtime.Gosched()
	}
}

// errNothing ends a kv update in which nobody wrote: there is nothing to make durable.
var errNothing = errors.New("nothing was written")

// commit runs a group. Its goroutine outlives a function that calls runtime.Goexit, as a failing test does.
func (db *DB) commit(g *group) {
	finished := make(chan error, 1)
	go func() {
		err := error(claviger.Errorf(claviger.ErrInternal, "store", "an update's function ended its goroutine"))
		defer func() { finished <- err }()
		err = db.commitAll(g)
	}()
	err := fault(<-finished)
	for _, r := range g.requests {
		if r.err == nil {
			r.err = err
		}
		if r.err == nil {
			db.mended(r.keys)
		}
		close(r.done)
	}
}

func (db *DB) commitAll(g *group) error {
	err := db.kv.Update(func(w kv.Writer) error {
		wrote := false
		for _, r := range g.requests {
			if err := db.apply(w, r); err != nil {
				return err
			}
			wrote = wrote || len(r.keys) > 0
		}
		close(g.committing)
		if !wrote {
			return errNothing
		}
		return nil
	})
	if errors.Is(err, errNothing) {
		return nil
	}
	return err
}

// apply runs one request's function. Its own failure is in the request; the error returned ends the whole group.
func (db *DB) apply(w kv.Writer, r *request) (err error) {
	if ctxErr := r.ctx.Err(); ctxErr != nil {
		r.err = timedOut(ctxErr, "nothing was written")
		return nil
	}
	tx := &Tx{db: db, r: w, w: w}
	defer func() {
		if r.panic = recover(); r.panic != nil || r.err != nil {
			err = tx.revert()
		}
		r.keys = tx.touched
		tx.end()
	}()
	r.err = r.fn(tx)
	return nil
}
