package path_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/pki/cert"
	"github.com/claviger/claviger/internal/pki/path"
	"github.com/claviger/claviger/internal/pki/pkitest"
)

func TestPurposeHoldsAllTheWayDown(t *testing.T) {
	f := newFamily(t)
	server, client, any := x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageAny
	tests := []struct {
		name     string
		ca, leaf []x509.ExtKeyUsage
		usage    x509.KeyUsage
		want     claviger.Verdict
	}{
		{"none named", nil, nil, x509.KeyUsageDigitalSignature, claviger.Valid},
		{"named by the leaf", nil, []x509.ExtKeyUsage{client, server}, x509.KeyUsageDigitalSignature, claviger.Valid},
		{"any", nil, []x509.ExtKeyUsage{any}, x509.KeyUsageDigitalSignature, claviger.Valid},
		{"another", nil, []x509.ExtKeyUsage{client}, x509.KeyUsageDigitalSignature, claviger.InvalidPurpose},
		{"not by the CA", []x509.ExtKeyUsage{client}, []x509.ExtKeyUsage{server}, x509.KeyUsageDigitalSignature, claviger.InvalidPurpose},
		{"keyUsage cannot serve it", nil, []x509.ExtKeyUsage{server}, x509.KeyUsageContentCommitment, claviger.InvalidPurpose},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ca, leaf := pkitest.CA("sub"), pkitest.Leaf("leaf")
			ca.ExtKeyUsage, leaf.ExtKeyUsage, leaf.KeyUsage = tt.ca, tt.leaf, tt.usage
			sub := f.root.Issue(t, ca)
			r := f.request()
			r.Leaf, r.Intermediates = sub.Issue(t, leaf).Certificate, certs(sub)
			r.Revocation, r.Purposes = claviger.NoRevocation, []x509.ExtKeyUsage{server}
			got, err := path.Verify(r)
			if err != nil || got.Verdict != tt.want {
				t.Fatalf("%+v, %v; want %v", got, err, tt.want)
			}
		})
	}
}

func TestPathLengths(t *testing.T) {
	f := newFamily(t)
	short := pkitest.CA("short")
	short.MaxPathLenZero = true
	a := f.root.Issue(t, short)
	self := a.Issue(t, pkitest.CA("short")) // self-issued: does not count
	b := self.Issue(t, pkitest.CA("b"))
	r := f.request()
	r.Revocation = claviger.NoRevocation
	r.Leaf, r.Intermediates = self.Issue(t, pkitest.Leaf("leaf")).Certificate, certs(a, self)
	expect(t, r, claviger.Valid, -1)
	r.MaxDepth = -1
	expect(t, r, claviger.InvalidPurpose, -1)
	r.MaxDepth = 0
	r.Leaf, r.Intermediates = b.Issue(t, pkitest.Leaf("leaf")).Certificate, certs(a, self, b)
	expect(t, r, claviger.InvalidPurpose, 3)
}

func TestProfileFaultsAreRefused(t *testing.T) {
	f := newFamily(t)
	emptyUsage := pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 15}, Critical: true, Value: []byte{3, 1, 0}}
	emptyPurpose := pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Value: []byte{0x30, 0}}
	tests := []struct {
		name     string
		ca, leaf func(*x509.Certificate)
		depth    int
	}{
		{"CA with an empty keyUsage", func(x *x509.Certificate) { x.KeyUsage, x.ExtraExtensions = 0, []pkix.Extension{emptyUsage} }, nil, 1},
		{"CA that may only sign lists", func(x *x509.Certificate) { x.KeyUsage = x509.KeyUsageCRLSign }, nil, 1},
		{"no purpose in extKeyUsage", nil, func(x *x509.Certificate) { x.ExtraExtensions = []pkix.Extension{emptyPurpose} }, 0},
		{"keyCertSign without CA", nil, func(x *x509.Certificate) { x.KeyUsage |= x509.KeyUsageCertSign }, 0},
		{"CA without a name", nil, func(x *x509.Certificate) { *x = *pkitest.CA(""); x.Subject = pkix.Name{} }, 0},
		{"constraint with a maximum", bounded, nil, 1},
		{"serial of 21 bytes", nil, func(x *x509.Certificate) { x.SerialNumber = new(big.Int).Lsh(big.NewInt(1), 159) }, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ca, leaf := pkitest.CA("sub"), pkitest.Leaf("leaf")
			if tt.ca != nil {
				tt.ca(ca)
			}
			if tt.leaf != nil {
				tt.leaf(leaf)
			}
			sub := f.root.Issue(t, ca)
			r := f.request()
			r.Leaf, r.Intermediates, r.Revocation = sub.Issue(t, leaf).Certificate, certs(sub), claviger.NoRevocation
			expect(t, r, claviger.InvalidPurpose, tt.depth)
		})
	}
}

// bounded adds a constraint on directories with a maximum, which RFC 5280 forbids.
func bounded(x *x509.Certificate) {
	directory(1, "Other")(x)
	value := x.ExtraExtensions[0].Value
	value = append(value, 0x81, 1, 1)  // maximum [1] at the end of the innermost sequence
	for _, i := range []int{1, 3, 5} { // the lengths of the three sequences round it
		value[i] += 3
	}
	x.ExtraExtensions[0].Value = value
}

func TestIssuerWithoutNameIsRefusedEvenWhenTrusted(t *testing.T) {
	template := pkitest.CA("")
	template.Subject = pkix.Name{}
	template.SubjectKeyId = []byte("nameless")
	leaf := pkitest.Root(t, template).Issue(t, pkitest.Leaf("leaf"))
	expect(t, path.Request{Leaf: leaf.Certificate, Anchors: certs(leaf), Time: pkitest.Middle(), TrustStoreTerminated: true},
		claviger.InvalidPurpose, 0)
}

func TestShortRSAKeysAreRefused(t *testing.T) {
	root := pkitest.Root(t, pkitest.CA("root"))
	for bits, want := range map[uint]claviger.Verdict{1024: claviger.InvalidPurpose, 2048: claviger.Valid} {
		n := new(big.Int).Lsh(big.NewInt(1), bits) // any odd number will do for a leaf that signs nothing
		template := pkitest.Leaf("leaf")
		template.SerialNumber = big.NewInt(1)
		der, err := x509.CreateCertificate(rand.Reader, template, root.Certificate.X509(), &rsa.PublicKey{N: n.Sub(n, big.NewInt(1)), E: 65537}, root.Key)
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := cert.Parse(der, claviger.DER)
		if err != nil {
			t.Fatal(err)
		}
		r, err := path.Verify(path.Request{Leaf: leaf, Anchors: certs(root), Time: pkitest.Middle()})
		if err != nil || r.Verdict != want {
			t.Errorf("%d bits: %+v, %v; want %v", bits, r, err, want)
		}
	}
}

// TestInitialPolicyValues: what RFC 5280, 6.1.1 (e) to (g) gives the caller to demand holds from the first certificate on.
func TestInitialPolicyValues(t *testing.T) {
	oid := func(last uint64) x509.OID {
		o, err := x509.OIDFromInts([]uint64{1, 2, 3, last})
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	anyPolicy, err := x509.ParseOID("2.5.29.32.0")
	if err != nil {
		t.Fatal(err)
	}
	// policyMappings: 1.2.3.1 in the CA's domain is 1.2.3.2 in the leaf's.
	mapping := pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 33}, Value: []byte{0x30, 12, 0x30, 10, 6, 3, 0x2a, 3, 1, 6, 3, 0x2a, 3, 2}}
	tests := []struct {
		name     string
		ca, leaf []x509.OID
		mapped   bool
		policy   path.Policy
		want     claviger.Verdict
	}{
		{"none, none demanded", nil, nil, false, path.Policy{}, claviger.Valid},
		{"none, one demanded", nil, nil, false, path.Policy{RequireExplicit: true}, claviger.InvalidPurpose},
		{"any", []x509.OID{anyPolicy}, []x509.OID{anyPolicy}, false, path.Policy{RequireExplicit: true}, claviger.Valid},
		{"any inhibited", []x509.OID{anyPolicy}, []x509.OID{oid(1)}, false, path.Policy{RequireExplicit: true, InhibitAny: true}, claviger.InvalidPurpose},
		{"mapped", []x509.OID{oid(1)}, []x509.OID{oid(2)}, true, path.Policy{RequireExplicit: true}, claviger.Valid},
		{"mapping inhibited", []x509.OID{oid(1)}, []x509.OID{oid(2)}, true, path.Policy{RequireExplicit: true, InhibitMapping: true}, claviger.InvalidPurpose},
		{"mapping inhibited, unmapped leaf", []x509.OID{oid(1)}, []x509.OID{oid(1)}, true, path.Policy{RequireExplicit: true, InhibitMapping: true}, claviger.InvalidPurpose},
		{"acceptable", []x509.OID{oid(1)}, []x509.OID{oid(1)}, false, path.Policy{RequireExplicit: true, Acceptable: []x509.OID{oid(1)}}, claviger.Valid},
		{"not acceptable", []x509.OID{oid(1)}, []x509.OID{oid(1)}, false, path.Policy{RequireExplicit: true, Acceptable: []x509.OID{oid(2)}}, claviger.InvalidPurpose},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root, ca, leaf := pkitest.Root(t, pkitest.CA("root")), pkitest.CA("ca"), pkitest.Leaf("leaf")
			ca.Policies, leaf.Policies = tt.ca, tt.leaf
			if tt.mapped {
				ca.ExtraExtensions = []pkix.Extension{mapping}
			}
			sub := root.Issue(t, ca)
			expect(t, path.Request{Leaf: sub.Issue(t, leaf).Certificate, Intermediates: certs(sub), Anchors: certs(root),
				Time: pkitest.Middle(), Policy: tt.policy}, tt.want, -1)
		})
	}
}
