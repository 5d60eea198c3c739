package flows_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"math/big"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// TestF7 is certificate verification.
func TestF7(t *testing.T) {
	both(t, func(t *testing.T, e *env) {
		var cert *client.CertSlot
		var anchor *client.TrustStore
		var verifier *client.CertVerifier
		var public *client.Key
		t.Run("F7.1", func(t *testing.T) {
			cert = must(e.cc.CertSlot(e.ctx, "DeviceCert"))(t)
			anchor = must(e.cc.TrustStore(e.ctx, "RootCA"))(t)
		})
		t.Run("F7.2", func(t *testing.T) {
			verifier = must(e.cc.NewCertVerifier(e.ctx, client.CertVerifierConfig{}))(t)
			verifier.SetCertificate(cert)
			verifier.SetVerificationTrustStore(anchor)
			verifier.SetRevocationCheckPolicy(claviger.CRLOnly)
		})
		t.Run("F7.3", func(t *testing.T) { verdict(t, e, verifier, claviger.Valid) })
		t.Run("F7.4", func(t *testing.T) {
			cm := must(e.cc.NewCertManager(e.ctx, client.CertManagerConfig{}))(t)
			var alg claviger.Algorithm
			var err error
			public, alg, err = cm.PublicKey(e.ctx, cert)
			check(t, err)
			equal(t, "algorithm", alg, "ECDSA-P256")
		})
		t.Run("F7.5", func(t *testing.T) {
			v := must(e.cc.NewVerifier(e.ctx, client.VerifierConfig{Algorithm: "ECDSA-P256-SHA-256", Key: public, DER: true}))(t)
			sum := sha256.Sum256(plaintext)
			signature := must(e.pki.deviceKey.Sign(rand.Reader, sum[:], crypto.SHA256))(t)
			if !must(v.Verify(e.ctx, plaintext, signature))(t) {
				t.Error("the certificate's key does not verify its holder's signature")
			}
			check(t, v.Close())
			check(t, public.Close())
			eventually(t, "the key is released", func() bool { _, me := e.status(t); return me.Keys == 0 })
		})
		t.Run("F7.6", func(t *testing.T) { negative(t, e, anchor) })
	})
}

func verdict(t *testing.T, e *env, v *client.CertVerifier, want claviger.Verdict) {
	t.Helper()
	result := must(v.Verify(e.ctx))(t)
	if result.Verdict != want {
		t.Errorf("verdict %s (%s), want %s", result.Verdict, result.Detail, want)
	}
}

// negative holds each verdict that is not Valid.
func negative(t *testing.T, e *env, anchor *client.TrustStore) {
	hour := time.Hour
	now := time.Now()
	other := newPKI(t)
	broken := e.pki.issue(t, big.NewInt(7), now.Add(-hour), now.Add(hour))
	broken[len(broken)-1] ^= 1
	for _, test := range []struct {
		name  string
		der   []byte
		crl   []byte
		want  claviger.Verdict
		setup func(*client.CertVerifier)
	}{
		{name: "revoked", der: e.pki.device, crl: e.pki.crl(t, e.pki.serial), want: claviger.Revoked},
		{name: "expired", der: e.pki.issue(t, big.NewInt(5), now.Add(-2*hour), now.Add(-hour)), want: claviger.Expired},
		{name: "not yet valid", der: e.pki.issue(t, big.NewInt(6), now.Add(hour), now.Add(2*hour)), want: claviger.NotYetValid},
		{name: "broken signature", der: broken, want: claviger.SignatureInvalid},
		{name: "no root", der: selfSigned(t), want: claviger.NoRootFound},
		{name: "no issuer", der: orphan(t, other), want: claviger.ChainIncomplete},
		{name: "at a later time", der: e.pki.device, want: claviger.Expired,
			setup: func(v *client.CertVerifier) { v.SetVerificationTime(now.Add(2 * hour)) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			cm := must(e.cc.NewCertManager(e.ctx, client.CertManagerConfig{}))(t)
			if test.crl != nil {
				check(t, cm.ImportCRL(e.ctx, test.crl, claviger.DER, must(e.cc.CertSlot(e.ctx, "RootCert"))(t)))
			}
			v := must(e.cc.NewCertVerifier(e.ctx, client.CertVerifierConfig{Revocation: claviger.CRLOnly}))(t)
			v.SetCertificate(must(cm.Parse(e.ctx, test.der, claviger.DER))(t))
			v.SetVerificationTrustStore(anchor)
			if test.setup != nil {
				test.setup(v)
			}
			verdict(t, e, v, test.want)
		})
	}
	t.Run("no CRL", func(t *testing.T) {
		// Clearing the slot drops the list that lay with the root; saving it again brings none.
		cm := must(e.cc.NewCertManager(e.ctx, client.CertManagerConfig{}))(t)
		slot := must(e.cc.CertSlot(e.ctx, "RootCert"))(t)
		check(t, cm.Clear(e.ctx, slot))
		check(t, cm.Save(e.ctx, slot, must(cm.Parse(e.ctx, e.pki.root, claviger.DER))(t)))
		v := must(e.cc.NewCertVerifier(e.ctx, client.CertVerifierConfig{Revocation: claviger.CRLOnly}))(t)
		v.SetCertificate(must(e.cc.CertSlot(e.ctx, "DeviceCert"))(t))
		v.SetVerificationTrustStore(anchor)
		verdict(t, e, v, claviger.RevocationStatusUnavailable)
		v.SetCoveragePolicy(claviger.BestEffort)
		verdict(t, e, v, claviger.Valid)
	})
}

// selfSigned is a root that no trust store holds.
func selfSigned(t *testing.T) []byte {
	t.Helper()
	p := newPKI(t)
	return p.renamed(t, "Foreign Root", nil)
}

// orphan is a certificate whose issuer is nowhere to be found.
func orphan(t *testing.T, p *pki) []byte {
	t.Helper()
	return p.renamed(t, "leaf", newNamedCA(t, "Missing CA"))
}

// ca is an issuer by another name.
type ca struct {
	der []byte
	key *ecdsa.PrivateKey
}
