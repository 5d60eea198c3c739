package path_test

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/pki/cert"
	"github.com/claviger/claviger/internal/pki/crl"
	"github.com/claviger/claviger/internal/pki/path"
	"github.com/claviger/claviger/internal/pki/pkitest"
)

// family is a root, a CA below it and a device below that, with a list of each issuer.
type family struct {
	root, ca, device *pkitest.Entity
	rootCRL, caCRL   *crl.CRL
}

func newFamily(t testing.TB) *family {
	t.Helper()
	f := &family{}
	f.root = pkitest.Root(t, pkitest.CA("root"))
	f.ca = f.root.Issue(t, pkitest.CA("ca"))
	f.device = f.ca.Issue(t, pkitest.Leaf("device"))
	f.rootCRL = list(t, f.root, &x509.RevocationList{})
	f.caCRL = list(t, f.ca, &x509.RevocationList{})
	return f
}

func (f *family) request() path.Request {
	return path.Request{
		Leaf:          f.device.Certificate,
		Intermediates: []*cert.Certificate{f.ca.Certificate},
		Anchors:       []*cert.Certificate{f.root.Certificate},
		CRLs:          []*crl.CRL{f.rootCRL, f.caCRL},
		Time:          pkitest.Middle(),
		Revocation:    claviger.CRLOnly,
	}
}

func list(t testing.TB, by *pkitest.Entity, template *x509.RevocationList) *crl.CRL {
	t.Helper()
	l, err := crl.Parse(by.List(t, template), claviger.DER)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func certs(es ...*pkitest.Entity) []*cert.Certificate {
	out := make([]*cert.Certificate, len(es))
	for i, e := range es {
		out[i] = e.Certificate
	}
	return out
}

// tampered returns c with one bit of its signature changed.
func tampered(t testing.TB, c *cert.Certificate) *cert.Certificate {
	t.Helper()
	der := c.DER()
	der[len(der)-1] ^= 1
	out, err := cert.Parse(der, claviger.DER)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func expect(t *testing.T, req path.Request, want claviger.Verdict, depth int) *path.Result {
	t.Helper()
	r, err := path.Verify(req)
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict != want || r.Depth != depth {
		t.Fatalf("%v at depth %d (%s); want %v at depth %d", r.Verdict, r.Depth, r.Detail, want, depth)
	}
	if r.Verdict != claviger.Valid && r.Detail == "" {
		t.Fatal("a negative verdict without a detail")
	}
	return r
}

func TestValidPathGivesItsEvidence(t *testing.T) {
	f := newFamily(t)
	r := expect(t, f.request(), claviger.Valid, -1)
	if !slices.Equal(r.Chain, certs(f.device, f.ca, f.root)) {
		t.Error("the chain is not leaf, CA, root")
	}
	if !slices.Equal(r.CRLs, []*crl.CRL{f.caCRL, f.rootCRL}) {
		t.Error("the lists are not those of CA and root")
	}
	if len(r.Unchecked) != 0 || r.Detail != "" {
		t.Errorf("unchecked %v, detail %q", r.Unchecked, r.Detail)
	}
}

// change is one thing that is different from a valid request, and what comes of it.
type change struct {
	name  string
	apply func(t *testing.T, f *family, r *path.Request)
	want  claviger.Verdict
	depth int
}

func runChanges(t *testing.T, tests []change) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFamily(t)
			r := f.request()
			tt.apply(t, f, &r)
			expect(t, r, tt.want, tt.depth)
		})
	}
}

func TestVerdictsOfTimeAndRevocation(t *testing.T) {
	year := 365 * 24 * time.Hour
	old := pkitest.CA("ca")
	old.NotAfter = pkitest.Middle().Add(-time.Second)
	young := pkitest.Leaf("device")
	young.NotBefore = pkitest.Middle().Add(time.Second)
	runChanges(t, []change{
		{"last second", func(t *testing.T, f *family, r *path.Request) { r.Time = pkitest.End().Add(999 * time.Millisecond) }, claviger.Valid, -1},
		{"leaf expired", func(t *testing.T, f *family, r *path.Request) { r.Time = pkitest.End().Add(time.Second) }, claviger.Expired, 0},
		{"CA expired", func(t *testing.T, f *family, r *path.Request) {
			r.Intermediates = certs(f.root.IssueFor(t, f.ca, old))
		}, claviger.Expired, 1},
		{"all not yet valid", func(t *testing.T, f *family, r *path.Request) { r.Time = pkitest.Begin().Add(-year) }, claviger.NotYetValid, 0},
		{"epoch 0 is a time", func(t *testing.T, f *family, r *path.Request) { r.Time = time.Unix(0, 0) }, claviger.NotYetValid, 0},
		{"leaf not yet valid", func(t *testing.T, f *family, r *path.Request) {
			r.Leaf = f.ca.Issue(t, young).Certificate
		}, claviger.NotYetValid, 0},
		{"leaf revoked", func(t *testing.T, f *family, r *path.Request) {
			r.CRLs[1] = list(t, f.ca, &x509.RevocationList{RevokedCertificateEntries: []x509.RevocationListEntry{pkitest.Revoke(f.device.Certificate)}})
		}, claviger.Revoked, 0},
		{"CA revoked", func(t *testing.T, f *family, r *path.Request) {
			r.CRLs[0] = list(t, f.root, &x509.RevocationList{RevokedCertificateEntries: []x509.RevocationListEntry{pkitest.Revoke(f.ca.Certificate)}})
		}, claviger.Revoked, 1},
		{"CA revoked and no list for the leaf", func(t *testing.T, f *family, r *path.Request) {
			r.CRLs = []*crl.CRL{list(t, f.root, &x509.RevocationList{RevokedCertificateEntries: []x509.RevocationListEntry{pkitest.Revoke(f.ca.Certificate)}})}
		}, claviger.Revoked, 1},
		{"no list", func(t *testing.T, f *family, r *path.Request) { r.CRLs = nil }, claviger.RevocationStatusUnavailable, 0},
		{"no list of the root", func(t *testing.T, f *family, r *path.Request) { r.CRLs = r.CRLs[1:] }, claviger.RevocationStatusUnavailable, 1},
		{"no list and none wanted", func(t *testing.T, f *family, r *path.Request) {
			r.CRLs, r.Revocation = nil, claviger.NoRevocation
		}, claviger.Valid, -1},
	})
}

func TestVerdictsOfBuilding(t *testing.T) {
	poison := pkitest.Leaf("device")
	poison.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 3}, Critical: true, Value: []byte{5, 0}}}
	runChanges(t, []change{
		{"foreign root, complete chain", func(t *testing.T, f *family, r *path.Request) {
			r.Anchors, r.Intermediates = certs(pkitest.Root(t, pkitest.CA("other"))), certs(f.ca, f.root)
		}, claviger.NoRootFound, 2},
		{"namesake root, complete chain", func(t *testing.T, f *family, r *path.Request) {
			r.Anchors, r.Intermediates = certs(pkitest.Root(t, pkitest.CA("root"))), certs(f.ca, f.root)
		}, claviger.NoRootFound, 2},
		{"self-signed leaf", func(t *testing.T, f *family, r *path.Request) {
			r.Leaf = pkitest.Root(t, pkitest.Leaf("alone")).Certificate
		}, claviger.NoRootFound, 0},
		{"CA missing", func(t *testing.T, f *family, r *path.Request) { r.Intermediates = nil }, claviger.ChainIncomplete, 0},
		{"root missing", func(t *testing.T, f *family, r *path.Request) {
			r.Anchors = certs(pkitest.Root(t, pkitest.CA("other")))
		}, claviger.ChainIncomplete, 1},
		{"leaf tampered", func(t *testing.T, f *family, r *path.Request) { r.Leaf = tampered(t, r.Leaf) }, claviger.SignatureInvalid, 0},
		{"CA tampered", func(t *testing.T, f *family, r *path.Request) {
			r.Intermediates[0] = tampered(t, r.Intermediates[0])
		}, claviger.SignatureInvalid, 1},
		{"namesake CA", func(t *testing.T, f *family, r *path.Request) {
			r.Intermediates = certs(f.root.Issue(t, pkitest.CA("ca")))
		}, claviger.SignatureInvalid, 0},
		{"namesake CA beside the true one, root missing", func(t *testing.T, f *family, r *path.Request) {
			r.Intermediates = certs(f.root.Issue(t, pkitest.CA("ca")), f.ca)
			r.Anchors = certs(pkitest.Root(t, pkitest.CA("other")))
		}, claviger.ChainIncomplete, 1},
		{"precertificate", func(t *testing.T, f *family, r *path.Request) {
			r.Leaf = f.ca.Issue(t, poison).Certificate
		}, claviger.InvalidPurpose, 0},
		{"issuer is no CA", func(t *testing.T, f *family, r *path.Request) {
			r.Leaf = f.device.Issue(t, pkitest.Leaf("below")).Certificate
			r.Intermediates = append(r.Intermediates, f.device.Certificate)
		}, claviger.InvalidPurpose, 1},
	})
}

func TestBestEffortCarriesOnAndSaysSo(t *testing.T) {
	r := newFamily(t).request()
	r.CRLs, r.Coverage = r.CRLs[:1], claviger.BestEffort
	got := expect(t, r, claviger.Valid, -1)
	if !slices.Equal(got.Unchecked, []int{0}) || got.Detail == "" {
		t.Errorf("unchecked %v, detail %q", got.Unchecked, got.Detail)
	}
}

func TestBestEffortStillRefusesRevoked(t *testing.T) {
	f := newFamily(t)
	r := f.request()
	r.Coverage = claviger.BestEffort
	r.CRLs = []*crl.CRL{list(t, f.root, &x509.RevocationList{RevokedCertificateEntries: []x509.RevocationListEntry{pkitest.Revoke(f.ca.Certificate)}})}
	expect(t, r, claviger.Revoked, 1)
}

func TestRequestsThatCannotRunAreErrors(t *testing.T) {
	f := newFamily(t)
	tests := []struct {
		name   string
		change func(*path.Request)
		want   error
	}{
		{"no leaf", func(r *path.Request) { r.Leaf = nil }, claviger.ErrInvalidArgument},
		{"no anchors: never the machine's", func(r *path.Request) { r.Anchors = nil }, claviger.ErrTrustAnchorNotFound},
		{"no time: never the clock's", func(r *path.Request) { r.Time = time.Time{} }, claviger.ErrInvalidArgument},
		{"nil anchor", func(r *path.Request) { r.Anchors = []*cert.Certificate{nil} }, claviger.ErrInvalidArgument},
		{"too many intermediates", func(r *path.Request) {
			r.Intermediates = make([]*cert.Certificate, path.MaxIntermediates+1)
		}, claviger.ErrInvalidArgument},
		{"OCSP", func(r *path.Request) { r.Revocation = claviger.OCSPOnly }, claviger.ErrUnsupportedOperation},
		{"OCSP with fallback", func(r *path.Request) { r.Revocation = claviger.OCSPWithCRLFallback }, claviger.ErrUnsupportedOperation},
		{"unknown policy", func(r *path.Request) { r.Revocation = 9 }, claviger.ErrInvalidArgument},
		{"unknown coverage", func(r *path.Request) { r.Coverage = 9 }, claviger.ErrInvalidArgument},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := f.request()
			tt.change(&r)
			got, err := path.Verify(r)
			if !errors.Is(err, tt.want) || got != nil {
				t.Fatalf("%v, %v; want %v", got, err, tt.want)
			}
		})
	}
}

func TestPathEndsInAnIntermediateOnlyOnRequest(t *testing.T) {
	f := newFamily(t)
	r := f.request()
	r.Anchors, r.Intermediates = certs(f.ca), nil
	expect(t, r, claviger.ChainIncomplete, 1)
	r.TrustStoreTerminated = true
	expect(t, r, claviger.Valid, -1)
}

func TestLeafInTheStoreIsTrustedOnlyOnRequest(t *testing.T) {
	f := newFamily(t)
	r := f.request()
	self := pkitest.Root(t, pkitest.Leaf("self"))
	for _, leaf := range []*pkitest.Entity{self, f.root} {
		r.Leaf, r.Anchors = leaf.Certificate, certs(leaf)
		r.TrustStoreTerminated = false
		expect(t, r, claviger.InvalidPurpose, 0)
		r.TrustStoreTerminated = true
		expect(t, r, claviger.Valid, -1)
		r.Time = pkitest.End().Add(time.Hour)
		expect(t, r, claviger.Expired, 0)
		r.Time = pkitest.Middle()
	}
}

func TestOneGoodPathOfSeveralIsEnough(t *testing.T) {
	f := newFamily(t)
	expired, constrained := pkitest.CA("ca"), pkitest.CA("ca")
	expired.NotAfter = pkitest.Begin().Add(time.Hour)
	constrained.ExcludedEmailAddresses = []string{"example.com"}
	leaf := pkitest.Leaf("device")
	leaf.EmailAddresses = []string{"a@example.com"}
	r := f.request()
	r.Leaf = f.ca.Issue(t, leaf).Certificate
	bad := certs(f.root.IssueFor(t, f.ca, expired), f.root.IssueFor(t, f.ca, constrained))
	r.Intermediates = bad
	expect(t, r, claviger.InvalidPurpose, 0)
	r.Intermediates = append(bad, f.ca.Certificate)
	expect(t, r, claviger.Valid, -1)
}

func TestVerifyChangesNothingItWasGiven(t *testing.T) {
	f := newFamily(t)
	r := f.request()
	before := bytes.Clone(f.ca.Certificate.X509().RawSubject)
	expect(t, r, claviger.Valid, -1)
	r.Policy = path.Policy{RequireExplicit: true, InhibitAny: true, InhibitMapping: true}
	if got, err := path.Verify(r); err != nil || got.Verdict != claviger.InvalidPurpose {
		t.Fatalf("%+v, %v", got, err)
	}
	if !bytes.Equal(before, f.ca.Certificate.X509().RawSubject) || len(r.Intermediates) != 1 || len(r.CRLs) != 2 {
		t.Error("the request was changed")
	}
	expect(t, f.request(), claviger.Valid, -1)
}

// BenchmarkVerify verifies leaf, CA and root, all parsed before, without revocation.
func BenchmarkVerify(b *testing.B) {
	r := newFamily(b).request()
	r.Revocation = claviger.NoRevocation
	b.ReportAllocs()
	for b.Loop() {
		if got, err := path.Verify(r); err != nil || got.Verdict != claviger.Valid {
			b.Fatal(got, err)
		}
	}
}
