// Package pkitest makes certificates and revocation lists for the tests of the rooms beside it: ECDSA P-256 by default,
// ML-DSA where asked for. Keys are fresh in every run. Everything is valid from [Begin] to [End] unless changed.
package pkitest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"

	"filippo.io/mldsa"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/pki/cert"
)

// Begin returns the start of everything's validity, 2025-01-01 UTC.
func Begin() time.Time { return time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC) }

// Middle returns a time at which everything is valid, 2026-01-01 UTC.
func Middle() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

// End returns the end of everything's validity, 2027-01-01 UTC.
func End() time.Time { return time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC) }

// Entity is a certificate with its private key, and the X.509 template it was made from.
type Entity struct {
	Certificate *cert.Certificate
	Key         *ecdsa.PrivateKey // signs, unless Lattice is set
	Lattice     *mldsa.PrivateKey // of an ML-DSA entity; else nil
	issued      int64
}

// CA is a template for a CA of the given name.
func CA(name string) *x509.Certificate {
	t := Leaf(name)
	t.IsCA, t.BasicConstraintsValid = true, true
	t.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	return t
}

// Leaf is a template for an end entity of the given name.
func Leaf(name string) *x509.Certificate {
	return &x509.Certificate{Subject: pkix.Name{CommonName: name, Organization: []string{"Test"}},
		NotBefore: Begin(), NotAfter: End(), KeyUsage: x509.KeyUsageDigitalSignature}
}

// Root makes a self-signed entity with a P-256 key.
func Root(t testing.TB, template *x509.Certificate) *Entity {
	t.Helper()
	e := &Entity{Key: newKey(t)}
	e.sign(t, e, template)
	return e
}

// Issue makes an entity with a new P-256 key under e. A template without a serial number gets the next one of e.
func (e *Entity) Issue(t testing.TB, template *x509.Certificate) *Entity {
	t.Helper()
	return e.IssueFor(t, &Entity{Key: newKey(t)}, template)
}

// IssueFor makes another certificate for the key of subject under e.
func (e *Entity) IssueFor(t testing.TB, subject *Entity, template *x509.Certificate) *Entity {
	t.Helper()
	out := &Entity{Key: subject.Key, Lattice: subject.Lattice}
	out.sign(t, e, template)
	return out
}

func (e *Entity) sign(t testing.TB, issuer *Entity, template *x509.Certificate) {
	t.Helper()
	if template.SerialNumber == nil {
		issuer.issued++
		template.SerialNumber = big.NewInt(issuer.issued)
	}
	parent := template
	if issuer != e {
		parent = issuer.Certificate.X509()
	}
	if issuer.Key == nil {
		issuer.Key = newKey(t) // of an ML-DSA issuer: for the frame, which relabel signs anew
	}
	// The parent that the standard library sees is only a source of names: it refuses to sign by a CA it cannot match.
	named := &x509.Certificate{Subject: parent.Subject, RawSubject: parent.RawSubject, SubjectKeyId: parent.SubjectKeyId}
	if issuer == e && len(template.SubjectKeyId) == 0 {
		template.SubjectKeyId = []byte(template.Subject.CommonName)
		named.SubjectKeyId = template.SubjectKeyId
	}
	public := crypto.PublicKey(e.Key.Public())
	der, err := x509.CreateCertificate(rand.Reader, template, named, public, issuer.Key)
	if err != nil {
		t.Fatal(err)
	}
	if e.Lattice != nil || issuer.Lattice != nil {
		der = relabel(t, der, e.Lattice, issuer)
	}
	if e.Certificate, err = cert.Parse(der, claviger.DER); err != nil {
		t.Fatal(err)
	}
}

// List makes a DER revocation list signed by e. Unset times are Begin and End, an unset number is 1.
func (e *Entity) List(t testing.TB, template *x509.RevocationList) []byte {
	t.Helper()
	if template.Number == nil {
		template.Number = big.NewInt(1)
	}
	if template.ThisUpdate.IsZero() {
		template.ThisUpdate = Begin()
	}
	if template.NextUpdate.IsZero() {
		template.NextUpdate = End()
	}
	x := e.Certificate.X509()
	named := &x509.Certificate{Subject: x.Subject, RawSubject: x.RawSubject, SubjectKeyId: x.SubjectKeyId, KeyUsage: x509.KeyUsageCRLSign}
	if len(named.SubjectKeyId) == 0 {
		named.SubjectKeyId = []byte("none")
	}
	der, err := x509.CreateRevocationList(rand.Reader, template, named, e.Key)
	if err != nil {
		t.Fatal(err)
	}
	if e.Lattice != nil {
		der = relabel(t, der, nil, e)
	}
	return der
}

// Revoke makes a list entry for c.
func Revoke(c *cert.Certificate) x509.RevocationListEntry {
	return x509.RevocationListEntry{SerialNumber: c.X509().SerialNumber, RevocationTime: Begin().Add(time.Hour), ReasonCode: 1}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// LatticeEntity makes an entity that has an ML-DSA key and no certificate yet; IssueFor and SelfSign give it one.
func LatticeEntity(t testing.TB, p mldsa.Parameters) *Entity {
	t.Helper()
	key, err := mldsa.GenerateKey(p)
	if err != nil {
		t.Fatal(err)
	}
	return &Entity{Key: newKey(t), Lattice: key}
}

// SelfSign gives e a self-signed certificate.
func (e *Entity) SelfSign(t testing.TB, template *x509.Certificate) {
	t.Helper()
	e.sign(t, e, template)
}

// relabel rewrites a DER certificate or list, made with P-256 keys, for ML-DSA (RFC 9881): the subject's key if
// subject is not nil, and the signature by issuer, whichever key that has.
func relabel(t testing.TB, der []byte, subject *mldsa.PrivateKey, issuer *Entity) []byte {
	t.Helper()
	sequences := 0
	return issuer.Resign(t, der, func(tag asn1.Tag, element []byte) []byte {
		if tag == asn1.SEQUENCE {
			sequences++
		}
		if tag == asn1.SEQUENCE && sequences == 5 && subject != nil { // subjectPublicKeyInfo
			return latticeKey(t, subject.PublicKey())
		}
		return element
	})
}

// Resign passes the elements of a certificate's or list's signed part through edit, which may change or drop them, and
// has e sign the outcome. The algorithm becomes e's.
func (e *Entity) Resign(t testing.TB, der []byte, edit func(tag asn1.Tag, element []byte) []byte) []byte {
	t.Helper()
	var in, outer, tbs, algorithm cryptobyte.String = der, nil, nil, nil
	if !in.ReadASN1(&outer, asn1.SEQUENCE) || !outer.ReadASN1(&tbs, asn1.SEQUENCE) || !outer.ReadASN1Element(&algorithm, asn1.SEQUENCE) {
		t.Fatal("not a signed structure")
	}
	old := algorithm
	if e.Lattice != nil {
		algorithm = latticeAlgorithm(e.Lattice.PublicKey().Parameters())
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for !tbs.Empty() {
			var element cryptobyte.String
			var tag asn1.Tag
			if !tbs.ReadAnyASN1Element(&element, &tag) {
				t.Fatal("malformed")
			}
			out := edit(tag, element)
			if bytes.Equal(out, old) {
				out = algorithm
			}
			b.AddBytes(out)
		}
	})
	signed := b.BytesOrPanic()
	var out cryptobyte.Builder
	out.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(signed)
		b.AddBytes(algorithm)
		b.AddASN1BitString(e.signBytes(t, signed))
	})
	return out.BytesOrPanic()
}

func (e *Entity) signBytes(t testing.TB, data []byte) []byte {
	t.Helper()
	var (
		signature []byte
		err       error
	)
	if e.Lattice != nil {
		signature, err = e.Lattice.Sign(nil, data, crypto.Hash(0))
	} else {
		h := crypto.SHA256.New()
		h.Write(data)
		signature, err = e.Key.Sign(rand.Reader, h.Sum(nil), crypto.SHA256)
	}
	if err != nil {
		t.Fatal(err)
	}
	return signature
}

func latticeAlgorithm(p mldsa.Parameters) []byte {
	last := map[string]byte{"ML-DSA-44": 17, "ML-DSA-65": 18, "ML-DSA-87": 19}[p.String()]
	return []byte{0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, last}
}

func latticeKey(t testing.TB, key *mldsa.PublicKey) []byte {
	t.Helper()
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(latticeAlgorithm(key.Parameters()))
		b.AddASN1BitString(key.Bytes())
	})
	return b.BytesOrPanic()
}
