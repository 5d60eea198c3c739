package operation

import (
	"context"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/secmem"
)

// passage is how a key that lives in one provider can be put to use in another.
type passage uint8

const (
	noWay  passage = iota
	stay           // it lives there
	reload         // from its blob: software providers read each other's
	copied         // from its material, which software gives to devices that import it
	half           // by its public half alone, for what that does
)

// wayTo tells how a key gets from its home to m for an operation. Keys of devices never leave them: only what their
// public halves do can be done elsewhere.
func wayTo(home, m *member, t Traits, do provider.Op) passage {
	switch _, imports := m.row(provider.Import, t.Algorithm, ""); {
	case home == m:
		return stay
	case home.Kind == claviger.Software && m.Kind == claviger.Software:
		return reload
	case imports && t.public(do):
		return half
	case imports && home.Kind == claviger.Software:
		return copied
	}
	return noWay
}

// sameHome reports whether a key of one provider can be loaded by another from its blob.
func sameHome(a, b *member) bool {
	w := wayTo(a, b, Traits{}, 0)
	return w == stay || w == reload
}

// homes lists the providers where a key can be used for an operation: those that the slot names, in its order, or for
// an ephemeral key its own and then those that share its home. For what a public half does those that are away come last: it
// gives nothing away, and needs nothing that only one of them has.
func (e *Engine) homes(ref *KeyRef, slot *policy.Slot, do provider.Op) []*member {
	home := e.member(ref.home)
	if home == nil {
		return nil
	}
	if slot != nil && ref.traits.public(do) {
		return presentFirst(e.compatible(slot, home, ref.traits, do))
	}
	if slot != nil {
		return e.compatible(slot, home, ref.traits, do)
	}
	list := []*member{home}
	for _, m := range e.members {
		if m != home && sameHome(home, m) {
			list = append(list, m)
		}
	}
	return list
}

// compatible lists the providers of a slot that a key living in home can get to for an operation, in the slot's order. A
// device of which is not known yet what it takes is among them, so that who asks for it learns that it is away.
func (e *Engine) compatible(slot *policy.Slot, home *member, t Traits, do provider.Op) []*member {
	var list []*member
	for _, id := range slot.Providers {
		if m := e.member(id); m != nil && (wayTo(home, m, t, do) != noWay || m.available("slot") != nil) {
			list = append(list, m)
		}
	}
	return list
}

// serves reports whether m can do anything with a key that lives in home, by the mechanisms that it offers now.
func serves(home, m *member, t Traits) bool {
	if home == m {
		return true
	}
	for id := range m.offer().rows {
		if id.key == t.Algorithm && wayTo(home, m, t, id.op) != noWay {
			return true
		}
	}
	return false
}

// bring makes a key of m from a blob of its home, for an operation. Where the blob itself tells the public half, that takes no home.
func bring(ctx context.Context, home, m *member, t Traits, do provider.Op, blob []byte) (provider.Key, error) {
	w := wayTo(home, m, t, do)
	if w == stay || w == reload {
		return m.Provider.Load(ctx, blob)
	}
	if w == half {
		if spki := home.told(blob); spki != nil {
			return m.Provider.Import(ctx, provider.Spec{Algorithm: t.Algorithm, Class: claviger.PublicKey}, spki)
		}
	}
	if err := home.available("key"); err != nil {
		return nil, err
	}
	original, err := home.Provider.Load(ctx, blob)
	if err != nil {
		return nil, err
	}
	defer original.Close()
	return duplicate(ctx, m, original, w)
}

// duplicate makes a key of m of another provider's key, the whole or the public half.
func duplicate(ctx context.Context, m *member, original provider.Key, w passage) (provider.Key, error) {
	spec := original.Spec()
	switch w {
	case noWay:
		return nil, claviger.Errorf(claviger.ErrCrossProviderIncompatible, "key", "the key cannot be used in provider %d", m.ID)
	case reload:
		blob, err := original.Blob(ctx, provider.Tag{})
		if err != nil {
			return nil, err
		}
		defer blob.Close()
		return m.Provider.Load(ctx, blob.Bytes())
	case half:
		spki, err := original.Public()
		if err != nil {
			return nil, err
		}
		spec.Class = claviger.PublicKey
		return m.Provider.Import(ctx, spec, spki)
	}
	material, err := original.Export(ctx)
	if err != nil {
		return nil, err
	}
	defer material.Close()
	return m.Provider.Import(ctx, spec, material.Bytes())
}

// open gives a live key in provider m, for an operation there, with a reference of the caller's.
func (e *Engine) open(ctx context.Context, ref *KeyRef, m *member, do provider.Op) (*Key, error) {
	if err := m.available("key"); err != nil {
		return nil, err
	}
	if err := ref.live.alive("key"); err != nil {
		return nil, err
	}
	switch {
	case ref.live != nil && ref.live.home == m:
		return ref.live.Retain(), nil
	case ref.slot != "":
		return e.loadSlot(ctx, ref, m, do)
	}
	key, err := duplicate(ctx, m, ref.live.key, wayTo(ref.live.home, m, ref.traits, do))
	if err != nil {
		return nil, claviger.WrapError(claviger.ErrCrossProviderIncompatible, "key", err)
	}
	return e.newKey(m, key, ref.traits), nil
}

// openHome gives the key where it lives, whole.
func (e *Engine) openHome(ctx context.Context, ref *KeyRef, slot *policy.Slot) (*Key, error) {
	if ref.live != nil {
		return e.open(ctx, ref, ref.live.home, 0)
	}
	home := e.member(ref.home)
	for _, m := range e.homes(ref, slot, 0) {
		if m.Provider != nil && sameHome(home, m) {
			return e.open(ctx, ref, m, 0)
		}
	}
	return nil, claviger.Errorf(claviger.ErrProviderNotAvailable, "key", "provider %d, where the key of slot %q lives, is not available", ref.home, ref.slot)
}

// loadSlot gives the loaded key of a version, which all its users share, or loads it.
func (e *Engine) loadSlot(ctx context.Context, ref *KeyRef, m *member, do provider.Op) (*Key, error) {
	home := e.member(ref.home)
	id := loadedID{ref.slot, ref.num, m.ID, wayTo(home, m, ref.traits, do) == half}
	if k := e.shared(id); k != nil {
		return k, nil
	}
	blob, err := e.blob(ref)
	if err != nil {
		return nil, err
	}
	defer secmem.Wipe(blob)
	key, err := bring(ctx, home, m, ref.traits, do, blob)
	if err != nil {
		return nil, claviger.WrapError(claviger.ErrCrossProviderIncompatible, "key", err)
	}
	if spec := key.Spec(); spec.Algorithm != ref.traits.Algorithm || !id.half && spec.Class != ref.traits.Class {
		_ = key.Close()
		return nil, claviger.Errorf(claviger.ErrProviderNotAvailable, "key", "provider %d (%s) has another key than that of slot %q", m.ID, m.Name, ref.slot)
	}
	fresh := e.newKey(m, key, ref.traits)
	fresh.slot, fresh.num, fresh.half = ref.slot, ref.num, id.half
	return e.share(id, fresh)
}

// generic describes a key of an algorithm that is not there yet.
func generic(alg claviger.Algorithm) Traits {
	t := Traits{Algorithm: alg}
	if row, ok := algorithm.Lookup(alg, algorithm.FamilyKey); ok {
		t.Class = row.Class
	}
	return t
}
