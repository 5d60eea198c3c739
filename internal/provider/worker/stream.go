package worker

import (
	"bytes"
	"context"
	"hash"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/secmem"
)

// life is the state that all streams share: running, finished until Reset, or closed for good.
type life struct {
	op       provider.Op
	finished bool
	closed   bool
}

// running refuses a call on a stream that takes none.
func (l *life) running(ctx context.Context) error {
	switch {
	case l.closed:
		return claviger.Errorf(claviger.ErrContextAlreadyDestroyed, l.op.String(), "the stream is closed")
	case l.finished:
		return claviger.Errorf(claviger.ErrStreamNotInitialized, l.op.String(), "the stream is finished; reset it first")
	case ctx.Err() != nil:
		return given(ctx, l.op.String())
	}
	return nil
}

// finish ends the message, unless the context has ended before.
func (l *life) finish(ctx context.Context) error {
	err := l.running(ctx)
	l.finished = l.finished || err == nil
	return err
}

// restart opens the stream again for the next message.
func (l *life) restart(ctx context.Context) error {
	if l.closed {
		return claviger.Errorf(claviger.ErrContextAlreadyDestroyed, l.op.String(), "the stream is closed")
	}
	if ctx.Err() != nil {
		return given(ctx, l.op.String())
	}
	l.finished = false
	return nil
}

// hashed is a signature or a verification of a message that is hashed here.
type hashed struct {
	life
	key    *key
	way    place
	state  hash.Hash
	params provider.Params
}

// Update gives nothing.
func (s *hashed) Update(ctx context.Context, dst, in []byte) ([]byte, error) {
	if err := s.running(ctx); err != nil {
		return dst, err
	}
	s.state.Write(in)
	return dst, nil
}

// Finish has the device sign or verify the digest.
func (s *hashed) Finish(ctx context.Context, dst, signature []byte) ([]byte, error) {
	if err := s.finish(ctx); err != nil {
		return dst, err
	}
	params := s.params
	params.Signature = signature
	var digest [64]byte
	return s.key.device(ctx, ofDigests(s.op), &params, dst, s.state.Sum(digest[:0]), s.way)
}

// Reset starts the next message.
func (s *hashed) Reset(ctx context.Context, iv []byte) error {
	if len(iv) != 0 {
		return claviger.Errorf(claviger.ErrInvalidArgument, s.op.String(), "the algorithm takes no initialization vector")
	}
	if err := s.restart(ctx); err != nil {
		return err
	}
	s.state.Reset()
	return nil
}

// Close forgets the message.
func (s *hashed) Close() { s.closed = true; s.state.Reset() }

// part is the most of a long message in bytes that goes to the worker at once.
const part = 1 << 20

// inParts runs one long message through a stream.
func inParts(ctx context.Context, s provider.Stream, signature, dst, in []byte) ([]byte, error) {
	defer s.Close()
	out := dst
	for len(in) > 0 {
		n := min(len(in), part)
		var err error
		if out, err = s.Update(ctx, out, in[:n]); err != nil {
			secmem.Wipe(out[len(dst):])
			return dst, err
		}
		in = in[n:]
	}
	out, err := s.Finish(ctx, out, signature)
	if err != nil {
		secmem.Wipe(out[len(dst):])
		return dst, err
	}
	return out, nil
}

// gathered is a stream of an operation that the device does on whole messages. It holds the message and gives nothing
// before Finish.
type gathered struct {
	life
	runner  provider.Operator
	at      place
	params  provider.Params
	message []byte
}

func newGathered(runner provider.Operator, op provider.Op, params *provider.Params, at place) *gathered {
	own := provider.Params{Algorithm: params.Algorithm, IV: bytes.Clone(params.IV), AAD: bytes.Clone(params.AAD), Size: params.Size, DER: params.DER}
	return &gathered{life: life{op: op}, runner: runner, at: at, params: own}
}

// Update keeps a copy of in; a message over the limit is ErrInvalidArgument and leaves what is held as it was.
func (s *gathered) Update(ctx context.Context, dst, in []byte) ([]byte, error) {
	if err := s.running(ctx); err != nil {
		return dst, err
	}
	total := len(s.message) + len(in)
	if err := s.at.checkLength(total); err != nil {
		return dst, err
	}
	if total > cap(s.message) {
		bigger := make([]byte, len(s.message), min(max(total, 2*cap(s.message), 512), s.at.limit()))
		copy(bigger, s.message)
		secmem.Wipe(s.message)
		s.message = bigger
	}
	s.message = append(s.message, in...)
	return dst, nil
}

// Finish runs the operation on the whole.
func (s *gathered) Finish(ctx context.Context, dst, signature []byte) ([]byte, error) {
	if err := s.finish(ctx); err != nil {
		return dst, err
	}
	defer s.wipe()
	params := s.params
	params.Signature = signature
	return s.runner.OneShot(ctx, s.op, &params, dst, s.message)
}

// Reset starts a message with the IV given and the associated data of Begin.
func (s *gathered) Reset(ctx context.Context, iv []byte) error {
	if err := s.at.check(s.op, &provider.Params{IV: iv}); err != nil {
		return err
	}
	if err := s.restart(ctx); err != nil {
		return err
	}
	s.wipe()
	s.params.IV = append(s.params.IV[:0], iv...)
	return nil
}

// Close wipes the message.
func (s *gathered) Close() { s.closed = true; s.wipe() }

func (s *gathered) wipe() {
	secmem.Wipe(s.message[:cap(s.message)])
	s.message = nil
}

// remote is a stream in the device. It ends with its worker.
type remote struct {
	op     provider.Op
	size   int // bytes of its result; -1 where that is open
	link   *link
	number uint64
	closed bool
}

// begin opens a stream in the device.
func begin(ctx context.Context, l *link, target uint64, op provider.Op, params *provider.Params, size int) (provider.Stream, error) {
	s := &remote{op: op, size: size, link: l, number: l.ids.Add(1)}
	a, err := l.call(ctx, op.String(), &request{verb: verbBegin, target: target, result: s.number, op: op, params: *params})
	if err != nil {
		return nil, err
	}
	a.release()
	return s, nil
}

func (s *remote) call(ctx context.Context, size int, dst []byte, r *request) ([]byte, error) {
	if s.closed {
		return dst, claviger.Errorf(claviger.ErrContextAlreadyDestroyed, s.op.String(), "the stream is closed")
	}
	if ctx.Err() != nil {
		return dst, given(ctx, s.op.String())
	}
	r.target = s.number
	a, err := s.link.call(ctx, s.op.String(), r)
	if err != nil {
		return dst, err
	}
	defer a.release()
	return s.link.output(s.op, size, dst, a.data)
}

// Update sends the next part.
func (s *remote) Update(ctx context.Context, dst, in []byte) ([]byte, error) {
	return s.call(ctx, s.due(), dst, &request{verb: verbUpdate, data: in})
}

// due is how long the output of a part is: nothing where the result has one length.
func (s *remote) due() int {
	if s.size >= 0 {
		return 0
	}
	return -1
}

// Finish ends the message.
func (s *remote) Finish(ctx context.Context, dst, signature []byte) ([]byte, error) {
	return s.call(ctx, s.size, dst, &request{verb: verbFinish, params: provider.Params{Signature: signature, Size: max(s.size, 0)}})
}

// Reset starts the next message.
func (s *remote) Reset(ctx context.Context, iv []byte) error {
	_, err := s.call(ctx, 0, nil, &request{verb: verbReset, params: provider.Params{IV: iv}})
	return err
}

// Close has the worker drop the stream.
func (s *remote) Close() {
	if !s.closed {
		s.closed = true
		s.link.tell(&request{verb: verbCloseStream, target: s.number})
	}
}
