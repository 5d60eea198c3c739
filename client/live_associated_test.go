package client_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// What does not fit into a frame beside its associated data goes by region.
func TestAssociatedDataOfAnyLengthUpToAFrame(t *testing.T) {
	l, ctx := start(t), t.Context()
	raw, nonce := message(32), message(12)
	seal := get(l.NewAEAD(ctx, client.AEADConfig{Algorithm: "AES-256-GCM", Key: l.importKey(t, "AES-256", raw)}))(t)
	reference := get(cipher.NewGCM(get(aes.NewCipher(raw))(t)))(t)
	for _, n := range []int{0, 1, 4096, 65000, 64 << 10, 64<<10 + 1} {
		for _, more := range []int{0, 1, 4096, 5000, 64 << 10} {
			if got := get(seal.Seal(ctx, nil, nonce, message(n), message(more)))(t); !bytes.Equal(got, reference.Seal(nil, nonce, message(n), message(more))) {
				t.Errorf("Seal of %d bytes with %d of associated data is wrong", n, more)
			}
		}
	}
	_, err := seal.Seal(ctx, nil, nonce, nil, message(1<<20))
	wantCode(t, "1 MiB of associated data", err, claviger.ErrInvalidArgument)
}
