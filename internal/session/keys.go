package session

import (
	"context"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/operation"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/provider"
	pb "github.com/claviger/claviger/proto"
)

// Generate makes a key or pair. Without a slot in the target the reply has a handle for an ephemeral key, which the
// caller releases; with one the key is durable when the call returns, and the reply has the slot's new version.
// Errors: ErrUnsupportedAlgorithm, ErrProviderNotAvailable and kin for the choice of a provider; for a slot also
// ErrAccessDenied without the mapping's right to generate, ErrKeySlotOccupied without rotate, ErrIncompatibleKeyType;
// ErrQuotaExceeded before any work is done.
func (s *Session) Generate(ctx context.Context, r *pb.GenerateRequest) (*pb.KeyReply, error) {
	p, err := s.current()
	if err != nil {
		return nil, err
	}
	t, err := s.target(ctx, p, "generate", r.Target, policy.WriteGenerate)
	if err != nil {
		return nil, err
	}
	var public *claviger.Permission
	if r.PublicPermissions != nil {
		v := claviger.Permission(*r.PublicPermissions)
		public = &v
	}
	return s.making(t, func() (operation.Made, error) {
		return s.engine().Generate(ctx, p.Keyless(s.caller), claviger.Algorithm(r.Algorithm), t, public)
	})
}

// Import makes a key of bytes, with a reply and errors like those of Generate, and ErrInvalidFormat for bytes that are
// not a key. An empty algorithm takes the slot's, or what the encoding says. It wipes the bytes of the request,
// whatever comes of it.
func (s *Session) Import(ctx context.Context, r *pb.ImportRequest) (*pb.KeyReply, error) {
	defer clear(r.Data)
	p, err := s.current()
	if err != nil {
		return nil, err
	}
	t, err := s.target(ctx, p, "import", r.Target, policy.WriteImport)
	if err != nil {
		return nil, err
	}
	f, err := format("import", r.Format)
	if err != nil {
		return nil, err
	}
	return s.making(t, func() (operation.Made, error) {
		return s.engine().Import(ctx, p.Keyless(s.caller), claviger.Algorithm(r.Algorithm), f, r.Data, t)
	})
}

// format reads a format's number.
func format(op string, n uint32) (claviger.Format, error) {
	if n > uint32(claviger.Raw) {
		return 0, claviger.Errorf(claviger.ErrInvalidArgument, op, "unknown format %d", n)
	}
	return claviger.Format(n), nil
}

// Persist copies an ephemeral key into a slot. The key and its handle stay as they are; the copy is durable when the
// call returns. Errors: ErrKeyOperationNotPermitted if the key permits more than the slot, or is a slot's itself;
// ErrAccessDenied, ErrKeySlotOccupied, ErrIncompatibleKeyType, ErrCrossProviderIncompatible.
func (s *Session) Persist(ctx context.Context, r *pb.PersistRequest) (*pb.KeyReply, error) {
	p, err := s.current()
	if err != nil {
		return nil, err
	}
	k, err := s.source(p, "persist", r.Key, 0)
	if err != nil {
		return nil, err
	}
	defer k.done()
	if k.live == nil {
		return nil, claviger.Errorf(claviger.ErrInvalidResourceType, "persist", "the handle is that of a slot; an ephemeral key is needed")
	}
	g, err := s.writeGrant(ctx, p, "persist", r.Slot, policy.WritePersist)
	if err != nil {
		return nil, err
	}
	made, err := s.engine().Persist(ctx, g, k.live, r.Rotate)
	if err != nil {
		return nil, err
	}
	return s.keyReply(made)
}

// Load gives a handle for the key of a slot's version, 0 being the newest. All who use that version share one key in
// memory, which is wiped when the last handle and context on it are gone. The slot's and the mapping's rules go with
// the handle. Errors: ErrKeySlotEmpty, ErrProviderNotAvailable.
func (s *Session) Load(ctx context.Context, r *pb.LoadRequest) (*pb.KeyReply, error) {
	if _, err := s.name("load", r.Slot, claviger.TypeKeySlot); err != nil {
		return nil, err
	}
	_, k, g, err := s.granted(ctx, "load", r.Slot, r.Version, own)
	if err != nil {
		return nil, err
	}
	undo, err := s.room(operation.Target{})
	if err != nil {
		return nil, err
	}
	key, err := s.engine().LoadKey(ctx, g, k.ref)
	if err != nil {
		undo()
		return nil, err
	}
	info := key.Info()
	info.Permissions = g.Permissions()
	_, version := key.Slot()
	reply := &pb.KeyReply{Key: describe(info), Version: version}
	return reply, s.hold(reply, &liveKey{key: key, name: k.name, old: k.old})
}

// Clear destroys all versions of a slot, or the one that is named; their numbers are never given again. Contexts that
// were opened on them, of any session, serve no further call. Errors: ErrAccessDenied, ErrKeySlotEmpty.
func (s *Session) Clear(ctx context.Context, r *pb.ClearRequest) (*pb.ClearReply, error) {
	p, err := s.current()
	if err != nil {
		return nil, err
	}
	g, err := s.writeGrant(ctx, p, "clear", r.Slot, policy.WriteClear)
	if err != nil {
		return nil, err
	}
	return &pb.ClearReply{}, s.engine().Clear(ctx, g, r.Version)
}

// Export gives a key out. Secret and private keys demand Export of slot, mapping and key; public keys demand nothing.
// Errors: ErrKeyOperationNotPermitted, ErrKeyNotExportable, ErrInvalidArgument for a format that the key does not have.
func (s *Session) Export(ctx context.Context, r *pb.ExportRequest) (*pb.ExportReply, error) {
	f, err := format("export", r.Format)
	if err != nil {
		return nil, err
	}
	_, k, g, err := s.granted(ctx, "export", r.Key, r.Version, func(t operation.Traits) (want, has claviger.Permission) {
		return operation.ExportNeeds(t), t.Permissions
	})
	if err != nil {
		return nil, err
	}
	defer k.done()
	data, err := s.engine().Export(ctx, g, k.ref, f)
	return &pb.ExportReply{Data: data}, err
}

// PublicKey gives the public half of a pair as an ephemeral key of its own, with a handle that the caller releases, and
// its bytes. Whoever may name the pair may have its public half. A secret key is ErrIncompatibleKeyType.
func (s *Session) PublicKey(ctx context.Context, r *pb.PublicKeyRequest) (*pb.PublicKeyReply, error) {
	f, err := format("public key", r.Format)
	if err != nil {
		return nil, err
	}
	_, k, g, err := s.granted(ctx, "public key", r.Key, r.Version, own)
	if err != nil {
		return nil, err
	}
	defer k.done()
	var data []byte
	reply, err := s.making(operation.Target{}, func() (made operation.Made, err error) {
		made, data, err = s.engine().PublicKey(ctx, g, k.ref, f)
		return made, err
	})
	return &pb.PublicKeyReply{Key: reply, Data: data}, err
}

// KeyInfo describes a live key, or the newest of a slot. A slot's key shows the permissions that slot, mapping and key
// leave.
func (s *Session) KeyInfo(_ context.Context, r *pb.KeyInfoRequest) (*pb.KeyReply, error) {
	p, err := s.current()
	if err != nil {
		return nil, err
	}
	k, err := s.source(p, "key info", r.Key, 0)
	if err != nil {
		return nil, err
	}
	defer k.done()
	g, err := s.grant(p, "key info", k, 0, k.ref.Traits().Permissions)
	if err != nil {
		return nil, err
	}
	info, version := k.ref.Info()
	info.Permissions = g.Permissions()
	return &pb.KeyReply{Key: describe(info), Version: version}, nil
}

// SlotInfo describes a slot: state, algorithm, versions, providers in the configured order with the primary first, and
// the permissions that slot, mapping and newest key leave. A slot whose record is damaged is locked, not an error.
func (s *Session) SlotInfo(_ context.Context, r *pb.SlotInfoRequest) (*pb.SlotInfoReply, error) {
	p, err := s.current()
	if err != nil {
		return nil, err
	}
	n, err := s.name("slot info", r.Slot, claviger.TypeKeySlot)
	if err != nil {
		return nil, err
	}
	return s.slotInfo(p, n.name)
}

// slotInfo describes the slot that a name stands for.
func (s *Session) slotInfo(p *policy.Policy, name string) (*pb.SlotInfoReply, error) {
	g, err := p.SlotKey(s.caller, "slot info", name, claviger.AllPermissions, 0)
	if err != nil {
		return nil, err
	}
	info, err := s.engine().SlotInfo(g, g.Permissions())
	if err != nil {
		return nil, err
	}
	reply := &pb.SlotInfoReply{State: uint32(info.State), Algorithm: string(info.Algorithm), Primary: uint32(info.Primary),
		Permissions: uint32(info.Permissions), CallerNonce: g.Slot().CallerNonce}
	for _, id := range info.Compatible {
		reply.Compatible = append(reply.Compatible, uint32(id))
	}
	for _, v := range info.Versions {
		reply.Versions = append(reply.Versions, &pb.KeyVersion{Version: v.Version, Id: v.ID})
	}
	for _, m := range g.Slot().Modes {
		reply.Modes = append(reply.Modes, string(m))
	}
	return reply, nil
}

// needs gives the needs of a verb whose result is a key.
func needs(do provider.Op) func(operation.Traits) (want, has claviger.Permission) {
	return func(t operation.Traits) (want, has claviger.Permission) {
		return operation.Wants(do, t)
	}
}

// kdf reads a derivation; nil if there is none.
func kdf(k *pb.Kdf) *provider.KDF {
	if k == nil {
		return nil
	}
	return &provider.KDF{Algorithm: claviger.Algorithm(k.Algorithm), Salt: k.Salt, Info: k.Info, Size: int(k.Size)}
}

// keyVerb runs a verb whose result is a key: resolve, authorize, run.
func (s *Session) keyVerb(ctx context.Context, do provider.Op, h, version uint64, derived string, k *pb.Kdf, t *pb.KeyTarget,
	verb func(policy.Grant, *operation.KeyRef, operation.Result) (operation.Made, error)) (*pb.KeyReply, error) {
	p, src, g, err := s.granted(ctx, do.String(), h, version, needs(do))
	if err != nil {
		return nil, err
	}
	defer src.done()
	target, err := s.target(ctx, p, do.String(), t, policy.WritePersist)
	if err != nil {
		return nil, err
	}
	return s.making(target, func() (operation.Made, error) {
		return verb(g, src.ref, operation.Result{Algorithm: claviger.Algorithm(derived), KDF: kdf(k), Target: target})
	})
}

// Agree makes a key of a Diffie-Hellman exchange with the peer's public key, given as bytes or as the handle of a key.
// Replies are like those of Generate; into a slot it takes the mapping's right to persist. Errors:
// ErrKeyOperationNotPermitted without Agree, ErrIncompatibleKeyType, ErrInvalidFormat, ErrKeyAgreementFailed.
func (s *Session) Agree(ctx context.Context, r *pb.AgreeRequest) (*pb.KeyReply, error) {
	peer, done, err := s.peer(r)
	if err != nil {
		return nil, err
	}
	defer done()
	return s.keyVerb(ctx, provider.Agree, r.Key, r.Version, r.Derived, r.Kdf, r.Target,
		func(g policy.Grant, ref *operation.KeyRef, result operation.Result) (operation.Made, error) {
			return s.engine().Agree(ctx, g, ref, claviger.Algorithm(r.Algorithm), peer, result)
		})
}

// peer resolves the other side's key. The caller calls done.
func (s *Session) peer(r *pb.AgreeRequest) (peer operation.Peer, done func(), err error) {
	if r.PeerKey == 0 {
		f, err := format("agree", r.Format)
		return operation.Peer{Data: r.Peer, Format: f}, func() {}, err
	}
	if len(r.Peer) != 0 {
		return operation.Peer{}, nil, claviger.Errorf(claviger.ErrInvalidArgument, "agree", "the peer's key is given twice: as bytes and as a handle")
	}
	p, err := s.current()
	if err != nil {
		return operation.Peer{}, nil, err
	}
	k, err := s.source(p, "agree", r.PeerKey, 0)
	if err != nil {
		return operation.Peer{}, nil, err
	}
	if k.live == nil {
		return operation.Peer{}, nil, claviger.Errorf(claviger.ErrInvalidResourceType, "agree", "the peer's handle is that of a slot; a key is needed")
	}
	return operation.Peer{Key: k.live}, k.done, nil
}

// Derive makes a key of a secret key, which must permit Derive. The same key, salt and info give the same result.
// Errors: ErrKeyOperationNotPermitted, ErrIncompatibleKeyType, ErrInvalidArgument, ErrKeyDerivationFailed.
func (s *Session) Derive(ctx context.Context, r *pb.DeriveRequest) (*pb.KeyReply, error) {
	return s.keyVerb(ctx, provider.Derive, r.Key, r.Version, r.Derived, r.Kdf, r.Target,
		func(g policy.Grant, ref *operation.KeyRef, result operation.Result) (operation.Made, error) {
			return s.engine().Derive(ctx, g, ref, result)
		})
}

// Encapsulate makes a key for the holder of a private key, and the ciphertext that carries it. It works with the public
// half, and demands Agree of it. Errors are those of Agree.
func (s *Session) Encapsulate(ctx context.Context, r *pb.EncapsulateRequest) (*pb.EncapsulateReply, error) {
	var ciphertext []byte
	reply, err := s.keyVerb(ctx, provider.Encapsulate, r.Key, r.Version, r.Derived, r.Kdf, r.Target,
		func(g policy.Grant, ref *operation.KeyRef, result operation.Result) (made operation.Made, err error) {
			made, ciphertext, err = s.engine().Encapsulate(ctx, g, ref, result)
			return made, err
		})
	if err != nil {
		return nil, err
	}
	return &pb.EncapsulateReply{Key: reply, Ciphertext: ciphertext}, nil
}

// Decapsulate makes the key that a ciphertext carries. An altered ciphertext of the right length gives another key and
// no error (FIPS 203, 6.3). Errors are those of Agree.
func (s *Session) Decapsulate(ctx context.Context, r *pb.DecapsulateRequest) (*pb.KeyReply, error) {
	return s.keyVerb(ctx, provider.Decapsulate, r.Key, r.Version, r.Derived, r.Kdf, r.Target,
		func(g policy.Grant, ref *operation.KeyRef, result operation.Result) (operation.Made, error) {
			return s.engine().Decapsulate(ctx, g, ref, r.Ciphertext, result)
		})
}
