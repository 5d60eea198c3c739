package client

import (
	"context"
	"iter"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/wire"
	pb "github.com/claviger/claviger/proto"
)

// Secrets keeps bytes for the caller's tenant in the daemon: under random identifiers of 32 lower-case hexadecimal
// characters, in versions that count from 1, each with an expiry in seconds since 1970. What a call has changed is
// durable when it returns; after ErrOperationTimedOut the outcome is unknown. Another tenant's identifiers are
// ErrSecretNotFound. Secrets have at most claviger.MaxSecret bytes; over a limit the error is ErrQuotaExceeded. Safe for
// concurrent use.
type Secrets struct{ stack *Stack }

// Secret is one version, read.
type Secret = claviger.Secret

// Secrets gives the caller's secrets. It makes no call.
func (s *Stack) Secrets() *Secrets { return &Secrets{s} }

// Ping asks the daemon for an empty answer, as that of the stack does.
func (s *Secrets) Ping(ctx context.Context) error { return s.stack.Ping(ctx) }

// Put stores a secret, which stays the caller's, as version 1 under a new identifier. An expiry that is past is stored
// too, and reads as ErrSecretExpired.
func (s *Secrets) Put(ctx context.Context, secret []byte, expires uint64) (id string, err error) {
	var reply pb.PutSecretReply
	err = s.stack.control(ctx, "put secret", wire.OpPutSecret, 0, &pb.PutSecretRequest{Secret: secret, Expires: expires}, &reply)
	return reply.GetId(), err
}

// Replace stores the next version and gives its number, one more than the highest ever made. Older versions stay readable
// until they are invalidated or expire. ErrSecretNotFound when no version is left.
func (s *Secrets) Replace(ctx context.Context, id string, secret []byte, expires uint64) (version uint64, err error) {
	var reply pb.ReplaceSecretReply
	req := &pb.ReplaceSecretRequest{Id: []byte(id), Secret: secret, Expires: expires}
	err = s.stack.control(ctx, "replace secret", wire.OpReplaceSecret, 0, req, &reply)
	return reply.GetVersion(), err
}

// Get reads a version, or with claviger.LatestVersion the highest that was ever made: never an older one in its place.
// ErrSecretNotFound for what is unknown or invalidated, ErrSecretExpired for what is over.
func (s *Secrets) Get(ctx context.Context, id string, version uint64) (Secret, error) {
	var reply pb.GetSecretReply
	err := s.stack.control(ctx, "get secret", wire.OpGetSecret, 0, &pb.GetSecretRequest{Id: []byte(id), Version: version}, &reply)
	return Secret{Value: reply.GetSecret(), Version: reply.GetVersion(), Expires: reply.GetExpires()}, err
}

// Invalidate destroys a version, the latest one (claviger.LatestVersion), or every one (claviger.AllVersions).
// ErrSecretNotFound when there is nothing to destroy.
func (s *Secrets) Invalidate(ctx context.Context, id string, version uint64) error {
	return s.InvalidateFor(ctx, "", id, version)
}

// InvalidateFor is Invalidate for an administrator: tenant is the owner's name, or its lasting identifier. Others get
// ErrAccessDenied.
func (s *Secrets) InvalidateFor(ctx context.Context, tenant, id string, version uint64) error {
	req := &pb.InvalidateSecretRequest{Id: []byte(id), Version: version, Tenant: tenant}
	return s.stack.control(ctx, "invalidate secret", wire.OpInvalidateSecret, 0, req, &pb.InvalidateSecretReply{})
}

// List goes through what is stored, without any secret, ordered by identifier. An error ends it.
func (s *Secrets) List(ctx context.Context) iter.Seq2[claviger.SecretInfo, error] {
	return s.list(ctx, false)
}

// ListAll is List over all tenants for an administrator, ordered by owner. Others get ErrAccessDenied.
func (s *Secrets) ListAll(ctx context.Context) iter.Seq2[claviger.SecretInfo, error] {
	return s.list(ctx, true)
}

// list asks for one page after the other.
func (s *Secrets) list(ctx context.Context, all bool) iter.Seq2[claviger.SecretInfo, error] {
	return func(yield func(claviger.SecretInfo, error) bool) {
		for after := ""; ; {
			var page pb.ListSecretsReply
			if err := s.stack.control(ctx, "list secrets", wire.OpListSecrets, 0, &pb.ListSecretsRequest{All: all, After: after}, &page); err != nil {
				yield(claviger.SecretInfo{}, err)
				return
			}
			for _, d := range page.GetSecrets() {
				if !yield(secretInfo(d), nil) {
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

// secretInfo reads a description.
func secretInfo(d *pb.SecretDescription) claviger.SecretInfo {
	info := claviger.SecretInfo{ID: d.GetId(), Tenant: d.GetTenant(), TenantID: d.GetTenantId(), Retired: d.GetRetired(), Latest: d.GetLatest()}
	for _, v := range d.GetVersions() {
		info.Versions = append(info.Versions, claviger.SecretVersion{Version: v.GetVersion(), Expires: v.GetExpires(), Size: int(v.GetSize()), Expired: v.GetExpired()})
	}
	return info
}

// Seal seals a secret with its expiry into a capsule that the caller keeps: the daemon stores nothing. Only the same
// tenant can open it.
func (s *Secrets) Seal(ctx context.Context, secret []byte, expires uint64) (capsule []byte, err error) {
	var reply pb.SealCapsuleReply
	err = s.stack.control(ctx, "seal capsule", wire.OpSealCapsule, 0, &pb.SealCapsuleRequest{Secret: secret, Expires: expires}, &reply)
	return reply.GetCapsule(), err
}

// Open opens a capsule. ErrSecretVerificationFailed for anything that is not a whole capsule of the tenant under a key
// that exists; ErrSecretExpired for one that is, and is over.
func (s *Secrets) Open(ctx context.Context, capsule []byte) (Secret, error) {
	var reply pb.OpenCapsuleReply
	err := s.stack.control(ctx, "open capsule", wire.OpOpenCapsule, 0, &pb.OpenCapsuleRequest{Capsule: capsule}, &reply)
	return Secret{Value: reply.GetSecret(), Expires: reply.GetExpires()}, err
}

// RotateKEK makes the next version of the key that seals the tenant's capsules, and gives its number. Older capsules can
// be opened until their version is destroyed.
func (s *Secrets) RotateKEK(ctx context.Context) (version uint64, err error) {
	var reply pb.RotateCapsuleKeyReply
	err = s.stack.control(ctx, "rotate capsule key", wire.OpRotateCapsuleKey, 0, &pb.RotateCapsuleKeyRequest{}, &reply)
	return reply.GetVersion(), err
}

// DestroyKEK destroys a version of that key: its capsules can never be opened again. ErrSecretNotFound for a version
// that is not there.
func (s *Secrets) DestroyKEK(ctx context.Context, version uint64) error {
	return s.stack.control(ctx, "destroy capsule key", wire.OpDestroyCapsuleKey, 0, &pb.DestroyCapsuleKeyRequest{Version: version}, &pb.DestroyCapsuleKeyReply{})
}
