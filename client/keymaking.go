package client

import (
	"context"
	"runtime"

	"google.golang.org/protobuf/proto"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
)

// check reports whether the manager can be called.
func (m *KeyManager) check(what string) error {
	if err := m.cc.check(what); err != nil {
		return err
	}
	if m.closed.Load() {
		return errClosed(what, "key manager")
	}
	return nil
}

// control makes one call with the manager's timeout.
func (m *KeyManager) control(ctx context.Context, what string, op wire.Op, req, reply proto.Message) error {
	if err := m.check(what); err != nil {
		return err
	}
	return m.cc.control(ctx, what, op, m.timeout, req, reply)
}

// target says where a key goes and what it may serve: slot 0 is an ephemeral key.
func (m *KeyManager) target(what string, slot uint64, p claviger.Permission, none, rotate bool) (*pb.KeyTarget, error) {
	may, err := permitted(what, p, none)
	if err != nil {
		return nil, err
	}
	return &pb.KeyTarget{Slot: slot, Rotate: rotate, Permissions: may, Provider: m.provider.message()}, nil
}

// permitted gives what a key may serve as the daemon is told it: nil leaves it to the slot.
func permitted(what string, p claviger.Permission, none bool) (*uint32, error) {
	if p != 0 && none {
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, what, "NoPermissions is set and Permissions is %s; only one of them can be meant", p)
	}
	if p == 0 && !none {
		return nil, nil
	}
	return new(uint32(p)), nil
}

// make runs an operation whose result is an ephemeral key. The sources are kept until it has
// returned.
func (m *KeyManager) make(ctx context.Context, what string, op wire.Op, p claviger.Permission, none bool,
	message func(*pb.KeyTarget) proto.Message, keep ...KeySource) (*Key, error) {
	target, err := m.target(what, 0, p, none, false)
	if err != nil {
		return nil, err
	}
	var reply pb.KeyReply
	err = m.control(ctx, what, op, message(target), &reply)
	runtime.KeepAlive(keep)
	if err != nil {
		return nil, err
	}
	return m.cc.newKey(what, &reply)
}

// makeIn runs an operation that writes a key into a slot and gives the version written.
func (m *KeyManager) makeIn(ctx context.Context, what string, op wire.Op, slot *KeySlot, p claviger.Permission, none, rotate bool,
	message func(*pb.KeyTarget) proto.Message) (uint64, error) {
	to, err := slot.source(m.cc, what)
	if err != nil {
		return 0, err
	}
	target, err := m.target(what, to.handle, p, none, rotate)
	if err != nil {
		return 0, err
	}
	var reply pb.KeyReply
	err = m.control(ctx, what, op, message(target), &reply)
	return reply.GetVersion(), err
}

// sourceOf gives the handle of a key that must be there.
func sourceOf(cc *CryptoContext, what string, key KeySource) (keyHandle, error) {
	if key == nil {
		return keyHandle{}, claviger.Errorf(claviger.ErrInvalidArgument, what, "no key given")
	}
	return key.source(cc, what)
}

// slotOf gives the handle of a slot or a version of it.
func slotOf(cc *CryptoContext, what string, from KeySource) (keyHandle, error) {
	if _, isKey := from.(*Key); isKey {
		return keyHandle{}, claviger.Errorf(claviger.ErrInvalidResourceType, what, "a key slot is needed, not a key")
	}
	return sourceOf(cc, what, from)
}

// KDF says how to derive a key from a shared secret or another key: HKDF (RFC 5869) with the
// hash in its name.
type KDF struct {
	Algorithm claviger.Algorithm // "HKDF-SHA-256", ...
	Salt      []byte             // up to 128 bytes
	Info      []byte             // up to 1024 bytes
	Size      int                // bytes of the result, where its algorithm leaves the length open; 0 is the algorithm's default
}

// message gives nil for nil: no derivation. Lengths are the daemon's to judge.
func (k *KDF) message(what string) (*pb.Kdf, error) {
	if k == nil {
		return nil, nil
	}
	if k.Size < 0 {
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, what, "size %d is negative", k.Size)
	}
	return &pb.Kdf{Algorithm: string(k.Algorithm), Salt: k.Salt, Info: k.Info, Size: uint32(k.Size)}, nil
}

// AgreeParams says with whom to agree on what. Exactly one of Peer and PeerKey is given.
type AgreeParams struct {
	Key           KeySource          // own pair; permits Agree
	Algorithm     claviger.Algorithm // "ECDH-P256", "X25519"; "" follows the key
	Peer          []byte             // the peer's public key in PeerFormat
	PeerFormat    claviger.Format
	PeerKey       *Key
	Derived       claviger.Algorithm  // key algorithm of the result; "" is "SECRET", from which only derivation is possible
	KDF           *KDF                // derives the result from the shared secret; nil takes the secret as it is
	Permissions   claviger.Permission // of the result; 0 is all, for a slot what the slot permits
	NoPermissions bool                // the result may serve nothing; Permissions is 0
	Rotate        bool                // into a slot: write the next version of an occupied one
}

// DeriveParams says what to derive from which key.
type DeriveParams struct {
	Key           KeySource          // permits Derive
	Derived       claviger.Algorithm // key algorithm of the result; "" is "SECRET"
	KDF           KDF
	Permissions   claviger.Permission // of the result; 0 is all, for a slot what the slot permits
	NoPermissions bool                // the result may serve nothing; Permissions is 0
	Rotate        bool                // into a slot: write the next version of an occupied one
}

// EncapsulateParams says for whom to encapsulate what key.
type EncapsulateParams struct {
	Key           KeySource           // the receiver's public key, or a pair
	Derived       claviger.Algorithm  // key algorithm of the result; "" is "SECRET"
	KDF           *KDF                // derives the result from the shared secret; nil takes the secret as it is
	Permissions   claviger.Permission // of the result; 0 is all, for a slot what the slot permits
	NoPermissions bool                // the result may serve nothing; Permissions is 0
	Rotate        bool                // into a slot: write the next version of an occupied one
}

// DecapsulateParams says with which pair to open what.
type DecapsulateParams struct {
	Key           KeySource           // own pair; permits Agree
	Ciphertext    []byte              // what the sender's Encapsulate gave
	Derived       claviger.Algorithm  // key algorithm of the result, as the sender has it
	KDF           *KDF                // as the sender has it
	Permissions   claviger.Permission // of the result; 0 is all, for a slot what the slot permits
	NoPermissions bool                // the result may serve nothing; Permissions is 0
	Rotate        bool                // into a slot: write the next version of an occupied one
}
