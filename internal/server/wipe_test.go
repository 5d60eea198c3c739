package server

import (
	"bytes"
	"context"
	"testing"

	"github.com/claviger/claviger/internal/session"
	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
)

func TestAnExportedKeyIsWipedOnceItsReplyIsWritten(t *testing.T) {
	key := bytes.Repeat([]byte{7}, 32)
	r := control(wire.OpExport, pooled, func(*session.Session, context.Context, *pb.ExportRequest) (*pb.ExportReply, error) {
		return &pb.ExportReply{Data: key}, nil
	})
	out, _, err := r.call(t.Context(), nil, nil, nil)
	var reply pb.ExportReply
	if err != nil || wire.ParseMessage(out, wire.OpExport, &reply) != nil || !bytes.Equal(reply.Data, bytes.Repeat([]byte{7}, 32)) {
		t.Fatalf("reply %x, %v", out, err)
	}
	if !bytes.Equal(key, make([]byte, 32)) {
		t.Error("the key stays in memory")
	}
}

// TestWhatAStateGivesIsWipedOnceItsReplyIsWritten: derived keys, tags and plaintext, but not what is left for later.
func TestWhatAStateGivesIsWipedOnceItsReplyIsWritten(t *testing.T) {
	output, tag := bytes.Repeat([]byte{7}, 64), bytes.Repeat([]byte{8}, 16)
	r := control(wire.OpRunState, pooled, func(*session.Session, context.Context, *pb.RunStateRequest) (*pb.StateReply, error) {
		return &pb.StateReply{Secret: output[:32], Tag: tag, Left: 32}, nil
	})
	out, _, err := r.call(t.Context(), nil, nil, nil)
	var reply pb.StateReply
	if err != nil || wire.ParseMessage(out, wire.OpRunState, &reply) != nil || len(reply.Secret) != 32 || reply.Secret[0] != 7 || reply.Tag[15] != 8 {
		t.Fatalf("reply %x, %v", out, err)
	}
	if want := append(make([]byte, 32), bytes.Repeat([]byte{7}, 32)...); !bytes.Equal(output, want) || !bytes.Equal(tag, make([]byte, 16)) {
		t.Error("what was given stays in memory, or the rest was wiped")
	}
}
