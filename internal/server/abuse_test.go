package server_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/server/servertest"
	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
)

// Requests that have arrived wait while their client does not read, so that what waits for it stays small.
func TestManyLongRepliesToOneWriteNeitherGatherNorCloseTheConnection(t *testing.T) {
	conn := greeted(t, servertest.Start(t, servertest.Config{}).Path)
	var random pb.CreateContextReply
	ok(t, conn.control(wire.OpCreateContext, &pb.CreateContextRequest{Kind: uint32(claviger.RandomContext)}, &random))
	const calls = 600 // with 64 KiB each: more than may wait for a client
	var all []byte
	for range calls {
		conn.id++
		all = append(all, frame(wire.OpOneShot, 0, conn.id, 0, (&wire.Data{Handle: random.Handle, Size: wire.MaxInline}).Append(nil, 0))...)
	}
	_, err := conn.Write(all)
	ok(t, err)
	time.Sleep(200 * time.Millisecond)
	for i := range calls {
		if _, out, err := conn.receive(); err != nil || len(out) != wire.MaxInline {
			t.Fatalf("reply %d: %d bytes, %v", i, len(out), err)
		}
	}
}

func TestShutdownDoesNotWaitForWhatDoesNotReturn(t *testing.T) {
	r, p := slow(t, servertest.Config{})
	conn := greeted(t, r.Path)
	h := conn.macContext()
	p.SetDelay(8 * time.Second)
	conn.send(wire.OpOneShot, 0, oneShot(h, nil))
	time.Sleep(50 * time.Millisecond)
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	start := time.Now()
	if err := r.Server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a call was cut off: %v", err)
	}
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("shutdown took %s", took)
	}
}
