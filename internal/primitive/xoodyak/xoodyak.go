package xoodyak

import (
	"crypto/cipher"
	"crypto/subtle"
	"errors"
)

// Sizes in bytes.
const (
	KeySize   = 16
	NonceSize = 16
	Overhead  = 16 // of the tag that Seal appends
	Size      = 32 // of a digest
)

// errOpen is the one error of every failed Open: it tells nothing about why.
var errOpen = errors.New("xoodyak: message authentication failed")

type aead struct{ key [KeySize]byte }

// NewAEAD makes the authenticated encryption of the submission (section 4.2) from a key of KeySize bytes, which is
// copied: the nonce is the first string absorbed, the associated data the second. A nonce must not be used twice with one key. The AEAD is safe for
// concurrent use; its Seal and Open panic when the nonce does not have NonceSize bytes, as GCM's do.
func NewAEAD(key []byte) (cipher.AEAD, error) {
	if len(key) != KeySize {
		return nil, errors.New("xoodyak: the key does not have 16 bytes")
	}
	return &aead{[KeySize]byte(key)}, nil
}

// NonceSize gives 16.
func (a *aead) NonceSize() int { return NonceSize }

// Overhead gives 16.
func (a *aead) Overhead() int { return Overhead }

func (a *aead) start(nonce, additional []byte) *Cyclist {
	if len(nonce) != NonceSize {
		panic("xoodyak: the nonce does not have 16 bytes")
	}
	c := New(a.key[:], nil, nil)
	c.Absorb(nonce)
	c.Absorb(additional)
	return c
}

// Seal appends ciphertext and tag to dst.
func (a *aead) Seal(dst, nonce, plaintext, additional []byte) []byte {
	c := a.start(nonce, additional)
	start := len(dst)
	dst = append(dst, plaintext...)
	c.Encrypt(dst[start:])
	var tag [Overhead]byte
	c.Squeeze(tag[:])
	return append(dst, tag[:]...)
}

// Open appends the message to dst, or gives nil and one error whatever was wrong.
func (a *aead) Open(dst, nonce, ciphertext, additional []byte) ([]byte, error) {
	c := a.start(nonce, additional)
	n := len(ciphertext) - Overhead
	if n < 0 {
		return nil, errOpen
	}
	given := ciphertext[n:]
	start := len(dst)
	dst = append(dst, ciphertext[:n]...)
	c.Decrypt(dst[start:])
	var tag [Overhead]byte
	c.Squeeze(tag[:])
	if subtle.ConstantTimeCompare(tag[:], given) != 1 {
		clear(dst[start:])
		return nil, errOpen
	}
	return dst, nil
}

// Hash is Xoodyak without a key on one message in parts: Write, then Read as much as is asked for, of which the first
// Size bytes are the digest of the submission (section 4.1). After the first Read another Write panics until Reset. Not
// safe for concurrent use. A copy of the value is a copy of the state.
type Hash struct {
	c       Cyclist
	held    [rateHash]byte
	n       int  // bytes held
	started bool // a block was absorbed
	reading bool
	at      int // bytes given of the current output block
}

// BlockSize gives 16.
func (h *Hash) BlockSize() int { return rateHash }

// Reset forgets the message.
func (h *Hash) Reset() { *h = Hash{} }

// Clone copies the state.
func (h *Hash) Clone() *Hash {
	c := *h
	return &c
}

// Write takes the next part of the message; it never fails.
func (h *Hash) Write(p []byte) (int, error) {
	if h.reading {
		panic("xoodyak: written to after output was read")
	}
	total := len(p)
	for len(p) > 0 {
		if h.n == rateHash {
			h.block()
		}
		n := copy(h.held[h.n:], p)
		h.n, p = h.n+n, p[n:]
	}
	return total, nil
}

// block absorbs what is held, as one block of a string.
func (h *Hash) block() {
	domain := byte(0x03)
	if h.started {
		domain = 0
	}
	h.c.absorb(h.held[:h.n], rateHash, domain)
	h.n, h.started = 0, true
}

// Read fills p with the next output; it never fails.
func (h *Hash) Read(p []byte) (int, error) {
	if !h.reading {
		h.block()
		h.c.goUp(0x40)
		h.reading = true
	}
	for i := range p {
		if h.at == rateHash {
			h.c.goDown(nil, 0)
			h.c.goUp(0)
			h.at = 0
		}
		p[i] = h.c.s[h.at]
		h.at++
	}
	return len(p), nil
}
