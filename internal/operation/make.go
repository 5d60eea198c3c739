package operation

import (
	"context"
	"encoding/hex"
	"errors"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/secmem"
	"github.com/claviger/claviger/internal/store"
)

// Target says where a new key goes and what it may do there.
type Target struct {
	Slot        policy.Grant         // for writing; used if Durable
	Durable     bool                 // into the slot that Slot is for; otherwise an ephemeral key
	Rotate      bool                 // write the next version of an occupied slot
	Permissions *claviger.Permission // nil: all; for a slot those of the slot. For a slot they are cut to the slot's.
	Provider    Selector             // for a slot none but its primary
}

// Made is what a key-making verb gives: an ephemeral key with one reference of the caller's, or a version of a slot.
type Made struct {
	Key     *Key   // nil when the key went into a slot
	Version uint64 // of the slot that was written
	Info    claviger.KeyInfo
}

// demand refuses permissions that do not exist, and a slot whose mapping does not allow the change.
func (t Target) demand(op string, want policy.Write) error {
	if t.Permissions != nil && !t.Permissions.Valid() {
		return claviger.Errorf(claviger.ErrInvalidArgument, op, "permissions %s hold unknown bits", *t.Permissions)
	}
	if !t.Durable {
		return nil
	}
	return t.Slot.DemandWrite(op, want)
}

// permissions gives what the new key may serve, where most is the most that it may have.
func (t Target) permissions(most claviger.Permission) claviger.Permission {
	p := most
	if t.Permissions != nil {
		p &= *t.Permissions
	}
	if t.Durable {
		p &= t.Slot.Slot().Operations
	}
	return p
}

// algorithmFor settles the algorithm of a key: the slot's if none is named, and it must be the slot's if the slot has one.
func (t Target) algorithmFor(op string, name claviger.Algorithm) (*algorithm.Row, error) {
	if !t.Durable {
		return keyRow(op, name)
	}
	slot := t.Slot.Slot()
	if name == "" {
		name = slot.Algorithm
	}
	row, err := keyRow(op, name)
	if err != nil {
		return nil, err
	}
	return row, fitsSlot(op, slot, row.Name)
}

// inherited gives the algorithm of the keys in the slot for a rotation that names none, because the configuration may
// leave the slot's algorithm open; otherwise name.
func (e *Engine) inherited(t Target, name claviger.Algorithm) (claviger.Algorithm, error) {
	if name != "" || !t.Durable || !t.Rotate {
		return name, nil
	}
	r, err := e.slotRecord(t.Slot.Slot().Name)
	if err != nil || len(r.Versions) == 0 {
		return "", err
	}
	return r.Algorithm, nil
}

// fitsSlot refuses a key of another algorithm than the slot's with ErrIncompatibleKeyType. An open slot without an
// algorithm takes any.
func fitsSlot(op string, slot *policy.Slot, alg claviger.Algorithm) error {
	if slot.Algorithm == "" || slot.Algorithm == alg {
		return nil
	}
	return claviger.Errorf(claviger.ErrIncompatibleKeyType, op, "slot %q is for keys of %s, not %s", slot.Name, slot.Algorithm, alg)
}

// makerFor chooses where the new key is made.
func (e *Engine) makerFor(op string, t Target, w work) (*member, error) {
	candidates := e.members
	if t.Durable {
		primary, err := e.writer(op, t)
		if err != nil {
			return nil, err
		}
		candidates = []*member{primary}
	}
	m, _, err := e.pick(op, t.Provider, candidates, w)
	return m, err
}

// writer gives the primary of the slot that a key is to go into. A wish for another provider is ErrCrossProviderIncompatible.
func (e *Engine) writer(op string, t Target) (*member, error) {
	slot := t.Slot.Slot()
	primary, err := e.primary(slot)
	if err != nil || t.Provider.matches(primary) || !t.Provider.must() || t.Provider.check(op) != nil {
		return primary, err
	}
	for _, m := range e.members {
		if t.Provider.matches(m) {
			return nil, claviger.Errorf(claviger.ErrCrossProviderIncompatible, op, "slot %q is written by its primary, provider %d (%s), and by no other; the key was to be made in provider %d (%s)",
				slot.Name, primary.ID, primary.Name, m.ID, m.Name)
		}
	}
	return primary, nil // no such provider is configured, which is said where it is chosen
}

// early refuses a target that is occupied before any work is done.
func (e *Engine) early(t Target, alg claviger.Algorithm) error {
	if !t.Durable {
		return nil
	}
	slot := t.Slot.Slot().Name
	r, err := e.slotRecord(slot)
	if err != nil {
		return err
	}
	return vacant(slot, r, alg, t.Rotate)
}

// place puts a key that was just made where the target says, and owns it from here on.
func (e *Engine) place(ctx context.Context, op string, m *member, key provider.Key, t Target, traits Traits) (Made, error) {
	info := claviger.KeyInfo{Algorithm: traits.Algorithm, Class: traits.Class, Persistence: claviger.Ephemeral,
		Permissions: traits.Permissions, Provider: m.ID, Bits: traits.Bits}
	if !t.Durable {
		return Made{Key: e.newKey(m, key, traits), Info: info}, nil
	}
	defer func() { _ = key.Close() }()
	version, err := e.write(ctx, op, t.Slot.Slot().Name, m, key, t.Rotate, traits)
	info.Persistence = claviger.Persistent
	return Made{Version: version, Info: info}, err
}

// write makes a key durable as the next version of a slot. The object that a device made for it is removed again if the
// store does not take the record; it stays where nobody knows, because a slot without its object is worse.
func (e *Engine) write(ctx context.Context, op, slot string, m *member, key provider.Key, rotate bool, t Traits) (uint64, error) {
	id, err := e.newID()
	if err != nil {
		return 0, err
	}
	blob, err := key.Blob(ctx, provider.Tag{Label: slot, ID: id})
	if err != nil {
		return 0, claviger.WrapError(claviger.ErrPersistFailed, op, err)
	}
	defer blob.Close()
	version, err := e.record(ctx, op, slot, m, rotate, t, id, blob.Bytes())
	if err != nil && !errors.Is(err, store.ErrBroken) {
		e.undo(ctx, m, blob.Bytes())
	}
	return version, err
}

// record writes the next version of a slot, for a blob of m.
func (e *Engine) record(ctx context.Context, op, slot string, m *member, rotate bool, t Traits, id, blob []byte) (uint64, error) {
	r := versionRecord{ID: hex.EncodeToString(id), Provider: m.ID, Class: t.Class, Bits: t.Bits, Permissions: t.Permissions, Public: t.Public, Restricted: t.Restricted}
	var version uint64
	if m.device() != nil { // its object is there: the record follows whatever the caller's time, so that the outcome is known
		ctx = context.WithoutCancel(ctx)
	}
	err := e.store.Update(ctx, func(tx *store.Tx) (err error) {
		version, err = addVersion(tx, slot, t.Algorithm, rotate, r, blob)
		return err
	})
	if err != nil {
		return 0, claviger.WrapError(claviger.ErrPersistFailed, op, err)
	}
	return version, nil
}

// Generate makes a new key or pair. public is what the public half of a pair may serve, nil for whatever its type of key serves. The grant is
// keyless for an ephemeral key; for a slot the target's grant must allow generating. Errors: ErrUnsupportedAlgorithm, ErrKeySlotOccupied,
// ErrIncompatibleKeyType for a slot of another algorithm, ErrKeyGenerationFailed, and those of choosing a provider.
func (e *Engine) Generate(ctx context.Context, g policy.Grant, name claviger.Algorithm, t Target, public *claviger.Permission) (Made, error) {
	const op = "generate"
	if err := firstError(g.DemandOpen(op), t.demand(op, policy.WriteGenerate)); err != nil {
		return Made{}, err
	}
	if public != nil && !public.Valid() {
		return Made{}, claviger.Errorf(claviger.ErrInvalidArgument, op, "permissions %s of the public half hold unknown bits", *public)
	}
	name, err := e.inherited(t, name)
	if err != nil {
		return Made{}, err
	}
	row, err := t.algorithmFor(op, name)
	if err != nil {
		return Made{}, err
	}
	if public != nil && row.Class != claviger.PrivateKey {
		return Made{}, claviger.Errorf(claviger.ErrInvalidArgument, op, "%s has no public half", row.Name)
	}
	m, err := e.makerFor(op, t, work{provider.Generate, row.Name, ""})
	if err != nil {
		return Made{}, err
	}
	if err := e.early(t, row.Name); err != nil {
		return Made{}, err
	}
	key, err := m.Provider.Generate(ctx, provider.Spec{Algorithm: row.Name, Class: row.Class})
	if err != nil {
		return Made{}, claviger.WrapError(claviger.ErrKeyGenerationFailed, op, err)
	}
	return e.place(ctx, op, m, key, t, newTraits(key, t.permissions(claviger.AllPermissions), public))
}

// Import makes a key of bytes. name may be empty where the format or the slot says what the key is. The bytes stay the caller's, who wipes
// them. Errors: ErrInvalidFormat, ErrIncompatibleKeyType, ErrUnsupportedAlgorithm, ErrKeySlotOccupied.
func (e *Engine) Import(ctx context.Context, g policy.Grant, name claviger.Algorithm, format claviger.Format, data []byte, t Target) (Made, error) {
	const op = "import"
	if err := firstError(g.DemandOpen(op), t.demand(op, policy.WriteImport)); err != nil {
		return Made{}, err
	}
	if name == "" && t.Durable {
		name = t.Slot.Slot().Algorithm
	}
	name, err := e.inherited(t, name)
	if err != nil {
		return Made{}, err
	}
	material, class, err := algorithm.Decode(format, name, data)
	if err != nil {
		return Made{}, err
	}
	defer secmem.Wipe(material)
	if name == "" {
		if name, _, err = algorithm.Identify(material); err != nil {
			return Made{}, err
		}
	}
	row, err := t.algorithmFor(op, name)
	if err != nil {
		return Made{}, err
	}
	m, err := e.makerFor(op, t, work{provider.Import, row.Name, ""})
	if err != nil {
		return Made{}, err
	}
	if err := e.early(t, row.Name); err != nil {
		return Made{}, err
	}
	key, err := m.Provider.Import(ctx, provider.Spec{Algorithm: row.Name, Class: class}, material)
	if err != nil {
		return Made{}, claviger.WrapError(claviger.ErrInvalidFormat, op, err)
	}
	return e.place(ctx, op, m, key, t, newTraits(key, t.permissions(claviger.AllPermissions), nil))
}

// Persist copies an ephemeral key into a slot; the key itself stays as it is. Its permissions must be among the slot's: otherwise
// ErrKeyOperationNotPermitted. So is a key that was loaded from a slot, because its own slot's rules would be left behind. Further errors:
// ErrKeySlotOccupied, ErrIncompatibleKeyType, ErrCrossProviderIncompatible if the slot's provider cannot take it, ErrPersistFailed.
func (e *Engine) Persist(ctx context.Context, g policy.Grant, k *Key, rotate bool) (Made, error) {
	const op = "persist"
	if err := g.DemandWrite(op, policy.WritePersist); err != nil {
		return Made{}, err
	}
	slot := g.Slot()
	if k.slot != "" {
		return Made{}, claviger.Errorf(claviger.ErrKeyOperationNotPermitted, op, "a key of a slot is not copied into another; only an ephemeral key is")
	}
	if over := k.traits.Permissions.Without(slot.Operations); over != 0 {
		return Made{}, claviger.Errorf(claviger.ErrKeyOperationNotPermitted, op, "the key permits %s, which slot %q does not", over, slot.Name)
	}
	if err := fitsSlot(op, slot, k.traits.Algorithm); err != nil {
		return Made{}, err
	}
	t := Target{Slot: g, Durable: true, Rotate: rotate}
	if err := e.early(t, k.traits.Algorithm); err != nil {
		return Made{}, err
	}
	m, err := e.primary(slot)
	if err != nil {
		return Made{}, err
	}
	if wayTo(k.home, m, k.traits, 0) == noWay {
		return Made{}, claviger.Errorf(claviger.ErrCrossProviderIncompatible, op, "a key of provider %d cannot be written by provider %d of slot %q", k.home.ID, m.ID, slot.Name)
	}
	moved, err := e.open(ctx, LiveRef(k), m, 0)
	if err != nil {
		return Made{}, err
	}
	defer moved.Release()
	version, err := e.write(ctx, op, slot.Name, m, moved.key, rotate, k.traits)
	if err != nil {
		return Made{}, err
	}
	info := k.Info()
	info.Persistence, info.Provider = claviger.Persistent, m.ID
	return Made{Version: version, Info: info}, nil
}

// firstError gives the first error that there is.
func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
