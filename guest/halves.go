package guest

import "github.com/claviger/claviger/guest/raw"

// PublicKey is the half of a pair that everyone may have.
type PublicKey struct{ object }

// ImportPublicKey takes in a public key. NIST points may be compressed or not.
func ImportPublicKey(f Family, algorithm string, encoded []byte, e Encoding) (*PublicKey, error) {
	p := new(PublicKey)
	at, length := text(algorithm)
	from, size := data(encoded)
	return made(p, result("publickey_import", raw.PublickeyImport(uint32(f), at, length, from, size, e.half(), p.out())))
}

// Export takes the public key out.
func (p *PublicKey) Export(e Encoding) ([]byte, error) {
	var array object
	if err := result("publickey_export", raw.PublickeyExport(uint32(p.object), e.half(), array.out())); err != nil {
		return nil, err
	}
	return pull(array)
}

// Check says whether the key is a sound one: on its curve, not of low order. ErrInvalidKey if not.
func (p *PublicKey) Check() error {
	return result("publickey_verify", raw.PublickeyVerify(uint32(p.object)))
}

// Encapsulate makes a secret for the key's owner, and what the owner opens with SecretKey.Decapsulate to have it too. For
// algorithms such as "ML-KEM-768" and "X-WING".
func (p *PublicKey) Encapsulate() (secret, encapsulated []byte, err error) {
	var first, second object
	if err := result("kx_encapsulate", raw.KXEncapsulate(uint32(p.object), first.out(), second.out())); err != nil {
		return nil, nil, err
	}
	secret, err = pull(first)
	if err != nil {
		return nil, nil, err
	}
	encapsulated, err = pull(second)
	return secret, encapsulated, err
}

// Close lets go of the key.
func (p *PublicKey) Close() error { return p.end("publickey_close", raw.PublickeyClose) }

// SecretKey is the half of a pair that its owner keeps.
type SecretKey struct{ object }

// ImportSecretKey takes in a secret key: NIST scalars big-endian, X25519 as 32 bytes, RSA as PKCS8 or PEM.
func ImportSecretKey(f Family, algorithm string, encoded []byte, e Encoding) (*SecretKey, error) {
	s := new(SecretKey)
	at, length := text(algorithm)
	from, size := data(encoded)
	return made(s, result("secretkey_import", raw.SecretkeyImport(uint32(f), at, length, from, size, e.half(), s.out())))
}

// Export takes the secret key out. ErrProhibitedOperation for a managed key that was not made exportable.
func (s *SecretKey) Export(e Encoding) ([]byte, error) {
	var array object
	if err := result("secretkey_export", raw.SecretkeyExport(uint32(s.object), e.half(), array.out())); err != nil {
		return nil, err
	}
	return pull(array)
}

// PublicKey computes the public half.
func (s *SecretKey) PublicKey() (*PublicKey, error) {
	p := new(PublicKey)
	return made(p, result("publickey_from_secretkey", raw.PublickeyFromSecretkey(uint32(s.object), p.out())))
}

// Agree gives the raw shared secret of Diffie-Hellman with another's public key. It is no key yet: derive one from it, with
// "HKDF-EXTRACT/SHA-256" for instance. ErrInvalidKey for a peer that is not sound or of another algorithm.
func (s *SecretKey) Agree(peer *PublicKey) ([]byte, error) {
	var array object
	if err := result("kx_dh", raw.KXDH(uint32(peer.object), uint32(s.object), array.out())); err != nil {
		return nil, err
	}
	return pull(array)
}

// Decapsulate opens what PublicKey.Encapsulate made. ErrVerificationFailed for a wrong length; altered bytes of the right
// length give another secret (FIPS 203, 7.3).
func (s *SecretKey) Decapsulate(encapsulated []byte) ([]byte, error) {
	var array object
	from, size := data(encapsulated)
	if err := result("kx_decapsulate", raw.KXDecapsulate(uint32(s.object), from, size, array.out())); err != nil {
		return nil, err
	}
	return pull(array)
}

// Close lets go of the key.
func (s *SecretKey) Close() error { return s.end("secretkey_close", raw.SecretkeyClose) }
