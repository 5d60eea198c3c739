package crl

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/pki/cert"
)

// The limits of what is read. They are this project's own; RFC 5280 names none.
const (
	MaxBytes   = 4 << 20 // the input, DER or PEM
	MaxEntries = 100_000 // the entries of one list
)

const opParse = "parse revocation list"

// Parse reads exactly one revocation list, version 2. With DER nothing may follow it; with PEM no second block and no
// block of another type. The list keeps its own copy of the bytes. What is not a list, or is over a limit, is
// ErrCRLImportFailed; a format other than DER and PEM is ErrInvalidArgument. A list that can be read and yet never be
// used, because of an unknown critical extension for example, is no error here: Check passes over it and
// CheckImport refuses it.
func Parse(data []byte, format claviger.Format) (*CRL, error) {
	if len(data) > MaxBytes {
		return nil, unreadable("the input has %d bytes; the limit is %d", len(data), MaxBytes)
	}
	switch format {
	case claviger.DER:
	case claviger.PEM:
		block, rest := pem.Decode(data)
		if block == nil || bytes.Count(data, []byte("-----BEGIN ")) != 1 {
			return nil, unreadable("the input does not hold exactly one whole PEM block")
		}
		if block.Type != "X509 CRL" || len(block.Headers) != 0 || len(bytes.TrimSpace(rest)) != 0 {
			return nil, unreadable("a PEM block of type %q; want X509 CRL, without headers, nothing after it", claviger.Clip(block.Type))
		}
		data = block.Bytes
	default:
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, opParse, "format %v; known are DER and PEM", format)
	}
	if err := checkShape(data); err != nil {
		return nil, err
	}
	list, err := x509.ParseRevocationList(bytes.Clone(data))
	if err != nil {
		return nil, unreadable("%s", claviger.Clip(strings.TrimPrefix(err.Error(), "x509: ")))
	}
	return newCRL(list)
}

// checkShape walks the list without allocating, counts its entries, and finds bytes in places where the grammar has
// none, which the standard library's parser passes over (RFC 5280, 5.1).
func checkShape(der []byte) error {
	var (
		in             = cryptobyte.String(der)
		list, tbs, any cryptobyte.String
		entries, exts  cryptobyte.String
		tag            asn1.Tag
	)
	if !in.ReadASN1(&list, asn1.SEQUENCE) || !in.Empty() || !list.ReadASN1(&tbs, asn1.SEQUENCE) ||
		!list.ReadASN1(&any, asn1.SEQUENCE) || !list.ReadASN1(&any, asn1.BIT_STRING) || !list.Empty() {
		return unreadable("not a revocation list, or bytes follow it")
	}
	if !tbs.ReadASN1(&any, asn1.INTEGER) || !tbs.ReadASN1(&any, asn1.SEQUENCE) || !tbs.ReadASN1(&any, asn1.SEQUENCE) ||
		!tbs.ReadAnyASN1(&any, &tag) {
		return unreadable("not a revocation list of version 2")
	}
	for tbs.PeekASN1Tag(asn1.UTCTime) || tbs.PeekASN1Tag(asn1.GeneralizedTime) {
		if !tbs.ReadAnyASN1(&any, &tag) {
			return unreadable("malformed nextUpdate")
		}
	}
	if !tbs.ReadOptionalASN1(&entries, nil, asn1.SEQUENCE) ||
		!tbs.ReadOptionalASN1(&exts, nil, asn1.Tag(0).ContextSpecific().Constructed()) || !tbs.Empty() {
		return unreadable("bytes where none may be")
	}
	for n := 0; !entries.Empty(); n++ {
		if n == MaxEntries {
			return unreadable("more than %d entries", MaxEntries)
		}
		if !entries.ReadASN1(&any, asn1.SEQUENCE) {
			return unreadable("entry %d is malformed", n+1)
		}
	}
	return nil
}

// newCRL takes over what the standard library has parsed and drops its list of entries for an index, which needs a
// tenth of the memory.
func newCRL(list *x509.RevocationList) (*CRL, error) {
	c := &CRL{raw: list.Raw, thisUpdate: list.ThisUpdate.UTC(), sum: sha256.Sum256(list.Raw),
		entries: make(map[entryKey]entry, len(list.RevokedCertificateEntries)), scope: wholeScope()}
	if !list.NextUpdate.IsZero() {
		c.nextUpdate = list.NextUpdate.UTC()
	}
	var ok bool
	if c.signed, ok = cert.ReadSigned(list.Raw, list.SignatureAlgorithm); !ok {
		return nil, unreadable("malformed signature")
	}
	if c.issuer, ok = cert.ParseName(list.RawIssuer); !ok {
		return nil, unreadable("malformed issuer")
	}
	seen := map[string]bool{}
	for _, e := range list.Extensions {
		if id := e.Id.String(); seen[id] {
			return nil, unreadable("extension %s twice", id)
		} else {
			seen[id] = true
		}
		if err := c.readExtension(e); err != nil {
			return nil, err
		}
	}
	if c.number == nil {
		c.spoil("it has no cRLNumber") // RFC 5280, 5.2.3: must be there
	}
	if err := c.readEntries(list.RevokedCertificateEntries); err != nil {
		return nil, err
	}
	return c, nil
}

// Identifiers of the extensions of lists and entries (RFC 5280, 5.2 and 5.3).
const (
	idIssuerAltName     = "2.5.29.18"
	idNumber            = "2.5.29.20"
	idReason            = "2.5.29.21"
	idInvalidityDate    = "2.5.29.24"
	idDeltaIndicator    = "2.5.29.27"
	idIssuingPoint      = "2.5.29.28"
	idCertificateIssuer = "2.5.29.29"
	idKeyID             = "2.5.29.35"
	idFreshest          = "2.5.29.46"
)

// readExtension takes one extension of the list. What is malformed makes the list unreadable; what is only not
// understood, and critical, makes it unusable (RFC 5280, 5.2).
func (c *CRL) readExtension(e pkix.Extension) error {
	var ok bool
	switch id := e.Id.String(); id {
	case idNumber:
		if c.number, ok = readNumber(e.Value); !ok {
			return unreadable("malformed cRLNumber")
		}
		if e.Critical {
			c.spoil("its cRLNumber is critical") // RFC 5280, 5.2.3: must not be
		}
	case idDeltaIndicator:
		if c.base, ok = readNumber(e.Value); !ok {
			return unreadable("malformed deltaCRLIndicator")
		}
	case idIssuingPoint:
		if c.scope, ok = readScope(e.Value); !ok {
			return unreadable("malformed issuingDistributionPoint")
		}
		if c.scope.flaw != "" {
			c.spoil(c.scope.flaw)
		}
	case idKeyID:
		c.keyID = bytes.Clone(e.Value)
	case idIssuerAltName, idFreshest:
	default:
		if e.Critical {
			c.spoil("unknown critical extension " + claviger.Clip(id))
		}
	}
	return nil
}

// spoil notes why the list can never be used; the first reason stays.
func (c *CRL) spoil(why string) {
	if c.flaw == "" {
		c.flaw = why
	}
}

// readEntries fills the index. In an indirect list an entry belongs to the issuer that was named last (RFC 5280,
// 5.3.3). Where a list names a certificate twice, what revokes it counts.
func (c *CRL) readEntries(entries []x509.RevocationListEntry) error {
	issuer := c.issuer.Key()
	for i, e := range entries {
		if e.ReasonCode < 0 || e.ReasonCode > 10 {
			return unreadable("entry %d has the unknown reason %d", i+1, e.ReasonCode)
		}
		for _, x := range e.Extensions {
			switch id := x.Id.String(); id {
			case idReason, idInvalidityDate:
			case idCertificateIssuer:
				name, ok := readCertificateIssuer(x.Value)
				if !ok {
					return unreadable("entry %d has a malformed certificateIssuer", i+1)
				}
				if !c.scope.indirect {
					c.spoil("an entry has a certificateIssuer and the list is not indirect")
				}
				issuer = name.Key()
			default:
				if x.Critical {
					c.spoil("unknown critical extension " + claviger.Clip(id) + " of an entry")
				}
			}
		}
		k := entryKey{issuer: issuer, serial: serialKey(e.SerialNumber)}
		if old, ok := c.entries[k]; !ok || old.reason == RemoveFromCRL {
			c.entries[k] = entry{at: e.RevocationTime.Unix(), reason: Reason(e.ReasonCode)}
		}
	}
	return nil
}

// readCertificateIssuer reads GeneralNames and returns their directory name (RFC 5280, 5.3.3). Without one the entry
// belongs to nobody, and ok is false.
func readCertificateIssuer(der []byte) (cert.Name, bool) {
	in, seq := cryptobyte.String(der), cryptobyte.String(nil)
	if !in.ReadASN1(&seq, asn1.SEQUENCE) || !in.Empty() {
		return cert.Name{}, false
	}
	names, ok := cert.ReadGeneralNames(seq)
	if !ok {
		return cert.Name{}, false
	}
	for _, g := range names {
		if g.Form == cert.DirectoryName {
			return g.Directory, true
		}
	}
	return cert.Name{}, false
}

// readNumber reads an INTEGER of 0 or more, at most 20 bytes long (RFC 5280, 5.2.3).
func readNumber(der []byte) (*big.Int, bool) {
	in, n := cryptobyte.String(der), new(big.Int)
	if !in.ReadASN1Integer(n) || !in.Empty() || n.Sign() < 0 || n.BitLen() > 160 {
		return nil, false
	}
	return n, true
}

// unreadable makes the one kind of error that parsing has.
func unreadable(format string, args ...any) error {
	return claviger.Errorf(claviger.ErrCRLImportFailed, opParse, format, args...)
}
