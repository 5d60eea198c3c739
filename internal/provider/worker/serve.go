package worker

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/secmem"
)

// Opener makes the device that the settings name.
type Opener func(settings []byte) (provider.Device, error)

// Serve is the worker's half: it opens a device as the daemon says and runs its calls until the daemon closes the
// connection, which it owns. It returns nil then. A device that is lost ends it too.
func Serve(conn *net.UnixConn, open Opener) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ends, err := newPipe(conn)
	if err != nil {
		return err
	}
	s := &server{ctx: ctx, conn: conn, pipe: ends, open: open, calls: make(chan call), keys: newTable[provider.Key](), streams: newTable[provider.Stream]()}
	s.out.to = ends
	err = s.serve()
	close(s.calls)
	cancel()
	s.running.Wait()
	s.close()
	_ = conn.Close()
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// server is one worker's state.
type server struct {
	ctx  context.Context
	conn *net.UnixConn
	open Opener
	pipe pipe
	out  writer

	device   provider.Device   // set by the first request
	provider provider.Provider // set by the second request; only then do calls run at once
	keys     *table[provider.Key]
	streams  *table[provider.Stream]
	calls    chan call // to a goroutine that has run one and waits for the next
	resting  atomic.Int64
	running  sync.WaitGroup
}

// call is a request on its way to a goroutine.
type call struct {
	id   uint64
	body []byte
	request
}

// serve takes requests until the connection ends.
func (s *server) serve() error {
	in := newReader(s.pipe)
	defer in.wipe()
	for {
		var c call
		var err error
		if c.id, c.body, err = in.next(nil); err != nil {
			return err
		}
		if err := parseRequest(c.body, &c.request); err != nil {
			return err
		}
		if s.provider == nil {
			s.answer(c.id, s.begin(&c.request))
			secmem.Wipe(c.body)
			continue
		}
		select {
		case s.calls <- c:
			s.resting.Add(-1)
		default:
			s.running.Go(func() { s.work(c) })
		}
	}
}

// work runs a call and then further ones: a goroutine whose stack has grown to what a module needs is worth keeping.
func (s *server) work(c call) {
	for ok := true; ok; c, ok = <-s.calls {
		s.answer(c.id, s.run(&c.request))
		secmem.Wipe(c.body)
		c = call{}
		if s.resting.Add(1) > mostResting {
			s.resting.Add(-1)
			return
		}
	}
}

// mostResting is how many goroutines may wait for calls.
const mostResting = 64

// answer sends a reply and wipes what it held.
func (s *server) answer(id uint64, r *reply) {
	defer secmem.Wipe(r.data)
	if err := s.out.send(replySize(r), func(dst []byte) []byte { return appendReply(dst, id, r) }); err != nil {
		_ = s.conn.Close()
	}
}

// begin answers the two requests that come first.
func (s *server) begin(r *request) *reply {
	switch {
	case r.verb == verbOpen && s.device == nil:
		device, err := s.open(r.data)
		if err != nil {
			return failure(err)
		}
		s.device = device
		lock, err := device.Open(s.ctx)
		return inJSON(lock, err)
	case r.verb == verbUnlock && s.device != nil:
		p, err := s.device.Unlock(s.ctx, r.data)
		if err != nil {
			return failure(err)
		}
		s.provider = p
		return inJSON(inventory{Mechanisms: p.Mechanisms()}, nil)
	}
	return failure(claviger.Errorf(claviger.ErrInvalidOperation, "worker", "the device is not open"))
}

// close gives everything back.
func (s *server) close() {
	s.streams.each(func(x provider.Stream) { x.Close() })
	s.keys.each(func(k provider.Key) { _ = k.Close() })
	if s.provider != nil {
		_ = s.provider.Close()
	}
	if s.device != nil {
		_ = s.device.Close()
	}
}

// run runs one call. A panic of the provider ends the call and not the worker.
func (s *server) run(r *request) (out *reply) {
	defer func() {
		if recover() != nil {
			out = failure(claviger.Errorf(claviger.ErrInternal, r.op.String(), "the provider failed"))
		}
	}()
	switch r.verb {
	case verbOneShot:
		return s.oneShot(r)
	case verbBegin:
		return s.beginStream(r)
	case verbUpdate, verbFinish, verbReset:
		return s.stream(r)
	case verbCloseStream:
		s.streams.close(r.target, func(x provider.Stream) { x.Close() })
		return &reply{}
	case verbGenerate:
		return s.made(r)(s.provider.Generate(s.ctx, r.spec))
	case verbImport:
		return s.made(r)(s.provider.Import(s.ctx, r.spec, r.data))
	case verbLoad:
		return s.made(r)(s.provider.Load(s.ctx, r.data))
	case verbKeyOp, verbExport, verbBlob:
		return s.key(r)
	case verbCloseKey:
		s.keys.close(r.target, func(k provider.Key) { _ = k.Close() })
		return &reply{}
	case verbObjects, verbDestroy:
		return s.objects(r)
	}
	return failure(claviger.Errorf(claviger.ErrUnsupportedOperation, "worker", "unknown request %d", r.verb))
}

// oneShot runs one message with a key, or without one.
func (s *server) oneShot(r *request) *reply {
	var runner provider.Operator = s.provider
	if r.target != 0 {
		k, done, err := s.keys.take(r.target)
		if err != nil {
			return failure(err)
		}
		defer done()
		runner = k
	}
	out, err := runner.OneShot(s.ctx, r.op, &r.params, nil, r.data)
	if err != nil {
		return failure(err)
	}
	return &reply{data: out}
}

// beginStream opens a stream, which keeps its key.
func (s *server) beginStream(r *request) *reply {
	var runner provider.Operator = s.provider
	release := func() {}
	if r.target != 0 {
		k, done, err := s.keys.take(r.target)
		if err != nil {
			return failure(err)
		}
		runner, release = k, done
	}
	stream, err := runner.Begin(s.ctx, r.op, &r.params)
	if err != nil {
		release()
		return failure(err)
	}
	s.streams.put(r.result, &held{Stream: stream, release: release})
	return &reply{}
}

// held is a stream with what it keeps. Its calls run one after the other, also where the daemon has given one up.
type held struct {
	provider.Stream
	mu      sync.Mutex
	release func()
}

// Close closes the stream and gives back what it keeps.
func (h *held) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.Stream.Close()
	h.release()
}

// stream runs a call of a stream.
func (s *server) stream(r *request) *reply {
	x, done, err := s.streams.take(r.target)
	if err != nil {
		return failure(err)
	}
	defer done()
	h := x.(*held)
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []byte
	switch r.verb {
	case verbUpdate:
		out, err = h.Update(s.ctx, nil, r.data)
	case verbFinish:
		out, err = h.Finish(s.ctx, nil, r.params.Signature)
	default:
		err = h.Reset(s.ctx, r.params.IV)
	}
	if err != nil {
		return failure(err)
	}
	return &reply{data: out}
}

// made keeps a key that was made and describes it.
func (s *server) made(r *request) func(provider.Key, error) *reply {
	return func(k provider.Key, err error) *reply {
		if err != nil {
			return failure(err)
		}
		out := &reply{spec: k.Spec(), bits: uint32(k.Bits())}
		if out.public, err = k.Public(); err != nil {
			out.public = nil // the device does not tell it, as Public says on the other end
		}
		s.keys.put(r.result, k)
		return out
	}
}

// key runs the calls of a key that give a key or what a key is made from.
func (s *server) key(r *request) *reply {
	k, done, err := s.keys.take(r.target)
	if err != nil {
		return failure(err)
	}
	defer done()
	if r.verb == verbKeyOp {
		made, extra, err := k.KeyOp(s.ctx, r.op, &r.params)
		out := s.made(r)(made, err)
		out.extra = extra
		return out
	}
	var secret *secmem.Bytes
	if r.verb == verbExport {
		secret, err = k.Export(s.ctx)
	} else {
		secret, err = k.Blob(s.ctx, r.tag)
	}
	if err != nil {
		return failure(err)
	}
	defer secret.Close()
	return &reply{data: append([]byte(nil), secret.Bytes()...)}
}

// objects runs the calls that are about a device's objects.
func (s *server) objects(r *request) *reply {
	device, ok := s.provider.(provider.ObjectProvider)
	if !ok {
		return failure(claviger.Errorf(claviger.ErrUnsupportedOperation, "objects", "the device keeps no objects"))
	}
	if r.verb == verbDestroy {
		if err := device.Destroy(s.ctx, r.data); err != nil {
			return failure(err)
		}
		return &reply{}
	}
	list, err := device.Objects(s.ctx, provider.Query{Algorithm: r.spec.Algorithm, Label: r.tag.Label, ID: r.tag.ID})
	return inJSON(list, err)
}

// inJSON makes a reply of a value, for requests that are rare.
func inJSON(v any, err error) *reply {
	if err != nil {
		return failure(err)
	}
	data, err := json.Marshal(v)
	if err != nil {
		return failure(err)
	}
	return &reply{data: data}
}

// failure makes a reply of an error.
func failure(err error) *reply {
	if errors.Is(err, provider.ErrMismatch) {
		return &reply{status: statusMismatch}
	}
	out := &reply{status: statusError, code: claviger.ErrOperationFailed, detail: err.Error()}
	if e, ok := errors.AsType[*claviger.Error](err); ok {
		out.code, out.op, out.detail = e.Code, e.Op, e.Detail
	} else if code := claviger.CodeOf(err); code != 0 {
		out.code = code
	}
	switch {
	case errors.Is(err, provider.ErrPIN):
		out.status = statusPIN
	case errors.Is(err, provider.ErrLost):
		out.status = statusLost
	}
	return out
}
