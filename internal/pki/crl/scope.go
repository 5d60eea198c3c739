package crl

import (
	"bytes"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/claviger/claviger/internal/pki/cert"
)

// scope says which certificates and reasons a list covers: its issuingDistributionPoint (RFC 5280, 5.2.5).
type scope struct {
	der       []byte             // the extension's value; nil if there is none
	names     []cert.GeneralName // full names of the distribution point
	relative  []byte             // or its name relative to the list's issuer
	users     bool               // only end entities
	cas       bool               // only CAs
	attribute bool               // only attribute certificates, of which there are none here
	indirect  bool               // entries may belong to other issuers
	reasons   cert.Reasons
	flaw      string // why a list of this scope can never be used
}

// wholeScope is the scope of a list without the extension.
func wholeScope() scope { return scope{reasons: cert.AllReasons} }

// readScope reads the value of the extension (RFC 5280, 5.2.5). FALSE, the default, must be left out in DER:
//
//	IssuingDistributionPoint ::= SEQUENCE {
//	     distributionPoint [0] DistributionPointName OPTIONAL, onlyContainsUserCerts [1] BOOLEAN DEFAULT FALSE,
//	     onlyContainsCACerts [2] BOOLEAN DEFAULT FALSE, onlySomeReasons [3] ReasonFlags OPTIONAL,
//	     indirectCRL [4] BOOLEAN DEFAULT FALSE, onlyContainsAttributeCerts [5] BOOLEAN DEFAULT FALSE }
func readScope(der []byte) (scope, bool) {
	var (
		in      = cryptobyte.String(der)
		seq     cryptobyte.String
		point   cryptobyte.String
		hasName bool
		ok      bool
		s       = scope{der: bytes.Clone(der)}
	)
	if !in.ReadASN1(&seq, asn1.SEQUENCE) || !in.Empty() {
		return s, false
	}
	if seq.Empty() {
		s.flaw = "its issuingDistributionPoint is empty"
	}
	if !seq.ReadOptionalASN1(&point, &hasName, asn1.Tag(0).ContextSpecific().Constructed()) {
		return s, false
	}
	if hasName {
		if s.names, s.relative, ok = cert.ReadPointName(point); !ok || len(s.names) > cert.MaxPointNames {
			return s, false
		}
	}
	ok = readFlag(&seq, 1, &s.users) && readFlag(&seq, 2, &s.cas)
	if !ok {
		return s, false
	}
	if s.reasons, ok = cert.ReadReasons(&seq, 3); !ok {
		return s, false
	}
	ok = readFlag(&seq, 4, &s.indirect) && readFlag(&seq, 5, &s.attribute) && seq.Empty()
	return s, ok
}

// readFlag reads an optional implicitly tagged BOOLEAN, DER only.
func readFlag(s *cryptobyte.String, tag uint8, out *bool) bool {
	var (
		value cryptobyte.String
		has   bool
	)
	if !s.ReadOptionalASN1(&value, &has, asn1.Tag(tag).ContextSpecific()) {
		return false
	}
	*out = has
	return !has || len(value) == 1 && value[0] == 0xff
}

// coverage returns the reasons for which list l speaks about certificate c through distribution point p, none if it
// does not (RFC 5280, 6.3.3 (b), (d)).
func coverage(l *CRL, c *cert.Certificate, p cert.DistributionPoint) cert.Reasons {
	if p.Issuer != nil {
		if !l.scope.indirect || !slices.ContainsFunc(p.Issuer, func(g cert.GeneralName) bool {
			return g.Form == cert.DirectoryName && g.Directory.Equal(l.issuer)
		}) {
			return 0
		}
	} else if !l.issuer.Equal(c.Issuer()) {
		return 0
	}
	ca := c.IsCA()
	if l.scope.attribute || l.scope.users && ca || l.scope.cas && !ca || !l.scope.meets(l.issuer, p) {
		return 0
	}
	return p.Reasons & l.scope.reasons
}

// meets compares the name of the list's distribution point with that of the certificate's (RFC 5280, 6.3.3 (b)(2)(i)).
// A list without such a name serves every point.
func (s scope) meets(issuer cert.Name, p cert.DistributionPoint) bool {
	own := pointNames(s.names, s.relative, issuer)
	if s.names == nil && s.relative == nil {
		return true
	}
	theirs := pointNames(p.Names, p.Relative, issuer)
	if p.Names == nil && p.Relative == nil {
		theirs = p.Issuer
	}
	return slices.ContainsFunc(own, func(g cert.GeneralName) bool { return slices.ContainsFunc(theirs, g.Equal) })
}

// pointNames gives full names, making one from a relative name: that of the list's issuer with the relative name
// below it (RFC 5280, 4.2.1.13).
func pointNames(names []cert.GeneralName, relative []byte, issuer cert.Name) []cert.GeneralName {
	if relative == nil {
		return names
	}
	full, ok := issuer.WithRDN(relative)
	if !ok {
		return nil
	}
	return []cert.GeneralName{{Form: cert.DirectoryName, Directory: full}}
}
