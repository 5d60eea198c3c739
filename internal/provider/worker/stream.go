package worker

import (
	"bytes"
	"context"
	"hash"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/secmem"
)

// hashed is a signature or a verification of a message that is hashed here.
type hashed struct {
	provider.Life
	key    *key
	way    place
	state  hash.Hash
	params provider.Params
}

// Update gives nothing.
func (s *hashed) Update(ctx context.Context, dst, in []byte) ([]byte, error) {
	if err := s.Running(ctx); err != nil {
		return dst, err
	}
	s.state.Write(in)
	return dst, nil
}

// Finish has the device sign or verify the digest.
func (s *hashed) Finish(ctx context.Context, dst, signature []byte) ([]byte, error) {
	if err := s.Finishing(ctx); err != nil {
		return dst, err
	}
	params := s.params
	params.Signature = signature
	var digest [64]byte
	return s.key.device(ctx, ofDigests(s.Op), &params, dst, s.state.Sum(digest[:0]), s.way)
}

// Reset starts the next message.
func (s *hashed) Reset(ctx context.Context, iv []byte) error {
	if len(iv) != 0 {
		return claviger.Errorf(claviger.ErrInvalidArgument, s.Op.String(), "the algorithm takes no initialization vector")
	}
	if err := s.Restart(ctx); err != nil {
		return err
	}
	s.state.Reset()
	return nil
}

// Close forgets the message.
func (s *hashed) Close() { s.Shut(); s.state.Reset() }

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
	provider.Life
	runner  provider.Operator
	at      place
	params  provider.Params
	message []byte
}

func newGathered(runner provider.Operator, op provider.Op, params *provider.Params, at place) *gathered {
	own := provider.Params{Algorithm: params.Algorithm, IV: bytes.Clone(params.IV), AAD: bytes.Clone(params.AAD), Size: params.Size, DER: params.DER}
	return &gathered{Life: provider.Life{Op: op}, runner: runner, at: at, params: own}
}

// Update keeps a copy of in; a message over the limit is ErrInvalidArgument and leaves what is held as it was.
func (s *gathered) Update(ctx context.Context, dst, in []byte) ([]byte, error) {
	if err := s.Running(ctx); err != nil {
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
	if err := s.Finishing(ctx); err != nil {
		return dst, err
	}
	defer s.wipe()
	params := s.params
	params.Signature = signature
	return s.runner.OneShot(ctx, s.Op, &params, dst, s.message)
}

// Reset starts a message with the IV given and the associated data of Begin.
func (s *gathered) Reset(ctx context.Context, iv []byte) error {
	if err := s.at.check(s.Op, &provider.Params{IV: iv}); err != nil {
		return err
	}
	if err := s.Restart(ctx); err != nil {
		return err
	}
	s.wipe()
	s.params.IV = append(s.params.IV[:0], iv...)
	return nil
}

// Close wipes the message.
func (s *gathered) Close() { s.Shut(); s.wipe() }

func (s *gathered) wipe() {
	secmem.Wipe(s.message[:cap(s.message)])
	s.message = nil
}

// remote is a stream in the device. It ends with its worker.
type remote struct {
	provider.Life
	size   int // bytes of its result; -1 where that is open
	link   *link
	number uint64
}

// begin opens a stream in the device, which is told whose it is.
func begin(ctx context.Context, l *link, target uint64, op provider.Op, params *provider.Params, size int) (provider.Stream, error) {
	s := &remote{Life: provider.Life{Op: op}, size: size, link: l, number: l.ids.Add(1)}
	r := &request{verb: verbBegin, target: target, result: s.number, op: op, params: *params}
	r.params.Lane = provider.Lane(ctx)
	a, err := l.call(ctx, op.String(), r)
	if err != nil {
		return nil, err
	}
	a.release()
	return s, nil
}

func (s *remote) call(ctx context.Context, size int, dst []byte, r *request) ([]byte, error) {
	if err := s.Restartable(ctx); err != nil { // whether it is finished, the device knows
		return dst, err
	}
	r.target = s.number
	a, err := s.link.call(ctx, s.Op.String(), r)
	if err != nil {
		return dst, err
	}
	defer a.release()
	return s.link.output(s.Op, size, dst, a.data)
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
	if s.Shut() {
		s.link.tell(&request{verb: verbCloseStream, target: s.number})
	}
}
