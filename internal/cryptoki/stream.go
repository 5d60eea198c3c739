package cryptoki

// Operations in parts: Init, any number of Updates, Final. An error of Update or Final other than ErrBufferTooSmall
// and ErrImplausible has ended the operation (PKCS #11 3.1 sections 5.8 to 5.15). Outputs are appended to dst, with a hint
// of their size, as Session.Encrypt does. Each error is a CallError.

// EncryptInit begins to encrypt (C_EncryptInit).
func (s *Session) EncryptInit(m Mechanism, key Object) error { return s.begin(fnEncryptInit, &m, key) }

// EncryptUpdate encrypts a part (C_EncryptUpdate); what comes out may lag behind.
func (s *Session) EncryptUpdate(dst, data []byte, hint int) ([]byte, error) {
	return s.produce(fnEncryptUpdate, true, dst, data, hint)
}

// EncryptFinal gives the rest, and the tag of an AEAD (C_EncryptFinal).
func (s *Session) EncryptFinal(dst []byte, hint int) ([]byte, error) {
	return s.produce(fnEncryptFinal, false, dst, nil, hint)
}

// DecryptInit begins to decrypt (C_DecryptInit).
func (s *Session) DecryptInit(m Mechanism, key Object) error { return s.begin(fnDecryptInit, &m, key) }

// DecryptUpdate decrypts a part (C_DecryptUpdate). Plaintext of an AEAD that a module gives out here is not verified yet.
func (s *Session) DecryptUpdate(dst, data []byte, hint int) ([]byte, error) {
	return s.produce(fnDecryptUpdate, true, dst, data, hint)
}

// DecryptFinal gives the rest, and verifies the tag of an AEAD (C_DecryptFinal). Many modules hold all plaintext of an
// AEAD back until here; the hint should say so.
func (s *Session) DecryptFinal(dst []byte, hint int) ([]byte, error) {
	return s.produce(fnDecryptFinal, false, dst, nil, hint)
}

// DigestInit begins to digest (C_DigestInit).
func (s *Session) DigestInit(m Mechanism) error { return s.begin(fnDigestInit, &m, 0) }

// DigestUpdate digests a part (C_DigestUpdate).
func (s *Session) DigestUpdate(data []byte) error { return s.consume(fnDigestUpdate, data) }

// DigestFinal gives the digest (C_DigestFinal).
func (s *Session) DigestFinal(dst []byte, hint int) ([]byte, error) {
	return s.produce(fnDigestFinal, false, dst, nil, hint)
}

// SignInit begins to sign, or to make a MAC (C_SignInit).
func (s *Session) SignInit(m Mechanism, key Object) error { return s.begin(fnSignInit, &m, key) }

// SignUpdate signs a part (C_SignUpdate).
func (s *Session) SignUpdate(data []byte) error { return s.consume(fnSignUpdate, data) }

// SignFinal gives the signature or MAC (C_SignFinal).
func (s *Session) SignFinal(dst []byte, hint int) ([]byte, error) {
	return s.produce(fnSignFinal, false, dst, nil, hint)
}

// VerifyInit begins to verify a signature or MAC (C_VerifyInit).
func (s *Session) VerifyInit(m Mechanism, key Object) error { return s.begin(fnVerifyInit, &m, key) }

// VerifyUpdate verifies a part (C_VerifyUpdate).
func (s *Session) VerifyUpdate(data []byte) error { return s.consume(fnVerifyUpdate, data) }

// VerifyFinal checks the signature or MAC of the parts (C_VerifyFinal): ErrSignatureInvalid or ErrSignatureLenRange for a
// wrong one.
func (s *Session) VerifyFinal(signature []byte) error { return s.consume(fnVerifyFinal, signature) }

// consume calls a function that takes an input and gives nothing.
func (s *Session) consume(f function, data []byte) error {
	return s.call(f, uintptr(s.start(data)), uintptr(len(data)), 0, 0)
}
