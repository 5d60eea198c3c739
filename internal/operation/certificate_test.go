package operation

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/policy"
)

// authority issues certificates and revocation lists for tests.
type authority struct {
	t    *testing.T
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	now  time.Time
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, err)
	a := &authority{t: t, key: key, now: time.Now()}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: a.now.Add(-time.Hour),
		NotAfter: a.now.Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, SubjectKeyId: []byte(name)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	ok(t, err)
	a.cert, err = x509.ParseCertificate(der)
	ok(t, err)
	return a
}

func (a *authority) leaf(serial int64) []byte {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(a.t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "device"}, NotBefore: a.now.Add(-time.Minute),
		NotAfter: a.now.Add(30 * time.Minute), KeyUsage: x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	ok(a.t, err)
	return der
}

func (a *authority) crl(number int64, revoked ...int64) []byte {
	template := &x509.RevocationList{Number: big.NewInt(number), ThisUpdate: a.now.Add(-time.Minute), NextUpdate: a.now.Add(time.Hour)}
	for _, n := range revoked {
		template.RevokedCertificateEntries = append(template.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: big.NewInt(n), RevocationTime: a.now.Add(-time.Minute)})
	}
	der, err := x509.CreateRevocationList(rand.Reader, template, a.cert, a.key)
	ok(a.t, err)
	return der
}

func (r *rig) parsed(t *testing.T, der []byte) *Certificate {
	t.Helper()
	list, err := r.ParseCertificate(r.keyless(), der, claviger.DER, false)
	ok(t, err)
	return list[0]
}

func (r *rig) certGrant(t *testing.T) policy.Grant {
	t.Helper()
	g, err := r.policy.CertSlot(r.caller, "test", "cert", claviger.TypeCertSlot, certWrite)
	ok(t, err)
	return g
}

func TestVerdictsOfTheSeventhFlow(t *testing.T) {
	r := newRig(t)
	root, other := newAuthority(t, "root"), newAuthority(t, "another")
	ok(t, r.SaveCertificate(t.Context(), r.certGrant(t), "cert", r.parsed(t, root.cert.Raw)))
	leaf, foreign := r.parsed(t, root.leaf(7)), r.parsed(t, other.leaf(7))
	verdict := func(what string, c *Certificate, alter func(*VerifyRequest), want claviger.Verdict) {
		t.Helper()
		request := VerifyRequest{Certificate: CertRef{Certificate: c}, Members: []string{"empty", "cert"}, Revocation: claviger.CRLOnly}
		if alter != nil {
			alter(&request)
		}
		result, err := r.VerifyCertificate(r.keyless(), request)
		ok(t, err)
		if result.Verdict != want {
			t.Errorf("%s: %s (%s); want %s", what, result.Verdict, result.Detail, want)
		}
	}
	at := func(d time.Duration) func(*VerifyRequest) {
		when := root.now.Add(d)
		return func(r *VerifyRequest) { r.Time, r.Revocation = &when, claviger.NoRevocation }
	}
	verdict("no list", leaf, nil, claviger.RevocationStatusUnavailable)
	verdict("no list, best effort", leaf, func(r *VerifyRequest) { r.Coverage = claviger.BestEffort }, claviger.Valid)
	ok(t, r.ImportCRL(t.Context(), r.certGrant(t), "cert", root.crl(3, 8), claviger.DER))
	verdict("valid", leaf, nil, claviger.Valid)
	verdict("expired", leaf, at(45*time.Minute), claviger.Expired)
	verdict("not yet", leaf, at(-2*time.Minute), claviger.NotYetValid)
	epoch := time.Unix(0, 0)
	verdict("the time 0 is a time", leaf, func(r *VerifyRequest) { r.Time = &epoch }, claviger.NotYetValid)
	verdict("foreign", foreign, nil, claviger.ChainIncomplete)
	verdict("foreign with its issuer", foreign, func(r *VerifyRequest) {
		r.Chain = []CertRef{{Certificate: mustParse(t, other.cert.Raw)}}
		r.Revocation = claviger.NoRevocation
	}, claviger.NoRootFound)
	ok(t, r.ImportCRL(t.Context(), r.certGrant(t), "cert", root.crl(4, 7), claviger.DER))
	verdict("revoked", leaf, nil, claviger.Revoked)

	fails(t, "an older list", r.ImportCRL(t.Context(), r.certGrant(t), "cert", root.crl(3), claviger.DER), claviger.ErrCRLImportFailed)
	fails(t, "a foreign list", r.ImportCRL(t.Context(), r.certGrant(t), "cert", other.crl(9), claviger.DER), claviger.ErrCRLImportFailed)
	_, err := r.VerifyCertificate(r.keyless(), VerifyRequest{Certificate: CertRef{Certificate: leaf}, Members: []string{"empty"}})
	fails(t, "no anchor", err, claviger.ErrTrustAnchorNotFound)
	_, err = r.VerifyCertificate(r.keyless(), VerifyRequest{Certificate: CertRef{Slot: "empty"}, Members: []string{"cert"}})
	fails(t, "an empty slot", err, claviger.ErrKeySlotEmpty)
	_, err = r.VerifyCertificate(r.keyless(), VerifyRequest{Certificate: CertRef{Certificate: leaf}, Members: []string{"cert"}, Revocation: claviger.OCSPOnly})
	fails(t, "OCSP", err, claviger.ErrUnsupportedOperation)
}

func mustParse(t *testing.T, der []byte) *Certificate {
	t.Helper()
	return newRig(t).parsed(t, der)
}

func TestSavingAnotherCertificateDropsTheList(t *testing.T) {
	r := newRig(t)
	a, b := newAuthority(t, "a"), newAuthority(t, "b")
	has := func(want bool) {
		t.Helper()
		info, err := r.CertSlot(r.keyless(), "cert")
		if err != nil || (info.List != nil) != want {
			t.Errorf("list %v, %v; want %v", info.List != nil, err, want)
		}
	}
	ok(t, r.SaveCertificate(t.Context(), r.certGrant(t), "cert", r.parsed(t, a.cert.Raw)))
	ok(t, r.ImportCRL(t.Context(), r.certGrant(t), "cert", a.crl(1), claviger.DER))
	has(true)
	ok(t, r.SaveCertificate(t.Context(), r.certGrant(t), "cert", r.parsed(t, a.cert.Raw)))
	has(true)
	ok(t, r.SaveCertificate(t.Context(), r.certGrant(t), "cert", r.parsed(t, b.cert.Raw)))
	has(false)
	c, err := r.LoadCertificate(r.keyless(), "cert")
	if err != nil || !bytes.Equal(c.DER(), b.cert.Raw) {
		t.Errorf("another certificate came back: %v", err)
	}
	ok(t, r.ClearCertificate(t.Context(), r.certGrant(t), "cert"))
	fails(t, "clear twice", r.ClearCertificate(t.Context(), r.certGrant(t), "cert"), claviger.ErrKeySlotEmpty)
	fails(t, "list without issuer", r.ImportCRL(t.Context(), r.certGrant(t), "cert", a.crl(2), claviger.DER), claviger.ErrKeySlotEmpty)
	fails(t, "save without a grant", r.SaveCertificate(t.Context(), r.keyless(), "cert", r.parsed(t, a.cert.Raw)), claviger.ErrAccessDenied)
	fails(t, "clear without a grant", r.ClearCertificate(t.Context(), r.keyless(), "cert"), claviger.ErrAccessDenied)
	fails(t, "list without a grant", r.ImportCRL(t.Context(), r.keyless(), "cert", nil, claviger.DER), claviger.ErrAccessDenied)
}

func TestTheKeyOfACertificateVerifies(t *testing.T) {
	r := newRig(t)
	a := newAuthority(t, "a")
	made, alg, err := r.CertificateKey(t.Context(), r.keyless(), r.parsed(t, a.cert.Raw))
	ok(t, err)
	defer made.Key.Release()
	if alg != "ECDSA-P256" || made.Info.Class != claviger.PublicKey || made.Info.Permissions != claviger.Verify|claviger.Export {
		t.Errorf("%s, %+v", alg, made.Info)
	}
	c, g := r.context(t, made.Key, ContextSpec{Kind: claviger.VerifyContext, Algorithm: "ECDSA-P256-SHA-256", DER: true})
	answer, err := c.OneShot(t.Context(), g, a.cert.Signature, nil, 0, nil, a.cert.RawTBSCertificate)
	if err != nil || !bytes.Equal(answer, []byte{right}) {
		t.Errorf("its own signature: %v, %v", answer, err)
	}
}
