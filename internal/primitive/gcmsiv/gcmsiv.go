// Package gcmsiv is AES-GCM-SIV (RFC 8452): authenticated encryption with a 96-bit nonce, whose repetition tells no more
// than that two messages were the same. AES is the standard library's; POLYVAL has no tables and no branches on secrets.
package gcmsiv

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"errors"
)

// Sizes in bytes.
const (
	NonceSize = 12
	Overhead  = 16 // of the tag that Seal appends
)

// MaxMessage is the longest message and the longest associated data in bytes (RFC 8452 section 6).
const MaxMessage = 1 << 36

// errOpen is the one error of every failed Open: it tells nothing about why.
var errOpen = errors.New("gcmsiv: message authentication failed")

type aead struct {
	block cipher.Block // under the key-generating key
	size  int          // of the key
}

// New makes AES-GCM-SIV with a key of 16 or 32 bytes, which is copied into an AES key schedule on the Go heap. The AEAD
// is safe for concurrent use; its Seal and Open panic when the nonce does not have NonceSize bytes, as GCM's do.
func New(key []byte) (cipher.AEAD, error) {
	if len(key) != 16 && len(key) != 32 {
		return nil, errors.New("gcmsiv: the key does not have 16 or 32 bytes")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return &aead{block, len(key)}, nil
}

// NonceSize gives 12.
func (a *aead) NonceSize() int { return NonceSize }

// Overhead gives 16.
func (a *aead) Overhead() int { return Overhead }

// derive gives the message-authentication key and AES under the message-encryption key of a nonce (section 4).
func (a *aead) derive(nonce []byte) (element, cipher.Block) {
	if len(nonce) != NonceSize {
		panic("gcmsiv: the nonce does not have 12 bytes")
	}
	var keys [48]byte
	var in, out [aes.BlockSize]byte
	copy(in[4:], nonce)
	for i := range (16 + a.size) / 8 {
		binary.LittleEndian.PutUint32(in[:], uint32(i))
		a.block.Encrypt(out[:], in[:])
		copy(keys[8*i:], out[:8])
	}
	defer clear(keys[:])
	block, err := aes.NewCipher(keys[16 : 16+a.size])
	if err != nil {
		panic(err) // the key has 16 or 32 bytes
	}
	return load(keys[:16]), block
}

// tag is section 4: POLYVAL over associated data, message and lengths, the nonce, and AES over it.
func tag(key element, block cipher.Block, nonce, plaintext, additional []byte) (t [Overhead]byte) {
	p := polyval{key: key}
	p.padded(additional)
	p.padded(plaintext)
	var lengths [16]byte
	binary.LittleEndian.PutUint64(lengths[:], 8*uint64(len(additional)))
	binary.LittleEndian.PutUint64(lengths[8:], 8*uint64(len(plaintext)))
	p.block(lengths[:])
	binary.LittleEndian.PutUint64(t[:], p.sum.lo)
	binary.LittleEndian.PutUint64(t[8:], p.sum.hi)
	subtle.XORBytes(t[:], t[:], nonce)
	t[15] &= 0x7f
	block.Encrypt(t[:], t[:])
	return t
}

// xor is AES-CTR with a 32-bit little-endian counter in the first four bytes (section 4), in place.
func xor(block cipher.Block, t [Overhead]byte, b []byte) {
	t[15] |= 0x80
	counter := binary.LittleEndian.Uint32(t[:])
	var stream [aes.BlockSize]byte
	for len(b) > 0 {
		binary.LittleEndian.PutUint32(t[:], counter)
		block.Encrypt(stream[:], t[:])
		b = b[subtle.XORBytes(b, b, stream[:]):]
		counter++
	}
}

// Seal appends the ciphertext and the tag to dst. It panics for more than MaxMessage bytes.
func (a *aead) Seal(dst, nonce, plaintext, additional []byte) []byte {
	if uint64(len(plaintext)) > MaxMessage || uint64(len(additional)) > MaxMessage {
		panic("gcmsiv: message too long")
	}
	key, block := a.derive(nonce)
	t := tag(key, block, nonce, plaintext, additional)
	start := len(dst)
	dst = append(dst, plaintext...)
	xor(block, t, dst[start:])
	return append(dst, t[:]...)
}

// Open appends the message to dst, or gives nil and one error whatever was wrong.
func (a *aead) Open(dst, nonce, ciphertext, additional []byte) ([]byte, error) {
	n := len(ciphertext) - Overhead
	key, block := a.derive(nonce)
	if n < 0 || uint64(n) > MaxMessage || uint64(len(additional)) > MaxMessage {
		return nil, errOpen
	}
	t := [Overhead]byte(ciphertext[n:])
	start := len(dst)
	dst = append(dst, ciphertext[:n]...)
	out := dst[start:]
	xor(block, t, out)
	if want := tag(key, block, nonce, out, additional); subtle.ConstantTimeCompare(want[:], t[:]) != 1 {
		clear(out)
		return nil, errOpen
	}
	return dst, nil
}
