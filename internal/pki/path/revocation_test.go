package path_test

import (
	"crypto/x509"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/pki/cert"
	"github.com/claviger/claviger/internal/pki/crl"
	"github.com/claviger/claviger/internal/pki/pkitest"
)

// TestListSignerUnderAnotherAnchorDoesNotCount: a namesake of the CA, certified by another trusted root, cannot clear
// or revoke what the CA issued.
func TestListSignerUnderAnotherAnchorDoesNotCount(t *testing.T) {
	f := newFamily(t)
	other := pkitest.Root(t, pkitest.CA("other"))
	namesake := other.Issue(t, pkitest.CA("ca"))
	r := f.request()
	r.Anchors = append(r.Anchors, other.Certificate)
	r.Intermediates = append(r.Intermediates, namesake.Certificate)
	r.CRLs = []*crl.CRL{f.rootCRL, list(t, other, &x509.RevocationList{}), list(t, namesake, &x509.RevocationList{})}
	expect(t, r, claviger.RevocationStatusUnavailable, 0)
	r.CRLs[2] = list(t, namesake, &x509.RevocationList{
		RevokedCertificateEntries: []x509.RevocationListEntry{pkitest.Revoke(f.device.Certificate)}})
	expect(t, r, claviger.RevocationStatusUnavailable, 0)
}

// TestListSignerIsJudgedForEachAnchor: what holds on a path to one anchor is not carried over to a path of the same
// certificates to another.
func TestListSignerIsJudgedForEachAnchor(t *testing.T) {
	f := newFamily(t)
	other := pkitest.Root(t, pkitest.CA("other"))
	cross := other.IssueFor(t, f.ca, pkitest.CA("ca")) // the CA is certified by both roots
	sub := f.ca.Issue(t, pkitest.CA("sub"))
	template := pkitest.Leaf("sub")
	template.KeyUsage = x509.KeyUsageCRLSign
	signer := f.root.Issue(t, template) // of the lists of sub, and certified by one of them
	r := f.request()
	r.Leaf = sub.Issue(t, pkitest.Leaf("leaf")).Certificate
	r.Intermediates = certs(cross, f.ca, sub, signer)
	r.CRLs = []*crl.CRL{f.rootCRL, f.caCRL, list(t, other, &x509.RevocationList{}), list(t, signer, &x509.RevocationList{})}
	for _, anchors := range [][]*cert.Certificate{certs(f.root, other), certs(other, f.root)} {
		for _, helpers := range [][]*cert.Certificate{certs(cross, f.ca, sub, signer), certs(f.ca, cross, sub, signer)} {
			r.Anchors, r.Intermediates = anchors, helpers
			got := expect(t, r, claviger.Valid, -1)
			if !got.Chain[3].Equal(f.root.Certificate) {
				t.Error("the path ends in an anchor that does not stand behind the list's signer")
			}
		}
	}
	r.Anchors = certs(other)
	expect(t, r, claviger.RevocationStatusUnavailable, 0)
}

// TestDedicatedListSigner: a certificate with the CA's name and another key may sign the CA's lists if its own path
// stands, is not revoked, and its keyUsage allows it (RFC 5280, 6.3.3 (f)).
func TestDedicatedListSigner(t *testing.T) {
	template := func(usage x509.KeyUsage) *x509.Certificate {
		c := pkitest.Leaf("ca")
		c.KeyUsage = usage
		return c
	}
	tests := []struct {
		name  string
		usage x509.KeyUsage
		spoil func(r *pkitest.Entity, f *family) *crl.CRL // another list of the root; nil: the good one
		want  claviger.Verdict
		depth int
	}{
		{"good", x509.KeyUsageCRLSign, nil, claviger.Valid, -1},
		{"without cRLSign", x509.KeyUsageDigitalSignature, nil, claviger.RevocationStatusUnavailable, 0},
		{"revoked", x509.KeyUsageCRLSign, func(s *pkitest.Entity, f *family) *crl.CRL {
			return list(t, f.root, &x509.RevocationList{RevokedCertificateEntries: []x509.RevocationListEntry{pkitest.Revoke(s.Certificate)}})
		}, claviger.RevocationStatusUnavailable, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFamily(t)
			signer := f.root.Issue(t, template(tt.usage))
			r := f.request()
			r.Intermediates = append(r.Intermediates, signer.Certificate)
			r.CRLs = []*crl.CRL{f.rootCRL, list(t, signer, &x509.RevocationList{})}
			if tt.spoil != nil {
				r.CRLs[0] = tt.spoil(signer, f)
			}
			expect(t, r, tt.want, tt.depth)
		})
	}
}

// TestListThatRevokesItsSigner: what a signer says counts for nothing once it says that it is revoked itself.
func TestListThatRevokesItsSigner(t *testing.T) {
	f := newFamily(t)
	template := pkitest.Leaf("ca")
	template.KeyUsage = x509.KeyUsageCRLSign
	signer := f.ca.Issue(t, template)
	r := f.request()
	r.Intermediates = append(r.Intermediates, signer.Certificate)
	r.CRLs = []*crl.CRL{f.rootCRL, list(t, signer, &x509.RevocationList{})}
	expect(t, r, claviger.Valid, -1)
	r.CRLs[1] = list(t, signer, &x509.RevocationList{
		RevokedCertificateEntries: []x509.RevocationListEntry{pkitest.Revoke(signer.Certificate)}})
	expect(t, r, claviger.RevocationStatusUnavailable, 0)
}

// TestSameRevocationOnEveryPath: cross-certification does not lead around a revocation.
func TestSameRevocationOnEveryPath(t *testing.T) {
	f := newFamily(t)
	r := f.request()
	r.Intermediates = append(r.Intermediates, f.root.IssueFor(t, f.ca, pkitest.CA("ca")).Certificate)
	r.CRLs = []*crl.CRL{f.rootCRL, list(t, f.ca, &x509.RevocationList{
		RevokedCertificateEntries: []x509.RevocationListEntry{pkitest.Revoke(f.device.Certificate)}})}
	expect(t, r, claviger.Revoked, 0)
}

// TestManySignersStayCheap: a crowd of namesakes cannot make a verification grow without bound.
func TestManySignersStayCheap(t *testing.T) {
	f := newFamily(t)
	r := f.request()
	r.CRLs = []*crl.CRL{f.rootCRL}
	var crowd []*cert.Certificate
	for range 60 {
		e := f.root.Issue(t, pkitest.CA("ca"))
		crowd = append(crowd, e.Certificate)
		r.CRLs = append(r.CRLs, list(t, f.device, &x509.RevocationList{}), list(t, e, &x509.RevocationList{
			RevokedCertificateEntries: []x509.RevocationListEntry{pkitest.Revoke(f.device.Certificate)}}))
	}
	r.Intermediates = append(r.Intermediates, crowd...)
	expect(t, r, claviger.Revoked, 0)
}
