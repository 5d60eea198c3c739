package main

import "github.com/claviger/claviger/guest/raw"

// closedHandles holds rule 2: what was made with a handle outlives it, and a closed handle serves no further call.
func closedHandles(t *T) {
	t.outlivesKeyAndOptions()
	t.outlivesPair()
	for _, use := range t.closedUses() {
		t.want(use.what+" of a closed handle", use.answer, invalidHandle)
	}
}

// outlivesKeyAndOptions holds that a state goes on when key and options are closed.
func (t *T) outlivesKeyAndOptions() {
	key, options := t.key("AES-256-GCM", counting(32)), t.options(counting(12))
	state := t.state("AES-256-GCM", some(key), options)
	t.must("symmetric_key_close", symmetricKeyClose(key))
	t.must("options_close", optionsClose(options.handle))
	want := t.encrypt(t.cipher("AES-256-GCM"), "message")
	t.same("encryption after key and options were closed", t.encrypt(state, "message"), want)
}

// outlivesPair holds that the halves of a pair and its states go on when the pair is closed.
func (t *T) outlivesPair() {
	const algorithm = "RSA_PKCS1_2048_SHA256"
	pair := t.pairFrom(raw.TypeSignatures, algorithm, rsa2048, raw.KeypairPKCS8)
	public, secret, state := t.public(pair), t.secret(pair), t.signing(pair)
	t.must("keypair_close", keypairClose(pair))
	t.publicBytes(public, raw.KeyPKCS8)
	t.secretBytes(secret, raw.KeyPKCS8)
	signature, e := signatureStateSign(state)
	t.must("signature_state_sign after keypair_close", e)
	t.later(signatureClose, signature)
	t.must("verification after keypair_close", t.verify(public, "", signature))
}

// used is a call with a handle and its answer.
type used struct {
	what   string
	answer errno
}

// closedUses opens and closes an object of each type, and uses it.
func (t *T) closedUses() []used {
	options := t.optionSet(raw.TypeSymmetric)
	key := t.key("HMAC/SHA-256", counting(32))
	state := t.state("HMAC/SHA-256", some(key), maybe{})
	tag := t.tag(state)
	pair := t.pairFrom(raw.TypeSignatures, "RSA_PKCS1_2048_SHA256", rsa2048, raw.KeypairPKCS8)
	public, secret, signature := t.public(pair), t.secret(pair), t.sign(pair, "message")
	signing, verifying := t.signing(pair), t.verifying(public)
	for what, e := range map[string]errno{
		"options_close": optionsClose(options), "symmetric_key_close": symmetricKeyClose(key), "symmetric_state_close": symmetricStateClose(state),
		"symmetric_tag_close": symmetricTagClose(tag), "keypair_close": keypairClose(pair), "publickey_close": publickeyClose(public),
		"secretkey_close": secretkeyClose(secret), "signature_close": signatureClose(signature),
		"signature_state_close": signatureStateClose(signing), "signature_verification_state_close": verificationStateClose(verifying),
	} {
		t.must(what, e)
	}
	_, exportKey := symmetricKeyExport(key)
	_, tagLen := symmetricTagLen(tag)
	_, half := keypairPublickey(pair)
	_, exportPublic := publickeyExport(public, raw.KeyPKCS8)
	_, exportSecret := secretkeyExport(secret, raw.KeyPKCS8)
	_, exportSignature := signatureExport(signature, raw.SignatureRaw)
	return []used{
		{"options_set", optionsSet(options, "nonce", counting(12))},
		{"symmetric_key_export", exportKey},
		{"symmetric_state_absorb", symmetricStateAbsorb(state, nil)},
		{"symmetric_tag_len", tagLen},
		{"keypair_publickey", half},
		{"publickey_export", exportPublic},
		{"secretkey_export", exportSecret},
		{"signature_export", exportSignature},
		{"signature_state_update", signatureStateUpdate(signing, nil)},
		{"signature_verification_state_update", verificationStateUpdate(verifying, nil)},
	}
}

// singleUse holds rule 3 for the two objects of a single use: array outputs and tags.
func singleUse(t *T) {
	output, e := symmetricKeyExport(t.key("AES-256-GCM", counting(32)))
	t.must("symmetric_key_export", e)
	t.array(output)
	_, e = arrayOutputLen(output)
	t.want("array_output_len of an output that was pulled", e, invalidHandle)

	tag := t.tag(t.keyed("HMAC/SHA-256", counting(32)))
	_, e = symmetricTagPull(tag, make([]byte, 31))
	t.refused("symmetric_tag_pull of 32 bytes into 31", e)
	t.pulled(tag)
	_, e = symmetricTagLen(tag)
	t.want("symmetric_tag_len of a tag that was pulled", e, invalidHandle)
}

// arrayOutput holds rule 13. Whether array_output_len tells all bytes or those that are left is not said of an output that
// was pulled in part: either is taken.
func arrayOutput(t *T) {
	key := counting(32)
	output, e := symmetricKeyExport(t.key("AES-256-GCM", key))
	t.must("symmetric_key_export", e)
	n, e := arrayOutputLen(output)
	t.must("array_output_len", e)
	t.count("array_output_len of a key of 32 bytes", n, 32)
	first := make([]byte, 10)
	n, e = arrayOutputPull(output, first)
	t.must("array_output_pull of 10 bytes", e)
	t.count("array_output_pull of 10 bytes", n, 10)
	n, e = arrayOutputLen(output)
	t.must("array_output_len after 10 bytes", e)
	if n != 32 && n != 22 {
		t.fail("array_output_len after 10 of 32 bytes: want 32 or 22, got %d", n)
	}
	rest := make([]byte, 40)
	n, e = arrayOutputPull(output, rest)
	t.must("array_output_pull of 40 bytes", e)
	t.count("array_output_pull of 40 bytes where 22 are left", n, 22)
	t.same("the two pieces", append(first, rest[:22]...), key)
	t.same("the buffer behind the last byte", rest[22:], make([]byte, 18))
	_, e = arrayOutputPull(output, rest)
	t.want("array_output_pull after the last byte", e, invalidHandle)
}

// optionReplaced holds rule 14 by the nonce, the one option that every host has.
func optionReplaced(t *T) {
	options := t.options(make([]byte, 12))
	t.must("options_set nonce again", optionsSet(options.handle, "nonce", counting(12)))
	state := t.state("AES-256-GCM", some(t.key("AES-256-GCM", counting(32))), options)
	nonce := make([]byte, 12)
	n, e := symmetricStateOptionsGet(state, "nonce", nonce)
	t.must("symmetric_state_options_get nonce", e)
	t.same("the nonce", nonce[:min(n, 12)], counting(12))
	t.same("the ciphertext", t.encrypt(state, "message"), t.encrypt(t.cipher("AES-256-GCM"), "message"))
}
