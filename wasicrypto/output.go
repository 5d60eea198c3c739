package wasicrypto

import (
	"sync"

	"github.com/claviger/claviger/internal/secmem"
)

// output is what the array_output functions work on: an array_output, or a signature, which answers as one too.
type output interface {
	object
	// size is the whole length in bytes, however much has been pulled.
	size() int
	// pull copies the next bytes to dst and gives their number. drained says that the handle is to be closed: all has been pulled from an object
	// that is nothing but an output.
	pull(dst []byte) (n int, drained bool)
}

// arrayOutput is bytes on their way to the guest. Safe for concurrent use.
type arrayOutput struct {
	data []byte // the slice does not change; its bytes are wiped at the end

	mu     sync.Mutex
	charge charge // guarded by mu
	next   int    // guarded by mu; what has been pulled
}

// useOutput is use for an output: a type assertion in one place is several times faster than a generic one.
func useOutput(t *table, h uint32, fn func(output) errno) errno {
	e := t.get(h)
	if e == nil {
		return invalidHandle
	}
	defer e.release()
	o, ok := e.object.(output)
	if !ok {
		return invalidHandle
	}
	return fn(o)
}

// giveOutput gives the guest an array_output with the data, which it owns from now on and wipes. overflow for more than
// Limits.Held, or if the guest holds too much already.
func (c *call) giveOutput(to out, data []byte) errno {
	o := &arrayOutput{data: data}
	if len(data) > c.guest.host.config.Limits.Held {
		o.close()
		return overflow
	}
	if e := o.charge.hold(&c.guest.budget, len(data)); e != success {
		o.close()
		return e
	}
	return c.give(to, o)
}

func (o *arrayOutput) size() int { return len(o.data) }

func (o *arrayOutput) pull(dst []byte) (n int, drained bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n = copy(dst, o.data[o.next:])
	o.next += n
	return n, o.next == len(o.data)
}

func (o *arrayOutput) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	secmem.Wipe(o.data)
	o.charge.release()
}
