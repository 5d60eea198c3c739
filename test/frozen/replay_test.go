package frozen_test

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger/internal/wire"
	"github.com/claviger/claviger/test/daemontest"
)

// TestTodaysDaemonServesARecordedClient sends a recorded client's bytes to the daemon and holds every answer against the
// recorded one.
func TestTodaysDaemonServesARecordedClient(t *testing.T) {
	over(t, "wire", func(t *testing.T, dir string) {
		for _, name := range spoken(t, dir) {
			t.Run(name, func(t *testing.T) {
				d := start(t, storeOf(t, dir, name))
				p := &replay{comparison: newComparison(t, dir), events: read(t, dir, name), d: d,
					requests: make(map[call]*event), early: make(map[call]*event), regions: make(map[uint64][]byte)}
				p.run(t)
			})
		}
	})
}

// spoken lists the conversations of a recording. There is at least one.
func spoken(t *testing.T, dir string) []string {
	t.Helper()
	list := must(filepath.Glob(filepath.Join(dir, "*.said")))(t)
	if len(list) == 0 {
		t.Fatal("no conversation is recorded")
	}
	for i, path := range list {
		list[i] = strings.TrimSuffix(filepath.Base(path), ".said")
	}
	return list
}

// storeOf gives the recorded store that a conversation was over: its own, or that of the whole recording.
func storeOf(t *testing.T, dir, name string) string {
	t.Helper()
	file := filepath.Join(dir, name+".store")
	if !holds(file) {
		file = filepath.Join(dir, "store")
	}
	return filepath.Join("testdata", lines(t, file)[0])
}

// replay plays the client of a recorded conversation.
type replay struct {
	*comparison
	d        *daemontest.Daemon
	events   []event
	conns    []peer
	requests map[call]*event   // recorded ones that were sent
	early    map[call]*event   // replies of today that came before the recorded one's turn
	regions  map[uint64][]byte // by recorded handle
	fresh    []byte            // the region that was announced last
}

// run goes through the events in their order: requests are sent, and replies waited for.
func (p *replay) run(t *testing.T) {
	first := must(net.DialUnix("unix", nil, &net.UnixAddr{Name: p.d.Socket, Net: "unix"}))(t)
	p.conns = []peer{{first}}
	replies := 0
	for i := range p.events {
		e := &p.events[i]
		if e.conn >= len(p.conns) {
			t.Fatalf("event %d is on connection %d; there are %d", i, e.conn, len(p.conns))
		}
		var err error
		if e.daemon {
			err = p.await(e)
			replies++
		} else {
			err = p.send(e)
		}
		if err != nil {
			t.Fatalf("event %d, %s %d on connection %d: %v", i, e.header().Op, e.header().ID, e.conn, err)
		}
	}
	if replies < 10 {
		t.Errorf("only %d replies are recorded", replies)
	}
	for c := range p.early {
		t.Errorf("the daemon answers request %d on connection %d, which it did not", c.id, c.conn)
	}
	for _, c := range p.conns {
		check(t, c.Close())
	}
}

// send sends a recorded request, with today's handles in it and a descriptor where one went with it.
func (p *replay) send(e *event) error {
	h, fd := e.header(), -1
	p.requests[call{e.conn, h.ID}] = e
	var err error
	switch {
	case h.Op == wire.OpConnect:
		var mine peer
		mine, fd, err = pair()
		p.conns = append(p.conns, mine)
	case h.Op == wire.OpRegion:
		fd, err = p.region(e.body())
	case h.Flags&wire.FlagRegion != 0:
		d := e.data()
		memory, ok := p.regions[d.Region.Handle]
		if !ok {
			return fmt.Errorf("there is no region %d", d.Region.Handle)
		}
		copy(memory[d.Region.In:], e.memory)
	}
	if err != nil {
		return err
	}
	return p.conns[e.conn].send(e.addressed(p.exchange), fd)
}

// region makes shared memory of the size that a request announces.
func (p *replay) region(body []byte) (int, error) {
	size, err := wire.ParseNumber(body)
	if err != nil {
		return -1, err
	}
	fd, err := unix.MemfdCreate("frozen", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return -1, err
	}
	if err = unix.Ftruncate(fd, int64(size)); err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
	}
	if err == nil {
		p.fresh, err = mapped(fd, size)
	}
	return fd, err
}

// await waits for today's reply in a recorded one's place and compares them.
func (p *replay) await(recorded *event) error {
	want := recorded.header()
	now, err := p.receive(call{recorded.conn, want.ID})
	if err != nil {
		return err
	}
	request, ok := p.requests[call{recorded.conn, want.ID}]
	if !ok {
		return fmt.Errorf("nobody asked")
	}
	switch {
	case want.Op == wire.OpRegion && want.Flags&wire.FlagError == 0:
		handle, err := wire.ParseNumber(recorded.body())
		if err != nil {
			return err
		}
		p.regions[handle] = p.fresh
	case now.header().Flags&wire.FlagRegion != 0:
		n, err := wire.ParseOutput(now.body())
		if err != nil {
			return err
		}
		ref := request.data().Region
		now.memory = p.regions[ref.Handle][ref.Out:][:n]
	}
	return p.reply(request, recorded, now)
}

// receive reads from a connection until the reply to a call is there.
func (p *replay) receive(c call) (*event, error) {
	for {
		if e, ok := p.early[c]; ok {
			delete(p.early, c)
			return e, nil
		}
		if err := p.conns[c.conn].SetReadDeadline(time.Now().Add(patience)); err != nil {
			return nil, err
		}
		frame, fd, err := p.conns[c.conn].receive()
		if err != nil {
			return nil, err
		}
		if fd >= 0 {
			return nil, fmt.Errorf("a descriptor came with a reply")
		}
		h, err := wire.ParseReply(frame)
		if err != nil {
			return nil, err
		}
		p.early[call{c.conn, h.ID}] = &event{daemon: true, conn: c.conn, frame: frame}
	}
}

// recordConversation writes down a conversation and what the client understood, if it has all that is to be remembered.
func recordConversation(t *testing.T, dir, name string, events []event, said []string) {
	has := make(map[string]bool)
	for _, e := range events {
		has[e.header().Op.String()] = true
		has["a region's output"] = has["a region's output"] || e.daemon && e.memory != nil
		has["a second connection in use"] = has["a second connection in use"] || e.conn > 0
	}
	for _, what := range []string{"cancel", "connect", "region", "reset", "a region's output", "a second connection in use"} {
		if name == "program" && !has[what] {
			t.Fatalf("the conversation has no %s; remove %s and record once more", what, dir)
		}
	}
	deflate(t, filepath.Join(dir, name+".txt.gz"), write(events))
	put(t, filepath.Join(dir, name+".said"), []byte(strings.Join(said, "\n")+"\n"))
}
