package session

import (
	"context"
	"strings"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/operation"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/secmem"
	"github.com/claviger/claviger/internal/secrets"
	pb "github.com/claviger/claviger/proto"
)

// guestOf finds a guest's algorithm: ErrUnsupportedAlgorithm.
func guestOf(op string, family uint32, name string) (*algorithm.Guest, error) {
	if family <= uint32(claviger.GuestKeyExchange) {
		if g, ok := algorithm.LookupGuest(claviger.GuestType(family), name); ok {
			return g, nil
		}
	}
	return nil, claviger.Errorf(claviger.ErrUnsupportedAlgorithm, op, "no algorithm %q in family %d", claviger.Clip(name), family)
}

// keyRecord gives what is kept of a managed key; the caller closes the blob that it holds.
func keyRecord(ctx context.Context, k *operation.Key) (secrets.Key, *secmem.Bytes, error) {
	spec, ok := k.Managed()
	if !ok {
		return secrets.Key{}, nil, claviger.Errorf(claviger.ErrInvalidResourceType, "managed key", "the handle is not that of a managed key")
	}
	home, blob, err := k.Kept(ctx)
	if err != nil {
		return secrets.Key{}, nil, err
	}
	return secrets.Key{Type: spec.Guest.Type, Algorithm: spec.Guest.Name, Exportable: spec.Exportable, Provider: home, Blob: blob.Bytes()}, blob, nil
}

// holdManaged runs a verb that gives a managed key, and gives the key a handle. Handle and key are counted before the
// verb runs.
func (s *Session) holdManaged(verb func(*pb.ManagedReply) (*operation.Key, error)) (*pb.ManagedReply, error) {
	undo, err := s.room(operation.Target{})
	if err != nil {
		return nil, err
	}
	reply := &pb.ManagedReply{}
	key, err := verb(reply)
	if err != nil {
		undo()
		return nil, err
	}
	spec, _ := key.Managed()
	reply.Type, reply.Algorithm, reply.Exportable = uint32(spec.Guest.Type), string(spec.Guest.Name), spec.Exportable
	public, err := key.PublicInfo()
	if err == nil {
		reply.Public = public
		reply.Handle, err = s.table.add(&liveKey{key: key, id: reply.Id})
	}
	if err != nil {
		s.drop(&liveKey{key: key})
		return nil, err
	}
	return reply, nil
}

// MakeManaged makes a managed key of the tenant, of its material or without any a new one, and gives a handle for it,
// which the caller releases: what is kept stays. Durable when it returns. The request's material is wiped. Errors:
// ErrUnsupportedAlgorithm, ErrKeyNotSupported for an algorithm without keys, ErrInvalidKey, ErrInvalidFormat and
// ErrIncompatibleKeyType for material that is no key of it, ErrQuotaExceeded.
func (s *Session) MakeManaged(ctx context.Context, r *pb.MakeManagedRequest) (*pb.ManagedReply, error) {
	defer secmem.Wipe(r.Material)
	const op = "make managed key"
	m, g, err := s.own(op)
	if err != nil {
		return nil, err
	}
	reply, err := s.holdManaged(func(reply *pb.ManagedReply) (key *operation.Key, err error) {
		reply.Version = 1
		key, err = s.newManaged(ctx, op, r, func(k secrets.Key) error { return m.VetKey(g, nil, k) })
		if err != nil {
			return nil, err
		}
		err = s.keepManaged(ctx, key, func(k secrets.Key) (err error) { reply.Id, err = m.PutKey(ctx, g, k); return err })
		return key, err
	})
	s.decided(ctx, op, reply.GetId(), err)
	return reply, err
}

// newManaged makes the key of a request; vet is asked before the work is done.
func (s *Session) newManaged(ctx context.Context, op string, r *pb.MakeManagedRequest, vet func(secrets.Key) error) (*operation.Key, error) {
	p, err := s.current()
	if err != nil {
		return nil, err
	}
	guest, err := guestOf(op, r.Type, r.Algorithm)
	if err != nil {
		return nil, err
	}
	if err := vet(secrets.Key{Type: guest.Type, Algorithm: guest.Name}); err != nil {
		return nil, err
	}
	var material []byte // nil generates
	if len(r.Material) > 0 {
		material = r.Material
	}
	return s.engine().MakeManaged(ctx, p.Keyless(s.caller), operation.ManagedSpec{Guest: guest, Exportable: r.Exportable}, material)
}

// keepManaged has a key stored. A key that is not stored is released.
func (s *Session) keepManaged(ctx context.Context, key *operation.Key, store func(secrets.Key) error) error {
	record, blob, err := keyRecord(ctx, key)
	if err == nil {
		err = store(record)
		blob.Close()
	}
	if err != nil {
		key.Release()
	}
	return err
}

// ReplaceManaged makes the next version of a managed key: of material, or as a copy of another managed key of the
// session, which stays what it is. The reply has a handle for the new version; handles of older ones stay what they are.
// Durable when it returns. The request's material is wiped. Errors: ErrSecretNotFound for an identifier that is unknown,
// another tenant's or without any version left, ErrIncompatibleKeys for a key of another family or algorithm,
// ErrResourceNotFound and ErrInvalidResourceType for the handle, ErrInvalidArgument without a key or with two, and those
// of MakeManaged.
func (s *Session) ReplaceManaged(ctx context.Context, r *pb.ReplaceManagedRequest) (*pb.ManagedReply, error) {
	defer secmem.Wipe(r.Material)
	const op = "replace managed key"
	m, g, err := s.own(op)
	if err == nil && (len(r.Material) == 0) == (r.Key == 0) {
		err = claviger.Errorf(claviger.ErrInvalidArgument, op, "one of material and the handle of a managed key is to be given")
	}
	if err != nil {
		return nil, err
	}
	id := identifier(r.Id)
	reply, err := s.holdManaged(func(reply *pb.ManagedReply) (key *operation.Key, err error) {
		reply.Id = id
		vet := func(k secrets.Key) error { return m.VetKey(g, []byte(id), k) }
		if r.Key != 0 {
			key, err = s.sameManaged(op, r.Key, vet)
		} else {
			key, err = s.newManaged(ctx, op, &pb.MakeManagedRequest{Type: r.Type, Algorithm: r.Algorithm, Material: r.Material, Exportable: r.Exportable}, vet)
		}
		if err != nil {
			return nil, err
		}
		err = s.keepManaged(ctx, key, func(k secrets.Key) (err error) {
			reply.Version, err = m.ReplaceKey(ctx, g, []byte(id), k)
			return err
		})
		return key, err
	})
	s.decided(ctx, op, claviger.Clip(id), err)
	return reply, err
}

// sameManaged gives another reference to a managed key of the session.
func (s *Session) sameManaged(op string, h uint64, vet func(secrets.Key) error) (*operation.Key, error) {
	p, err := s.current()
	if err != nil {
		return nil, err
	}
	k, err := s.managed(p, op, h)
	if err != nil {
		return nil, err
	}
	spec, _ := k.live.Managed()
	if err := vet(secrets.Key{Type: spec.Guest.Type, Algorithm: spec.Guest.Name}); err != nil {
		k.done()
		return nil, err
	}
	return k.live, nil
}

// managed resolves a handle to a managed key with a reference of the caller's: ErrResourceNotFound,
// ErrInvalidResourceType.
func (s *Session) managed(p *policy.Policy, op string, h uint64) (source, error) {
	k, err := s.source(p, op, h, 0)
	if err != nil {
		return source{}, err
	}
	if k.live != nil {
		if _, ok := k.live.Managed(); ok {
			return k, nil
		}
	}
	k.done()
	return source{}, claviger.Errorf(claviger.ErrInvalidResourceType, op, "the handle is not that of a managed key")
}

// identifier gives an identifier without the zero bytes of a longer buffer behind it.
func identifier(b []byte) string { return strings.TrimRight(string(b), "\x00") }

// OpenManaged gives a handle for a version of a managed key of the tenant, or for the latest one
// (claviger.LatestVersion). Errors: ErrSecretNotFound for what is unknown, another tenant's or invalidated and for the
// other reserved versions, ErrProviderNotAvailable.
func (s *Session) OpenManaged(ctx context.Context, r *pb.OpenManagedRequest) (*pb.ManagedReply, error) {
	const op = "open managed key"
	m, g, err := s.own(op)
	if err != nil {
		return nil, err
	}
	reply, err := s.holdManaged(func(reply *pb.ManagedReply) (*operation.Key, error) {
		found, version, err := m.GetKey(ctx, g, r.Id, r.Version)
		if err != nil {
			return nil, err
		}
		defer secmem.Wipe(found.Blob)
		reply.Id, reply.Version = identifier(r.Id), version
		return s.loadManaged(ctx, op, found)
	})
	s.decided(ctx, op, claviger.Clip(identifier(r.Id)), err)
	return reply, err
}

// loadManaged makes a managed key live again.
func (s *Session) loadManaged(ctx context.Context, op string, found secrets.Key) (*operation.Key, error) {
	p, err := s.current()
	if err != nil {
		return nil, err
	}
	guest, err := guestOf(op, uint32(found.Type), string(found.Algorithm))
	if err != nil {
		return nil, err
	}
	return s.engine().LoadManaged(ctx, p.Keyless(s.caller), operation.ManagedSpec{Guest: guest, Exportable: found.Exportable}, found.Provider, found.Blob)
}

// InvalidateManaged destroys versions of a managed key of the tenant: they cannot be opened from then on. Handles and
// states that are open go on until they are released. Durable when it returns. ErrSecretNotFound when there is nothing
// to destroy.
func (s *Session) InvalidateManaged(ctx context.Context, r *pb.InvalidateManagedRequest) (*pb.InvalidateManagedReply, error) {
	const op = "invalidate managed key"
	m, g, err := s.own(op)
	if err != nil {
		return nil, err
	}
	err = m.InvalidateKey(ctx, g, r.Id, r.Version)
	s.decided(ctx, op, claviger.Clip(identifier(r.Id)), err)
	if err != nil {
		return nil, err
	}
	return &pb.InvalidateManagedReply{}, nil
}

// ListManaged gives a page of the tenant's managed keys, without any of their bytes.
func (s *Session) ListManaged(_ context.Context, r *pb.ListManagedRequest) (*pb.ListManagedReply, error) {
	m, g, err := s.own("list managed keys")
	if err != nil {
		return nil, err
	}
	page, next, err := m.ListKeys(g, r.After, int(min(r.Max, secrets.MaxPage)))
	if err != nil {
		return nil, err
	}
	reply := &pb.ListManagedReply{Next: next}
	for _, i := range page {
		reply.Keys = append(reply.Keys, &pb.ManagedDescription{Id: i.ID, Type: uint32(i.Type), Algorithm: string(i.Algorithm), Latest: i.Latest, Versions: i.Versions})
	}
	return reply, nil
}
