package software

import (
	"bytes"
	"context"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/provider"
)

// Begin opens a stream of Hash.
func (p *Provider) Begin(ctx context.Context, op provider.Op, params *provider.Params) (provider.Stream, error) {
	if err := provider.Alive(ctx, op.String()); err != nil {
		return nil, err
	}
	row, err := p.find(op, params.Algorithm, "")
	if err != nil {
		return nil, err
	}
	if op != provider.Hash {
		return nil, claviger.Errorf(claviger.ErrUnsupportedOperation, op.String(), "%s has no streams", row.Name)
	}
	size, err := digestSize(row, params)
	if err != nil {
		return nil, err
	}
	if row.Extendable {
		return &xofStream{Life: provider.Life{Op: op}, row: row, state: row.NewXOF(), size: size}, nil
	}
	return newHashStream(op, p.hashes[row.Name], nil), nil
}

// Begin opens a stream of what the key's algorithm offers on messages. The Digest
// operations have none: a digest is short.
func (k *key) Begin(ctx context.Context, op provider.Op, params *provider.Params) (provider.Stream, error) {
	row, err := k.prepare(ctx, op, params)
	if err != nil {
		return nil, err
	}
	if op == provider.SignDigest || op == provider.VerifyDigest {
		return nil, claviger.Errorf(claviger.ErrUnsupportedOperation, op.String(), "a digest has no streams")
	}
	switch row.Family {
	case algorithm.FamilyMAC:
		return newHashStream(op, k.macs[row.Name], nil), nil
	case algorithm.FamilyCipher:
		if row.BothWays {
			return &ctrStream{Life: provider.Life{Op: op}, key: k, row: row, stream: row.NewStream(k.block, params.IV)}, nil
		}
		return &cbcStream{Life: provider.Life{Op: op}, key: k, row: row, mode: row.NewBlockMode(k.block, params.IV, op == provider.Decrypt)}, nil
	case algorithm.FamilySignature:
		return k.beginSignature(row, op, params), nil
	case algorithm.FamilyAEAD, algorithm.FamilyAsymmetric:
		return &gathered{Life: provider.Life{Op: op}, key: k, row: row, iv: bytes.Clone(params.IV), aad: bytes.Clone(params.AAD)}, nil
	}
	return nil, claviger.Errorf(claviger.ErrUnsupportedOperation, op.String(), "%s gives keys, not bytes", row.Name)
}

func (k *key) beginSignature(row *algorithm.Row, op provider.Op, params *provider.Params) provider.Stream {
	der := params.DER
	switch {
	case row.Keyed():
		return newHashStream(op, k.macs[row.Name], func(dst, digest, signature []byte) ([]byte, error) {
			if op == provider.Sign {
				return append(dst, digest...), nil
			}
			return dst, compare(digest, signature)
		})
	case row.Digest == "":
		return &gathered{Life: provider.Life{Op: op}, key: k, row: row, der: der}
	}
	return newHashStream(op, k.provider.hashes[row.Digest], func(dst, digest, signature []byte) ([]byte, error) {
		return k.finishSignature(row, op, der, signature, dst, digest)
	})
}

// gathered is a stream of an operation that needs the whole message. It holds up to the
// algorithm's limit and releases nothing before Finish.
type gathered struct {
	provider.Life
	key     *key
	row     *algorithm.Row
	iv, aad []byte
	der     bool
	message []byte
}

// Update keeps a copy of in; a message over the limit is ErrInvalidArgument and leaves what
// is held as it was.
func (s *gathered) Update(ctx context.Context, dst, in []byte) ([]byte, error) {
	if err := s.Running(ctx); err != nil {
		return dst, err
	}
	total := int64(len(s.message)) + int64(len(in))
	if err := s.key.checkLength(s.row, s.Op, total); err != nil {
		return dst, err
	}
	if total > int64(cap(s.message)) {
		s.grow(int(total), int(s.key.limit(s.row, s.Op)))
	}
	s.message = append(s.message, in...)
	return dst, nil
}

// grow moves what is held to a buffer of at least n and at most limit bytes, and wipes the
// old one.
func (s *gathered) grow(n, limit int) {
	size := max(n, min(2*cap(s.message), limit), min(512, limit))
	bigger := make([]byte, len(s.message), size)
	copy(bigger, s.message)
	clear(s.message)
	s.message = bigger
}

// Finish runs the operation on the whole.
func (s *gathered) Finish(ctx context.Context, dst, signature []byte) ([]byte, error) {
	if err := s.Finishing(ctx); err != nil {
		return dst, err
	}
	defer s.wipe()
	switch s.row.Family {
	case algorithm.FamilyAEAD:
		return s.key.sealOrOpen(s.row, s.Op, s.iv, s.aad, dst, s.message)
	case algorithm.FamilyAsymmetric:
		return s.key.asymmetric(s.row, s.Op, dst, s.message)
	}
	return s.key.finishSignature(s.row, s.Op, s.der, signature, dst, s.message)
}

// Reset starts a message with the IV given and the associated data of Begin.
func (s *gathered) Reset(ctx context.Context, iv []byte) error {
	if len(iv) != s.row.IV {
		return ivError(s.row, s.Op, len(iv))
	}
	if err := s.Restart(ctx); err != nil {
		return err
	}
	s.wipe()
	s.iv = append(s.iv[:0], iv...)
	return nil
}

// Close wipes the message.
func (s *gathered) Close() { s.Shut(); s.wipe() }

func (s *gathered) wipe() {
	clear(s.message[:cap(s.message)])
	s.message = nil
}
