package operation

import (
	"github.com/claviger/claviger"
)

// State is where a context is.
type State uint32

// The states. A context is born Idle.
//
//	             Idle                  Initialized, Active       Failed            Destroyed
//	Init         → Initialized         StreamAlreadyActive       InvalidOperation  ContextAlreadyDestroyed
//	Update       StreamNotInitialized  → Active                  InvalidOperation  ContextAlreadyDestroyed
//	Finalize     StreamNotInitialized  → Idle                    InvalidOperation  ContextAlreadyDestroyed
//	OneShot      ok                    StreamAlreadyActive       InvalidOperation  ContextAlreadyDestroyed
//	Reset        ok, no effect         → Idle, work discarded    InvalidOperation  ContextAlreadyDestroyed
//	Abandon      → Failed              → Failed                  no effect         no effect
//	Close        → Destroyed           → Destroyed               → Destroyed       no effect
//
// Finalize right after Init is the empty message. A call whose arguments are refused changes no state. A failed
// Finalize (a wrong tag, say) has ended the message all the same: the context is Idle. A provider that fails in
// Update or Reset leaves it Failed.
const (
	Idle State = iota
	Initialized
	Active
	Failed
	Destroyed
)

// String gives the state's word.
func (s State) String() string {
	switch s {
	case Idle:
		return "idle"
	case Initialized:
		return "initialized"
	case Active:
		return "active"
	case Failed:
		return "failed"
	case Destroyed:
		return "destroyed"
	}
	return "unknown"
}

// State tells where the context is at this moment.
func (c *Context) State() State { return State(c.state.Load()) }

// open reports whether a message is under way.
func (s State) open() bool { return s == Initialized || s == Active }

// wantIdle refuses Init and OneShot in any state but Idle.
func (s State) wantIdle(op string) error {
	if s == Idle {
		return nil
	}
	if s.open() {
		return claviger.Errorf(claviger.ErrStreamAlreadyActive, op, "a message is under way; reset first")
	}
	return s.dead(op)
}

// wantOpen refuses Update and Finalize without a message.
func (s State) wantOpen(op string) error {
	if s.open() {
		return nil
	}
	if s == Idle {
		return claviger.Errorf(claviger.ErrStreamNotInitialized, op, "no message is under way; init first")
	}
	return s.dead(op)
}

// wantLive refuses everything in the two states that a context does not leave.
func (s State) wantLive(op string) error {
	if s == Failed || s == Destroyed {
		return s.dead(op)
	}
	return nil
}

// dead is the error of the two states that a context does not leave.
func (s State) dead(op string) error {
	if s == Destroyed {
		return claviger.Errorf(claviger.ErrContextAlreadyDestroyed, op, "the context is closed")
	}
	return claviger.Errorf(claviger.ErrInvalidOperation, op, "the context is in the error state; close it and make a new one")
}

// move goes from one of the live states to another. It does nothing where the context was abandoned or closed in the
// meantime.
func (c *Context) move(to State) {
	for {
		from := c.state.Load()
		if State(from) == Failed || State(from) == Destroyed || c.state.CompareAndSwap(from, uint32(to)) {
			return
		}
	}
}

// Abandon puts the context into the error state, because a call on it passed its deadline or was given up. A call
// that still runs goes on and keeps what it uses; what it gives is nobody's.
func (c *Context) Abandon() { c.move(Failed) }

// Close ends the context. What it holds is released when the last running call returns. Idempotent.
func (c *Context) Close() {
	if State(c.state.Swap(uint32(Destroyed))) != Destroyed {
		c.leave()
	}
}

// enter takes part in the context's life, so that Close in the meantime takes nothing away. It refuses a closed
// context.
func (c *Context) enter(op string) error {
	for {
		n := c.refs.Load()
		if n <= 0 {
			return Destroyed.dead(op)
		}
		if c.refs.CompareAndSwap(n, n+1) {
			return nil
		}
	}
}

// leave ends what enter began; the last one out releases everything.
func (c *Context) leave() {
	if c.refs.Add(-1) != 0 {
		return
	}
	c.discard()
	if c.key != nil {
		c.key.Release()
	}
}

// lock makes a streaming call the only one. Two at once are a fault of the caller.
func (c *Context) lock(op string) error {
	if c.busy.TryLock() {
		return nil
	}
	return claviger.Errorf(claviger.ErrInvalidOperation, op, "the context is busy with another call; a stream belongs to one caller at a time")
}

// discard drops the stream and gives its bytes back to the budget. The caller holds busy, or is the last one out.
func (c *Context) discard() {
	if c.stream != nil {
		c.stream.Close()
		c.stream = nil
	}
	c.unhold()
}

// hold charges n more bytes of the message under way or of its associated data, where the whole of it is kept.
func (c *Context) hold(n int) error {
	if !c.info.Gathers || c.budget == nil || n == 0 {
		return nil
	}
	if err := c.budget.Reserve(int64(n)); err != nil {
		return err
	}
	c.held.Add(int64(n))
	return nil
}

// release gives back n bytes of what hold charged: a part that was refused.
func (c *Context) release(n int) {
	if c.info.Gathers && c.budget != nil && n != 0 {
		c.held.Add(int64(-n))
		c.budget.Unreserve(int64(n))
	}
}

// unhold gives back all that hold charged.
func (c *Context) unhold() {
	if n := c.held.Swap(0); n != 0 {
		c.budget.Unreserve(n)
	}
}
