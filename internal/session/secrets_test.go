package session

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/secrets"
	pb "github.com/claviger/claviger/proto"
)

// withSecrets gives the rig something that keeps secrets.
func (r *rig) withSecrets(t *testing.T) *rig {
	t.Helper()
	m, err := secrets.Open(t.Context(), secrets.Config{Store: r.store})
	ok(t, err)
	r.secrets = m
	return r
}

func TestSecretsAreTheCallersOwn(t *testing.T) {
	r := newRig(t, Limits{}).withSecrets(t)
	hers, his, admin := r.session(t, alice), r.session(t, bob), r.session(t, root)
	value := []byte("value")
	put, err := hers.PutSecret(t.Context(), &pb.PutSecretRequest{Secret: value, Expires: math.MaxUint64})
	ok(t, err)
	if !bytes.Equal(value, make([]byte, 5)) {
		t.Error("the request's secret was not wiped")
	}
	get := &pb.GetSecretRequest{Id: []byte(put.Id), Version: 1}
	for what, s := range map[string]*Session{"another tenant": his, "an administrator": admin} {
		_, err := s.GetSecret(t.Context(), get)
		fails(t, what, err, claviger.ErrSecretNotFound)
	}
	got, err := hers.GetSecret(t.Context(), get)
	ok(t, err)
	if string(got.Secret) != "value" {
		t.Error("another value")
	}
	_, err = hers.ListSecrets(t.Context(), &pb.ListSecretsRequest{All: true})
	fails(t, "all for a tenant", err, claviger.ErrAccessDenied)
	list, err := admin.ListSecrets(t.Context(), &pb.ListSecretsRequest{All: true, Max: math.MaxUint32})
	ok(t, err)
	if len(list.Secrets) != 1 || list.Secrets[0].Tenant != "alice" {
		t.Errorf("listed are %v", list.Secrets)
	}
	doomed := &pb.InvalidateSecretRequest{Id: []byte(put.Id), Version: claviger.AllVersions, Tenant: "alice"}
	_, err = his.InvalidateSecret(t.Context(), doomed)
	fails(t, "invalidate for another tenant", err, claviger.ErrAccessDenied)
	_, err = admin.InvalidateSecret(t.Context(), doomed)
	ok(t, err)
	_, err = hers.GetSecret(t.Context(), get)
	fails(t, "invalidated", err, claviger.ErrSecretNotFound)
}

func TestSecretsNeverReachTheLog(t *testing.T) {
	r := newRig(t, Limits{}).withSecrets(t)
	s := r.session(t, alice)
	put, err := s.PutSecret(t.Context(), &pb.PutSecretRequest{Secret: []byte("recognisable"), Expires: 1})
	ok(t, err)
	_, _ = s.GetSecret(t.Context(), &pb.GetSecretRequest{Id: []byte(put.Id), Version: 1})
	sealed, err := s.SealCapsule(t.Context(), &pb.SealCapsuleRequest{Secret: []byte("recognisable"), Expires: math.MaxUint64})
	ok(t, err)
	_, err = s.OpenCapsule(t.Context(), &pb.OpenCapsuleRequest{Capsule: sealed.Capsule})
	ok(t, err)
	_, err = s.OpenCapsule(t.Context(), &pb.OpenCapsuleRequest{Capsule: []byte("recognisable")})
	fails(t, "no capsule", err, claviger.ErrSecretVerificationFailed)
	log := strings.Join(r.log.take(), "\n")
	if strings.Contains(log, "recognisable") || strings.Count(log, "msg=decision") < 4 {
		t.Errorf("the log is\n%s", log)
	}
}

func TestARemovedTenantLosesItsSecretsAtTheNextCall(t *testing.T) {
	r := newRig(t, Limits{}).withSecrets(t)
	s := r.session(t, alice)
	put, err := s.PutSecret(t.Context(), &pb.PutSecretRequest{Expires: math.MaxUint64})
	ok(t, err)
	r.SetPolicy(policy.New(rules(func(p *policy.Rules) { p.Apps = p.Apps[1:] })))
	_, err = s.GetSecret(t.Context(), &pb.GetSecretRequest{Id: []byte(put.Id), Version: 1})
	fails(t, "removed", err, claviger.ErrAccessDenied)
}

func TestASessionWithoutSecretsSaysSo(t *testing.T) {
	s := newRig(t, Limits{}).session(t, alice)
	_, err := s.PutSecret(t.Context(), &pb.PutSecretRequest{})
	fails(t, "put", err, claviger.ErrUnsupportedOperation)
	_, err = s.RotateCapsuleKey(t.Context(), &pb.RotateCapsuleKeyRequest{})
	fails(t, "rotate", err, claviger.ErrUnsupportedOperation)
}
