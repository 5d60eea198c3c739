package guests

import (
	"bytes"
	"crypto/ecdh"
	"crypto/x509"
	"maps"
	"slices"
	"testing"
)

// TestTheSearchFindsAFormUnderEachOfItsNames looks into an exported X25519 key for the scalar, which is there whole. The clamped one
// is there as well wherever it has one of its halves in common with what was drawn.
func TestTheSearchFindsAFormUnderEachOfItsNames(t *testing.T) {
	const drawn, clampedToo = "X25519 scalar", "X25519 clamped scalar"
	for name, c := range map[string]struct {
		first, last byte
		want        []string
	}{
		"clamped at no end":      {0x0F, 0xC3, []string{drawn}},
		"clamped at the start":   {0x08, 0xC3, []string{clampedToo, drawn}},
		"clamped at the end":     {0x0F, 0x43, []string{clampedToo, drawn}},
		"clamped as it is drawn": {0x08, 0x43, []string{clampedToo, drawn}},
	} {
		t.Run(name, func(t *testing.T) {
			scalar := []byte("?a scalar of exactly 32 bytes ..")
			scalar[0], scalar[31] = c.first, c.last
			key, err := ecdh.X25519().NewPrivateKey(scalar)
			if err != nil {
				t.Fatal(err)
			}
			exported, err := x509.MarshalPKCS8PrivateKey(key)
			if err != nil || !bytes.HasSuffix(exported, scalar) {
				t.Fatalf("exported are %x, %v; wanted is %x at the end", exported, err, scalar)
			}
			var n needles
			n.addKey(t, "X25519", exported)
			found := make(map[string]int)
			n.search(exported, found)
			if got := slices.Sorted(maps.Keys(found)); !slices.Equal(got, c.want) {
				t.Errorf("found are %q, want %q", got, c.want)
			}
		})
	}
}
