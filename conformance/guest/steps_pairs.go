package main

import "github.com/claviger/claviger/guest/raw"

// Steps with key pairs, their halves and signatures.

// pair generates a key pair. A host may ask for another call while it is at work.
func (t *T) pair(family uint32, algorithm string) uint32 {
	h, e := keypairGenerate(family, algorithm, maybe{})
	for e == inProgress {
		h, e = keypairGenerate(family, algorithm, maybe{})
	}
	t.offered("keypair_generate", algorithm, e)
	t.later(keypairClose, h)
	return h
}

// pairFrom imports a key pair.
func (t *T) pairFrom(family uint32, algorithm string, encoded []byte, encoding uint32) uint32 {
	h, e := keypairImport(family, algorithm, encoded, encoding)
	t.offered("keypair_import", algorithm, e)
	t.later(keypairClose, h)
	return h
}

// publicFrom imports a public key.
func (t *T) publicFrom(family uint32, algorithm string, encoded []byte, encoding uint32) uint32 {
	h, e := publickeyImport(family, algorithm, encoded, encoding)
	t.offered("publickey_import", algorithm, e)
	t.later(publickeyClose, h)
	return h
}

// secretFrom imports a secret key.
func (t *T) secretFrom(family uint32, algorithm string, encoded []byte, encoding uint32) uint32 {
	h, e := secretkeyImport(family, algorithm, encoded, encoding)
	t.offered("secretkey_import", algorithm, e)
	t.later(secretkeyClose, h)
	return h
}

// public gives the public half of a pair.
func (t *T) public(pair uint32) uint32 {
	h, e := keypairPublickey(pair)
	t.must("keypair_publickey", e)
	t.later(publickeyClose, h)
	return h
}

// secret gives the secret half of a pair.
func (t *T) secret(pair uint32) uint32 {
	h, e := keypairSecretkey(pair)
	t.must("keypair_secretkey", e)
	t.later(secretkeyClose, h)
	return h
}

func (t *T) pairBytes(pair, encoding uint32) []byte {
	h, e := keypairExport(pair, encoding)
	t.must("keypair_export", e)
	return t.array(h)
}

func (t *T) publicBytes(public, encoding uint32) []byte {
	h, e := publickeyExport(public, encoding)
	t.must("publickey_export", e)
	return t.array(h)
}

func (t *T) secretBytes(secret, encoding uint32) []byte {
	h, e := secretkeyExport(secret, encoding)
	t.must("secretkey_export", e)
	return t.array(h)
}

// signing opens a state of signing.
func (t *T) signing(pair uint32) uint32 {
	h, e := signatureStateOpen(pair)
	t.must("signature_state_open", e)
	t.later(signatureStateClose, h)
	return h
}

// verifying opens a state of verification.
func (t *T) verifying(public uint32) uint32 {
	h, e := verificationStateOpen(public)
	t.must("signature_verification_state_open", e)
	t.later(verificationStateClose, h)
	return h
}

// sign gives the signature of a message. The interface types it as an array output and uses it as a signature; the checks use
// it as a signature only, as every binding does.
func (t *T) sign(pair uint32, message string) uint32 {
	state := t.signing(pair)
	t.must("signature_state_update", signatureStateUpdate(state, []byte(message)))
	h, e := signatureStateSign(state)
	t.must("signature_state_sign", e)
	t.later(signatureClose, h)
	return h
}

// signed gives the raw signature of a message.
func (t *T) signed(pair uint32, message string) []byte {
	return t.signatureBytes(t.sign(pair, message), raw.SignatureRaw)
}

func (t *T) signatureBytes(signature, encoding uint32) []byte {
	h, e := signatureExport(signature, encoding)
	t.must("signature_export", e)
	return t.array(h)
}

// signatureFrom imports a signature.
func (t *T) signatureFrom(algorithm string, encoded []byte, encoding uint32) uint32 {
	h, e := signatureImport(algorithm, encoded, encoding)
	t.offered("signature_import", algorithm, e)
	t.later(signatureClose, h)
	return h
}

// verify gives what the host answers about a signature of a message.
func (t *T) verify(public uint32, message string, signature uint32) errno {
	state := t.verifying(public)
	t.must("signature_verification_state_update", verificationStateUpdate(state, []byte(message)))
	return verificationStateVerify(state, signature)
}

// agree gives the shared secret of a public and a secret key.
func (t *T) agree(public, secret uint32) []byte {
	h, e := kxDH(public, secret)
	t.must("kx_dh", e)
	return t.array(h)
}
