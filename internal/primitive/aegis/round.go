package aegis

import (
	"encoding/binary"
	"math/bits"
)

// block is one AES block as two words, least significant byte first.
type block struct{ lo, hi uint64 }

func load(b []byte) block {
	return block{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])}
}

func (b block) store(dst []byte) {
	binary.LittleEndian.PutUint64(dst, b.lo)
	binary.LittleEndian.PutUint64(dst[8:], b.hi)
}

func (b block) xor(c block) block { return block{b.lo ^ c.lo, b.hi ^ c.hi} }

func (b block) and(c block) block { return block{b.lo & c.lo, b.hi & c.hi} }

// rounds applies one AES round without a key (FIPS 197 section 5.1: SubBytes, ShiftRows, MixColumns) to four blocks at
// once. The bits of equal weight of all 64 bytes are gathered in one word each, so that there are no tables and no
// branches: its time tells nothing. The representation is that of Käsper and Schwabe (CHES 2009) for 64-bit words.
func rounds(b *[4]block) {
	var q [8]uint64
	for i := range b {
		q[i], q[i+4] = spread(b[i])
	}
	transpose(&q)
	substitute(&q)
	shiftRows(&q)
	mixColumns(&q)
	transpose(&q)
	for i := range b {
		b[i] = gather(q[i], q[i+4])
	}
}

const (
	evenBytes = 0x00ff00ff00ff00ff
	evenPairs = 0x0000ffff0000ffff
)

// spread interleaves a block's columns: even and odd ones, byte by byte.
func spread(b block) (even, odd uint64) {
	widen := func(x uint64) uint64 {
		x &= 0xffffffff
		x = (x | x<<16) & evenPairs
		return (x | x<<8) & evenBytes
	}
	return widen(b.lo) | widen(b.hi)<<8, widen(b.lo>>32) | widen(b.hi>>32)<<8
}

// gather is the reverse of spread.
func gather(even, odd uint64) block {
	narrow := func(x uint64) uint64 {
		x &= evenBytes
		x = (x | x>>8) & evenPairs
		return (x | x>>16) & 0xffffffff
	}
	return block{narrow(even) | narrow(odd)<<32, narrow(even>>8) | narrow(odd>>8)<<32}
}

// exchange swaps the bits of y under mask with those of x above them by shift.
func exchange(x, y *uint64, mask uint64, shift int) {
	t := (*x>>shift ^ *y) & mask
	*x ^= t << shift
	*y ^= t
}

// transpose turns eight words of bytes into eight words of bits and back.
func transpose(q *[8]uint64) {
	for i := 0; i < 8; i += 2 {
		exchange(&q[i], &q[i+1], 0x5555555555555555, 1)
	}
	for _, i := range [4]int{0, 1, 4, 5} {
		exchange(&q[i], &q[i+2], 0x3333333333333333, 2)
	}
	for i := range 4 {
		exchange(&q[i], &q[i+4], 0x0f0f0f0f0f0f0f0f, 4)
	}
}

// shiftRows moves the nibbles that hold one byte of each of the four blocks.
func shiftRows(q *[8]uint64) {
	for i, x := range q {
		q[i] = x&0x000000000000ffff |
			x&0x00000000fff00000>>4 | x&0x00000000000f0000<<12 |
			x&0x0000ff0000000000>>8 | x&0x000000ff00000000<<8 |
			x&0xf000000000000000>>12 | x&0x0fff000000000000<<4
	}
}

// mixColumns multiplies each column by the polynomial of FIPS 197 section 5.1.3; rows are 16 bits apart.
func mixColumns(q *[8]uint64) {
	var r, s [8]uint64
	for i, x := range q {
		r[i] = bits.RotateLeft64(x, -16)
		s[i] = bits.RotateLeft64(x^r[i], 32)
	}
	top := q[7] ^ r[7]
	p := *q
	q[0] = top ^ r[0] ^ s[0]
	q[1] = p[0] ^ r[0] ^ top ^ r[1] ^ s[1]
	q[2] = p[1] ^ r[1] ^ r[2] ^ s[2]
	q[3] = p[2] ^ r[2] ^ top ^ r[3] ^ s[3]
	q[4] = p[3] ^ r[3] ^ top ^ r[4] ^ s[4]
	q[5] = p[4] ^ r[4] ^ r[5] ^ s[5]
	q[6] = p[5] ^ r[5] ^ r[6] ^ s[6]
	q[7] = p[6] ^ r[6] ^ r[7] ^ s[7]
}
