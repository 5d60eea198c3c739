package wasicrypto

import "sync/atomic"

// budget is how many bytes a guest's objects may hold in host memory, all together. Safe for concurrent use.
type budget struct {
	left atomic.Int64
}

// charge is what one object holds of a budget. The object's own lock guards it; the zero value holds nothing.
type charge struct {
	budget *budget
	bytes  int64
}

// hold takes n more bytes: overflow if they are not there, and then nothing is taken.
func (c *charge) hold(b *budget, n int) errno {
	if n == 0 {
		return success
	}
	if b.left.Add(-int64(n)) < 0 {
		b.left.Add(int64(n))
		return overflow
	}
	c.budget, c.bytes = b, c.bytes+int64(n)
	return success
}

// give gives n of the bytes back.
func (c *charge) give(n int) {
	if c.budget != nil {
		c.budget.left.Add(int64(n))
		c.bytes -= int64(n)
	}
}

// release gives everything back. Idempotent.
func (c *charge) release() { c.give(int(c.bytes)) }
