package pkcs11

import (
	"context"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/cryptoki"
	"github.com/claviger/claviger/internal/provider"
)

// life is that of a stream in a token.
type life struct {
	provider.Life
	provider *Provider
}

// failed ends the message after an error of the token: nothing more can be said of it.
func (l *life) failed(err error) error {
	l.Fail()
	return l.provider.fault(l.Op.String(), claviger.ErrOperationFailed, err)
}

// Begin opens a stream of Hash, which keeps a session to itself until it is closed. ErrProviderBusy when streams have as many as
// they may, or those of the same lane more than their share.
func (p *Provider) Begin(ctx context.Context, op provider.Op, params *provider.Params) (provider.Stream, error) {
	if err := provider.Alive(ctx, op.String()); err != nil {
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
	return newPinned(ctx, &pinned{life: life{Life: provider.Life{Op: op}, provider: p}, lane: params.Lane, way: w})
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
		return newPinned(ctx, &pinned{life: life{Life: provider.Life{Op: op}, provider: k.provider}, lane: params.Lane, key: k, way: w})
	case algorithm.FamilyCipher:
		if w.row.BothWays {
			s := &ctrStream{life: life{Life: provider.Life{Op: op}, provider: k.provider}, row: w.row, counter: counter{key: k, op: op}}
			copy(s.counter.block[:], params.IV)
			return s, nil
		}
		s := &cbcStream{life: life{Life: provider.Life{Op: op}, provider: k.provider}, row: w.row, chain: chain{key: k, op: op}}
		copy(s.chain.iv[:], params.IV)
		return s, nil
	}
	return nil, claviger.Errorf(claviger.ErrUnsupportedOperation, op.String(), "%s takes its message whole", w.row.Name)
}

// pinned is a hash or a code that runs in a session of its own.
type pinned struct {
	life
	lane    string
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
		again = s.provider.pool.renew(ctx, s.Op.String())
	case vanished(err) && s.key != nil:
		again = s.key.relocate(ctx, s.Op.String())
	case !among(err, cryptoki.ErrOperationActive):
		return s.provider.fault(s.Op.String(), claviger.ErrOperationFailed, err)
	}
	if again == nil {
		again = s.begin(ctx)
	}
	return s.provider.fault(s.Op.String(), claviger.ErrOperationFailed, again)
}

func (s *pinned) begin(ctx context.Context) (err error) {
	if s.session == nil {
		if s.session, err = s.provider.pool.pin(ctx, s.Op.String(), s.lane); err != nil {
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
	s.active = true
	return nil
}

// drop gives the session back after err.
func (s *pinned) drop(err error) {
	if s.session != nil {
		s.provider.pool.unpin(s.session, s.lane, err)
	}
	s.session, s.active = nil, false
}

// broken ends the message and gives the session back. One that is gone takes the message with it; whether the token is still there
// is another question.
func (s *pinned) broken(ctx context.Context, err error) error {
	s.drop(err)
	if sessionGone(err) {
		if err = s.provider.pool.renew(ctx, s.Op.String()); err != nil {
			return s.failed(err)
		}
		err = claviger.Errorf(claviger.ErrOperationFailed, s.Op.String(), "the token has closed the stream's session")
	}
	return s.failed(err)
}

// Update gives nothing.
func (s *pinned) Update(ctx context.Context, dst, in []byte) ([]byte, error) {
	if err := s.Running(ctx); err != nil {
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
	if err := s.Finishing(ctx); err != nil {
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
	return exactly(s.Op.String(), dst, out, s.way.row.Size)
}

// Reset starts the next message.
func (s *pinned) Reset(ctx context.Context, iv []byte) error {
	if len(iv) != 0 {
		return claviger.Errorf(claviger.ErrInvalidArgument, s.Op.String(), "the algorithm takes no initialization vector")
	}
	if err := s.Restartable(ctx); err != nil {
		return err
	}
	s.cancel()
	s.Fail() // until it has begun
	if err := s.start(ctx); err != nil {
		return err
	}
	return s.Restart(ctx)
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
	if s.Shut() {
		s.cancel()
		s.drop(nil)
	}
}
