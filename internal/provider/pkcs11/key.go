package pkcs11

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"slices"
	"sync/atomic"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/cryptoki"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/pkcs11/reference"
	"github.com/claviger/claviger/internal/secmem"
)

// key is a live key. The handles change when the token gives its objects others; all else is set before it is handed out.
type key struct {
	provider *Provider
	row      *algorithm.Row
	spec     provider.Spec
	bits     int
	ref      *reference.Key // by which a lasting key is found again; nil for one that lives in this process only
	spki     []byte         // public half; nil for a secret key, or when nothing tells it

	main   atomic.Uint64 // handle of the secret or private object; 0 for a public key
	public atomic.Uint64 // handle of the public object; 0 until there is one
	made   atomic.Bool   // the public object was made here and is to be destroyed
	closed atomic.Bool
}

// Spec says what the key is.
func (k *key) Spec() provider.Spec { return k.spec }

// Bits is the algorithm's size; where a secret key's length is open, that of this key.
func (k *key) Bits() int { return k.bits }

// Public gives a copy of the SubjectPublicKeyInfo, nil for a secret key. ErrUnsupportedOperation if nothing in the token tells the public half.
func (k *key) Public() ([]byte, error) {
	if k.spec.Class != claviger.SecretKey && k.spki == nil {
		return nil, k.unknown("public key")
	}
	return bytes.Clone(k.spki), nil
}

// unknown is the error for a public half that nothing tells.
func (k *key) unknown(op string) error {
	return claviger.Errorf(claviger.ErrUnsupportedOperation, op,
		"the token does not tell the public half of this key of %s: it has neither a public object nor a certificate of the same name", k.spec.Algorithm)
}

// Export gives the encoding of a public key. Others stay in the token: ErrKeyNotExportable.
func (k *key) Export(ctx context.Context) (*secmem.Bytes, error) {
	if err := k.usable(ctx, "export"); err != nil {
		return nil, err
	}
	if k.spec.Class != claviger.PublicKey {
		return nil, claviger.Errorf(claviger.ErrKeyNotExportable, "export", "the key of %s is in a token, which does not give it out", k.spec.Algorithm)
	}
	return secmem.From(k.spki)
}

// Blob copies the key, both halves of it, to objects that stay in the token, and gives a reference to them. A public key goes into the blob
// whole. A tag without an identifier gets a random one. Errors: ErrPersistFailed, ErrUnsupportedOperation for a token that takes no objects.
func (k *key) Blob(ctx context.Context, tag provider.Tag) (*secmem.Bytes, error) {
	const op = "store"
	if err := k.usable(ctx, op); err != nil {
		return nil, err
	}
	r := &reference.Key{Spec: k.spec, SPKI: k.spki}
	switch k.spec.Class {
	case claviger.PublicKey:
		return r.Seal()
	case claviger.SecretKey:
		r.Size = k.bits / 8
	}
	if r.ID, r.Label = bytes.Clone(tag.ID), tag.Label; len(r.ID) == 0 {
		r.ID = make([]byte, 16)
		_, _ = rand.Read(r.ID) // it never fails
	}
	if !r.Encodes() {
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, op, "a tag has a label and an identifier of at most %d bytes", reference.MaxField)
	}
	if err := k.persist(ctx, op, r); err != nil {
		return nil, k.provider.fault(op, claviger.ErrPersistFailed, err)
	}
	return r.Seal()
}

// persist makes the objects that r is to refer to.
func (k *key) persist(ctx context.Context, op string, r *reference.Key) error {
	var public []cryptoki.Attribute
	names := []cryptoki.Attribute{cryptoki.String(cryptoki.AttrLabel, r.Label), cryptoki.Bytes(cryptoki.AttrID, r.ID)}
	if r.SPKI != nil {
		values, err := k.provider.publicValues(k.row, r.SPKI)
		if err != nil {
			return err
		}
		public = slices.Concat(k.provider.publicTemplate(k.row, true), values, names)
	}
	return k.retry(ctx, op, &k.main, func(h cryptoki.Object) error {
		return k.provider.pool.writer.do(ctx, op, func(s *cryptoki.Session) error {
			copied, err := s.CopyObject(h, append([]cryptoki.Attribute{cryptoki.Bool(cryptoki.AttrToken, true)}, names...))
			if err != nil {
				return err
			}
			err = stays(s, op, copied)
			if err == nil && public != nil {
				_, err = s.CreateObject(public)
			}
			if err != nil {
				_ = s.DestroyObject(copied)
			}
			return err
		})
	})
}

// stays holds that an object is one of the token, and not of the session after all.
func stays(s *cryptoki.Session, op string, h cryptoki.Object) error {
	a, err := s.GetAttributes(h, []cryptoki.AttributeType{cryptoki.AttrToken})
	if err != nil {
		return err
	}
	if lasting, ok := a[0].Bool(); !ok || !lasting {
		return claviger.Errorf(claviger.ErrPersistFailed, op, "the token made a copy that does not last")
	}
	return nil
}

// Close destroys what lives in this process only, as far as the token lets it. Idempotent.
func (k *key) Close() error {
	if !k.closed.CompareAndSwap(false, true) {
		return nil
	}
	var own []cryptoki.Object
	if h := k.main.Load(); k.ref == nil && h != 0 {
		own = append(own, cryptoki.Object(h))
	}
	if h := k.public.Load(); k.made.Load() && h != 0 {
		own = append(own, cryptoki.Object(h))
	}
	if len(own) > 0 {
		k.provider.pool.owner.destroy(own)
	}
	return nil
}

// usable reports why a call must not run: the key is closed, or the context has ended.
func (k *key) usable(ctx context.Context, op string) error {
	if k.closed.Load() {
		return claviger.Errorf(claviger.ErrResourceNotFound, op, "the key is closed")
	}
	return provider.Alive(ctx, op)
}

// Format keeps handles and names out of printed texts, whatever the verb.
func (k *key) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "[key "+string(k.spec.Algorithm)+" in a token]")
}

// create makes an object of this process and keeps its handle in at, unless there is one already.
func (k *key) create(ctx context.Context, op string, at *atomic.Uint64, template []cryptoki.Attribute) error {
	err := k.provider.pool.owner.do(ctx, op, func(s *cryptoki.Session) error {
		if at.Load() != 0 {
			return nil
		}
		h, err := s.CreateObject(template)
		if err != nil {
			return err
		}
		at.Store(uint64(h))
		return nil
	})
	return k.provider.fault(op, claviger.ErrOperationFailed, err)
}

// publicObject gives the handle of the public half, which is made in this process if the token has none.
func (k *key) publicObject(ctx context.Context, op string) error {
	if k.public.Load() != 0 {
		return nil
	}
	if k.spki == nil {
		return k.unknown(op)
	}
	values, err := k.provider.publicValues(k.row, k.spki)
	if err != nil {
		return err
	}
	k.made.Store(true)
	return k.create(ctx, op, &k.public, slices.Concat(k.provider.publicTemplate(k.row, false), values))
}

// use runs f in a session with the half of the key that the operation works with.
func (k *key) use(ctx context.Context, op provider.Op, f func(*cryptoki.Session, cryptoki.Object) error) error {
	at := &k.main
	if k.row.Pair() && usageOf(op)&publicUses != 0 {
		if err := k.publicObject(ctx, op.String()); err != nil {
			return err
		}
		at = &k.public
	}
	return k.retry(ctx, op.String(), at, func(h cryptoki.Object) error {
		return k.provider.pool.do(ctx, op.String(), func(s *cryptoki.Session) error { return f(s, h) })
	})
}

// retry runs f with a handle, and once more if the token does not know it any longer and has the object under another.
func (k *key) retry(ctx context.Context, op string, at *atomic.Uint64, f func(cryptoki.Object) error) error {
	h := at.Load()
	err := f(cryptoki.Object(h))
	if !vanished(err) {
		return err
	}
	if at == &k.public {
		at.CompareAndSwap(h, 0)
		err = k.publicObject(ctx, op)
	} else {
		err = k.relocate(ctx, op)
	}
	if err != nil {
		return err
	}
	return f(cryptoki.Object(at.Load()))
}

// relocate looks for the object again.
func (k *key) relocate(ctx context.Context, op string) error {
	if k.ref == nil {
		return k.provider.pool.do(ctx, op, func(s *cryptoki.Session) error {
			if err := k.provider.pool.missing(s, op); err != nil {
				return err
			}
			return unavailable(op, "the token has lost the key, which was not made to last")
		})
	}
	o, _, err := k.provider.locate(ctx, op, k.ref, k.row)
	if err != nil {
		return err
	}
	k.main.Store(uint64(o.handle))
	return nil
}
