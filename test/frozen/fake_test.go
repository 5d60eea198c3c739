package frozen_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/internal/wire"
)

// TestTodaysClientUnderstandsARecordedDaemon has the client of today ask again what was asked, gives it the recorded daemon's
// bytes, and holds what it understood against what was understood then.
func TestTodaysClientUnderstandsARecordedDaemon(t *testing.T) {
	over(t, "wire", func(t *testing.T, dir string) {
		known := conversations()
		without := func(part string) bool { return askedOtherwise(filepath.Base(dir), part) }
		for _, name := range spoken(t, dir) {
			t.Run(name, func(t *testing.T) {
				i := slices.IndexFunc(known, func(c conversation) bool { return c.name == name })
				if i < 0 {
					t.Fatal("nobody knows any more what was asked")
				}
				f := newFake(t, dir, name, without)
				t.Cleanup(func() { f.close(t) })
				said := known[i].converse(t, f.dial(t, known[i].guest), seen(t, storeOf(t, dir, name)), without)
				want := slices.DeleteFunc(lines(t, filepath.Join(dir, name+".said")), func(line string) bool {
					part, _, _ := strings.Cut(line, ": ")
					return without(part)
				})
				equal(t, "number of answers", len(said), len(want))
				for i := range min(len(said), len(want)) {
					equal(t, "understood", said[i], want[i])
				}
			})
		}
	})
}

// dial gives a client of the fake.
func (f *fake) dial(t *testing.T, guest client.GuestIdentity) *client.Stack {
	t.Helper()
	mine, fd, err := pair()
	check(t, err)
	f.join(mine)
	stack, err := client.New(t.Context(), must(adopt(fd))(t).UnixConn, client.Config{Guest: guest})
	check(t, err)
	t.Cleanup(func() { stack.Close() })
	return stack
}

// fake is a daemon that has recorded answers and nothing else. It knows a request by what it says, whatever its id and time.
type fake struct {
	compare *comparison
	wait    sync.WaitGroup

	mu      sync.Mutex
	ends    []peer
	asked   []asked
	regions map[uint64][]byte
	trouble []error
}

// asked is a recorded request and the answer to it.
type asked struct {
	request, reply *event // reply is nil where there was none
	used           bool
	to             peer   // who asks today, while the answer is held back
	id             uint64 // as today's client has it
	out            []byte // where output in a region goes
	held           bool
}

// newFake reads the answers of a recorded conversation, but for some parts.
func newFake(t *testing.T, dir, name string, without func(part string) bool) *fake {
	t.Helper()
	f := &fake{compare: newComparison(t, dir), regions: make(map[uint64][]byte)}
	events := read(t, dir, name)
	for i := range events {
		if e := &events[i]; !e.daemon && !without(e.part) {
			f.asked = append(f.asked, asked{request: e, reply: answerTo(events[i:])})
		}
	}
	return f
}

// answerTo finds the reply to the first of events.
func answerTo(events []event) *event {
	for i, e := range events {
		if e.daemon && e.conn == events[0].conn && e.header().ID == events[0].header().ID {
			return &events[i]
		}
	}
	return nil
}

// join serves one more connection.
func (f *fake) join(conn peer) {
	f.ends = append(f.ends, conn)
	f.wait.Go(func() {
		defer conn.Close()
		for {
			frame, fd, err := conn.receive()
			if err != nil {
				return
			}
			if err := f.serve(conn, frame, fd); err != nil {
				f.mu.Lock()
				f.trouble = append(f.trouble, err)
				f.mu.Unlock()
				return // the client sees a broken connection, and the test fails
			}
		}
	})
}

// close ends all connections and reports what went wrong.
func (f *fake) close(t *testing.T) {
	f.mu.Lock()
	for _, end := range f.ends {
		end.Close()
	}
	f.mu.Unlock()
	f.wait.Wait()
	for _, err := range f.trouble {
		t.Error(err)
	}
	for _, memory := range f.regions {
		check(t, unix.Munmap(memory))
	}
}

// serve takes a request of today's client. A client may release what it likes when it likes; everything else must have
// been asked before.
func (f *fake) serve(conn peer, frame []byte, fd int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	h, err := wire.ParseRequest(frame)
	if err != nil {
		return err
	}
	switch h.Op {
	case wire.OpCancel:
		return nil
	case wire.OpRelease:
		return conn.send(wire.Header{Op: h.Op, Flags: wire.FlagReply, ID: h.ID}.Append(nil), -1)
	}
	now := &event{frame: frame}
	i := slices.IndexFunc(f.asked, func(a asked) bool { return !a.used && f.alike(a.request, now) })
	if i < 0 {
		return fmt.Errorf("nobody has asked before: %s %x", h.Op, now.body())
	}
	a := &f.asked[i]
	if a.used, a.to, a.id, a.held = true, conn, h.ID, a.reply != nil; err == nil {
		err = f.shared(a, now, fd)
	}
	if err == nil {
		err = f.answer()
	}
	return err
}

// shared does what a request does beside its words: it brings a connection or a region, or has its input in one.
func (f *fake) shared(a *asked, now *event, fd int) error {
	h := now.header()
	switch {
	case h.Op == wire.OpConnect:
		further, err := adopt(fd)
		if err == nil {
			f.join(further)
		}
		return err
	case h.Op == wire.OpRegion:
		size, err := wire.ParseNumber(now.body())
		if err != nil {
			return err
		}
		handle, err := wire.ParseNumber(a.reply.body())
		if err != nil {
			return err
		}
		f.regions[handle], err = mapped(fd, size)
		return err
	case h.Flags&wire.FlagRegion != 0:
		d := now.data()
		memory := f.regions[d.Region.Handle]
		if a.out = memory[d.Region.Out:]; !bytes.Equal(memory[d.Region.In:][:d.Region.Length], a.request.memory) {
			return fmt.Errorf("the input in the region is not the recorded one")
		}
	}
	return nil
}

// answer sends every answer whose turn it is: what was asked meanwhile has been asked. The link's own requests, which a client
// may do without, are not waited for.
func (f *fake) answer() error {
	for i := range f.asked {
		a := &f.asked[i]
		if !a.held || f.ahead(a) {
			continue
		}
		a.held = false
		h := a.reply.header()
		h.ID = a.id
		copy(a.out, a.reply.memory)
		if err := a.to.send(append(h.Append(nil), a.reply.body()...), -1); err != nil {
			return err
		}
	}
	return nil
}

// ahead reports whether a request was recorded between a and its answer, and has not come yet.
func (f *fake) ahead(a *asked) bool {
	for i := range f.asked {
		b := &f.asked[i]
		switch b.request.header().Op {
		case wire.OpConnect, wire.OpRegion, wire.OpCancel, wire.OpRelease:
			continue
		}
		if !b.used && b.request.at > a.request.at && b.request.at < a.reply.at {
			return true
		}
	}
	return false
}

// alike reports whether a request of today says what a recorded one said. A hello may say more, and so may a message, in
// fields that the recorded version does not have.
func (f *fake) alike(recorded, now *event) bool {
	want, got := recorded.header(), now.header()
	if want.Op != got.Op || want.Flags != got.Flags {
		return false
	}
	if want.Op == wire.OpHello {
		old, err := wire.ParseHello(recorded.body())
		fresh, wrong := wire.ParseHello(now.body())
		return err == nil && wrong == nil && fresh.Lowest <= old.Highest && fresh.Highest >= old.Highest
	}
	if !want.Op.Control() {
		return bytes.Equal(recorded.body(), now.body())
	}
	d := messageOf(want.Op, false)
	old, fresh := dynamicpb.NewMessage(d), dynamicpb.NewMessage(d)
	if proto.Unmarshal(recorded.body(), old) != nil || proto.Unmarshal(now.body(), fresh) != nil {
		return false
	}
	f.compare.forget(fresh)
	return proto.Equal(old, fresh)
}
