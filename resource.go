package claviger

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxName is the longest name of a resource, slot, application or algorithm, in bytes.
const MaxName = 64

// CheckName reports whether s may be a name: 1 to MaxName bytes of printable UTF-8 without white space. The error is
// ErrInvalidArgument and says what is wrong; what is put in front of it.
func CheckName(what, s string) error {
	switch {
	case s == "":
		return Errorf(ErrInvalidArgument, what, "a name must not be empty")
	case len(s) > MaxName:
		return Errorf(ErrInvalidArgument, what, "name %q has %d bytes; the limit is %d", Clip(s), len(s), MaxName)
	case !utf8.ValidString(s):
		return Errorf(ErrInvalidArgument, what, "name %q is not valid UTF-8", Clip(s))
	case strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }):
		return Errorf(ErrInvalidArgument, what, "name %q holds white space or a control character", Clip(s))
	}
	return nil
}

// Algorithm is the name of a key algorithm ("AES-256") or an operation algorithm ("AES-256-GCM"). An AES-256 key
// serves AES-256-CBC, AES-256-GCM and others: the two kinds of name are different things. Names match without regard to case and have
// aliases ("SHA256"); the daemon answers with the canonical, hyphenated form.
type Algorithm string

// ProviderID is the number that the configuration gives a provider. It appears in handles and in slot information.
// Zero means none.
type ProviderID uint16

// ResourceType says what a name or handle stands for. The numbers travel.
type ResourceType uint8

// The types of resources.
const (
	TypeProvider ResourceType = iota
	TypeKeySlot
	TypeCertSlot
	TypeTrustStore // the seed's kVerificationTrustStore
	TypeKey
	TypeCertificate
	TypeCRL
	TypeSecureObject
	TypeDataObject
	typeCount
)

var resourceTypes = [typeCount]string{
	"provider", "key slot", "certificate slot", "trust store", "key", "certificate", "CRL", "secure object", "data object",
}

// String gives the type's words.
func (t ResourceType) String() string { return word(resourceTypes[:], int(t)) }

// Persistence says whether a resource outlives the session. The numbers travel.
type Persistence uint8

// A resource is one or the other.
const (
	Persistent Persistence = iota
	Ephemeral
)

// String gives "persistent" or "ephemeral".
func (p Persistence) String() string { return word([]string{"persistent", "ephemeral"}, int(p)) }

// SlotState is the state of a key slot or certificate slot. The numbers travel.
type SlotState uint8

// The states of a slot.
const (
	SlotEmpty SlotState = iota
	SlotOccupied
	SlotLocked // its record is damaged or its provider is gone; the rest of the store serves
)

// String gives "empty", "occupied" or "locked".
func (s SlotState) String() string { return word([]string{"empty", "occupied", "locked"}, int(s)) }

// KeyClass says which half of what a key is.
type KeyClass uint8

// The classes of keys.
const (
	SecretKey  KeyClass = iota + 1 // symmetric
	PrivateKey                     // a pair, by its private half
	PublicKey                      // a public half alone
)

// String gives "secret", "private" or "public".
func (c KeyClass) String() string { return word([]string{"", "secret", "private", "public"}, int(c)) }

// Format says how key or certificate bytes are encoded. The numbers travel.
type Format uint8

// The formats. DER and PEM mean PKCS #8 (RFC 5958) for private keys, SubjectPublicKeyInfo (RFC 5280) for public keys
// and X.509 for certificates. Raw means the bare bytes of a secret key, or what the algorithm's own standard calls the
// encoded key.
const (
	DER Format = iota
	PEM
	Raw
)

// String gives "DER", "PEM" or "raw".
func (f Format) String() string { return word([]string{"DER", "PEM", "raw"}, int(f)) }

// Direction says which way a cipher or AEAD context works. The zero value encrypts. The numbers travel.
type Direction uint8

// The two directions.
const (
	Encrypting Direction = iota
	Decrypting
)

// String gives "encrypt" or "decrypt".
func (d Direction) String() string { return word([]string{"encrypt", "decrypt"}, int(d)) }

// ContextKind says what an operation context does. The numbers travel.
type ContextKind uint8

// The kinds of operation contexts.
const (
	HashContext ContextKind = iota + 1
	MACContext
	CipherContext
	AEADContext
	SignContext
	VerifyContext
	RandomContext
	contextKinds
)

var contextKindWords = [contextKinds]string{"", "hash", "mac", "cipher", "aead", "sign", "verify", "random"}

// String gives the kind's word.
func (k ContextKind) String() string { return word(contextKindWords[:], int(k)) }

// ProviderKind is a wish for a sort of provider. The numbers travel.
type ProviderKind uint8

// The wishes. A choice that cannot be met is an error, except for the two Preferred ones.
const (
	DefaultProvider ProviderKind = iota // what the slot says; for new keys the first that offers the algorithm
	Hardware
	Software
	HardwarePreferred
	SoftwarePreferred
)

// String gives the wish's words.
func (k ProviderKind) String() string {
	return word([]string{"default", "hardware", "software", "hardware-preferred", "software-preferred"}, int(k))
}

// word is the one way a small number becomes text.
func word(words []string, i int) string {
	if i < 0 || i >= len(words) || words[i] == "" {
		return fmt.Sprintf("unknown(%d)", i)
	}
	return words[i]
}
