package ascon

import (
	"bytes"
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

func sequence(from, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(from + i)
	}
	return b
}

// Known answers of the designers' reference code (ascon-c, asconaead128, LWC_AEAD_KAT_128_128).
func TestAEADKnownAnswers(t *testing.T) {
	a, err := New(sequence(0, 16))
	if err != nil {
		t.Fatal(err)
	}
	nonce := sequence(16, 16)
	for _, c := range []struct{ additional, in, want string }{
		{"", "", "4f9c278211bec9316bf68f46ee8b2ec6"},
		{"30", "", "cccb674fe18a09a285d6ab11b35675c0"},
		{hex.EncodeToString(sequence(0x30, 32)), hex.EncodeToString(sequence(0x20, 32)),
			"cb34d04660a66dbfbe9c856601f5b8aa51a499b55ac8f7fbefbc331a613ee9cdfd191750a47f211c0a15ed28173d7caa"},
	} {
		sealed := a.Seal([]byte("x"), nonce, unhex(t, c.in), unhex(t, c.additional))
		if got := hex.EncodeToString(sealed[1:]); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
		opened, err := a.Open([]byte("y"), nonce, sealed[1:], unhex(t, c.additional))
		if err != nil || !bytes.Equal(opened[1:], unhex(t, c.in)) {
			t.Errorf("it does not come back: %v", err)
		}
	}
}

// Whatever the length, what was sealed comes back, and nothing comes of it when one bit is another.
func TestEveryBitCounts(t *testing.T) {
	a, err := New(sequence(0, 16))
	if err != nil {
		t.Fatal(err)
	}
	nonce := sequence(1, 16)
	for n := range 50 {
		message, additional := sequence(3, n), sequence(5, n)
		sealed := a.Seal(nil, nonce, message, additional)
		if opened, err := a.Open(nil, nonce, sealed, additional); err != nil || !bytes.Equal(opened, message) {
			t.Fatalf("%d bytes do not come back: %v", n, err)
		}
		for i := range sealed {
			sealed[i] ^= 0x10
			if out, err := a.Open(nil, nonce, sealed, additional); err == nil || out != nil {
				t.Fatalf("byte %d of %d altered, and still opened", i, n)
			}
			sealed[i] ^= 0x10
		}
		if _, err := a.Open(nil, nonce, sealed, append(additional, 0)); err == nil {
			t.Error("a byte more of associated data, and still opened")
		}
	}
	if _, err := a.Open(nil, nonce, make([]byte, Overhead-1), nil); err == nil {
		t.Error("less than a tag was opened")
	}
	if _, err := New(make([]byte, 20)); err == nil {
		t.Error("a key of 20 bytes was taken")
	}
}

// Known answers of the designers' reference code (ascon-c, LWC_HASH_KAT_128_256 and LWC_XOF_KAT_128_512): the message is
// 0, 1, 2 and so on.
func TestHashKnownAnswers(t *testing.T) {
	for _, c := range []struct {
		name string
		hash *Hash
		n    int
		want string
	}{
		{"hash", NewHash256(), 0, "0b3be5850f2f6b98caf29f8fdea89b64a1fa70aa249b8f839bd53baa304d92b2"},
		{"hash", NewHash256(), 1, "0728621035af3ed2bca03bf6fde900f9456f5330e4b5ee23e7f6a1e70291bc80"},
		{"hash", NewHash256(), 7, "3e4d273ba69b3b9c53216107e88b75cdbeedbcbf8faf0219c3928ab62b116577"},
		{"hash", NewHash256(), 8, "b88e497ae8e6fb641b87ef622eb8f2fca0ed95383f7ffebe167acf1099ba764f"},
		{"hash", NewHash256(), 32, "bd9d3d60a66b53868eab2a5c74539a518a1f60f01eb176c60e43dee81680b33e"},
		{"XOF", NewXOF128(), 0, "473d5e6164f58b39dfd84aacdb8ae42ec2d91fed33388ee0d960d9b3993295c6" +
			"ad77855a5d3b13fe6ad9e6098988373af7d0956d05a8f1665d2c67d1a3ad10ff"},
		{"XOF", NewXOF128(), 1, "51430e0438ecdf642b393630d977625f5f337656ba58ab1e960784ac32a16e0d" +
			"446405551f5469384f8ea283cf12e64fa72c426bfebaea3aa1529e2c4ab23a2f"},
	} {
		for range 2 {
			c.hash.Reset()
			c.hash.Write(sequence(0, c.n)[:c.n/2])
			c.hash.Write(sequence(0, c.n)[c.n/2:])
			got := make([]byte, len(c.want)/2)
			clone := c.hash.Clone()
			clone.Read(got[:5])
			clone.Read(got[5:])
			if hex.EncodeToString(got) != c.want {
				t.Errorf("%s of %d bytes: got %x, want %s", c.name, c.n, got, c.want)
			}
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	a, err := New(make([]byte, KeySize))
	if err != nil {
		b.Fatal(err)
	}
	plaintext, nonce, dst := make([]byte, 16384), make([]byte, NonceSize), make([]byte, 0, 17000)
	b.SetBytes(16384)
	for b.Loop() {
		a.Seal(dst, nonce, plaintext, nil)
	}
}
