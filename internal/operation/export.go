package operation

import (
	"context"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/policy"
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
	if t.Class == claviger.PublicKey {
		return e.publicBytes(ctx, op, ref, g.Slot(), format)
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
