// Package ascon is Ascon-AEAD128, Ascon-Hash256 and Ascon-XOF128 of NIST SP 800-232. It has no tables and no branches on
// secrets. The earlier Ascon-128 of the competition is another algorithm.
package ascon

import (
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"errors"
)

// Sizes of Ascon-AEAD128 in bytes.
const (
	KeySize   = 16
	NonceSize = 16
	Overhead  = 16 // of the tag that Seal appends
	rate      = 16
)

// initAEAD is the initial value of section 4, table 3.
const initAEAD = 0x00001000808c0001

// errOpen is the one error of every failed Open: it tells nothing about why.
var errOpen = errors.New("ascon: message authentication failed")

type aead struct{ k0, k1 uint64 }

// New makes Ascon-AEAD128 from a key of KeySize bytes, which is copied. A nonce must not be used twice with one key. The
// AEAD is safe for concurrent use; its Seal and Open panic when the nonce does not have NonceSize bytes, as GCM's do.
func New(key []byte) (cipher.AEAD, error) {
	if len(key) != KeySize {
		return nil, errors.New("ascon: the key does not have 16 bytes")
	}
	return &aead{binary.LittleEndian.Uint64(key), binary.LittleEndian.Uint64(key[8:])}, nil
}

// NonceSize gives 16.
func (a *aead) NonceSize() int { return NonceSize }

// Overhead gives 16.
func (a *aead) Overhead() int { return Overhead }

// start is the initialization and the associated data (section 4.1.1, steps 1 and 2).
func (a *aead) start(nonce, additional []byte) *state {
	if len(nonce) != NonceSize {
		panic("ascon: the nonce does not have 16 bytes")
	}
	s := &state{initAEAD, a.k0, a.k1, binary.LittleEndian.Uint64(nonce), binary.LittleEndian.Uint64(nonce[8:])}
	s.permute(12)
	s[3] ^= a.k0
	s[4] ^= a.k1
	if len(additional) > 0 {
		for ; len(additional) >= rate; additional = additional[rate:] {
			s[0] ^= binary.LittleEndian.Uint64(additional)
			s[1] ^= binary.LittleEndian.Uint64(additional[8:])
			s.permute(8)
		}
		s.addPadded(additional)
		s.permute(8)
	}
	s[4] ^= 1 << 63
	return s
}

// addPadded adds less than a block and the padding (section 2.1, algorithm 2).
func (s *state) addPadded(in []byte) {
	s[0] ^= word(in[:min(8, len(in))])
	if len(in) > 8 {
		s[1] ^= word(in[8:])
	}
	s[len(in)/8] ^= 1 << (8 * (len(in) % 8))
}

// finish gives the tag (section 4.1.1, step 4).
func (a *aead) finish(s *state) (tag [Overhead]byte) {
	s[2] ^= a.k0
	s[3] ^= a.k1
	s.permute(12)
	binary.LittleEndian.PutUint64(tag[:], s[3]^a.k0)
	binary.LittleEndian.PutUint64(tag[8:], s[4]^a.k1)
	return tag
}

// Seal appends ciphertext and tag to dst.
func (a *aead) Seal(dst, nonce, plaintext, additional []byte) []byte {
	s := a.start(nonce, additional)
	start := len(dst)
	dst = append(dst, plaintext...)
	out := dst[start:]
	for ; len(out) >= rate; out = out[rate:] {
		s[0] ^= binary.LittleEndian.Uint64(out)
		s[1] ^= binary.LittleEndian.Uint64(out[8:])
		binary.LittleEndian.PutUint64(out, s[0])
		binary.LittleEndian.PutUint64(out[8:], s[1])
		s.permute(8)
	}
	s.addPadded(out)
	s.give(out)
	tag := a.finish(s)
	return append(dst, tag[:]...)
}

// give copies the first bytes of the state.
func (s *state) give(out []byte) {
	for i := range out {
		out[i] = byte(s[i/8] >> (8 * (i % 8)))
	}
}

// Open appends the message to dst, or gives nil and one error whatever was wrong.
func (a *aead) Open(dst, nonce, ciphertext, additional []byte) ([]byte, error) {
	s := a.start(nonce, additional)
	n := len(ciphertext) - Overhead
	if n < 0 {
		return nil, errOpen
	}
	given := ciphertext[n:]
	start := len(dst)
	dst = append(dst, ciphertext[:n]...)
	out := dst[start:]
	for ; len(out) >= rate; out = out[rate:] {
		c0, c1 := binary.LittleEndian.Uint64(out), binary.LittleEndian.Uint64(out[8:])
		binary.LittleEndian.PutUint64(out, s[0]^c0)
		binary.LittleEndian.PutUint64(out[8:], s[1]^c1)
		s[0], s[1] = c0, c1
		s.permute(8)
	}
	var stream [rate]byte
	s.give(stream[:len(out)])
	subtle.XORBytes(out, out, stream[:])
	s.addPadded(out)
	if want := a.finish(s); subtle.ConstantTimeCompare(want[:], given) != 1 {
		clear(dst[start:])
		return nil, errOpen
	}
	return dst, nil
}
