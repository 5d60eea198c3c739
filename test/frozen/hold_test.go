package frozen_test

import (
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// hold sees that slots, revocation list and trust store verify what they verified.
func (c *certificates) hold(t *testing.T, s *session) {
	device, root := must(s.cc.CertSlot(s.ctx, "DeviceCert"))(t), must(s.cc.CertSlot(s.ctx, "RootCert"))(t)
	anchors := must(s.cc.TrustStore(s.ctx, "Anchors"))(t)
	same(t, "the device's certificate", must(s.certs.Export(s.ctx, device, claviger.DER))(t), c.Device)
	same(t, "the root", must(s.certs.Export(s.ctx, root, claviger.DER))(t), c.Root)
	equal(t, "the root has a revocation list", must(s.certs.Info(s.ctx, root))(t).HasCRL, true)
	equal(t, "members of the trust store", len(must(anchors.Members(s.ctx))(t)), 1)
	revoked := must(s.certs.Parse(s.ctx, c.Revoked, claviger.DER))(t)
	for _, p := range []struct {
		cert client.CertSource
		want claviger.Verdict
	}{{device, claviger.Valid}, {revoked, claviger.Revoked}} {
		v := must(s.cc.NewCertVerifier(s.ctx, client.CertVerifierConfig{Revocation: claviger.CRLOnly}))(t)
		v.SetCertificate(p.cert)
		v.SetVerificationTrustStore(anchors)
		v.SetVerificationTime(day)
		result := must(v.Verify(s.ctx))(t)
		equal(t, "verdict ("+result.Detail+")", result.Verdict, p.want)
	}
	check(t, revoked.Close())
}

// hold sees which versions are there, and which are not.
func (p *secret) hold(t *testing.T, s *session) {
	for version, value := range p.Values {
		got := must(s.secrets.Get(s.ctx, p.ID, version))(t)
		same(t, "a secret", got.Value, value)
		equal(t, "its expiry", got.Expires, p.Expires)
	}
	if value, ok := p.Values[p.Latest]; ok {
		got := must(s.secrets.Get(s.ctx, p.ID, claviger.LatestVersion))(t)
		same(t, "the latest version of a secret", got.Value, value)
		equal(t, "its number", got.Version, p.Latest)
	}
	for _, version := range p.Gone {
		_, err := s.secrets.Get(s.ctx, p.ID, version)
		wantCode(t, "a version that was invalidated", err, claviger.ErrSecretNotFound)
	}
}

func (c *capsules) hold(t *testing.T, s *session) {
	for _, capsule := range c.Open {
		got := must(s.secrets.Open(s.ctx, capsule))(t)
		same(t, "what is in a capsule", got.Value, c.Secret)
		equal(t, "its expiry", got.Expires, uint64(expires))
	}
	for _, capsule := range c.Shut {
		_, err := s.secrets.Open(s.ctx, capsule)
		wantCode(t, "a capsule whose key was destroyed", err, claviger.ErrSecretVerificationFailed)
	}
}

// hold sees that a managed key is what it was, and signs under its recorded public key or makes its recorded code.
func (m *managed) hold(t *testing.T, s *session, message []byte) {
	k := must(s.secrets.OpenKey(s.ctx, m.ID, m.Version))(t)
	defer k.Close()
	equal(t, "its algorithm", k.Algorithm(), m.Algorithm)
	equal(t, "its family", k.Type(), m.Type)
	same(t, "its public key", k.Public(), m.Public)
	if m.Type == claviger.GuestSignatures {
		verify(t, m.Public, message, m.Made)
		verify(t, m.Public, message, made(t, s, k, message))
	} else {
		same(t, "a code by "+string(m.Algorithm), made(t, s, k, message), m.Made)
	}
	_, err := k.Export(s.ctx)
	if m.Exportable {
		check(t, err)
	} else {
		wantCode(t, "export", err, claviger.ErrKeyNotExportable)
	}
	for _, version := range m.Gone {
		_, err := s.secrets.OpenKey(s.ctx, m.ID, version)
		wantCode(t, "a version that was invalidated", err, claviger.ErrSecretNotFound)
	}
}

func (g *guest) hold(t *testing.T, s *session, message []byte) {
	equal(t, "who the guest is", s.stack.Tenant(), "guest")
	g.Secret.hold(t, s)
	g.Managed.hold(t, s, message)
}

// hold sees, as an administrator, that what the retired tenant left is still its own.
func (r *retired) hold(t *testing.T, s *session) {
	for info, err := range s.secrets.ListAll(s.ctx) {
		check(t, err)
		if info.ID == r.ID {
			equal(t, "its owner's name", info.Tenant, r.Name)
			equal(t, "its owner", info.TenantID, r.Tenant)
			equal(t, "its owner is retired", info.Retired, true)
			return
		}
	}
	t.Error("the secret of the retired tenant is gone")
}
