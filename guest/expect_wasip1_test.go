package guest_test

import (
	"errors"
	"testing"

	"github.com/claviger/claviger/guest"
)

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func refused(t *testing.T, err error, want guest.Errno) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%v, want %v", err, want)
	}
}

func pairOf(t *testing.T, f guest.Family, algorithm string) *guest.KeyPair {
	t.Helper()
	pair, err := guest.GenerateKeyPair(f, algorithm)
	ok(t, err)
	t.Cleanup(func() { ok(t, pair.Close()) })
	return pair
}

func publicOf(t *testing.T, pair *guest.KeyPair) *guest.PublicKey {
	t.Helper()
	public, err := pair.PublicKey()
	ok(t, err)
	t.Cleanup(func() { ok(t, public.Close()) })
	return public
}

func keyOf(t *testing.T, algorithm string, bytes []byte) *guest.SymmetricKey {
	t.Helper()
	key, err := guest.ImportSymmetricKey(algorithm, bytes)
	ok(t, err)
	t.Cleanup(func() { ok(t, key.Close()) })
	return key
}

func stateOf(t *testing.T, algorithm string, c guest.StateConfig) *guest.State {
	t.Helper()
	state, err := guest.NewState(algorithm, c)
	ok(t, err)
	t.Cleanup(func() { ok(t, state.Close()) })
	return state
}
