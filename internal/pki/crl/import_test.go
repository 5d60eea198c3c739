package crl_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/pki/crl"
	"github.com/claviger/claviger/internal/pki/pkitest"
)

func TestImportRules(t *testing.T) {
	w := newWorld(t)
	noSign := pkitest.CA("ca")
	noSign.KeyUsage = x509.KeyUsageCertSign
	mute := pkitest.Root(t, noSign)
	stored := w.list(t, 5, false)
	younger := parse(t, w.ca.List(t, &x509.RevocationList{Number: big.NewInt(5), ThisUpdate: pkitest.Middle()}))
	other := pkitest.Root(t, pkitest.CA("other"))
	tests := []struct {
		name           string
		list           *crl.CRL
		issuer, stored bool // the issuer is w.ca, else mute; there is a stored list
		ok             bool
	}{
		{"first", w.list(t, 1, false), true, false, true},
		{"higher number", w.list(t, 6, false), true, true, true},
		{"same again", stored, true, true, true},
		{"same number, younger", younger, true, true, true},
		{"rollback", w.list(t, 4, false), true, true, false},
		{"of a namesake's key", parse(t, pkitest.Root(t, pkitest.CA("ca")).List(t, &x509.RevocationList{})), true, false, false},
		{"of another issuer", parse(t, other.List(t, &x509.RevocationList{})), true, false, false},
		{"issuer without cRLSign", parse(t, mute.List(t, &x509.RevocationList{})), false, false, false},
		{"unknown critical extension", w.list(t, 6, false, extension(99, true, []byte{5, 0})), true, true, false},
		{"delta in place of a complete list", w.list(t, 6, false, extension(27, true, integer(5))), true, true, false},
		{"expired is judged later", parse(t, w.ca.List(t, &x509.RevocationList{NextUpdate: pkitest.Begin().Add(time.Hour)})), true, false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			issuer, before := mute.Certificate, (*crl.CRL)(nil)
			if tt.issuer {
				issuer = w.ca.Certificate
			}
			if tt.stored {
				before = stored
			}
			err := crl.CheckImport(tt.list, issuer, before)
			if (err == nil) != tt.ok || err != nil && !errors.Is(err, claviger.ErrCRLImportFailed) {
				t.Fatalf("%v; want ok = %v", err, tt.ok)
			}
		})
	}
	renamed := w.ca.IssueFor(t, w.ca, pkitest.CA("renamed")) // the same key under another name
	if err := crl.CheckImport(stored, renamed.Certificate, nil); err == nil {
		t.Error("a list of another name was taken")
	}
	if err := crl.CheckImport(stored, w.ca.Certificate, younger); err == nil {
		t.Error("an older list with the same number replaced a younger one")
	}
}

func TestParseIsStrict(t *testing.T) {
	w := newWorld(t)
	der := w.ca.List(t, &x509.RevocationList{})
	block := pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
	tests := []struct {
		name   string
		data   []byte
		format claviger.Format
		want   error
	}{
		{"DER", der, claviger.DER, nil},
		{"PEM", block, claviger.PEM, nil},
		{"raw", der, claviger.Raw, claviger.ErrInvalidArgument},
		{"empty", nil, claviger.DER, claviger.ErrCRLImportFailed},
		{"trailing byte", append(bytes.Clone(der), 0), claviger.DER, claviger.ErrCRLImportFailed},
		{"cut off", der[:len(der)-1], claviger.DER, claviger.ErrCRLImportFailed},
		{"two PEM blocks", append(bytes.Clone(block), block...), claviger.PEM, claviger.ErrCRLImportFailed},
		{"PEM of another type", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), claviger.PEM, claviger.ErrCRLImportFailed},
		{"DER as PEM", der, claviger.PEM, claviger.ErrCRLImportFailed},
		{"too large", make([]byte, crl.MaxBytes+1), claviger.DER, claviger.ErrCRLImportFailed},
		{"a certificate", w.leaf.Certificate.DER(), claviger.DER, claviger.ErrCRLImportFailed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, err := crl.Parse(tt.data, tt.format)
			if tt.want == nil && (err != nil || !bytes.Equal(l.DER(), der) || !bytes.Equal(l.PEM(), block)) {
				t.Fatalf("%v, or the bytes do not come back", err)
			}
			if tt.want != nil && !errors.Is(err, tt.want) {
				t.Fatalf("%v; want %v", err, tt.want)
			}
		})
	}
}

func TestEntriesAreLimited(t *testing.T) {
	w := newWorld(t)
	lengthy := func(entries int) []byte {
		return w.ca.Resign(t, w.ca.List(t, &x509.RevocationList{RevokedCertificateEntries: []x509.RevocationListEntry{{
			SerialNumber: big.NewInt(1), RevocationTime: pkitest.Begin()}}}), func(_ cbasn1.Tag, element []byte) []byte {
			if element[0] != 0x30 || element[1] != byte(len(element)-2) || element[2] != 0x30 || element[4] != 2 {
				return element // not the list of entries
			}
			var b cryptobyte.Builder
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(bytes.Repeat(element[2:], entries)) })
			return b.BytesOrPanic()
		})
	}
	if l := parse(t, lengthy(1000)); l.Info().Entries != 1 {
		t.Errorf("%d entries of one certificate", l.Info().Entries)
	}
	_, err := crl.Parse(lengthy(crl.MaxEntries+1), claviger.DER)
	if !errors.Is(err, claviger.ErrCRLImportFailed) || !strings.Contains(err.Error(), fmt.Sprint(crl.MaxEntries)) {
		t.Errorf("too many entries: %v", err)
	}
}

// TestLargeListIsIndexed: a list of 10,000 entries answers for each of them.
func TestLargeListIsIndexed(t *testing.T) {
	w := newWorld(t)
	template := &x509.RevocationList{}
	for i := range int64(10_000) {
		template.RevokedCertificateEntries = append(template.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: big.NewInt(1_000 + i), RevocationTime: pkitest.Begin()})
	}
	l := parse(t, w.ca.List(t, template))
	if l.Info().Entries != 10_000 {
		t.Fatalf("%d entries", l.Info().Entries)
	}
	for serial, want := range map[int64]crl.State{999: crl.Good, 1_000: crl.Revoked, 10_999: crl.Revoked, 11_000: crl.Good} {
		leaf := pkitest.Leaf("leaf")
		leaf.SerialNumber = big.NewInt(serial)
		if a := w.ask(w.ca.Issue(t, leaf).Certificate, l); a.State != want {
			t.Errorf("serial %d: state %d, want %d", serial, a.State, want)
		}
	}
}

func TestInfo(t *testing.T) {
	w := newWorld(t)
	l := w.list(t, 0x1ff, true)
	i := l.Info()
	if i.Issuer != "CN=ca,O=Test" || i.Number != "01FF" || i.Entries != 1 || i.Delta || !i.NextUpdate.Equal(pkitest.End()) {
		t.Errorf("%+v", i)
	}
	if l.Expired(pkitest.End()) || !l.Expired(pkitest.End().Add(time.Second)) {
		t.Error("expiry")
	}
}

// FuzzParse: nothing makes the parser panic, and what it accepts gives its bytes back.
func FuzzParse(f *testing.F) {
	w := newWorld(f)
	f.Add(w.ca.List(f, &x509.RevocationList{}))
	f.Add(w.list(f, 7, true, scopeOf(pointName...), extension(27, true, integer(5))).DER())
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, format := range []claviger.Format{claviger.DER, claviger.PEM} {
			l, err := crl.Parse(data, format)
			if err != nil {
				if !errors.Is(err, claviger.ErrCRLImportFailed) {
					t.Fatal(err)
				}
				continue
			}
			if format == claviger.DER && !bytes.Equal(l.DER(), data) {
				t.Fatal("other bytes came back")
			}
			w.ask(w.leaf.Certificate, l)
		}
	})
}
