package cert

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"filippo.io/mldsa"

	"github.com/claviger/claviger"
)

// Certificate is a parsed certificate. It does not change and is safe for concurrent use.
type Certificate struct {
	x               *x509.Certificate
	subject, issuer Name
	names           []GeneralName       // of the subjectAltName
	constraints     *NameConstraints    // nil if there is no such extension
	points          []DistributionPoint // of cRLDistributionPoints
	sum             [sha256.Size]byte
	hasUsage        bool // there is a keyUsage extension
	signed          Signed
	lattice         *mldsa.PublicKey // nil unless the key is one
	selfSigned      func() bool
	asLeaf          *x509.Certificate
	asIssuer        *x509.Certificate
}

// Info describes a certificate to people and programs.
type Info struct {
	Subject     string             `json:"subject"`     // RFC 4514
	Issuer      string             `json:"issuer"`      // RFC 4514
	Serial      string             `json:"serial"`      // upper-case hexadecimal, two characters a byte
	NotBefore   time.Time          `json:"not_before"`  // UTC, whole seconds
	NotAfter    time.Time          `json:"not_after"`   // UTC, whole seconds; the last valid one
	Fingerprint string             `json:"fingerprint"` // SHA-256 of the DER form, upper-case hexadecimal
	KeyName     claviger.Algorithm `json:"key"`         // "" if the key's algorithm is unknown
	CA          bool               `json:"ca"`          // basicConstraints say so
}

// newCertificate completes what the standard library has parsed. x becomes the certificate's own. An error names the
// part that is malformed.
func newCertificate(x *x509.Certificate) (*Certificate, error) {
	c := &Certificate{x: x, sum: sha256.Sum256(x.Raw)}
	var ok1, ok2 bool
	c.subject, ok1 = ParseName(x.RawSubject)
	c.issuer, ok2 = ParseName(x.RawIssuer)
	if !ok1 || !ok2 {
		return nil, errors.New("malformed name")
	}
	var err error
	if c.lattice, err = readLatticeKey(x.RawSubjectPublicKeyInfo); err != nil {
		return nil, err
	}
	if c.signed, ok1 = ReadSigned(x.Raw, x.SignatureAlgorithm); !ok1 {
		return nil, errors.New("malformed signature")
	}
	for _, e := range x.Extensions {
		if err := c.readExtension(e); err != nil {
			return nil, err
		}
	}
	c.selfSigned = sync.OnceValue(func() bool {
		if c.signed.Lattice() {
			return c.SelfIssued() && CheckSignature(c, c.signed) == nil
		}
		return c.SelfIssued() && x.CheckSignature(x.SignatureAlgorithm, x.RawTBSCertificate, x.Signature) == nil
	})
	c.asLeaf, c.asIssuer = c.builderCopy(), c.builderCopy()
	if c.SelfIssued() { // RFC 5280, 6.1.3 (b) and (c): constraints do not bind it, unless it is the last one
		c.asIssuer.DNSNames, c.asIssuer.IPAddresses = nil, nil
	}
	return c, nil
}

// readExtension keeps what the standard library does not: all forms of alternative names, all forms of constraints,
// and whole distribution points.
func (c *Certificate) readExtension(e pkix.Extension) error {
	if !isCE(e.Id) {
		return nil
	}
	ok := true
	switch e.Id[3] {
	case ceKeyUsage:
		c.hasUsage = true
	case ceSubjectAltName:
		var seq asn1.RawValue
		rest, err := asn1.Unmarshal(e.Value, &seq)
		ok = err == nil && len(rest) == 0
		if ok {
			c.names, ok = ReadGeneralNames(seq.Bytes)
		}
	case ceNameConstraints:
		c.constraints, ok = readNameConstraints(e.Value)
	case ceDistributionPoints:
		c.points, ok = readDistributionPoints(e.Value)
	}
	if !ok {
		return fmt.Errorf("malformed extension %s", e.Id)
	}
	return nil
}

// Numbers of extensions below 2.5.29 (RFC 5280, 4.2.1).
const (
	ceKeyUsage           = 15
	ceSubjectAltName     = 17
	ceNameConstraints    = 30
	ceDistributionPoints = 31
	ceExtKeyUsage        = 37
)

// isCE reports whether id lies directly below 2.5.29, id-ce.
func isCE(id asn1.ObjectIdentifier) bool {
	return len(id) == 4 && id[0] == 2 && id[1] == 5 && id[2] == 29
}

// builderCopy makes the form in which the standard library's path builder sees the certificate. Signatures are over
// RawTBSCertificate and remain as they are. What the builder would judge differently from RFC 5280 is taken out, and
// is judged by package path:
//
//   - names are canonical, so that its comparison byte by byte is that of section 7.1;
//   - path lengths, because it counts self-issued certificates (6.1.4 (l));
//   - e-mail addresses and URIs, because it reads a host in a constraint as "and all below" (4.2.1.10), and refuses a
//     URI without a host even where URIs are not constrained;
//   - critical constraints and alternative names of forms that package path understands.
func (c *Certificate) builderCopy() *x509.Certificate {
	x := *c.x
	x.RawSubject, x.RawIssuer = []byte(c.subject.Key()), []byte(c.issuer.Key())
	x.MaxPathLen, x.MaxPathLenZero = -1, false
	x.EmailAddresses, x.URIs = nil, nil
	x.UnhandledCriticalExtensions = slices.DeleteFunc(slices.Clone(x.UnhandledCriticalExtensions),
		func(id asn1.ObjectIdentifier) bool {
			return isCE(id) && (id[3] == ceNameConstraints || id[3] == ceSubjectAltName && c.onlyKnownForms())
		})
	return &x
}

// onlyKnownForms reports whether package path or the builder understands every alternative name, so that the extension
// may be critical.
func (c *Certificate) onlyKnownForms() bool {
	return !slices.ContainsFunc(c.names, func(g GeneralName) bool {
		switch g.Form {
		case RFC822Name, DNSName, DirectoryName, URI, IPAddress:
			return false
		}
		return true
	})
}

// X509 returns the standard library's view of the certificate, exactly as parsed. The caller does not change it.
func (c *Certificate) X509() *x509.Certificate { return c.x }

// ForBuilder returns the form in which x509.Certificate.Verify is to see the certificate, as leaf or as issuer. It is
// made once, shared, and not to be changed. Its constraints are incomplete: package path judges the rest.
func (c *Certificate) ForBuilder(leaf bool) *x509.Certificate {
	if leaf {
		return c.asLeaf
	}
	return c.asIssuer
}

// Signed returns the certificate as its signature sees it.
func (c *Certificate) Signed() Signed { return c.signed }

// DER returns a copy of the certificate's bytes.
func (c *Certificate) DER() []byte { return bytes.Clone(c.x.Raw) }

// PEM returns the certificate as one PEM block (RFC 7468).
func (c *Certificate) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.x.Raw})
}

// Subject returns the subject's name; it may be empty.
func (c *Certificate) Subject() Name { return c.subject }

// Issuer returns the issuer's name.
func (c *Certificate) Issuer() Name { return c.issuer }

// AltNames returns the names of the subjectAltName extension. The caller does not change them.
func (c *Certificate) AltNames() []GeneralName { return c.names }

// Constraints returns the name constraints, nil if there are none. The caller does not change them.
func (c *Certificate) Constraints() *NameConstraints { return c.constraints }

// DistributionPoints returns where CRLs for the certificate come from. The caller does not change them.
func (c *Certificate) DistributionPoints() []DistributionPoint { return c.points }

// Serial returns the serial number as upper-case hexadecimal, two characters a byte.
func (c *Certificate) Serial() string { return Hex(c.x.SerialNumber.Bytes()) }

// Fingerprint returns the SHA-256 digest of the DER form.
func (c *Certificate) Fingerprint() [sha256.Size]byte { return c.sum }

// Equal reports whether both are the same bytes.
func (c *Certificate) Equal(d *Certificate) bool { return c.sum == d.sum }

// SelfIssued reports whether subject and issuer are the same name (RFC 5280, 6.1).
func (c *Certificate) SelfIssued() bool { return c.subject.Equal(c.issuer) }

// SelfSigned reports whether the certificate is self-issued and its own key made its signature. The signature is
// checked once. SHA-1 will do here, because this only tells what a certificate is: nobody relies on what a root says
// about itself. A signature algorithm that is not supported counts as no.
func (c *Certificate) SelfSigned() bool { return c.selfSigned() }

// Allows reports whether the key may serve one of the usages: there is no keyUsage extension, or it has the bit of one
// of them (RFC 5280, 4.2.1.3). An extension without any bit allows nothing, which x509.Certificate.KeyUsage alone
// cannot tell from no extension.
func (c *Certificate) Allows(usages x509.KeyUsage) bool {
	return !c.hasUsage || c.x.KeyUsage&usages != 0
}

// IsCA reports whether basicConstraints say that the subject is a CA.
func (c *Certificate) IsCA() bool { return c.x.BasicConstraintsValid && c.x.IsCA }

// EmptyExtKeyUsage reports whether there is an extKeyUsage extension without any purpose in it.
func (c *Certificate) EmptyExtKeyUsage() bool {
	has := slices.ContainsFunc(c.x.Extensions, func(e pkix.Extension) bool { return isCE(e.Id) && e.Id[3] == ceExtKeyUsage })
	return has && len(c.x.ExtKeyUsage) == 0 && len(c.x.UnknownExtKeyUsage) == 0
}

// Info describes the certificate.
func (c *Certificate) Info() Info {
	algorithm, _, err := c.PublicKey()
	if err != nil {
		algorithm = ""
	}
	return Info{
		Subject:     c.subject.String(),
		Issuer:      c.issuer.String(),
		Serial:      c.Serial(),
		NotBefore:   c.x.NotBefore.UTC(),
		NotAfter:    c.x.NotAfter.UTC(),
		Fingerprint: Hex(c.sum[:]),
		KeyName:     algorithm,
		CA:          c.IsCA(),
	}
}

// Hex writes b in upper-case hexadecimal, "00" for an empty b.
func Hex(b []byte) string {
	if len(b) == 0 {
		return "00"
	}
	return strings.ToUpper(fmt.Sprintf("%x", b))
}
