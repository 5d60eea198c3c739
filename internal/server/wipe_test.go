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
