package pkcs11

import (
	"context"
	"slices"

	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/provider"
)

// ctrStream is CTR: what comes goes at once.
type ctrStream struct {
	life
	row     *algorithm.Row
	counter counter
}

// Update appends as many bytes as it is given.
func (s *ctrStream) Update(ctx context.Context, dst, in []byte) ([]byte, error) {
	if err := s.Running(ctx); err != nil {
		return dst, err
	}
	out, err := s.counter.run(ctx, dst, in)
	if err != nil {
		return dst, s.failed(err)
	}
	return out, nil
}

// Finish gives nothing more.
func (s *ctrStream) Finish(ctx context.Context, dst, _ []byte) ([]byte, error) {
	return dst, s.Finishing(ctx)
}

// Reset starts a message with the IV given.
func (s *ctrStream) Reset(ctx context.Context, iv []byte) error {
	if len(iv) != s.row.IV {
		return ivError(s.row, s.Op, len(iv))
	}
	if err := s.Restart(ctx); err != nil {
		return err
	}
	s.counter.used = 0
	copy(s.counter.block[:], iv)
	return nil
}

// Close ends the stream, which holds nothing.
func (s *ctrStream) Close() { s.Shut() }

// cbcStream is CBC with PKCS #7 padding. It holds back what is not a whole block, and when decrypting the last block too, since
// that may be padding.
type cbcStream struct {
	life
	row   *algorithm.Row
	chain chain
	held  [blockSize]byte
	n     int // bytes held
}

// Update appends the blocks that are due.
func (s *cbcStream) Update(ctx context.Context, dst, in []byte) ([]byte, error) {
	if err := s.Running(ctx); err != nil {
		return dst, err
	}
	total := s.n + len(in)
	due := total / blockSize * blockSize
	if s.Op == provider.Decrypt && due == total && due > 0 {
		due -= blockSize
	}
	if due == 0 {
		s.n += copy(s.held[s.n:], in)
		return dst, nil
	}
	rest := in[due-s.n:]
	blocks := in[:due-s.n]
	if s.n > 0 {
		blocks = slices.Concat(s.held[:s.n], blocks)
		defer clear(blocks)
	}
	out, err := s.chain.run(ctx, dst, blocks)
	if err != nil {
		return dst, s.failed(err)
	}
	clear(s.held[:])
	s.n = copy(s.held[:], rest)
	return out, nil
}

// Finish pads, or takes the padding off.
func (s *cbcStream) Finish(ctx context.Context, dst, _ []byte) ([]byte, error) {
	if err := s.Finishing(ctx); err != nil {
		return dst, err
	}
	defer clear(s.held[:])
	end := s.chain.seal
	if s.Op == provider.Decrypt {
		end = s.chain.open
	}
	out, err := end(ctx, dst, s.held[:s.n])
	if err != nil {
		return dst, s.failed(err)
	}
	return out, nil
}

// Reset starts a message with the IV given.
func (s *cbcStream) Reset(ctx context.Context, iv []byte) error {
	if len(iv) != s.row.IV {
		return ivError(s.row, s.Op, len(iv))
	}
	if err := s.Restart(ctx); err != nil {
		return err
	}
	clear(s.held[:])
	s.n = 0
	copy(s.chain.iv[:], iv)
	return nil
}

// Close wipes what was held back.
func (s *cbcStream) Close() {
	s.Shut()
	clear(s.held[:])
	s.n = 0
}
