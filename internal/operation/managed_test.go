package operation

import (
	"bytes"
	"context"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/software"
)

// guest finds an algorithm of guests.
func guest(t testing.TB, family claviger.GuestType, name string) *algorithm.Guest {
	t.Helper()
	g, found := algorithm.LookupGuest(family, name)
	if !found {
		t.Fatalf("no algorithm %q", name)
	}
	return g
}

// managed makes a managed key that is released at the end of the test.
func (r *rig) managed(t testing.TB, family claviger.GuestType, name string, exportable bool) *Key {
	t.Helper()
	k, err := r.MakeManaged(t.Context(), r.keyless(), ManagedSpec{guest(t, family, name), exportable}, nil)
	ok(t, err)
	t.Cleanup(k.Release)
	return k
}

// TestManagedKeysPermitWhatTheirAlgorithmDoes holds the permissions of each algorithm.
func TestManagedKeysPermitWhatTheirAlgorithmDoes(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct {
		family claviger.GuestType
		name   string
		want   claviger.Permission
	}{
		{claviger.GuestSignatures, "ECDSA_P256_SHA256", claviger.Sign | claviger.Verify},
		{claviger.GuestKeyExchange, "X25519", claviger.Agree | claviger.Derive},
		{claviger.GuestSymmetric, "HMAC/SHA-256", claviger.Mac},
		{claviger.GuestSymmetric, "HKDF-EXTRACT/SHA-256", claviger.Derive},
		{claviger.GuestSymmetric, "HKDF-EXPAND/SHA-512", claviger.Derive},
		{claviger.GuestSymmetric, "AES-256-GCM", claviger.Encrypt | claviger.Decrypt},
		{claviger.GuestSymmetric, "AES-128-CBC", claviger.Encrypt | claviger.Decrypt},
		{claviger.GuestSymmetric, "BLAKE3", claviger.Mac | claviger.Derive},
		{claviger.GuestSymmetric, "XOODYAK-128", claviger.Mac | claviger.Derive | claviger.Encrypt | claviger.Decrypt},
	} {
		for _, exportable := range []bool{false, true} {
			want := c.want
			if exportable {
				want |= claviger.Export
			}
			k := r.managed(t, c.family, c.name, exportable)
			if got := k.Traits().Permissions; got != want {
				t.Errorf("%s permits %s; want %s", c.name, got, want)
			}
			if spec, is := k.Managed(); !is || spec.Exportable != exportable || string(spec.Guest.Name) != c.name {
				t.Errorf("%s is %v", c.name, spec)
			}
		}
	}
	if _, is := r.generate(t, "AES-256", claviger.AllPermissions).Managed(); is {
		t.Error("an ephemeral key is a managed one")
	}
}

// TestAManagedKeyIsMadeAgainOfWhatIsKept: the same key with the same permissions, in the provider that it lives in.
func TestAManagedKeyIsMadeAgainOfWhatIsKept(t *testing.T) {
	r := newRig(t)
	k := r.managed(t, claviger.GuestSignatures, "Ed25519", false)
	home, blob, err := k.Kept(t.Context())
	ok(t, err)
	defer blob.Close()
	spec, _ := k.Managed()
	again, err := r.engine(t).LoadManaged(t.Context(), r.keyless(), spec, home, blob.Bytes())
	ok(t, err)
	defer again.Release()
	one, _ := k.PublicInfo()
	two, err := again.PublicInfo()
	if err != nil || home != 2 || !bytes.Equal(one, two) || again.Traits() != k.Traits() {
		t.Errorf("made again is another key in provider %d, %v", home, err)
	}
	for home, want := range map[claviger.ProviderID]claviger.Code{3: claviger.ErrProviderNotAvailable, 7: claviger.ErrProviderNotAvailable} {
		_, err := r.LoadManaged(t.Context(), r.keyless(), spec, home, blob.Bytes())
		fails(t, "a provider that is not there", err, want)
	}
	_, err = r.LoadManaged(t.Context(), r.keyless(), spec, 2, []byte("no blob"))
	fails(t, "no blob", err, claviger.ErrInvalidFormat)
	_, _, err = r.generate(t, "AES-256", claviger.AllPermissions).Kept(t.Context())
	fails(t, "the blob of a key that is not managed", err, claviger.ErrInvalidResourceType)
}

// TestManagedKeysAndStatesDemandTheirGrant: nothing runs with the zero grant, and no verb with another's.
func TestManagedKeysAndStatesDemandTheirGrant(t *testing.T) {
	r := newRig(t)
	ctx, spec := t.Context(), ManagedSpec{Guest: guest(t, claviger.GuestSymmetric, "AES-128-GCM")}
	_, err := r.MakeManaged(ctx, policy.Grant{}, spec, nil)
	fails(t, "making without a grant", err, claviger.ErrAccessDenied)
	_, err = r.LoadManaged(ctx, policy.Grant{}, spec, 2, nil)
	fails(t, "loading without a grant", err, claviger.ErrAccessDenied)
	k := r.managed(t, claviger.GuestSymmetric, "AES-128-GCM", false)
	options := claviger.StateOptions{Nonce: make([]byte, 12)}
	for what, g := range map[string]policy.Grant{"no grant": {}, "a keyless one": r.keyless(), "one for signing": r.granted(t, claviger.Sign)} {
		_, err := r.OpenState(ctx, g, k, options)
		fails(t, what, err, claviger.ErrKeyOperationNotPermitted)
	}
	s, err := r.OpenState(ctx, r.granted(t, claviger.Encrypt), k, options)
	ok(t, err)
	defer s.Close()
	zero := policy.Grant{}
	for what, verb := range map[string]func() error{
		"absorb":     func() error { return s.Absorb(ctx, zero, nil) },
		"option":     func() error { _, err := s.Option(ctx, zero, "nonce"); return err },
		"number":     func() error { _, err := s.OptionNumber(ctx, zero, "ops_limit"); return err },
		"squeeze":    func() error { return s.Squeeze(ctx, zero, nil) },
		"tag":        func() error { _, err := s.SqueezeTag(ctx, zero); return err },
		"key":        func() error { _, err := s.SqueezeKey(ctx, zero, ""); return err },
		"tag length": func() error { _, err := s.MaxTagLen(ctx, zero); return err },
		"ratchet":    func() error { return s.Ratchet(ctx, zero) },
		"clone":      func() error { _, err := s.Clone(ctx, zero); return err },
	} {
		fails(t, what, verb(), claviger.ErrAccessDenied)
	}
	for what, verb := range map[string]func(g policy.Grant) error{
		"decrypt":          func(g policy.Grant) error { _, err := s.Decrypt(ctx, g, nil); return err },
		"decrypt detached": func(g policy.Grant) error { _, err := s.DecryptDetached(ctx, g, nil, nil); return err },
	} {
		fails(t, what+" with a grant to encrypt", verb(r.granted(t, claviger.Encrypt)), claviger.ErrKeyOperationNotPermitted)
		fails(t, what, verb(r.granted(t, claviger.Decrypt)), claviger.ErrInvalidTag)
	}
	_, err = s.Encrypt(ctx, r.granted(t, claviger.Decrypt), nil)
	fails(t, "encrypt with a grant to decrypt", err, claviger.ErrKeyOperationNotPermitted)
	_, _, err = s.EncryptDetached(ctx, r.granted(t, claviger.Decrypt), nil)
	fails(t, "encrypt detached with a grant to decrypt", err, claviger.ErrKeyOperationNotPermitted)
	_, err = s.SqueezeTag(ctx, r.granted(t, claviger.Encrypt))
	fails(t, "a verb that the algorithm has not", err, claviger.ErrInvalidOperation)
}

// granted gives a grant for a permission of an ephemeral key.
func (r *rig) granted(t testing.TB, p claviger.Permission) policy.Grant {
	t.Helper()
	g, err := r.policy.EphemeralKey("test", p, 0)
	ok(t, err)
	return g
}

// stateless is a provider that runs no states, and counts what it is asked to import.
type stateless struct {
	provider.Provider
	imports int
}

func (s *stateless) Import(ctx context.Context, spec provider.Spec, material []byte) (provider.Key, error) {
	s.imports++
	return s.Provider.Import(ctx, spec, material)
}

// TestSymmetricKeysGoWhereTheirStatesRun: a provider without states is passed over, and alone it is of no use.
func TestSymmetricKeysGoWhereTheirStatesRun(t *testing.T) {
	r := newRig(t)
	first := &stateless{Provider: software.New()}
	members := []Member{{ID: 1, Name: "first", Kind: claviger.Software, Provider: first}, {ID: 2, Name: "second", Kind: claviger.Software, Provider: software.New()}}
	spec := ManagedSpec{Guest: guest(t, claviger.GuestSymmetric, "HMAC/SHA-256")}
	e, err := New(Config{Store: r.db, Providers: members})
	ok(t, err)
	k, err := e.MakeManaged(t.Context(), r.keyless(), spec, []byte("Jefe"))
	ok(t, err)
	defer k.Release()
	home, blob, err := k.Kept(t.Context())
	ok(t, err)
	blob.Close()
	if home != 2 {
		t.Errorf("it lives in provider %d", home)
	}
	e, err = New(Config{Store: r.db, Providers: members[:1]})
	ok(t, err)
	_, err = e.MakeManaged(t.Context(), r.keyless(), spec, nil)
	fails(t, "without a provider of states", err, claviger.ErrUnsupportedAlgorithm)
	if first.imports != 0 {
		t.Error("a provider without states was tried")
	}
}

// TestAContextWithoutAnAlgorithmTakesTheManagedPairs holds that for signing and verifying, and for no other key.
func TestAContextWithoutAnAlgorithmTakesTheManagedPairs(t *testing.T) {
	r := newRig(t)
	k := r.managed(t, claviger.GuestSignatures, "ECDSA_P384_SHA384", false)
	for _, kind := range []claviger.ContextKind{claviger.SignContext, claviger.VerifyContext} {
		c, _ := r.context(t, k, ContextSpec{Kind: kind})
		if got := c.Info().Algorithm; got != "ECDSA-P384-SHA-384" {
			t.Errorf("a context of kind %v works with %s", kind, got)
		}
	}
	plain := r.generate(t, "ECDSA-P384", claviger.AllPermissions)
	_, err := r.NewContext(t.Context(), r.grant(t, plain, provider.Sign), LiveRef(plain), ContextSpec{Kind: claviger.SignContext})
	fails(t, "an ephemeral key", err, claviger.ErrUnsupportedAlgorithm)
}
