package algorithm

import (
	"crypto/cipher"
	"hash"
	"strings"

	"github.com/claviger/claviger"
)

// MaxHeld is the longest message, in bytes, of an algorithm that needs the whole of it
// before it can give anything.
const MaxHeld = 64 << 20

// Generic is the key algorithm of plain secret bytes: what agreement gives and derivation
// starts from.
const Generic claviger.Algorithm = "SECRET"

// implementation is what a row runs on. Only the fields of the row's family are set.
type implementation struct {
	hash  func() hash.Hash                   // digests, MACs, KDFs, RSA-OAEP: the hash; signatures: that of Digest
	mac   func([]byte) (hash.Hash, error)    // MACs other than HMAC
	kmac  namedMAC                           // those that take a customization string too
	xof   func() *XOF                        // extendable-output functions
	named func(customization []byte) *XOF    // those that take a customization string
	keyed func(key []byte) *XOF              // those that take a key
	block func([]byte) (cipher.Block, error) // ciphers
	aead  func([]byte) (cipher.AEAD, error)  // AEADs
	pair  pair                               // key rows of pairs
	sign  signer                             // signatures with a pair
	agree agreement                          // Diffie-Hellman
}

// namedMAC makes a code with a customization string.
type namedMAC func(key, customization []byte) (hash.Hash, error)

// indexKey is a name in lower case and the family it is looked for in.
type indexKey struct {
	name   string
	family Family
}

// table and index are built once and never written again.
var (
	table = build()
	index = indexed(table)
)

// build puts the table together in the order of docs/ALGORITHMS.md and adds the aliases
// that follow from the names.
func build() []Row {
	var rows []Row
	for _, part := range []func() []Row{
		secretKeyRows, pairKeyRows, hashRows, macRows, cipherRows, aeadRows, signatureRows, asymmetricRows, agreementRows, kdfRows, randomRows,
	} {
		rows = append(rows, part()...)
	}
	for i := range rows {
		rows[i].Aliases = append(plainForms(string(rows[i].Name)), rows[i].Aliases...)
	}
	return rows
}

// plainForms gives the spellings of a name without the hyphens that many sources leave out:
// "SHA256" for "SHA-256", "AES256-GCM" for "AES-256-GCM". "SHA3-256" and names whose hyphen
// tells things apart have none.
func plainForms(name string) []string {
	plain := name
	for _, word := range []string{"SHA-2", "SHA-3", "SHA-5", "AES-1", "AES-2", "SHAKE-", "KMAC-"} {
		plain = strings.ReplaceAll(plain, word, strings.Replace(word, "-", "", 1))
	}
	if plain == name {
		return nil
	}
	return []string{plain}
}

func indexed(rows []Row) map[indexKey]int {
	m := make(map[indexKey]int, 2*len(rows))
	for i, r := range rows {
		m[indexKey{strings.ToLower(string(r.Name)), r.Family}] = i
		for _, a := range r.Aliases {
			m[indexKey{strings.ToLower(a), r.Family}] = i
		}
	}
	return m
}
