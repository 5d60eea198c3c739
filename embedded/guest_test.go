package embedded_test

import (
	"errors"
	"math"
	"path/filepath"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/embedded"
)

// TestGuestsAreTenantsOfADirectory holds that the owner names a guest's tenant without configuration, that tenants are
// strangers to each other and to the owner, and that they are there again when the directory is opened again.
func TestGuestsAreTenantsOfADirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	as := func(name string) embedded.Options {
		return embedded.Options{Dir: dir, Client: client.Config{Guest: client.GuestIdentity{Tenant: name}}}
	}
	stack := open(t, as("demo"))
	if stack.Tenant() != "demo" {
		t.Errorf("the tenant is %q", stack.Tenant())
	}
	id, err := stack.Secrets().Put(t.Context(), []byte("x"), math.MaxUint64)
	if err != nil {
		t.Fatal(err)
	}
	scope, err := stack.CryptoContext()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := scope.KeySlot(t.Context(), "slot"); !errors.Is(err, claviger.ErrInvalidResourceID) {
		t.Errorf("a guest resolves a slot of the owner's: %v", err)
	}
	for what, c := range map[string]client.Config{"another guest": as("other").Client, "the owner": {}} {
		other, err := stack.Connect(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := other.Secrets().Get(t.Context(), id, 1); !errors.Is(err, claviger.ErrSecretNotFound) {
			t.Errorf("%s: %v", what, err)
		}
		if err := other.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := stack.Close(); err != nil {
		t.Fatal(err)
	}
	for _, options := range []embedded.Options{{Dir: dir}, as("other"), as("demo")} { // also after a start without it
		stack = open(t, options)
		_, err := stack.Secrets().Get(t.Context(), id, 1)
		if demo := stack.Tenant() == "demo"; demo != (err == nil) {
			t.Errorf("%s after reopening: %v", stack.Tenant(), err)
		}
		if err := stack.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestARefusedGuestLeavesNothingOpen holds that a bad name and a missing one are refused, and the directory is free again.
func TestARefusedGuestLeavesNothingOpen(t *testing.T) {
	dir := t.TempDir()
	for guest, code := range map[client.GuestIdentity]claviger.Code{
		{Tenant: "self"}: claviger.ErrInvalidArgument, {Tenant: "a b"}: claviger.ErrInvalidArgument, {SHA256: [32]byte{1}}: claviger.ErrAccessDenied,
	} {
		stack, err := embedded.Open(t.Context(), embedded.Options{Dir: dir, Client: client.Config{Guest: guest}})
		if !errors.Is(err, code) || stack != nil {
			t.Errorf("%+v: %v, want %v", guest, err, code)
		}
	}
	open(t, embedded.Options{Dir: dir})
}
