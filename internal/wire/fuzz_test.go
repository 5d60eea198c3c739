package wire_test

import (
	"bytes"
	"testing"

	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
)

// FuzzFrame feeds whole frames to the decoders of their kind: what they accept must encode to the same bytes.
func FuzzFrame(f *testing.F) {
	for _, s := range frames() {
		f.Add(append(s.header.Append(nil), s.body...))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) < wire.HeaderSize {
			return
		}
		again, err := recode(raw)
		if err != nil {
			return
		}
		if !bytes.HasPrefix(raw, again) { // hellos may be longer than what is understood
			t.Errorf("decoded and encoded again\n%x, was\n%x", again, raw)
		}
	})
}

// FuzzData feeds bodies of data requests: what is accepted must be the body's own bytes, in order and without overlap.
func FuzzData(f *testing.F) {
	for _, s := range frames() {
		if s.header.Op.Data() && s.header.Flags&wire.FlagReply == 0 {
			f.Add(uint16(s.header.Op), uint16(s.header.Flags), s.body)
		}
	}
	f.Fuzz(func(t *testing.T, op, flags uint16, body []byte) {
		d, err := wire.ParseData(wire.Op(op), wire.Flags(flags), body)
		if err != nil {
			return
		}
		if again := d.Append(nil, wire.Flags(flags)); !bytes.Equal(again, body) || d.Len(wire.Flags(flags)) != len(body) {
			t.Errorf("%x became %x", body, again)
		}
	})
}

// FuzzError feeds bodies of error replies.
func FuzzError(f *testing.F) {
	for _, s := range frames() {
		if s.header.Flags&wire.FlagError != 0 {
			f.Add(s.body)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := wire.ParseError(body)
		if err != nil {
			return
		}
		if again := wire.AppendError(nil, wire.OpPing, e); !bytes.Equal(again, body) {
			t.Errorf("%x became %x", body, again)
		}
	})
}

// FuzzMessage feeds control messages; one with nested messages stands for all, because the decoder is the same.
func FuzzMessage(f *testing.F) {
	for _, s := range messages() {
		f.Add(s.body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var q pb.CreateContextRequest
		if wire.ParseMessage(body, wire.OpCreateContext, &q) != nil {
			return
		}
		first, err := wire.AppendMessage(nil, wire.OpCreateContext, &q)
		if err != nil || len(first) > 2*len(body)+16 {
			t.Fatalf("%d bytes became %d, %v", len(body), len(first), err)
		}
		var r pb.CreateContextRequest
		if err := wire.ParseMessage(first, wire.OpCreateContext, &r); err != nil {
			t.Fatal(err)
		}
		if again, _ := wire.AppendMessage(nil, wire.OpCreateContext, &r); !bytes.Equal(again, first) {
			t.Errorf("%x became %x", first, again)
		}
	})
}
