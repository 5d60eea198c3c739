package claviger

import (
	"fmt"
	"strings"
)

// Permission is the set of operations that a key may serve, as a mask of the bits below. The numbers are those of the
// S-CORE crypto API and travel on the wire and in stored records; they never change. The zero value permits nothing,
// which is legal.
type Permission uint32

// The eleven operations a key may serve.
const (
	Encrypt Permission = 1 << iota // encrypt data
	Decrypt                        // decrypt data
	Wrap                           // encrypt another key
	Unwrap                         // decrypt another key
	Sign                           // sign with the private half
	Verify                         // verify with the public half
	Mac                            // make and check message authentication codes
	Agree                          // agree on a key, or decapsulate one
	Derive                         // derive further keys
	Export                         // give the key's bytes out
	Import                         // accept key bytes from outside
)

// Presets for common uses.
const (
	NoPermission   Permission = 0
	DataProtection            = Encrypt | Decrypt | Wrap | Unwrap
	Authentication            = Sign | Verify | Mac | Agree
	FullLifecycle             = Derive | Export | Import
	AllPermissions            = DataProtection | Authentication | FullLifecycle
)

// permissionWords are the words of String and ParsePermission, in the order of the bits.
var permissionWords = [...]string{
	"encrypt", "decrypt", "wrap", "unwrap", "sign", "verify", "mac", "agree", "derive", "export", "import",
}

// permissionPresets are the words that ParsePermission takes beside the eleven.
var permissionPresets = map[string]Permission{
	"none":            NoPermission,
	"all":             AllPermissions,
	"data-protection": DataProtection,
	"authentication":  Authentication,
	"full-lifecycle":  FullLifecycle,
}

// Has reports whether p holds every bit of want. Every set has the empty one.
func (p Permission) Has(want Permission) bool { return p&want == want }

// Without returns p less the bits of q. The result never holds a bit outside AllPermissions.
func (p Permission) Without(q Permission) Permission { return p &^ q & AllPermissions }

// Valid reports whether p holds no bit outside AllPermissions.
func (p Permission) Valid() bool { return p&^AllPermissions == 0 }

// String gives the words of p joined by "|", "none" for the empty set and "all" for the full one. Bits outside
// AllPermissions appear as one hexadecimal number. ParsePermission reads the result back when p is valid.
func (p Permission) String() string {
	switch p {
	case NoPermission:
		return "none"
	case AllPermissions:
		return "all"
	}
	var words []string
	for i, w := range permissionWords {
		if p&(1<<i) != 0 {
			words = append(words, w)
		}
	}
	if rest := p &^ AllPermissions; rest != 0 {
		words = append(words, fmt.Sprintf("%#x", uint32(rest)))
	}
	return strings.Join(words, "|")
}

// Words returns the permission words that p consists of, in the order of the bits; nil for the empty set.
func (p Permission) Words() []string {
	var words []string
	for i, w := range permissionWords {
		if p&(1<<i) != 0 {
			words = append(words, w)
		}
	}
	return words
}

// ParsePermission reads words joined by "|", without regard to case: the eleven operations and the presets none, all,
// data-protection, authentication and full-lifecycle. An unknown word is ErrInvalidArgument and named in the error.
func ParsePermission(s string) (Permission, error) {
	var p Permission
	for word := range strings.SplitSeq(s, "|") {
		bit, ok := permissionWord(strings.ToLower(strings.TrimSpace(word)))
		if !ok {
			return 0, Errorf(ErrInvalidArgument, "permission", "unknown word %q; known are %s, none, all, data-protection, authentication, full-lifecycle",
				Clip(word), strings.Join(permissionWords[:], ", "))
		}
		p |= bit
	}
	return p, nil
}

func permissionWord(word string) (Permission, bool) {
	for i, w := range permissionWords {
		if w == word {
			return 1 << i, true
		}
	}
	p, ok := permissionPresets[word]
	return p, ok
}
