package operation

import (
	"context"
	"errors"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/store"
)

// KeyRef names a key that is to be used: a live one, or a version of a slot that is loaded where it is needed.
type KeyRef struct {
	live   *Key
	slot   string
	num    uint64
	home   claviger.ProviderID
	traits Traits
}

// LiveRef names a live key. The caller holds a reference for as long as the KeyRef is used.
func LiveRef(k *Key) *KeyRef {
	return &KeyRef{live: k, slot: k.slot, num: k.num, home: k.home.ID, traits: k.traits}
}

// Traits describes the key.
func (r *KeyRef) Traits() Traits { return r.traits }

// SlotRef names a version of a slot, 0 being the newest, without loading it. old reports that another version is
// newer. Errors: ErrKeySlotEmpty if there is no such version, store.ErrDamaged.
func (e *Engine) SlotRef(slot string, version uint64) (ref *KeyRef, old bool, err error) {
	r, err := e.slotRecord(slot)
	if err != nil {
		return nil, false, err
	}
	v, ok := r.find(version)
	if !ok {
		return nil, false, emptySlot("slot", slot, version)
	}
	last, _ := r.newest()
	return &KeyRef{slot: slot, num: v.Version, home: v.Provider, traits: v.traits(r.Algorithm)}, last.Version != v.Version, nil
}

// emptySlot says that a slot, or a version of it (0 for any), holds no key.
func emptySlot(op, slot string, version uint64) error {
	if version == 0 {
		return claviger.Errorf(claviger.ErrKeySlotEmpty, op, "slot %q is empty", slot)
	}
	return claviger.Errorf(claviger.ErrKeySlotEmpty, op, "slot %q has no version %d", slot, version)
}

// blob reads what the key's provider keeps of it. The caller wipes it.
func (e *Engine) blob(ref *KeyRef) ([]byte, error) {
	var record store.Record
	err := e.store.View(func(tx *store.Tx) (err error) {
		record, err = tx.Get(store.Key{Kind: store.KindKey, Name: ref.slot, Version: ref.num})
		return err
	})
	if errors.Is(err, claviger.ErrResourceNotFound) {
		return nil, emptySlot("key", ref.slot, ref.num)
	}
	return record.Value, err
}

// shared takes a reference to a loaded key; nil if it is not loaded.
func (e *Engine) shared(id loadedID) *Key {
	e.mu.Lock()
	defer e.mu.Unlock()
	if k := e.living(id); k != nil {
		return k.Retain()
	}
	return nil
}

// living gives a loaded key, unless its device has lost it: its holders learn that by themselves, and others load it again.
// The caller holds mu.
func (e *Engine) living(id loadedID) *Key {
	k := e.loaded[id]
	if k == nil {
		return nil
	}
	if m, ok := k.key.(provider.Mortal); ok && m.Lost() {
		delete(e.loaded, id)
		return nil
	}
	return k
}

// share makes a key that was just loaded the shared one, unless another was quicker, or the version was destroyed in
// the meantime.
func (e *Engine) share(id loadedID, fresh *Key) (*Key, error) {
	e.mu.Lock()
	other := e.living(id)
	if other != nil {
		other.Retain()
	} else {
		e.loaded[id] = fresh
	}
	e.mu.Unlock()
	if other != nil {
		fresh.close()
		return other, nil
	}
	r, err := e.slotRecord(id.slot)
	if _, ok := r.findVersion(id.version); err == nil && ok {
		return fresh, nil
	}
	fresh.gone.Store(true)
	fresh.Release()
	return nil, emptySlot("key", id.slot, id.version)
}

// findVersion is find for a record that may be missing.
func (r *slotRecord) findVersion(version uint64) (versionRecord, bool) {
	if r == nil {
		return versionRecord{}, false
	}
	return r.find(version)
}

// unload gives back a reference to a slot's key and reports whether it was the last.
func (e *Engine) unload(k *Key) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if k.refs.Add(-1) != 0 {
		return false
	}
	id := loadedID{k.slot, k.num, k.home.ID, k.half}
	if e.loaded[id] == k {
		delete(e.loaded, id)
	}
	return true
}

// LoadKey loads a version of a slot, 0 being the newest, as a live key with one reference of the caller's. The grant
// must be for the slot; no permission is needed to load.
func (e *Engine) LoadKey(ctx context.Context, g policy.Grant, ref *KeyRef) (*Key, error) {
	if err := g.DemandOpen("load"); err != nil {
		return nil, err
	}
	return e.openHome(ctx, ref, g.Slot())
}

// Clear destroys a version of a slot, or with 0 all of them; their numbers are never given again. Loaded keys of these
// versions serve no further call. Durable when it returns. An object that a device made for a version is removed from the
// device first, and a device that is away is ErrProviderNotAvailable: nothing is cleared then. A version that comes meanwhile goes with
// all the others. An empty slot, or one without the version, is ErrKeySlotEmpty. The grant must allow clearing.
func (e *Engine) Clear(ctx context.Context, g policy.Grant, version uint64) error {
	if err := g.DemandWrite("clear", policy.WriteClear); err != nil {
		return err
	}
	slot := g.Slot().Name
	gone, err := e.forget(ctx, slot, version)
	for errors.Is(err, errGrew) && ctx.Err() == nil {
		gone, err = e.forget(ctx, slot, version)
	}
	if err != nil {
		return err
	}
	if len(gone) == 0 {
		return emptySlot("clear", slot, 0)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for id, k := range e.loaded {
		for _, v := range gone {
			if id.slot == slot && id.version == v {
				k.gone.Store(true)
				delete(e.loaded, id)
			}
		}
	}
	return nil
}

// forget removes versions from their devices and then from the store, and gives their numbers; errGrew if there was another one by then.
func (e *Engine) forget(ctx context.Context, slot string, version uint64) (gone []uint64, err error) {
	newest, err := e.destroyObjects(ctx, slot, version)
	if err != nil {
		return nil, err
	}
	err = e.store.Update(ctx, func(tx *store.Tx) (err error) {
		if err := grew(tx, slot, version, newest); err != nil {
			return err
		}
		gone, err = dropVersions(tx, slot, version)
		return err
	})
	return gone, err
}

// SlotInfo describes a slot. The grant must be for it; the permissions are those that slot, mapping and newest key
// leave, for an empty slot those of slot and mapping.
func (e *Engine) SlotInfo(g policy.Grant, mapped claviger.Permission) (claviger.KeySlotInfo, error) {
	if err := g.DemandOpen("slot info"); err != nil {
		return claviger.KeySlotInfo{}, err
	}
	slot := g.Slot()
	info := claviger.KeySlotInfo{Algorithm: slot.Algorithm, Permissions: mapped}
	var home *member // of the newest key; nil for an empty slot
	traits := generic(slot.Algorithm)
	r, err := e.slotRecord(slot.Name)
	switch {
	case errors.Is(err, store.ErrDamaged), errors.Is(err, claviger.ErrInvalidFormat):
		info.State, r = claviger.SlotLocked, &slotRecord{}
	case err != nil:
		return claviger.KeySlotInfo{}, err
	}
	if last, ok := r.newest(); ok {
		info.State, info.Algorithm = claviger.SlotOccupied, r.Algorithm
		info.Permissions &= last.traits(r.Algorithm).Permissions
		if home = e.member(last.Provider); home == nil || !home.health().Available {
			info.State = claviger.SlotLocked
		}
		traits = last.traits(r.Algorithm)
	}
	for _, v := range r.Versions {
		info.Versions = append(info.Versions, claviger.KeyVersion{Version: v.Version, ID: v.ID})
	}
	info.Primary, info.Compatible = e.slotProviders(slot, home, traits)
	return info, nil
}

// slotProviders gives the primary of a slot, and those of its providers that can do something with its key, in the
// slot's order: of what they offer now, not of what is configured. A key that is not there yet is taken to be the primary's.
// An open slot without an algorithm lists those that share the primary's home.
func (e *Engine) slotProviders(slot *policy.Slot, home *member, t Traits) (claviger.ProviderID, []claviger.ProviderID) {
	primary, err := e.primary(slot)
	if err != nil {
		return 0, nil
	}
	if home == nil {
		home = primary
	}
	list := []claviger.ProviderID{}
	for _, id := range slot.Providers {
		m := e.member(id)
		if m == nil || m.Provider == nil {
			continue
		}
		if m == primary || serves(home, m, t) || t.Algorithm == "" && sameHome(home, m) {
			list = append(list, m.ID)
		}
	}
	return primary.ID, list
}

// primary is the only provider that writes a slot.
func (e *Engine) primary(slot *policy.Slot) (*member, error) {
	if len(slot.Providers) == 0 {
		return nil, claviger.Errorf(claviger.ErrProviderNotAvailable, "slot", "slot %q has no provider", slot.Name)
	}
	if m := e.member(slot.Providers[0]); m != nil {
		return m, nil
	}
	return nil, claviger.Errorf(claviger.ErrProviderNotAvailable, "slot", "provider %d of slot %q is not configured", slot.Providers[0], slot.Name)
}

// keyRow finds a key algorithm.
func keyRow(op string, name claviger.Algorithm) (*algorithm.Row, error) {
	return lookup(op, name, algorithm.FamilyKey)
}

// Info describes the key as its users see it, and gives its version in its slot; 0 for an ephemeral key.
func (r *KeyRef) Info() (claviger.KeyInfo, uint64) {
	info := claviger.KeyInfo{Algorithm: r.traits.Algorithm, Class: r.traits.Class, Persistence: claviger.Ephemeral,
		Permissions: r.traits.Permissions, Provider: r.home, Bits: r.traits.Bits}
	if r.slot != "" {
		info.Persistence = claviger.Persistent
	}
	return info, r.num
}

// OccupiedSlots lists the key slots and the certificate slots that hold something, in the order of their names.
func (e *Engine) OccupiedSlots(g policy.Grant) (keys, certificates []string, err error) {
	if err := g.DemandOpen("list slots"); err != nil {
		return nil, nil, err
	}
	err = e.store.View(func(tx *store.Tx) (err error) {
		if keys, err = recordNames(tx, store.KindSlot); err != nil {
			return err
		}
		certificates, err = recordNames(tx, store.KindCert)
		return err
	})
	return keys, certificates, err
}

// recordNames lists the names of a kind's records without opening them.
func recordNames(tx *store.Tx, kind store.Kind) ([]string, error) {
	var names []string
	for key, err := range tx.Keys(kind, "") {
		if err != nil {
			return nil, err
		}
		names = append(names, key.Name)
	}
	return names, nil
}
