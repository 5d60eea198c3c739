package client

import (
	"context"
	"iter"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
)

// Managed keys are kept beside secrets, in the same way: under random identifiers of the tenant's own, which are not those
// of secrets, and in versions that count from 1. They do not expire. Every key that a method gives is a *ManagedKey,
// which the caller closes.

// GenerateKey makes a managed key of one of wasi-crypto's algorithms, such as "ECDSA_P256_SHA256". It is version 1 of a
// new identifier, durable when the call returns. ErrUnsupportedAlgorithm, ErrKeyNotSupported for an algorithm without
// keys.
func (s *Secrets) GenerateKey(ctx context.Context, t claviger.GuestType, algorithm claviger.Algorithm, o claviger.ManagedOptions) (claviger.ManagedKey, error) {
	return s.makeKey(ctx, "generate managed key", &pb.MakeManagedRequest{Type: uint32(t), Algorithm: string(algorithm), Exportable: o.Exportable})
}

// StoreKey makes a managed key of what the caller has, which stays the caller's: version 1 of a new identifier, durable
// when the call returns. ErrInvalidKey, ErrInvalidFormat or ErrIncompatibleKeyType for what is no key of the algorithm. A
// symmetric key has 1 to 8192 bytes.
func (s *Secrets) StoreKey(ctx context.Context, m claviger.ManagedMaterial) (claviger.ManagedKey, error) {
	const what = "store managed key"
	if err := checkMaterial(what, m); err != nil {
		return nil, err
	}
	return s.makeKey(ctx, what, &pb.MakeManagedRequest{Type: uint32(m.Type), Algorithm: string(m.Algorithm), Material: m.Key, Exportable: m.Exportable})
}

// checkMaterial refuses a key of no bytes: to the daemon that would mean to make one.
func checkMaterial(what string, m claviger.ManagedMaterial) error {
	if len(m.Key) == 0 {
		return claviger.Errorf(claviger.ErrInvalidKey, what, "a key of no bytes")
	}
	return nil
}

// makeKey makes version 1 of a new identifier.
func (s *Secrets) makeKey(ctx context.Context, what string, req *pb.MakeManagedRequest) (claviger.ManagedKey, error) {
	var reply pb.ManagedReply
	return s.managed(what, &reply, s.stack.control(ctx, what, wire.OpMakeManaged, 0, req, &reply))
}

// managed gives the key of a reply, or the error of its call.
func (s *Secrets) managed(what string, reply *pb.ManagedReply, err error) (claviger.ManagedKey, error) {
	if err != nil {
		return nil, err
	}
	k, err := s.stack.newManaged(what, reply)
	if err != nil {
		return nil, err
	}
	return k, nil
}

// ReplaceKey makes the next version of a managed key and gives it. Older versions stay usable until they are
// invalidated. ErrIncompatibleKeys for a key of another family or algorithm; ErrSecretNotFound for an identifier that is
// unknown, another tenant's or without any version left; else as StoreKey.
func (s *Secrets) ReplaceKey(ctx context.Context, id string, m claviger.ManagedMaterial) (claviger.ManagedKey, error) {
	const what = "replace managed key"
	if err := checkMaterial(what, m); err != nil {
		return nil, err
	}
	return s.replaceKey(ctx, what, &pb.ReplaceManagedRequest{Id: []byte(id), Type: uint32(m.Type), Algorithm: string(m.Algorithm), Material: m.Key, Exportable: m.Exportable})
}

// ReplaceKeyWith makes the next version of a managed key a copy of another one of the same stack, which stays what it
// is. The copy is exportable if that one is. ErrInvalidArgument for a key of another stack or kind; else as ReplaceKey.
func (s *Secrets) ReplaceKeyWith(ctx context.Context, id string, k claviger.ManagedKey) (claviger.ManagedKey, error) {
	const what = "replace managed key"
	from, ok := k.(*ManagedKey)
	if ok && from != nil {
		if err := from.check(what); err != nil {
			return nil, err
		}
		if err := from.cc.stack.link.Err(); err != nil {
			return nil, err
		}
	}
	if !ok || from == nil || from.cc.stack != s.stack {
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, what, "the new key is not a managed key of the same stack")
	}
	return s.replaceKey(ctx, what, &pb.ReplaceManagedRequest{Id: []byte(id), Key: from.key.handle})
}

func (s *Secrets) replaceKey(ctx context.Context, what string, req *pb.ReplaceManagedRequest) (claviger.ManagedKey, error) {
	var reply pb.ManagedReply
	return s.managed(what, &reply, s.stack.control(ctx, what, wire.OpReplaceManaged, 0, req, &reply))
}

// OpenKey gives a version of a managed key, or with claviger.LatestVersion the highest that was ever made: never an
// older one in its place. ErrSecretNotFound for what is unknown or invalidated.
func (s *Secrets) OpenKey(ctx context.Context, id string, version uint64) (claviger.ManagedKey, error) {
	const what = "open managed key"
	var reply pb.ManagedReply
	return s.managed(what, &reply, s.stack.control(ctx, what, wire.OpOpenManaged, 0, &pb.OpenManagedRequest{Id: []byte(id), Version: version}, &reply))
}

// InvalidateKey destroys a version of a managed key, the latest one (claviger.LatestVersion), or every one
// (claviger.AllVersions). Keys and states that are open go on until they are closed. ErrSecretNotFound when there is
// nothing to destroy.
func (s *Secrets) InvalidateKey(ctx context.Context, id string, version uint64) error {
	req := &pb.InvalidateManagedRequest{Id: []byte(id), Version: version}
	return s.stack.control(ctx, "invalidate managed key", wire.OpInvalidateManaged, 0, req, &pb.InvalidateManagedReply{})
}

// ListKeys goes through the managed keys, ordered by identifier. An error ends it.
func (s *Secrets) ListKeys(ctx context.Context) iter.Seq2[claviger.ManagedInfo, error] {
	return func(yield func(claviger.ManagedInfo, error) bool) {
		for after := ""; ; {
			var page pb.ListManagedReply
			if err := s.stack.control(ctx, "list managed keys", wire.OpListManaged, 0, &pb.ListManagedRequest{After: after}, &page); err != nil {
				yield(claviger.ManagedInfo{}, err)
				return
			}
			for _, d := range page.GetKeys() {
				info := claviger.ManagedInfo{ID: d.GetId(), Type: claviger.GuestType(d.GetType()), Algorithm: claviger.Algorithm(d.GetAlgorithm()), Latest: d.GetLatest(), Versions: d.GetVersions()}
				if !yield(info, nil) {
					return
				}
			}
			if page.GetNext() <= after {
				return
			}
			after = page.GetNext()
		}
	}
}
