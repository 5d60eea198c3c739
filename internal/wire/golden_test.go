package wire_test

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
)

var update = flag.Bool("update", false, "write the golden files anew")

// frame is one recorded frame and how it is made.
type frame struct {
	name   string
	header wire.Header
	body   []byte
}

func request(name string, op wire.Op, flags wire.Flags, body []byte) frame {
	return frame{name, wire.Header{Length: uint32(len(body)), Op: op, Flags: flags, ID: 0x0102030405060708, Remaining: 5_000_000}, body}
}

func reply(name string, op wire.Op, flags wire.Flags, body []byte) frame {
	return frame{name, wire.Header{Length: uint32(len(body)), Op: op, Flags: flags | wire.FlagReply, ID: 0x0102030405060708}, body}
}

func data(op wire.Op, flags wire.Flags, d wire.Data) []byte { return d.Append(nil, flags) }

// frames lists every kind of frame of the protocol.
func frames() []frame {
	hello := wire.Hello{Lowest: 1, Highest: 3, MaxInline: wire.MaxInline, MaxControl: wire.MaxControl, Features: 5}
	welcome := wire.HelloReply{Version: 1, MaxInline: wire.MaxInline, MaxControl: wire.MaxControl, Features: 1,
		Timeout: 5 * time.Second, Ceiling: 2 * time.Minute, MaxConnections: 64, Tenant: "infotainment"}
	refusal := claviger.Errorf(claviger.ErrAccessDenied, "encrypt", "not for you")
	region := wire.RegionRef{Handle: 77, In: 4096, Length: 1 << 20, Out: 8192}
	const h = 0x1122334455667788
	return []frame{
		request("hello", wire.OpHello, 0, hello.Append(nil)),
		reply("hello-reply", wire.OpHello, 0, welcome.Append(nil)),
		request("ping", wire.OpPing, 0, nil),
		reply("ping-reply", wire.OpPing, 0, nil),
		request("cancel", wire.OpCancel, 0, nil),
		request("connect", wire.OpConnect, wire.FlagFD, nil),
		reply("connect-reply", wire.OpConnect, 0, nil),
		request("region", wire.OpRegion, wire.FlagFD, wire.AppendNumber(nil, 1<<20)),
		reply("region-reply", wire.OpRegion, 0, wire.AppendNumber(nil, 77)),
		request("init", wire.OpInit, 0, data(wire.OpInit, 0, wire.Data{Handle: h, First: []byte("iv"), Second: []byte("aad")})),
		reply("init-reply", wire.OpInit, 0, []byte("nonce")),
		request("update", wire.OpUpdate, 0, data(wire.OpUpdate, 0, wire.Data{Handle: h, Payload: []byte("part")})),
		request("update-region", wire.OpUpdate, wire.FlagRegion, data(wire.OpUpdate, wire.FlagRegion, wire.Data{Handle: h, Region: region})),
		reply("update-reply", wire.OpUpdate, 0, []byte("output")),
		reply("update-region-reply", wire.OpUpdate, wire.FlagRegion, wire.AppendOutput(nil, 1<<20)),
		request("finalize", wire.OpFinalize, 0, data(wire.OpFinalize, 0, wire.Data{Handle: h, Size: 32})),
		request("finalize-keep", wire.OpFinalize, wire.FlagKeep, data(wire.OpFinalize, 0, wire.Data{Handle: h})),
		request("finalize-signature", wire.OpFinalize, 0, data(wire.OpFinalize, 0, wire.Data{Handle: h, First: []byte("signature")})),
		request("finalize-region", wire.OpFinalize, wire.FlagRegion, data(wire.OpFinalize, wire.FlagRegion, wire.Data{Handle: h, Region: wire.RegionRef{Handle: 77}})),
		reply("finalize-reply", wire.OpFinalize, 0, []byte{1}),
		request("reset", wire.OpReset, 0, data(wire.OpReset, 0, wire.Data{Handle: h})),
		reply("reset-reply", wire.OpReset, 0, nil),
		request("one-shot", wire.OpOneShot, 0, data(wire.OpOneShot, 0, wire.Data{Handle: h, First: []byte("iv"), Second: []byte("aad"), Size: 64, Payload: []byte("message")})),
		request("one-shot-region", wire.OpOneShot, wire.FlagRegion, data(wire.OpOneShot, wire.FlagRegion, wire.Data{Handle: h, First: []byte("iv"), Region: region})),
		reply("one-shot-reply", wire.OpOneShot, 0, []byte("nonce and ciphertext and tag")),
		reply("one-shot-region-reply", wire.OpOneShot, wire.FlagRegion, wire.AppendOutput(nil, 1<<20+16)),
		reply("error-data", wire.OpOneShot, wire.FlagError, wire.AppendError(nil, wire.OpOneShot, refusal)),
		reply("error-control", wire.OpResolve, wire.FlagError, wire.AppendError(nil, wire.OpResolve, refusal)),
	}
}

// messages lists every control message with every field set.
func messages() []frame {
	var list []frame
	all := (&pb.StatusReply{}).ProtoReflect().Descriptor().ParentFile().Messages()
	for i := range all.Len() {
		m := dynamicpb.NewMessage(all.Get(i))
		fill(m, 1)
		b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		if err != nil {
			panic(err)
		}
		list = append(list, frame{name: string(all.Get(i).Name()), body: b})
	}
	return list
}

// fill sets every field of a message to a value made from its number.
func fill(m protoreflect.Message, depth int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		switch f := fields.Get(i); {
		case f.IsMap():
			m.Mutable(f).Map().Set(protoreflect.ValueOfString("one-shot").MapKey(), protoreflect.ValueOfUint64(9))
		case f.IsList() && f.Kind() == protoreflect.MessageKind:
			if depth < 4 {
				fill(m.Mutable(f).List().AppendMutable().Message(), depth+1)
			}
		case f.IsList():
			m.Mutable(f).List().Append(scalar(f))
			m.Mutable(f).List().Append(scalar(f))
		case f.Kind() == protoreflect.MessageKind:
			if depth < 4 {
				fill(m.Mutable(f).Message(), depth+1)
			}
		default:
			m.Set(f, scalar(f))
		}
	}
}

func scalar(f protoreflect.FieldDescriptor) protoreflect.Value {
	n := uint32(f.Number())
	switch f.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(string(f.Name()))
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte{byte(n), 0xFF})
	case protoreflect.Uint32Kind:
		return protoreflect.ValueOfUint32(1000 + n)
	case protoreflect.Uint64Kind:
		return protoreflect.ValueOfUint64(1<<40 + uint64(n))
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(n))
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(-int32(n))
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(-int64(n))
	}
	panic(fmt.Sprintf("field %s: kind %s has no sample value", f.FullName(), f.Kind()))
}

// golden compares what is made now with what is recorded, name by name.
func golden(t *testing.T, file string, list []frame) map[string][]byte {
	t.Helper()
	var b strings.Builder
	made := make(map[string][]byte)
	for _, f := range list {
		raw := f.body
		if f.header.Op != 0 {
			raw = append(f.header.Append(nil), f.body...)
		}
		made[f.name] = raw
		fmt.Fprintf(&b, "%s %s\n", f.name, hex.EncodeToString(raw))
	}
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	recorded := make(map[string][]byte)
	for line := range strings.Lines(string(text)) {
		name, digits, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		raw, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatalf("%s: %s: %v", file, name, err)
		}
		recorded[name] = raw
		if !bytes.Equal(raw, made[name]) {
			t.Errorf("%s is made as\n%x, recorded as\n%x", name, made[name], raw)
		}
	}
	if len(recorded) != len(made) {
		t.Errorf("%s records %d, there are %d", file, len(recorded), len(made))
	}
	return recorded
}

func TestRecordedFramesDecodeAndEncodeAlike(t *testing.T) {
	for name, raw := range golden(t, "testdata/frames.txt", frames()) {
		t.Run(name, func(t *testing.T) {
			again, err := recode(raw)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(again, raw) {
				t.Errorf("decoded and encoded again\n%x, was\n%x", again, raw)
			}
		})
	}
}

// recode decodes a whole frame with the decoders of its kind and encodes the result.
func recode(raw []byte) ([]byte, error) {
	parse := wire.ParseRequest
	if len(raw) > 6 && raw[6]&byte(wire.FlagReply) != 0 {
		parse = wire.ParseReply
	}
	h, err := parse(raw)
	if err != nil {
		return nil, err
	}
	out, body := h.Append(nil), raw[wire.HeaderSize:]
	switch {
	case h.Flags&wire.FlagError != 0:
		e, err := wire.ParseError(body)
		if err != nil {
			return nil, err
		}
		return wire.AppendError(out, h.Op, e), nil
	case h.Flags&wire.FlagReply != 0 && h.Op == wire.OpHello:
		r, err := wire.ParseHelloReply(body)
		return r.Append(out), err
	case h.Op == wire.OpHello:
		r, err := wire.ParseHello(body)
		return r.Append(out), err
	case h.Op == wire.OpRegion:
		v, err := wire.ParseNumber(body)
		return wire.AppendNumber(out, v), err
	case h.Flags&wire.FlagReply != 0 && h.Flags&wire.FlagRegion != 0:
		n, err := wire.ParseOutput(body)
		return wire.AppendOutput(out, n), err
	case h.Flags&wire.FlagReply == 0 && h.Op.Data():
		d, err := wire.ParseData(h.Op, h.Flags, body)
		return d.Append(out, h.Flags), err
	}
	return append(out, body...), nil
}

func TestRecordedMessagesDecodeAndEncodeAlike(t *testing.T) {
	for name, raw := range golden(t, "testdata/messages.txt", messages()) {
		t.Run(name, func(t *testing.T) {
			d := (&pb.StatusReply{}).ProtoReflect().Descriptor().ParentFile().Messages().ByName(protoreflect.Name(name))
			if d == nil {
				t.Fatal("the contract no longer has this message")
			}
			m := dynamicpb.NewMessage(d)
			if err := wire.ParseMessage(raw, wire.OpStatus, m); err != nil {
				t.Fatal(err)
			}
			again, err := wire.AppendMessage(nil, wire.OpStatus, m)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(again, raw) {
				t.Errorf("decoded and encoded again\n%x, was\n%x", again, raw)
			}
		})
	}
}
