package embedded_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"filippo.io/mldsa"
	"github.com/cloudflare/circl/sign/mldsa/mldsa65"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/embedded"
)

// TestExpandedKeySurvivesReopening imports an expanded key of ML-DSA (FIPS 204), which has no seed any more, and after the store
// was closed exports the same bytes, and signs as the seed's key.
func TestExpandedKeySurvivesReopening(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	seed := bytes.Repeat([]byte{7}, mldsa65.SeedSize)
	_, private := mldsa65.NewKeyFromSeed((*[mldsa65.SeedSize]byte)(seed))
	other, err := mldsa.NewPrivateKey(mldsa.MLDSA65(), seed)
	if err != nil {
		t.Fatal(err)
	}
	stack := open(t, embedded.Options{Dir: dir})
	_, keys, slot := expandedSlot(t, stack.Stack)
	altered := private.Bytes()
	altered[len(altered)-1] ^= 1
	for _, data := range [][]byte{altered, altered[1:]} {
		p := client.ImportParams{Algorithm: "ML-DSA-65", Format: claviger.Raw, Data: data}
		if _, err := keys.ImportIn(t.Context(), slot, p); claviger.CodeOf(err) != claviger.ErrInvalidFormat {
			t.Errorf("a wrong key of %d bytes: %v", len(data), err)
		}
	}
	if _, err := keys.ImportIn(t.Context(), slot, client.ImportParams{Algorithm: "ML-DSA-65", Format: claviger.Raw, Data: private.Bytes()}); err != nil {
		t.Fatal(err)
	}
	if err := stack.Close(); err != nil {
		t.Fatal(err)
	}
	stack = open(t, embedded.Options{Dir: dir})
	scope, keys, slot := expandedSlot(t, stack.Stack)
	if out, err := keys.Export(t.Context(), slot, claviger.Raw); err != nil || !bytes.Equal(out, private.Bytes()) {
		t.Errorf("another key comes out: %d bytes, %v", len(out), err)
	}
	_, public, err := keys.PublicKey(t.Context(), slot, claviger.Raw)
	if err != nil || !bytes.Equal(public, other.PublicKey().Bytes()) {
		t.Errorf("another public half: %v", err)
	}
	s, err := scope.NewSigner(t.Context(), client.SignerConfig{Algorithm: "ML-DSA-65", Key: slot})
	if err != nil {
		t.Fatal(err)
	}
	signature, err := s.Sign(t.Context(), nil, []byte("message"))
	if err != nil {
		t.Fatal(err)
	}
	if err := mldsa.Verify(other.PublicKey(), []byte("message"), signature, nil); err != nil {
		t.Error(err)
	}
}

// expandedSlot gives a context with a manager and the slot.
func expandedSlot(t *testing.T, stack *client.Stack) (*client.CryptoContext, *client.KeyManager, *client.KeySlot) {
	t.Helper()
	scope, err := stack.CryptoContext()
	if err != nil {
		t.Fatal(err)
	}
	slot, err := scope.KeySlot(t.Context(), "expanded")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := scope.NewKeyManager(t.Context(), client.KeyManagerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return scope, keys, slot
}
