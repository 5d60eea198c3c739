package worker

import (
	"context"
	"errors"
	"time"
)

// farewell is how long a worker may take to end what its module does when the daemon no longer wants it.
const farewell = 3 * time.Second

// errLeaving is why a link takes no more calls before it is dead.
var errLeaving = errors.New("the daemon is stopping")

// leave asks the process to end, and ends it if it has not done so in time. What its module does is brought to an end first, with what
// follows from that: one that is cut off while it writes may leave a token that nobody can read.
func (l *link) leave() {
	late, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	select {
	case <-l.retire():
		_ = l.process.Conn().CloseWrite() // the worker reads the end of its requests
		select {
		case <-l.dead:
		case <-late.Done():
		}
	case <-l.dead:
	case <-late.Done():
	}
	l.end(errLeaving)
}

// retire has the link take no more calls. What it gives is closed when those that it has are answered, and nothing is sent any longer.
func (l *link) retire() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = make(chan struct{})
	l.settle()
	return l.rest
}

// settle lets a link rest that is to and has nothing under way; the caller holds mu.
func (l *link) settle() {
	if l.rest == nil || l.resting || len(l.pending) > 0 {
		return
	}
	for i := range l.gates {
		if l.gates[i].next() != nil {
			return
		}
	}
	l.resting = true
	close(l.rest)
}

// prolonged gives a context with the values of ctx that ends d after it.
func prolonged(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-longer.Done():
		case <-time.After(d):
			cancel()
		}
	})
	return longer, func() { stop(); cancel() }
}
