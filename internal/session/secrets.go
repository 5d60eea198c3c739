package session

import (
	"context"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/secmem"
	"github.com/claviger/claviger/internal/secrets"
	pb "github.com/claviger/claviger/proto"
)

// own gives what keeps secrets, and the grant of the caller's own ones. ErrUnsupportedOperation where none are kept,
// ErrAccessDenied if the tenant is not the session's any more.
func (s *Session) own(op string) (*secrets.Manager, policy.Grant, error) {
	p, err := s.current()
	if err != nil {
		return nil, policy.Grant{}, err
	}
	if err := s.lasting(op); err != nil {
		return nil, policy.Grant{}, err
	}
	if s.m.secrets == nil {
		return nil, policy.Grant{}, claviger.Errorf(claviger.ErrUnsupportedOperation, op, "this daemon keeps no secrets")
	}
	return s.m.secrets, p.Secrets(s.caller), nil
}

// others is own for an administrator, with the grant of an administrator.
func (s *Session) others(ctx context.Context, op string) (*secrets.Manager, policy.Grant, error) {
	m, _, err := s.own(op)
	if err != nil {
		return nil, policy.Grant{}, err
	}
	if err := s.admin(ctx, op, true); err != nil {
		return nil, policy.Grant{}, err
	}
	p, err := s.current()
	if err != nil {
		return nil, policy.Grant{}, err
	}
	g, err := p.Admin(s.caller)
	return m, g, err
}

// PutSecret stores a secret of the tenant and gives its identifier. The request's bytes are wiped.
func (s *Session) PutSecret(ctx context.Context, r *pb.PutSecretRequest) (*pb.PutSecretReply, error) {
	defer secmem.Wipe(r.Secret)
	m, g, err := s.own("put secret")
	if err != nil {
		return nil, err
	}
	id, err := m.Put(ctx, g, r.Secret, r.Expires)
	s.decided(ctx, "put secret", id, err)
	if err != nil {
		return nil, err
	}
	return &pb.PutSecretReply{Id: id, Version: 1}, nil
}

// ReplaceSecret stores the next version of a secret. The request's bytes are wiped.
func (s *Session) ReplaceSecret(ctx context.Context, r *pb.ReplaceSecretRequest) (*pb.ReplaceSecretReply, error) {
	defer secmem.Wipe(r.Secret)
	m, g, err := s.own("replace secret")
	if err != nil {
		return nil, err
	}
	version, err := m.Replace(ctx, g, r.Id, r.Secret, r.Expires)
	s.decided(ctx, "replace secret", claviger.Clip(string(r.Id)), err)
	if err != nil {
		return nil, err
	}
	return &pb.ReplaceSecretReply{Version: version}, nil
}

// GetSecret reads a secret of the tenant. Who sends the reply wipes it.
func (s *Session) GetSecret(ctx context.Context, r *pb.GetSecretRequest) (*pb.GetSecretReply, error) {
	m, g, err := s.own("get secret")
	if err != nil {
		return nil, err
	}
	found, err := m.Get(ctx, g, r.Id, r.Version)
	s.decided(ctx, "get secret", claviger.Clip(string(r.Id)), err)
	if err != nil {
		return nil, err
	}
	return &pb.GetSecretReply{Secret: found.Value, Version: found.Version, Expires: found.Expires}, nil
}

// ListSecrets gives a page of what the tenant has stored, or for an administrator of what all have; never a secret.
func (s *Session) ListSecrets(ctx context.Context, r *pb.ListSecretsRequest) (*pb.ListSecretsReply, error) {
	m, g, err := s.own("list secrets")
	if err == nil && r.All {
		m, g, err = s.others(ctx, "list secrets")
	}
	if err != nil {
		return nil, err
	}
	page, next, err := m.List(g, secrets.ListQuery{All: r.All, After: r.After, Max: int(min(r.Max, secrets.MaxPage))})
	if err != nil {
		return nil, err
	}
	reply := &pb.ListSecretsReply{Next: next}
	for _, i := range page {
		reply.Secrets = append(reply.Secrets, describeSecret(i))
	}
	return reply, nil
}

// describeSecret turns a description into its message.
func describeSecret(i claviger.SecretInfo) *pb.SecretDescription {
	d := &pb.SecretDescription{Id: i.ID, Tenant: i.Tenant, TenantId: i.TenantID, Retired: i.Retired, Latest: i.Latest}
	for _, v := range i.Versions {
		d.Versions = append(d.Versions, &pb.SecretVersion{Version: v.Version, Expires: v.Expires, Size: uint32(v.Size), Expired: v.Expired})
	}
	return d
}

// InvalidateSecret destroys versions of a secret: of the tenant's own, or for an administrator of the tenant named.
func (s *Session) InvalidateSecret(ctx context.Context, r *pb.InvalidateSecretRequest) (*pb.InvalidateSecretReply, error) {
	const op = "invalidate secret"
	var m *secrets.Manager
	var g policy.Grant
	var err error
	if r.Tenant == "" {
		if m, g, err = s.own(op); err == nil {
			err = m.Invalidate(ctx, g, r.Id, r.Version)
		}
	} else if m, g, err = s.others(ctx, op); err == nil {
		err = m.InvalidateFor(ctx, g, r.Tenant, r.Id, r.Version)
	}
	s.decided(ctx, op, claviger.Clip(string(r.Id)), err)
	if err != nil {
		return nil, err
	}
	return &pb.InvalidateSecretReply{}, nil
}

// SealCapsule seals a secret for the tenant to keep. The request's bytes are wiped.
func (s *Session) SealCapsule(ctx context.Context, r *pb.SealCapsuleRequest) (*pb.SealCapsuleReply, error) {
	defer secmem.Wipe(r.Secret)
	m, g, err := s.own("seal capsule")
	if err != nil {
		return nil, err
	}
	sealed, err := m.Seal(ctx, g, r.Secret, r.Expires)
	if err != nil {
		return nil, err
	}
	return &pb.SealCapsuleReply{Capsule: sealed}, nil
}

// OpenCapsule opens a capsule of the tenant. Who sends the reply wipes it.
func (s *Session) OpenCapsule(ctx context.Context, r *pb.OpenCapsuleRequest) (*pb.OpenCapsuleReply, error) {
	m, g, err := s.own("open capsule")
	if err != nil {
		return nil, err
	}
	found, err := m.Open(ctx, g, r.Capsule)
	s.decided(ctx, "open capsule", "", err)
	if err != nil {
		return nil, err
	}
	return &pb.OpenCapsuleReply{Secret: found.Value, Expires: found.Expires}, nil
}

// RotateCapsuleKey makes the next version of the tenant's key-encryption key.
func (s *Session) RotateCapsuleKey(ctx context.Context, _ *pb.RotateCapsuleKeyRequest) (*pb.RotateCapsuleKeyReply, error) {
	m, g, err := s.own("rotate capsule key")
	if err != nil {
		return nil, err
	}
	version, err := m.RotateKEK(ctx, g)
	s.decided(ctx, "rotate capsule key", "", err)
	if err != nil {
		return nil, err
	}
	return &pb.RotateCapsuleKeyReply{Version: version}, nil
}

// DestroyCapsuleKey destroys a version of the tenant's key-encryption key, and with it every capsule of that version.
func (s *Session) DestroyCapsuleKey(ctx context.Context, r *pb.DestroyCapsuleKeyRequest) (*pb.DestroyCapsuleKeyReply, error) {
	m, g, err := s.own("destroy capsule key")
	if err != nil {
		return nil, err
	}
	err = m.DestroyKEK(ctx, g, r.Version)
	s.decided(ctx, "destroy capsule key", "", err)
	if err != nil {
		return nil, err
	}
	return &pb.DestroyCapsuleKeyReply{}, nil
}
