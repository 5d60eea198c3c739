package server

import (
	"context"
	"slices"
	"sync"

	"github.com/claviger/claviger"
)

// pool runs jobs on a bounded number of goroutines. Each tenant has a lane: jobs of one lane start in their order, at
// most share of them run at once, and lanes take turns. A goroutine that has nothing to do waits for more, some of them at
// most: its stack has grown to what a call needs. A job that says that it only waits for a device is parked: it takes no
// place any longer, so that a device that hangs holds up nothing else.
type pool struct {
	size, share int

	mu      sync.Mutex
	running int
	queued  int
	parked  int
	closing bool
	lanes   map[string]*lane
	ready   []*lane     // lanes with a job that may start, in turn
	resting []chan *job // of goroutines that wait for a job; the last came last
	idle    chan struct{}
}

// mostResting is how many goroutines of a pool may wait for work.
const mostResting = 64

type lane struct {
	tenant  string
	queue   []*job
	running int
	listed  bool // in ready
}

func newPool(size, share int) *pool {
	return &pool{size: size, share: share, lanes: make(map[string]*lane), idle: make(chan struct{}, 1)}
}

// submit queues a job, or starts it at once where there is room. After drain has begun it is refused.
func (p *pool) submit(j *job) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closing {
		return claviger.Errorf(claviger.ErrConnectionFailed, j.header.Op.String(), "the daemon is stopping")
	}
	l := p.lanes[j.tenant]
	if l == nil {
		l = &lane{tenant: j.tenant}
		p.lanes[j.tenant] = l
	}
	l.queue = append(l.queue, j)
	p.queued++
	p.list(l)
	p.start()
	return nil
}

// start gives a job that may start a goroutine of its own, where there is room; the caller holds mu.
func (p *pool) start() {
	if p.running < p.size {
		if next := p.next(); next != nil {
			p.running++
			p.hand(next)
		}
	}
}

// hand gives a job to a goroutine; the caller holds mu.
func (p *pool) hand(j *job) {
	last := len(p.resting) - 1
	if last < 0 {
		go p.work(j)
		return
	}
	p.resting[last] <- j
	p.resting = p.resting[:last]
}

// park takes a running job out of the count, once and for good: what is left to do for it when its device has answered is a
// record to write at most, or a verification with a public half.
func (p *pool) park(j *job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if j.parked {
		return
	}
	j.parked = true
	p.parked++
	p.running--
	l := p.lanes[j.tenant]
	l.running--
	p.list(l)
	p.forget(l)
	p.start()
}

// list puts a lane in line if a job of it may start.
func (p *pool) list(l *lane) {
	if !l.listed && len(l.queue) > 0 && l.running < p.share {
		l.listed = true
		p.ready = append(p.ready, l)
	}
}

// next takes the first job of the lane whose turn it is; nil if no job may start.
func (p *pool) next() *job {
	for len(p.ready) > 0 {
		l := p.ready[0]
		p.ready = slices.Delete(p.ready, 0, 1)
		l.listed = false
		if len(l.queue) == 0 { // its jobs were given up
			p.forget(l)
			continue
		}
		j := l.queue[0]
		l.queue = slices.Delete(l.queue, 0, 1)
		l.running++
		p.queued--
		p.list(l)
		return j
	}
	return nil
}

func (p *pool) forget(l *lane) {
	if l.running == 0 && len(l.queue) == 0 && !l.listed {
		delete(p.lanes, l.tenant)
	}
}

// work runs jobs, and rests where there is none, until it is not needed.
func (p *pool) work(j *job) {
	var wake chan *job
	for j != nil {
		j.run()
		if j = p.following(j); j != nil {
			continue
		}
		if wake == nil {
			wake = make(chan *job, 1)
		}
		if !p.rest(wake) {
			return
		}
		j = <-wake
	}
}

// following notes the end of a job and gives the next for the same goroutine; nil if there is none.
func (p *pool) following(j *job) *job {
	p.mu.Lock()
	defer p.mu.Unlock()
	if j.parked { // another has its place
		p.parked--
		p.tell()
		return nil
	}
	l := p.lanes[j.tenant]
	l.running--
	p.list(l)
	p.forget(l)
	next := p.next()
	if next == nil {
		p.running--
		p.tell()
	}
	return next
}

// rest has a goroutine woken with the next job, or by drain with none; false if enough are resting.
func (p *pool) rest(wake chan *job) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closing || len(p.resting) >= mostResting {
		return false
	}
	p.resting = append(p.resting, wake)
	return true
}

// remove takes a job out of the queue; false if it has started.
func (p *pool) remove(j *job) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.lanes[j.tenant]
	if l == nil {
		return false
	}
	i := slices.Index(l.queue, j)
	if i < 0 {
		return false
	}
	l.queue = slices.Delete(l.queue, i, i+1)
	p.queued--
	p.forget(l)
	p.tell()
	return true
}

// tell wakes drain when nothing runs or waits; the caller holds mu.
func (p *pool) tell() {
	if p.closing && p.running == 0 && p.queued == 0 && p.parked == 0 {
		select {
		case p.idle <- struct{}{}:
		default:
		}
	}
}

// drain refuses further jobs and waits until all have ended, or for ctx, whose error it then returns.
func (p *pool) drain(ctx context.Context) error {
	p.mu.Lock()
	p.closing = true
	for _, wake := range p.resting {
		close(wake)
	}
	p.resting = nil
	p.tell()
	p.mu.Unlock()
	select {
	case <-p.idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
