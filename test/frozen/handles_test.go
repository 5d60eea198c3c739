package frozen_test

import (
	"encoding/binary"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/claviger/claviger/internal/wire"
)

// Handles are the daemon's to choose. In a replay each one that was recorded stands for the one that today's daemon has
// given in its place, and everything else of a request goes out as it was recorded.

// isHandle reports whether a field carries handles. They are all fields of one kind and these names.
func isHandle(f protoreflect.FieldDescriptor) bool {
	names := []protoreflect.Name{"handle", "handles", "key", "slot", "peer_key", "certificate", "chain", "trust_stores", "anchors", "issuer", "state"}
	return f.Kind() == protoreflect.Uint64Kind && slices.Contains(names, f.Name())
}

// addressed gives a recorded request with every handle exchanged.
func (e *event) addressed(exchange func(uint64) uint64) []byte {
	h, body := e.header(), slices.Clone(e.body())
	switch {
	case h.Op.Control():
		body = exchanged(messageOf(h.Op, false), body, exchange)
	case h.Op.Data():
		swap(body, exchange)
		if h.Flags&wire.FlagRegion != 0 {
			swap(body[len(body)-wire.RegionRefSize:], exchange)
		}
	}
	h.Length = uint32(len(body))
	return append(h.Append(nil), body...)
}

func swap(b []byte, exchange func(uint64) uint64) {
	binary.LittleEndian.PutUint64(b, exchange(binary.LittleEndian.Uint64(b)))
}

// exchanged copies a message field by field, with its handles exchanged and all else as it was written.
func exchanged(d protoreflect.MessageDescriptor, b []byte, exchange func(uint64) uint64) []byte {
	var out []byte
	for len(b) > 0 {
		number, kind, tag := protowire.ConsumeTag(b)
		size := protowire.ConsumeFieldValue(number, kind, b[tag:])
		field, value := b[:tag+size], b[tag:tag+size]
		b = b[tag+size:]
		f := d.Fields().ByNumber(number)
		switch {
		case f != nil && isHandle(f) && kind == protowire.VarintType:
			v, _ := protowire.ConsumeVarint(value)
			out = protowire.AppendVarint(append(out, field[:tag]...), exchange(v))
		case f != nil && isHandle(f):
			var list []byte
			for packed, _ := protowire.ConsumeBytes(value); len(packed) > 0; {
				v, n := protowire.ConsumeVarint(packed)
				list, packed = protowire.AppendVarint(list, exchange(v)), packed[n:]
			}
			out = protowire.AppendBytes(append(out, field[:tag]...), list)
		case f != nil && f.Message() != nil:
			inner, _ := protowire.ConsumeBytes(value)
			out = protowire.AppendBytes(append(out, field[:tag]...), exchanged(f.Message(), inner, exchange))
		default:
			out = append(out, field...)
		}
	}
	return out
}

// handlesOf lists the handles that a message carries, in the order of its fields.
func handlesOf(m protoreflect.Message) []uint64 {
	var list []uint64
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(m.Interface())
	if err != nil {
		panic(err) // it was decoded a moment ago
	}
	exchanged(m.Descriptor(), raw, func(h uint64) uint64 {
		list = append(list, h)
		return h
	})
	return list
}
