package client

import (
	"context"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
)

// AdoptParams says to which object of a device a slot is to be bound. Label, ID or both name it, each of up to 1024
// bytes; in PKCS #11 they are CKA_LABEL and CKA_ID.
type AdoptParams struct {
	Label         string
	ID            []byte
	Permissions   claviger.Permission // what the key may serve; 0 is what the slot permits
	NoPermissions bool                // the key may serve nothing; Permissions is 0
	Rotate        bool                // write the next version of an occupied slot
}

// Adopt binds a slot to an object that is already in the device of the slot's primary provider, and gives the version
// that was written. The object stays as it is, also when the version is cleared. For administrators who may import into the slot:
// others get ErrAccessDenied. Further errors: ErrUnsupportedOperation for a provider that keeps no objects,
// ErrResourceNotFound, ErrInvalidArgument if several objects are named so, ErrIncompatibleKeyType, ErrKeySlotOccupied if a
// key is there and Rotate is not set.
func (m *KeyManager) Adopt(ctx context.Context, slot *KeySlot, p AdoptParams) (uint64, error) {
	const what = "adopt key"
	to, err := slot.source(m.cc, what)
	if err != nil {
		return 0, err
	}
	may, err := permitted(what, p.Permissions, p.NoPermissions)
	if err != nil {
		return 0, err
	}
	req := &pb.AdoptRequest{Slot: to.handle, Label: p.Label, Id: p.ID, Rotate: p.Rotate, Permissions: may}
	var reply pb.KeyReply
	err = m.control(ctx, what, wire.OpAdopt, req, &reply)
	return reply.GetVersion(), err
}

// ObjectQuery says which objects of a device are looked for. Zero fields but Provider fit everything.
type ObjectQuery struct {
	Provider  claviger.ProviderID
	Label     string             // up to 1024 bytes
	ID        []byte             // up to 1024 bytes
	Algorithm claviger.Algorithm // of the key; where an object leaves open what it is used as, it is taken to be this
}

// Object is a lasting key of a device.
type Object struct {
	Label     string             // for people: cut at 500 bytes; control characters and what is no UTF-8 are "?"
	ID        []byte             // the caller's
	Algorithm claviger.Algorithm // of the slot that the key fits; "" where neither object nor query says it
	Class     claviger.KeyClass
	Bits      int
}

// Objects lists the lasting keys that lie in a provider's device and fit the query, 1,000 at most; none is no error. For
// administrators: others get ErrAccessDenied. Further errors: ErrProviderNotAvailable, ErrUnsupportedOperation for a
// provider that keeps no objects, ErrUnsupportedAlgorithm.
func (s *Stack) Objects(ctx context.Context, q ObjectQuery) ([]Object, error) {
	var reply pb.ObjectsReply
	req := &pb.ObjectsRequest{Provider: uint32(q.Provider), Label: q.Label, Id: q.ID, Algorithm: string(q.Algorithm)}
	if err := s.control(ctx, "objects", wire.OpObjects, 0, req, &reply); err != nil {
		return nil, err
	}
	var list []Object
	for _, o := range reply.GetObjects() {
		list = append(list, Object{
			Label:     o.GetLabel(),
			ID:        o.GetId(),
			Algorithm: claviger.Algorithm(o.GetAlgorithm()),
			Class:     claviger.KeyClass(o.GetClass()),
			Bits:      int(o.GetBits()),
		})
	}
	return list, nil
}
