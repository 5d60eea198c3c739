package crl_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"testing"
	"time"

	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/pki/cert"
	"github.com/claviger/claviger/internal/pki/crl"
	"github.com/claviger/claviger/internal/pki/pkitest"
)

func parse(t testing.TB, der []byte) *crl.CRL {
	t.Helper()
	l, err := crl.Parse(der, claviger.DER)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// extension builds an extension below 2.5.29.
func extension(id int, critical bool, value []byte) pkix.Extension {
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, id}, Critical: critical, Value: value}
}

func integer(n int64) []byte {
	der, _ := asn1.Marshal(n)
	return der
}

// scopeOf builds an issuingDistributionPoint from the elements of its sequence.
func scopeOf(elements ...byte) pkix.Extension {
	return extension(28, true, append([]byte{0x30, byte(len(elements))}, elements...))
}

// wrap puts a tag and a short length in front of content.
func wrap(tag byte, content []byte) []byte {
	return append([]byte{tag, byte(len(content))}, content...)
}

// pointName is the distribution point name http://x.
var pointName = []byte{0xa0, 12, 0xa0, 10, 0x86, 8, 'h', 't', 't', 'p', ':', '/', '/', 'x'}

type world struct {
	ca, leaf, sub *pkitest.Entity
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{ca: pkitest.Root(t, pkitest.CA("ca"))}
	leaf := pkitest.Leaf("leaf")
	leaf.CRLDistributionPoints = []string{"http://x"}
	w.leaf, w.sub = w.ca.Issue(t, leaf), w.ca.Issue(t, pkitest.CA("sub"))
	return w
}

func (w *world) ask(c *cert.Certificate, lists ...*crl.CRL) crl.Answer {
	return crl.Check(crl.Query{Certificate: c, Issuer: w.ca.Certificate, Lists: lists, Time: pkitest.Middle()})
}

// list makes a list that revokes the leaf if revoked is set.
func (w *world) list(t testing.TB, number int64, revoked bool, extra ...pkix.Extension) *crl.CRL {
	t.Helper()
	template := &x509.RevocationList{Number: big.NewInt(number), ExtraExtensions: extra}
	if revoked {
		template.RevokedCertificateEntries = []x509.RevocationListEntry{pkitest.Revoke(w.leaf.Certificate)}
	}
	return parse(t, w.ca.List(t, template))
}

// oneList is a list and what it says about the leaf.
type oneList struct {
	name string
	list *crl.CRL
	want crl.State
}

func runLists(t *testing.T, w *world, tests []oneList) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := w.ask(w.leaf.Certificate, tt.list)
			if a.State != tt.want {
				t.Fatalf("state %d (%s); want %d", a.State, a.Why, tt.want)
			}
			if (a.State == crl.Unknown) != (a.Why != "") || a.State != crl.Unknown && len(a.Used) != 1 {
				t.Errorf("why %q, used %d", a.Why, len(a.Used))
			}
		})
	}
}

func TestOneListAndWhatMakesItUnusable(t *testing.T) {
	w := newWorld(t)
	other := pkitest.Root(t, pkitest.CA("other"))
	namesake := pkitest.Root(t, pkitest.CA("ca"))
	unknown := extension(99, true, []byte{5, 0})
	entry := pkitest.Revoke(w.sub.Certificate)
	entry.ExtraExtensions = []pkix.Extension{unknown}
	noNumber := parse(t, w.ca.Resign(t, w.ca.List(t, &x509.RevocationList{}), func(tag cbasn1.Tag, element []byte) []byte {
		if tag == cbasn1.Tag(0).ContextSpecific().Constructed() {
			return nil
		}
		return element
	}))
	foreign := pkitest.Revoke(w.leaf.Certificate)
	foreign.ExtraExtensions = []pkix.Extension{extension(29, true, wrap(0x30, wrap(0xa4, other.Certificate.X509().RawSubject)))}
	window := func(from, to time.Time) *crl.CRL {
		return parse(t, w.ca.List(t, &x509.RevocationList{ThisUpdate: from, NextUpdate: to}))
	}
	tests := []oneList{
		{"good", w.list(t, 1, false), crl.Good},
		{"revoked", w.list(t, 1, true), crl.Revoked},
		{"of another issuer", parse(t, other.List(t, &x509.RevocationList{})), crl.Unknown},
		{"by a namesake's key", parse(t, namesake.List(t, &x509.RevocationList{})), crl.Unknown},
		{"window begins now", window(pkitest.Middle(), pkitest.End()), crl.Good},
		{"window ends now", window(pkitest.Begin(), pkitest.Middle()), crl.Good},
		{"thisUpdate in the future", window(pkitest.Middle().Add(time.Second), pkitest.End()), crl.Unknown},
		{"nextUpdate passed", window(pkitest.Begin(), pkitest.Middle().Add(-time.Second)), crl.Unknown},
		{"no number", noNumber, crl.Unknown},
		{"entry of another issuer, not indirect", parse(t, w.ca.List(t, &x509.RevocationList{
			RevokedCertificateEntries: []x509.RevocationListEntry{foreign}})), crl.Unknown},
		{"entry of another issuer, indirect", parse(t, w.ca.List(t, &x509.RevocationList{
			RevokedCertificateEntries: []x509.RevocationListEntry{foreign}, ExtraExtensions: []pkix.Extension{scopeOf(0x84, 1, 0xff)}})), crl.Good},
		{"unknown critical extension", w.list(t, 1, false, unknown), crl.Unknown},
		{"unknown extension", w.list(t, 1, false, extension(99, false, []byte{5, 0})), crl.Good},
		{"unknown critical extension of an entry", parse(t, w.ca.List(t, &x509.RevocationList{
			RevokedCertificateEntries: []x509.RevocationListEntry{entry}})), crl.Unknown},
		{"delta alone", w.list(t, 2, false, extension(27, true, integer(1))), crl.Unknown},
	}
	runLists(t, w, tests)
}

func TestScopeOfOneList(t *testing.T) {
	w := newWorld(t)
	runLists(t, w, []oneList{
		{"only end entities", w.list(t, 1, false, scopeOf(0x81, 1, 0xff)), crl.Good},
		{"only CAs", w.list(t, 1, false, scopeOf(0x82, 1, 0xff)), crl.Unknown},
		{"only attribute certificates", w.list(t, 1, false, scopeOf(0x85, 1, 0xff)), crl.Unknown},
		{"end entities and CAs only", w.list(t, 1, false, scopeOf(0x81, 1, 0xff, 0x82, 1, 0xff)), crl.Unknown},
		{"empty scope", w.list(t, 1, false, scopeOf()), crl.Unknown},
		{"some reasons", w.list(t, 1, false, scopeOf(0x83, 2, 6, 0x40)), crl.Unknown},
		{"some reasons, revoked", w.list(t, 1, true, scopeOf(0x83, 2, 6, 0x40)), crl.Revoked},
		{"its distribution point", w.list(t, 1, false, scopeOf(pointName...)), crl.Good},
		{"another distribution point", w.list(t, 1, false, scopeOf(append(pointName[:13:13], 'y')...)), crl.Unknown},
	})
}

func TestWhySaysThatNextUpdateIsMissing(t *testing.T) {
	w, times := newWorld(t), 0
	l := parse(t, w.ca.Resign(t, w.ca.List(t, &x509.RevocationList{}), func(tag cbasn1.Tag, element []byte) []byte {
		if tag == cbasn1.UTCTime {
			if times++; times == 2 {
				return nil
			}
		}
		return element
	}))
	if a := w.ask(w.leaf.Certificate, l); a.State != crl.Unknown || a.Why != "it has no nextUpdate" {
		t.Errorf("%+v", a)
	}
	if _, ok := l.NextUpdate(); ok {
		t.Error("a nextUpdate was found")
	}
}

func TestRevokedSaysWhenAndWhy(t *testing.T) {
	w := newWorld(t)
	a := w.ask(w.leaf.Certificate, w.list(t, 1, true))
	if a.State != crl.Revoked || a.Reason.String() != "keyCompromise" || !a.At.Equal(pkitest.Begin().Add(time.Hour)) {
		t.Fatalf("%+v", a)
	}
}

func TestScopeByKindOfCertificate(t *testing.T) {
	w := newWorld(t)
	if a := w.ask(w.sub.Certificate, w.list(t, 1, false, scopeOf(0x82, 1, 0xff))); a.State != crl.Good {
		t.Errorf("a CA on a list of CAs: %s", a.Why)
	}
	if a := w.ask(w.sub.Certificate, w.list(t, 1, false, scopeOf(0x81, 1, 0xff))); a.State != crl.Unknown {
		t.Error("a CA on a list of end entities")
	}
	if a := w.ask(w.sub.Certificate, w.list(t, 1, false, scopeOf(pointName...))); a.State != crl.Unknown {
		t.Error("a certificate without distribution points on the list of one")
	}
}

func TestReasonsAddUp(t *testing.T) {
	w := newWorld(t)
	some := w.list(t, 1, false, scopeOf(0x83, 3, 7, 0x70, 0x00)) // keyCompromise, cACompromise, affiliationChanged
	rest := w.list(t, 1, false, scopeOf(0x83, 3, 7, 0x0f, 0x80))
	if a := w.ask(w.leaf.Certificate, some, rest); a.State != crl.Good || len(a.Used) != 2 {
		t.Errorf("both halves: state %d, %s", a.State, a.Why)
	}
	for _, l := range []*crl.CRL{some, rest} {
		if a := w.ask(w.leaf.Certificate, l); a.State != crl.Unknown {
			t.Error("half of the reasons is taken for all")
		}
	}
}

// TestReasonsOfThePoint: a distribution point for some reasons makes its list speak for these only.
func TestReasonsOfThePoint(t *testing.T) {
	w := newWorld(t)
	leaf := pkitest.Leaf("leaf")
	point := append(pointName[:len(pointName):len(pointName)], 0x81, 2, 6, 0x40)
	leaf.ExtraExtensions = []pkix.Extension{extension(31, false, wrap(0x30, wrap(0x30, point)))}
	c := w.ca.Issue(t, leaf).Certificate
	if a := w.ask(c, w.list(t, 1, false, scopeOf(pointName...))); a.State != crl.Unknown || len(a.Used) != 1 {
		t.Errorf("state %d, %d used", a.State, len(a.Used))
	}
}

func TestNewestUsableListOfAScopeCounts(t *testing.T) {
	w := newWorld(t)
	if a := w.ask(w.leaf.Certificate, w.list(t, 1, true), w.list(t, 2, false)); a.State != crl.Good {
		t.Error("an older list counted")
	}
	if a := w.ask(w.leaf.Certificate, w.list(t, 1, false), w.list(t, 2, true)); a.State != crl.Revoked {
		t.Error("the newer list did not count")
	}
	expired := parse(t, w.ca.List(t, &x509.RevocationList{Number: big.NewInt(3), NextUpdate: pkitest.Begin().Add(time.Hour)}))
	if a := w.ask(w.leaf.Certificate, w.list(t, 2, true), expired); a.State != crl.Revoked {
		t.Error("a list that is not usable hid one that is")
	}
}

// TestDelta holds the rules of RFC 5280, 5.2.4 for combining lists, each on its own.
func TestDelta(t *testing.T) {
	w := newWorld(t)
	base := w.list(t, 5, false)
	template := pkitest.CA("ca")
	template.SubjectKeyId = []byte("renamed")
	renamed := w.ca.IssueFor(t, w.ca, template) // the same key under another identifier
	otherKeyID := parse(t, renamed.List(t, &x509.RevocationList{Number: big.NewInt(6),
		RevokedCertificateEntries: []x509.RevocationListEntry{pkitest.Revoke(w.leaf.Certificate)},
		ExtraExtensions:           []pkix.Extension{extension(27, true, integer(5))}}))
	delta := func(number, of int64, extra ...pkix.Extension) *crl.CRL {
		return w.list(t, number, true, append(extra, extension(27, true, integer(of)))...)
	}
	lift := pkitest.Revoke(w.leaf.Certificate)
	lift.ReasonCode = int(crl.RemoveFromCRL)
	lifted := parse(t, w.ca.List(t, &x509.RevocationList{Number: big.NewInt(6),
		RevokedCertificateEntries: []x509.RevocationListEntry{lift}, ExtraExtensions: []pkix.Extension{extension(27, true, integer(5))}}))
	namesake := pkitest.Root(t, pkitest.CA("ca"))
	forged := parse(t, namesake.List(t, &x509.RevocationList{Number: big.NewInt(6),
		RevokedCertificateEntries: []x509.RevocationListEntry{pkitest.Revoke(w.leaf.Certificate)},
		ExtraExtensions:           []pkix.Extension{extension(27, true, integer(5))}}))
	stale := parse(t, w.ca.List(t, &x509.RevocationList{Number: big.NewInt(6), NextUpdate: pkitest.Begin().Add(time.Hour),
		RevokedCertificateEntries: []x509.RevocationListEntry{pkitest.Revoke(w.leaf.Certificate)},
		ExtraExtensions:           []pkix.Extension{extension(27, true, integer(5))}}))
	tests := []struct {
		name        string
		base, delta *crl.CRL
		want        crl.State
	}{
		{"fits", base, delta(6, 5), crl.Revoked},
		{"base older than base number", base, delta(7, 6), crl.Good},
		{"delta not newer than base", base, delta(5, 4), crl.Good},
		{"another scope", base, delta(6, 5, scopeOf(0x81, 1, 0xff)), crl.Good},
		{"another key identifier", base, otherKeyID, crl.Good},
		{"another signer", base, forged, crl.Good},
		{"stale", base, stale, crl.Good},
		{"unknown critical extension", base, delta(6, 5, extension(99, true, []byte{5, 0})), crl.Good},
		{"removed from the list", w.list(t, 5, true), lifted, crl.Good},
		{"removal without its base", w.list(t, 4, true), lifted, crl.Revoked},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if a := w.ask(w.leaf.Certificate, tt.delta, tt.base); a.State != tt.want {
				t.Fatalf("state %d (%s); want %d", a.State, a.Why, tt.want)
			}
		})
	}
}
