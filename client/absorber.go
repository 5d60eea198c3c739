package client

import (
	"context"
	"io"

	"github.com/claviger/claviger"
)

// absorber is an operation that takes a message and gives a result only at its end.
type absorber struct{ *operation }

// Init opens a message. ErrStreamAlreadyActive if one is open; call Reset first.
func (a absorber) Init(ctx context.Context) error {
	if err := a.lock("init"); err != nil {
		return err
	}
	defer a.stream.Unlock()
	return a.init(ctx, nil, nil)
}

// Update takes the next part of the message, of any length. More than 1 MiB goes in several
// round trips that share the time of one call; if one of them fails, the context is in the
// error state.
func (a absorber) Update(ctx context.Context, data []byte) error {
	if err := a.lock("update"); err != nil {
		return err
	}
	defer a.stream.Unlock()
	_, err := a.update(ctx, nil, data)
	return err
}

// Writer gives an io.Writer, also an io.ReaderFrom, that calls Update with ctx. The caller
// calls Init before and ends the message after.
func (a absorber) Writer(ctx context.Context) io.Writer {
	return &sink{func(p []byte) error { return a.Update(ctx, p) }}
}

// finish ends the message and appends the result to dst.
func (a absorber) finish(ctx context.Context, dst []byte, size int) ([]byte, error) {
	if err := a.lock("finalize"); err != nil {
		return nil, err
	}
	defer a.stream.Unlock()
	return a.finalize(ctx, dst, nil, size, 0)
}

// finishVerify ends the message and reports whether sum is its signature or code.
func (a absorber) finishVerify(ctx context.Context, sum []byte) (bool, error) {
	if err := a.lock("verify"); err != nil {
		return false, err
	}
	defer a.stream.Unlock()
	return a.verdictOf(a.finalize(ctx, a.verdict[:0], present(sum), 0, 0))
}

// verifyWhole reports whether sum is the signature or code of a whole message.
func (a absorber) verifyWhole(ctx context.Context, message, sum []byte) (bool, error) {
	room := a.cc.stack.verdicts.Get().(*[1]byte)
	defer a.cc.stack.verdicts.Put(room)
	return a.verdictOf(a.whole(ctx, "verify", room[:0], present(sum), nil, message, 0))
}

// verdictOf reads the daemon's answer to a verification: one byte, 1 or 0.
func (a absorber) verdictOf(out []byte, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	if len(out) != 1 || out[0] > 1 {
		return false, claviger.Errorf(claviger.ErrInternal, "verify", "the daemon's verdict has %d bytes or an unknown value", len(out))
	}
	return out[0] == 1, nil
}

// maxSum is more in bytes than any signature or code has.
const maxSum = 64 << 10

// present makes sure that there is something to check: to the daemon no signature at all would
// mean that one is wanted. A single byte is never a right one, and neither are maxSum bytes,
// whatever comes behind them.
func present(sum []byte) []byte {
	if len(sum) == 0 {
		return []byte{0}
	}
	return sum[:min(len(sum), maxSum)]
}

// sink is an io.Writer over Update. As an io.ReaderFrom it reads in pieces that are worth a
// round trip.
type sink struct{ update func([]byte) error }

// Write hands p on. It takes all or fails.
func (s *sink) Write(p []byte) (int, error) {
	if err := s.update(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// ReadFrom hands all of r on.
func (s *sink) ReadFrom(r io.Reader) (int64, error) {
	var total int64
	buf := make([]byte, pieceBytes)
	for {
		n, err := io.ReadFull(r, buf)
		if n > 0 {
			if err := s.update(buf[:n]); err != nil {
				return total, err
			}
			total += int64(n)
		}
		switch err {
		case nil:
		case io.EOF, io.ErrUnexpectedEOF:
			return total, nil
		default:
			return total, err
		}
	}
}
