package algorithm

import (
	"fmt"
	"strings"

	"github.com/claviger/claviger"
)

// section is a part of the document: the rows of some families as one table.
type section struct {
	family Family
	pairs  bool // key rows: pairs or secret keys
	title  string
	text   string
	head   []string
	cells  func(*Row) []string
}

// Document gives docs/ALGORITHMS.md: every algorithm by its canonical name, with aliases,
// sizes and limits.
func Document() string {
	var b strings.Builder
	b.WriteString(preface)
	for _, s := range sections() {
		fmt.Fprintf(&b, "\n## %s\n\n", s.title)
		if s.text != "" {
			fmt.Fprintf(&b, "%s\n\n", s.text)
		}
		fmt.Fprintf(&b, "| %s |\n|%s\n", strings.Join(s.head, " | "), strings.Repeat("---|", len(s.head)))
		for i := range table {
			if r := &table[i]; r.Family == s.family && (r.Family != FamilyKey || r.Pair() == s.pairs) {
				fmt.Fprintf(&b, "| %s |\n", strings.Join(s.cells(r), " | "))
			}
		}
	}
	b.WriteString(guestDocument())
	return b.String()
}

const preface = `# Algorithms

This file is written from the table in internal/algorithm (` + "`go generate ./internal/algorithm`" + `).

A key algorithm and an operation algorithm are two kinds of name: an AES-256 key serves AES-256-CBC, AES-256-CTR and
AES-256-GCM. Names match without regard to case; answers carry the canonical name. All sizes are in bytes.
`

func sections() []section {
	return []section{
		{FamilyKey, false, "Secret keys", "\"Generated\" is what generation makes, \"accepted\" what import takes.",
			[]string{"Key algorithm", "Aliases", "Generated", "Accepted"}, secretCells},
		{FamilyKey, true, "Key pairs", pairText, []string{"Key algorithm", "Aliases", "Bits"}, pairCells},
		{FamilyHash, false, "Hashes", extendableText,
			[]string{"Algorithm", "Aliases", "Digest", "Block"}, hashCells},
		{FamilyMAC, false, "Message authentication codes", "", []string{"Algorithm", "Aliases", "Key", "Code"}, sizeCells},
		{FamilyCipher, false, "Ciphers", "CBC pads with PKCS #7. CTR needs both Encrypt and Decrypt, because with either alone it gives the other.",
			[]string{"Algorithm", "Aliases", "Key", "IV"}, cipherCells},
		{FamilyAEAD, false, "Authenticated encryption", aeadText,
			[]string{"Algorithm", "Aliases", "Key", "Nonce", "Tag", "Longest message"}, aeadCells},
		{FamilySignature, false, "Signatures", signatureText,
			[]string{"Algorithm", "Aliases", "Key", "Signature", "Longest message", "Beyond it"}, signatureCells},
		{FamilyAsymmetric, false, "Encryption to a public key", "The longest message is the modulus less twice the hash less 2. The label is empty.",
			[]string{"Algorithm", "Aliases", "Key"}, nameCells},
		{FamilyAgreement, false, "Key agreement", "The result is a key, never bytes.", []string{"Algorithm", "Aliases", "Key", "Secret"}, sizeCells},
		{FamilyKEM, false, "Key encapsulation", "The result is a key, never bytes.", []string{"Algorithm", "Aliases", "Key", "Secret", "Ciphertext"}, kemCells},
		{FamilyKDF, false, "Key derivation", "", []string{"Algorithm", "Aliases", "Key"}, nameCells},
		{FamilyRandom, false, "Random numbers", "The kernel's generator through crypto/rand, whatever name it is asked by; in Go's FIPS 140 mode a CTR_DRBG stands between.",
			[]string{"Algorithm", "Aliases"}, func(r *Row) []string { return nameCells(r)[:2] }},
	}
}

const extendableText = `SHAKE, cSHAKE, TurboSHAKE, KT, ASCON-XOF and BLAKE3 give as many bytes as the caller asks for; the size here is the default. cSHAKE
without a customization string is SHAKE.`

const aeadText = `The tag follows the ciphertext. Nothing is released before it is verified. For AES-SIV the synthetic IV of RFC 5297 stands in the
tag's place, after the ciphertext; its key is two AES keys. A nonce used twice breaks all but AES-GCM-SIV and AES-SIV. Ascon is that of NIST
SP 800-232, Xoodyak that of the NIST lightweight process.`

const pairText = `K256 is the curve secp256k1. Keys for signing and for agreement on one curve are different algorithms: an ECDSA-P256 key does not serve ECDH-P256
(` + "`IncompatibleKeyType`" + `). RSA moduli have exactly the named number of bits. ML-DSA and ML-KEM private keys are kept as their seed, of 32
and of 64 bytes. An expanded private key, as FIPS 203 and 204 define it, is taken too, raw (told from a seed by its length) and in the two other
forms of PKCS #8 (RFC 9881, RFC 9935): of a seed with its expanded key, which must belong together, the seed is kept; an expanded key without
its seed is kept as it is, does all that the key of a seed does, and comes out expanded in every format, since no seed can be had from it. It is
refused (` + "`InvalidFormat`" + `) if a coefficient is out of range, if its hash of the public key is another one, if t0 is not the one of the rest
(ML-DSA), or if it does not open what is encapsulated to its public half (ML-KEM). Expanded keys have 1,632, 2,400 and 3,168 bytes for
ML-KEM-512, -768 and -1024, and 2,560, 4,032 and 4,896 for ML-DSA-44, -65 and -87. X-WING is ML-KEM-768 and X25519 in one
(draft-connolly-cfrg-xwing-kem); its private key is a seed of 32 bytes and nothing else.`

const signatureText = `ECDSA signatures are r ‖ s of fixed length, or DER on request. RSA-PSS salts have the length of the hash;
verification takes any length. ML-DSA and ECDSA
signatures differ each time. The pre-hash forms are those of RFC 8032 and FIPS 204 with an empty context.`

func secretCells(r *Row) []string {
	accepted := fmt.Sprint(r.KeySize)
	if r.KeySize == 0 {
		accepted = fmt.Sprintf("%d to %d", r.MinKey, r.MaxKey)
	}
	return []string{string(r.Name), aliases(r), fmt.Sprint(r.DefaultKey), accepted}
}

func pairCells(r *Row) []string { return []string{string(r.Name), aliases(r), fmt.Sprint(r.Bits)} }

func hashCells(r *Row) []string {
	return []string{string(r.Name), aliases(r), fmt.Sprint(r.Size), fmt.Sprint(r.Block)}
}

func nameCells(r *Row) []string { return []string{string(r.Name), aliases(r), joined(r.Keys)} }

func sizeCells(r *Row) []string   { return append(nameCells(r), fmt.Sprint(r.Size)) }
func cipherCells(r *Row) []string { return append(nameCells(r), fmt.Sprint(r.IV)) }
func kemCells(r *Row) []string    { return append(sizeCells(r), fmt.Sprint(r.Ciphertext)) }

func aeadCells(r *Row) []string {
	return append(cipherCells(r), fmt.Sprint(r.Tag), longest(r.MaxMessage))
}

func signatureCells(r *Row) []string {
	size := fmt.Sprint(r.Size)
	if r.Size == 0 {
		size = "modulus"
	}
	return append(nameCells(r), size, longest(r.MaxMessage), string(r.PreHash))
}

func longest(n int64) string {
	if n == 0 {
		return "no limit"
	}
	return fmt.Sprintf("%d MiB", n>>20)
}

func aliases(r *Row) string { return strings.Join(r.Aliases, ", ") }

func joined(names []claviger.Algorithm) string {
	all := make([]string, len(names))
	for i, n := range names {
		all[i] = string(n)
	}
	return strings.Join(all, ", ")
}
