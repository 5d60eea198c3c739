package frozen_test

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
)

// comparison holds answers of today against recorded ones. Replies are compared byte for byte where nothing in them is
// new each time, and else field by field without what differs lists.
type comparison struct {
	fields   map[string]bool       // of the recorded version, as "Message.field"
	handles  map[uint64]uint64     // today's by the recorded one
	contexts map[uint64]*operation // by the recorded handle
}

// operation is what a recorded operation context was made for.
type operation struct {
	request pb.CreateContextRequest
	reply   pb.CreateContextReply
}

// differs lists the fields of replies that differ, beside handles: what is drawn at random, of which the length is compared;
// and sizes of the store's file, texts for people, and further names of algorithms and keys that fit them, of which nothing is.
func differs(field protoreflect.FullName) bool {
	switch strings.TrimPrefix(string(field), "claviger.v1.") {
	case "PutSecretReply.id", "SealCapsuleReply.capsule", "EncapsulateReply.ciphertext", "ManagedReply.id", "ManagedReply.public":
		return true
	case "CompactReply.before", "CompactReply.after", "VerifyCertificateReply.detail", "ProviderDescription.reason",
		"AlgorithmDescription.aliases", "AlgorithmDescription.keys":
		return true
	}
	return false
}

// drawn reports whether the answers of a context to an operation are new each time: random bytes, nonces that the daemon
// draws and what is encrypted with them, and signatures by algorithms that draw at random. Only their length is compared, and
// that of ASN.1 signatures not either.
func (o *operation) drawn(op wire.Op) bool {
	if o == nil || op == wire.OpReset {
		return false
	}
	algorithm := o.reply.GetAlgorithm()
	switch claviger.ContextKind(o.request.GetKind()) {
	case claviger.RandomContext:
		return true
	case claviger.SignContext:
		return strings.HasPrefix(algorithm, "ECDSA") || strings.HasPrefix(algorithm, "ML-DSA")
	}
	return o.reply.GetDaemonNonce()
}

// newComparison reads which fields a recorded version has.
func newComparison(t *testing.T, dir string) *comparison {
	t.Helper()
	c := &comparison{fields: make(map[string]bool), handles: make(map[uint64]uint64), contexts: make(map[uint64]*operation)}
	for _, line := range lines(t, filepath.Join(dir, "shape.txt")) {
		if rest, ok := strings.CutPrefix(line, "field "); ok {
			name, _, _ := strings.Cut(rest, " ")
			c.fields[name] = true
		}
	}
	return c
}

// exchange gives today's handle for a recorded one; one that was never given stays what it is.
func (c *comparison) exchange(handle uint64) uint64 {
	if now, ok := c.handles[handle]; ok {
		return now
	}
	return handle
}

// reply holds today's reply against the recorded one. request is the recorded request of both.
func (c *comparison) reply(request, recorded, now *event) error {
	want, got := recorded.header(), now.header()
	want.Length, got.Length = 0, 0
	if want != got {
		refusal, _ := wire.ParseError(now.body()) // for whoever reads of the failure
		return fmt.Errorf("header %+v, recorded %+v; as an error the body is %v", got, want, refusal)
	}
	switch {
	case want.Flags&wire.FlagError != 0:
		return sameError(recorded.body(), now.body())
	case want.Op == wire.OpHello:
		return sameHello(recorded.body(), now.body())
	case want.Op == wire.OpRegion:
		return c.sameNumber(recorded.body(), now.body())
	case want.Op.Control():
		return c.sameMessage(request, recorded, now)
	}
	var made *operation
	if want.Op.Data() {
		made = c.contexts[request.data().Handle]
	}
	alike := bytes.Equal(now.body(), recorded.body())
	if made.drawn(want.Op) {
		alike = len(now.body()) == len(recorded.body()) || made.request.GetDer()
	}
	if !alike {
		return fmt.Errorf("body %x, recorded %x", now.body(), recorded.body())
	}
	if !bytes.Equal(now.memory, recorded.memory) {
		return fmt.Errorf("%d bytes in the region are not the %d recorded ones", len(now.memory), len(recorded.memory))
	}
	return nil
}

// sameError compares codes; the words beside them are for people.
func sameError(recorded, now []byte) error {
	want, err := wire.ParseError(recorded)
	if err != nil {
		return err
	}
	got, err := wire.ParseError(now)
	if err == nil && got.Code != want.Code {
		err = fmt.Errorf("%w, recorded %w", got, want)
	}
	return err
}

// sameHello compares version, maxima and tenant. Later daemons may add feature bits and whatever follows the tenant's name; times
// and the number of connections are the configuration's.
func sameHello(recorded, now []byte) error {
	want, err := wire.ParseHelloReply(recorded)
	if err != nil {
		return err
	}
	got, err := wire.ParseHelloReply(now)
	if err == nil && (got.Version != want.Version || got.MaxInline != want.MaxInline || got.MaxControl != want.MaxControl ||
		got.Tenant != want.Tenant || got.MaxConnections == 0) {
		err = fmt.Errorf("%+v, recorded %+v", got, want)
	}
	return err
}

func (c *comparison) sameNumber(recorded, now []byte) error {
	want, err := wire.ParseNumber(recorded)
	if err != nil {
		return err
	}
	got, err := wire.ParseNumber(now)
	c.handles[want] = got
	return err
}

// sameMessage compares control replies and learns the handles that they give.
func (c *comparison) sameMessage(request, recorded, now *event) error {
	d := messageOf(recorded.header().Op, true)
	want, got := dynamicpb.NewMessage(d), dynamicpb.NewMessage(d)
	for m, b := range map[*dynamicpb.Message][]byte{want: recorded.body(), got: now.body()} {
		if err := proto.Unmarshal(b, m); err != nil {
			return err
		}
	}
	c.forget(got)
	old, fresh := handlesOf(want), handlesOf(got)
	if len(old) != len(fresh) {
		return fmt.Errorf("handles %d, recorded %d", fresh, old)
	}
	for i := range old {
		c.handles[old[i]] = fresh[i]
	}
	if err := c.made(request, recorded); err != nil {
		return err
	}
	if err := mask(want, got); err != nil {
		return err
	}
	if !proto.Equal(want, got) {
		return fmt.Errorf("%s is %v, recorded %v", d.Name(), got, want)
	}
	return nil
}

// made remembers what a context was made for.
func (c *comparison) made(request, recorded *event) error {
	if recorded.header().Op != wire.OpCreateContext {
		return nil
	}
	made := new(operation)
	if err := proto.Unmarshal(request.body(), &made.request); err != nil {
		return err
	}
	if err := proto.Unmarshal(recorded.body(), &made.reply); err != nil {
		return err
	}
	c.contexts[made.reply.GetHandle()] = made
	return nil
}

// forget drops the fields that the recorded version does not have: later versions add some.
func (c *comparison) forget(m protoreflect.Message) {
	m.SetUnknown(nil)
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if !c.fields[string(f.ContainingMessage().Name())+"."+string(f.Name())] {
			m.Clear(f)
			return true
		}
		each(f, v, c.forget)
		return true
	})
}

// each runs do on every message in a field.
func each(f protoreflect.FieldDescriptor, v protoreflect.Value, do func(protoreflect.Message)) {
	switch {
	case f.IsMap() || f.Message() == nil:
	case f.IsList():
		for i := range v.List().Len() {
			do(v.List().Get(i).Message())
		}
	default:
		do(v.Message())
	}
}

// mask clears the fields of both messages that differ. Where one of them is bytes or an identifier, its length must be the
// recorded one.
func mask(want, got protoreflect.Message) error {
	var wrong []error
	fields := want.Descriptor().Fields()
	for i := range fields.Len() {
		switch f := fields.Get(i); {
		case isHandle(f) || differs(f.FullName()):
			if isHandle(f) && want.Has(f) != got.Has(f) || lengthOf(f, want) != lengthOf(f, got) {
				wrong = append(wrong, fmt.Errorf("%s is not as long as was recorded", f.FullName()))
			}
			want.Clear(f)
			got.Clear(f)
		case f.IsMap() || f.Message() == nil || !want.Has(f) || !got.Has(f):
		case f.IsList():
			old, fresh := want.Get(f).List(), got.Get(f).List()
			for j := range min(old.Len(), fresh.Len()) {
				wrong = append(wrong, mask(old.Get(j).Message(), fresh.Get(j).Message()))
			}
		default:
			wrong = append(wrong, mask(want.Get(f).Message(), got.Get(f).Message()))
		}
	}
	return errors.Join(wrong...)
}

// lengthOf gives the length of a field that is bytes or an identifier, 0 for others.
func lengthOf(f protoreflect.FieldDescriptor, m protoreflect.Message) int {
	switch {
	case f.Kind() == protoreflect.BytesKind:
		return len(m.Get(f).Bytes())
	case f.Name() == "id":
		return len(m.Get(f).String())
	}
	return 0
}
