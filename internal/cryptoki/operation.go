package cryptoki

import (
	"errors"
	"slices"
	"unsafe"
)

// maxOutput is the largest output of one call in bytes: 65 MiB.
const maxOutput = 65 << 20

// minOutput is the least room that a module is offered, in bytes, so that it is never taken for a question.
const minOutput = 16

// Encrypt encrypts data in one go and appends the result to dst (C_EncryptInit, C_Encrypt). Hint is how many bytes will
// come; when fewer fit, the module is asked again with the room it wants, up to 65 MiB. Dst's spare capacity is used, and
// must not overlap data; on an error it is wiped. The error is a CallError.
func (s *Session) Encrypt(dst []byte, m Mechanism, key Object, data []byte, hint int) ([]byte, error) {
	if err := s.EncryptInit(m, key); err != nil {
		return nil, err
	}
	return s.produce(fnEncrypt, true, dst, data, hint)
}

// Decrypt decrypts data in one go and appends the result to dst (C_DecryptInit, C_Decrypt), as Encrypt does. A forged
// AEAD ciphertext is ErrAEADDecryptFailed, ErrEncryptedDataInvalid, or whatever the module makes of it.
func (s *Session) Decrypt(dst []byte, m Mechanism, key Object, data []byte, hint int) ([]byte, error) {
	if err := s.DecryptInit(m, key); err != nil {
		return nil, err
	}
	return s.produce(fnDecrypt, true, dst, data, hint)
}

// Digest digests data in one go and appends the result to dst (C_DigestInit, C_Digest), as Encrypt does.
func (s *Session) Digest(dst []byte, m Mechanism, data []byte, hint int) ([]byte, error) {
	if err := s.DigestInit(m); err != nil {
		return nil, err
	}
	return s.produce(fnDigest, true, dst, data, hint)
}

// Sign signs data in one go, or makes a MAC, and appends the result to dst (C_SignInit, C_Sign), as Encrypt does. ECDSA
// signatures are r and s, each as long as the order.
func (s *Session) Sign(dst []byte, m Mechanism, key Object, data []byte, hint int) ([]byte, error) {
	if err := s.SignInit(m, key); err != nil {
		return nil, err
	}
	return s.produce(fnSign, true, dst, data, hint)
}

// Verify checks a signature or MAC of data in one go (C_VerifyInit, C_Verify). The error is a CallError:
// ErrSignatureInvalid or ErrSignatureLenRange for a wrong signature.
func (s *Session) Verify(m Mechanism, key Object, data, signature []byte) error {
	if err := s.VerifyInit(m, key); err != nil {
		return err
	}
	return s.call(fnVerify, uintptr(s.start(data)), uintptr(len(data)), uintptr(s.start(signature)), uintptr(len(signature)))
}

// IV gives the nonce or initialisation vector as it now stands in the parameters of the latest operation, nil when
// there is none. It differs from what the mechanism was made with when the token drew its own, which is then what
// decrypts. It is the session's, and valid until the next operation begins.
func (s *Session) IV() []byte { return s.iv }

// begin begins an operation: it lays out the mechanism and calls one of the Init functions.
func (s *Session) begin(f function, m *Mechanism, key Object) error {
	mechanism := s.layOut(m)
	return s.call(f, uintptr(unsafe.Pointer(&mechanism[0])), uintptr(key), 0, 0)
}

// produce calls f with an input and room for an output, or only with the room when f has no input, and appends the
// output to dst. ErrBufferTooSmall leaves the operation active, so that the same call is made again.
func (s *Session) produce(f function, input bool, dst, data []byte, hint int) ([]byte, error) {
	length := unsafe.Pointer(&s.cells[cellLength])
	for range maxTries {
		if hint < 0 || hint > maxOutput {
			return nil, refused(f, "room for %d bytes; the limit is %d", hint, maxOutput)
		}
		dst = slices.Grow(dst, max(hint, minOutput))
		room := dst[len(dst):min(cap(dst), len(dst)+maxOutput)]
		s.cells[cellLength] = uint(len(room))
		var err error
		if input {
			err = s.call(f, uintptr(s.start(data)), uintptr(len(data)), uintptr(unsafe.Pointer(&room[0])), uintptr(length))
		} else {
			err = s.call(f, uintptr(unsafe.Pointer(&room[0])), uintptr(length), 0, 0)
		}
		hint, err = s.written(f, room, err)
		if err == nil {
			return dst[:len(dst)+hint], nil
		}
		if !errors.Is(err, ErrBufferTooSmall) {
			return nil, err
		}
	}
	return nil, implausible(f, "it wants more room each time")
}

// written judges what f reported of an output: how much it wrote, or, with ErrBufferTooSmall, how much it wants to. After
// an error the room is wiped.
func (s *Session) written(f function, room []byte, err error) (int, error) {
	length := s.cells[cellLength]
	switch {
	case err == nil && length <= uint(len(room)):
		return int(length), nil
	case err == nil:
		err = implausible(f, "%d bytes in a buffer of %d", length, len(room))
	case errors.Is(err, ErrBufferTooSmall) && (length <= uint(len(room)) || length > maxOutput):
		err = implausible(f, "it wants room for %d bytes and had %d; the limit is %d", length, len(room), maxOutput)
	}
	clear(room)
	return int(min(length, maxOutput)), err
}
