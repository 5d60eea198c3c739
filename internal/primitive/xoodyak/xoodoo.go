package xoodyak

import (
	"encoding/binary"
	"math/bits"
)

// width is the size of the state in bytes.
const width = 48

// constants are those of the twelve rounds (Xoodyak specification, table 3).
var constants = [12]uint32{0x58, 0x38, 0x3c0, 0xd0, 0x120, 0x14, 0x60, 0x2c, 0x380, 0xf0, 0x1a0, 0x12}

// permute is Xoodoo[12] (specification, section 3): three planes of four lanes, bytes least significant first.
func permute(s *[width]byte) {
	var a [3][4]uint32
	for i := range 12 {
		a[i/4][i%4] = binary.LittleEndian.Uint32(s[4*i:])
	}
	for _, constant := range constants {
		var e, b [4]uint32
		for x := range e { // θ
			p := a[0][(x+3)%4] ^ a[1][(x+3)%4] ^ a[2][(x+3)%4]
			e[x] = bits.RotateLeft32(p, 5) ^ bits.RotateLeft32(p, 14)
		}
		for x := range e {
			a[0][x] ^= e[x]
			b[x] = a[1][x] ^ e[x]
			a[2][x] = bits.RotateLeft32(a[2][x]^e[x], 11) // ρ west
		}
		a[1] = [4]uint32{b[3], b[0], b[1], b[2]} // ρ west
		a[0][0] ^= constant                      // ι
		var c [4]uint32
		for x := range e { // χ and ρ east
			a0, a1, a2 := a[0][x], a[1][x], a[2][x]
			a[0][x] = a0 ^ a2&^a1
			a[1][x] = bits.RotateLeft32(a1^a0&^a2, 1)
			c[(x+2)%4] = bits.RotateLeft32(a2^a1&^a0, 8)
		}
		a[2] = c
	}
	for i := range 12 {
		binary.LittleEndian.PutUint32(s[4*i:], a[i/4][i%4])
	}
}
