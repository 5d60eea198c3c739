package guest

import (
	"errors"
	"slices"
	"unsafe"

	"github.com/claviger/claviger/guest/raw"
)

// MaxTagLen says how many bytes Encrypt adds at most, tag and padding: the same for every message of an algorithm.
func (s *State) MaxTagLen() (int, error) {
	if s.overhead >= 0 {
		return s.overhead, nil
	}
	var n uint32
	if err := result("symmetric_state_max_tag_len", raw.SymmetricStateMaxTagLen(uint32(s.object), unsafe.Pointer(&n))); err != nil {
		return 0, err
	}
	s.overhead = int(n)
	return s.overhead, nil
}

// Encrypt appends the ciphertext of one message, of up to 64 MiB, and its tag to dst. Each message wants a nonce of its own, so a state of an
// AEAD encrypts once: the second time is ErrNonceRequired. To work in place give plaintext[:0] for dst.
func (s *State) Encrypt(dst, plaintext []byte) ([]byte, error) {
	overhead, err := s.MaxTagLen()
	if err != nil {
		return nil, err
	}
	grown, out := grow(dst, len(plaintext)+overhead)
	var n uint32
	to, room := data(out)
	from, size := data(plaintext)
	err = result("symmetric_state_encrypt", raw.SymmetricStateEncrypt(uint32(s.object), to, room, from, size, unsafe.Pointer(&n)))
	return kept(grown, len(dst), n, err)
}

// EncryptDetached appends the ciphertext of one message, which is as long as the message, to dst and gives its tag apart. The
// caller closes the tag, or takes its bytes. ErrInvalidOperation for a cipher without tags.
func (s *State) EncryptDetached(dst, plaintext []byte) ([]byte, *Tag, error) {
	grown, out := grow(dst, len(plaintext))
	t := new(Tag)
	to, room := data(out)
	from, size := data(plaintext)
	err := result("symmetric_state_encrypt_detached", raw.SymmetricStateEncryptDetached(uint32(s.object), to, room, from, size, t.out()))
	if err != nil {
		return nil, nil, err
	}
	return grown, t, nil
}

// Decrypt appends the plaintext to dst. ErrInvalidTag, and zeros in the place of plaintext, when ciphertext, tag, nonce or
// associated data are not those of the encryption. To work in place give ciphertext[:0] for dst.
func (s *State) Decrypt(dst, ciphertext []byte) ([]byte, error) {
	overhead, err := s.MaxTagLen()
	if err != nil {
		return nil, err
	}
	plaintext, err := s.decrypt(dst, ciphertext, max(0, len(ciphertext)-overhead))
	if overhead > 0 && errors.Is(err, ErrOverflow) {
		return s.decrypt(dst, ciphertext, len(ciphertext)) // padded: the length shows only inside
	}
	return plaintext, err
}

func (s *State) decrypt(dst, ciphertext []byte, length int) ([]byte, error) {
	grown, out := grow(dst, length)
	var n uint32
	to, room := data(out)
	from, size := data(ciphertext)
	err := result("symmetric_state_decrypt", raw.SymmetricStateDecrypt(uint32(s.object), to, room, from, size, unsafe.Pointer(&n)))
	return kept(grown, len(dst), n, err)
}

// DecryptDetached is Decrypt with the tag apart. ErrInvalidTag also for a tag of another length.
func (s *State) DecryptDetached(dst, ciphertext, tag []byte) ([]byte, error) {
	grown, out := grow(dst, len(ciphertext))
	var n uint32
	to, room := data(out)
	from, size := data(ciphertext)
	tagAt, tagSize := data(tag)
	err := result("symmetric_state_decrypt_detached",
		raw.SymmetricStateDecryptDetached(uint32(s.object), to, room, from, size, tagAt, tagSize, unsafe.Pointer(&n)))
	return kept(grown, len(dst), n, err)
}

// grow gives dst with n bytes more, and these bytes.
func grow(dst []byte, n int) (grown, tail []byte) {
	grown = slices.Grow(dst, n)[:len(dst)+n]
	return grown, grown[len(dst):]
}

// kept cuts grown to what it held before and the n bytes that the host wrote.
func kept(grown []byte, before int, n uint32, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return grown[:before+int(n)], nil
}
