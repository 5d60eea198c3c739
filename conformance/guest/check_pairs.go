package main

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"slices"

	"github.com/claviger/claviger/guest/raw"
)

// pairHalves holds rule 9: both halves come out of the one handle, and belong to it.
func pairHalves(t *T) {
	const algorithm = "RSA_PKCS1_2048_SHA256"
	pair := t.pairFrom(raw.TypeSignatures, algorithm, rsa2048, raw.KeypairPKCS8)
	key, err := x509.ParsePKIXPublicKey(t.publicBytes(t.public(pair), raw.KeyPKCS8))
	if err != nil || !rsaKey(rsa2048).PublicKey.Equal(key) {
		t.fail("keypair_publickey: want the public half of the pair, got another")
	}
	t.isPKCS8("keypair_secretkey", t.secretBytes(t.secret(pair), raw.KeyPKCS8))
	if h, e := keypairGenerate(raw.TypeKeyExchange, "X25519", maybe{}); e == success {
		t.later(keypairClose, h)
		pk, e := publickeyFromSecretkey(t.secret(h))
		t.must("publickey_from_secretkey X25519", e)
		t.later(publickeyClose, pk)
		t.same("public half of a pair, X25519", t.publicBytes(t.public(h), raw.KeyRaw), t.publicBytes(pk, raw.KeyRaw))
	}
}

// pairCarriesPublic holds rule 10 by a signature that depends on the public key: that of Ed25519, RFC 8032, section 7.1.
func pairCarriesPublic(t *T) {
	secret, public, signature := ed25519Vector()
	pair := t.pairFrom(raw.TypeSignatures, "Ed25519", append(secret, public...), raw.KeypairRaw)
	t.same("signature of the empty message", t.signed(pair, ""), signature)
}

// eddsaPair holds rule 11.
func eddsaPair(t *T) {
	secret, public, _ := ed25519Vector()
	both := append(slices.Clone(secret), public...)
	pair := t.pairFrom(raw.TypeSignatures, "Ed25519", both, raw.KeypairRaw)
	t.same("raw key pair", t.pairBytes(pair, raw.KeypairRaw), both)
	h, e := keypairImport(raw.TypeSignatures, "Ed25519", secret, raw.KeypairRaw)
	if e == success {
		t.later(keypairClose, h)
	}
	t.want("keypair_import of the secret half alone", e, invalidKey)
}

// publickeyVerifies holds rule 16: for sound keys success, or not_implemented where nobody checks; a key of low order is refused
// at its import, or not found sound.
func publickeyVerifies(t *T) {
	pair := t.pairFrom(raw.TypeSignatures, "RSA_PKCS1_2048_SHA256", rsa2048, raw.KeypairPKCS8)
	t.want("publickey_verify RSA_PKCS1_2048_SHA256", publickeyVerify(t.public(pair)), success, notImplemented)
	for _, c := range curves() {
		if pair, ok := t.onCurve(c); ok {
			t.want("publickey_verify "+c.algorithm, publickeyVerify(t.public(pair)), success, notImplemented)
		}
	}
	_, public, _, _ := x25519Vector()
	h, e := publickeyImport(raw.TypeKeyExchange, "X25519", public, raw.KeyRaw)
	if e == unsupportedAlgorithm {
		return
	}
	t.must("publickey_import X25519", e)
	t.later(publickeyClose, h)
	t.want("publickey_verify X25519", publickeyVerify(h), success, notImplemented)
	low, e := publickeyImport(raw.TypeKeyExchange, "X25519", make([]byte, 32), raw.KeyRaw)
	if e == success {
		t.later(publickeyClose, low)
		e = publickeyVerify(low)
	}
	t.want("a point of low order, X25519", e, invalidKey, notImplemented)
}

// publicFromSecret holds rule 17 for what the host has.
func publicFromSecret(t *T) {
	secret := t.secretFrom(raw.TypeSignatures, "RSA_PKCS1_2048_SHA256", rsa2048, raw.KeyPKCS8)
	h, e := publickeyFromSecretkey(secret)
	t.must("publickey_from_secretkey RSA_PKCS1_2048_SHA256", e)
	t.later(publickeyClose, h)
	key, err := x509.ParsePKIXPublicKey(t.publicBytes(h, raw.KeyPKCS8))
	if err != nil || !rsaKey(rsa2048).PublicKey.Equal(key) {
		t.fail("publickey_from_secretkey: want the public half of the key, got another")
	}
	for _, c := range curves() {
		if pair, ok := t.onCurve(c); ok {
			h, e := publickeyFromSecretkey(t.secret(pair))
			t.must("publickey_from_secretkey "+c.algorithm, e)
			t.later(publickeyClose, h)
			t.same("public key, "+c.algorithm, t.publicBytes(h, raw.KeySEC), c.uncompressed())
		}
	}
	sk, pk, _ := ed25519Vector()
	t.littleEndian(raw.TypeSignatures, "Ed25519", sk, pk)
	sk, pk, _, _ = x25519Vector()
	t.littleEndian(raw.TypeKeyExchange, "X25519", sk, pk)
}

// pairFromHalves holds rule 18 with two RSA keys, which every host has. What becomes of two halves of one algorithm that do not belong
// together is not said, and not checked.
func pairFromHalves(t *T) {
	pair := t.pairFrom(raw.TypeSignatures, "RSA_PKCS1_2048_SHA256", rsa2048, raw.KeypairPKCS8)
	other := t.pairFrom(raw.TypeSignatures, "RSA_PKCS1_3072_SHA384", rsa3072, raw.KeypairPKCS8)
	joined, e := keypairFromPKAndSK(t.public(pair), t.secret(pair))
	t.must("keypair_from_pk_and_sk", e)
	t.later(keypairClose, joined)
	t.isPKCS8("the joined pair", t.pairBytes(joined, raw.KeypairPKCS8))
	_, e = keypairFromPKAndSK(t.public(other), t.secret(pair))
	t.want("keypair_from_pk_and_sk of two algorithms", e, incompatibleKeys)
}

// pairGeneration holds rule 19 as far as a guest can see: what is generated works, and no two are the same.
func pairGeneration(t *T) {
	pair := t.pair(raw.TypeSignatures, "RSA_PKCS1_2048_SHA256")
	key, err := x509.ParsePKIXPublicKey(t.publicBytes(t.public(pair), raw.KeyPKCS8))
	public, ok := key.(*rsa.PublicKey)
	if err != nil || !ok || public.N.BitLen() != 2048 {
		t.fail("keypair_generate RSA_PKCS1_2048_SHA256: want a modulus of 2048 bits, got another key")
	}
	digest := sha256.Sum256([]byte("message"))
	if err := rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], t.signed(pair, "message")); err != nil {
		t.fail("signature with a generated pair: %v", err)
	}
	for _, a := range []struct {
		family    uint32
		algorithm string
	}{{raw.TypeSignatures, "Ed25519"}, {raw.TypeKeyExchange, "X25519"}} {
		h, e := keypairGenerate(a.family, a.algorithm, maybe{})
		if e == unsupportedAlgorithm {
			continue
		}
		t.want("keypair_generate "+a.algorithm, e, success, inProgress)
		if e == success {
			t.later(keypairClose, h)
		}
		one, two := t.pair(a.family, a.algorithm), t.pair(a.family, a.algorithm)
		t.differ("two pairs, "+a.algorithm, t.publicBytes(t.public(one), raw.KeyRaw), t.publicBytes(t.public(two), raw.KeyRaw))
	}
	t.differ("two generated keys, AES-256-GCM", t.drawn("AES-256-GCM"), t.drawn("AES-256-GCM"))
}

// drawn gives the bytes of a generated symmetric key.
func (t *T) drawn(algorithm string) []byte {
	h, e := symmetricKeyGenerate(algorithm, maybe{})
	t.offered("symmetric_key_generate", algorithm, e)
	t.later(symmetricKeyClose, h)
	return t.exported(h)
}

// otherKindOfPair holds rule 20. The rule names invalid_key; the rule on handles would have invalid_handle for "an unexpected type",
// and known hosts answer that: either is taken.
func otherKindOfPair(t *T) {
	exchange := t.pair(raw.TypeKeyExchange, "X25519")
	signature := t.pairFrom(raw.TypeSignatures, "RSA_PKCS1_2048_SHA256", rsa2048, raw.KeypairPKCS8)
	_, e := signatureStateOpen(exchange)
	t.want("signature_state_open with a pair for exchange", e, invalidKey, invalidHandle)
	_, e = verificationStateOpen(t.public(exchange))
	t.want("signature_verification_state_open with a key for exchange", e, invalidKey, invalidHandle)
	_, e = kxDH(t.public(signature), t.secret(signature))
	t.want("kx_dh with keys for signatures", e, invalidKey, invalidHandle)
	_, _, e = kxEncapsulate(t.public(signature))
	t.want("kx_encapsulate with a key for signatures", e, invalidKey, invalidHandle)
}
