package ascon

import "math/bits"

// state is the five words of SP 800-232 section 2.3.
type state [5]uint64

// permute is Ascon-p[rounds] (SP 800-232 section 3): the last rounds of twelve.
func (s *state) permute(rounds int) {
	x0, x1, x2, x3, x4 := s[0], s[1], s[2], s[3], s[4]
	for i := 12 - rounds; i < 12; i++ {
		x2 ^= uint64(0xf0 - 0x0f*i) // section 3.2
		// The substitution layer on 64 columns at once, section 3.3.
		x0 ^= x4
		x4 ^= x3
		x2 ^= x1
		t0, t1, t2, t3, t4 := x0^(^x1&x2), x1^(^x2&x3), x2^(^x3&x4), x3^(^x4&x0), x4^(^x0&x1)
		t1 ^= t0
		t0 ^= t4
		t3 ^= t2
		t2 = ^t2
		// The linear layer, section 3.4.
		x0 = t0 ^ bits.RotateLeft64(t0, -19) ^ bits.RotateLeft64(t0, -28)
		x1 = t1 ^ bits.RotateLeft64(t1, -61) ^ bits.RotateLeft64(t1, -39)
		x2 = t2 ^ bits.RotateLeft64(t2, -1) ^ bits.RotateLeft64(t2, -6)
		x3 = t3 ^ bits.RotateLeft64(t3, -10) ^ bits.RotateLeft64(t3, -17)
		x4 = t4 ^ bits.RotateLeft64(t4, -7) ^ bits.RotateLeft64(t4, -41)
	}
	*s = state{x0, x1, x2, x3, x4}
}

// word reads up to 8 bytes, least significant first.
func word(b []byte) (w uint64) {
	for i, c := range b {
		w |= uint64(c) << (8 * i)
	}
	return w
}
