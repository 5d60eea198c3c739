package path_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net/url"
	"strings"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/pki/path"
	"github.com/claviger/claviger/internal/pki/pkitest"
)

// constrained is a CA with constraints and a leaf with names below it.
type constrained struct {
	name     string
	ca, leaf func(*x509.Certificate)
	want     claviger.Verdict
}

func runConstrained(t *testing.T, tests []constrained) {
	t.Helper()
	f := newFamily(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ca, leaf := pkitest.CA("sub"), pkitest.Leaf("leaf")
			tt.ca(ca)
			tt.leaf(leaf)
			ca.PermittedDNSDomainsCritical = true
			sub := f.root.Issue(t, ca)
			r := f.request()
			r.Leaf, r.Intermediates, r.Revocation = sub.Issue(t, leaf).Certificate, certs(sub), claviger.NoRevocation
			got, err := path.Verify(r)
			if err != nil || got.Verdict != tt.want {
				t.Fatalf("%+v, %v; want %v", got, err, tt.want)
			}
		})
	}
}

func TestConstraintsOnMail(t *testing.T) {
	runConstrained(t, []constrained{
		{"host is that host", permitMail("example.com"), mail("a@EXAMPLE.com"), claviger.Valid},
		{"host is not its subdomains", permitMail("example.com"), mail("a@sub.example.com"), claviger.InvalidPurpose},
		{"period means subdomains", permitMail(".example.com"), mail("a@sub.example.com"), claviger.Valid},
		{"period is not the host itself", permitMail(".example.com"), mail("a@example.com"), claviger.InvalidPurpose},
		{"period is not a mere suffix", permitMail(".example.com"), mail("a@badexample.com"), claviger.InvalidPurpose},
		{"mailbox", permitMail("a@example.com"), mail("a@example.com"), claviger.Valid},
		{"mailbox has case", permitMail("a@example.com"), mail("A@example.com"), claviger.InvalidPurpose},
		{"mailbox in quotes is the same", excludeMail("a@example.com"), mail(`"a"@example.com`), claviger.InvalidPurpose},
		{"host with a final period", excludeMail("example.com"), mail("a@example.com."), claviger.InvalidPurpose},
		{"excluded", excludeMail("example.com"), mail("a@example.com"), claviger.InvalidPurpose},
		{"host excluded, subdomain is not", excludeMail("example.com"), mail("a@sub.example.com"), claviger.Valid},
		{"not excluded", excludeMail("example.com"), mail("a@example.org"), claviger.Valid},
		{"one of two is outside", permitMail("example.com"), mail("a@example.com", "a@example.org"), claviger.InvalidPurpose},
		{"mail in the subject", permitMail("example.com"), func(x *x509.Certificate) {
			x.Subject.ExtraNames = []pkix.AttributeTypeAndValue{{Type: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1},
				Value: asn1.RawValue{Tag: asn1.TagIA5String, Bytes: []byte("a@example.org")}}}
		}, claviger.InvalidPurpose},
	})
}

func TestConstraintsOnOtherNames(t *testing.T) {
	uri := func(s string) *url.URL {
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	runConstrained(t, []constrained{
		{"URI host", func(x *x509.Certificate) { x.PermittedURIDomains = []string{"example.com"} },
			func(x *x509.Certificate) { x.URIs = []*url.URL{uri("https://u@example.com:8443/x")} }, claviger.Valid},
		{"URI subdomain", func(x *x509.Certificate) { x.PermittedURIDomains = []string{"example.com"} },
			func(x *x509.Certificate) { x.URIs = []*url.URL{uri("https://sub.example.com/")} }, claviger.InvalidPurpose},
		{"URI without a host", func(x *x509.Certificate) { x.ExcludedURIDomains = []string{"example.com"} },
			func(x *x509.Certificate) { x.URIs = []*url.URL{uri("urn:uuid:1")} }, claviger.InvalidPurpose},
		{"URI with an address", func(x *x509.Certificate) { x.ExcludedURIDomains = []string{"example.com"} },
			func(x *x509.Certificate) { x.URIs = []*url.URL{uri("https://192.0.2.1/")} }, claviger.InvalidPurpose},
		{"URI without a host, nothing said about URIs", func(x *x509.Certificate) { x.PermittedDNSDomains = []string{"example.com"} },
			func(x *x509.Certificate) { x.URIs = []*url.URL{uri("urn:uuid:1")} }, claviger.Valid},
		{"directory inside, other case", directory(0, "TEST"), func(*x509.Certificate) {}, claviger.Valid},
		{"directory outside", directory(0, "Other"), func(*x509.Certificate) {}, claviger.InvalidPurpose},
		{"directory excluded", directory(1, "Test"), func(*x509.Certificate) {}, claviger.InvalidPurpose},
		{"DNS", func(x *x509.Certificate) { x.PermittedDNSDomains = []string{"example.com"} },
			func(x *x509.Certificate) { x.DNSNames = []string{"example.org"} }, claviger.InvalidPurpose},
	})
}

// TestAVerdictOnNamesTellsTheName holds that a long name outside of the constraints is told whole, and one that would
// disturb a terminal is cleaned.
func TestAVerdictOnNamesTellsTheName(t *testing.T) {
	f := newFamily(t)
	ca := pkitest.CA("sub")
	ca.PermittedDNSDomains, ca.PermittedDNSDomainsCritical = []string{"example.com"}, true
	ca.PermittedEmailAddresses, ca.PermittedURIDomains = []string{"example.com"}, []string{"example.com"}
	sub := f.root.Issue(t, ca)
	long := strings.Repeat("a123456789.", 20) + "example.org"
	for name, test := range map[string]struct {
		leaf func(*x509.Certificate)
		want string
	}{
		"long": {func(x *x509.Certificate) { x.DNSNames = []string{long} }, long},
		"URI":  {func(x *x509.Certificate) { x.URIs = []*url.URL{{Scheme: "https", Host: "example.org", Path: "/x"}} }, "https://example.org/x"},
		"mail": {mail("somebody-with-a-long-name@somewhere.else.example.org"), "somebody-with-a-long-name@somewhere.else.example.org"},
	} {
		t.Run(name, func(t *testing.T) {
			leaf := pkitest.Leaf("leaf")
			test.leaf(leaf)
			r := f.request()
			r.Leaf, r.Intermediates, r.Revocation = sub.Issue(t, leaf).Certificate, certs(sub), claviger.NoRevocation
			got, err := path.Verify(r)
			if err != nil || got.Verdict != claviger.InvalidPurpose || !strings.Contains(got.Detail, test.want) {
				t.Errorf("%+v, %v; want %q in the detail", got, err, test.want)
			}
		})
	}
}

func permitMail(s string) func(*x509.Certificate) {
	return func(x *x509.Certificate) { x.PermittedEmailAddresses = []string{s} }
}

func excludeMail(s string) func(*x509.Certificate) {
	return func(x *x509.Certificate) { x.ExcludedEmailAddresses = []string{s} }
}

func mail(s ...string) func(*x509.Certificate) {
	return func(x *x509.Certificate) { x.EmailAddresses = s }
}

// directory constrains to, or excludes (tag 1), the directory O=org.
func directory(tag int, org string) func(*x509.Certificate) {
	name, _ := asn1.Marshal(pkix.Name{Organization: []string{org}}.ToRDNSequence())
	wrap := func(class, tag int, content []byte) []byte {
		der, _ := asn1.Marshal(asn1.RawValue{Class: class, Tag: tag, IsCompound: true, Bytes: content})
		return der
	}
	subtree := wrap(asn1.ClassUniversal, asn1.TagSequence, wrap(asn1.ClassContextSpecific, 4, name))
	value := wrap(asn1.ClassUniversal, asn1.TagSequence, wrap(asn1.ClassContextSpecific, tag, subtree))
	return func(x *x509.Certificate) {
		x.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 30}, Critical: true, Value: value}}
	}
}
