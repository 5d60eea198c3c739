package client_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/internal/algorithm"
)

// guests lists the algorithms of one family that have keys. RSA keys over 2048 bits take seconds to generate and are
// left out of short runs.
func guests(family claviger.GuestType) []*algorithm.Guest {
	var list []*algorithm.Guest
	for _, g := range algorithm.Guests() {
		large := strings.Contains(string(g.Name), "_3072_") || strings.Contains(string(g.Name), "_4096_")
		if g.Type == family && (g.Key != nil || !g.Keyless()) && !(large && testing.Short()) {
			list = append(list, &g)
		}
	}
	return list
}

// managed gives what a test needs of a daemon that keeps keys.
func managed(t testing.TB) (*live, *client.Secrets) {
	t.Helper()
	l := start(t)
	return l, l.stack.Secrets()
}

// generate makes a managed key that is closed with the test.
func generate(t testing.TB, s *client.Secrets, family claviger.GuestType, name claviger.Algorithm, o claviger.ManagedOptions) claviger.ManagedKey {
	t.Helper()
	k := get(s.GenerateKey(t.Context(), family, name, o))(t)
	t.Cleanup(func() { k.Close() })
	return k
}

// TestEveryManagedPairSigns holds every signature algorithm of guests against the table's own verification, by message
// and, where the algorithm has one, by digest.
func TestEveryManagedPairSigns(t *testing.T) {
	_, s := managed(t)
	made := make(map[claviger.Algorithm]claviger.ManagedKey) // by key algorithm, because RSA takes long
	for _, g := range guests(claviger.GuestSignatures) {
		t.Run(string(g.Name), func(t *testing.T) {
			k := sibling(t, s, g, made)
			if k.Type() != g.Type || k.Algorithm() != g.Name || k.Version() != 1 || len(k.ID()) != 32 {
				t.Fatalf("made is %d %s version %d, %q", k.Type(), k.Algorithm(), k.Version(), k.ID())
			}
			public := get(g.Key.ParsePublic(k.Public()))(t)
			message := message(100_000)
			signed := message // what the table's row takes
			if hash, ok := algorithm.Lookup(g.Use.Digest, algorithm.FamilyHash); ok {
				h := hash.NewHash()
				h.Write(message)
				signed = h.Sum(nil)
			}
			if ok, err := g.Use.Verify(public, signed, get(k.Sign(t.Context(), message, false))(t), false); err != nil || !ok {
				t.Errorf("the signature of a message: %t, %v", ok, err)
			}
			signature, err := k.Sign(t.Context(), signed, true)
			if g.Use.Digest == "" {
				wantCode(t, "a digest", err, claviger.ErrAlgorithmMismatch)
				return
			}
			if ok, err := g.Use.Verify(public, signed, get(signature, err)(t), false); err != nil || !ok {
				t.Errorf("the signature of a digest: %t, %v", ok, err)
			}
		})
	}
}

// sibling gives a managed key of an algorithm. Where another algorithm has made one with the same kind of pair, that is
// exported and stored, because generating takes long.
func sibling(t *testing.T, s *client.Secrets, g *algorithm.Guest, made map[claviger.Algorithm]claviger.ManagedKey) claviger.ManagedKey {
	t.Helper()
	if made[g.Key.Name] == nil {
		made[g.Key.Name] = get(s.GenerateKey(t.Context(), g.Type, g.Name, claviger.ManagedOptions{Exportable: true}))(t)
		return made[g.Key.Name]
	}
	material := get(made[g.Key.Name].Export(t.Context()))(t)
	k := get(s.StoreKey(t.Context(), claviger.ManagedMaterial{Type: g.Type, Algorithm: g.Name, Key: material}))(t)
	t.Cleanup(func() { k.Close() })
	return k
}

// TestEveryManagedPairAgrees lets two managed pairs agree, and one decapsulate what the table has encapsulated.
func TestEveryManagedPairAgrees(t *testing.T) {
	_, s := managed(t)
	for _, g := range guests(claviger.GuestKeyExchange) {
		t.Run(string(g.Name), func(t *testing.T) {
			k := generate(t, s, g.Type, g.Name, claviger.ManagedOptions{})
			public := get(g.Key.ParsePublic(k.Public()))(t)
			if g.Use.Family == algorithm.FamilyAgreement {
				other := get(g.Key.GeneratePair())(t)
				spki := get(g.Key.MarshalPublic(g.Key.PublicOf(other)))(t)
				want := get(g.Use.Agree(other, public))(t)
				if got := get(k.Agree(t.Context(), spki))(t); !bytes.Equal(got, want) {
					t.Error("the two sides do not agree")
				}
				_, err := k.Agree(t.Context(), []byte("no key"))
				wantCode(t, "no public key", err, claviger.ErrInvalidFormat)
				return
			}
			ciphertext, want, err := g.Use.Encapsulate(public)
			if err != nil {
				t.Fatal(err)
			}
			if got := get(k.Decapsulate(t.Context(), ciphertext))(t); !bytes.Equal(got, want) {
				t.Error("another secret comes out")
			}
			_, err = k.Decapsulate(t.Context(), ciphertext[1:])
			wantCode(t, "a ciphertext of another length", err, claviger.ErrInvalidFormat)
		})
	}
}

// TestManagedKeysAreExportedOnlyIfMadeSo holds it for keys of each family, natively too.
func TestManagedKeysAreExportedOnlyIfMadeSo(t *testing.T) {
	l, s := managed(t)
	ctx := t.Context()
	for family, name := range map[claviger.GuestType]claviger.Algorithm{claviger.GuestSignatures: "Ed25519", claviger.GuestSymmetric: "AES-128-GCM", claviger.GuestKeyExchange: "X25519"} {
		k := generate(t, s, family, name, claviger.ManagedOptions{})
		_, err := k.Export(ctx)
		wantCode(t, "export", err, claviger.ErrKeyNotExportable)
		native := get(k.(*client.ManagedKey).Native(ctx))(t)
		for _, f := range []claviger.Format{claviger.Raw, claviger.DER, claviger.PEM} {
			_, err := l.keys.Export(ctx, native, f)
			wantCode(t, "native export", err, claviger.ErrKeyOperationNotPermitted)
		}
		open := get(s.GenerateKey(ctx, family, name, claviger.ManagedOptions{Exportable: true}))(t)
		material := get(open.Export(ctx))(t)
		again := get(s.StoreKey(ctx, claviger.ManagedMaterial{Type: family, Algorithm: name, Key: material, Exportable: true}))(t)
		if again.ID() == open.ID() || !bytes.Equal(again.Public(), open.Public()) || !bytes.Equal(get(again.Export(ctx))(t), material) {
			t.Errorf("%s: what was stored is not what was exported", name)
		}
		reopened := get(s.OpenKey(ctx, k.ID(), 1))(t)
		_, err = reopened.Export(ctx)
		wantCode(t, "export of the key opened anew", err, claviger.ErrKeyNotExportable)
	}
}

// TestManagedKeysHaveVersions is the life of one identifier.
func TestManagedKeysHaveVersions(t *testing.T) {
	_, s := managed(t)
	ctx, family := t.Context(), claviger.GuestSignatures
	first := generate(t, s, family, "ed25519", claviger.ManagedOptions{})
	id := first.ID()
	other := generate(t, s, family, "Ed25519", claviger.ManagedOptions{Exportable: true})
	second := get(s.ReplaceKeyWith(ctx, id, other))(t)
	if second.Version() != 2 || second.ID() != id || !bytes.Equal(second.Public(), other.Public()) || bytes.Equal(second.Public(), first.Public()) {
		t.Errorf("the second version is %d of %s", second.Version(), second.ID())
	}
	if _, err := second.Export(ctx); err != nil {
		t.Errorf("the copy of an exportable key: %v", err)
	}
	_, err := s.ReplaceKey(ctx, id, claviger.ManagedMaterial{Type: claviger.GuestSymmetric, Algorithm: "AES-128-GCM", Key: make([]byte, 16)})
	wantCode(t, "a key of another family", err, claviger.ErrIncompatibleKeys)
	_, err = s.ReplaceKeyWith(ctx, id, generate(t, s, family, "ECDSA_P256_SHA256", claviger.ManagedOptions{}))
	wantCode(t, "a key of another algorithm", err, claviger.ErrIncompatibleKeys)
	if err := s.InvalidateKey(ctx, id, claviger.LatestVersion); err != nil {
		t.Fatal(err)
	}
	_, err = s.OpenKey(ctx, id, claviger.LatestVersion)
	wantCode(t, "the latest never falls back", err, claviger.ErrSecretNotFound)
	if _, err := second.Sign(ctx, prefix, false); err != nil {
		t.Errorf("a key that was open when its version was invalidated: %v", err)
	}
	padded := append([]byte(id), 0, 0, 0)
	if k := get(s.OpenKey(ctx, string(padded), 1))(t); k.ID() != id || k.Version() != 1 || !bytes.Equal(k.Public(), first.Public()) {
		t.Errorf("opened is version %d of %q", k.Version(), k.ID())
	}
	third := get(s.ReplaceKey(ctx, id, claviger.ManagedMaterial{Type: family, Algorithm: "ED25519", Key: get(other.Export(ctx))(t)}))(t)
	if third.Version() != 3 {
		t.Errorf("the third version is %d", third.Version())
	}
	listed := listKeys(t, s)
	if i := slices.IndexFunc(listed, func(i claviger.ManagedInfo) bool { return i.ID == id }); len(listed) != 3 || i < 0 ||
		listed[i].Algorithm != "Ed25519" || listed[i].Type != family || listed[i].Latest != 3 || !slices.Equal(listed[i].Versions, []uint64{1, 3}) {
		t.Errorf("listed are %+v", listed)
	}
	if err := s.InvalidateKey(ctx, id, claviger.AllVersions); err != nil {
		t.Fatal(err)
	}
	_, err = s.ReplaceKeyWith(ctx, id, other)
	wantCode(t, "replacing what is gone", err, claviger.ErrSecretNotFound)
}

func listKeys(t *testing.T, s *client.Secrets) (list []claviger.ManagedInfo) {
	t.Helper()
	for info, err := range s.ListKeys(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, info)
	}
	return list
}

// TestSecretsAndManagedKeysAreNotFoundAsEachOther holds both directions.
func TestSecretsAndManagedKeysAreNotFoundAsEachOther(t *testing.T) {
	_, s := managed(t)
	ctx := t.Context()
	k := generate(t, s, claviger.GuestSymmetric, "HMAC/SHA-256", claviger.ManagedOptions{})
	_, err := s.Get(ctx, k.ID(), 1)
	wantCode(t, "a key read as a secret", err, claviger.ErrSecretNotFound)
	wantCode(t, "a key invalidated as a secret", s.Invalidate(ctx, k.ID(), 1), claviger.ErrSecretNotFound)
	_, err = s.Replace(ctx, k.ID(), prefix, 1)
	wantCode(t, "a key replaced by a secret", err, claviger.ErrSecretNotFound)
	id := get(s.Put(ctx, prefix, 1<<63))(t)
	_, err = s.OpenKey(ctx, id, 1)
	wantCode(t, "a secret opened as a key", err, claviger.ErrSecretNotFound)
	wantCode(t, "a secret invalidated as a key", s.InvalidateKey(ctx, id, 1), claviger.ErrSecretNotFound)
	_, err = s.ReplaceKeyWith(ctx, id, k)
	wantCode(t, "a secret replaced by a key", err, claviger.ErrSecretNotFound)
}

// TestAKeyOfAnotherStackIsNoNewVersion: one whose stack is gone says so.
func TestAKeyOfAnotherStackIsNoNewVersion(t *testing.T) {
	l, s := managed(t)
	ctx := t.Context()
	id := generate(t, s, claviger.GuestSymmetric, "HMAC/SHA-256", claviger.ManagedOptions{}).ID()
	other := get(l.stack.Connect(ctx, client.Config{}))(t)
	foreign := get(other.Secrets().OpenKey(ctx, id, 1))(t)
	_, err := s.ReplaceKeyWith(ctx, id, foreign)
	wantCode(t, "of another stack", err, claviger.ErrInvalidArgument)
	if err := other.Close(); err != nil {
		t.Error(err)
	}
	_, err = s.ReplaceKeyWith(ctx, id, foreign)
	wantCode(t, "of a stack that is closed", err, claviger.ErrUninitializedStack)
}

// TestMaterialThatIsNoKeyIsRefused holds the code of each refusal.
func TestMaterialThatIsNoKeyIsRefused(t *testing.T) {
	_, s := managed(t)
	ctx := t.Context()
	ed := get(generate(t, s, claviger.GuestSignatures, "Ed25519", claviger.ManagedOptions{Exportable: true}).Export(ctx))(t)
	random := make([]byte, 32)
	rand.Read(random)
	for _, c := range []struct {
		what string
		m    claviger.ManagedMaterial
		want claviger.Code
	}{
		{"no bytes", claviger.ManagedMaterial{Type: claviger.GuestSymmetric, Algorithm: "HMAC/SHA-256"}, claviger.ErrInvalidKey},
		{"a key that is too short", claviger.ManagedMaterial{Type: claviger.GuestSymmetric, Algorithm: "AES-256-GCM", Key: random[:31]}, claviger.ErrInvalidKey},
		{"a key that cannot be kept", claviger.ManagedMaterial{Type: claviger.GuestSymmetric, Algorithm: "HMAC/SHA-256", Key: make([]byte, 8193)}, claviger.ErrQuotaExceeded},
		{"an algorithm without keys", claviger.ManagedMaterial{Type: claviger.GuestSymmetric, Algorithm: "SHA-256", Key: random}, claviger.ErrKeyNotSupported},
		{"bytes that are no pair", claviger.ManagedMaterial{Type: claviger.GuestSignatures, Algorithm: "Ed25519", Key: random}, claviger.ErrInvalidFormat},
		{"a pair of another algorithm", claviger.ManagedMaterial{Type: claviger.GuestSignatures, Algorithm: "ECDSA_P256_SHA256", Key: ed}, claviger.ErrIncompatibleKeyType},
		{"an unknown algorithm", claviger.ManagedMaterial{Type: claviger.GuestSignatures, Algorithm: "RSA_PKCS1_512_MD5", Key: random}, claviger.ErrUnsupportedAlgorithm},
		{"an algorithm of another family", claviger.ManagedMaterial{Type: claviger.GuestKeyExchange, Algorithm: "Ed25519", Key: ed}, claviger.ErrUnsupportedAlgorithm},
		{"an unknown family", claviger.ManagedMaterial{Type: 3, Algorithm: "Ed25519", Key: ed}, claviger.ErrUnsupportedAlgorithm},
	} {
		_, err := s.StoreKey(ctx, c.m)
		wantCode(t, c.what, err, c.want)
	}
	if n := len(listKeys(t, s)); n != 1 {
		t.Errorf("%d keys are kept", n)
	}
	_, err := s.GenerateKey(ctx, claviger.GuestSymmetric, "SHA-512", claviger.ManagedOptions{})
	wantCode(t, "generating a key for a hash", err, claviger.ErrKeyNotSupported)
	if k := get(s.StoreKey(ctx, claviger.ManagedMaterial{Type: claviger.GuestSymmetric, Algorithm: "hmac/sha-256", Key: []byte("Jefe")}))(t); k.Algorithm() != "HMAC/SHA-256" {
		t.Errorf("a key of four bytes is one of %s", k.Algorithm())
	}
}

// TestNativeProgramsUseAManagedPair signs, verifies and agrees with the key itself.
func TestNativeProgramsUseAManagedPair(t *testing.T) {
	l, s := managed(t)
	ctx := t.Context()
	k := generate(t, s, claviger.GuestSignatures, "ECDSA_P256_SHA256", claviger.ManagedOptions{}).(*client.ManagedKey)
	native := get(k.Native(ctx))(t)
	if native.Algorithm() != "ECDSA-P256" || native.Permissions() != claviger.Sign|claviger.Verify {
		t.Errorf("the key is one of %s and permits %s", native.Algorithm(), native.Permissions())
	}
	signer := get(l.NewSigner(ctx, client.SignerConfig{Key: native}))(t)
	verifier := get(l.NewVerifier(ctx, client.VerifierConfig{Algorithm: "ECDSA-P256-SHA-256", Key: native}))(t)
	signature := get(signer.Sign(ctx, nil, prefix))(t)
	if right, err := verifier.Verify(ctx, prefix, signature); err != nil || !right {
		t.Errorf("the verdict is %t, %v", right, err)
	}
	_, err := l.keys.Derive(ctx, client.DeriveParams{Key: native, KDF: client.KDF{Algorithm: "HKDF-SHA-256"}})
	wantCode(t, "deriving from a signature key", err, claviger.ErrKeyOperationNotPermitted)
	if err := native.Close(); err != nil {
		t.Error(err)
	}
	if _, err := k.Sign(ctx, prefix, false); err != nil {
		t.Errorf("after the native key was closed: %v", err)
	}
	again := get(k.Native(ctx))(t)
	k.Close()
	_, err = l.NewSigner(ctx, client.SignerConfig{Key: again})
	wantCode(t, "a native key whose managed key is closed", err, claviger.ErrResourceNotFound)
}

// TestAClosedManagedKeyServesNothing holds the code of every method.
func TestAClosedManagedKeyServesNothing(t *testing.T) {
	_, s := managed(t)
	ctx := t.Context()
	k := generate(t, s, claviger.GuestSymmetric, "HMAC/SHA-512", claviger.ManagedOptions{Exportable: true})
	state := get(k.OpenState(ctx, claviger.StateOptions{}))(t)
	if err := errors.Join(k.Close(), k.Close()); err != nil {
		t.Error(err)
	}
	_, err := k.Sign(ctx, nil, false)
	wantCode(t, "sign", err, claviger.ErrResourceNotFound)
	_, err = k.Agree(ctx, nil)
	wantCode(t, "agree", err, claviger.ErrResourceNotFound)
	_, err = k.Decapsulate(ctx, nil)
	wantCode(t, "decapsulate", err, claviger.ErrResourceNotFound)
	_, err = k.OpenState(ctx, claviger.StateOptions{})
	wantCode(t, "open state", err, claviger.ErrResourceNotFound)
	_, err = k.Export(ctx)
	wantCode(t, "export", err, claviger.ErrResourceNotFound)
	_, err = s.ReplaceKeyWith(ctx, k.ID(), k)
	wantCode(t, "replace with it", err, claviger.ErrResourceNotFound)
	if _, err := state.SqueezeTag(ctx); err != nil {
		t.Errorf("a state that was open: %v", err)
	}
	if err := errors.Join(state.Close(), state.Close()); err != nil {
		t.Error(err)
	}
	wantCode(t, "a closed state", state.Absorb(ctx, nil), claviger.ErrResourceNotFound)
}

// TestWhatAManagedKeyCannotDoIsRefused holds the code of what is not its family's.
func TestWhatAManagedKeyCannotDoIsRefused(t *testing.T) {
	_, s := managed(t)
	ctx := t.Context()
	mac := generate(t, s, claviger.GuestSymmetric, "HMAC/SHA-256", claviger.ManagedOptions{})
	ed := generate(t, s, claviger.GuestSignatures, "Ed25519", claviger.ManagedOptions{})
	_, err := mac.Sign(ctx, prefix, false)
	wantCode(t, "signing with a symmetric key", err, claviger.ErrKeyOperationNotPermitted)
	_, err = mac.Agree(ctx, ed.Public())
	wantCode(t, "agreeing with a symmetric key", err, claviger.ErrKeyOperationNotPermitted)
	_, err = ed.Agree(ctx, ed.Public())
	wantCode(t, "agreeing with a signature key", err, claviger.ErrKeyOperationNotPermitted)
	_, err = ed.Decapsulate(ctx, prefix)
	wantCode(t, "decapsulating with a signature key", err, claviger.ErrKeyOperationNotPermitted)
	_, err = ed.OpenState(ctx, claviger.StateOptions{})
	wantCode(t, "a state on a pair", err, claviger.ErrIncompatibleKeyType)
	aead := generate(t, s, claviger.GuestSymmetric, "AES-256-GCM", claviger.ManagedOptions{})
	_, err = aead.OpenState(ctx, claviger.StateOptions{})
	wantCode(t, "no nonce", err, claviger.ErrNonceRequired)
	_, err = aead.OpenState(ctx, claviger.StateOptions{Nonce: make([]byte, 11)})
	wantCode(t, "a nonce of another length", err, claviger.ErrInvalidNonce)
}
