package software

import (
	"context"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/secmem"
)

// KeyOp agrees, derives, encapsulates and decapsulates. Without a KDF the resulting key is
// the shared secret whole, and its algorithm must take exactly that many bytes; a Result
// without an algorithm is a generic secret. Errors: ErrIncompatibleKeyType,
// ErrInvalidArgument, ErrInvalidFormat for a malformed peer key or ciphertext,
// ErrKeyAgreementFailed, ErrKeyDerivationFailed.
func (k *key) KeyOp(ctx context.Context, op provider.Op, params *provider.Params) (provider.Key, []byte, error) {
	if err := k.usable(ctx, op.String()); err != nil {
		return nil, nil, err
	}
	row, err := k.provider.find(op, params.Algorithm, k.spec.Algorithm)
	if err != nil {
		return nil, nil, err
	}
	if err := k.checkHalf(op); err != nil {
		return nil, nil, err
	}
	result, err := resultRow(op, params.Result)
	if err != nil {
		return nil, nil, err
	}
	if op == provider.Derive {
		derived, err := k.derive(row, result, params)
		return derived, nil, err
	}
	secret, ciphertext, err := k.shared(row, op, params)
	if err != nil {
		return nil, nil, err
	}
	defer clear(secret)
	made, err := k.fromShared(op, result, params.KDF, secret)
	if err != nil {
		return nil, nil, err
	}
	return made, ciphertext, nil
}

// resultRow finds the algorithm of the key that is to be made.
func resultRow(op provider.Op, spec provider.Spec) (*algorithm.Row, error) {
	name := spec.Algorithm
	if name == "" {
		name = algorithm.Generic
	}
	row, ok := algorithm.Lookup(name, algorithm.FamilyKey)
	if !ok {
		return nil, claviger.Errorf(claviger.ErrUnsupportedAlgorithm, op.String(), "%q is not a key algorithm", claviger.Clip(string(name)))
	}
	if row.Class != claviger.SecretKey || spec.Class != 0 && spec.Class != claviger.SecretKey {
		return nil, claviger.Errorf(claviger.ErrIncompatibleKeyType, op.String(), "the result is a secret key; %s is not", row.Name)
	}
	return row, nil
}

// shared gives the raw shared secret, which the caller wipes, and for Encapsulate the
// ciphertext.
func (k *key) shared(row *algorithm.Row, op provider.Op, params *provider.Params) (secret, ciphertext []byte, err error) {
	switch op {
	case provider.Agree:
		peer, err := k.row.ParsePublic(params.Peer)
		if err != nil {
			return nil, nil, err
		}
		secret, err = row.Agree(k.private, peer)
		return secret, nil, err
	case provider.Encapsulate:
		ciphertext, secret, err = row.Encapsulate(k.public)
		return secret, ciphertext, err
	case provider.Decapsulate:
		secret, err = row.Decapsulate(k.private, params.Peer)
		return secret, nil, err
	}
	return nil, nil, claviger.Errorf(claviger.ErrUnsupportedOperation, op.String(), "the result of this operation is not a key")
}

// fromShared makes the key of a shared secret, through the KDF if there is one.
func (k *key) fromShared(op provider.Op, result *algorithm.Row, kdf *provider.KDF, secret []byte) (provider.Key, error) {
	if kdf == nil {
		if err := result.CheckKeySize(len(secret)); err != nil {
			return nil, err
		}
		return k.newSecret(result, secret)
	}
	row, ok := algorithm.Lookup(kdf.Algorithm, algorithm.FamilyKDF)
	if !ok {
		return nil, claviger.Errorf(claviger.ErrUnsupportedAlgorithm, op.String(), "%q is not a key derivation", claviger.Clip(string(kdf.Algorithm)))
	}
	return k.derived(row, result, kdf, secret)
}

// derive makes a key from this one.
func (k *key) derive(row, result *algorithm.Row, params *provider.Params) (provider.Key, error) {
	kdf := params.KDF
	if kdf == nil {
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, "derive", "%s needs its parameters", row.Name)
	}
	if kdf.Algorithm != "" && kdf.Algorithm != row.Name {
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, "derive", "two derivations are named: %s and %q", row.Name, claviger.Clip(string(kdf.Algorithm)))
	}
	return k.derived(row, result, kdf, k.material.Bytes())
}

// derived runs the KDF over secret. The size is that of the result's algorithm, or where
// that leaves it open the one asked for, or else its default.
func (k *key) derived(row, result *algorithm.Row, kdf *provider.KDF, secret []byte) (provider.Key, error) {
	size := kdf.Size
	if size == 0 {
		size = result.DefaultKey
	}
	if err := result.CheckKeySize(size); err != nil {
		return nil, err
	}
	bytes, err := row.Derive(secret, kdf.Salt, kdf.Info, size)
	if err != nil {
		return nil, err
	}
	defer clear(bytes)
	return k.newSecret(result, bytes)
}

// newSecret makes a key of a copy of the bytes.
func (k *key) newSecret(row *algorithm.Row, secret []byte) (provider.Key, error) {
	material, err := secmem.From(secret)
	if err != nil {
		return nil, err
	}
	return k.provider.secretKey(row, material)
}
