package main

import (
	"encoding/asn1"
	"math/big"

	"github.com/claviger/claviger/guest/raw"
)

// signatureRaw holds rule 12: a signature goes out raw, comes in again, and verifies.
func signatureRaw(t *T) {
	const algorithm = "RSA_PKCS1_2048_SHA256"
	pair := t.pairFrom(raw.TypeSignatures, algorithm, rsa2048, raw.KeypairPKCS8)
	bytes := t.signed(pair, "message")
	t.count("bytes of a raw signature, "+algorithm, uint32(len(bytes)), 256)
	again := t.signatureFrom(algorithm, bytes, raw.SignatureRaw)
	t.same("raw form of an imported signature", t.signatureBytes(again, raw.SignatureRaw), bytes)
	t.must("verification of an imported signature", t.verify(t.public(pair), "message", again))
	bytes[100] ^= 1
	changed, e := signatureImport(algorithm, bytes, raw.SignatureRaw)
	t.want("signature_import of a changed signature", e, success, invalidSignature)
	if e == success {
		t.later(signatureClose, changed)
		t.want("verification of a changed signature", t.verify(t.public(pair), "message", changed), verificationFailed, invalidSignature)
	}
}

// signatureEncodings holds rule 23 for RSA and each curve that the host has.
func signatureEncodings(t *T) {
	pair := t.pairFrom(raw.TypeSignatures, "RSA_PKCS1_2048_SHA256", rsa2048, raw.KeypairPKCS8)
	t.count("bytes of a raw signature, RSA_PKCS1_2048_SHA256", uint32(len(t.signed(pair, "message"))), 256)
	e := t.discard(signatureExport(t.sign(pair, "message"), raw.SignatureDER))
	t.want("signature_export der, RSA_PKCS1_2048_SHA256", e, success, unsupportedEncoding)
	e = t.discard(signatureExport(t.sign(pair, "message"), 99))
	t.want("signature_export of an unknown encoding", e, unsupportedEncoding)
	for _, c := range curves() {
		if pair, ok := t.onCurve(c); ok {
			t.ecdsaForms(c, pair)
		}
	}
}

// ecdsaForms holds that the raw form is r ‖ s, and that der, where it is offered, is the SEQUENCE of both (RFC 3279, section 2.2.3).
func (t *T) ecdsaForms(c curve, pair uint32) {
	signature := t.sign(pair, "message")
	bytes := t.signatureBytes(signature, raw.SignatureRaw)
	t.count("bytes of a raw signature, "+c.algorithm, uint32(len(bytes)), uint32(2*c.size))
	output, e := signatureExport(signature, raw.SignatureDER)
	t.want("signature_export der, "+c.algorithm, e, success, unsupportedEncoding)
	if e == unsupportedEncoding {
		return
	}
	der := t.array(output)
	var rs struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(der, &rs); err != nil || len(rest) > 0 {
		t.fail("signature_export der, %s: want a sequence of two numbers, got %s", c.algorithm, short(der))
	}
	t.same("r and s of der, "+c.algorithm, append(rs.R.FillBytes(make([]byte, c.size)), rs.S.FillBytes(make([]byte, c.size))...), bytes)
	again := t.signatureFrom(c.algorithm, der, raw.SignatureDER)
	t.must("verification of a signature from der, "+c.algorithm, t.verify(t.public(pair), "message", again))
}

// statesApart holds rule 24 both ways.
func statesApart(t *T) {
	pair := t.pairFrom(raw.TypeSignatures, "RSA_PKCS1_2048_SHA256", rsa2048, raw.KeypairPKCS8)
	signing, verifying, signature := t.signing(pair), t.verifying(t.public(pair)), t.sign(pair, "")
	_, sign := signatureStateSign(verifying)
	for what, e := range map[string]errno{
		"signature_verification_state_update of a state of signing": verificationStateUpdate(signing, []byte("message")),
		"signature_verification_state_verify of a state of signing": verificationStateVerify(signing, signature),
		"signature_state_update of a state of verification":         signatureStateUpdate(verifying, []byte("message")),
		"signature_state_sign of a state of verification":           sign,
	} {
		t.want(what, e, invalidHandle)
	}
}
