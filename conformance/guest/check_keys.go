package main

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"

	"github.com/claviger/claviger/guest/raw"
)

// encodings holds rule 4: the numbers of the encodings stand for what they should. local need not be offered; a number beyond
// all that were ever published is unsupported_encoding (of keypair_import the interface says unsupported_algorithm, which is taken too).
func encodings(t *T) {
	const algorithm = "RSA_PKCS1_2048_SHA256"
	pair := t.pairFrom(raw.TypeSignatures, algorithm, rsa2048, raw.KeypairPKCS8)
	public, secret := t.public(pair), t.secret(pair)
	t.isPKCS8("keypair_export pkcs8", t.pairBytes(pair, raw.KeypairPKCS8))
	t.isPKCS8("secretkey_export pkcs8", t.secretBytes(secret, raw.KeyPKCS8))
	t.isPEM("keypair_export pem", t.pairBytes(pair, raw.KeypairPEM))
	t.isPEM("publickey_export pem", t.publicBytes(public, raw.KeyPEM))
	t.localForm(keypairExport, keypairImport, keypairClose, pair, algorithm, raw.KeypairLocal)
	t.localForm(publickeyExport, publickeyImport, publickeyClose, public, algorithm, raw.KeyLocal)
	t.localForm(secretkeyExport, secretkeyImport, secretkeyClose, secret, algorithm, raw.KeyLocal)
	for _, unknown := range []uint32{99, 0x7FFF} {
		e := t.discard(keypairExport(pair, unknown))
		t.want("keypair_export of an unknown encoding", e, unsupportedEncoding)
		e = t.discard(publickeyExport(public, unknown))
		t.want("publickey_export of an unknown encoding", e, unsupportedEncoding)
		_, e = keypairImport(raw.TypeSignatures, algorithm, rsa2048, unknown)
		t.want("keypair_import of an unknown encoding", e, unsupportedEncoding, unsupportedAlgorithm)
	}
	for _, c := range curves() {
		if pair, ok := t.onCurve(c); ok {
			t.same("keypair_export raw "+c.algorithm, t.pairBytes(pair, raw.KeypairRaw), c.one())
			t.same("publickey_export sec "+c.algorithm, t.publicBytes(t.public(pair), raw.KeySEC), c.uncompressed())
		}
	}
}

// localForm holds that the host's own form, where there is one, can be taken in again.
func (t *T) localForm(export func(h, encoding uint32) (uint32, errno), in func(family uint32, algorithm string, encoded []byte, encoding uint32) (uint32, errno),
	closer func(uint32) errno, key uint32, algorithm string, encoding uint32) {
	output, e := export(key, encoding)
	t.want("export in the local encoding", e, success, unsupportedEncoding)
	if e == unsupportedEncoding {
		return
	}
	h, e := in(raw.TypeSignatures, algorithm, t.array(output), encoding)
	t.must("import of the local encoding", e)
	t.later(closer, h)
}

// isPKCS8 holds that bytes are a private key in PKCS #8 (RFC 5958), that of rsa2048.
func (t *T) isPKCS8(what string, der []byte) {
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		t.fail("%s: want PKCS #8, got %v", what, err)
	}
	if !rsaKey(rsa2048).Equal(key) {
		t.fail("%s: want the key that was imported, got another", what)
	}
}

// isPEM holds that bytes are one PEM block (RFC 7468) and gives what is in it.
func (t *T) isPEM(what string, text []byte) []byte {
	block, rest := pem.Decode(text)
	if block == nil || len(bytes.TrimSpace(rest)) > 0 {
		t.fail("%s: want one PEM block, got %d bytes of something else", what, len(text))
	}
	return block.Bytes
}

// byteOrder holds rule 5 by keys with known public halves.
func byteOrder(t *T) {
	seen := false
	for _, c := range curves() {
		pair, ok := t.onCurve(c)
		if ok {
			seen = true
			t.same("public key of the scalar 1, "+c.algorithm, t.publicBytes(t.public(pair), raw.KeySEC), c.uncompressed())
		}
	}
	secret, public, _ := ed25519Vector()
	seen = t.littleEndian(raw.TypeSignatures, "Ed25519", secret, public) || seen
	secret, public, _, _ = x25519Vector()
	seen = t.littleEndian(raw.TypeKeyExchange, "X25519", secret, public) || seen
	if !seen {
		t.skip("the host offers no elliptic curve")
	}
}

// littleEndian holds the public key of a raw secret key, and reports whether the host has the algorithm.
func (t *T) littleEndian(family uint32, algorithm string, secret, public []byte) bool {
	h, e := secretkeyImport(family, algorithm, secret, raw.KeyRaw)
	if e == unsupportedAlgorithm {
		return false
	}
	t.must("secretkey_import raw "+algorithm, e)
	t.later(secretkeyClose, h)
	pk, e := publickeyFromSecretkey(h)
	t.must("publickey_from_secretkey "+algorithm, e)
	t.later(publickeyClose, pk)
	t.same("raw public key, "+algorithm, t.publicBytes(pk, raw.KeyRaw), public)
	return true
}

// rsaPKCS8 holds rule 6: RSA keys go in and out as pkcs8, as a pair and as a secret key.
func rsaPKCS8(t *T) {
	const algorithm = "RSA_PKCS1_2048_SHA256"
	pair := t.pairFrom(raw.TypeSignatures, algorithm, rsa2048, raw.KeypairPKCS8)
	t.isPKCS8("keypair_export pkcs8", t.pairBytes(pair, raw.KeypairPKCS8))
	secret := t.secretFrom(raw.TypeSignatures, algorithm, rsa2048, raw.KeyPKCS8)
	t.isPKCS8("secretkey_export pkcs8", t.secretBytes(secret, raw.KeyPKCS8))
	der := t.publicBytes(t.public(pair), raw.KeyPKCS8)
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		t.fail("publickey_export pkcs8: want a SubjectPublicKeyInfo, got %v", err)
	}
	if !rsaKey(rsa2048).PublicKey.Equal(key) {
		t.fail("publickey_export pkcs8: want the public half of the key that was imported, got another")
	}
	t.publicFrom(raw.TypeSignatures, algorithm, der, raw.KeyPKCS8)
}

// pemWithPKCS8 holds rule 7 for every pair that the host exports as pkcs8: RSA, and the curves of signatures.
func pemWithPKCS8(t *T) {
	t.pemOf(t.pairFrom(raw.TypeSignatures, "RSA_PKCS1_2048_SHA256", rsa2048, raw.KeypairPKCS8), "RSA_PKCS1_2048_SHA256")
	for _, c := range curves() {
		if pair, ok := t.onCurve(c); ok {
			t.pemOf(pair, c.algorithm)
		}
	}
}

// pemOf holds that the pem of a pair and of its halves is their pkcs8 in a PEM block, and that it is taken in again.
func (t *T) pemOf(pair uint32, algorithm string) {
	public, secret := t.public(pair), t.secret(pair)
	text := t.pairBytes(pair, raw.KeypairPEM)
	t.same("pem of a pair, "+algorithm, t.isPEM("keypair_export pem", text), t.pairBytes(pair, raw.KeypairPKCS8))
	again := t.pairFrom(raw.TypeSignatures, algorithm, text, raw.KeypairPEM)
	t.same("pair from pem, "+algorithm, t.pairBytes(again, raw.KeypairPKCS8), t.pairBytes(pair, raw.KeypairPKCS8))
	text = t.publicBytes(public, raw.KeyPEM)
	t.same("pem of a public key, "+algorithm, t.isPEM("publickey_export pem", text), t.publicBytes(public, raw.KeyPKCS8))
	t.publicFrom(raw.TypeSignatures, algorithm, text, raw.KeyPEM)
	text = t.secretBytes(secret, raw.KeyPEM)
	t.same("pem of a secret key, "+algorithm, t.isPEM("secretkey_export pem", text), t.secretBytes(secret, raw.KeyPKCS8))
	t.secretFrom(raw.TypeSignatures, algorithm, text, raw.KeyPEM)
}

// pointForms holds rule 8 for each curve that the host has.
func pointForms(t *T) {
	seen := false
	for _, c := range curves() {
		if _, ok := t.onCurve(c); !ok {
			continue
		}
		seen = true
		for _, point := range [][]byte{c.compressed(), c.uncompressed()} {
			h := t.publicFrom(raw.TypeSignatures, c.algorithm, point, raw.KeySEC)
			t.same("sec of an imported point, "+c.algorithm, t.publicBytes(h, raw.KeySEC), c.uncompressed())
		}
	}
	if !seen {
		t.skip("the host offers no NIST curve")
	}
}
