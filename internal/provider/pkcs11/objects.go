package pkcs11

import (
	"context"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/cryptoki"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/pkcs11/reference"
)

// maxObjects is how many objects are listed at once.
const maxObjects = 1000

// Objects lists the secret and private keys that stay in the token and that a query fits. An object leaves open what it is for when it
// fits several algorithms: an elliptic curve key that may sign and agree, a secret. One that cannot be loaded, for instance because it has
// neither identifier nor label, has no blob.
func (p *Provider) Objects(ctx context.Context, q provider.Query) ([]provider.Object, error) {
	const op = "objects"
	var all []provider.Object
	err := p.pool.do(ctx, op, func(s *cryptoki.Session) (err error) {
		if err := p.pool.loggedIn(s, op); err != nil {
			return err
		}
		all, err = p.listed(ctx, op, s, q)
		if err == nil && len(all) == 0 {
			err = p.pool.present(op)
		}
		return err
	})
	if err != nil {
		return nil, p.fault(op, claviger.ErrOperationFailed, err)
	}
	return all, nil
}

// listed describes what a query finds. In a long list public halves are left out of the blobs: the token would be searched for each.
func (p *Provider) listed(ctx context.Context, op string, s *cryptoki.Session, q provider.Query) (all []provider.Object, err error) {
	for _, class := range []claviger.KeyClass{claviger.SecretKey, claviger.PrivateKey} {
		found, err := p.search(s, class, query(q), maxObjects-len(all))
		if err != nil {
			return nil, err
		}
		for _, o := range found {
			if err := provider.Alive(ctx, op); err != nil {
				return nil, err
			}
			described, ok, err := p.describe(s, o, q.Algorithm, len(found) <= maxHalves)
			if err != nil {
				return nil, err
			}
			if ok {
				all = append(all, described)
			}
		}
	}
	return all, nil
}

// query is the template of what is looked for.
func query(q provider.Query) []cryptoki.Attribute {
	var t []cryptoki.Attribute
	if q.Label != "" {
		t = append(t, cryptoki.String(cryptoki.AttrLabel, q.Label))
	}
	if len(q.ID) > 0 {
		t = append(t, cryptoki.Bytes(cryptoki.AttrID, q.ID))
	}
	return t
}

// describe tells what an object is, with the public half in its blob if that is wanted; false if it is no key of the algorithm that is
// looked for.
func (p *Provider) describe(s *cryptoki.Session, o *object, wanted claviger.Algorithm, public bool) (provider.Object, bool, error) {
	d := provider.Object{Spec: provider.Spec{Class: o.class}, Bits: o.bits, Label: o.label, ID: o.id}
	row, count := p.serves(o, wanted)
	if wanted != "" && count == 0 {
		return d, false, nil
	}
	if count != 1 || len(o.id) == 0 && o.label == "" {
		return d, true, nil
	}
	d.Spec.Algorithm = row.Name
	r := &reference.Key{Adopted: true, Spec: d.Spec, ID: o.id, Label: o.label}
	switch {
	case o.class == claviger.SecretKey:
		r.Size = o.bits / 8
	case public:
		h, err := p.publicHalf(s, row, o, nil)
		if err != nil {
			return d, false, err
		}
		r.SPKI = h.spki
	}
	d.Blob, _ = r.Encode() // none for a name that is too long
	return d, true, nil
}

// serves counts the algorithms that an object can be a key of, of all or of the one that is wanted, and gives one of them.
func (p *Provider) serves(o *object, wanted claviger.Algorithm) (found *algorithm.Row, count int) {
	for _, m := range p.mechanisms {
		if m.Op != provider.Import || wanted != "" && m.Algorithm != wanted {
			continue
		}
		if row := p.ways[route{m.Op, m.Algorithm, ""}].row; p.unfit(row, o) == "" {
			found = row
			count++
		}
	}
	return found, count
}

// Destroy removes the objects that Blob made and looks whether they are gone, because not every token tells the truth about it. What is
// there no longer, was there before, or is whole in its blob needs no work. Errors: ErrInvalidFormat for the blob, and those of the token.
func (p *Provider) Destroy(ctx context.Context, blob []byte) error {
	const op = "destroy"
	if err := provider.Alive(ctx, op); err != nil {
		return err
	}
	ref, err := reference.Decode(blob)
	if err != nil {
		return err
	}
	row, err := ref.Row()
	if err != nil || ref.Adopted || ref.Spec.Class == claviger.PublicKey {
		return err
	}
	classes := []claviger.KeyClass{ref.Spec.Class}
	if row.Pair() {
		classes = append(classes, claviger.PublicKey)
	}
	for _, class := range classes {
		if err := p.destroyAll(ctx, op, ref, row, class); err != nil {
			return p.fault(op, claviger.ErrOperationFailed, err)
		}
	}
	return nil
}

// destroyAll destroys the objects of one half, and sees that they are gone.
func (p *Provider) destroyAll(ctx context.Context, op string, ref *reference.Key, row *algorithm.Row, class claviger.KeyClass) error {
	there, err := p.remaining(ctx, op, ref, row, class)
	if err != nil || len(there) == 0 {
		return err
	}
	err = p.pool.writer.do(ctx, op, func(s *cryptoki.Session) error {
		for _, o := range there {
			if err := s.DestroyObject(o.handle); err != nil && !vanished(err) {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	left, err := p.remaining(ctx, op, ref, row, class)
	if err != nil {
		return err
	}
	if len(left) > 0 {
		return claviger.Errorf(claviger.ErrOperationFailed, op, "the token says that it has destroyed %s, and still has it", ref)
	}
	return nil
}

// remaining is belonging in a session that can be replaced: a search that does not end would stay in one that owns keys.
func (p *Provider) remaining(ctx context.Context, op string, ref *reference.Key, row *algorithm.Row, class claviger.KeyClass) (own []*object, err error) {
	err = p.pool.do(ctx, op, func(s *cryptoki.Session) error {
		if err := p.pool.loggedIn(s, op); err != nil {
			return err
		}
		own, err = p.belonging(s, ref, row, class)
		if err == nil && len(own) == 0 {
			err = p.pool.present(op)
		}
		return err
	})
	return own, err
}

// belonging lists the objects of one half that Blob made for a reference. What they may be used for is no matter here.
func (p *Provider) belonging(s *cryptoki.Session, ref *reference.Key, row *algorithm.Row, class claviger.KeyClass) ([]*object, error) {
	found, err := p.search(s, class, named(ref.ID, ref.Label), maxHalves)
	if err != nil {
		return nil, err
	}
	var own []*object
	for _, o := range found {
		if !p.shaped(row, o) || ref.Size != 0 && o.bits != 8*ref.Size {
			continue
		}
		if spki := o.spki(row); len(ref.SPKI) > 0 && spki != nil && string(spki) != string(ref.SPKI) {
			continue
		}
		own = append(own, o)
	}
	return own, nil
}
