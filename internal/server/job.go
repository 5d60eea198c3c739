package server

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
)

// job is a call that runs in the pool. It is answered once: by its result, by its deadline, or not at all when its
// caller has given it up or gone.
type job struct {
	conn   *conn
	tenant string
	header wire.Header
	handle uint64 // operation context; 0 for control operations
	body   []byte // a copy of its own
	row    *row   // control operations

	ctx      context.Context
	cancel   context.CancelFunc
	stop     func() bool // of the deadline's watcher
	answered atomic.Bool
	parked   bool // it takes no place in its pool any longer; guarded by the pool's mu
}

// enqueue copies the request, charges it to the tenant and gives it to the pool. A refusal is answered.
func (c *conn) enqueue(j *job) {
	if err := c.submit(j); err != nil {
		c.fail(j.header, err)
	}
}

func (c *conn) submit(j *job) error {
	sess := c.peer.sess
	if err := sess.Begin(); err != nil {
		return err
	}
	if err := sess.Reserve(int64(len(j.body))); err != nil {
		sess.End()
		return err
	}
	j.conn, j.tenant, j.body = c, c.peer.sess.Caller().Tenant, bytes.Clone(j.body)
	j.ctx, j.cancel = context.WithTimeout(provider.WithPark(c.peer.ctx, j.tenant, func() { j.pool().park(j) }), c.srv.limit(j.header.Remaining))
	err := c.calls.add(j)
	if err == nil {
		j.stop = context.AfterFunc(j.ctx, j.expire)
		err = j.pool().submit(j)
	}
	if err == nil {
		return nil
	}
	if j.answered.CompareAndSwap(false, true) {
		c.calls.remove(j)
	} else {
		err = nil // its deadline has passed, and it was told so
	}
	j.release()
	return err
}

// release gives back what the job held. It is called once, when the job has run or will never run.
func (j *job) release() {
	sess := j.conn.peer.sess
	j.cancel()
	clear(j.body)
	sess.Unreserve(int64(len(j.body)))
	sess.End()
	j.conn.calls.ended()
}

// pool is where the job runs.
func (j *job) pool() *pool {
	if j.row != nil && j.row.stored {
		return j.conn.srv.disk
	}
	return j.conn.srv.pool
}

// run is the job's turn in the pool.
func (j *job) run() {
	defer j.release()
	if j.answered.Load() {
		return
	}
	var out []byte
	var flags wire.Flags
	var made []uint64
	var err error
	head := make([]byte, wire.HeaderSize, wire.HeaderSize+512)
	if j.row != nil {
		out, made, err = j.conn.srv.runControl(j.ctx, j.conn.peer, j.row, j.header, j.body, head)
	} else if d, failed := wire.ParseData(j.header.Op, j.header.Flags, j.body); failed != nil {
		err = failed
	} else {
		out, flags, err = j.conn.srv.execute(j.ctx, j.conn.peer, j.header, &d, head)
	}
	if !j.conn.calls.answer(j, made) {
		clear(out)
		j.conn.peer.discard(made)
		return
	}
	j.stop()
	if err != nil {
		clear(out)
		out = appendFailure(out[:0], j.header, j.translate(err))
	} else {
		out = seal(out, 0, j.header, wire.FlagReply|flags)
	}
	_ = j.conn.writer.gather(out)
	clear(out)
}

// translate gives an operation that noticed the deadline itself the answer that the deadline's watcher would have given.
func (j *job) translate(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		if j.handle != 0 {
			j.conn.peer.sess.Abandon(j.handle)
		}
		return j.conn.srv.timedOut(j.header, j.row != nil && j.row.durable)
	}
	return err
}

// expire is called when the job's context has ended. If that was the deadline the caller is answered now; an operation
// that is running goes on, and its result is dropped.
func (j *job) expire() {
	if !errors.Is(j.ctx.Err(), context.DeadlineExceeded) || !j.giveUp() {
		return
	}
	_ = j.conn.writer.send(appendFailure(nil, j.header, j.conn.srv.timedOut(j.header, j.row != nil && j.row.durable)))
}

// giveUp takes the job from its caller; false if it was answered already. Its context goes into the error state.
func (j *job) giveUp() bool {
	if !j.answered.CompareAndSwap(false, true) {
		return false
	}
	j.conn.calls.remove(j)
	if j.handle != 0 {
		j.conn.peer.sess.Abandon(j.handle)
	}
	if j.pool().remove(j) {
		j.release()
	} else {
		j.cancel()
	}
	return true
}

// discard releases what a call made that nobody waits for any longer.
func (p *peer) discard(handles []uint64) {
	if len(handles) > 0 {
		_, _ = p.sess.Release(context.Background(), &pb.ReleaseRequest{Handles: handles})
	}
}

// remembered is how many control replies a connection remembers, for cancels that cross them.
const remembered = 32

// calls are the pooled calls of one connection by their ids. Safe for concurrent use.
type calls struct {
	mu      sync.Mutex
	none    sync.Cond // live is zero, or cut is set
	byID    map[uint64]*job
	live    int          // jobs that have not been released
	running atomic.Int32 // the same, to be read without mu
	cut     bool         // nobody waits for them any longer
	last    [remembered]answer
	count   int
	highest atomic.Uint64 // no remembered answer has a higher id; read without mu
}

// answer is a reply that gave its caller handles.
type answer struct {
	id   uint64
	made []uint64
}

func (c *calls) init() {
	c.byID = make(map[uint64]*job)
	c.none.L = &c.mu
}

func (c *calls) add(j *job) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.live++
	c.running.Add(1)
	if c.byID[j.header.ID] != nil {
		return claviger.Errorf(claviger.ErrInvalidArgument, j.header.Op.String(), "request id %d is in use", j.header.ID)
	}
	c.byID[j.header.ID] = j
	return nil
}

func (c *calls) remove(j *job) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byID[j.header.ID] == j {
		delete(c.byID, j.header.ID)
	}
}

func (c *calls) ended() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running.Add(-1)
	if c.live--; c.live == 0 {
		c.none.Broadcast()
	}
}

// wait waits until no job is left, or until cutOff.
func (c *calls) wait() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.live > 0 && !c.cut {
		c.none.Wait()
	}
}

// cutOff ends wait although jobs may be running. They go on and keep what they use.
func (c *calls) cutOff() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = true
	c.none.Broadcast()
}

// answer takes the job from those who would give it up, and remembers what it made; false if it was given up already. It
// is one step, so that a cancel finds the job or the memory of it.
func (c *calls) answer(j *job, made []uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !j.answered.CompareAndSwap(false, true) {
		return false
	}
	if c.byID[j.header.ID] == j {
		delete(c.byID, j.header.ID)
	}
	if len(made) > 0 {
		c.keep(j.header.ID, made)
	}
	return true
}

// remember keeps the handles of a reply for a cancel that comes after it.
func (c *calls) remember(id uint64, made []uint64) {
	if len(made) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keep(id, made)
}

// keep is remember for who holds mu.
func (c *calls) keep(id uint64, made []uint64) {
	c.last[c.count%remembered] = answer{id: id, made: made}
	c.count++
	c.highest.Store(max(id, c.highest.Load()))
}

// arrives notes a request under an id: a cancel that comes later means that one, and nothing that an older call under the
// same id has made. Where ids grow it costs one comparison.
func (c *calls) arrives(id uint64) {
	if id <= c.highest.Load() {
		c.forget(id)
	}
}

// forget gives what the reply under an id had made, if it is remembered.
func (c *calls) forget(id uint64) []uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.last {
		if a := c.last[i]; a.made != nil && a.id == id {
			c.last[i] = answer{}
			return a.made
		}
	}
	return nil
}

// cancel gives up the call with this id. It returns the handles of a reply that was sent before the cancel came: the
// caller gave up without having seen it.
func (c *calls) cancel(id uint64) []uint64 {
	c.mu.Lock()
	j := c.byID[id]
	c.mu.Unlock()
	if j != nil && j.giveUp() {
		return nil
	}
	return c.forget(id) // answered before, or in the meantime
}

// drop gives up all calls, because the connection has ended.
func (c *calls) drop() {
	c.mu.Lock()
	list := make([]*job, 0, len(c.byID))
	for _, j := range c.byID {
		list = append(list, j)
	}
	c.mu.Unlock()
	for _, j := range list {
		j.giveUp()
	}
}
