package link

import (
	"errors"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger/internal/sock"
	"github.com/claviger/claviger/internal/wire"
)

// enqueue puts a frame into the output; the caller holds mu.
func (c *conn) enqueue(r *request, id uint64) {
	before := len(c.out)
	h := wire.Header{Op: r.op, Flags: r.flags, ID: id, Remaining: r.remaining}
	if r.op.Data() {
		h.Length = uint32(r.data.Len(r.flags))
		c.growOut(wire.HeaderSize + int(h.Length))
		c.out = r.data.Append(h.Append(c.out), r.flags)
	} else {
		h.Length = uint32(len(r.body))
		c.growOut(wire.HeaderSize + int(h.Length))
		c.out = append(h.Append(c.out), r.body...)
		c.outSecret = true
	}
	n := len(c.out) - before
	if r.flags&wire.FlagFD != 0 {
		c.marks = append(c.marks, mark{c.queued, n, r.fd})
		c.marked.Add(1)
	}
	c.queued += uint64(n)
}

// growOut makes room for n more bytes of output. The caller holds mu.
func (c *conn) growOut(n int) {
	if cap(c.out)-len(c.out) >= n {
		return
	}
	old := c.out
	c.out = slices.Grow(c.out, n)
	if c.outSecret {
		clear(old)
	}
}

// takeOut takes the output to send it; the caller holds mu and is the writer.
func (c *conn) takeOut() []byte {
	buf := c.out
	c.out, c.spare = c.spare[:0], nil
	c.takenSecret, c.outSecret = c.outSecret, false
	return buf
}

// putBack gives back the buffer that takeOut gave, of which the first n bytes were sent, and wipes keys and secrets in it; the caller
// holds mu.
func (c *conn) putBack(buf []byte, n int) {
	if n < len(buf) {
		rest := append(append([]byte(nil), buf[n:]...), c.out...)
		if c.outSecret {
			clear(c.out)
		}
		c.out, c.outSecret = rest, c.outSecret || c.takenSecret
	}
	if c.takenSecret {
		clear(buf)
	}
	if n == len(buf) && cap(buf) <= keepOutput {
		c.spare = buf[:0]
	}
}

// endWriting makes room for another writer; the caller holds mu. Descriptors that can no longer be sent are closed by
// whoever was last to write, so that none is closed while it is being sent.
func (c *conn) endWriting() {
	c.writing = false
	if c.err == nil {
		return
	}
	for _, m := range c.marks {
		_ = unix.Close(m.fd)
	}
	c.marks = nil
	c.marked.Store(0)
}

// transmitOnce makes one attempt to send from buf, with a descriptor where one belongs. Only the writer calls it.
func (c *conn) transmitOnce(fd uintptr, buf []byte) (int, error) {
	if c.marked.Load() == 0 {
		n, err := sock.Send(fd, buf)
		c.sent += uint64(n)
		return n, err
	}
	c.mu.Lock()
	m := c.marks[0]
	c.mu.Unlock()
	if m.off > c.sent {
		n, err := sock.Send(fd, buf[:min(uint64(len(buf)), m.off-c.sent)])
		c.sent += uint64(n)
		return n, err
	}
	n, err := sock.SendFD(fd, buf[:m.n], m.fd)
	if n > 0 {
		c.sent += uint64(n)
		c.mu.Lock()
		c.marks = c.marks[1:]
		c.marked.Add(-1)
		c.mu.Unlock()
		_ = unix.Close(m.fd)
	}
	return n, err
}

// flush sends the output as far as the socket takes it, or until k has no time left. The caller holds mu and has made
// itself the writer; both hold again afterwards, the latter no longer.
func (c *conn) flush(k *call) {
	for len(c.out) > 0 && c.err == nil {
		buf := c.takeOut()
		c.mu.Unlock()
		n, err := c.send(buf)
		c.mu.Lock()
		c.putBack(buf, n)
		if errors.Is(err, sock.ErrAgain) {
			if k == nil || k.over() {
				break
			}
			c.waitToSend(k)
			continue
		}
		if err != nil {
			c.breakOff(broken("send", err))
		}
	}
	c.endWriting()
}

// send sends buf until the socket is full (ErrAgain) or something fails. Only the writer calls it.
func (c *conn) send(buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		c.sendBuf = buf[n:]
		if err = c.raw.Write(c.transmit); err == nil {
			n += c.sendN
			err = c.sendErr
		}
	}
	c.sendBuf = nil
	return n, err
}

// sendPatience is how long a writer waits for the socket before it looks whether replies have to be read first.
const sendPatience = 10 * time.Millisecond

// waitToSend waits a little for the socket to take more. The daemon stops reading while too many replies wait for us,
// so replies are read here if nobody else reads. The caller holds mu and is the writer.
func (c *conn) waitToSend(k *call) {
	if !c.reading {
		c.reading = true
		c.mu.Unlock()
		if err := c.raw.Read(func(fd uintptr) bool {
			c.receive(fd)
			return true
		}); err != nil {
			c.readErr = err // a deadline had passed already: nothing was read
		}
		c.mu.Lock()
		c.received(c.readErr)
		c.reading = false
		c.promote(k)
	}
	buf := c.takeOut()
	c.mu.Unlock()
	_ = c.net.SetWriteDeadline(time.Now().Add(sendPatience))
	var n int
	var failed error
	err := c.raw.Write(func(fd uintptr) bool {
		n, failed = c.transmitOnce(fd, buf)
		return failed != sock.ErrAgain
	})
	_ = c.net.SetWriteDeadline(time.Time{})
	c.mu.Lock()
	c.putBack(buf, n)
	if err == nil {
		err = failed
	}
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, sock.ErrAgain) {
		c.breakOff(broken("send", err))
	}
	c.expire()
}

// sendWhole is the first half of an exchange: it sends the output and then has the poller wait, without a look whether
// the reply is there already, which it cannot be. If the socket does not take everything the exchange ends here.
func (c *conn) sendWhole(fd uintptr) bool {
	c.sending = false
	c.mu.Lock()
	if len(c.marks) > 0 { // somebody has since put a descriptor in line
		c.endWriting()
		c.mu.Unlock()
		c.readErr = sock.ErrAgain
		return true
	}
	buf := c.takeOut()
	c.mu.Unlock()
	n, err := sock.Send(fd, buf)
	c.sent += uint64(n)
	c.mu.Lock()
	c.putBack(buf, n)
	more := len(c.out) > 0
	c.endWriting()
	c.mu.Unlock()
	if err == nil && !more {
		return false
	}
	if err == nil {
		err = sock.ErrAgain
	}
	c.readErr = err
	return true
}
