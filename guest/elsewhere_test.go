//go:build !wasip1

package guest_test

import (
	"errors"
	"testing"
	"time"

	"github.com/claviger/claviger/guest"
)

// TestElsewhereEveryCallSaysThatThisIsNoGuest holds that a program built for the wrong platform learns why nothing works.
func TestElsewhereEveryCallSaysThatThisIsNoGuest(t *testing.T) {
	var pair guest.KeyPair
	var public guest.PublicKey
	var secret guest.SecretKey
	var key guest.SymmetricKey
	var state guest.State
	var manager guest.SecretsManager
	calls := map[string]func() error{
		"generate pair": func() error { _, err := guest.GenerateKeyPair(guest.Signatures, "Ed25519"); return err },
		"import pair":   func() error { _, err := guest.ImportKeyPair(guest.Signatures, "Ed25519", nil, guest.Raw); return err },
		"join":          func() error { _, err := guest.JoinKeyPair(&public, &secret); return err },
		"export pair":   func() error { _, err := pair.Export(guest.PEM); return err },
		"sign":          func() error { _, err := pair.Sign([]byte("m")); return err },
		"verify":        func() error { return public.Verify("Ed25519", nil, nil) },
		"encapsulate":   func() error { _, _, err := public.Encapsulate(); return err },
		"agree":         func() error { _, err := secret.Agree(&public); return err },
		"symmetric key": func() error { _, err := guest.GenerateSymmetricKey("AES-256-GCM"); return err },
		"state":         func() error { _, err := guest.NewState("AES-256-GCM", guest.StateConfig{Key: &key}); return err },
		"options":       func() error { _, err := guest.NewState("SHA-256", guest.StateConfig{Nonce: []byte{1}}); return err },
		"squeeze":       func() error { return state.Squeeze(nil) },
		"hash":          func() error { _, err := guest.NewHash("SHA-256"); return err },
		"mac":           func() error { _, err := guest.NewMAC("HMAC/SHA-256", &key); return err },
		"aead":          func() error { _, err := guest.NewAEAD("AES-256-GCM", &key); return err },
		"manager":       func() error { _, err := guest.OpenSecretsManager(); return err },
		"store secret":  func() error { _, err := manager.StoreSecret(nil, time.Time{}); return err },
		"managed key":   func() error { _, err := manager.KeyPair("id", guest.Latest); return err },
		"batch":         func() error { return guest.BatchSqueeze(nil) },
		"batch sign":    func() error { _, err := guest.BatchSign(nil); return err },
		"close":         pair.Close,
		"close manager": manager.Close,
		"managed option": func() error {
			_, err := manager.GenerateSymmetricKey("AES-256-GCM", guest.ManagedConfig{Exportable: true})
			return err
		},
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, guest.ErrNotAGuest) {
			t.Errorf("%s: %v, want ErrNotAGuest", name, err)
		}
	}
}
