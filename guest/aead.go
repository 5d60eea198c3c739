package guest

import (
	"crypto/cipher"
	"strings"
)

// AEAD is an authenticated cipher of the host behind cipher.AEAD (RFC 5116): it protects a message and its associated data under a
// nonce that must never serve two messages with one key.
type AEAD struct {
	algorithm       string
	key             *SymmetricKey
	nonce, overhead int
}

var _ cipher.AEAD = (*AEAD)(nil)

// NewAEAD makes a cipher.AEAD of a key: AES-GCM, AES-GCM-SIV, CHACHA20-POLY1305, XCHACHA20-POLY1305, ASCON-AEAD or AEGIS under
// their names in wasi-crypto. The key stays the caller's and is closed after the last use.
func NewAEAD(algorithm string, key *SymmetricKey) (*AEAD, error) {
	a := &AEAD{algorithm: algorithm, key: key, nonce: nonceSize(algorithm), overhead: -1}
	if a.nonce == 0 {
		return nil, &Error{Call: "symmetric_state_open", Errno: ErrUnsupportedAlgorithm}
	}
	state, err := a.open(make([]byte, a.nonce), nil)
	if err != nil {
		return nil, err
	}
	defer state.Close()
	a.overhead, err = state.MaxTagLen()
	return made(a, err)
}

// NonceSize is the length of a nonce in bytes.
func (a *AEAD) NonceSize() int { return a.nonce }

// Overhead is the length of the tag in bytes.
func (a *AEAD) Overhead() int { return a.overhead }

// Seal appends ciphertext and tag to dst. It panics with an *Error where cipher.AEAD has no room for one: a nonce of the
// wrong length, a message over 64 MiB, a closed key, a keeper that is gone.
func (a *AEAD) Seal(dst, nonce, plaintext, additional []byte) []byte {
	state, err := a.open(nonce, additional)
	if err != nil {
		panic(err)
	}
	defer state.Close()
	sealed, err := state.Encrypt(dst, plaintext)
	if err != nil {
		panic(err)
	}
	return sealed
}

// Open appends the plaintext to dst. ErrInvalidTag if anything is not as it was sealed.
func (a *AEAD) Open(dst, nonce, ciphertext, additional []byte) ([]byte, error) {
	if len(ciphertext) < a.overhead {
		return nil, &Error{Call: "symmetric_state_decrypt", Errno: ErrInvalidTag}
	}
	state, err := a.open(nonce, additional)
	if err != nil {
		return nil, err
	}
	defer state.Close()
	return state.Decrypt(dst, ciphertext)
}

// open gives a state for one message. An empty nonce is a given one, which the host refuses.
func (a *AEAD) open(nonce, additional []byte) (*State, error) {
	if len(nonce) != a.nonce {
		return nil, &Error{Call: "symmetric_state_open", Errno: ErrInvalidNonce}
	}
	state, err := NewState(a.algorithm, StateConfig{Key: a.key, Nonce: nonce})
	if err != nil {
		return nil, err
	}
	state.overhead = a.overhead
	if len(additional) == 0 {
		return state, nil
	}
	if err := state.Absorb(additional); err != nil {
		state.Close()
		return nil, err
	}
	return state, nil
}

// nonceSize gives the length of the nonce in bytes of the interface's AEADs; 0 for anything else.
func nonceSize(algorithm string) int {
	name := strings.ToUpper(algorithm)
	switch name {
	case "AES-128-GCM", "AES-256-GCM", "AES-128-GCM-SIV", "AES-256-GCM-SIV", "CHACHA20-POLY1305":
		return 12
	case "ASCON-AEAD":
		return 16
	case "XCHACHA20-POLY1305":
		return 24
	}
	switch {
	case strings.HasPrefix(name, "AEGIS-128"):
		return 16
	case strings.HasPrefix(name, "AEGIS-256"):
		return 32
	}
	return 0
}
