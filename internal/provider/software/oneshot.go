package software

import (
	"context"
	"crypto/subtle"
	"hash"
	"slices"
	"sync"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/provider"
)

// OneShot runs Hash and Random.
func (p *Provider) OneShot(ctx context.Context, op provider.Op, params *provider.Params, dst, in []byte) ([]byte, error) {
	if err := provider.Alive(ctx, op.String()); err != nil {
		return dst, err
	}
	row, err := p.find(op, params.Algorithm, "")
	if err != nil {
		return dst, err
	}
	switch op {
	case provider.Hash:
		return p.hash(row, params, dst, in)
	case provider.Random:
		return random(params, dst)
	}
	return dst, claviger.Errorf(claviger.ErrUnsupportedOperation, op.String(), "%s has no operation of this kind without a key", row.Name)
}

func (p *Provider) hash(row *algorithm.Row, params *provider.Params, dst, in []byte) ([]byte, error) {
	size, err := digestSize(row, params)
	if err != nil {
		return dst, err
	}
	if !row.Extendable {
		return sumPooled(p.hashes[row.Name], dst, in), nil
	}
	x := row.NewXOF()
	x.Write(in)
	return readXOF(x, dst, size), nil
}

// sumPooled hashes one message with a state of the pool.
func sumPooled(pool *sync.Pool, dst, in []byte) []byte {
	h := pool.Get().(hash.Hash)
	h.Reset()
	h.Write(in)
	dst = h.Sum(dst)
	h.Reset()
	pool.Put(h)
	return dst
}

// digestSize is the number of bytes wanted of a hash.
func digestSize(row *algorithm.Row, params *provider.Params) (int, error) {
	switch n := params.Size; {
	case n == 0 || n == row.Size:
		return row.Size, nil
	case !row.Extendable:
		return 0, claviger.Errorf(claviger.ErrInvalidArgument, "hash", "%s gives %d bytes, not %d", row.Name, row.Size, n)
	case n < 0 || n > algorithm.MaxHeld:
		return 0, claviger.Errorf(claviger.ErrInvalidArgument, "hash", "%s gives 1 to %d bytes, not %d", row.Name, algorithm.MaxHeld, n)
	default:
		return n, nil
	}
}

func random(params *provider.Params, dst []byte) ([]byte, error) {
	if params.Size < 0 || params.Size > algorithm.MaxHeld {
		return dst, claviger.Errorf(claviger.ErrInvalidArgument, "random", "%d bytes at once; the limit is %d", params.Size, algorithm.MaxHeld)
	}
	start := len(dst)
	out := slices.Grow(dst, params.Size)[:start+params.Size]
	if err := algorithm.Random(out[start:]); err != nil {
		return dst, claviger.Errorf(claviger.ErrOperationFailed, "random", "the system gave no random numbers")
	}
	return out, nil
}

// OneShot runs what the key's algorithm offers on one message.
func (k *key) OneShot(ctx context.Context, op provider.Op, params *provider.Params, dst, in []byte) ([]byte, error) {
	row, err := k.prepare(ctx, op, params)
	if err != nil {
		return dst, err
	}
	if err := k.checkLength(row, op, int64(len(in))); err != nil {
		return dst, err
	}
	switch row.Family {
	case algorithm.FamilyMAC:
		return sumPooled(k.macs[row.Name], dst, in), nil
	case algorithm.FamilyCipher:
		return k.cipher(row, op, params, dst, in)
	case algorithm.FamilyAEAD:
		return k.sealOrOpen(row, op, params.IV, params.AAD, dst, in)
	case algorithm.FamilySignature:
		return k.signOrVerify(row, op, params, params.Signature, dst, in)
	case algorithm.FamilyAsymmetric:
		return k.asymmetric(row, op, dst, in)
	}
	return dst, claviger.Errorf(claviger.ErrUnsupportedOperation, op.String(), "%s gives keys, not bytes", row.Name)
}

// prepare checks what OneShot and Begin have in common: the key, the algorithm, the key's
// half, and the parameters.
func (k *key) prepare(ctx context.Context, op provider.Op, params *provider.Params) (*algorithm.Row, error) {
	if err := k.usable(ctx, op.String()); err != nil {
		return nil, err
	}
	row, err := k.provider.find(op, params.Algorithm, k.spec.Algorithm)
	if err != nil {
		return nil, err
	}
	if err := k.checkHalf(op); err != nil {
		return nil, err
	}
	if len(params.IV) != row.IV {
		return nil, ivError(row, op, len(params.IV))
	}
	if len(params.AAD) != 0 && row.Family != algorithm.FamilyAEAD {
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, op.String(), "%s takes no associated data", row.Name)
	}
	return row, nil
}

func ivError(row *algorithm.Row, op provider.Op, n int) error {
	if row.IV == 0 {
		return claviger.Errorf(claviger.ErrInvalidArgument, op.String(), "%s takes no initialization vector", row.Name)
	}
	return claviger.Errorf(claviger.ErrInvalidArgument, op.String(), "%s takes an initialization vector of %d bytes, not %d", row.Name, row.IV, n)
}

// checkHalf refuses a public key where the private half works.
func (k *key) checkHalf(op provider.Op) error {
	if k.spec.Class != claviger.PublicKey {
		return nil
	}
	switch op {
	case provider.Sign, provider.SignDigest, provider.Decrypt, provider.Agree, provider.Decapsulate, provider.Derive:
		return claviger.Errorf(claviger.ErrIncompatibleKeyType, op.String(), "a public key of %s cannot %s", k.spec.Algorithm, op)
	}
	return nil
}

// checkLength refuses a message over the algorithm's limit and names the form that has
// none.
func (k *key) checkLength(row *algorithm.Row, op provider.Op, n int64) error {
	limit := k.limit(row, op)
	if limit == 0 || n <= limit {
		return nil
	}
	if row.PreHash != "" {
		return claviger.Errorf(claviger.ErrInvalidArgument, op.String(), "%s takes messages of up to %d bytes; use %s for longer ones", row.Name, limit, row.PreHash)
	}
	return claviger.Errorf(claviger.ErrInvalidArgument, op.String(), "%s takes messages of up to %d bytes", row.Name, limit)
}

// limit is the longest input of an operation in bytes, 0 for none. Ciphertexts are longer
// than their messages; a ciphertext for RSA has the length of the modulus, and another
// length is merely a wrong ciphertext.
func (k *key) limit(row *algorithm.Row, op provider.Op) int64 {
	limit := row.MaxMessageFor(k.spec.Algorithm)
	switch {
	case limit == 0 || op != provider.Decrypt:
		return limit
	case row.Family == algorithm.FamilyAsymmetric:
		return int64(k.row.Bits / 8)
	}
	return limit + int64(row.Tag)
}

// sealOrOpen is one message of an AEAD, the tag at its end.
func (k *key) sealOrOpen(row *algorithm.Row, op provider.Op, iv, aad, dst, in []byte) ([]byte, error) {
	if op == provider.Encrypt {
		return k.aeads[row].Seal(dst, iv, in, aad), nil
	}
	out, err := k.aeads[row].Open(dst, iv, in, aad)
	if err != nil {
		return dst, provider.ErrMismatch
	}
	return out, nil
}

// asymmetric is RSA-OAEP with an empty label.
func (k *key) asymmetric(row *algorithm.Row, op provider.Op, dst, in []byte) ([]byte, error) {
	if op == provider.Encrypt {
		return row.Encrypt(k.public, dst, in, nil)
	}
	out, err := row.Decrypt(k.private, dst, in, nil)
	if err == algorithm.ErrWrong {
		return dst, provider.ErrMismatch
	}
	return out, err
}

// signOrVerify takes the message, or for the Digest operations the digest.
func (k *key) signOrVerify(row *algorithm.Row, op provider.Op, params *provider.Params, signature, dst, in []byte) ([]byte, error) {
	if row.Keyed() {
		return macSignature(k.macs[row.Name], op, signature, dst, in)
	}
	if row.Digest == "" || op == provider.SignDigest || op == provider.VerifyDigest {
		return k.finishSignature(row, op, params.DER, signature, dst, in)
	}
	var digest [64]byte
	return k.finishSignature(row, op, params.DER, signature, dst, sumPooled(k.provider.hashes[row.Digest], digest[:0], in))
}

// finishSignature signs or verifies what the row's primitive takes: message or digest.
func (k *key) finishSignature(row *algorithm.Row, op provider.Op, der bool, signature, dst, in []byte) ([]byte, error) {
	if op == provider.Sign || op == provider.SignDigest {
		return row.Sign(k.private, dst, in, der)
	}
	ok, err := row.Verify(k.public, in, signature, der)
	if err == nil && !ok {
		err = provider.ErrMismatch
	}
	return dst, err
}

// macSignature is HMAC used as a signature.
func macSignature(pool *sync.Pool, op provider.Op, signature, dst, in []byte) ([]byte, error) {
	if op == provider.Sign {
		return sumPooled(pool, dst, in), nil
	}
	var own [64]byte
	return dst, compare(sumPooled(pool, own[:0], in), signature)
}

func compare(own, given []byte) error {
	if subtle.ConstantTimeCompare(own, given) != 1 {
		return provider.ErrMismatch
	}
	return nil
}
