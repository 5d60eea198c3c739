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
	for what, c := range map[string]struct{ say, why string }{
		"a frame over the limit":       {string(long), "the limit is"},
		"an answer to nothing":         {string(appendReply(nil, 99, &reply{})), "nobody made"},
		"an answer in no form":         {string(seal(append([]byte{0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0}, 1, 2, 3), 0)), errFrame.Error()},
		"an empty answer":              {string(seal([]byte{0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0}, 0)), ""},
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
