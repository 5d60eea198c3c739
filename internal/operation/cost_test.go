package operation

import (
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/delay"
	"github.com/claviger/claviger/internal/provider/software"
)

func TestVerbsOfShortWorkOnEphemeralKeysAreInline(t *testing.T) {
	r := newRig(t, slot("pair", "X25519", claviger.AllPermissions))
	made, err := r.Generate(t.Context(), r.keyless(), "X25519", r.into(t, "pair"), nil)
	ok(t, err)
	if made.Key != nil {
		t.Fatal("a slot gave a live key")
	}
	ref, g := r.use(t, "pair")
	loaded, err := r.LoadKey(t.Context(), g, ref)
	ok(t, err)
	defer loaded.Release()
	for _, c := range []struct {
		key  *Key
		do   provider.Op
		kdf  claviger.Algorithm
		want provider.Cost
	}{
		{r.generate(t, "ML-KEM-768", claviger.AllPermissions), provider.Decapsulate, "", provider.Inline},
		{r.generate(t, "ML-KEM-768", claviger.AllPermissions), provider.Encapsulate, "hkdf-sha256", provider.Inline},
		{r.generate(t, "X25519", claviger.AllPermissions), provider.Agree, "HKDF-SHA-256", provider.Inline},
		{r.generate(t, "SECRET", claviger.AllPermissions), provider.Derive, "HKDF-SHA-256", provider.Inline},
		{loaded, provider.Agree, "", provider.Pool},
		{r.generate(t, "ML-KEM-768", claviger.AllPermissions), provider.Decapsulate, "no such", provider.Pool},
		{r.generate(t, "SECRET", claviger.AllPermissions), provider.Derive, "", provider.Pool},
		{r.generate(t, "Ed25519", claviger.AllPermissions), provider.Agree, "", provider.Pool},
	} {
		if got := c.key.VerbCost(c.do, c.kdf); got != c.want {
			t.Errorf("%s with a key of %s, derivation %q: cost %d, want %d", c.do, c.key.Traits().Algorithm, c.kdf, got, c.want)
		}
	}
}

func TestVerbsOfASlowProviderAreForThePool(t *testing.T) {
	r := newRig(t)
	r.members = []*member{{Member: Member{ID: 9, Name: "slow", Provider: delay.New(software.New())}}}
	if got := r.generate(t, "ML-KEM-768", claviger.AllPermissions).VerbCost(provider.Decapsulate, ""); got != provider.Pool {
		t.Errorf("cost %d", got)
	}
}
