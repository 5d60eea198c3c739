// Package siv is AES-SIV (RFC 5297): authenticated encryption that a repeated nonce, or none at all, does not break. It
// then tells no more than that two messages were the same. It is built from the standard library's AES and keeps its
// constant-time promises.
package siv

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"errors"

	"github.com/claviger/claviger/internal/primitive/cmac"
)

// Sizes in bytes.
const (
	NonceSize = 16 // what NonceSize of the AEAD answers; see New
	Overhead  = 16 // of the synthetic IV
)

// errOpen is the one error of every failed Open: it tells nothing about why.
var errOpen = errors.New("siv: message authentication failed")

type aead struct {
	mac   *cmac.MAC    // keyed, nothing written: only copies of it are used
	block cipher.Block // for CTR
}

// New makes AES-SIV with a key of 32, 48 or 64 bytes, whose first half is for S2V and whose second half is for CTR (RFC
// 5297 section 2.2). The key is copied into AES key schedules on the Go heap.
//
// Its Seal gives C ‖ V: the synthetic IV follows the ciphertext, where the tag of every other AEAD stands. Here this
// deviates from the RFC, which puts it first (section 2.6). A nonce is the last component
// of the associated data (section 3) and may have any length; an empty one is left out, which is deterministic
// encryption. The associated data is one component, empty or not. Safe for concurrent use.
func New(key []byte) (cipher.AEAD, error) {
	if n := len(key); n != 32 && n != 48 && n != 64 {
		return nil, errors.New("siv: the key does not have 32, 48 or 64 bytes")
	}
	first, err := aes.NewCipher(key[:len(key)/2])
	if err != nil {
		return nil, err
	}
	second, err := aes.NewCipher(key[len(key)/2:])
	if err != nil {
		return nil, err
	}
	mac, err := cmac.New(first)
	if err != nil {
		return nil, err
	}
	return &aead{mac, second}, nil
}

// NonceSize gives the length of the nonces to draw, 16 bytes.
func (a *aead) NonceSize() int { return NonceSize }

// Overhead gives 16.
func (a *aead) Overhead() int { return Overhead }

// s2v is S2V of section 2.4 over the associated data, the nonce if there is one, and the message.
func (a *aead) s2v(additional, nonce, message []byte) (v [Overhead]byte) {
	m := *a.mac
	sum := func(in ...[]byte) (out [Overhead]byte) {
		m.Reset()
		for _, part := range in {
			m.Write(part)
		}
		m.Sum(out[:0])
		return out
	}
	d := sum(v[:])
	components := [][]byte{additional, nonce}
	if len(nonce) == 0 {
		components = components[:1]
	}
	for _, s := range components {
		d = cmac.Double(d)
		c := sum(s)
		subtle.XORBytes(d[:], d[:], c[:])
	}
	if n := len(message) - Overhead; n >= 0 {
		subtle.XORBytes(d[:], d[:], message[n:])
		return sum(message[:n], d[:])
	}
	d = cmac.Double(d)
	subtle.XORBytes(d[:], d[:], message)
	d[len(message)] ^= 0x80
	return sum(d[:])
}

// xor is CTR with two bits of the synthetic IV cleared (section 2.5).
func (a *aead) xor(v [Overhead]byte, dst, src []byte) {
	v[8] &= 0x7f
	v[12] &= 0x7f
	cipher.NewCTR(a.block, v[:]).XORKeyStream(dst, src)
}

// Seal appends C ‖ V to dst. plaintext and the room behind dst must not overlap.
func (a *aead) Seal(dst, nonce, plaintext, additional []byte) []byte {
	v := a.s2v(additional, nonce, plaintext)
	start := len(dst)
	dst = append(dst, plaintext...)
	a.xor(v, dst[start:], dst[start:])
	return append(dst, v[:]...)
}

// Open appends the message to dst, or gives nil and one error whatever was wrong.
func (a *aead) Open(dst, nonce, ciphertext, additional []byte) ([]byte, error) {
	n := len(ciphertext) - Overhead
	if n < 0 {
		return nil, errOpen
	}
	v := [Overhead]byte(ciphertext[n:])
	start := len(dst)
	dst = append(dst, ciphertext[:n]...)
	out := dst[start:]
	a.xor(v, out, out)
	if want := a.s2v(additional, nonce, out); subtle.ConstantTimeCompare(want[:], v[:]) != 1 {
		clear(out)
		return nil, errOpen
	}
	return dst, nil
}
