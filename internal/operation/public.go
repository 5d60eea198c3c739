package operation

import (
	"context"
	"errors"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/secmem"
)

// PublicKey gives the public half of a pair, or a public key, as an ephemeral key of its own with one reference of the
// caller's, and its bytes in a format. Public halves may always be given out, and the device where the private half is need not be
// there if it has told the public one. A secret key is ErrIncompatibleKeyType.
func (e *Engine) PublicKey(ctx context.Context, g policy.Grant, ref *KeyRef, format claviger.Format) (Made, []byte, error) {
	const op = "public key"
	if err := g.DemandOpen(op); err != nil {
		return Made{}, nil, err
	}
	t := ref.Traits()
	if t.Class == claviger.SecretKey {
		return Made{}, nil, claviger.Errorf(claviger.ErrIncompatibleKeyType, op, "a key of %s has no public half", t.Algorithm)
	}
	spki, err := e.public(ctx, op, ref, g.Slot())
	if err != nil {
		return Made{}, nil, err
	}
	data, err := algorithm.Encode(format, t.Algorithm, claviger.PublicKey, spki)
	if err != nil {
		return Made{}, nil, err
	}
	permissions := t.Public
	if t.Class == claviger.PublicKey {
		permissions = t.Permissions
	}
	made, err := e.publicKey(ctx, op, e.member(ref.home), t.Algorithm, spki, permissions)
	return made, data, err
}

// publicBytes gives a public key out in a format.
func (e *Engine) publicBytes(ctx context.Context, op string, ref *KeyRef, slot *policy.Slot, format claviger.Format) ([]byte, error) {
	spki, err := e.public(ctx, op, ref, slot)
	if err != nil {
		return nil, err
	}
	return algorithm.Encode(format, ref.traits.Algorithm, claviger.PublicKey, spki)
}

// publicKey makes an ephemeral key of a SubjectPublicKeyInfo: in the home of the pair that it belongs to if that can be, or where the
// first provider offers it that is there.
func (e *Engine) publicKey(ctx context.Context, op string, home *member, alg claviger.Algorithm, spki []byte, permissions claviger.Permission) (Made, error) {
	candidates := e.members
	if home != nil {
		candidates = append([]*member{home}, e.members...)
	}
	candidates = presentFirst(candidates)
	var failed error
	for {
		m, _, err := e.pick(op, Selector{}, candidates, work{provider.Import, alg, ""})
		if err != nil {
			return Made{}, firstError(failed, err)
		}
		public, err := m.Provider.Import(ctx, provider.Spec{Algorithm: alg, Class: claviger.PublicKey}, spki)
		if err == nil {
			return e.place(ctx, op, m, public, Target{}, newTraits(public, permissions, nil))
		}
		failed = firstError(failed, claviger.WrapError(claviger.ErrOperationFailed, op, err))
		if candidates = without(candidates, m); !errors.Is(err, claviger.ErrProviderNotAvailable) || len(candidates) == 0 {
			return Made{}, failed
		}
	}
}

// public gives the SubjectPublicKeyInfo of a pair or a public key: of what is kept of it where that tells it, or of the key where it
// lives.
func (e *Engine) public(ctx context.Context, op string, ref *KeyRef, slot *policy.Slot) ([]byte, error) {
	if spki := e.kept(ref); spki != nil {
		return spki, nil
	}
	key, err := e.openHome(ctx, ref, slot)
	if err != nil {
		return nil, err
	}
	defer key.Release()
	spki, err := key.key.Public()
	return spki, claviger.WrapError(claviger.ErrOperationFailed, op, err)
}

// kept gives the public half that the blob of a slot's key tells by itself; nil for a live key, and where no blob tells it.
func (e *Engine) kept(ref *KeyRef) []byte {
	home := e.member(ref.home)
	if ref.live != nil || home == nil || !home.tells() {
		return nil
	}
	blob, err := e.blob(ref)
	if err != nil {
		return nil // opening the key says so
	}
	defer secmem.Wipe(blob)
	return home.told(blob)
}

// tells reports whether blobs of m can tell public halves.
func (m *member) tells() bool {
	_, ok := m.Provider.(provider.PublicProvider)
	return ok
}

// told gives the public half that a blob of m tells by itself; nil where it tells none.
func (m *member) told(blob []byte) []byte {
	if p, ok := m.Provider.(provider.PublicProvider); ok {
		return p.PublicOf(blob)
	}
	return nil
}

// take chooses the provider for work with a key, and opens the key there, with a reference of the caller's. Where a device turns out to
// be away the work goes on to the next that can do it, if that is allowed: by a wish for a preferred kind, and without a wish for what
// a public half does.
func (e *Engine) take(ctx context.Context, op string, ref *KeyRef, s Selector, candidates []*member, w work) (*Key, provider.Mechanism, error) {
	var failed error
	for {
		m, row, err := e.pick(op, s, candidates, w)
		if err != nil {
			return nil, row, firstError(failed, err)
		}
		key, err := e.open(ctx, ref, m, w.op)
		if err == nil {
			return key, row, nil
		}
		failed = firstError(failed, err)
		bound := s.must() && !(s.none() && ref.traits.public(w.op))
		if candidates = without(candidates, m); bound || !errors.Is(err, claviger.ErrProviderNotAvailable) || len(candidates) == 0 {
			return nil, row, failed
		}
	}
}

// openable refuses to encrypt to a pair whose private half is where nothing decrypts so: nobody could read it again. Of a device that
// was never reached it is not known.
func (e *Engine) openable(op string, ref *KeyRef, slot *policy.Slot, w work) error {
	undo := provider.Decrypt
	switch {
	case ref.traits.Class != claviger.PrivateKey || w.op != provider.Encrypt && w.op != provider.Encapsulate:
		return nil
	case w.op == provider.Encapsulate:
		undo = provider.Decapsulate
	}
	for _, m := range e.homes(ref, slot, undo) {
		if _, can := m.row(undo, w.alg, w.key); can || len(m.offer().rows) == 0 {
			return nil
		}
	}
	return claviger.Errorf(claviger.ErrUnsupportedAlgorithm, op, "no provider where the private half of the key can be used offers %s: nobody could read it again",
		work{undo, w.alg, w.key})
}

// presentFirst gives a list with those that are away behind the others, each in their order.
func presentFirst(list []*member) []*member {
	sorted := make([]*member, 0, len(list))
	var away []*member
	for _, m := range list {
		if m.health().Available {
			sorted = append(sorted, m)
		} else {
			away = append(away, m)
		}
	}
	return append(sorted, away...)
}

// without gives a list without m.
func without(list []*member, m *member) []*member {
	rest := make([]*member, 0, len(list))
	for _, other := range list {
		if other != m {
			rest = append(rest, other)
		}
	}
	return rest
}
