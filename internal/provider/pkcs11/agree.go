package pkcs11

import (
	"context"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/cryptoki"
	"github.com/claviger/claviger/internal/provider"
)

// KeyOp agrees. The resulting key is the shared secret whole, stays in the token, and its algorithm must take exactly that many
// bytes; a Result without an algorithm is a generic secret. Errors: ErrUnsupportedAlgorithm where a derivation is asked for,
// ErrIncompatibleKeyType, ErrInvalidFormat for a malformed peer key, ErrKeyAgreementFailed.
func (k *key) KeyOp(ctx context.Context, op provider.Op, params *provider.Params) (provider.Key, []byte, error) {
	w, err := k.prepare(ctx, op, params)
	if err != nil {
		return nil, nil, err
	}
	if op != provider.Agree {
		return nil, nil, claviger.Errorf(claviger.ErrUnsupportedOperation, op.String(), "the result of this operation is not a key")
	}
	if params.KDF != nil {
		return nil, nil, claviger.Errorf(claviger.ErrUnsupportedAlgorithm, op.String(),
			"the token gives the shared secret itself; derivation by %q is not offered by this provider", claviger.Clip(string(params.KDF.Algorithm)))
	}
	result, err := k.provider.result(op, params.Result)
	if err != nil {
		return nil, nil, err
	}
	if err := k.provider.checkKeySize(op.String(), result, w.row.Size); err != nil {
		return nil, nil, err
	}
	point, err := peer(k.row, params.Peer)
	if err != nil {
		return nil, nil, err
	}
	made := &key{provider: k.provider, row: result, spec: provider.Spec{Algorithm: result.Name, Class: claviger.SecretKey}, bits: 8 * w.row.Size}
	template := k.provider.secretTemplate(result, w.row.Size, nil)
	err = k.retry(ctx, op.String(), &k.main, func(h cryptoki.Object) error {
		return k.provider.pool.owner.do(ctx, op.String(), func(s *cryptoki.Session) error {
			derived, err := s.DeriveKey(cryptoki.ECDH1(point), h, template)
			made.main.Store(uint64(derived))
			return err
		})
	})
	if err != nil {
		return nil, nil, k.provider.fault(op.String(), claviger.ErrKeyAgreementFailed, err)
	}
	return made, nil, nil
}

// result finds the algorithm of the key that is to be made.
func (p *Provider) result(op provider.Op, spec provider.Spec) (*algorithm.Row, error) {
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
	if _, err := p.find(provider.Import, row.Name, ""); err != nil {
		return nil, claviger.Errorf(claviger.ErrUnsupportedAlgorithm, op.String(), "the token does not offer keys of %s", row.Name)
	}
	return row, nil
}

// peer gives the bare point of the other side's public key, which every version takes (PKCS #11 3.1 section 6.3.17).
func peer(row *algorithm.Row, spki []byte) ([]byte, error) {
	key, err := row.ParsePublic(spki)
	if err != nil {
		return nil, err
	}
	return row.MarshalRaw(claviger.PublicKey, key)
}
