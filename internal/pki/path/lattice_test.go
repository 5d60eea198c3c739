package path_test

import (
	"bytes"
	"crypto/x509"
	"testing"

	"filippo.io/mldsa"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/pki/cert"
	"github.com/claviger/claviger/internal/pki/crl"
	"github.com/claviger/claviger/internal/pki/path"
	"github.com/claviger/claviger/internal/pki/pkitest"
)

// TestLatticePaths: ML-DSA certificates verify in pure and mixed paths, with lists, and a changed bit is noticed.
func TestLatticePaths(t *testing.T) {
	entity := func(lattice bool, p mldsa.Parameters) *pkitest.Entity {
		if lattice {
			return pkitest.LatticeEntity(t, p)
		}
		return &pkitest.Entity{Key: pkitest.Root(t, pkitest.Leaf("key")).Key}
	}
	tests := []struct {
		name          string
		root, ca, dev bool
		p             mldsa.Parameters
	}{
		{"all ML-DSA-44", true, true, true, mldsa.MLDSA44()},
		{"all ML-DSA-65", true, true, true, mldsa.MLDSA65()},
		{"all ML-DSA-87", true, true, true, mldsa.MLDSA87()},
		{"ML-DSA root over ECDSA", true, false, false, mldsa.MLDSA65()},
		{"ECDSA root over ML-DSA", false, true, true, mldsa.MLDSA65()},
		{"ML-DSA device under ECDSA", false, false, true, mldsa.MLDSA65()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := entity(tt.root, tt.p)
			root.SelfSign(t, pkitest.CA("root"))
			ca := root.IssueFor(t, entity(tt.ca, tt.p), pkitest.CA("ca"))
			device := ca.IssueFor(t, entity(tt.dev, tt.p), pkitest.Leaf("device"))
			f := &family{root: root, ca: ca, device: device,
				rootCRL: list(t, root, &x509.RevocationList{}), caCRL: list(t, ca, &x509.RevocationList{})}
			r := f.request()
			expect(t, r, claviger.Valid, -1)
			if name, _, err := device.Certificate.PublicKey(); tt.dev && (err != nil || string(name) != tt.p.String()) {
				t.Errorf("public key %q, %v", name, err)
			}
			r.CRLs[1] = list(t, ca, &x509.RevocationList{RevokedCertificateEntries: []x509.RevocationListEntry{pkitest.Revoke(device.Certificate)}})
			expect(t, r, claviger.Revoked, 0)
			refuseTampering(t, f)
		})
	}
}

func refuseTampering(t *testing.T, f *family) {
	t.Helper()
	r := f.request()
	r.Leaf = tampered(t, r.Leaf)
	expect(t, r, claviger.SignatureInvalid, 0)
	r = f.request()
	r.Intermediates[0] = tampered(t, r.Intermediates[0])
	expect(t, r, claviger.SignatureInvalid, 1)
	r = f.request()
	der := f.caCRL.DER()
	der[len(der)-1] ^= 1
	bad, err := crl.Parse(der, claviger.DER)
	if err != nil {
		t.Fatal(err)
	}
	r.CRLs[1] = bad
	expect(t, r, claviger.RevocationStatusUnavailable, 0)
}

// TestLatticeIssuerDoesNotVouchForOthers: a P-256 signature cannot pass as one of an ML-DSA issuer, and the other way
// round.
func TestLatticeIssuerDoesNotVouchForOthers(t *testing.T) {
	lattice := pkitest.LatticeEntity(t, mldsa.MLDSA65())
	lattice.SelfSign(t, pkitest.CA("root"))
	namesake := pkitest.Root(t, pkitest.CA("root"))
	for _, tt := range []struct{ issuer, anchor *pkitest.Entity }{{namesake, lattice}, {lattice, namesake}} {
		leaf := tt.issuer.Issue(t, pkitest.Leaf("leaf"))
		expect(t, path.Request{Leaf: leaf.Certificate, Anchors: certs(tt.anchor), Time: pkitest.Middle()}, claviger.SignatureInvalid, 0)
		expect(t, path.Request{Leaf: leaf.Certificate, Anchors: certs(tt.issuer), Time: pkitest.Middle()}, claviger.Valid, -1)
	}
}

func TestLatticeKeyUsage(t *testing.T) {
	root := pkitest.LatticeEntity(t, mldsa.MLDSA65())
	root.SelfSign(t, pkitest.CA("root"))
	leaf := pkitest.Leaf("leaf")
	leaf.KeyUsage |= x509.KeyUsageKeyEncipherment
	e := root.IssueFor(t, pkitest.LatticeEntity(t, mldsa.MLDSA65()), leaf)
	expect(t, path.Request{Leaf: e.Certificate, Anchors: certs(root), Time: pkitest.Middle()}, claviger.InvalidPurpose, 0)
}

// TestLatticeAlgorithmMustFitTheKey: a signature that holds, under the label of another parameter set, is refused.
func TestLatticeAlgorithmMustFitTheKey(t *testing.T) {
	root := pkitest.LatticeEntity(t, mldsa.MLDSA44())
	root.SelfSign(t, pkitest.CA("root"))
	leaf := root.Issue(t, pkitest.Leaf("leaf"))
	label := []byte{0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 17}
	other := append(bytes.Clone(label[:12]), 18)
	der := root.Resign(t, leaf.Certificate.DER(), func(_ asn1.Tag, element []byte) []byte {
		if bytes.Equal(element, label) {
			return other
		}
		return element
	})
	der[bytes.LastIndex(der, label)+12] = 18
	c, err := cert.Parse(der, claviger.DER)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, path.Request{Leaf: c, Anchors: certs(root), Time: pkitest.Middle()}, claviger.SignatureInvalid, 0)
}
