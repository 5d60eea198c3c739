package provider

import (
	"context"
	"errors"

	"github.com/claviger/claviger"
)

// Life is where a stream stands: running, finished until it starts again, or closed for good. The streams of every provider
// embed it, so that a call out of turn is refused in the same words everywhere. The zero value with Op set is running. Not safe
// for concurrent use.
type Life struct {
	Op       Op // what the stream does; named in errors
	finished bool
	closed   bool
}

// Open refuses a call on a stream that is closed: ErrContextAlreadyDestroyed.
func (l *Life) Open() error {
	if l.closed {
		return claviger.Errorf(claviger.ErrContextAlreadyDestroyed, l.Op.String(), "the stream is closed")
	}
	return nil
}

// Running refuses a call that needs a message under way: ErrContextAlreadyDestroyed, ErrStreamNotInitialized when the message is
// finished, or what Alive says.
func (l *Life) Running(ctx context.Context) error {
	if err := l.Open(); err != nil {
		return err
	}
	if l.finished {
		return claviger.Errorf(claviger.ErrStreamNotInitialized, l.Op.String(), "the stream is finished; reset it first")
	}
	return Alive(ctx, l.Op.String())
}

// Finishing ends the message if Running does not refuse it.
func (l *Life) Finishing(ctx context.Context) error {
	if err := l.Running(ctx); err != nil {
		return err
	}
	l.finished = true
	return nil
}

// Fail ends the message, of which nothing more can be said after an error.
func (l *Life) Fail() { l.finished = true }

// Restartable refuses the next message as Restart does, and begins none.
func (l *Life) Restartable(ctx context.Context) error {
	if err := l.Open(); err != nil {
		return err
	}
	return Alive(ctx, l.Op.String())
}

// Restart begins the next message: ErrContextAlreadyDestroyed, or what Alive says.
func (l *Life) Restart(ctx context.Context) error {
	if err := l.Restartable(ctx); err != nil {
		return err
	}
	l.finished = false
	return nil
}

// Shut closes the stream and reports whether it was open.
func (l *Life) Shut() bool {
	was := !l.closed
	l.closed = true
	return was
}

// Alive gives nil for a context that goes on, and Given for one that has ended. op is named in the error.
func Alive(ctx context.Context, op string) error {
	if ctx.Err() == nil {
		return nil
	}
	return Given(ctx, op)
}

// Given is the error of a call whose context has ended: ErrOperationTimedOut when its deadline has passed, else ErrOperationFailed,
// both with the context's own error in them. op is named in the error.
func Given(ctx context.Context, op string) error {
	err := ctx.Err()
	if errors.Is(err, context.DeadlineExceeded) {
		return &claviger.Error{Code: claviger.ErrOperationTimedOut, Op: op, Detail: "the deadline passed", Err: err}
	}
	return &claviger.Error{Code: claviger.ErrOperationFailed, Op: op, Detail: "cancelled", Err: err}
}
