package algorithm

import (
	"crypto"
	"crypto/sha3"
	"fmt"
	"hash"

	"github.com/claviger/claviger"
)

// name formats a canonical name.
func name(format string, args ...any) claviger.Algorithm {
	return claviger.Algorithm(fmt.Sprintf(format, args...))
}

func keys(algs ...claviger.Algorithm) []claviger.Algorithm { return algs }

// rsaSizes are the moduli offered, in bits. Others are refused at import too.
func rsaSizes() []int { return []int{2048, 3072, 4096} }

func rsaKeys() []claviger.Algorithm {
	var all []claviger.Algorithm
	for _, bits := range rsaSizes() {
		all = append(all, name("RSA-%d", bits))
	}
	return all
}

// pairKeyRows lists the key algorithms of pairs. ECDSA and ECDH keys on one curve are
// different algorithms: a key that signs does not agree (SP 800-57 part 1 section 5.2).
func pairKeyRows() []Row {
	var rows []Row
	for _, bits := range rsaSizes() {
		rows = append(rows, Row{Name: name("RSA-%d", bits), Bits: bits, impl: implementation{pair: rsaPair{bits}}})
	}
	for _, c := range curves() {
		rows = append(rows, Row{Name: "ECDSA-" + c.name, Bits: c.bits, Inline: true, impl: implementation{pair: ecdsaPair{c}}})
	}
	rows = append(rows,
		Row{Name: "ECDSA-K256", Aliases: []string{"ECDSA-SECP256K1"}, Bits: 256, Inline: true, impl: implementation{pair: k256Pair{}}},
		Row{Name: "ECDH-K256", Aliases: []string{"ECDH-SECP256K1"}, Bits: 256, Inline: true, impl: implementation{pair: k256Pair{}}})
	for _, c := range curves() {
		rows = append(rows, Row{Name: "ECDH-" + c.name, Bits: c.bits, Inline: true, impl: implementation{pair: ecdhPair{c.agree, (c.bits + 7) / 8}}})
	}
	rows = append(rows,
		Row{Name: "Ed25519", Aliases: []string{"EdDSA"}, Bits: 256, Inline: true, impl: implementation{pair: edwardsPair{}}},
		Row{Name: "Ed448", Bits: 456, Inline: true, impl: implementation{pair: ed448Pair{}}},
		Row{Name: "X25519", Bits: 256, Inline: true, impl: implementation{pair: x25519Pair()}},
		Row{Name: "X448", Bits: 448, Inline: true, impl: implementation{pair: x448Pair{}}})
	for _, s := range signatureLattices() {
		rows = append(rows, Row{Name: s.name, Bits: s.bits, Inline: true, impl: implementation{pair: s}})
	}
	for _, s := range kemLattices() {
		rows = append(rows, Row{Name: s.name, Bits: s.bits, Inline: true, impl: implementation{pair: s}})
	}
	for i := range rows {
		rows[i].Family, rows[i].Class = FamilyKey, claviger.PrivateKey
	}
	return rows
}

func signatureRows() []Row {
	rows := rsaSignatureRows()
	rows = append(rows, ecdsaRows()...)
	sha512 := digests()[2]
	rows = append(rows,
		Row{Name: "Ed25519", Aliases: []string{"EdDSA"}, Keys: keys("Ed25519"), Size: 64, MaxMessage: MaxHeld, PreHash: "Ed25519ph",
			impl: implementation{sign: edwardsSigner{}}},
		Row{Name: "Ed25519ph", Keys: keys("Ed25519"), Size: 64, Digest: sha512.name, impl: implementation{sign: edwardsSigner{prehash: true}, hash: sha512.fn}},
		Row{Name: "Ed448", Keys: keys("Ed448"), Size: 114, MaxMessage: MaxHeld, PreHash: "Ed448ph", impl: implementation{sign: ed448Signer{}}},
		Row{Name: "Ed448ph", Keys: keys("Ed448"), Size: 114, Digest: "SHAKE-256", impl: implementation{sign: ed448Signer{prehash: true}, hash: shake256Digest}})
	for i, s := range signatureLattices() {
		hashed := preHashedForms()[i]
		rows = append(rows,
			Row{Name: s.name, Keys: keys(s.name), Size: s.size, MaxMessage: MaxHeld, PreHash: hashed.name, impl: implementation{sign: s}},
			Row{Name: hashed.name, Keys: keys(s.name), Size: s.size, Digest: sha512.name, impl: implementation{sign: hashed, hash: sha512.fn}})
	}
	for i := range rows {
		rows[i].Inline = rows[i].Size != 0 // all but RSA
	}
	rows = append(rows, hmacRows()...)
	for i := range rows {
		rows[i].Family = FamilySignature
	}
	return rows
}

func rsaSignatureRows() []Row {
	var rows []Row
	for i, d := range digests()[:3] {
		h := []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512}[i]
		rows = append(rows, Row{Name: "RSA-PKCS1-" + d.name, Aliases: []string{string(d.name) + "-RSA", plainForms(string(d.name))[0] + "-RSA"},
			Keys: rsaKeys(), Digest: d.name, impl: implementation{sign: rsaSigner{h, false}, hash: d.fn}})
	}
	for i, d := range digests()[:3] {
		h := []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512}[i]
		rows = append(rows, Row{Name: "RSA-PSS-" + d.name, Keys: rsaKeys(), Digest: d.name, impl: implementation{sign: rsaSigner{h, true}, hash: d.fn}})
	}
	return rows
}

// ecdsaRows pairs each curve with each hash of the SHA-2 family. A hash shorter than the order
// is weaker than the curve (FIPS 186-5 section 6.1.1), but TLS 1.2 signs with SHA-256 by any
// curve (RFC 5246 section 7.4.1.4.1), and so do many certificates.
func ecdsaRows() []Row {
	var rows []Row
	for _, c := range curves() {
		for _, d := range digests()[:3] {
			rows = append(rows, ecdsaRow(c.name, d, 2*c.size(), ecdsaSigner{c}))
		}
	}
	for _, d := range digests()[:3] {
		rows = append(rows, ecdsaRow("K256", d, 64, k256Signer{}))
	}
	return rows
}

// ecdsaRow is one curve with one hash. The aliases are the spellings with underscores.
func ecdsaRow(curve claviger.Algorithm, d digest, size int, s signer) Row {
	return Row{Name: "ECDSA-" + curve + "-" + d.name, Aliases: []string{fmt.Sprintf("ECDSA_%s_%s", curve, plainForms(string(d.name))[0])},
		Keys: keys("ECDSA-" + curve), Size: size, Digest: d.name, impl: implementation{sign: s, hash: d.fn}}
}

// shake256Digest is the hash of Ed448ph: 64 bytes of SHAKE256 (RFC 8032 section 5.2).
func shake256Digest() hash.Hash { return digestOf(shake(sha3.NewSHAKE256), 64)() }

// asymmetricRows has RSA-OAEP with one hash for label and mask (RFC 8017 section 7.1) and
// an empty label. The longest message is that of the largest key; MaxMessageFor gives the
// one of a key.
func asymmetricRows() []Row {
	var rows []Row
	for _, d := range digests()[:3] {
		rows = append(rows, Row{Name: "RSA-OAEP-" + d.name, Family: FamilyAsymmetric, Keys: rsaKeys(), Digest: d.name,
			MaxMessage: int64(512 - 2*d.size - 2), impl: implementation{hash: d.fn}})
	}
	return rows
}

// agreementRows has Diffie-Hellman and key encapsulation.
func agreementRows() []Row {
	var rows []Row
	for _, c := range curves() {
		rows = append(rows, Row{Name: "ECDH-" + c.name, Family: FamilyAgreement, Keys: keys("ECDH-" + c.name), Size: c.size(), impl: implementation{agree: agreeStandard}})
	}
	rows = append(rows,
		Row{Name: "ECDH-K256", Aliases: []string{"ECDH-SECP256K1"}, Family: FamilyAgreement, Keys: keys("ECDH-K256"), Size: 32, impl: implementation{agree: agreeK256}},
		Row{Name: "X25519", Family: FamilyAgreement, Keys: keys("X25519"), Size: 32, impl: implementation{agree: agreeStandard}},
		Row{Name: "X448", Family: FamilyAgreement, Keys: keys("X448"), Size: 56, impl: implementation{agree: agreeX448}})
	for _, s := range kemLattices() {
		rows = append(rows, Row{Name: s.name, Family: FamilyKEM, Keys: keys(s.name), Size: 32, Ciphertext: s.size})
	}
	for i := range rows {
		rows[i].Inline = true
	}
	return rows
}
