package kmac

import (
	"bytes"
	"encoding/hex"
	"testing"
)

func sequence(from, to int) []byte {
	var b []byte
	for i := from; i <= to; i++ {
		b = append(b, byte(i))
	}
	return b
}

// Samples 1 to 6 of NIST's KMAC_samples for SP 800-185.
func TestSamplesOfTheStandard(t *testing.T) {
	key, tagged := sequence(0x40, 0x5f), []byte("My Tagged Application")
	for _, c := range []struct {
		name   string
		make   func([]byte, int, []byte) (*MAC, error)
		size   int
		in     []byte
		custom []byte
		want   string
	}{
		{"sample 1", New128, 32, sequence(0, 3), nil, "e5780b0d3ea6f7d3a429c5706aa43a00fadbd7d49628839e3187243f456ee14e"},
		{"sample 2", New128, 32, sequence(0, 3), tagged, "3b1fba963cd8b0b59e8c1a6d71888b7143651af8ba0a7070c0979e2811324aa5"},
		{"sample 3", New128, 32, sequence(0, 199), tagged, "1f5b4e6cca02209e0dcb5ca635b89a15e271ecc760071dfd805faa38f9729230"},
		{"sample 4", New256, 64, sequence(0, 3), tagged,
			"20c570c31346f703c9ac36c61c03cb64c3970d0cfc787e9b79599d273a68d2f7f69d4cc3de9d104a351689f27cf6f5951f0103f33f4f24871024d9c27773a8dd"},
		{"sample 5", New256, 64, sequence(0, 199), nil,
			"75358cf39e41494e949707927cee0af20a3ff553904c86b08f21cc414bcfd691589d27cf5e15369cbbff8b9a4c2eb17800855d0235ff635da82533ec6b759b69"},
		{"sample 6", New256, 64, sequence(0, 199), tagged,
			"b58618f71f92e1d56c1b8c55ddd7cd188b97b4ca4d99831eb2699a837da2e4d970fbacfde50033aea585f1a2708510c32d07880801bd182898fe476876fc8965"},
	} {
		m, err := c.make(key, c.size, c.custom)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			m.Reset()
			m.Write(c.in[:1])
			m.Sum(nil)
			m.Write(c.in[1:])
			if got := hex.EncodeToString(m.Sum(nil)); got != c.want {
				t.Errorf("%s: got %s, want %s", c.name, got, c.want)
			}
		}
	}
}

func TestACopyGoesItsOwnWay(t *testing.T) {
	m, err := New128([]byte("key"), 16, nil)
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
	c.Reset()
	c.Write([]byte("one"))
	if !bytes.Equal(c.Sum(nil), before) {
		t.Error("a copy that was reset has lost the key")
	}
}

func TestACodeWithoutBytesIsRefused(t *testing.T) {
	if _, err := New128(nil, 0, nil); err == nil {
		t.Error("a code of 0 bytes was promised")
	}
}
