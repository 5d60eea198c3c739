package pkcs11

import (
	"bytes"
	"context"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/cryptoki"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/pkcs11/reference"
)

// Load makes a key of the object that a blob refers to, which must be in the token once and be what the blob says; a public key
// is whole in its blob. Errors: ErrInvalidFormat for the blob, ErrUnsupportedAlgorithm, ErrResourceNotFound for an object that is
// not there, ErrIncompatibleKeyType for another object in its place and for one that wants the PIN for each use
// (CKA_ALWAYS_AUTHENTICATE), and those of the token.
func (p *Provider) Load(ctx context.Context, blob []byte) (provider.Key, error) {
	const op = "load"
	if err := provider.Alive(ctx, op); err != nil {
		return nil, err
	}
	ref, err := reference.Decode(bytes.Clone(blob))
	if err != nil {
		return nil, err
	}
	row, err := ref.Row()
	if err != nil {
		return nil, err
	}
	if _, err := p.find(provider.Import, row.Name, ""); err != nil {
		return nil, claviger.Errorf(claviger.ErrUnsupportedAlgorithm, op, "the token does not offer keys of %s", row.Name)
	}
	k := &key{provider: p, row: row, spec: ref.Spec, bits: row.Bits, spki: ref.SPKI}
	if ref.Spec.Class == claviger.PublicKey {
		return k, nil
	}
	k.ref = ref
	o, h, err := p.locate(ctx, op, ref, row)
	if err != nil {
		return nil, err
	}
	k.bits, k.spki = o.bits, h.spki
	ref.SPKI = h.spki // what is found again has to be this key
	k.main.Store(uint64(o.handle))
	k.public.Store(uint64(h.handle))
	if row.Pair() {
		k.bits = row.Bits
	}
	return k, nil
}

// locate finds the object that a reference means, and its public half.
func (p *Provider) locate(ctx context.Context, op string, ref *reference.Key, row *algorithm.Row) (o *object, h half, err error) {
	err = p.pool.do(ctx, op, func(s *cryptoki.Session) error {
		if o, err = p.one(s, op, ref, row); err != nil || !row.Pair() {
			return err
		}
		if h, err = p.publicHalf(s, row, o, ref.SPKI); err != nil {
			return err
		}
		if h.other || len(ref.SPKI) > 0 && !bytes.Equal(h.spki, ref.SPKI) {
			return claviger.Errorf(claviger.ErrIncompatibleKeyType, op, "another key is in the token where %s was", ref)
		}
		return nil
	})
	return o, h, p.fault(op, claviger.ErrOperationFailed, err)
}

// one gives the only object that fits.
func (p *Provider) one(s *cryptoki.Session, op string, ref *reference.Key, row *algorithm.Row) (*object, error) {
	objects, err := p.search(s, ref.Spec.Class, named(ref.ID, ref.Label), maxHalves)
	if err == nil && len(objects) == 0 {
		err = p.pool.missing(s, op)
	}
	if err != nil {
		return nil, err
	}
	var fit []*object
	why := ""
	for _, o := range objects {
		reason := p.unfit(row, o)
		if reason == "" && ref.Size != 0 && o.bits != 8*ref.Size {
			reason = "it is " + o.String()
		}
		if reason == "" {
			fit = append(fit, o)
		} else {
			why = reason
		}
	}
	switch {
	case len(objects) == 0:
		return nil, claviger.Errorf(claviger.ErrResourceNotFound, op, "the token does not have %s any longer", ref)
	case len(fit) == 0:
		return nil, claviger.Errorf(claviger.ErrIncompatibleKeyType, op, "the token has something else where %s should be: %s", ref, why)
	case len(fit) > 1:
		return nil, claviger.Errorf(claviger.ErrInvalidOperation, op, "the token has %d objects that could be %s", len(fit), ref)
	case fit[0].everyTime:
		return nil, claviger.Errorf(claviger.ErrIncompatibleKeyType, op, "%s wants the PIN for each use, which is not offered", ref)
	}
	return fit[0], nil
}
