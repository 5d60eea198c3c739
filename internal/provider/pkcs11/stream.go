package pkcs11

import (
	"context"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/cryptoki"
	"github.com/claviger/claviger/internal/provider"
)

// life is the state that all streams share: running, finished until Reset, or closed for good.
type life struct {
	provider *Provider
	op       provider.Op
	finished bool
	closed   bool
}

func (l *life) running(ctx context.Context) error {
	switch {
	case l.closed:
		return claviger.Errorf(claviger.ErrContextAlreadyDestroyed, l.op.String(), "the stream is closed")
	case l.finished:
		return claviger.Errorf(claviger.ErrStreamNotInitialized, l.op.String(), "the stream is finished; reset it first")
	}
	return alive(ctx, l.op.String())
}

// finish ends the message, unless the context has ended before.
func (l *life) finish(ctx context.Context) error {
	if err := l.running(ctx); err != nil {
		return err
	}
	l.finished = true
	return nil
}

// restartable reports why the stream cannot be opened again for the next message.
func (l *life) restartable(ctx context.Context) error {
	if l.closed {
		return claviger.Errorf(claviger.ErrContextAlreadyDestroyed, l.op.String(), "the stream is closed")
	}
	return alive(ctx, l.op.String())
}

// failed ends the message after an error of the token: nothing more can be said of it.
func (l *life) failed(err error) error {
	l.finished = true
	return l.provider.fault(l.op.String(), claviger.ErrOperationFailed, err)
}

// Begin opens a stream of Hash, which keeps a session to itself until it is closed. ErrProviderBusy when streams have as many as
// they may.
func (p *Provider) Begin(ctx context.Context, op provider.Op, params *provider.Params) (provider.Stream, error) {
	if err := alive(ctx, op.String()); err != nil {
		return nil, err
	}
	w, err := p.find(op, params.Algorithm, "")
	if err != nil {
		return nil, err
	}
	if op != provider.Hash {
		return nil, claviger.Errorf(claviger.ErrUnsupportedOperation, op.String(), "%s has no streams", w.row.Name)
	}
	if err := digestSize(w.row, params); err != nil {
		return nil, err
	}
	return newPinned(ctx, &pinned{life: life{provider: p, op: op}, way: w})
}

// Begin opens a stream of a code, which keeps a session to itself as a hash does, or of a cipher, which has none between its calls. Other
// messages go to the token whole: ErrUnsupportedOperation.
func (k *key) Begin(ctx context.Context, op provider.Op, params *provider.Params) (provider.Stream, error) {
	w, err := k.prepare(ctx, op, params)
	if err != nil {
		return nil, err
	}
	switch w.row.Family {
	case algorithm.FamilyMAC:
		return newPinned(ctx, &pinned{life: life{provider: k.provider, op: op}, key: k, way: w})
	case algorithm.FamilyCipher:
		if w.row.BothWays {
			s := &ctrStream{life: life{provider: k.provider, op: op}, row: w.row, counter: counter{key: k, op: op}}
			copy(s.counter.block[:], params.IV)
			return s, nil
		}
		s := &cbcStream{life: life{provider: k.provider, op: op}, row: w.row, chain: chain{key: k, op: op}}
		copy(s.chain.iv[:], params.IV)
		return s, nil
	}
	return nil, claviger.Errorf(claviger.ErrUnsupportedOperation, op.String(), "%s takes its message whole", w.row.Name)
}

// pinned is a hash or a code that runs in a session of its own.
type pinned struct {
	life
	key     *key // nil for a hash
	way     way
	session *cryptoki.Session // nil after a failure, until Reset
	active  bool              // an operation is active in session
}

func newPinned(ctx context.Context, s *pinned) (provider.Stream, error) {
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// start begins a message, in the session there is or in another one.
func (s *pinned) start(ctx context.Context) error {
	err := s.begin(ctx)
	again := error(nil)
	switch {
	case sessionGone(err):
		again = s.provider.pool.renew(ctx, s.op.String())
	case vanished(err) && s.key != nil:
		again = s.key.relocate(ctx, s.op.String())
	case !among(err, cryptoki.ErrOperationActive):
		return s.provider.fault(s.op.String(), claviger.ErrOperationFailed, err)
	}
	if again == nil {
		again = s.begin(ctx)
	}
	return s.provider.fault(s.op.String(), claviger.ErrOperationFailed, again)
}

func (s *pinned) begin(ctx context.Context) (err error) {
	if s.session == nil {
		if s.session, err = s.provider.pool.pin(ctx, s.op.String()); err != nil {
			s.session = nil
			return err
		}
	}
	if s.key == nil {
		err = s.session.DigestInit(cryptoki.Plain(s.way.mechanism))
	} else {
		err = s.session.SignInit(cryptoki.Plain(s.way.mechanism), cryptoki.Object(s.key.main.Load()))
	}
	if err != nil {
		s.drop(err)
		return err
	}
	s.active, s.finished = true, false
	return nil
}

// drop gives the session back after err.
func (s *pinned) drop(err error) {
	if s.session != nil {
		s.provider.pool.unpin(s.session, err)
	}
	s.session, s.active = nil, false
}

// broken ends the message and gives the session back. One that is gone takes the message with it; whether the token is still there
// is another question.
func (s *pinned) broken(ctx context.Context, err error) error {
	s.drop(err)
	if sessionGone(err) {
		if err = s.provider.pool.renew(ctx, s.op.String()); err != nil {
			return s.failed(err)
		}
		err = claviger.Errorf(claviger.ErrOperationFailed, s.op.String(), "the token has closed the stream's session")
	}
	return s.failed(err)
}

// Update gives nothing.
func (s *pinned) Update(ctx context.Context, dst, in []byte) ([]byte, error) {
	if err := s.running(ctx); err != nil {
		return dst, err
	}
	for len(in) > 0 {
		part := in[:min(len(in), cipherChunk)]
		in = in[len(part):]
		var err error
		if s.key == nil {
			err = s.session.DigestUpdate(part)
		} else {
			err = s.session.SignUpdate(part)
		}
		if err != nil {
			return dst, s.broken(ctx, err)
		}
	}
	return dst, nil
}

// Finish gives the digest or code.
func (s *pinned) Finish(ctx context.Context, dst, _ []byte) ([]byte, error) {
	if err := s.finish(ctx); err != nil {
		return dst, err
	}
	var out []byte
	var err error
	if s.key == nil {
		out, err = s.session.DigestFinal(dst, s.way.row.Size)
	} else {
		out, err = s.session.SignFinal(dst, s.way.row.Size)
	}
	s.active = false
	if err != nil {
		return dst, s.broken(ctx, err)
	}
	return exactly(s.op.String(), dst, out, s.way.row.Size)
}

// Reset starts the next message.
func (s *pinned) Reset(ctx context.Context, iv []byte) error {
	if len(iv) != 0 {
		return claviger.Errorf(claviger.ErrInvalidArgument, s.op.String(), "the algorithm takes no initialization vector")
	}
	if err := s.restartable(ctx); err != nil {
		return err
	}
	s.cancel()
	s.finished = true // until it has begun
	return s.start(ctx)
}

// cancel ends what is active. A session in which that fails is closed.
func (s *pinned) cancel() {
	if !s.active {
		return
	}
	s.active = false
	operation := cryptoki.Digesting
	if s.key != nil {
		operation = cryptoki.Signing
	}
	if err := s.session.Cancel(operation); err != nil {
		s.drop(err)
	}
}

// Close gives the session back.
func (s *pinned) Close() {
	if !s.closed {
		s.closed = true
		s.cancel()
		s.drop(nil)
	}
}
