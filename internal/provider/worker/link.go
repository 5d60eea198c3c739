package worker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/secmem"
)

// Process is a worker process as the daemon sees it.
type Process interface {
	// Conn is the daemon's end of the socket pair. Kill or the process's end break it; whoever took the process closes it.
	Conn() *net.UnixConn
	// Kill ends the process at once. Idempotent.
	Kill()
	// Wait waits until the process has ended and gives what it used back. It is called once. The error says how it ended.
	Wait() error
	// Detail says for people how the process is confined.
	Detail() string
}

// link is one worker process from its start to its end. Safe for concurrent use.
type link struct {
	process Process
	name    string // of the provider
	hang    time.Duration
	pipe    pipe
	out     writer
	ids     atomic.Uint64 // numbers of calls, keys and streams

	mu      sync.Mutex
	pending map[uint64]*pending // guarded by mu; nil once the link is dead
	gates   [gates]gate         // guarded by mu
	single  bool                // guarded by mu; one session makes keys and owns them: one gate is both
	bytes   int                 // guarded by mu; of the requests under way
	replies uint64              // guarded by mu; that have come
	latest  time.Time           // guarded by mu; when the last of them came
	rest    chan struct{}       // guarded by mu; not nil: no more calls are taken, and it is closed when nothing is under way
	resting bool                // guarded by mu; rest is closed, and nothing is sent any longer
	reason  error               // guarded by mu; why it is dead
	dead    chan struct{}       // closed when reason is set
	served  atomic.Bool         // some call has succeeded
	wg      sync.WaitGroup      // reader and watchdog
}

// pending is a call whose reply has not come.
type pending struct {
	request   *request  // until it is sent; then nil
	size      int       // of the request's frame, at most
	lane      string    // of the tenant
	gate      int       // that it waits before; atNone for none
	began     time.Time // when it was sent
	beside    int       // most calls that were under way with it, as the watchdog saw them
	replies   uint64    // that had come then
	most      int       // bytes that its reply may have
	verb      verb
	result    uint64
	done      chan struct{} // one value when body and err are set
	body      []byte
	finished  bool // done has or will have its value; guarded by the link's mu
	abandoned bool // the caller has gone; guarded by the link's mu
}

// newLink takes a process and starts to read and to watch. end must be called.
func newLink(name string, process Process, hang time.Duration) (*link, error) {
	ends, err := newPipe(process.Conn())
	if err != nil {
		return nil, err
	}
	l := &link{pipe: ends, process: process, name: name, hang: hang, pending: make(map[uint64]*pending), dead: make(chan struct{})}
	l.out.to = ends
	l.allow(1, true)
	l.wg.Go(l.read)
	l.wg.Go(l.watch)
	return l, nil
}

// errGone is why a link is dead whose process broke the connection.
var errGone = errors.New("its process is gone")

// end kills the process and waits until nothing of it is left. Where it had ended by itself the reason says how.
func (l *link) end(why error) {
	l.die(why)
	l.wg.Wait()
	how := l.process.Wait()
	_ = l.process.Conn().Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	if how != nil && errors.Is(l.reason, errGone) {
		l.reason = fmt.Errorf("%w (%s; the log has at level debug what it printed)", errGone, text(how))
	}
}

// die makes the link dead for a reason, the first one, and answers every call. It may be called by anybody.
func (l *link) die(why error) {
	l.mu.Lock()
	var waiting []*pending
	for i := range l.gates {
		waiting = append(waiting, l.gates[i].drain()...)
	}
	for _, c := range l.pending {
		waiting = append(waiting, c)
	}
	if l.alive() {
		l.reason = why
		close(l.dead)
	}
	l.pending = nil
	for _, c := range waiting {
		c.finished = true
	}
	l.mu.Unlock()
	l.process.Kill()
	_ = l.process.Conn().SetDeadline(time.Unix(1, 0)) // wakes whoever reads or writes
	for _, c := range waiting {
		c.done <- struct{}{}
	}
}

// alive reports whether the link can be used.
func (l *link) alive() bool {
	select {
	case <-l.dead:
		return false
	default:
		return true
	}
}

// why gives the reason of a dead link, or of one that is about to be.
func (l *link) why() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reason == nil {
		return errLeaving
	}
	return l.reason
}

// errUnanswered is provider.ErrLost of a call that the worker did not answer.
var errUnanswered = fmt.Errorf("%w and gave no answer", provider.ErrLost)

// lost is the error of a call that needed this worker.
func (l *link) lost(op string) error {
	return &claviger.Error{Code: claviger.ErrProviderNotAvailable, Op: op, Detail: fmt.Sprintf("the worker of provider %q ended: %v", l.name, l.why()), Err: errUnanswered}
}

// call sends a request and waits for its reply, whose parts refer to bytes that the caller wipes by release. Where the worker
// has as much to do as it takes, the request waits here, and its time does not begin. A context that ends answers the
// caller; a call that was sent goes on, and what it makes is released.
func (l *link) call(ctx context.Context, op string, r *request) (*answer, error) {
	provider.Park(ctx)
	c := newPending(r, provider.Lane(ctx))
	if !l.enter(c) {
		return nil, l.lost(op)
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		if l.abandon(c) {
			return nil, provider.Given(ctx, op)
		}
		<-c.done
	}
	if c.body == nil {
		return nil, l.lost(op)
	}
	return l.answered(op, c.body)
}

func newPending(r *request, lane string) *pending {
	return &pending{request: r, verb: r.verb, result: r.result, size: requestSize(r), most: replyLimit(r), lane: lane, gate: gateOf(r.verb), done: make(chan struct{}, 1)}
}

// enter sends a call, or queues it; false if the link is dead or about to be.
func (l *link) enter(c *pending) bool {
	l.mu.Lock()
	if l.pending == nil || l.resting || l.rest != nil && !c.abandoned {
		l.mu.Unlock()
		return false
	}
	if l.single && c.gate == atOwner {
		c.gate = atWriter
	}
	var err error
	if c.gate == atNone {
		err = l.launch(c)
	} else {
		l.gates[c.gate].push(c)
		err = l.launchNext()
	}
	l.mu.Unlock()
	if err == nil {
		err = l.out.flush(true)
	}
	if err != nil {
		l.die(ended(err))
	}
	return true
}

// launch gives a call its number and hands its frame to the writer; the caller holds mu and flushes.
func (l *link) launch(c *pending) error {
	id := l.ids.Add(1)
	c.began, c.beside, c.replies = time.Now(), len(l.pending), l.replies
	l.pending[id] = c
	l.bytes += c.size
	r := c.request
	c.request = nil // its caller may be gone from now on
	return l.out.add(c.size, func(dst []byte) []byte { return appendRequest(dst, id, r) })
}

// mostUnderWay bounds the bytes of requests that are under way at once, because those that were given up are charged to
// nobody any longer. A larger request goes alone.
const mostUnderWay = 64 << 20

// launchNext sends calls that wait for as long as there is room; the caller holds mu and flushes.
func (l *link) launchNext() error {
	for i := range l.gates {
		g := &l.gates[i]
		for c := g.next(); c != nil && g.free > 0 && (l.bytes == 0 || l.bytes+c.size <= mostUnderWay); c = g.next() {
			g.pop()
			g.free--
			if err := l.launch(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// tell sends a request whose reply nobody waits for.
func (l *link) tell(r *request) {
	c := newPending(r, "")
	c.abandoned = true
	l.enter(c)
}

// abandon leaves a call to itself, or takes it out of the queue; false if its reply is there.
func (l *link) abandon(c *pending) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.finished {
		return false
	}
	c.abandoned = true
	if c.gate != atNone {
		l.gates[c.gate].remove(c)
	}
	l.settle()
	return true
}

// read takes replies until the connection ends, and sends what waited for them.
func (l *link) read() {
	in := newReader(l.pipe)
	defer in.wipe()
	for {
		id, body, err := in.next(l.most)
		if err == nil {
			err = l.reply(id, body)
		}
		if err == nil && !in.more() {
			err = l.out.flush(false)
		}
		if err != nil {
			l.die(ended(err))
			return
		}
	}
}

// errNobody is an answer to a call that was not made.
var errNobody = errors.New("it answered a call that nobody made")

// most is how long the reply to a call may be in bytes; -1 for a call that was not made.
func (l *link) most(id uint64) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.pending[id]; c != nil {
		return c.most
	}
	return -1
}

// reply gives a reply to its caller.
func (l *link) reply(id uint64, body []byte) error {
	if len(body) == 0 {
		return errFrame
	}
	l.mu.Lock()
	c := l.pending[id]
	if c == nil {
		l.mu.Unlock()
		return errNobody
	}
	delete(l.pending, id)
	l.bytes -= c.size
	l.replies++
	l.latest = time.Now()
	if c.gate != atNone {
		l.gates[c.gate].free++
	}
	err := l.launchNext()
	abandoned := c.abandoned
	if !abandoned {
		c.body, c.finished = body, true
		c.done <- struct{}{}
	}
	leaving := l.rest != nil
	l.mu.Unlock()
	if abandoned {
		l.unclaimed(c, body)
	}
	if leaving {
		l.mu.Lock()
		l.settle()
		l.mu.Unlock()
	}
	return err
}

// allow sets how many calls the worker takes at once from now on, when none is under way: operations, and with single one
// that makes or ends keys, else one that makes lasting ones and one beside it.
func (l *link) allow(calls int, single bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gates[atCalls].free, l.gates[atWriter].free, l.gates[atOwner].free = calls, 1, 1
	l.single = single
}

// unclaimed releases what a call made whose caller has gone.
func (l *link) unclaimed(c *pending, body []byte) {
	defer secmem.Wipe(body)
	var r reply
	if parseReply(body, &r) != nil {
		l.die(errFrame)
		return
	}
	switch {
	case r.status == statusLost:
		l.die(errors.New(clean(r.detail)))
	case r.status != statusOK:
	case c.verb == verbBegin:
		l.tell(&request{verb: verbCloseStream, target: c.result})
	case c.verb == verbGenerate, c.verb == verbImport, c.verb == verbLoad, c.verb == verbKeyOp:
		l.tell(&request{verb: verbCloseKey, target: c.result})
	case c.verb == verbBlob:
		l.tell(&request{verb: verbDestroy, data: r.data})
	}
}

// watch kills a worker in which a call lasts too long.
func (l *link) watch() {
	tick := time.NewTicker(min(max(l.hang/8, 5*time.Millisecond), time.Second))
	defer tick.Stop()
	for {
		select {
		case <-l.dead:
			return
		case now := <-tick.C:
			if l.hangs(now) {
				l.die(fmt.Errorf("a call has lasted longer than %s", l.hang))
				return
			}
		}
	}
}

// hangs reports whether a call is under way for too long. A device that takes its calls one by one, in whichever order, is slow with the
// last of many and hangs in none: as long as answers come, a call may wait for as many of them as there are calls beside it, twice over.
func (l *link) hangs(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.pending {
		c.beside = max(c.beside, len(l.pending)-1)
		if now.Sub(c.began) > l.hang && (now.Sub(l.latest) > l.hang || l.replies-c.replies > 2*uint64(c.beside)) {
			return true
		}
	}
	return false
}
