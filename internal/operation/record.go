package operation

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/store"
)

// A slot takes one record of the kind slot and one of the kind key for each version. The slot's record, schema 1, is a
// JSON object without key bytes:
//
//	{"algorithm":"AES-256","versions":[{"version":1,"id":"00112233445566778899aabbccddeeff","provider":2,"class":1,
//	 "bits":256,"permissions":3,"public":0,"restricted":false}]}
//
// Versions are in ascending order; the last is the newest. There is no record for an empty slot. The record of a
// version, schema 1, is nothing but the blob of the provider that made the key. Both are written in one transaction.
const (
	slotSchema uint16 = 1
	keySchema  uint16 = 1
)

// maxVersions bounds the versions of one slot that can be alive at once, so that a slot's record stays small.
const maxVersions = 10_000

// slotRecord is what is stored of a slot.
type slotRecord struct {
	Algorithm claviger.Algorithm `json:"algorithm"`
	Versions  []versionRecord    `json:"versions"`
}

// versionRecord is what is stored of a version beside its key.
type versionRecord struct {
	Version     uint64              `json:"version"`
	ID          string              `json:"id"`
	Provider    claviger.ProviderID `json:"provider"`
	Class       claviger.KeyClass   `json:"class"`
	Bits        int                 `json:"bits"`
	Permissions claviger.Permission `json:"permissions"`
	Public      claviger.Permission `json:"public"`
	Restricted  bool                `json:"restricted"`
}

// traits gives what the record says of the key; the algorithm is the slot's.
func (v versionRecord) traits(alg claviger.Algorithm) Traits {
	return Traits{Algorithm: alg, Class: v.Class, Bits: v.Bits, Permissions: v.Permissions, Public: v.Public, Restricted: v.Restricted}
}

// newest gives the last version; ok is false for an empty slot.
func (r *slotRecord) newest() (versionRecord, bool) {
	if len(r.Versions) == 0 {
		return versionRecord{}, false
	}
	return r.Versions[len(r.Versions)-1], true
}

// find gives a version, 0 being the newest.
func (r *slotRecord) find(version uint64) (versionRecord, bool) {
	if version == 0 {
		return r.newest()
	}
	for _, v := range r.Versions {
		if v.Version == version {
			return v, true
		}
	}
	return versionRecord{}, false
}

// encode gives the record's stored form, which decodeSlot reads back.
func (r *slotRecord) encode() ([]byte, error) { return json.Marshal(r) }

// decodeSlot reads a slot's record strictly: unknown fields, unordered versions and impossible values are
// ErrInvalidFormat.
func decodeSlot(schema uint16, value []byte) (*slotRecord, error) {
	fault := claviger.Errorf(claviger.ErrInvalidFormat, "slot", "the slot's record is not in a form that this version reads")
	if schema != slotSchema {
		return nil, fault
	}
	d := json.NewDecoder(bytes.NewReader(value))
	d.DisallowUnknownFields()
	var r slotRecord
	if d.Decode(&r) != nil || r.Algorithm == "" || len(r.Algorithm) > claviger.MaxName || len(r.Versions) > maxVersions {
		return nil, fault
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fault
	}
	last := uint64(0)
	for _, v := range r.Versions {
		id, err := hex.DecodeString(v.ID)
		if err != nil || len(id) != idSize || v.Version <= last || v.Class < claviger.SecretKey || v.Class > claviger.PublicKey ||
			!v.Permissions.Valid() || !v.Public.Valid() || v.Bits < 0 {
			return nil, fault
		}
		last = v.Version
	}
	return &r, nil
}

// idSize is the size of a version's random identifier in bytes; it is written in hexadecimal.
const idSize = 16

// newID draws an identifier.
func (e *Engine) newID() ([]byte, error) {
	id := make([]byte, idSize)
	if _, err := io.ReadFull(e.rand, id); err != nil {
		return nil, claviger.Errorf(claviger.ErrOperationFailed, "slot", "the system gave no random numbers")
	}
	return id, nil
}

// readSlot gives a slot's record within a transaction; an empty slot gives an empty record.
func readSlot(tx *store.Tx, slot string) (*slotRecord, error) {
	r, err := tx.Get(store.Key{Kind: store.KindSlot, Name: slot})
	if errors.Is(err, claviger.ErrResourceNotFound) {
		return &slotRecord{}, nil
	}
	if err != nil {
		return nil, err
	}
	return decodeSlot(r.Schema, r.Value)
}

// Held tells what a store says of a slot without opening its keys: their algorithm, and the numbers of the providers that keep them,
// each once; "" and none for an empty slot. Errors are those of the store, and ErrInvalidFormat for a record that is not understood.
func Held(db *store.DB, slot string) (alg claviger.Algorithm, homes []claviger.ProviderID, err error) {
	err = db.View(func(tx *store.Tx) error {
		r, err := readSlot(tx, slot)
		if err != nil || len(r.Versions) == 0 {
			return err
		}
		alg = r.Algorithm
		for _, v := range r.Versions {
			if !slices.Contains(homes, v.Provider) {
				homes = append(homes, v.Provider)
			}
		}
		return nil
	})
	return alg, homes, err
}

// slotRecord gives a slot's record as it is now.
func (e *Engine) slotRecord(slot string) (*slotRecord, error) {
	var r *slotRecord
	err := e.store.View(func(tx *store.Tx) (err error) {
		r, err = readSlot(tx, slot)
		return err
	})
	return r, err
}

// addVersion writes the next version of a slot. Without rotate an occupied slot is ErrKeySlotOccupied; a slot that
// holds keys of another algorithm is ErrIncompatibleKeyType.
func addVersion(tx *store.Tx, slot string, alg claviger.Algorithm, rotate bool, v versionRecord, blob []byte) (uint64, error) {
	r, err := readSlot(tx, slot)
	if err != nil {
		return 0, err
	}
	if err := vacant(slot, r, alg, rotate); err != nil {
		return 0, err
	}
	if v.Version, err = tx.Next(store.KindKey, slot); err != nil {
		return 0, err
	}
	r.Algorithm, r.Versions = alg, append(r.Versions, v)
	value, err := r.encode()
	if err != nil {
		return 0, claviger.WrapError(claviger.ErrInternal, "slot", err)
	}
	if err := tx.Put(store.Key{Kind: store.KindSlot, Name: slot}, slotSchema, value); err != nil {
		return 0, err
	}
	return v.Version, tx.Put(store.Key{Kind: store.KindKey, Name: slot, Version: v.Version}, keySchema, blob)
}

// vacant reports whether a key can be written into a slot.
func vacant(slot string, r *slotRecord, alg claviger.Algorithm, rotate bool) error {
	switch {
	case len(r.Versions) == 0:
		return nil
	case !rotate:
		return claviger.Errorf(claviger.ErrKeySlotOccupied, "slot", "slot %q holds a key; rotate or clear it", slot)
	case r.Algorithm != alg:
		return claviger.Errorf(claviger.ErrIncompatibleKeyType, "slot", "slot %q holds keys of %s, not %s", slot, r.Algorithm, alg)
	case len(r.Versions) == maxVersions:
		return claviger.Errorf(claviger.ErrQuotaExceeded, "slot", "slot %q holds %d versions, which is the limit; clear some", slot, maxVersions)
	}
	return nil
}

// dropVersions deletes a version, or with 0 all, and tells which they were. Damaged records are deleted too.
func dropVersions(tx *store.Tx, slot string, version uint64) ([]uint64, error) {
	slotKey := store.Key{Kind: store.KindSlot, Name: slot}
	if version == 0 {
		return dropAll(tx, slotKey)
	}
	r, err := readSlot(tx, slot)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(r.Versions, func(v versionRecord) bool { return v.Version == version })
	if i < 0 {
		return nil, claviger.Errorf(claviger.ErrKeySlotEmpty, "clear", "slot %q has no version %d", slot, version)
	}
	if err := tx.Delete(store.Key{Kind: store.KindKey, Name: slot, Version: version}); err != nil {
		return nil, err
	}
	if r.Versions = slices.Delete(r.Versions, i, i+1); len(r.Versions) == 0 {
		return []uint64{version}, tx.Delete(slotKey)
	}
	value, err := r.encode()
	if err != nil {
		return nil, claviger.WrapError(claviger.ErrInternal, "clear", err)
	}
	return []uint64{version}, tx.Put(slotKey, slotSchema, value)
}

// dropAll deletes every record of a slot without reading them.
func dropAll(tx *store.Tx, slotKey store.Key) ([]uint64, error) {
	var gone []uint64
	for key, err := range tx.Keys(store.KindKey, slotKey.Name) {
		if err != nil {
			return nil, err
		}
		if key.Name == slotKey.Name {
			gone = append(gone, key.Version)
		}
	}
	for _, v := range gone {
		if err := tx.Delete(store.Key{Kind: store.KindKey, Name: slotKey.Name, Version: v}); err != nil {
			return nil, err
		}
	}
	return gone, tx.Delete(slotKey)
}
