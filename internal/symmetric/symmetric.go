// Package symmetric is the symmetric state of wasi-crypto: hashes, extendable output, message authentication codes, the
// halves of HKDF, AEADs, ciphers and sessions behind one interface, over the primitives of package algorithm. A guest's
// own keys and managed keys run on the same states.
//
// The kinds, each in a file of its own, have these operations; every other one is ErrInvalidOperation:
//
//	hash      absorb, squeeze
//	XOF       absorb until the first squeeze, squeeze
//	MAC       absorb, squeeze tag
//	extract   absorb, squeeze key
//	expand    absorb, squeeze
//	AEAD      absorb, largest tag, encrypt and decrypt in both forms
//	session   all; without a key neither encryption nor keys nor ratcheting
//	cipher    largest tag, encrypt, decrypt; a stream cipher's squeeze gives its key stream
package symmetric

import (
	"crypto/rand"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
)

// op is the operation that errors name.
const op = "symmetric state"

// Open makes a state of the algorithm with a key, or with nil without one; an empty key that is not nil is a key. Key and
// options are copied; options that the algorithm has no use for are kept to be read back. A nonce that is not given is
// drawn at random where any number may be for one key. The caller closes the state.
//
// ErrKeyNotSupported, ErrKeyRequired and ErrInvalidKey are about the key, ErrNonceRequired and ErrInvalidNonce about the
// nonce. An algorithm that is not symmetric is ErrUnsupportedAlgorithm.
func Open(g *algorithm.Guest, key []byte, o claviger.StateOptions) (claviger.SymmetricState, error) {
	if err := checkOpen(g, key); err != nil {
		return nil, err
	}
	s := &state{guest: g}
	s.keep(o)
	if err := s.start(key); err != nil {
		return nil, err
	}
	return s, nil
}

// CheckKey reports whether n bytes may be a key of the algorithm: ErrKeyNotSupported where it takes none, ErrInvalidKey
// for another length.
func CheckKey(g *algorithm.Guest, n int) error {
	switch {
	case g.Type != claviger.GuestSymmetric:
		return claviger.Errorf(claviger.ErrInvalidKey, op, "%s takes a key pair", g.Name)
	case g.Keyless():
		return claviger.Errorf(claviger.ErrKeyNotSupported, op, "%s takes no key", g.Name)
	case n < g.MinKey || n > g.MaxKey:
		return errKey(g, n)
	}
	return nil
}

// GenerateKey draws a key of the algorithm's own length, which the caller owns and wipes; ErrKeyNotSupported where it
// takes none.
func GenerateKey(g *algorithm.Guest) ([]byte, error) {
	if err := CheckKey(g, g.DefaultKey); err != nil {
		return nil, err
	}
	key := make([]byte, g.DefaultKey)
	rand.Read(key) // it never fails
	return key, nil
}

func checkOpen(g *algorithm.Guest, key []byte) error {
	switch {
	case g.Type != claviger.GuestSymmetric:
		return claviger.Errorf(claviger.ErrUnsupportedAlgorithm, op, "%s is not a symmetric algorithm", g.Name)
	case key != nil:
		return CheckKey(g, len(key))
	case !g.Keyless() && !g.KeyOptional:
		return claviger.Errorf(claviger.ErrKeyRequired, op, "%s needs a key", g.Name)
	}
	return nil
}

// start makes the verbs of the state's kind.
func (s *state) start(key []byte) (err error) {
	switch s.guest.Kind {
	case algorithm.KindHash:
		s.verbs = newHashing(s.guest)
	case algorithm.KindXOF:
		s.verbs = newExtending(s.guest, key, s.options.bytes(optionContext))
	case algorithm.KindMAC:
		s.verbs, err = newCoding(s.guest, key, s.options.bytes(optionContext))
	case algorithm.KindExtract:
		s.verbs, err = newExtracting(s.guest, key)
	case algorithm.KindExpand:
		s.verbs, err = newExpanding(s.guest, key)
	case algorithm.KindAEAD:
		s.verbs, err = newSealing(s, key)
	case algorithm.KindSession:
		s.verbs, err = newSession(s.guest, key, s.options.bytes(optionNonce))
	case algorithm.KindCipher:
		s.verbs, err = newCiphering(s, key)
	default:
		err = claviger.Errorf(claviger.ErrUnsupportedAlgorithm, op, "%s has no symmetric state", s.guest.Name)
	}
	return err
}
