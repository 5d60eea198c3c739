package guest

import "github.com/claviger/claviger/guest/raw"

// Sign signs a message and gives the raw signature: r ‖ s for ECDSA. It signs messages and not digests: the host hashes.
func (k *KeyPair) Sign(message []byte) ([]byte, error) { return k.SignAs(Raw, message) }

// SignAs is Sign with the form of the signature, Raw or DER.
func (k *KeyPair) SignAs(e Encoding, message []byte) ([]byte, error) {
	s, err := k.NewSigner()
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if _, err := s.Write(message); err != nil {
		return nil, err
	}
	signature, err := s.Sign()
	if err != nil {
		return nil, err
	}
	defer signature.Close()
	return signature.Export(e)
}

// Verify checks a raw signature of a message. The algorithm is named because the key's does not show: ErrVerificationFailed
// when the signature is not one of this message by this key, ErrInvalidSignature when its bytes cannot be one.
func (p *PublicKey) Verify(algorithm string, message, signature []byte) error {
	sig, err := ImportSignature(algorithm, signature, Raw)
	if err != nil {
		return err
	}
	defer sig.Close()
	v, err := p.NewVerifier()
	if err != nil {
		return err
	}
	defer v.Close()
	if _, err := v.Write(message); err != nil {
		return err
	}
	return v.Verify(sig)
}

// Signer takes in a message in pieces and signs it. It is an io.Writer.
type Signer struct{ object }

// NewSigner starts a message to be signed by the pair.
func (k *KeyPair) NewSigner() (*Signer, error) {
	s := new(Signer)
	return made(s, result("signature_state_open", raw.SignatureStateOpen(uint32(k.object), s.out())))
}

// Write adds to the message. ErrOverflow past 64 MiB where an algorithm has to hold the whole message, such as Ed25519.
func (s *Signer) Write(p []byte) (int, error) {
	from, size := data(p)
	return written(p, result("signature_state_update", raw.SignatureStateUpdate(uint32(s.object), from, size)))
}

// Sign signs all that was written so far. The signer goes on: a later signature covers the earlier data too.
func (s *Signer) Sign() (*Signature, error) {
	sig := new(Signature)
	return made(sig, result("signature_state_sign", raw.SignatureStateSign(uint32(s.object), sig.out())))
}

// Close ends the signer.
func (s *Signer) Close() error { return s.end("signature_state_close", raw.SignatureStateClose) }

// Verifier takes in a message in pieces and checks signatures of it. It is an io.Writer.
type Verifier struct{ object }

// NewVerifier starts a message to be verified with the key.
func (p *PublicKey) NewVerifier() (*Verifier, error) {
	v := new(Verifier)
	return made(v, result("signature_verification_state_open", raw.SignatureVerificationStateOpen(uint32(p.object), v.out())))
}

// Write adds to the message.
func (v *Verifier) Write(p []byte) (int, error) {
	from, size := data(p)
	return written(p, result("signature_verification_state_update", raw.SignatureVerificationStateUpdate(uint32(v.object), from, size)))
}

// Verify checks a signature of all that was written so far: ErrVerificationFailed if it is not one. The verifier goes on.
func (v *Verifier) Verify(s *Signature) error {
	return result("signature_verification_state_verify", raw.SignatureVerificationStateVerify(uint32(v.object), uint32(s.object)))
}

// Close ends the verifier.
func (v *Verifier) Close() error {
	return v.end("signature_verification_state_close", raw.SignatureVerificationStateClose)
}

// Signature is a signature in the host.
type Signature struct{ object }

// ImportSignature takes in a signature as Raw or DER. ErrInvalidSignature for bytes that cannot be one of the algorithm.
func ImportSignature(algorithm string, encoded []byte, e Encoding) (*Signature, error) {
	s := new(Signature)
	at, length := text(algorithm)
	from, size := data(encoded)
	return made(s, result("signature_import", raw.SignatureImport(at, length, from, size, e.signature(), s.out())))
}

// Export takes the signature out as Raw or DER.
func (s *Signature) Export(e Encoding) ([]byte, error) {
	var array object
	if err := result("signature_export", raw.SignatureExport(uint32(s.object), e.signature(), array.out())); err != nil {
		return nil, err
	}
	return pull(array)
}

// Close lets go of the signature.
func (s *Signature) Close() error { return s.end("signature_close", raw.SignatureClose) }

// written is the answer of a Write that took all or nothing.
func written(p []byte, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	return len(p), nil
}
