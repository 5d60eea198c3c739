// Package cmac is the cipher-based message authentication code of NIST SP 800-38B over a block cipher of 16 bytes, such
// as AES. Its time depends on the length of the message alone, as far as that of the block cipher does.
package cmac

import (
	"crypto/cipher"
	"crypto/subtle"
	"errors"
	"hash"
)

// Size is the length of a code and of the cipher's block, in bytes.
const Size = 16

// MAC is a hash.Hash that can be copied. Not safe for concurrent use; copies share only the block cipher.
type MAC struct {
	block  cipher.Block
	k1, k2 [Size]byte // subkeys, section 6.1
	sum    [Size]byte // of all blocks before last
	last   [Size]byte // the block that may be the final one
	n      int        // bytes in last
}

var _ hash.Cloner = (*MAC)(nil)

// New makes a MAC that keeps block. A block cipher with blocks of another size than 16 bytes is an error.
func New(block cipher.Block) (*MAC, error) {
	if block.BlockSize() != Size {
		return nil, errors.New("cmac: the block cipher does not have blocks of 16 bytes")
	}
	m := &MAC{block: block}
	block.Encrypt(m.k1[:], m.k1[:])
	m.k1 = Double(m.k1)
	m.k2 = Double(m.k1)
	return m, nil
}

// Double multiplies by x in GF(2^128) as section 6.1 step 2 does, most significant byte first, in constant time.
func Double(in [Size]byte) (out [Size]byte) {
	carry := byte(0)
	for i := Size - 1; i >= 0; i-- {
		out[i] = in[i]<<1 | carry
		carry = in[i] >> 7
	}
	out[Size-1] ^= byte(subtle.ConstantTimeSelect(int(carry), 0x87, 0))
	return out
}

// Write takes the next part of the message; it never fails.
func (m *MAC) Write(p []byte) (int, error) {
	total := len(p)
	for len(p) > 0 {
		if m.n == Size {
			subtle.XORBytes(m.sum[:], m.sum[:], m.last[:])
			m.block.Encrypt(m.sum[:], m.sum[:])
			m.n = 0
		}
		n := copy(m.last[m.n:], p)
		m.n, p = m.n+n, p[n:]
	}
	return total, nil
}

// Sum appends the code of what was written, 16 bytes, and leaves the state as it was.
func (m *MAC) Sum(dst []byte) []byte {
	var final [Size]byte
	key := &m.k1
	copy(final[:], m.last[:m.n])
	if m.n < Size {
		final[m.n] = 0x80
		key = &m.k2
	}
	subtle.XORBytes(final[:], final[:], key[:])
	start := len(dst)
	dst = append(dst, m.sum[:]...)
	out := dst[start:]
	subtle.XORBytes(out, out, final[:])
	m.block.Encrypt(out, out)
	return dst
}

// Reset forgets the message and keeps the key.
func (m *MAC) Reset() {
	clear(m.sum[:])
	clear(m.last[:])
	m.n = 0
}

// Size gives 16.
func (m *MAC) Size() int { return Size }

// BlockSize gives 16.
func (m *MAC) BlockSize() int { return Size }

// Clone copies the state.
func (m *MAC) Clone() (hash.Cloner, error) {
	c := *m
	return &c, nil
}
