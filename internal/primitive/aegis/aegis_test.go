package aegis

import (
	"bytes"
	"encoding/hex"
	"strings"
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

// vector is one of appendix A of draft-irtf-cfrg-aegis-aead. Bytes are hexadecimal.
type vector struct {
	name                       string
	variant                    Variant
	key, nonce, additional, in string
	out, short, long           string
}

const (
	key1   = "10010000000000000000000000000000"
	nonce1 = "10000200000000000000000000000000"
	zero   = "00000000000000000000000000000000"
	count  = "000102030405060708090a0b0c0d0e0f"
	count1 = "101112131415161718191a1b1c1d1e1f"
	count2 = "202122232425262728292a2b2c2d2e2f"
)

func vectors() []vector {
	four, five := strings.Repeat("04050607", 30), strings.Repeat("05060708", 30)
	return []vector{
		{"128L 1", AEGIS128L(), key1, nonce1, "", zero, "c1c0e58bd913006feba00f4b3cc3594e", "abe0ece80c24868a226a35d16bdae37a",
			"25835bfbb21632176cf03840687cb968cace4617af1bd0f7d064c639a5c79ee4"},
		{"256 1", AEGIS256(), key1 + zero, nonce1 + zero, "", zero, "754fc3d8c973246dcc6d741412a4b236", "3fe91994768b332ed7f570a19ec5896e",
			"1181a1d18091082bf0266f66297d167d2e68b845f61a3b0527d31fc7b7b89f13"},
		{"256 2", AEGIS256(), key1 + zero, nonce1 + zero, "", "", "", "e3def978a0f054afd1e761d7553afba3",
			"6a348c930adbd654896e1666aad67de989ea75ebaa2b82fb588977b1ffec864a"},
		{"256 4", AEGIS256(), key1 + zero, nonce1 + zero, "0001020304050607", count[:28], "f373079ed84b2709faee37358458", "c60b9c2d33ceb058f96e6dd03c215652",
			"8c1cc703c81281bee3f6d9966e14948b4a175b2efbdc31e61a98b4465235c2d9"},
		{"256 5", AEGIS256(), key1 + zero, nonce1 + zero, count + count1 + count2[:20], count1 + count2 + "3031323334353637",
			"57754a7d09963e7c787583a2e7b859bb24fa1e04d49fd550b2511a358e3bca252a9b1b8b30cc4a67", "ab8a7d53fd0e98d727accca94925e128",
			"a3aca270c006094d71c20e6910b5161c0826df233d08919a566ec2c05990f734"},
		{"128X2 1", AEGIS128X2(), count, count1, "", "", "", "63117dc57756e402819a82e13eca8379", "b92c71fdbd358b8a4de70b27631ace90cffd9b9cfba82028412bac41b4f53759"},
		{"128X2 2", AEGIS128X2(), count, count1, "0102030401020304", four,
			"5795544301997f93621b278809d6331b3bfa6f18e90db12c4aa35965b5e98c5fc6fb4e54bcb6111842c20637252eff747cb3a8f85b37de80919a589fe0f24872" +
				"bc926360696739e05520647e390989e1eb5fd42f99678a0276a498f8c454761c9d6aacb647ad56be62b29c22cd4b5761b38f43d5a5ee062f",
			"1aebc200804f405cab637f2adebb6d77", "c471876f9b4978c44f2ae1ce770cdb11a094ee3feca64e7afcd48bfe52c60eca"},
		{"128X4 1", AEGIS128X4(), count, count1, "", "", "", "5bef762d0947c00455b97bb3af30dfa3", "a4b25437f4be93cfa856a2f27e4416b42cac79fd4698f2cdbe6af25673e10a68"},
		{"128X4 2", AEGIS128X4(), count, count1, "0102030401020304", four,
			"e836118562f4479c9d35c17356a833114c21f9aa39e4dda5e5c87f4152a00fce9a7c38f832eafe8b1c12f8a7cf12a81a1ad8a9c24ba9dedfbdaa586ffea67ddc" +
				"801ea97d9ab4a872f42d0e352e2713dacd609f9442c17517c5a29daf3e2a3fac4ff6b1380c4e46df7b086af6ce6bc1ed594b8dd64aed2a7e",
			"0e56ab94e2e85db80f9d54010caabfb4", "69abf0f64a137dd6e122478d777e98bc422823006cf57f5ee822dd78397230b2"},
		{"256X2 1", AEGIS256X2(), count + count1, count1 + count2, "", "", "", "62cdbab084c83dacdb945bb446f049c8",
			"25d7e799b49a80354c3f881ac2f1027f471a5d293052bd9997abd3ae84014bb7"},
		{"256X2 2", AEGIS256X2(), count + count1, count1 + count2, "0102030401020304", five,
			"73110d21a920608fd77b580f1e4428087a7365cb153b4eeca6b62e1a70f7f9a8d1f31f17da4c3acfacb2517f2f5e15758c35532e33751a964d18d29a599d2dc0" +
				"7f9378339b9d8c9fa03d30a4d7837cc8eb8b99bcbba2d11cd1a0f994af2b8f947ef18473bd519e5283736758480abc990e79d4ccab93dde9",
			"94a3bd44ad3381e36335014620ee638e", "0392c62b17ddb00c172a010b5a327d0f97317b6fbaee31ef741f004d7adc1e81"},
		{"256X4 1", AEGIS256X4(), count + count1, count1 + count2, "", "", "", "3b7fee6cee7bf17888ad11ed2397beb4",
			"6093a1a8aab20ec635dc1ca71745b01b5bec4fc444c9ffbebd710d4a34d20eaf"},
		{"256X4 2", AEGIS256X4(), count + count1, count1 + count2, "0102030401020304", five,
			"bec109547f8316d598b3b7d947ad4c0ef5b98e217cffa0d858ad49ae34109a95abc5b5fada820c4d6ae2fca0f5e2444e52a04a1edb7bec71408de3e199500521" +
				"94506be3ba6a4de51a15a577ea0e4c14f7539a13e751a555f48d0f49fecffb220525e60d381e2efa803b09b7164ba59fdc66656affd51e06",
			"ec44b512d713f745547be345bcc66b6c", "ba3168ecd7f7120c5e204a7e0d616e395675ddfe00e4e5490a5ba93bb1a70555"},
	}
}

func TestVectorsOfTheDraft(t *testing.T) {
	for _, v := range vectors() {
		for tag, end := range map[int]string{ShortTag: v.short, LongTag: v.long} {
			a, err := New(v.variant, unhex(t, v.key), tag)
			if err != nil {
				t.Fatal(err)
			}
			sealed := a.Seal([]byte("x"), unhex(t, v.nonce), unhex(t, v.in), unhex(t, v.additional))
			if got := hex.EncodeToString(sealed[1:]); got != v.out+end {
				t.Errorf("%s with a tag of %d: got %s, want %s", v.name, tag, got, v.out+end)
			}
			opened, err := a.Open([]byte("y"), unhex(t, v.nonce), sealed[1:], unhex(t, v.additional))
			if err != nil || !bytes.Equal(opened[1:], unhex(t, v.in)) {
				t.Errorf("%s: it does not come back: %v", v.name, err)
			}
		}
	}
}

// Whatever the length, what was sealed comes back, and nothing comes of it when one bit is another.
func TestEveryBitCounts(t *testing.T) {
	for _, variant := range []Variant{AEGIS128L(), AEGIS128X2(), AEGIS128X4(), AEGIS256(), AEGIS256X2(), AEGIS256X4()} {
		a, err := New(variant, make([]byte, variant.KeySize()), ShortTag)
		if err != nil {
			t.Fatal(err)
		}
		nonce := make([]byte, a.NonceSize())
		for _, n := range []int{0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 300} {
			message, additional := bytes.Repeat([]byte{7}, n), bytes.Repeat([]byte{9}, n)
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
			if _, err := a.Open(nil, nonce, sealed[:ShortTag-1], additional); err == nil {
				t.Error("less than a tag was opened")
			}
		}
	}
}

func TestUnfitArgumentsAreRefused(t *testing.T) {
	for _, c := range []struct {
		variant   Variant
		size, tag int
	}{{AEGIS128L(), 32, 16}, {AEGIS256(), 16, 16}, {AEGIS128L(), 16, 8}, {AEGIS128L(), 16, 0}, {Variant{}, 16, 16}, {Variant{}, 32, 16}} {
		if _, err := New(c.variant, make([]byte, c.size), c.tag); err == nil {
			t.Errorf("a key of %d bytes with a tag of %d was taken", c.size, c.tag)
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	for name, variant := range map[string]Variant{"128L": AEGIS128L(), "128X4": AEGIS128X4(), "256": AEGIS256(), "256X2": AEGIS256X2()} {
		b.Run(name, func(b *testing.B) {
			a, err := New(variant, make([]byte, variant.KeySize()), ShortTag)
			if err != nil {
				b.Fatal(err)
			}
			plaintext, nonce, dst := make([]byte, 16384), make([]byte, a.NonceSize()), make([]byte, 0, 17000)
			b.SetBytes(16384)
			for b.Loop() {
				a.Seal(dst, nonce, plaintext, nil)
			}
		})
	}
}
