package client

import (
	"context"
	"runtime"

	"google.golang.org/protobuf/proto"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
)

// Agree makes an ephemeral key that the peer makes too. The shared secret itself stays in the
// daemon.
func (m *KeyManager) Agree(ctx context.Context, p AgreeParams) (*Key, error) {
	message, err := p.message(m)
	if err != nil {
		return nil, err
	}
	return m.make(ctx, "agree", wire.OpAgree, p.Permissions, p.NoPermissions, message, p.Key, p.PeerKey)
}

// AgreeIn agrees on a key and writes it into a slot.
func (m *KeyManager) AgreeIn(ctx context.Context, slot *KeySlot, p AgreeParams) (uint64, error) {
	message, err := p.message(m)
	if err != nil {
		return 0, err
	}
	version, err := m.makeIn(ctx, "agree", wire.OpAgree, slot, p.Permissions, p.NoPermissions, p.Rotate, message)
	runtime.KeepAlive(p)
	return version, err
}

// message checks the parameters and gives what makes the request once the target is known.
// The handles in it stand as long as the caller keeps the sources alive.
func (p *AgreeParams) message(m *KeyManager) (func(*pb.KeyTarget) proto.Message, error) {
	const what = "agree"
	from, err := sourceOf(m.cc, what, p.Key)
	if err != nil {
		return nil, err
	}
	if (p.PeerKey == nil) == (p.Peer == nil) {
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, what, "one of Peer and PeerKey is to be given")
	}
	var peer keyHandle
	if p.PeerKey != nil {
		if peer, err = p.PeerKey.source(m.cc, what); err != nil {
			return nil, err
		}
	}
	kdf, err := p.KDF.message(what)
	if err != nil {
		return nil, err
	}
	return func(t *pb.KeyTarget) proto.Message {
		return &pb.AgreeRequest{
			Key: from.handle, Version: from.version, Algorithm: string(p.Algorithm),
			Peer: p.Peer, Format: uint32(p.PeerFormat), PeerKey: peer.handle,
			Derived: string(p.Derived), Kdf: kdf, Target: t,
		}
	}, nil
}

// Derive makes an ephemeral key from another one.
func (m *KeyManager) Derive(ctx context.Context, p DeriveParams) (*Key, error) {
	message, err := p.message(m)
	if err != nil {
		return nil, err
	}
	return m.make(ctx, "derive", wire.OpDerive, p.Permissions, p.NoPermissions, message, p.Key)
}

// DeriveIn derives a key and writes it into a slot.
func (m *KeyManager) DeriveIn(ctx context.Context, slot *KeySlot, p DeriveParams) (uint64, error) {
	message, err := p.message(m)
	if err != nil {
		return 0, err
	}
	version, err := m.makeIn(ctx, "derive", wire.OpDerive, slot, p.Permissions, p.NoPermissions, p.Rotate, message)
	runtime.KeepAlive(p)
	return version, err
}

// message is what AgreeParams.message is to Agree.
func (p *DeriveParams) message(m *KeyManager) (func(*pb.KeyTarget) proto.Message, error) {
	from, err := sourceOf(m.cc, "derive", p.Key)
	if err != nil {
		return nil, err
	}
	kdf, err := p.KDF.message("derive")
	if err != nil {
		return nil, err
	}
	return func(t *pb.KeyTarget) proto.Message {
		return &pb.DeriveRequest{Key: from.handle, Version: from.version, Derived: string(p.Derived), Kdf: kdf, Target: t}
	}, nil
}

// Encapsulate makes an ephemeral key, and the ciphertext from which the holder of the private
// half makes the same one. The caller owns the ciphertext.
func (m *KeyManager) Encapsulate(ctx context.Context, p EncapsulateParams) (*Key, []byte, error) {
	reply, err := m.encapsulate(ctx, &p, 0, false)
	if err != nil {
		return nil, nil, err
	}
	k, err := m.cc.newKey("encapsulate", reply.GetKey())
	if err != nil {
		return nil, nil, err
	}
	return k, reply.GetCiphertext(), nil
}

// EncapsulateIn encapsulates a key and writes it into a slot. It gives the version written and
// the ciphertext.
func (m *KeyManager) EncapsulateIn(ctx context.Context, slot *KeySlot, p EncapsulateParams) (uint64, []byte, error) {
	to, err := slot.source(m.cc, "encapsulate")
	if err != nil {
		return 0, nil, err
	}
	reply, err := m.encapsulate(ctx, &p, to.handle, p.Rotate)
	if err != nil {
		return 0, nil, err
	}
	return reply.GetKey().GetVersion(), reply.GetCiphertext(), nil
}

// encapsulate makes the call; slot 0 is an ephemeral key. The ciphertext in the reply is the
// caller's.
func (m *KeyManager) encapsulate(ctx context.Context, p *EncapsulateParams, slot uint64, rotate bool) (*pb.EncapsulateReply, error) {
	const what = "encapsulate"
	target, err := m.target(what, slot, p.Permissions, p.NoPermissions, rotate)
	if err != nil {
		return nil, err
	}
	from, err := sourceOf(m.cc, what, p.Key)
	if err != nil {
		return nil, err
	}
	kdf, err := p.KDF.message(what)
	if err != nil {
		return nil, err
	}
	reply := &pb.EncapsulateReply{}
	req := &pb.EncapsulateRequest{Key: from.handle, Version: from.version, Derived: string(p.Derived), Kdf: kdf, Target: target}
	err = m.control(ctx, what, wire.OpEncapsulate, req, reply)
	runtime.KeepAlive(p)
	return reply, err
}

// Decapsulate makes the ephemeral key that the sender's Encapsulate made. A ciphertext of the
// right length that was not made for this key gives another key and no error (FIPS 203, section
// 6.3).
func (m *KeyManager) Decapsulate(ctx context.Context, p DecapsulateParams) (*Key, error) {
	message, err := p.message(m)
	if err != nil {
		return nil, err
	}
	return m.make(ctx, "decapsulate", wire.OpDecapsulate, p.Permissions, p.NoPermissions, message, p.Key)
}

// DecapsulateIn decapsulates a key and writes it into a slot.
func (m *KeyManager) DecapsulateIn(ctx context.Context, slot *KeySlot, p DecapsulateParams) (uint64, error) {
	message, err := p.message(m)
	if err != nil {
		return 0, err
	}
	version, err := m.makeIn(ctx, "decapsulate", wire.OpDecapsulate, slot, p.Permissions, p.NoPermissions, p.Rotate, message)
	runtime.KeepAlive(p)
	return version, err
}

// message is what AgreeParams.message is to Agree.
func (p *DecapsulateParams) message(m *KeyManager) (func(*pb.KeyTarget) proto.Message, error) {
	from, err := sourceOf(m.cc, "decapsulate", p.Key)
	if err != nil {
		return nil, err
	}
	kdf, err := p.KDF.message("decapsulate")
	if err != nil {
		return nil, err
	}
	return func(t *pb.KeyTarget) proto.Message {
		return &pb.DecapsulateRequest{Key: from.handle, Version: from.version, Ciphertext: p.Ciphertext,
			Derived: string(p.Derived), Kdf: kdf, Target: t}
	}, nil
}
