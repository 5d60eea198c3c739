package software

import (
	"context"
	"crypto/cipher"
	"slices"

	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/provider"
)

// blockSize is that of every block cipher offered, in bytes.
const blockSize = 16

// cipher is one message of CBC with PKCS #7 padding, or of CTR.
func (k *key) cipher(row *algorithm.Row, op provider.Op, params *provider.Params, dst, in []byte) ([]byte, error) {
	switch {
	case row.BothWays:
		start := len(dst)
		dst = slices.Grow(dst, len(in))[:start+len(in)]
		row.NewStream(k.block, params.IV).XORKeyStream(dst[start:], in)
		return dst, nil
	case op == provider.Encrypt:
		return encryptCBC(row.NewBlockMode(k.block, params.IV, false), dst, in), nil
	}
	return decryptCBC(row.NewBlockMode(k.block, params.IV, true), dst, in)
}

func encryptCBC(mode cipher.BlockMode, dst, in []byte) []byte {
	start, n := len(dst), len(in)/blockSize*blockSize+blockSize
	dst = slices.Grow(dst, n)[:start+n]
	out := dst[start:]
	copy(out, in)
	algorithm.Pad(out[n-blockSize:], len(in)%blockSize)
	mode.CryptBlocks(out, out)
	return dst
}

// decryptCBC gives dst as it was, and nothing of the message, when length or padding are
// wrong.
func decryptCBC(mode cipher.BlockMode, dst, in []byte) ([]byte, error) {
	if len(in) == 0 || len(in)%blockSize != 0 {
		return dst, provider.ErrMismatch
	}
	start := len(dst)
	out := slices.Grow(dst, len(in))[:start+len(in)]
	mode.CryptBlocks(out[start:], in)
	n, ok := algorithm.Unpad(out[len(out)-blockSize:])
	if !ok {
		clear(out[start:])
		return dst, provider.ErrMismatch
	}
	clear(out[len(out)-blockSize+n:])
	return out[:len(out)-blockSize+n], nil
}

// ctrStream is CTR: what comes goes at once.
type ctrStream struct {
	provider.Life
	key    *key
	row    *algorithm.Row
	stream cipher.Stream
}

// Update appends as many bytes as it is given.
func (s *ctrStream) Update(ctx context.Context, dst, in []byte) ([]byte, error) {
	if err := s.Running(ctx); err != nil {
		return dst, err
	}
	start := len(dst)
	dst = slices.Grow(dst, len(in))[:start+len(in)]
	s.stream.XORKeyStream(dst[start:], in)
	return dst, nil
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
	s.stream = s.row.NewStream(s.key.block, iv)
	return nil
}

// Close drops the key stream.
func (s *ctrStream) Close() { s.Shut(); s.stream = nil }

// cbcStream is CBC with PKCS #7 padding. It holds back what is not a whole block, and when
// decrypting the last block too, since that may be padding.
type cbcStream struct {
	provider.Life
	key  *key
	row  *algorithm.Row
	mode cipher.BlockMode
	held [blockSize]byte
	n    int // bytes held
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
	start := len(dst)
	dst = slices.Grow(dst, due)[:start+due]
	out := dst[start:]
	used := copy(out, s.held[:s.n])
	taken := copy(out[used:], in)
	s.mode.CryptBlocks(out, out)
	clear(s.held[:])
	s.n = copy(s.held[:], in[taken:])
	return dst, nil
}

// Finish pads, or takes the padding off.
func (s *cbcStream) Finish(ctx context.Context, dst, _ []byte) ([]byte, error) {
	if err := s.Finishing(ctx); err != nil {
		return dst, err
	}
	defer clear(s.held[:])
	if s.Op == provider.Decrypt {
		return decryptCBC(s.mode, dst, s.held[:s.n])
	}
	return encryptCBC(s.mode, dst, s.held[:s.n]), nil
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
	s.n, s.mode = 0, s.row.NewBlockMode(s.key.block, iv, s.Op == provider.Decrypt)
	return nil
}

// Close wipes what was held back.
func (s *cbcStream) Close() { s.Shut(); clear(s.held[:]); s.n, s.mode = 0, nil }
