package algorithm

import (
	"crypto/cipher"
	"crypto/subtle"
)

// NewBlockMode is CBC over the block cipher of the row (SP 800-38A section 6.2). iv has the
// row's IV bytes and is copied.
func (r *Row) NewBlockMode(block cipher.Block, iv []byte, decrypt bool) cipher.BlockMode {
	if decrypt {
		return cipher.NewCBCDecrypter(block, iv)
	}
	return cipher.NewCBCEncrypter(block, iv)
}

// NewStream is CTR over the block cipher of a row that works both ways (SP 800-38A section
// 6.5); the whole IV is the counter.
func (r *Row) NewStream(block cipher.Block, iv []byte) cipher.Stream { return cipher.NewCTR(block, iv) }

// Pad fills block from n on as PKCS #7 has it (RFC 5652 section 6.3): len(block)-n bytes of
// that value, 0 <= n < len(block).
func Pad(block []byte, n int) {
	for i := n; i < len(block); i++ {
		block[i] = byte(len(block) - n)
	}
}

// Unpad gives the number of message bytes in a last block of at most 255 bytes, and whether
// its padding is right. Time depends on neither; ok is for the caller to look at once.
func Unpad(block []byte) (n int, ok bool) {
	size := len(block)
	if size == 0 || size > 255 {
		return 0, false
	}
	pad := int(block[size-1])
	good := subtle.ConstantTimeLessOrEq(1, pad) & subtle.ConstantTimeLessOrEq(pad, size)
	for i := range block {
		inside := subtle.ConstantTimeLessOrEq(size-i, pad)
		same := subtle.ConstantTimeByteEq(block[i], byte(pad))
		good &= subtle.ConstantTimeSelect(inside, same, 1)
	}
	return size - pad, good == 1
}
