package cert

import (
	"encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// NameForm is the context tag of a GeneralName (RFC 5280, 4.2.1.6).
type NameForm uint8

// The forms of names.
const (
	OtherName NameForm = iota
	RFC822Name
	DNSName
	X400Address
	DirectoryName
	EDIPartyName
	URI
	IPAddress
	RegisteredID
	nameForms
)

// String gives the form's name in RFC 5280.
func (f NameForm) String() string {
	words := [nameForms]string{"otherName", "rfc822Name", "dNSName", "x400Address", "directoryName", "ediPartyName",
		"uniformResourceIdentifier", "iPAddress", "registeredID"}
	if f >= nameForms {
		return "unknown name form"
	}
	return words[f]
}

// GeneralName is one name of any form.
type GeneralName struct {
	Form      NameForm
	Value     string // the contents; "" for a directory name
	Directory Name   // of a directory name
}

// Equal reports whether both are the same name: directory names as Name.Equal says, others byte by byte.
func (g GeneralName) Equal(h GeneralName) bool {
	return g.Form == h.Form && g.Value == h.Value && g.Directory.Equal(h.Directory)
}

// ReadGeneralNames reads the contents of a GeneralNames sequence (without its tag) to its end. ok is false if the
// bytes are anything else, or hold no name.
func ReadGeneralNames(s cryptobyte.String) (names []GeneralName, ok bool) {
	for !s.Empty() {
		g, ok := readGeneralName(&s)
		if !ok {
			return nil, false
		}
		names = append(names, g)
	}
	return names, len(names) > 0
}

// readGeneralName reads the next name of s. The forms that hold a structure are constructed, the others primitive; a
// name of another shape is refused, so that each name has one encoding:
//
//	GeneralName ::= CHOICE {
//	     otherName [0], rfc822Name [1] IA5String, dNSName [2] IA5String, x400Address [3],
//	     directoryName [4] EXPLICIT Name, ediPartyName [5], uniformResourceIdentifier [6] IA5String,
//	     iPAddress [7] OCTET STRING, registeredID [8] OBJECT IDENTIFIER }
func readGeneralName(s *cryptobyte.String) (GeneralName, bool) {
	var (
		value cryptobyte.String
		tag   cbasn1.Tag
	)
	if !s.ReadAnyASN1(&value, &tag) {
		return GeneralName{}, false
	}
	form := NameForm(tag & 0x1f)
	want := cbasn1.Tag(form).ContextSpecific()
	switch form {
	case OtherName, X400Address, DirectoryName, EDIPartyName:
		want = want.Constructed()
	}
	if tag != want || form >= nameForms {
		return GeneralName{}, false
	}
	if form != DirectoryName {
		return GeneralName{Form: form, Value: string(value)}, true
	}
	name, ok := ParseName(value)
	return GeneralName{Form: form, Directory: name}, ok
}

// Subtree is a base of a name constraint.
type Subtree struct {
	GeneralName
	Bounded bool // minimum is not 0 or a maximum is given, which RFC 5280, 4.2.1.10 forbids
}

// NameConstraints are the subtrees of a nameConstraints extension (RFC 5280, 4.2.1.10).
type NameConstraints struct {
	Permitted, Excluded []Subtree
}

// readNameConstraints reads the value of the extension (RFC 5280, 4.2.1.10):
//
//	NameConstraints ::= SEQUENCE { permittedSubtrees [0] GeneralSubtrees OPTIONAL,
//	                               excludedSubtrees  [1] GeneralSubtrees OPTIONAL }
//
// That one of the two is there was checked by the standard library's parser.
func readNameConstraints(der []byte) (*NameConstraints, bool) {
	input, seq := cryptobyte.String(der), cryptobyte.String(nil)
	var permitted, excluded cryptobyte.String
	if !input.ReadASN1(&seq, cbasn1.SEQUENCE) || !input.Empty() ||
		!seq.ReadOptionalASN1(&permitted, nil, cbasn1.Tag(0).ContextSpecific().Constructed()) ||
		!seq.ReadOptionalASN1(&excluded, nil, cbasn1.Tag(1).ContextSpecific().Constructed()) || !seq.Empty() {
		return nil, false
	}
	var (
		nc  NameConstraints
		ok1 bool
		ok2 bool
	)
	nc.Permitted, ok1 = readSubtrees(permitted)
	nc.Excluded, ok2 = readSubtrees(excluded)
	return &nc, ok1 && ok2
}

// readSubtrees reads the contents of GeneralSubtrees:
//
//	GeneralSubtree ::= SEQUENCE { base GeneralName, minimum [0] BaseDistance DEFAULT 0,
//	                              maximum [1] BaseDistance OPTIONAL }
func readSubtrees(s cryptobyte.String) ([]Subtree, bool) {
	var out []Subtree
	for !s.Empty() {
		var seq, rest cryptobyte.String
		var hasMin, hasMax bool
		if !s.ReadASN1(&seq, cbasn1.SEQUENCE) {
			return nil, false
		}
		base, ok := readGeneralName(&seq)
		if !ok || !seq.ReadOptionalASN1(&rest, &hasMin, cbasn1.Tag(0).ContextSpecific()) ||
			!seq.ReadOptionalASN1(&rest, &hasMax, cbasn1.Tag(1).ContextSpecific()) || !seq.Empty() {
			return nil, false
		}
		// In DER a minimum of 0 is left out, because it is the default: one that stands there is not 0, or not DER.
		out = append(out, Subtree{GeneralName: base, Bounded: hasMin || hasMax})
	}
	return out, true
}

// Reasons is a set of revocation reasons: bit n is bit n of ReasonFlags (RFC 5280, 4.2.1.13).
type Reasons uint16

// AllReasons are the eight reasons that a distribution point can name: keyCompromise (1) to aACompromise (8). Bit 0
// is unused.
const AllReasons Reasons = 0x1fe

// The limits of distribution points, which are compared each with each. They are this project's own.
const (
	MaxPoints     = 32 // of one certificate
	MaxPointNames = 32 // of one point
)

// DistributionPoint says where a CRL that covers the certificate comes from (RFC 5280, 4.2.1.13).
type DistributionPoint struct {
	Names    []GeneralName // the full names; nil if there is only an issuer
	Relative []byte        // contents of nameRelativeToCRLIssuer; nil if there is none
	Reasons  Reasons       // AllReasons if the field is absent
	Issuer   []GeneralName // of an indirect CRL; nil: the issuer of the certificate
}

// readDistributionPoints reads the value of cRLDistributionPoints (RFC 5280, 4.2.1.13), a sequence of at most
// MaxPoints points.
func readDistributionPoints(der []byte) ([]DistributionPoint, bool) {
	input, seq := cryptobyte.String(der), cryptobyte.String(nil)
	if !input.ReadASN1(&seq, cbasn1.SEQUENCE) || !input.Empty() {
		return nil, false
	}
	var out []DistributionPoint
	for !seq.Empty() {
		var s cryptobyte.String
		if !seq.ReadASN1(&s, cbasn1.SEQUENCE) {
			return nil, false
		}
		p, ok := readDistributionPoint(s)
		if !ok || len(out) == MaxPoints || len(p.Names) > MaxPointNames || len(p.Issuer) > MaxPointNames {
			return nil, false
		}
		out = append(out, p)
	}
	return out, true
}

// readDistributionPoint reads the contents of one point. A name or an issuer must be there:
//
//	DistributionPoint ::= SEQUENCE { distributionPoint [0] DistributionPointName OPTIONAL,
//	                                 reasons [1] ReasonFlags OPTIONAL, cRLIssuer [2] GeneralNames OPTIONAL }
func readDistributionPoint(s cryptobyte.String) (p DistributionPoint, ok bool) {
	var (
		name, issuer       cryptobyte.String
		hasName, hasIssuer bool
	)
	if !s.ReadOptionalASN1(&name, &hasName, cbasn1.Tag(0).ContextSpecific().Constructed()) {
		return p, false
	}
	if hasName {
		if p.Names, p.Relative, ok = ReadPointName(name); !ok {
			return p, false
		}
	}
	if p.Reasons, ok = ReadReasons(&s, 1); !ok {
		return p, false
	}
	if !s.ReadOptionalASN1(&issuer, &hasIssuer, cbasn1.Tag(2).ContextSpecific().Constructed()) || !s.Empty() {
		return p, false
	}
	if hasIssuer {
		if p.Issuer, ok = ReadGeneralNames(issuer); !ok {
			return p, false
		}
	}
	return p, hasName || hasIssuer
}

// ReadPointName reads a DistributionPointName (RFC 5280, 4.2.1.13): either the full names or the contents of the
// relative one.
func ReadPointName(s cryptobyte.String) (names []GeneralName, relative []byte, ok bool) {
	var full, rel cryptobyte.String
	switch {
	case s.PeekASN1Tag(cbasn1.Tag(0).ContextSpecific().Constructed()):
		if !s.ReadASN1(&full, cbasn1.Tag(0).ContextSpecific().Constructed()) || !s.Empty() {
			return nil, nil, false
		}
		names, ok = ReadGeneralNames(full)
		return names, nil, ok
	case s.ReadASN1(&rel, cbasn1.Tag(1).ContextSpecific().Constructed()):
		return nil, rel, s.Empty() && len(rel) > 0
	}
	return nil, nil, false
}

// ReadReasons reads optional ReasonFlags under the given context tag. Absent means AllReasons. Bit 0, unused, and bits
// past 8, unknown, are passed over: they can only leave reasons uncovered.
func ReadReasons(s *cryptobyte.String, tag uint8) (Reasons, bool) {
	t := cbasn1.Tag(tag).ContextSpecific()
	if !s.PeekASN1Tag(t) {
		return AllReasons, true
	}
	var bits cryptobyte.String
	if !s.ReadASN1(&bits, t) || len(bits) < 1 || len(bits) > 3 || bits[0] > 7 || len(bits) == 1 && bits[0] != 0 {
		return 0, false
	}
	flags := asn1.BitString{Bytes: bits[1:], BitLength: 8*(len(bits)-1) - int(bits[0])}
	var r Reasons
	for i := 1; i <= 8; i++ {
		r |= Reasons(flags.At(i)) << i
	}
	return r, true
}
