package operation

import (
	"context"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/provider"
)

// ExportNeeds says what giving out a key demands: Export for a secret or private key, nothing for a public one.
func ExportNeeds(t Traits) claviger.Permission {
	if t.Class == claviger.PublicKey {
		return 0
	}
	return claviger.Export
}

// Export gives a key out in a format. The caller owns the bytes and wipes them where they are secret. Errors:
// ErrKeyOperationNotPermitted, ErrKeyNotExportable if the provider never gives the key out, ErrInvalidArgument for a
// format that the key does not have.
func (e *Engine) Export(ctx context.Context, g policy.Grant, ref *KeyRef, format claviger.Format) ([]byte, error) {
	const op = "export"
	t := ref.Traits()
	if t.Class == claviger.PublicKey {
		if err := g.DemandOpen(op); err != nil {
			return nil, err
		}
	} else if err := g.Demand(op, claviger.Export); err != nil {
		return nil, err
	}
	key, err := e.openHome(ctx, ref, g.Slot())
	if err != nil {
		return nil, err
	}
	defer key.Release()
	material, err := key.key.Export(ctx)
	if err != nil {
		return nil, claviger.WrapError(claviger.ErrKeyNotExportable, op, err)
	}
	defer material.Close()
	return algorithm.Encode(format, t.Algorithm, t.Class, material.Bytes())
}

// PublicKey gives the public half of a pair, or a public key, as an ephemeral key of its own with one reference of the
// caller's, and its bytes in a format. Public halves may always be given out. A secret key is ErrIncompatibleKeyType.
func (e *Engine) PublicKey(ctx context.Context, g policy.Grant, ref *KeyRef, format claviger.Format) (Made, []byte, error) {
	const op = "public key"
	if err := g.DemandOpen(op); err != nil {
		return Made{}, nil, err
	}
	t := ref.Traits()
	if t.Class == claviger.SecretKey {
		return Made{}, nil, claviger.Errorf(claviger.ErrIncompatibleKeyType, op, "a key of %s has no public half", t.Algorithm)
	}
	key, err := e.openHome(ctx, ref, g.Slot())
	if err != nil {
		return Made{}, nil, err
	}
	defer key.Release()
	spki, err := key.key.Public()
	if err != nil {
		return Made{}, nil, claviger.WrapError(claviger.ErrOperationFailed, op, err)
	}
	data, err := algorithm.Encode(format, t.Algorithm, claviger.PublicKey, spki)
	if err != nil {
		return Made{}, nil, err
	}
	permissions := t.Public
	if t.Class == claviger.PublicKey {
		permissions = t.Permissions
	}
	m, err := e.publicHome(op, key.home, t.Algorithm)
	if err != nil {
		return Made{}, nil, err
	}
	made, err := e.publicKey(ctx, op, m, t.Algorithm, spki, permissions)
	return made, data, err
}

// publicKey makes an ephemeral key of a SubjectPublicKeyInfo.
func (e *Engine) publicKey(ctx context.Context, op string, m *member, alg claviger.Algorithm, spki []byte, permissions claviger.Permission) (Made, error) {
	public, err := m.Provider.Import(ctx, provider.Spec{Algorithm: alg, Class: claviger.PublicKey}, spki)
	if err != nil {
		return Made{}, claviger.WrapError(claviger.ErrOperationFailed, op, err)
	}
	return e.place(ctx, op, m, public, Target{}, newTraits(public, permissions, nil))
}
