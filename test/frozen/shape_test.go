package frozen_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
)

// golden are the examples of every frame and message that internal/wire keeps. They grow there, and are kept here.
const golden = "../../internal/wire/testdata"

// recordShape writes down what a version of the protocol consists of: operations with their messages, the fields of every
// message, and the numbers that travel.
func recordShape(t *testing.T, dir string) {
	put(t, filepath.Join(dir, "shape.txt"), []byte(strings.Join(shape(), "\n")+"\n"))
	for _, name := range []string{"frames.txt", "messages.txt"} {
		put(t, filepath.Join(dir, name), must(os.ReadFile(filepath.Join(golden, name)))(t))
	}
}

// shape lists what today's protocol consists of, a line each.
func shape() []string {
	var list []string
	for _, op := range wire.Ops() {
		line := fmt.Sprintf("operation %#04x %s", uint16(op), op)
		if op.Control() {
			line += " " + string(messageOf(op, false).Name()) + " " + string(messageOf(op, true).Name())
		}
		list = append(list, line)
	}
	messages := contract().Messages()
	for i := range messages.Len() {
		fields := messages.Get(i).Fields()
		for j := range fields.Len() {
			list = append(list, "field "+fieldLine(fields.Get(j)))
		}
	}
	for group := claviger.Code(1); group < 0x100; group++ {
		for low := range claviger.Code(0x100) {
			if c := 0x01000000 | group<<16 | low; c.Known() {
				list = append(list, fmt.Sprintf("code %#08x %s", uint32(c), c.Name()))
			}
		}
	}
	for bit := claviger.Permission(1); bit.Valid(); bit <<= 1 {
		list = append(list, fmt.Sprintf("permission %#04x %s", uint32(bit), bit))
	}
	return append(list, enumerations()...)
}

// fieldLine is all of a field that matters on the wire, and its name.
func fieldLine(f protoreflect.FieldDescriptor) string {
	line := fmt.Sprintf("%s.%s %d %s %s", f.ContainingMessage().Name(), f.Name(), f.Number(), f.Cardinality(), f.Kind())
	switch {
	case f.IsMap():
		line += fmt.Sprintf(" of %s and %s", f.MapKey().Kind(), f.MapValue().Kind())
	case f.Message() != nil:
		line += " " + string(f.Message().Name())
	case f.Enum() != nil:
		line += " " + string(f.Enum().Name())
	}
	if f.HasPresence() && f.Message() == nil {
		line += " with presence"
	}
	return line
}

// enumerations lists the numbers of the kinds of things that travel, with their words.
func enumerations() []string {
	var list []string
	add := func(kind string, number int, word string) {
		if word != "" && !strings.ContainsAny(word, "0123456789") { // the word of a number without one has the number
			list = append(list, fmt.Sprintf("%s %d %s", kind, number, word))
		}
	}
	for n := range 64 {
		add("context", n, claviger.ContextKind(n).String())
		add("resource", n, claviger.ResourceType(n).String())
		add("persistence", n, claviger.Persistence(n).String())
		add("state", n, claviger.SlotState(n).String())
		add("class", n, claviger.KeyClass(n).String())
		add("format", n, claviger.Format(n).String())
		add("direction", n, claviger.Direction(n).String())
		add("provider", n, claviger.ProviderKind(n).String())
		add("revocation", n, claviger.RevocationPolicy(n).String())
		add("coverage", n, claviger.CoveragePolicy(n).String())
		add("verdict", n, claviger.Verdict(n).String())
		add("family", n, claviger.GuestType(n).String())
	}
	verbs := pb.StateVerb(0).Descriptor().Values()
	for i := range verbs.Len() {
		add("verb", int(verbs.Get(i).Number()), string(verbs.Get(i).Name()))
	}
	slices.Sort(list)
	return list
}

func contract() protoreflect.FileDescriptor {
	return (&pb.StatusReply{}).ProtoReflect().Descriptor().ParentFile()
}

// messageOf gives the message of a control operation's request or reply: that of its name, but for those that share one.
func messageOf(op wire.Op, reply bool) protoreflect.MessageDescriptor {
	var name string
	for word := range strings.SplitSeq(op.String(), "-") {
		name += strings.ToUpper(word[:1]) + word[1:]
	}
	if !reply {
		switch op {
		case wire.OpLoadCertificate, wire.OpClearCertificate, wire.OpCertificateInfo, wire.OpCertificateKey, wire.OpTrustStoreMembers:
			name = "Certificate"
		}
		return message(name + "Request")
	}
	if shared := message(name + "Reply"); shared != nil {
		return shared
	}
	switch op {
	case wire.OpExportCertificate:
		name = "Export"
	case wire.OpMakeManaged, wire.OpReplaceManaged, wire.OpOpenManaged:
		name = "Managed"
	case wire.OpOpenState, wire.OpRunState:
		name = "State"
	default:
		name = "Key"
	}
	return message(name + "Reply")
}

func message(name string) protoreflect.MessageDescriptor {
	return contract().Messages().ByName(protoreflect.Name(name))
}

// TestEverythingOfAVersionIsStillThere holds that the protocol is only added to: every recorded operation, field, code and
// number is there and means what it meant.
func TestEverythingOfAVersionIsStillThere(t *testing.T) {
	over(t, "wire", func(t *testing.T, dir string) {
		now := shape()
		recorded := lines(t, filepath.Join(dir, "shape.txt"))
		if len(recorded) < 400 {
			t.Errorf("%d lines are recorded", len(recorded))
		}
		for _, line := range recorded {
			if !slices.Contains(now, line) {
				t.Errorf("no longer there: %s", line)
			}
		}
	})
}

// TestExamplesOfAVersionMeanWhatTheyMeant holds that today's decoders read every recorded example whole, and that encoding it
// gives its bytes again.
func TestExamplesOfAVersionMeanWhatTheyMeant(t *testing.T) {
	over(t, "wire", func(t *testing.T, dir string) {
		for _, line := range lines(t, filepath.Join(dir, "messages.txt")) {
			name, digits, _ := strings.Cut(line, " ")
			raw := must(hex.DecodeString(digits))(t)
			d := message(name)
			if d == nil {
				t.Errorf("there is no message %s", name)
				continue
			}
			m := dynamicpb.NewMessage(d)
			check(t, proto.Unmarshal(raw, m))
			if n := strangers(m); n > 0 {
				t.Errorf("%s: %d bytes are in no field", name, n)
			}
			if again := must(proto.MarshalOptions{Deterministic: true}.Marshal(m))(t); !bytes.Equal(again, raw) {
				t.Errorf("%s: encoded again %x, recorded %x", name, again, raw)
			}
		}
		for _, line := range lines(t, filepath.Join(dir, "frames.txt")) {
			name, digits, _ := strings.Cut(line, " ")
			if raw := must(hex.DecodeString(digits))(t); !bytes.Equal(recode(t, raw), raw) {
				t.Errorf("%s: encoded again %x, recorded %x", name, recode(t, raw), raw)
			}
		}
	})
}

// strangers counts the bytes of a message, and of those in it, that belong to no field.
func strangers(m protoreflect.Message) int {
	n := len(m.GetUnknown())
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsMap() || f.Message() == nil:
		case f.IsList():
			for i := range v.List().Len() {
				n += strangers(v.List().Get(i).Message())
			}
		default:
			n += strangers(v.Message())
		}
		return true
	})
	return n
}

// recode decodes a frame by the decoders of its kind and encodes what they gave.
func recode(t *testing.T, raw []byte) []byte {
	t.Helper()
	parse := wire.ParseRequest
	if wire.Flags(raw[6])&wire.FlagReply != 0 {
		parse = wire.ParseReply
	}
	h := must(parse(raw))(t)
	out, body := h.Append(nil), raw[wire.HeaderSize:]
	switch reply := h.Flags&wire.FlagReply != 0; {
	case h.Flags&wire.FlagError != 0:
		return wire.AppendError(out, h.Op, must(wire.ParseError(body))(t))
	case reply && h.Op == wire.OpHello:
		return must(wire.ParseHelloReply(body))(t).Append(out)
	case h.Op == wire.OpHello:
		return must(wire.ParseHello(body))(t).Append(out)
	case h.Op == wire.OpRegion:
		return wire.AppendNumber(out, must(wire.ParseNumber(body))(t))
	case reply && h.Flags&wire.FlagRegion != 0:
		return wire.AppendOutput(out, must(wire.ParseOutput(body))(t))
	case !reply && h.Op.Data():
		d := must(wire.ParseData(h.Op, h.Flags, body))(t)
		return d.Append(out, h.Flags)
	}
	return append(out, body...)
}

// lines reads a text of a recording.
func lines(t *testing.T, path string) []string {
	t.Helper()
	return strings.Split(strings.TrimSuffix(string(must(os.ReadFile(path))(t)), "\n"), "\n")
}
