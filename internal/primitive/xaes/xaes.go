// Package xaes is XAES-256-GCM: AES-256-GCM with a 256-bit key and a 192-bit nonce, which is long enough to be drawn
// at random for any number of messages (C2SP, c2sp.org/XAES-256-GCM). It is built from the standard library's AES and
// GCM and keeps their constant-time promises.
package xaes

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"errors"
)

// Sizes in bytes.
const (
	KeySize   = 32
	NonceSize = 24
	Overhead  = 16 // of the tag that Seal appends
)

// errOpen is the one error of every failed Open: it tells nothing about why.
var errOpen = errors.New("xaes: message authentication failed")

type aead struct {
	block cipher.Block        // AES-256 under the key
	k1    [aes.BlockSize]byte // the CMAC subkey of NIST SP 800-38B, 6.1
}

// New makes an AEAD from a key of KeySize bytes. The key is copied into the AES key schedule, on the Go heap. The AEAD
// is safe for concurrent use; its Seal and Open panic when the nonce does not have NonceSize bytes, as GCM's do.
func New(key []byte) (cipher.AEAD, error) {
	if len(key) != KeySize {
		return nil, errors.New("xaes: the key does not have 32 bytes")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	a := &aead{block: block}
	a.k1 = double(block)
	return a, nil
}

// double gives L = AES-256(key, 0^128) times x in GF(2^128).
func double(block cipher.Block) [aes.BlockSize]byte {
	var l, k1 [aes.BlockSize]byte
	block.Encrypt(l[:], l[:])
	for i := range l {
		k1[i] = l[i] << 1
		if i+1 < len(l) {
			k1[i] |= l[i+1] >> 7
		}
	}
	k1[len(k1)-1] ^= byte(subtle.ConstantTimeSelect(int(l[0]>>7), 0x87, 0))
	return k1
}

// derive gives the AES-256-GCM of the first 12 bytes of the nonce: the key is CMAC of 0x00 counter "X" 0x00 nonce[:12]
// for counter 1 and 2, and each of those messages is one whole block.
func (a *aead) derive(nonce []byte) cipher.AEAD {
	if len(nonce) != NonceSize {
		panic("xaes: the nonce does not have 24 bytes")
	}
	var key [KeySize]byte
	for i, half := range [][]byte{key[:16], key[16:]} {
		copy(half, []byte{0, byte(i + 1), 'X', 0})
		copy(half[4:], nonce[:12])
		subtle.XORBytes(half, half, a.k1[:])
		a.block.Encrypt(half, half)
	}
	block, err := aes.NewCipher(key[:])
	clear(key[:])
	if err != nil {
		panic(err) // the key has 32 bytes
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // the block has 16 bytes
	}
	return gcm
}

func (a *aead) NonceSize() int { return NonceSize }

func (a *aead) Overhead() int { return Overhead }

func (a *aead) Seal(dst, nonce, plaintext, additional []byte) []byte {
	return a.derive(nonce).Seal(dst, nonce[12:], plaintext, additional)
}

func (a *aead) Open(dst, nonce, ciphertext, additional []byte) ([]byte, error) {
	out, err := a.derive(nonce).Open(dst, nonce[12:], ciphertext, additional)
	if err != nil {
		return nil, errOpen
	}
	return out, nil
}
