package client

import (
	"context"
	"slices"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
)

// KeySource is what can serve as the key of an operation: a *Key, a *KeySlot (its newest
// version) or what KeySlot.Version gives. No other type can implement it.
type KeySource interface {
	// source gives the handle for use in cc.
	source(cc *CryptoContext, what string) (keyHandle, error)
}

// keyHandle names a key to the daemon.
type keyHandle struct {
	handle  uint64
	version uint64 // of a slot; 0 is the newest
}

// KeySlot is a durable place for one key. Given as a key it means its newest version, which the
// daemon loads for the context that is made with it. Safe for concurrent use; released with its
// CryptoContext.
type KeySlot struct{ resource }

// slotVersion is one version of a slot, as a key.
type slotVersion struct {
	slot    *KeySlot
	version uint64
}

// source gives the handle of the slot; version 0 is the newest.
func (s *KeySlot) source(cc *CryptoContext, what string) (keyHandle, error) {
	if s == nil {
		return keyHandle{}, claviger.Errorf(claviger.ErrInvalidArgument, what, "no key slot given")
	}
	if err := s.check(cc, what); err != nil {
		return keyHandle{}, err
	}
	return keyHandle{handle: s.handle}, nil
}

// source gives the handle of the slot and the version.
func (v slotVersion) source(cc *CryptoContext, what string) (keyHandle, error) {
	from, err := v.slot.source(cc, what)
	from.version = v.version
	return from, err
}

// Version gives one version of the slot as a key. Versions count from 1; 0 is the newest at the
// time of use. An older version can decrypt and verify until it is destroyed.
func (s *KeySlot) Version(n uint64) KeySource { return slotVersion{s, n} }

// Info asks for the slot's state, algorithm, providers, permissions and versions.
func (s *KeySlot) Info(ctx context.Context) (claviger.KeySlotInfo, error) {
	reply, err := s.query(ctx, s.cc, 0)
	if err != nil {
		return claviger.KeySlotInfo{}, err
	}
	return slotInfo(reply), nil
}

// Object takes a picture of the slot to ask questions of. The picture does not change with the
// slot.
func (s *KeySlot) Object(ctx context.Context) (*KeySlotObject, error) {
	reply, err := s.query(ctx, s.cc, 0)
	if err != nil {
		return nil, err
	}
	return &KeySlotObject{
		info:        slotInfo(reply),
		modes:       algorithms(reply.GetModes()),
		callerNonce: reply.GetCallerNonce(),
	}, nil
}

// KeySlotObject is a picture of a key slot, taken by KeySlot.Object.
type KeySlotObject struct {
	info        claviger.KeySlotInfo
	modes       []claviger.Algorithm
	callerNonce bool
}

// Info gives all that KeySlot.Info gives. The caller owns its slices.
func (o *KeySlotObject) Info() claviger.KeySlotInfo {
	info := o.info
	info.Compatible = slices.Clone(info.Compatible)
	info.Versions = slices.Clone(info.Versions)
	return info
}

// State says whether a key is in the slot.
func (o *KeySlotObject) State() claviger.SlotState { return o.info.State }

// Algorithm gives the key algorithm that the slot is for.
func (o *KeySlotObject) Algorithm() claviger.Algorithm { return o.info.Algorithm }

// PrimaryProvider gives the only provider that writes the slot.
func (o *KeySlotObject) PrimaryProvider() claviger.ProviderID { return o.info.Primary }

// CompatibleProviders gives the providers that can use the key, the primary first.
func (o *KeySlotObject) CompatibleProviders() []claviger.ProviderID {
	return slices.Clone(o.info.Compatible)
}

// PermittedOperations gives what the caller may do with the slot's key.
func (o *KeySlotObject) PermittedOperations() claviger.Permission { return o.info.Permissions }

// Modes gives the operation algorithms that the slot's key may serve; nil means all that fit
// the key.
func (o *KeySlotObject) Modes() []claviger.Algorithm { return slices.Clone(o.modes) }

// CallerNonce reports whether the caller chooses AEAD nonces. Otherwise the daemon draws them.
func (o *KeySlotObject) CallerNonce() bool { return o.callerNonce }

// query asks for the slot's information in the name of cc.
func (s *KeySlot) query(ctx context.Context, cc *CryptoContext, timeout time.Duration) (*pb.SlotInfoReply, error) {
	const what = "slot info"
	from, err := s.source(cc, what)
	if err != nil {
		return nil, err
	}
	reply := &pb.SlotInfoReply{}
	return reply, cc.control(ctx, what, wire.OpSlotInfo, timeout, &pb.SlotInfoRequest{Slot: from.handle}, reply)
}
