package client

import (
	"context"
	"io"
	"slices"

	"github.com/claviger/claviger"
)

// transformer is an operation that turns a message into another one: encryption or decryption.
type transformer struct {
	*operation
	direction claviger.Direction
}

// Update takes the next part of the message and appends to dst what is ready. An AEAD algorithm
// gives nothing before Finalize. More than 1 MiB goes in several round trips that share the
// time of one call; if one of them fails, the context is in the error state.
func (t transformer) Update(ctx context.Context, dst, data []byte) ([]byte, error) {
	if err := t.lock("update"); err != nil {
		return nil, err
	}
	defer t.stream.Unlock()
	return t.update(ctx, dst, data)
}

// Finalize ends the message and appends the rest of it to dst: the last block, or for an AEAD
// algorithm the whole message, when encrypting with the tag behind it. A padding or tag that is
// wrong is ErrOperationFailed.
func (t transformer) Finalize(ctx context.Context, dst []byte) ([]byte, error) {
	if err := t.lock("finalize"); err != nil {
		return nil, err
	}
	defer t.stream.Unlock()
	return t.finalize(ctx, dst, nil, 0, 0)
}

// Nonce gives the nonce that the daemon drew at the last Init; nil if the caller chooses
// nonces, or while another goroutine uses the stream. The caller owns it.
func (t transformer) Nonce() []byte {
	if !t.stream.TryLock() {
		return nil
	}
	defer t.stream.Unlock()
	if len(t.nonce) == 0 {
		return nil
	}
	return slices.Clone(t.nonce)
}

// DaemonNonce reports whether the daemon draws the nonces of this context, which encrypts. Then
// none is given; one-call methods put the nonce in front of what they return, and after Init it
// is to be had from Nonce.
func (t transformer) DaemonNonce() bool { return t.props.GetDaemonNonce() }

// Direction says which way the context works.
func (t transformer) Direction() claviger.Direction { return t.direction }

// Writer gives an io.WriteCloser, also an io.ReaderFrom, that writes the transformed message to
// w: Write calls Update, Close calls Finalize. The caller calls Init before. It does not close
// w.
func (t transformer) Writer(ctx context.Context, w io.Writer) io.WriteCloser {
	s := &transformSink{ctx: ctx, t: t, w: w}
	s.sink.update = s.next
	return s
}

// begin opens a message.
func (t transformer) begin(ctx context.Context, iv, aad []byte) error {
	if err := t.lock("init"); err != nil {
		return err
	}
	defer t.stream.Unlock()
	if err := checkAssociated("init", aad); err != nil {
		return err
	}
	return t.init(ctx, iv, aad)
}

// run transforms a whole message if the context works that way.
func (t transformer) run(ctx context.Context, way claviger.Direction, dst, iv, aad, data []byte) ([]byte, error) {
	if t.direction != way {
		if err := t.check(way.String()); err != nil {
			return nil, err
		}
		return nil, claviger.Errorf(claviger.ErrInvalidOperation, way.String(), "the %s context was made to %s", t.kind, t.direction)
	}
	return t.whole(ctx, way.String(), dst, iv, aad, data, 0)
}

// transformSink writes what a transformer gives. Its buffer is reused from part to part.
type transformSink struct {
	sink
	ctx context.Context
	t   transformer
	w   io.Writer
	buf []byte
}

// next transforms one part.
func (s *transformSink) next(p []byte) error {
	out, err := s.t.Update(s.ctx, s.buf[:0], p)
	if err != nil {
		return err
	}
	return s.put(out)
}

// put writes what came out and keeps its memory for the next part.
func (s *transformSink) put(out []byte) error {
	s.buf = out
	if len(out) == 0 {
		return nil
	}
	_, err := s.w.Write(out)
	return err
}

// Close ends the message and writes the rest of it.
func (s *transformSink) Close() error {
	out, err := s.t.Finalize(s.ctx, s.buf[:0])
	if err != nil {
		return err
	}
	return s.put(out)
}
