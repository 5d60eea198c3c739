package cmac

import (
	"bytes"
	"crypto/aes"
	"crypto/des"
	"encoding/hex"
	"testing"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const message = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"

// The examples of SP 800-38B appendix D, for AES-128 those of RFC 4493 section 4 too.
func TestExamplesOfTheStandard(t *testing.T) {
	for _, c := range []struct {
		key  string
		n    int
		want string
	}{
		{"2b7e151628aed2a6abf7158809cf4f3c", 0, "bb1d6929e95937287fa37d129b756746"},
		{"2b7e151628aed2a6abf7158809cf4f3c", 16, "070a16b46b4d4144f79bdd9dd04a287c"},
		{"2b7e151628aed2a6abf7158809cf4f3c", 40, "dfa66747de9ae63030ca32611497c827"},
		{"2b7e151628aed2a6abf7158809cf4f3c", 64, "51f0bebf7e3b9d92fc49741779363cfe"},
		{"8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b", 0, "d17ddf46adaacde531cac483de7a9367"},
		{"8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b", 40, "8a1de5be2eb31aad089a82e6ee908b0e"},
		{"603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", 0, "028962f61b7bf89efc6b551f4667d983"},
		{"603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", 40, "aaf3d8f1de5640c232f5b169b9c911e6"},
		{"603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", 64, "e1992190549f6ed5696a2c056c315410"},
	} {
		block, err := aes.NewCipher(unhex(t, c.key))
		if err != nil {
			t.Fatal(err)
		}
		m, err := New(block)
		if err != nil {
			t.Fatal(err)
		}
		in := unhex(t, message)[:c.n]
		for part := 1; part <= 17; part++ {
			m.Reset()
			for rest := in; len(rest) > 0; rest = rest[min(part, len(rest)):] {
				m.Write(rest[:min(part, len(rest))])
			}
			if got := m.Sum(nil); !bytes.Equal(got, unhex(t, c.want)) {
				t.Errorf("%d bytes in parts of %d: got %x, want %s", c.n, part, got, c.want)
			}
		}
	}
}

func TestACopyGoesItsOwnWay(t *testing.T) {
	block, err := aes.NewCipher(make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(block)
	if err != nil {
		t.Fatal(err)
	}
	m.Write([]byte("one"))
	before := m.Sum(nil)
	c, err := m.Clone()
	if err != nil {
		t.Fatal(err)
	}
	c.Write([]byte("two"))
	if !bytes.Equal(m.Sum(nil), before) || bytes.Equal(c.Sum(nil), before) {
		t.Error("the copy and the original are not apart")
	}
}

func TestBlocksOfAnotherSizeAreRefused(t *testing.T) {
	block, err := des.NewCipher(make([]byte, 8))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(block); err == nil {
		t.Error("a cipher with blocks of 8 bytes was taken")
	}
}
