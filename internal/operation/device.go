package operation

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/secmem"
	"github.com/claviger/claviger/internal/store"
)

// undoTime is how long a device may take to remove an object that turned out not to be wanted.
const undoTime = 5 * time.Second

// undo removes the object of a key that did not become a version of its slot after all. What cannot be removed stays in the
// device; nothing refers to it.
func (e *Engine) undo(ctx context.Context, m *member, blob []byte) {
	d := m.device()
	if d == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	_ = d.Destroy(ctx, blob)
}

// destroyObjects removes the objects of a slot's version, or with 0 of all, from their devices, before the store forgets
// them: what is said to be destroyed is gone from the device too. A provider that is not configured any longer is passed
// over, and so is a record that is damaged; a device that is away refuses. newest is the slot's newest version.
func (e *Engine) destroyObjects(ctx context.Context, slot string, version uint64) (newest uint64, err error) {
	r, err := e.slotRecord(slot)
	if errors.Is(err, store.ErrDamaged) || errors.Is(err, claviger.ErrInvalidFormat) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	for _, v := range r.Versions {
		if version == 0 || v.Version == version {
			if err := e.destroyObject(ctx, slot, v); err != nil {
				return 0, err
			}
		}
	}
	last, _ := r.newest()
	return last.Version, nil
}

func (e *Engine) destroyObject(ctx context.Context, slot string, v versionRecord) error {
	m := e.member(v.Provider)
	if m == nil || m.device() == nil {
		return nil
	}
	blob, err := e.blob(&KeyRef{slot: slot, num: v.Version})
	if errors.Is(err, store.ErrDamaged) || errors.Is(err, claviger.ErrKeySlotEmpty) {
		return nil // what it referred to is not known any longer
	}
	if err != nil {
		return err
	}
	defer secmem.Wipe(blob)
	if err := m.device().Destroy(ctx, blob); err != nil {
		return claviger.WrapError(claviger.ErrOperationFailed, "clear", err)
	}
	return nil
}

// errGrew is of a slot that has got another version meanwhile.
var errGrew = claviger.Errorf(claviger.ErrInvalidOperation, "clear", "the slot got another version in the meantime; nothing was cleared from the store")

// grew refuses with errGrew to forget all of a slot that has got another version since its objects were removed.
func grew(tx *store.Tx, slot string, version, newest uint64) error {
	r, err := readSlot(tx, slot)
	if err != nil || newest == 0 || version != 0 {
		return nil // damaged, or only what was asked for goes
	}
	if last, ok := r.newest(); ok && last.Version != newest {
		return errGrew
	}
	return nil
}

// Adopt binds a slot to an object that is already in the device of the slot's primary provider, as its next version. The
// query names the object by label, identifier or both, and one object must fit; the algorithm is the slot's. The object
// itself stays as it is, also when the version is cleared. The grant must allow importing. Errors: ErrUnsupportedOperation for a
// provider without objects, ErrResourceNotFound, ErrIncompatibleKeyType for a key of another algorithm, ErrInvalidArgument if several fit and for an object that was made for a slot, ErrKeySlotOccupied, and those of the device.
func (e *Engine) Adopt(ctx context.Context, g policy.Grant, q provider.Query, t Target) (Made, error) {
	const op = "adopt"
	if err := firstError(g.DemandOpen(op), t.demand(op, policy.WriteImport)); err != nil {
		return Made{}, err
	}
	slot := t.Slot.Slot()
	m, err := e.primary(slot)
	if err != nil {
		return Made{}, err
	}
	if m.device() == nil {
		return Made{}, claviger.Errorf(claviger.ErrUnsupportedOperation, op, "provider %d (%s) of slot %q keeps no objects", m.ID, m.Name, slot.Name)
	}
	if q.Algorithm, err = e.inherited(t, slot.Algorithm); err != nil {
		return Made{}, err
	}
	object, err := e.oneObject(ctx, op, m, q)
	if err != nil {
		return Made{}, err
	}
	if err := firstError(fitsSlot(op, slot, object.Spec.Algorithm), e.early(t, object.Spec.Algorithm)); err != nil {
		return Made{}, err
	}
	key, err := m.Provider.Load(ctx, object.Blob)
	if err != nil {
		return Made{}, claviger.WrapError(claviger.ErrOperationFailed, op, err)
	}
	defer key.Close()
	if key.Spec() != object.Spec {
		return Made{}, claviger.Errorf(claviger.ErrProviderNotAvailable, op, "provider %d (%s) has listed another key than it gives", m.ID, m.Name)
	}
	id, err := e.newID()
	if err != nil {
		return Made{}, err
	}
	traits := newTraits(key, t.permissions(claviger.AllPermissions), nil)
	version, err := e.record(ctx, op, slot.Name, m, t.Rotate, traits, id, object.Blob)
	return Made{Version: version, Info: claviger.KeyInfo{Algorithm: traits.Algorithm, Class: traits.Class, Persistence: claviger.Persistent,
		Permissions: traits.Permissions, Provider: m.ID, Bits: traits.Bits}}, err
}

// oneObject finds the object that a query means.
func (e *Engine) oneObject(ctx context.Context, op string, m *member, q provider.Query) (provider.Object, error) {
	if q.Label == "" && len(q.ID) == 0 {
		return provider.Object{}, claviger.Errorf(claviger.ErrInvalidArgument, op, "an object is named by its label, its identifier or both")
	}
	found, err := m.device().Objects(ctx, q)
	if err == nil && len(found) == 0 && q.Algorithm != "" {
		return provider.Object{}, e.otherObject(ctx, op, m, q)
	}
	switch {
	case err != nil:
		return provider.Object{}, claviger.WrapError(claviger.ErrOperationFailed, op, err)
	case len(found) == 0:
		return provider.Object{}, claviger.Errorf(claviger.ErrResourceNotFound, op, "provider %d (%s) has no key that is named so", m.ID, m.Name)
	case len(found) > 1 && q.Label != "" && len(q.ID) > 0:
		return provider.Object{}, claviger.Errorf(claviger.ErrInvalidArgument, op, "%d keys of provider %d (%s) have both that label and that identifier; give one of them another", len(found), m.ID, m.Name)
	case len(found) > 1:
		return provider.Object{}, claviger.Errorf(claviger.ErrInvalidArgument, op, "%d keys of provider %d (%s) are named so; give label and identifier", len(found), m.ID, m.Name)
	case found[0].Spec.Algorithm == "":
		return provider.Object{}, claviger.Errorf(claviger.ErrInvalidArgument, op, "the object does not say what it is for; the slot needs an algorithm")
	}
	return found[0], e.owned(op, found[0])
}

// otherObject says what is there in place of a key of the algorithm that was looked for.
func (e *Engine) otherObject(ctx context.Context, op string, m *member, q provider.Query) error {
	wanted := q.Algorithm
	q.Algorithm = ""
	found, err := m.device().Objects(ctx, q)
	switch {
	case err != nil:
		return claviger.WrapError(claviger.ErrOperationFailed, op, err)
	case len(found) == 0:
		return claviger.Errorf(claviger.ErrResourceNotFound, op, "provider %d (%s) has no key that is named so, of %s or any other algorithm", m.ID, m.Name, wanted)
	case found[0].Spec.Algorithm == "":
		return claviger.Errorf(claviger.ErrIncompatibleKeyType, op, "what provider %d (%s) has under that name is not a key that serves %s here", m.ID, m.Name, wanted)
	}
	return claviger.Errorf(claviger.ErrIncompatibleKeyType, op, "what provider %d (%s) has under that name is a key of %s, not of %s", m.ID, m.Name, found[0].Spec.Algorithm, wanted)
}

// owned refuses an object that was made for a slot: it goes when that slot is cleared.
func (e *Engine) owned(op string, o provider.Object) error {
	id := hex.EncodeToString(o.ID)
	return e.store.View(func(tx *store.Tx) error {
		names, err := recordNames(tx, store.KindSlot)
		if err != nil {
			return err
		}
		for _, name := range names {
			r, err := readSlot(tx, name)
			if err != nil {
				continue // damaged: what it was is not known
			}
			for _, v := range r.Versions {
				if v.ID == id {
					return claviger.Errorf(claviger.ErrInvalidArgument, op, "the object is version %d of slot %q", v.Version, name)
				}
			}
		}
		return nil
	})
}

// Objects lists the lasting keys in a provider's device that a query fits, in the order of label, identifier and class: devices
// give them in any. The grant must be an administrator's. Errors:
// ErrProviderNotAvailable for an unknown number, ErrUnsupportedOperation for a provider without objects.
func (e *Engine) Objects(ctx context.Context, g policy.Grant, id claviger.ProviderID, q provider.Query) ([]provider.Object, error) {
	const op = "objects"
	if err := g.DemandAdmin(op); err != nil {
		return nil, err
	}
	m := e.member(id)
	switch {
	case m == nil:
		return nil, claviger.Errorf(claviger.ErrProviderNotAvailable, op, "no provider has the number %d", id)
	case m.device() == nil:
		return nil, claviger.Errorf(claviger.ErrUnsupportedOperation, op, "provider %d (%s) keeps no objects", m.ID, m.Name)
	}
	list, err := m.device().Objects(ctx, q)
	slices.SortStableFunc(list, func(a, b provider.Object) int {
		return cmp.Or(strings.Compare(a.Label, b.Label), bytes.Compare(a.ID, b.ID), cmp.Compare(a.Spec.Class, b.Spec.Class))
	})
	return list, claviger.WrapError(claviger.ErrOperationFailed, op, err)
}
