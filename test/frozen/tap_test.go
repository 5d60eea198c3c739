package frozen_test

import (
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/internal/wire"
	"github.com/claviger/claviger/test/daemontest"
)

// tap stands between a client and a daemon and writes down what they say.
type tap struct {
	mu      sync.Mutex
	events  []event
	part    string            // of the conversation that goes on
	conns   int               // begun so far
	regions map[uint64][]byte // by handle
	pending map[call]request  // those whose reply concerns a region
	failure error             // what the tap could not do
	wait    sync.WaitGroup    // relays
	ends    []peer            // all that is to be closed
}

// call names a request that is under way.
type call struct {
	conn int
	id   uint64
}

// request is what the tap keeps of one.
type request struct {
	memory []byte // of a region that is announced
	data   wire.Data
}

// listen gives a client's end of a connection to the daemon that the tap listens to.
func (p *tap) listen(t *testing.T, d *daemontest.Daemon) *net.UnixConn {
	t.Helper()
	p.regions, p.pending = make(map[uint64][]byte), make(map[call]request)
	daemon := must(net.DialUnix("unix", nil, &net.UnixAddr{Name: d.Socket, Net: "unix"}))(t)
	mine, fd, err := pair()
	check(t, err)
	p.join(mine, peer{daemon})
	theirs := must(adopt(fd))(t)
	return theirs.UnixConn
}

// begin says that a part of the conversation begins, and that it is not left out.
func (p *tap) begin(part string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.part = part
	return false
}

// join relays between the two ends of one more connection.
func (p *tap) join(client, daemon peer) {
	n := p.conns
	p.conns++
	p.ends = append(p.ends, client, daemon)
	p.wait.Go(func() { p.relay(client, daemon, n, false) })
	p.wait.Go(func() { p.relay(daemon, client, n, true) })
}

// relay passes frames on until one end closes, and then closes the other.
func (p *tap) relay(from, to peer, conn int, daemon bool) {
	defer to.Close()
	for {
		frame, fd, err := from.receive()
		if err != nil {
			return // closed, which every conversation ends with
		}
		e := event{daemon: daemon, conn: conn, frame: frame}
		if fd, err = p.note(&e, fd); err == nil {
			err = to.send(frame, fd)
		}
		if err != nil {
			p.mu.Lock()
			p.failure = err
			p.mu.Unlock()
			return
		}
	}
}

// note writes an event down, and gives the descriptor to pass on in the place of fd.
func (p *tap) note(e *event, fd int) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e.part = p.part
	parse := wire.ParseRequest
	if e.daemon {
		parse = wire.ParseReply
	}
	h, err := parse(e.frame)
	if err != nil {
		return fd, err
	}
	if e.daemon {
		err = p.replied(e, h)
	} else {
		fd, err = p.requested(e, h, fd)
	}
	p.events = append(p.events, *e)
	return fd, err
}

func (p *tap) requested(e *event, h wire.Header, fd int) (int, error) {
	switch {
	case h.Op == wire.OpConnect:
		client, err := adopt(fd)
		if err != nil {
			return -1, err
		}
		daemon, fd, err := pair()
		if err == nil {
			p.join(client, daemon)
		}
		return fd, err
	case h.Op == wire.OpRegion:
		size, err := wire.ParseNumber(e.body())
		if err != nil {
			return fd, err
		}
		memory, err := mapped(fd, size)
		p.pending[call{e.conn, h.ID}] = request{memory: memory}
		return fd, err
	case h.Flags&wire.FlagRegion != 0:
		d := e.data()
		memory, ok := p.regions[d.Region.Handle]
		if !ok {
			return fd, fmt.Errorf("a region %d that was not announced", d.Region.Handle)
		}
		e.memory = slices.Clone(memory[d.Region.In:][:d.Region.Length])
		p.pending[call{e.conn, h.ID}] = request{data: d}
	}
	return fd, nil
}

func (p *tap) replied(e *event, h wire.Header) error {
	r, ok := p.pending[call{e.conn, h.ID}]
	if !ok || h.Flags&wire.FlagError != 0 {
		return nil
	}
	delete(p.pending, call{e.conn, h.ID})
	switch {
	case h.Op == wire.OpRegion:
		handle, err := wire.ParseNumber(e.body())
		p.regions[handle] = r.memory
		return err
	case h.Flags&wire.FlagRegion != 0:
		n, err := wire.ParseOutput(e.body())
		if err != nil {
			return err
		}
		e.memory = slices.Clone(p.regions[r.data.Region.Handle][r.data.Region.Out:][:n])
	}
	return nil
}

// close ends the relays and gives what they wrote down.
func (p *tap) close(t *testing.T) []event {
	t.Helper()
	for _, end := range p.ends {
		end.Close()
	}
	p.wait.Wait()
	for _, memory := range p.regions {
		check(t, unix.Munmap(memory))
	}
	check(t, p.failure)
	return p.events
}

// recordWire lets the client of this tree talk to its daemon, and writes down what both say and what the client understands.
func recordWire(t *testing.T, dir string) {
	for _, c := range conversations() {
		stores := recordings(t, c.over)
		store := stores[len(stores)-1]
		d, p := start(t, store), new(tap)
		config := client.Config{Guest: c.guest, DaemonUID: new(uint32(d.UID))}
		stack := must(client.New(t.Context(), p.listen(t, d), config))(t)
		said := c.converse(t, stack, seen(t, store), p.begin)
		check(t, stack.Close())
		d.Stop(t)
		recordConversation(t, dir, c.name, p.close(t), said)
		put(t, filepath.Join(dir, c.name+".store"), []byte(filepath.Base(store)+"\n"))
	}
	recordShape(t, dir)
}
