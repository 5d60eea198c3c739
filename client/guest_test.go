package client

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
)

// TestBecomingAGuestIsTheFirstRequestAndPartOfDialling holds that nothing comes between the hello and the request, that both share one
// timeout, and that a stack that cannot become the guest is none.
func TestBecomingAGuestIsTheFirstRequestAndPartOfDialling(t *testing.T) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	far := unixConn(t, fds[0])
	defer far.Close()
	const timeout, spent = 300 * time.Millisecond, 150 * time.Millisecond
	type asked struct {
		header  wire.Header
		request pb.BecomeGuestRequest
		err     error
		after   error // what ended the reading after it
	}
	got := make(chan *asked, 1)
	go func() {
		var a asked
		defer func() { got <- &a }()
		hello, _, err := readFrame(far)
		if err != nil {
			a.err = err
			return
		}
		time.Sleep(spent)
		reply := wire.HelloReply{Version: wire.Version, MaxInline: wire.MaxInline, MaxControl: wire.MaxControl, Timeout: 5 * time.Second,
			Ceiling: time.Minute, MaxConnections: 1, Tenant: "runner"}.Append(nil)
		if _, err := far.Write(append(wire.Header{Length: uint32(len(reply)), Op: hello.Op, Flags: wire.FlagReply, ID: hello.ID}.Append(nil), reply...)); err != nil {
			a.err = err
			return
		}
		var body []byte
		if a.header, body, a.err = readFrame(far); a.err == nil {
			a.err = proto.Unmarshal(body, &a.request)
		}
		for a.after == nil {
			_, _, a.after = readFrame(far) // no answer; at last the client hangs up
		}
	}()
	guest := GuestIdentity{SHA256: [32]byte{1, 2, 3}, Tenant: "demo"}
	stack, err := New(context.Background(), unixConn(t, fds[1]), Config{Timeout: timeout, Guest: guest})
	if !errors.Is(err, claviger.ErrOperationTimedOut) || stack != nil {
		t.Errorf("without an answer: %v", err)
	}
	a := <-got
	if a.err != nil || a.after == nil {
		t.Fatal(a.err, a.after)
	}
	if left := time.Duration(a.header.Remaining) * time.Microsecond; a.header.Op != wire.OpBecomeGuest || left > timeout-spent {
		t.Errorf("the request after the hello is %v with %v left of %v", a.header.Op, left, timeout)
	}
	if [32]byte(a.request.Sha256) != guest.SHA256 || a.request.Tenant != "demo" {
		t.Errorf("asked for %v", &a.request)
	}
}

// readFrame reads a request.
func readFrame(c net.Conn) (wire.Header, []byte, error) {
	head := make([]byte, wire.HeaderSize)
	if _, err := io.ReadFull(c, head); err != nil {
		return wire.Header{}, nil, err
	}
	h, err := wire.ParseRequest(head)
	if err != nil {
		return h, nil, err
	}
	body := make([]byte, h.Length)
	_, err = io.ReadFull(c, body)
	return h, body, err
}
