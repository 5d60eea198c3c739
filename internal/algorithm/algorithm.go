// Package algorithm is the one table of algorithms: canonical names and aliases, families, sizes, what fits what, the
// permission each use needs, and the constructors of the primitives. The software provider and the guest host both
// build on it; nothing else names a primitive.
package algorithm

import (
	"strings"

	"github.com/claviger/claviger"
)

// Family says what a row is.
type Family uint8

// The families. Key rows name key algorithms; all others name operation algorithms. One name can have a row in several families ("ML-DSA-65"
// is a key and a signature).
const (
	FamilyKey        Family = iota + 1
	FamilyHash              // digest, or extendable output where Size is the default length
	FamilyMAC               // message authentication code
	FamilyCipher            // unauthenticated symmetric encryption
	FamilyAEAD              // authenticated encryption
	FamilySignature         // signatures
	FamilyAsymmetric        // encryption with a public key
	FamilyAgreement         // Diffie-Hellman
	FamilyKEM               // key encapsulation
	FamilyKDF               // key derivation
	FamilyRandom            // random numbers
)

var familyWords = [...]string{"", "key", "hash", "mac", "cipher", "aead", "signature", "asymmetric encryption", "key agreement",
	"key encapsulation", "key derivation", "random"}

// String gives the family's words.
func (f Family) String() string {
	if int(f) < len(familyWords) {
		return familyWords[f]
	}
	return "unknown"
}

// Row is one line of the table. Sizes are in bytes.
type Row struct {
	Name    claviger.Algorithm
	Aliases []string // other spellings; matching ignores case
	Family  Family
	Keys    []claviger.Algorithm // key algorithms that fit, empty where none is needed
	Class   claviger.KeyClass    // key rows: SecretKey or PrivateKey (a pair)

	KeySize    int                // key rows, secret: bytes; 0 means MinKey to MaxKey
	DefaultKey int                // key rows, secret: bytes that generation makes
	MinKey     int                // shortest secret key accepted at import
	MaxKey     int                // longest
	Bits       int                // key rows: size as users speak of it
	Size       int                // digest, code, signature (r ‖ s), shared secret; RSA: 0, it is the modulus
	Block      int                // hash block or cipher block; 1 for a stream cipher
	IV         int                // IV or nonce
	Tag        int                // AEAD tag
	Ciphertext int                // KEM ciphertext
	MaxMessage int64              // longest message in bytes; 0 means no limit
	PreHash    claviger.Algorithm // signatures with a limit: the pre-hash form to use beyond it, "" if there is none
	Digest     claviger.Algorithm // signatures, MACs, KDFs: the hash inside; "" if the message is taken whole
	BothWays   bool               // exclusive-or modes: encrypting and decrypting are one operation, so both permissions are needed
	Extendable bool               // hashes: the caller chooses the output length
	Inline     bool               // short enough to run where the call arrived

	impl implementation
}

// Lookup finds the row of a name in one of the families, without regard to case and through aliases.
func Lookup(name claviger.Algorithm, families ...Family) (*Row, bool) {
	key := strings.ToLower(string(name))
	for _, f := range families {
		if i, ok := index[indexKey{key, f}]; ok {
			return &table[i], true
		}
	}
	return nil, false
}

// All returns the table, in the order of docs/ALGORITHMS.md. Read only.
func All() []Row { return table }

// Fits reports whether a key of the given algorithm serves this row.
func (r *Row) Fits(key claviger.Algorithm) bool {
	for _, k := range r.Keys {
		if k == key {
			return true
		}
	}
	return false
}
