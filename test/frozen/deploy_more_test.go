package frozen_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"math/big"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// The recorded certificates are valid from first to last; they are verified for a day between.
var (
	first = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	day   = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	last  = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
)

// deployCertificates saves a root with its revocation list and a device certificate of it.
func (s *session) deployCertificates(t *testing.T) certificates {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "root"}, NotBefore: first, NotAfter: last,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}
	c := certificates{Root: must(x509.CreateCertificate(rand.Reader, ca, ca, key.Public(), key))(t)}
	ca = must(x509.ParseCertificate(c.Root))(t)
	for i, der := range []*[]byte{&c.Device, &c.Revoked} {
		leaf := &x509.Certificate{SerialNumber: big.NewInt(int64(i + 2)), Subject: pkix.Name{CommonName: "device"}, NotBefore: first, NotAfter: last,
			KeyUsage: x509.KeyUsageDigitalSignature}
		*der = must(x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), key))(t)
	}
	for name, der := range map[string][]byte{"RootCert": c.Root, "DeviceCert": c.Device} {
		cert := must(s.certs.Parse(s.ctx, der, claviger.DER))(t)
		check(t, s.certs.Save(s.ctx, must(s.cc.CertSlot(s.ctx, name))(t), cert))
		check(t, cert.Close())
	}
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: first, NextUpdate: last,
		RevokedCertificateEntries: []x509.RevocationListEntry{{SerialNumber: big.NewInt(3), RevocationTime: first}}}
	crl := must(x509.CreateRevocationList(rand.Reader, list, ca, key))(t)
	check(t, s.certs.ImportCRL(s.ctx, crl, claviger.DER, must(s.cc.CertSlot(s.ctx, "RootCert"))(t)))
	return c
}

// deployCapsules seals one capsule under each of three keys and destroys the second key.
func (s *session) deployCapsules(t *testing.T) capsules {
	c := capsules{Secret: []byte("in a capsule"), Next: 4}
	for version := uint64(1); version <= 3; version++ {
		if version > 1 {
			must(s.secrets.RotateKEK(s.ctx))(t)
		}
		capsule := must(s.secrets.Seal(s.ctx, c.Secret, expires))(t)
		if version == 2 {
			c.Shut = append(c.Shut, capsule)
		} else {
			c.Open = append(c.Open, capsule)
		}
	}
	check(t, s.secrets.DestroyKEK(s.ctx, 2))
	return c
}

// deployManaged makes a pair, a pair that can be exported and of which versions are gone, and a symmetric key.
func (s *session) deployManaged(t *testing.T, message []byte) []managed {
	list := []managed{
		{Type: claviger.GuestSignatures, Algorithm: "ECDSA_P256_SHA256", Next: 2},
		{Type: claviger.GuestSignatures, Algorithm: "Ed25519", Exportable: true, Gone: []uint64{2, 3, claviger.LatestVersion}, Next: 4},
		{Type: claviger.GuestSymmetric, Algorithm: "HMAC/SHA-256", Next: 2},
	}
	for i := range list {
		s.deployKey(t, &list[i], message)
	}
	return list
}

// deployKey makes a managed key and all its versions, of which only the first is kept.
func (s *session) deployKey(t *testing.T, m *managed, message []byte) {
	k := must(s.secrets.GenerateKey(s.ctx, m.Type, m.Algorithm, claviger.ManagedOptions{Exportable: m.Exportable}))(t)
	defer k.Close()
	m.ID, m.Version, m.Public, m.Made = k.ID(), k.Version(), k.Public(), made(t, s, k, message)
	for version := uint64(2); version < m.Next; version++ {
		next := must(s.secrets.ReplaceKeyWith(s.ctx, m.ID, k))(t)
		check(t, next.Close())
		check(t, s.secrets.InvalidateKey(s.ctx, m.ID, version))
	}
}

// made is what a managed key makes of a message: a signature, or a code.
func made(t testing.TB, s *session, k claviger.ManagedKey, message []byte) []byte {
	t.Helper()
	if k.Type() == claviger.GuestSignatures {
		return must(k.Sign(s.ctx, message, false))(t)
	}
	state := must(k.OpenState(s.ctx, claviger.StateOptions{}))(t)
	defer state.Close()
	check(t, state.Absorb(s.ctx, message))
	return must(state.SqueezeTag(s.ctx))(t)
}

// deployGuest has the guest keep a secret and a managed key.
func deployGuest(t *testing.T, stack *client.Stack, message []byte) guest {
	s := open(t, stack)
	g := guest{SHA256: must(hex.DecodeString(guestDigest))(t), Managed: managed{Type: claviger.GuestSymmetric, Algorithm: "HMAC/SHA-256", Next: 2}}
	g.Secret = secret{Values: map[uint64][]byte{1: []byte("the guest's")}, Expires: expires, Latest: 1}
	g.Secret.ID = must(s.secrets.Put(s.ctx, g.Secret.Values[1], expires))(t)
	s.deployKey(t, &g.Managed, message)
	return g
}
