package frozen_test

import (
	"net"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/wire"
)

// TestTheHelloSettlesTheVersion holds that a client that speaks version 1 among others is served in the highest version that
// both speak, however much its hello has that version 1 does not know, and that one that does not is told both sides'
// versions and is closed.
func TestTheHelloSettlesTheVersion(t *testing.T) {
	d := start(t, recordings(t, "store")[0])
	for _, c := range []struct {
		name   string
		hello  wire.Hello
		more   string // behind what version 1 has
		detail string // "" for a client that is served
	}{
		{name: "1", hello: wire.Hello{Lowest: 1, Highest: 1}},
		{name: "1 to 3", hello: wire.Hello{Lowest: 1, Highest: 3, Features: 1<<63 | 1}, more: "of a later version"},
		{name: "2 to 3", hello: wire.Hello{Lowest: 2, Highest: 3}, detail: "the client speaks protocol versions 2 to 3, the daemon 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := peer{must(net.DialUnix("unix", nil, &net.UnixAddr{Name: d.Socket, Net: "unix"}))(t)}
			defer conn.Close()
			body := append(c.hello.Append(nil), c.more...)
			check(t, conn.send(append(wire.Header{Op: wire.OpHello, ID: 1, Length: uint32(len(body))}.Append(nil), body...), -1))
			e := event{daemon: true, frame: must(frameOf(conn.receive()))(t)}
			if c.detail == "" {
				equal(t, "the version in use", must(wire.ParseHelloReply(e.body()))(t).Version, 1)
				return
			}
			equal(t, "the reply is a refusal", e.header().Flags, wire.FlagReply|wire.FlagError)
			refusal := must(wire.ParseError(e.body()))(t)
			equal(t, "its code", refusal.Code, claviger.ErrUnsupportedOperation)
			equal(t, "its text", refusal.Detail, c.detail)
			if frame, _, err := conn.receive(); err == nil {
				t.Errorf("the connection goes on with %x", frame)
			}
		})
	}
}

// frameOf leaves out the descriptor that did not come.
func frameOf(frame []byte, _ int, err error) ([]byte, error) { return frame, err }
