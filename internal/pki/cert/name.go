package cert

import (
	"encoding/asn1"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Name is a distinguished name (RFC 5280, 4.1.2.4) that compares as RFC 5280, 7.1 wants it: without regard to case,
// string type, outer and repeated white space, and the order of attributes within one relative name. Deviation: of the
// preparation of RFC 4518 only case folding and white space are done, no Unicode normalization; names that differ in
// more are different. The zero value is the empty name. Names do not change.
type Name struct {
	rdns []string   // canonical relative names, the most significant first
	text [][]attrib // the same, as they stand in the certificate
	key  string     // rdns joined so that no two lists give the same key
	mail []string   // values of emailAddress attributes (PKCS #9)
}

// attrib is one attribute of a relative name.
type attrib struct {
	oid   string // dotted
	tag   uint8  // ASN.1 tag of the value
	value []byte // contents of the value
	der   []byte // the value with its tag and length
}

const oidEmailAddress = "1.2.840.113549.1.9.1"

// ParseName reads a DER Name. The result shares no memory with der. ok is false if der is anything else.
func ParseName(der []byte) (n Name, ok bool) {
	input, seq := cryptobyte.String(slices.Clone(der)), cryptobyte.String(nil)
	if !input.ReadASN1(&seq, cbasn1.SEQUENCE) || !input.Empty() {
		return Name{}, false
	}
	for !seq.Empty() {
		var set cryptobyte.String
		if !seq.ReadASN1(&set, cbasn1.SET) || set.Empty() {
			return Name{}, false
		}
		rdn, ok := readRDN(set)
		if !ok {
			return Name{}, false
		}
		n.text = append(n.text, rdn)
		n.rdns = append(n.rdns, canonicalRDN(rdn))
		for _, a := range rdn {
			if a.oid == oidEmailAddress {
				n.mail = append(n.mail, string(a.value))
			}
		}
	}
	n.key = joinKey(n.rdns)
	return n, true
}

// readRDN reads the contents of a RelativeDistinguishedName (RFC 5280, 4.1.2.4):
//
//	RelativeDistinguishedName ::= SET SIZE (1..MAX) OF AttributeTypeAndValue
//	AttributeTypeAndValue     ::= SEQUENCE { type OBJECT IDENTIFIER, value ANY }
//
// The order of the set is not checked: names are compared in canonical order, and signed in the order they have.
func readRDN(set cryptobyte.String) ([]attrib, bool) {
	var out []attrib
	for !set.Empty() {
		var (
			seq, value, element cryptobyte.String
			oid                 asn1.ObjectIdentifier
			tag                 cbasn1.Tag
		)
		if !set.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.ReadASN1ObjectIdentifier(&oid) ||
			!seq.ReadAnyASN1Element(&element, &tag) || !seq.Empty() {
			return nil, false
		}
		inner := element
		if !inner.ReadAnyASN1(&value, &tag) {
			return nil, false
		}
		out = append(out, attrib{oid: oid.String(), tag: uint8(tag), value: value, der: element})
	}
	return out, true
}

// canonicalRDN sorts the attributes of one relative name, because it is a set. The result is equal for equal relative
// names and different for different ones; it is not meant to be read.
func canonicalRDN(rdn []attrib) string {
	parts := make([]string, len(rdn))
	for i, a := range rdn {
		parts[i] = joinKey([]string{a.oid, canonicalValue(a)})
	}
	slices.Sort(parts)
	return joinKey(parts)
}

// canonicalValue gives equal strings for values that RFC 5280, 7.1 calls equal. A value that is no string of a known
// type equals only the same bytes.
func canonicalValue(a attrib) string {
	text, ok := a.string()
	if !ok {
		return "=" + string(a.der)
	}
	return "~" + strings.Join(strings.FieldsFunc(strings.ToLower(text), unicode.IsSpace), " ")
}

// string decodes the value of a directory string: UTF8String, NumericString, PrintableString, IA5String,
// VisibleString, and BMPString.
func (a attrib) string() (string, bool) {
	switch a.tag {
	case asn1.TagUTF8String, asn1.TagNumericString, asn1.TagPrintableString, asn1.TagIA5String, 26:
		return string(a.value), utf8.Valid(a.value)
	case asn1.TagBMPString:
		if len(a.value)%2 != 0 {
			return "", false
		}
		units := make([]uint16, len(a.value)/2)
		for i := range units {
			units[i] = binary.BigEndian.Uint16(a.value[2*i:])
		}
		return string(utf16.Decode(units)), true
	}
	return "", false
}

// joinKey joins parts with their lengths, so that the result is different for different lists: ("ab") is not ("a",
// "b"), whatever bytes the parts hold.
func joinKey(parts []string) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(strconv.Itoa(len(p)))
		b.WriteByte(':')
		b.WriteString(p)
	}
	return b.String()
}

// Equal reports whether n and m are the same name.
func (n Name) Equal(m Name) bool { return n.key == m.key }

// Empty reports whether n has no relative names.
func (n Name) Empty() bool { return len(n.rdns) == 0 }

// Within reports whether n lies in the subtree of base: base is n or one of its ancestors (RFC 5280, 4.2.1.10).
func (n Name) Within(base Name) bool {
	return len(base.rdns) <= len(n.rdns) && slices.Equal(base.rdns, n.rdns[:len(base.rdns)])
}

// WithRDN returns n with the attributes of one more relative name below it: what nameRelativeToCRLIssuer (RFC 5280,
// 4.2.1.13) means. set holds the contents of the SET. ok is false if it is not a relative name.
func (n Name) WithRDN(set []byte) (child Name, ok bool) {
	rdn, ok := readRDN(cryptobyte.String(slices.Clone(set)))
	if !ok || len(rdn) == 0 {
		return Name{}, false
	}
	child = Name{rdns: append(slices.Clone(n.rdns), canonicalRDN(rdn)), text: append(slices.Clone(n.text), rdn)}
	child.key = joinKey(child.rdns)
	return child, true
}

// Emails returns the values of the name's emailAddress attributes (PKCS #9). The caller does not change them.
func (n Name) Emails() []string { return n.mail }

// Key returns a string that is equal for equal names and different for others. It has no other meaning.
func (n Name) Key() string { return "N" + n.key }

// attributeKeyword gives the keyword of an attribute type, "" for an unknown one: the keywords of RFC 4514, 3, and two
// that everyone else uses, too.
func attributeKeyword(oid string) string {
	switch oid {
	case "2.5.4.3":
		return "CN"
	case "2.5.4.5":
		return "serialNumber"
	case "2.5.4.6":
		return "C"
	case "2.5.4.7":
		return "L"
	case "2.5.4.8":
		return "ST"
	case "2.5.4.9":
		return "STREET"
	case "2.5.4.10":
		return "O"
	case "2.5.4.11":
		return "OU"
	case "0.9.2342.19200300.100.1.25":
		return "DC"
	case "0.9.2342.19200300.100.1.1":
		return "UID"
	case oidEmailAddress:
		return "emailAddress"
	}
	return ""
}

// String writes the name as RFC 4514 does: the last relative name first, escaped. Control characters are escaped too,
// so that a name cannot break a line of a log.
func (n Name) String() string {
	var b strings.Builder
	for i := len(n.text) - 1; i >= 0; i-- {
		for j, a := range n.text[i] {
			if j > 0 {
				b.WriteByte('+')
			}
			a.write(&b)
		}
		if i > 0 {
			b.WriteByte(',')
		}
	}
	return b.String()
}

// write appends "keyword=value", or "oid=#hex" where the keyword or the string type is unknown (RFC 4514, 2.4).
func (a attrib) write(b *strings.Builder) {
	keyword := attributeKeyword(a.oid)
	text, ok := a.string()
	if keyword == "" || !ok {
		b.WriteString(a.oid + "=#" + hex.EncodeToString(a.der))
		return
	}
	b.WriteString(keyword + "=")
	for i, r := range text {
		outer := i == 0 || i+utf8.RuneLen(r) == len(text)
		switch {
		case unicode.IsControl(r) || r == unicode.ReplacementChar:
			for _, c := range []byte(string(r)) {
				fmt.Fprintf(b, "\\%02X", c)
			}
		case strings.ContainsRune(`"+,;<>\`, r), r == ' ' && outer, r == '#' && i == 0:
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
}
