package cert_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/pki/cert"
	"github.com/claviger/claviger/internal/pki/pkitest"
)

func TestParseIsStrict(t *testing.T) {
	e := pkitest.Root(t, pkitest.CA("root"))
	der, text := e.Certificate.DER(), e.Certificate.PEM()
	headers := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Headers: map[string]string{"A": "b"}, Bytes: der})
	damaged := bytes.Replace(text, []byte("-----END CERTIFICATE"), []byte("-----END CERTIFICAT"), 1)
	bad := claviger.ErrCertificateParsingFailed
	tests := []struct {
		name   string
		data   []byte
		format claviger.Format
		want   error
	}{
		{"DER", der, claviger.DER, nil},
		{"PEM", text, claviger.PEM, nil},
		{"PEM with text around it", slices.Concat([]byte("subject: root\n"), text, []byte("end\n")), claviger.PEM, nil},
		{"raw", der, claviger.Raw, claviger.ErrInvalidArgument},
		{"empty DER", nil, claviger.DER, bad},
		{"empty PEM", nil, claviger.PEM, bad},
		{"PEM as DER", text, claviger.DER, bad},
		{"DER as PEM", der, claviger.PEM, bad},
		{"trailing byte", append(bytes.Clone(der), 0), claviger.DER, bad},
		{"cut off", der[:len(der)-1], claviger.DER, bad},
		{"two certificates", append(bytes.Clone(der), der...), claviger.DER, bad},
		{"two PEM blocks", append(bytes.Clone(text), text...), claviger.PEM, bad},
		{"damaged block beside a good one", append(bytes.Clone(damaged), text...), claviger.PEM, bad},
		{"PEM headers", headers, claviger.PEM, bad},
		{"private key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), claviger.PEM, bad},
		{"private key beside a certificate", append(bytes.Clone(text), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})...), claviger.PEM, bad},
		{"too large", make([]byte, cert.MaxBundleBytes+1), claviger.DER, bad},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := cert.Parse(tt.data, tt.format)
			if tt.want == nil && (err != nil || !bytes.Equal(c.DER(), der) || !bytes.Equal(c.PEM(), text)) {
				t.Fatalf("%v, or the bytes do not come back", err)
			}
			if tt.want != nil && !errors.Is(err, tt.want) {
				t.Fatalf("%v; want %v", err, tt.want)
			}
		})
	}
}

func TestParseAllKeepsTheOrder(t *testing.T) {
	root := pkitest.Root(t, pkitest.CA("root"))
	leaf := root.Issue(t, pkitest.Leaf("leaf"))
	for format, data := range map[claviger.Format][]byte{
		claviger.DER: slices.Concat(leaf.Certificate.DER(), root.Certificate.DER()),
		claviger.PEM: slices.Concat(leaf.Certificate.PEM(), root.Certificate.PEM()),
	} {
		all, err := cert.ParseAll(data, format)
		if err != nil || len(all) != 2 || !all[0].Equal(leaf.Certificate) || !all[1].Equal(root.Certificate) {
			t.Errorf("%v: %d certificates, %v", format, len(all), err)
		}
	}
}

func TestLimitsAreNamed(t *testing.T) {
	root := pkitest.Root(t, pkitest.CA("root"))
	_, err := cert.ParseAll(bytes.Repeat(root.Certificate.DER(), cert.MaxBundle+1), claviger.DER)
	if err == nil || !strings.Contains(err.Error(), fmt.Sprint(cert.MaxBundle)) {
		t.Errorf("too many: %v", err)
	}
	big := pkitest.Leaf("big")
	big.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3}, Value: make([]byte, cert.MaxBytes)}}
	der, err := x509.CreateCertificate(rand.Reader, withSerial(big), root.Certificate.X509(), root.Key.Public(), root.Key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = cert.Parse(der, claviger.DER); err == nil || !strings.Contains(err.Error(), fmt.Sprint(cert.MaxBytes)) {
		t.Errorf("too large: %v", err)
	}
}

func withSerial(c *x509.Certificate) *x509.Certificate {
	c.SerialNumber = big.NewInt(1)
	return c
}

func TestInfo(t *testing.T) {
	root := pkitest.Root(t, pkitest.CA("root"))
	template := pkitest.Leaf("device, no. 7\n")
	template.SerialNumber = big.NewInt(0xabcdef0)
	c := root.Issue(t, template).Certificate
	sum := sha256.Sum256(c.DER())
	want := cert.Info{Subject: `CN=device\, no. 7\0A,O=Test`, Issuer: "CN=root,O=Test", Serial: "0ABCDEF0",
		NotBefore: pkitest.Begin(), NotAfter: pkitest.End(), Fingerprint: strings.ToUpper(fmt.Sprintf("%x", sum)), KeyName: "ECDSA-P256"}
	if got := c.Info(); got != want {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}

func TestPublicKeyNames(t *testing.T) {
	root := pkitest.Root(t, pkitest.CA("root"))
	edwards, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	modulus := func(bits uint) *rsa.PublicKey { // any odd number will do for a name
		n := new(big.Int).Lsh(big.NewInt(1), bits)
		return &rsa.PublicKey{N: n.Sub(n, big.NewInt(1)), E: 65537}
	}
	for _, tt := range []struct {
		key  any
		want claviger.Algorithm
	}{
		{root.Key.Public(), "ECDSA-P256"}, {edwards, "Ed25519"}, {modulus(2048), "RSA-2048"}, {modulus(3072), "RSA-3072"}, {modulus(1024), ""},
	} {
		der, err := x509.CreateCertificate(rand.Reader, withSerial(pkitest.Leaf("leaf")), root.Certificate.X509(), tt.key, root.Key)
		if err != nil {
			t.Fatal(err)
		}
		c, err := cert.Parse(der, claviger.DER)
		if err != nil {
			t.Fatal(err)
		}
		name, spki, err := c.PublicKey()
		if name != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%q, %v; want %q", name, err, tt.want)
		}
		if err != nil && !errors.Is(err, claviger.ErrUnsupportedAlgorithm) {
			t.Error(err)
		}
		if want, merr := x509.MarshalPKIXPublicKey(tt.key); err == nil && (merr != nil || !bytes.Equal(spki, want)) {
			t.Errorf("%s: the key does not come back", name)
		}
	}
}

func name(t *testing.T, rdns ...[]pkix.AttributeTypeAndValue) cert.Name {
	t.Helper()
	seq := pkix.RDNSequence{}
	for _, r := range rdns {
		seq = append(seq, pkix.RelativeDistinguishedNameSET(r))
	}
	der, err := asn1.Marshal(seq)
	if err != nil {
		t.Fatal(err)
	}
	n, ok := cert.ParseName(der)
	if !ok {
		t.Fatal("not a name")
	}
	return n
}

func value(id, tag int, text string) pkix.AttributeTypeAndValue {
	return pkix.AttributeTypeAndValue{Type: asn1.ObjectIdentifier{2, 5, 4, id}, Value: asn1.RawValue{Tag: tag, Bytes: []byte(text)}}
}

func rdn(values ...pkix.AttributeTypeAndValue) []pkix.AttributeTypeAndValue { return values }

func TestNamesCompareAsTheStandardWants(t *testing.T) {
	const utf8, printable, bmp, t61 = asn1.TagUTF8String, asn1.TagPrintableString, asn1.TagBMPString, asn1.TagT61String
	one := name(t, rdn(value(3, utf8, "Test  CA")))
	tests := []struct {
		name string
		a, b cert.Name
		want bool
	}{
		{"case", one, name(t, rdn(value(3, utf8, "tEST  ca"))), true},
		{"white space", one, name(t, rdn(value(3, utf8, " Test CA  "))), true},
		{"white space within a word", one, name(t, rdn(value(3, utf8, "T est CA"))), false},
		{"string type", one, name(t, rdn(value(3, printable, "Test CA"))), true},
		{"BMP", name(t, rdn(value(3, utf8, "é"))), name(t, rdn(value(3, bmp, "\x00\xc9"))), true},
		{"an opaque string type is itself only", one, name(t, rdn(value(3, t61, "Test CA"))), false},
		{"attribute", one, name(t, rdn(value(10, utf8, "Test CA"))), false},
		{"order in a set", name(t, rdn(value(3, utf8, "a"), value(10, utf8, "b"))), name(t, rdn(value(10, utf8, "b"), value(3, utf8, "a"))), true},
		{"order of the sequence", name(t, rdn(value(3, utf8, "a")), rdn(value(10, utf8, "b"))), name(t, rdn(value(10, utf8, "b")), rdn(value(3, utf8, "a"))), false},
		{"a set is not a sequence", name(t, rdn(value(3, utf8, "a"), value(10, utf8, "b"))), name(t, rdn(value(3, utf8, "a")), rdn(value(10, utf8, "b"))), false},
		{"boundaries", name(t, rdn(value(3, utf8, "a")), rdn(value(3, utf8, "b"))), name(t, rdn(value(3, utf8, "ab"))), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.a.Equal(tt.b); got != tt.want || got != (tt.a.Key() == tt.b.Key()) {
				t.Errorf("equal = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestNameText(t *testing.T) {
	n := name(t, rdn(value(6, asn1.TagPrintableString, "DE")), rdn(value(10, asn1.TagUTF8String, " #a+b ")),
		rdn(value(3, asn1.TagUTF8String, "x"), value(99, asn1.TagUTF8String, "y")))
	if got, want := n.String(), `CN=x+2.5.4.99=#0c0179,O=\ #a\+b\ ,C=DE`; got != want {
		t.Errorf("%s; want %s", got, want)
	}
	if !n.Within(name(t, rdn(value(6, asn1.TagPrintableString, "de")))) || n.Within(name(t, rdn(value(6, asn1.TagPrintableString, "fr")))) {
		t.Error("subtrees")
	}
}

// FuzzParse: nothing makes the parser panic, and what it accepts gives its bytes back.
func FuzzParse(f *testing.F) {
	template := pkitest.CA("root")
	template.DNSNames, template.EmailAddresses = []string{"a.example"}, []string{"a@a.example"}
	template.PermittedDNSDomains, template.ExcludedEmailAddresses = []string{"example"}, []string{".example"}
	template.CRLDistributionPoints = []string{"http://x"}
	e := pkitest.Root(f, template)
	f.Add(e.Certificate.DER())
	f.Add(e.Certificate.PEM())
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, format := range []claviger.Format{claviger.DER, claviger.PEM} {
			all, err := cert.ParseAll(data, format)
			if err != nil {
				if !errors.Is(err, claviger.ErrCertificateParsingFailed) {
					t.Fatal(err)
				}
				continue
			}
			var whole []byte
			for _, c := range all {
				_ = c.Info()
				whole = append(whole, c.DER()...)
			}
			if format == claviger.DER && !bytes.Equal(whole, data) {
				t.Fatal("other bytes came back")
			}
		}
	})
}

// FuzzParseName: a name that is read equals itself after it was read again, and its text has no control characters.
func FuzzParseName(f *testing.F) {
	f.Add(pkitest.Root(f, pkitest.CA("root")).Certificate.X509().RawSubject)
	f.Fuzz(func(t *testing.T, data []byte) {
		n, ok := cert.ParseName(data)
		if !ok {
			return
		}
		if m, ok := cert.ParseName(bytes.Clone(data)); !ok || !m.Equal(n) || !n.Within(n) {
			t.Fatal("not the same name")
		}
		if strings.ContainsFunc(n.String(), func(r rune) bool { return r < ' ' }) {
			t.Fatalf("control character in %q", n.String())
		}
	})
}

// BenchmarkParse parses one P-256 certificate.
func BenchmarkParse(b *testing.B) {
	der := pkitest.Root(b, pkitest.CA("root")).Issue(b, pkitest.Leaf("leaf")).Certificate.DER()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := cert.Parse(der, claviger.DER); err != nil {
			b.Fatal(err)
		}
	}
}
