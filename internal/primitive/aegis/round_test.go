package aegis

import (
	"crypto/aes"
	"math/rand/v2"
	"testing"
)

// double is multiplication by x in AES's field.
func double(b byte) byte { return b<<1 ^ b>>7*0x1b }

// oracle is one AES round without a key, byte by byte as FIPS 197 sections 5.1.1 to 5.1.3 describe it; its S-box is made
// from inverses in the field.
func oracle(t *testing.T) func([16]byte) [16]byte {
	t.Helper()
	var sbox [256]byte
	p, q := byte(1), byte(1) // q is the inverse of p throughout (FIPS 197 section 5.1.1)
	for first := true; first || p != 1; first = false {
		p ^= double(p)
		q ^= q << 1
		q ^= q << 2
		q ^= q << 4
		q ^= q >> 7 * 0x09
		rotate := func(n int) byte { return q<<n | q>>(8-n) }
		sbox[p] = q ^ rotate(1) ^ rotate(2) ^ rotate(3) ^ rotate(4) ^ 0x63
	}
	sbox[0] = 0x63
	return func(in [16]byte) (out [16]byte) {
		for c := range 4 {
			var s [4]byte
			for r := range s {
				s[r] = sbox[in[4*((c+r)%4)+r]]
			}
			for r := range s {
				out[4*c+r] = double(s[r]) ^ double(s[(r+1)%4]) ^ s[(r+1)%4] ^ s[(r+2)%4] ^ s[(r+3)%4]
			}
		}
		return out
	}
}

// The four blocks go through one round each, the S-box in every position included.
func TestRoundIsThatOfTheStandard(t *testing.T) {
	round := oracle(t)
	source := rand.New(rand.NewPCG(1, 2))
	for i := range 1000 {
		var b [4]block
		var want [4][16]byte
		for j := range b {
			var in [16]byte
			for k := range in {
				in[k] = byte(source.Uint32())
				if i < 256 {
					in[k] = byte(i)
				}
			}
			b[j] = load(in[:])
			want[j] = round(in)
		}
		rounds(&b)
		for j := range b {
			var got [16]byte
			b[j].store(got[:])
			if got != want[j] {
				t.Fatalf("block %d: got %x, want %x", j, got, want[j])
			}
		}
	}
}

// Ten rounds are AES-128 of crypto/aes, with the input and key of FIPS 197 appendix B. Only the last round differs by
// MixColumns, which is applied to the other side.
func TestRoundsMakeAES(t *testing.T) {
	key := [16]byte{0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c}
	// The key schedule of FIPS 197 appendix A.1, by its own S-box: that of one round of this package.
	schedule := [11][16]byte{key}
	sub := func(b byte) byte { // a column of four equal bytes is fixed by MixColumns, so the round is the S-box
		var in [16]byte
		for i := range in {
			in[i] = b
		}
		blocks := [4]block{load(in[:])}
		rounds(&blocks)
		return byte(blocks[0].lo)
	}
	for r, constant := 1, byte(1); r < 11; r, constant = r+1, double(constant) {
		last, next := schedule[r-1], &schedule[r]
		for i := range 4 {
			next[i] = last[i] ^ sub(last[12+(i+1)%4])
		}
		next[0] ^= constant
		for i := 4; i < 16; i++ {
			next[i] = last[i] ^ next[i-4]
		}
	}
	in := [16]byte{0x32, 0x43, 0xf6, 0xa8, 0x88, 0x5a, 0x30, 0x8d, 0x31, 0x31, 0x98, 0xa2, 0xe0, 0x37, 0x07, 0x34}
	state := [4]block{load(in[:]).xor(load(schedule[0][:]))}
	for r := 1; r < 11; r++ {
		rounds(&state)
		if r < 10 {
			state[0] = state[0].xor(load(schedule[r][:]))
		}
	}
	cipher, err := aes.NewCipher(key[:])
	if err != nil {
		t.Fatal(err)
	}
	var out [16]byte
	cipher.Encrypt(out[:], in[:])
	want := load(out[:]).xor(load(schedule[10][:]))
	var bytes [16]byte
	want.store(bytes[:])
	for c := 0; c < 16; c += 4 { // MixColumns of the last round, which crypto/aes leaves out
		s := [4]byte(bytes[c:])
		for r := range s {
			bytes[c+r] = double(s[r]) ^ double(s[(r+1)%4]) ^ s[(r+1)%4] ^ s[(r+2)%4] ^ s[(r+3)%4]
		}
	}
	if state[0] != load(bytes[:]) {
		t.Error("ten rounds are not those of crypto/aes")
	}
}

func BenchmarkRounds(b *testing.B) {
	var blocks [4]block
	b.SetBytes(64)
	for b.Loop() {
		rounds(&blocks)
	}
}
