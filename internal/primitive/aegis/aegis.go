// Package aegis is the AEGIS family of authenticated encryption (draft-irtf-cfrg-aegis-aead): AEGIS-128L, AEGIS-256 and
// their parallel forms X2 and X4. It is portable Go without tables and without branches on secrets; the AES rounds of all
// registers of the state are computed side by side.
//
// A nonce must not be used twice with one key. The nonces of AEGIS-256 are long enough to be drawn at random.
package aegis

import (
	"crypto/cipher"
	"crypto/subtle"
	"errors"
)

// Tag sizes in bytes, from which New chooses.
const (
	ShortTag = 16
	LongTag  = 32
)

// Variant is a member of the family. The zero value is none.
type Variant struct {
	registers int // of the state: 8 for AEGIS-128, 6 for AEGIS-256
	degree    int // blocks in each register: 1, 2 or 4
}

// AEGIS128L has a key and a nonce of 16 bytes each.
func AEGIS128L() Variant { return Variant{8, 1} }

// AEGIS128X2 is AEGIS-128L on two blocks at once.
func AEGIS128X2() Variant { return Variant{8, 2} }

// AEGIS128X4 is AEGIS-128L on four blocks at once.
func AEGIS128X4() Variant { return Variant{8, 4} }

// AEGIS256 has a key and a nonce of 32 bytes each.
func AEGIS256() Variant { return Variant{6, 1} }

// AEGIS256X2 is AEGIS-256 on two blocks at once.
func AEGIS256X2() Variant { return Variant{6, 2} }

// AEGIS256X4 is AEGIS-256 on four blocks at once.
func AEGIS256X4() Variant { return Variant{6, 4} }

// KeySize is the length of the key, and of the nonce, in bytes.
func (v Variant) KeySize() int {
	if v.registers == 8 {
		return 16
	}
	return 32
}

// rate is the number of bytes that one update takes.
func (v Variant) rate() int {
	if v.registers == 8 {
		return 32 * v.degree
	}
	return 16 * v.degree
}

// errOpen is the one error of every failed Open: it tells nothing about why.
var errOpen = errors.New("aegis: message authentication failed")

type aead struct {
	variant Variant
	key     [2]block // of a 16-byte key the first
	tag     int
}

// New makes an AEAD from a key of the variant's KeySize bytes, which is copied, with tags of ShortTag or LongTag bytes
// behind the ciphertext. It is safe for concurrent use; its Seal and Open panic when the nonce has another length than
// NonceSize, as GCM's do.
func New(v Variant, key []byte, tag int) (cipher.AEAD, error) {
	if v.degree == 0 || len(key) != v.KeySize() {
		return nil, errors.New("aegis: the key does not have the length of the variant")
	}
	if tag != ShortTag && tag != LongTag {
		return nil, errors.New("aegis: a tag has 16 or 32 bytes")
	}
	a := &aead{variant: v, tag: tag}
	for i := 0; i < len(key)/16; i++ {
		a.key[i] = load(key[16*i:])
	}
	return a, nil
}

// NonceSize gives 16 or 32.
func (a *aead) NonceSize() int { return a.variant.KeySize() }

// Overhead gives the length of the tag.
func (a *aead) Overhead() int { return a.tag }

// start makes the state of a nonce and takes the associated data.
func (a *aead) start(nonce, additional []byte) *state {
	if len(nonce) != a.NonceSize() {
		panic("aegis: the nonce has another length than the key")
	}
	s := &state{variant: a.variant}
	var n [2]block
	for i := 0; i < len(nonce)/16; i++ {
		n[i] = load(nonce[16*i:])
	}
	s.init(a.key, n)
	rate := a.variant.rate()
	var padded [128]byte
	for len(additional) > 0 {
		part := additional
		if len(part) < rate {
			clear(padded[copy(padded[:], part):])
			part, additional = padded[:rate], nil
		} else {
			additional = additional[rate:]
		}
		s.absorb(part[:rate])
	}
	return s
}

// Seal appends ciphertext and tag to dst.
func (a *aead) Seal(dst, nonce, plaintext, additional []byte) []byte {
	s := a.start(nonce, additional)
	start := len(dst)
	dst = append(dst, plaintext...)
	s.crypt(dst[start:], false)
	return s.finish(dst, len(additional), len(plaintext), a.tag)
}

// Open appends the message to dst, or gives nil and one error whatever was wrong.
func (a *aead) Open(dst, nonce, ciphertext, additional []byte) ([]byte, error) {
	s := a.start(nonce, additional)
	n := len(ciphertext) - a.tag
	if n < 0 {
		return nil, errOpen
	}
	given := ciphertext[n:]
	start := len(dst)
	dst = append(dst, ciphertext[:n]...)
	s.crypt(dst[start:], true)
	var room [LongTag]byte
	if want := s.finish(room[:0], len(additional), n, a.tag); subtle.ConstantTimeCompare(want, given) != 1 {
		clear(dst[start:])
		return nil, errOpen
	}
	return dst, nil
}
