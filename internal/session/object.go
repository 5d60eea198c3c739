package session

import (
	"context"
	"math"
	"strings"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/operation"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/provider"
	pb "github.com/claviger/claviger/proto"
)

// maxObjectName is the longest label or identifier of an object that a request may name, in bytes.
const maxObjectName = 1024

// Adopt binds a slot to an object that is already in the device of the slot's provider, as its next version, with a reply
// like that of Import into a slot. Beside the mapping's right to import it takes an administrator: a device knows nothing of
// slots, and whoever may name its objects could name those of other slots. Errors: ErrAccessDenied, ErrUnsupportedOperation
// for a provider that keeps no objects, ErrResourceNotFound, ErrInvalidArgument if several objects are named so or none is
// named, ErrKeySlotOccupied without rotate, ErrIncompatibleKeyType.
func (s *Session) Adopt(ctx context.Context, r *pb.AdoptRequest) (*pb.KeyReply, error) {
	p, err := s.current()
	if err != nil {
		return nil, err
	}
	n, err := s.name("adopt", r.Slot, claviger.TypeKeySlot)
	if err != nil {
		return nil, err
	}
	g, err := s.adoption(p, n.name)
	s.decided(ctx, "adopt", n.name, err)
	if err != nil {
		return nil, err
	}
	q, err := objectQuery("adopt", r.Label, r.Id, "")
	if err != nil {
		return nil, err
	}
	t := operation.Target{Slot: g, Durable: true, Rotate: r.Rotate}
	if r.Permissions != nil {
		permissions := claviger.Permission(*r.Permissions)
		t.Permissions = &permissions
	}
	made, err := s.engine().Adopt(ctx, g, q, t)
	if err != nil {
		return nil, err
	}
	return s.keyReply(made)
}

// adoption grants the change of a slot to an administrator who may also import into it.
func (s *Session) adoption(p *policy.Policy, name string) (policy.Grant, error) {
	if _, err := p.Admin(s.caller); err != nil {
		return policy.Grant{}, err
	}
	return p.SlotWrite(s.caller, "adopt", name, policy.WriteImport)
}

// Objects lists the lasting keys in a provider's device, 1,000 at most. For administrators: others get ErrAccessDenied.
// Further errors: ErrProviderNotAvailable, ErrUnsupportedOperation for a provider that keeps no objects, ErrUnsupportedAlgorithm.
func (s *Session) Objects(ctx context.Context, r *pb.ObjectsRequest) (*pb.ObjectsReply, error) {
	const op = "objects"
	p, err := s.current()
	if err != nil {
		return nil, err
	}
	g, err := p.Admin(s.caller)
	s.decided(ctx, op, "", err)
	if err != nil {
		return nil, err
	}
	if r.Provider > math.MaxUint16 {
		return nil, claviger.Errorf(claviger.ErrProviderNotAvailable, op, "no provider has the number %d; numbers are 1 to %d", r.Provider, math.MaxUint16)
	}
	q, err := objectQuery(op, r.Label, r.Id, r.Algorithm)
	if err != nil {
		return nil, err
	}
	list, err := s.engine().Objects(ctx, g, claviger.ProviderID(r.Provider), q)
	if err != nil {
		return nil, err
	}
	reply := &pb.ObjectsReply{}
	for _, o := range list {
		reply.Objects = append(reply.Objects, &pb.ObjectDescription{Label: strings.ToValidUTF8(o.Label, "\uFFFD"), Id: o.ID,
			Algorithm: string(o.Spec.Algorithm), Class: uint32(o.Spec.Class), Bits: uint32(o.Bits)})
	}
	return reply, nil
}

// objectQuery reads what objects are looked for. Names too long for any object are ErrInvalidArgument, a name of no key
// algorithm is ErrUnsupportedAlgorithm.
func objectQuery(op, label string, id []byte, alg string) (provider.Query, error) {
	if len(label) > maxObjectName || len(id) > maxObjectName {
		return provider.Query{}, claviger.Errorf(claviger.ErrInvalidArgument, op, "a label of %d and an identifier of %d bytes; the limit of each is %d", len(label), len(id), maxObjectName)
	}
	q := provider.Query{Label: label, ID: id}
	if alg == "" {
		return q, nil
	}
	row, ok := algorithm.Lookup(claviger.Algorithm(alg), algorithm.FamilyKey)
	if !ok {
		return provider.Query{}, claviger.Errorf(claviger.ErrUnsupportedAlgorithm, op, "%q is not a key algorithm", claviger.Clip(alg))
	}
	q.Algorithm = row.Name
	return q, nil
}
