package software

import (
	"context"
	"hash"
	"slices"
	"sync"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/provider"
)

// hashStream is a digest, a MAC, or the digest that a signature is made of.
type hashStream struct {
	provider.Life
	pool  *sync.Pool // of hash.Hash, where state goes back to
	state hash.Hash
	last  func(dst, digest, signature []byte) ([]byte, error) // nil: the digest is the result
}

var (
	_ provider.Cloner = (*hashStream)(nil)
	_ provider.Cloner = (*xofStream)(nil)
)

func newHashStream(op provider.Op, pool *sync.Pool, last func(dst, digest, signature []byte) ([]byte, error)) *hashStream {
	state := pool.Get().(hash.Hash)
	state.Reset()
	return &hashStream{Life: provider.Life{Op: op}, pool: pool, state: state, last: last}
}

// Update gives nothing.
func (s *hashStream) Update(ctx context.Context, dst, in []byte) ([]byte, error) {
	if err := s.Running(ctx); err != nil {
		return dst, err
	}
	s.state.Write(in)
	return dst, nil
}

// Finish gives the digest, code or signature, or compares.
func (s *hashStream) Finish(ctx context.Context, dst, signature []byte) ([]byte, error) {
	if err := s.Finishing(ctx); err != nil {
		return dst, err
	}
	if s.last == nil {
		return s.state.Sum(dst), nil
	}
	var digest [64]byte
	return s.last(dst, s.state.Sum(digest[:0]), signature)
}

// Reset starts the next message.
func (s *hashStream) Reset(ctx context.Context, iv []byte) error {
	if len(iv) != 0 {
		return claviger.Errorf(claviger.ErrInvalidArgument, s.Op.String(), "the algorithm takes no initialization vector")
	}
	if err := s.Restart(ctx); err != nil {
		return err
	}
	s.state.Reset()
	return nil
}

// Close wipes the state and gives it back.
func (s *hashStream) Close() {
	if !s.Shut() {
		return
	}
	s.state.Reset()
	s.pool.Put(s.state)
	s.state = nil
}

// Clone copies the state.
func (s *hashStream) Clone() (provider.Stream, error) {
	if err := s.Open(); err != nil {
		return nil, err
	}
	source, ok := s.state.(hash.Cloner)
	if !ok {
		return nil, claviger.Errorf(claviger.ErrUnsupportedOperation, s.Op.String(), "the state cannot be copied")
	}
	state, err := source.Clone()
	if err != nil {
		return nil, claviger.Errorf(claviger.ErrUnsupportedOperation, s.Op.String(), "the state cannot be copied")
	}
	return &hashStream{Life: s.Life, pool: s.pool, state: state, last: s.last}, nil
}

// xofStream is an extendable-output function with a length chosen at Begin.
type xofStream struct {
	provider.Life
	row   *algorithm.Row
	state *algorithm.XOF
	size  int
}

// Update gives nothing.
func (s *xofStream) Update(ctx context.Context, dst, in []byte) ([]byte, error) {
	if err := s.Running(ctx); err != nil {
		return dst, err
	}
	s.state.Write(in)
	return dst, nil
}

// Finish gives as many bytes as Begin asked for.
func (s *xofStream) Finish(ctx context.Context, dst, _ []byte) ([]byte, error) {
	if err := s.Finishing(ctx); err != nil {
		return dst, err
	}
	return readXOF(s.state, dst, s.size), nil
}

// Reset starts the next message.
func (s *xofStream) Reset(ctx context.Context, iv []byte) error {
	if len(iv) != 0 {
		return claviger.Errorf(claviger.ErrInvalidArgument, s.Op.String(), "the algorithm takes no initialization vector")
	}
	if err := s.Restart(ctx); err != nil {
		return err
	}
	s.state.Reset()
	return nil
}

// Close wipes the state.
func (s *xofStream) Close() { s.Shut(); s.state.Reset() }

// Clone copies the state.
func (s *xofStream) Clone() (provider.Stream, error) {
	if err := s.Open(); err != nil {
		return nil, err
	}
	state, err := s.state.Clone()
	if err != nil {
		return nil, claviger.Errorf(claviger.ErrUnsupportedOperation, s.Op.String(), "the state cannot be copied")
	}
	return &xofStream{Life: s.Life, row: s.row, state: state, size: s.size}, nil
}

// readXOF appends n bytes of output.
func readXOF(x *algorithm.XOF, dst []byte, n int) []byte {
	start := len(dst)
	dst = slices.Grow(dst, n)[:start+n]
	x.Read(dst[start:])
	return dst
}
