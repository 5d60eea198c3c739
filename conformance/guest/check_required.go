package main

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"hash"

	"github.com/claviger/claviger/guest/raw"
)

// The values that checks expect are computed in the guest by Go's standard library, unless a standard prints them.

// requiredAlgorithms holds rule 15: each of the fourteen gives what its standard says, under the very name.
func requiredAlgorithms(t *T) {
	t.requiredHashes()
	t.requiredRSA("RSA_PKCS1_2048_SHA256", rsa2048, crypto.SHA256)
	t.requiredRSA("RSA_PKCS1_3072_SHA384", rsa3072, crypto.SHA384)
	t.requiredRSA("RSA_PKCS1_4096_SHA512", rsa4096, crypto.SHA512)
	for _, algorithm := range []string{"AES-128-GCM", "AES-256-GCM"} {
		state := t.cipher(algorithm)
		t.absorb(state, "associated")
		t.same("ciphertext and tag, "+algorithm, t.encrypt(state, "message"), gcm(algorithm, "message", "associated"))
	}
}

// requiredHashes holds the hashes, the MACs and the derivations.
func (t *T) requiredHashes() {
	message := []byte("message")
	for algorithm, new := range hashes() {
		h := new()
		h.Write(message)
		state := t.hash(algorithm)
		t.absorb(state, "message")
		t.same("digest, "+algorithm, t.squeeze(state, h.Size()), h.Sum(nil))
	}
	for suffix, new := range map[string]func() hash.Hash{"SHA-256": sha256.New, "SHA-512": sha512.New} {
		state := t.keyed("HMAC/"+suffix, counting(32))
		t.absorb(state, "message")
		t.same("tag, HMAC/"+suffix, t.mac(state), authenticated(new, counting(32), message))
		prk, okm := t.derive(suffix, counting(22), []string{"salt"}, []string{"info"}, 42)
		wantPRK, wantOKM := derived(new, counting(22), "salt", "info", 42)
		t.same("key, HKDF-EXTRACT/"+suffix, prk, wantPRK)
		t.same("output, HKDF-EXPAND/"+suffix, okm, wantOKM)
	}
}

// hashes gives the required hash functions.
func hashes() map[string]func() hash.Hash {
	return map[string]func() hash.Hash{"SHA-256": sha256.New, "SHA-512": sha512.New, "SHA-512/256": sha512.New512_256}
}

// authenticated is HMAC (RFC 2104).
func authenticated(new func() hash.Hash, key, message []byte) []byte {
	h := hmac.New(new, key)
	h.Write(message)
	return h.Sum(nil)
}

// derived is HKDF (RFC 5869): the extracted key, and n bytes of its expansion.
func derived(new func() hash.Hash, key []byte, salt, info string, n int) (prk, okm []byte) {
	prk, err := hkdf.Extract(new, key, []byte(salt))
	if err != nil {
		panic(err) // sizes are the kit's own
	}
	if okm, err = hkdf.Expand(new, prk, info, n); err != nil {
		panic(err)
	}
	return prk, okm
}

// derive is derived by the host. Salt and information are absorbed piece by piece.
func (t *T) derive(suffix string, key []byte, salt, info []string, n int) (prk, okm []byte) {
	extract := t.keyed("HKDF-EXTRACT/"+suffix, key)
	for _, piece := range salt {
		t.absorb(extract, piece)
	}
	h, e := symmetricStateSqueezeKey(extract, "HKDF-EXPAND/"+suffix)
	t.must("symmetric_state_squeeze_key HKDF-EXPAND/"+suffix, e)
	t.later(symmetricKeyClose, h)
	expand := t.state("HKDF-EXPAND/"+suffix, some(h), maybe{})
	for _, piece := range info {
		t.absorb(expand, piece)
	}
	return t.exported(h), t.squeeze(expand, n)
}

// requiredRSA holds that a signature of the host verifies here and there, and that a changed message does not.
func (t *T) requiredRSA(algorithm string, der []byte, hash crypto.Hash) {
	pair := t.pairFrom(raw.TypeSignatures, algorithm, der, raw.KeypairPKCS8)
	signature := t.sign(pair, "message")
	digest := hash.New()
	digest.Write([]byte("message"))
	err := rsa.VerifyPKCS1v15(&rsaKey(der).PublicKey, hash, digest.Sum(nil), t.signatureBytes(signature, raw.SignatureRaw))
	if err != nil {
		t.fail("signature, %s: %v", algorithm, err)
	}
	public := t.public(pair)
	t.must("verification, "+algorithm, t.verify(public, "message", signature))
	t.want("verification of another message, "+algorithm, t.verify(public, "another", signature), verificationFailed)
}

// gcm is AES-GCM (SP 800-38D) with key and nonce of counting bytes: ciphertext and tag.
func gcm(algorithm, message, associated string) []byte {
	block, err := aes.NewCipher(counting(cipherSizes(algorithm)[0]))
	if err != nil {
		panic(err) // the size is one of AES
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return aead.Seal(nil, counting(12), []byte(message), []byte(associated))
}
