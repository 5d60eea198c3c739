package symmetric

import (
	"bytes"
	"crypto/cipher"
)

// sealing is an AEAD with the nonce of one message. What is absorbed is the associated data of all that follows.
type sealing struct {
	unable
	aead  cipher.AEAD // shared with copies: it does not change
	nonce []byte      // shared with copies; empty means none, of AES-SIV
	used  bool        // a message was encrypted with the nonce
	data  []byte      // associated data
}

// newSealing expands the key once for all operations of the state and its copies.
func newSealing(s *state, key []byte) (*sealing, error) {
	nonce, err := s.takeNonce()
	if err != nil {
		return nil, err
	}
	a, err := s.guest.Use.NewAEAD(key)
	if err != nil {
		return nil, errKey(s.guest, len(key))
	}
	return &sealing{unable: unable{s.guest}, aead: a, nonce: nonce}, nil
}

// clone copies the right to encrypt with the nonce too, so that who encrypts in both copies uses it twice.
func (s *sealing) clone() (verbs, error) {
	c := *s
	c.data = bytes.Clone(s.data)
	return &c, nil
}

func (s *sealing) wipe() {
	clear(s.data)
	*s = sealing{}
}

// absorb adds to the associated data, which has to be held since some AEADs need it more than once.
func (s *sealing) absorb(data []byte) error {
	if err := heldLimit(s.guest, len(s.data)+len(data)); err != nil {
		return err
	}
	s.data = extend(s.data, data)
	return nil
}

func (s *sealing) maxTag() (int, error) { return s.aead.Overhead(), nil }

// detaches: every AEAD of the table has its tag behind the ciphertext.
func (s *sealing) detaches() bool { return true }

// seal uses the nonce up: the next is ErrNonceRequired. Without a nonce, which AES-SIV alone allows, equal messages give
// equal ciphertexts as often as they come.
func (s *sealing) seal(dst, in []byte) ([]byte, error) {
	if s.used {
		return dst, errUsed(s.guest)
	}
	if err := heldLimit(s.guest, len(in)); err != nil {
		return dst, err
	}
	s.used = len(s.nonce) != 0
	return s.aead.Seal(dst, s.nonce, in, s.data), nil
}

// open may come any number of times, also after seal. The AEADs of the table clear what they decrypted before a wrong tag.
func (s *sealing) open(dst, in []byte) ([]byte, error) {
	if err := heldLimit(s.guest, len(in)-s.aead.Overhead()); err != nil {
		return dst, err
	}
	out, err := s.aead.Open(dst, s.nonce, in, s.data)
	if err != nil {
		return dst, errTag(s.guest)
	}
	return out, nil
}
