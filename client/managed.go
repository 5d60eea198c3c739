package client

import (
	"context"
	"runtime"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
)

// ManagedKey is a managed key in the daemon, which the methods of Secrets give. It is used there; its bytes come out only if it was made
// exportable. One that becomes unreachable without Close is released with a later call, which is a net and not a promise. Safe for
// concurrent use.
type ManagedKey struct {
	cc         *CryptoContext // of its own: what is made for the key goes with it
	key        *Key
	variants   *variants // signing contexts
	id         string
	version    uint64
	family     claviger.GuestType
	algorithm  claviger.Algorithm
	public     []byte
	exportable bool
	closed     atomic.Bool
}

var _ claviger.ManagedKey = (*ManagedKey)(nil)

// newManaged takes charge of the key that a reply describes.
func (s *Stack) newManaged(what string, r *pb.ManagedReply) (*ManagedKey, error) {
	cc, err := s.CryptoContext()
	if err != nil {
		return nil, err
	}
	key, err := cc.newKey(what, &pb.KeyReply{Handle: r.GetHandle()})
	if err != nil {
		return nil, err
	}
	return &ManagedKey{cc: cc, key: key, variants: newVariants(cc, key, ProviderSelector{}, 0), id: r.GetId(), version: r.GetVersion(),
		family: claviger.GuestType(r.GetType()), algorithm: claviger.Algorithm(r.GetAlgorithm()), public: r.GetPublic(), exportable: r.GetExportable()}, nil
}

// ID gives the identifier, 32 lower-case hexadecimal characters.
func (k *ManagedKey) ID() string { return k.id }

// Version gives the number of the version, from 1.
func (k *ManagedKey) Version() uint64 { return k.version }

// Type gives the family of Algorithm.
func (k *ManagedKey) Type() claviger.GuestType { return k.family }

// Algorithm gives the canonical name in wasi-crypto.
func (k *ManagedKey) Algorithm() claviger.Algorithm { return k.algorithm }

// Public gives the SubjectPublicKeyInfo of a pair, nil for a symmetric key. Read only.
func (k *ManagedKey) Public() []byte { return k.public }

// check reports whether the key can be called.
func (k *ManagedKey) check(what string) error {
	if k.cc.stack.closed.Load() {
		return errClosedStack(what)
	}
	if k.closed.Load() {
		return claviger.Errorf(claviger.ErrResourceNotFound, what, "the managed key is closed")
	}
	return nil
}

// fault turns the error of a key that was closed under a call into that of a closed key.
func (k *ManagedKey) fault(what string, err error) error {
	if err == nil {
		return nil
	}
	if closed := k.check(what); closed != nil {
		return closed
	}
	return err
}

// Native gives the key for the contexts and KeyManagers of native programs, in any crypto context of the same stack: one
// round trip. It serves until either of the two is closed; its Close leaves the managed key open. Signing and verifying
// contexts that name no algorithm have the managed key's.
func (k *ManagedKey) Native(ctx context.Context) (*Key, error) {
	const what = "managed key"
	if err := k.check(what); err != nil {
		return nil, err
	}
	var reply pb.KeyReply
	if err := k.cc.control(ctx, what, wire.OpKeyInfo, 0, &pb.KeyInfoRequest{Key: k.key.handle}, &reply); err != nil {
		return nil, k.fault(what, err)
	}
	return &Key{cc: k.cc, handle: k.key.handle, info: keyInfo(reply.GetKey()), managed: k}, nil
}

// Sign signs a message of up to 64 MiB, or with digested its digest by the algorithm's own hash, and gives the raw
// signature: r ‖ s for ECDSA. The first call makes a context in the daemon, which the following ones share: one round
// trip. ErrAlgorithmMismatch for the digest where the algorithm signs whole messages.
func (k *ManagedKey) Sign(ctx context.Context, message []byte, digested bool) ([]byte, error) {
	const what = "sign"
	if err := k.check(what); err != nil {
		return nil, err
	}
	o, err := k.variants.get(ctx, use{kind: claviger.SignContext, digest: digested})
	if err != nil {
		return nil, k.fault(what, err)
	}
	signature, err := o.whole(ctx, what, nil, nil, nil, message, 0)
	return signature, k.fault(what, err)
}

// Agree gives the raw secret shared with a peer's public key, a SubjectPublicKeyInfo. The caller owns and wipes it.
// ErrInvalidFormat and ErrIncompatibleKeyType for what is no public key of the algorithm, ErrKeyAgreementFailed for one
// that gives no secret.
func (k *ManagedKey) Agree(ctx context.Context, peer []byte) ([]byte, error) {
	return k.shared(ctx, "agree", wire.OpAgree, &pb.AgreeRequest{Key: k.key.handle, Peer: peer, Format: uint32(claviger.DER), Target: forExport()})
}

// Decapsulate gives the shared secret of a ciphertext. The caller owns and wipes it. ErrInvalidFormat for a wrong length.
func (k *ManagedKey) Decapsulate(ctx context.Context, ciphertext []byte) ([]byte, error) {
	return k.shared(ctx, "decapsulate", wire.OpDecapsulate, &pb.DecapsulateRequest{Key: k.key.handle, Ciphertext: ciphertext, Target: forExport()})
}

// forExport targets an ephemeral key of which the bytes are wanted and nothing else.
func forExport() *pb.KeyTarget { return &pb.KeyTarget{Permissions: new(uint32(claviger.Export))} }

// shared runs an operation whose result is a key, and gives that key's bytes: three round trips in the time of one call.
func (k *ManagedKey) shared(ctx context.Context, what string, op wire.Op, req proto.Message) ([]byte, error) {
	if err := k.check(what); err != nil {
		return nil, err
	}
	ctx, cancel := k.cc.stack.bound(ctx, 0)
	defer cancel()
	var made pb.KeyReply
	if err := k.cc.control(ctx, what, op, 0, req, &made); err != nil {
		return nil, k.fault(what, err)
	}
	handle := made.GetHandle()
	defer func() { _ = k.cc.stack.release(0, []uint64{handle}) }()
	out, err := k.export(ctx, what, handle, claviger.Raw)
	return out, k.fault(what, err)
}

// export gives the bytes of what a handle stands for.
func (k *ManagedKey) export(ctx context.Context, what string, handle uint64, f claviger.Format) ([]byte, error) {
	var reply pb.ExportReply
	err := k.cc.control(ctx, what, wire.OpExport, 0, &pb.ExportRequest{Key: handle, Format: uint32(f)}, &reply)
	runtime.KeepAlive(k)
	return reply.GetData(), err
}

// Export gives PKCS #8, or the bytes of a symmetric key, which the caller owns and wipes. ErrKeyNotExportable unless the
// key was made exportable.
func (k *ManagedKey) Export(ctx context.Context) ([]byte, error) {
	const what = "export"
	if err := k.check(what); err != nil {
		return nil, err
	}
	if !k.exportable {
		return nil, claviger.Errorf(claviger.ErrKeyNotExportable, what, "the managed key was not made exportable")
	}
	f := claviger.DER
	if k.family == claviger.GuestSymmetric {
		f = claviger.Raw
	}
	out, err := k.export(ctx, what, k.key.handle, f)
	return out, k.fault(what, err)
}

// Close lets go of the key and of the contexts made for it. States that were opened on it go on, and what is kept
// stays. Idempotent.
func (k *ManagedKey) Close() error {
	if k.closed.Swap(true) {
		return nil
	}
	k.key.closed.Store(true)
	k.key.cleanup.Stop()
	return k.cc.Close()
}
