package worker

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/sock"
)

// liar is a process whose other end is the test.
type liar struct {
	near, far *net.UnixConn
	once      sync.Once
}

func newLiar(t *testing.T) *liar {
	t.Helper()
	near, fd, err := sock.Pair()
	if err != nil {
		t.Fatal(err)
	}
	far, err := sock.Adopt(fd)
	if err != nil {
		t.Fatal(err)
	}
	return &liar{near: near, far: far}
}

func (l *liar) Conn() *net.UnixConn { return l.near }
func (l *liar) Kill()               { l.once.Do(func() { l.far.Close() }) }
func (l *liar) Wait() error         { l.Kill(); return nil }
func (l *liar) Detail() string      { return "" }

// What foreign code makes a worker say is an end of that worker, and nothing else.
func TestAWorkerThatLiesIsEnded(t *testing.T) {
	long := make([]byte, frameHeader)
	binary.LittleEndian.PutUint32(long, maxBody+1)
	long[4] = 1
	for what, c := range map[string]struct{ say, why string }{
		"a frame over the limit":       {string(long), "the limit is"},
		"an answer to nothing":         {string(appendReply(nil, 99, &reply{})), "nobody made"},
		"an answer in no form":         {string(seal(append([]byte{0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0}, 1, 2, 3), 0)), errFrame.Error()},
		"an empty answer":              {string(seal([]byte{0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0}, 0)), errFrame.Error()},
		"an unknown status":            {string(appendReply(nil, 1, &reply{status: statusCount})), errFrame.Error()},
		"an error without a code":      {string(appendReply(nil, 1, &reply{status: statusError})), errFrame.Error()},
		"a field longer than its body": {string(lengthened()), errFrame.Error()},
		"nothing":                      {"", "gone"},
	} {
		t.Run(what, func(t *testing.T) {
			p := newLiar(t)
			l, err := newLink("token", p, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				_, _, _ = newReader(p.far).next(nil)
				_, _ = p.far.Write([]byte(c.say))
				if c.say == "" {
					p.Kill()
				}
			}()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_, err = l.call(ctx, "sign", &request{verb: verbOneShot})
			if claviger.CodeOf(err) != claviger.ErrProviderNotAvailable || !strings.Contains(err.Error(), c.why) {
				t.Errorf("%v", err)
			}
			l.end(errors.New("the test is over"))
		})
	}
}

// lengthened is a reply whose last field says that it is longer than it is.
func lengthened() []byte {
	frame := appendReply(nil, 1, &reply{data: []byte("data")})
	binary.LittleEndian.PutUint32(frame[len(frame)-8:], 5)
	return frame
}

func TestTextsOfAWorkerAreCleanedAndClipped(t *testing.T) {
	got := clean("a\x1b[31m\n" + strings.Repeat("x", 10_000) + "\xff")
	if strings.ContainsAny(got, "\x1b\n") || len(got) > maxDetail {
		t.Errorf("%q", got)
	}
}

// Many frames of many callers arrive whole.
func TestFramesOfManySendersDoNotMix(t *testing.T) {
	p := newLiar(t)
	defer p.Kill()
	w := writer{to: p.near}
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			r := &request{verb: verbOneShot, target: uint64(i), data: make([]byte, 1000*i)}
			for range 20 {
				if err := w.send(requestSize(r), func(dst []byte) []byte { return appendRequest(dst, uint64(i), r) }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	in := newReader(p.far)
	for range 16 * 20 {
		id, body, err := in.next(nil)
		var r request
		if err != nil || parseRequest(body, &r) != nil || r.target != id || len(r.data) != 1000*int(id) {
			t.Fatalf("frame %d of %d bytes: %v", id, len(body), err)
		}
	}
	wg.Wait()
}

func TestAReplyIsNoLongerThanWhatWasAskedFor(t *testing.T) {
	for _, c := range []struct {
		r    request
		most int
	}{
		{request{verb: verbOneShot, data: make([]byte, 100)}, 100 + 64<<10},
		{request{verb: verbOneShot, params: provider.Params{Size: 1 << 20}}, 1<<20 + 64<<10},
		{request{verb: verbObjects}, listSize},
		{request{verb: verbUpdate, data: make([]byte, maxBody)}, maxBody},
	} {
		if got := replyLimit(&c.r); got != c.most {
			t.Errorf("verb %d: %d bytes, want %d", c.r.verb, got, c.most)
		}
	}
}

// What a worker says of a key is held against what was asked for and what keys can be.
func TestAKeyThatCannotBeIsNoKey(t *testing.T) {
	for what, c := range map[string]struct {
		r    reply
		want provider.Spec
	}{
		"an unknown algorithm": {reply{spec: provider.Spec{Algorithm: "XXXX", Class: claviger.SecretKey}}, provider.Spec{}},
		"an alias":             {reply{spec: provider.Spec{Algorithm: "AES256", Class: claviger.SecretKey}}, provider.Spec{}},
		"another algorithm":    {reply{spec: provider.Spec{Algorithm: "AES-128", Class: claviger.SecretKey}}, provider.Spec{Algorithm: "AES-256"}},
		"another class":        {reply{spec: provider.Spec{Algorithm: "Ed25519", Class: claviger.PrivateKey}}, provider.Spec{Algorithm: "Ed25519", Class: claviger.PublicKey}},
		"an unknown class":     {reply{spec: provider.Spec{Algorithm: "AES-256", Class: 77}}, provider.Spec{}},
		"a secret pair":        {reply{spec: provider.Spec{Algorithm: "Ed25519", Class: claviger.SecretKey}}, provider.Spec{}},
		"a public AES key":     {reply{spec: provider.Spec{Algorithm: "AES-256", Class: claviger.PublicKey}}, provider.Spec{}},
		"a malformed half":     {reply{spec: provider.Spec{Algorithm: "Ed25519", Class: claviger.PrivateKey}, public: []byte("half")}, provider.Spec{}},
		"a half of a secret":   {reply{spec: provider.Spec{Algorithm: "AES-256", Class: claviger.SecretKey}, public: []byte("half")}, provider.Spec{}},
		"an endless key":       {reply{spec: provider.Spec{Algorithm: "AES-256", Class: claviger.SecretKey}, bits: 1 << 31}, provider.Spec{}},
	} {
		p := newLiar(t)
		l, err := newLink("token", p, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.plausible("generate", &c.r, c.want); claviger.CodeOf(err) != claviger.ErrProviderNotAvailable || l.alive() {
			t.Errorf("%s: %v, the worker goes on: %t", what, err, l.alive())
		}
		l.end(errors.New("the test is over"))
	}
}

func TestAListThatCannotBeIsNoList(t *testing.T) {
	many := "[" + strings.Repeat("{},", maxObjects) + "{}]"
	for _, text := range []string{"", "{", many, `[{"Bits":-1}]`, `[{"Spec":{"Algorithm":"XXXX"}}]`, `[{"ID":"` + strings.Repeat("AAAA", maxObjectID) + `"}]`} {
		if list, err := objects([]byte(text)); err == nil {
			t.Errorf("%d objects of %.30q", len(list), text)
		}
	}
	list, err := objects([]byte(`[{"Label":"a\u001bb"}]`))
	if err != nil || len(list) != 1 || list[0].Label != "a?b" {
		t.Errorf("%v, %v", list, err)
	}
}

// Calls wait in turn: a tenant with many does not hold up one with few, and those that make keys do not hold up operations.
func TestCallsTakeTurns(t *testing.T) {
	g := gate{}
	a1, a2, a3, b1 := &pending{lane: "a"}, &pending{lane: "a"}, &pending{lane: "a"}, &pending{lane: "b"}
	for _, c := range []*pending{a1, a2, a3, b1} {
		g.push(c)
	}
	g.remove(a2)
	g.remove(a2)
	for i, want := range []*pending{a1, b1, a3} {
		if got := g.next(); got != want {
			t.Fatalf("call %d is %p, want %p", i, got, want)
		}
		g.pop()
	}
	if g.next() != nil || len(g.drain()) != 0 {
		t.Error("something is left")
	}
	for v := verbOpen; v < verbCount; v++ {
		if at := gateOf(v); at < 0 || at > atNone || at == gates {
			t.Errorf("verb %d waits at %d", v, at)
		}
	}
}
