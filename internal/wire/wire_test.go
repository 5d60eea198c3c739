package wire_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
)

func TestBadRequestHeadersAreRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		header wire.Header
		ok     bool
	}{
		{"ping", wire.Header{Op: wire.OpPing}, true},
		{"ping with a body", wire.Header{Op: wire.OpPing, Length: 1}, false},
		{"hello at its limit", wire.Header{Op: wire.OpHello, Length: wire.MaxHello}, true},
		{"hello beyond its limit", wire.Header{Op: wire.OpHello, Length: wire.MaxHello + 1}, false},
		{"data at its limit", wire.Header{Op: wire.OpOneShot, Length: wire.MaxData}, true},
		{"data beyond its limit", wire.Header{Op: wire.OpOneShot, Length: wire.MaxData + 1}, false},
		{"control at its limit", wire.Header{Op: wire.OpImport, Length: wire.MaxControl}, true},
		{"control beyond its limit", wire.Header{Op: wire.OpImport, Length: wire.MaxControl + 1}, false},
		{"largest length", wire.Header{Op: wire.OpImport, Length: 0xFFFFFFFF}, false},
		{"reply from a client", wire.Header{Op: wire.OpPing, Flags: wire.FlagReply}, false},
		{"error from a client", wire.Header{Op: wire.OpPing, Flags: wire.FlagError}, false},
		{"unknown flag", wire.Header{Op: wire.OpPing, Flags: 1 << 5}, false},
		{"highest flag", wire.Header{Op: wire.OpPing, Flags: 1 << 15}, false},
		{"descriptor where none is taken", wire.Header{Op: wire.OpPing, Flags: wire.FlagFD}, false},
		{"connect without a descriptor", wire.Header{Op: wire.OpConnect}, false},
		{"region flag on init", wire.Header{Op: wire.OpInit, Flags: wire.FlagRegion}, false},
		{"keep on update", wire.Header{Op: wire.OpUpdate, Flags: wire.FlagKeep}, false},
		{"keep on finalize", wire.Header{Op: wire.OpFinalize, Flags: wire.FlagKeep}, true},
		{"unknown data operation", wire.Header{Op: 0x0777, Length: 100}, true},
		{"unknown control operation", wire.Header{Op: wire.ControlBit | 0x777, Length: 100_000}, true},
		{"unknown data operation too long", wire.Header{Op: 0x0777, Length: 100_000}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.header.ID = 42
			h, err := wire.ParseRequest(c.header.Append(nil))
			if (err == nil) != c.ok {
				t.Fatalf("err = %v", err)
			}
			if err != nil && !errors.Is(err, claviger.ErrInvalidFormat) {
				t.Errorf("err = %v, not InvalidFormat", err)
			}
			if h.ID != 42 {
				t.Errorf("id = %d beside the error", h.ID)
			}
		})
	}
}

func TestReservedFieldsMustBeZero(t *testing.T) {
	header := wire.Header{Op: wire.OpPing}.Append(nil)
	header[20] = 1
	if _, err := wire.ParseRequest(header); !errors.Is(err, claviger.ErrInvalidFormat) {
		t.Errorf("header: %v", err)
	}
	d := wire.Data{Handle: 1}
	body := d.Append(nil, 0)
	body[23] = 1
	if _, err := wire.ParseData(wire.OpUpdate, 0, body); !errors.Is(err, claviger.ErrInvalidFormat) {
		t.Errorf("data: %v", err)
	}
	hello := wire.HelloReply{Version: 1}.Append(nil)
	hello[6] = 1
	if _, err := wire.ParseHelloReply(hello); !errors.Is(err, claviger.ErrInvalidFormat) {
		t.Errorf("hello: %v", err)
	}
}

func TestDataLengthsMustAddUp(t *testing.T) {
	whole := (&wire.Data{Handle: 1, First: []byte("0123456789ab"), Second: []byte("aad"), Payload: []byte("message")}).Append(nil, 0)
	if _, err := wire.ParseData(wire.OpOneShot, 0, whole); err != nil {
		t.Fatal(err)
	}
	for n := range wire.PrefixSize + 15 {
		if _, err := wire.ParseData(wire.OpOneShot, 0, whole[:n]); !errors.Is(err, claviger.ErrInvalidFormat) {
			t.Errorf("%d bytes of a body: %v", n, err)
		}
	}
	for _, at := range []int{8, 12} { // lengths whose sum overflows 32 bits
		body := append([]byte(nil), whole...)
		for i := range 4 {
			body[at+i] = 0xFF
		}
		if _, err := wire.ParseData(wire.OpOneShot, 0, body); !errors.Is(err, claviger.ErrInvalidFormat) {
			t.Errorf("length at %d: %v", at, err)
		}
	}
	if _, err := wire.ParseData(wire.OpOneShot, wire.FlagRegion, whole); !errors.Is(err, claviger.ErrInvalidFormat) {
		t.Errorf("region reference of 7 bytes: %v", err)
	}
}

func TestPartsThatAnOperationDoesNotTakeAreRefused(t *testing.T) {
	for _, c := range []struct {
		op wire.Op
		d  wire.Data
	}{
		{wire.OpInit, wire.Data{Payload: []byte{1}}},
		{wire.OpReset, wire.Data{Payload: []byte{1}}},
		{wire.OpReset, wire.Data{First: []byte{1}}},
		{wire.OpFinalize, wire.Data{Payload: []byte{1}}},
		{wire.OpFinalize, wire.Data{Second: []byte{1}}},
		{wire.OpUpdate, wire.Data{First: []byte{1}}},
		{wire.OpUpdate, wire.Data{Size: 1}},
		{wire.OpOneShot, wire.Data{Payload: make([]byte, wire.MaxInline+1)}},
	} {
		if _, err := wire.ParseData(c.op, 0, c.d.Append(nil, 0)); !errors.Is(err, claviger.ErrInvalidFormat) {
			t.Errorf("%s: %v", c.op, err)
		}
	}
}

func TestRegionReferencesStayWithinTheRegion(t *testing.T) {
	const size = 1 << 20
	for _, c := range []struct {
		ref wire.RegionRef
		ok  bool
	}{
		{wire.RegionRef{Length: size, Out: size}, true},
		{wire.RegionRef{In: size, Length: 0}, true},
		{wire.RegionRef{In: 1, Length: size}, false},
		{wire.RegionRef{In: size + 1}, false},
		{wire.RegionRef{Out: size + 1}, false},
		{wire.RegionRef{In: 1, Length: ^uint64(0)}, false},
		{wire.RegionRef{In: ^uint64(0), Length: 2}, false},
	} {
		err := c.ref.Check(size)
		if (err == nil) != c.ok || err != nil && !errors.Is(err, claviger.ErrInvalidMemoryRegion) {
			t.Errorf("%+v: %v", c.ref, err)
		}
	}
}

func TestHelloChoosesTheHighestCommonVersion(t *testing.T) {
	for _, c := range []struct {
		lowest, highest uint16
		ok              bool
	}{{1, 1, true}, {1, 9, true}, {2, 9, false}} {
		v, err := wire.Hello{Lowest: c.lowest, Highest: c.highest}.Choose()
		if (err == nil) != c.ok || err == nil && v != 1 {
			t.Errorf("%d to %d: version %d, %v", c.lowest, c.highest, v, err)
		}
	}
	for _, h := range []wire.Hello{{Lowest: 0, Highest: 1}, {Lowest: 2, Highest: 1}} {
		if _, err := wire.ParseHello(h.Append(nil)); !errors.Is(err, claviger.ErrInvalidFormat) {
			t.Errorf("%+v: %v", h, err)
		}
	}
}

func TestLongerHellosAreUnderstood(t *testing.T) {
	want := wire.Hello{Lowest: 1, Highest: 2, MaxInline: 3, MaxControl: 4, Features: 5}
	got, err := wire.ParseHello(append(want.Append(nil), "of a later version"...))
	if err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	reply := wire.HelloReply{Version: 1, Tenant: "t", Timeout: time.Second, Ceiling: time.Minute}
	again, err := wire.ParseHelloReply(append(reply.Append(nil), "of a later version"...))
	if err != nil || again != reply {
		t.Errorf("%+v, %v", again, err)
	}
}

func TestErrorsKeepTheirCodeAndNothingUnvouched(t *testing.T) {
	long := strings.Repeat("é", 2000)
	for _, c := range []struct {
		err    error
		code   claviger.Code
		detail string
	}{
		{claviger.Errorf(claviger.ErrAccessDenied, "x", "why"), claviger.ErrAccessDenied, "why"},
		{claviger.ErrQuotaExceeded, claviger.ErrQuotaExceeded, ""},
		{errors.New("secret in here"), claviger.ErrInternal, ""},
		{context.DeadlineExceeded, claviger.ErrOperationTimedOut, ""},
		{context.Canceled, claviger.ErrOperationFailed, "given up by the caller"},
		{claviger.Errorf(claviger.ErrInternal, "x", "bad \xff byte"), claviger.ErrInternal, "bad ? byte"},
	} {
		e, err := wire.ParseError(wire.AppendError(nil, wire.OpUpdate, c.err))
		if err != nil || e.Code != c.code || e.Detail != c.detail {
			t.Errorf("%v became %v, %v", c.err, e, err)
		}
	}
	body := wire.AppendError(nil, wire.OpUpdate, claviger.Errorf(claviger.ErrInternal, long, "%s", long))
	e, err := wire.ParseError(body)
	if err != nil || len(body) > wire.MaxErrorLen || len(e.Op) > claviger.MaxName || !strings.HasPrefix(long, e.Detail) {
		t.Errorf("%d bytes, %v", len(body), err)
	}
}

func TestEveryOperationHasAWordOfItsOwn(t *testing.T) {
	seen := make(map[string]bool)
	for _, op := range wire.Ops() {
		if !op.Known() || seen[op.String()] {
			t.Errorf("%#x is %q", uint16(op), op)
		}
		seen[op.String()] = true
	}
	if wire.Op(0x0777).Known() || wire.Op(0xFFFF).Known() || wire.Op(0).Known() {
		t.Error("a number without an operation has a word")
	}
}

func TestMessagesBeyondTheLimitAreNotMade(t *testing.T) {
	m := &pb.ImportRequest{Data: make([]byte, wire.MaxControl)}
	if out, err := wire.AppendMessage([]byte("x"), wire.OpImport, m); !errors.Is(err, claviger.ErrQuotaExceeded) || string(out) != "x" {
		t.Errorf("%d bytes, %v", len(out), err)
	}
}

func TestDecodersAllocateNothing(t *testing.T) {
	d := wire.Data{Handle: 1, First: []byte("0123456789ab"), Second: []byte("aad"), Payload: make([]byte, 32)}
	buf := make([]byte, 0, 256)
	n := testing.AllocsPerRun(100, func() {
		buf = wire.Header{Op: wire.OpOneShot, ID: 9, Length: uint32(d.Len(0))}.Append(buf[:0])
		buf = d.Append(buf, 0)
		h, err := wire.ParseRequest(buf)
		if err != nil || h.Op.String() != "one-shot" {
			t.Fatal(err)
		}
		if _, err := wire.ParseData(h.Op, h.Flags, buf[wire.HeaderSize:]); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}
