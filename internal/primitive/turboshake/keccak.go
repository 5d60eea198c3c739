package turboshake

import "math/bits"

// rounds are the constants of the last 12 rounds of Keccak-f[1600] (FIPS 202 section 3.2.5), which are the rounds of
// Keccak-p[1600, 12].
var rounds = [12]uint64{
	0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003, 0x8000000000008002, 0x8000000000000080,
	0x000000000000800a, 0x800000008000000a, 0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
}

// permute is Keccak-p[1600, 12] (FIPS 202 section 3.3). Lane (x, y) is a[x+5y].
func permute(a *[25]uint64) {
	var b [25]uint64
	for _, constant := range rounds {
		c0 := a[0] ^ a[5] ^ a[10] ^ a[15] ^ a[20]
		c1 := a[1] ^ a[6] ^ a[11] ^ a[16] ^ a[21]
		c2 := a[2] ^ a[7] ^ a[12] ^ a[17] ^ a[22]
		c3 := a[3] ^ a[8] ^ a[13] ^ a[18] ^ a[23]
		c4 := a[4] ^ a[9] ^ a[14] ^ a[19] ^ a[24]
		d0, d1 := c4^bits.RotateLeft64(c1, 1), c0^bits.RotateLeft64(c2, 1)
		d2, d3 := c1^bits.RotateLeft64(c3, 1), c2^bits.RotateLeft64(c4, 1)
		d4 := c3 ^ bits.RotateLeft64(c0, 1)
		// θ, ρ and π: lane (x, y) goes to (y, 2x+3y), turned by its offset.
		b[0] = a[0] ^ d0
		b[10], b[20] = bits.RotateLeft64(a[1]^d1, 1), bits.RotateLeft64(a[2]^d2, 62)
		b[5], b[15] = bits.RotateLeft64(a[3]^d3, 28), bits.RotateLeft64(a[4]^d4, 27)
		b[16], b[1] = bits.RotateLeft64(a[5]^d0, 36), bits.RotateLeft64(a[6]^d1, 44)
		b[11], b[21] = bits.RotateLeft64(a[7]^d2, 6), bits.RotateLeft64(a[8]^d3, 55)
		b[6], b[7] = bits.RotateLeft64(a[9]^d4, 20), bits.RotateLeft64(a[10]^d0, 3)
		b[17], b[2] = bits.RotateLeft64(a[11]^d1, 10), bits.RotateLeft64(a[12]^d2, 43)
		b[12], b[22] = bits.RotateLeft64(a[13]^d3, 25), bits.RotateLeft64(a[14]^d4, 39)
		b[23], b[8] = bits.RotateLeft64(a[15]^d0, 41), bits.RotateLeft64(a[16]^d1, 45)
		b[18], b[3] = bits.RotateLeft64(a[17]^d2, 15), bits.RotateLeft64(a[18]^d3, 21)
		b[13], b[14] = bits.RotateLeft64(a[19]^d4, 8), bits.RotateLeft64(a[20]^d0, 18)
		b[24], b[9] = bits.RotateLeft64(a[21]^d1, 2), bits.RotateLeft64(a[22]^d2, 61)
		b[19], b[4] = bits.RotateLeft64(a[23]^d3, 56), bits.RotateLeft64(a[24]^d4, 14)
		for y := 0; y < 25; y += 5 { // χ
			e0, e1, e2, e3, e4 := b[y], b[y+1], b[y+2], b[y+3], b[y+4]
			a[y] = e0 ^ e2&^e1
			a[y+1] = e1 ^ e3&^e2
			a[y+2] = e2 ^ e4&^e3
			a[y+3] = e3 ^ e0&^e4
			a[y+4] = e4 ^ e1&^e0
		}
		a[0] ^= constant
	}
}
