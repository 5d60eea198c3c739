package operation

import (
	"crypto/aes"
	"fmt"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
)

// use is one thing that can be done with a key: the permission that it takes (any of them, or all of them), the
// algorithm, and how it is tried.
type use struct {
	name string
	any  []claviger.Permission // one of these sets is enough; nil: nothing is demanded
	fits []claviger.Algorithm  // keys that serve it
	half claviger.KeyClass     // PrivateKey: a public key does not do
	try  func(r *rig, t *testing.T, k *Key) error
}

func contextUse(name string, any []claviger.Permission, half claviger.KeyClass, s ContextSpec, fits ...claviger.Algorithm) use {
	return use{name, any, fits, half, func(r *rig, t *testing.T, k *Key) error {
		c, err := r.NewContext(t.Context(), r.grant(t, k, s.operation()), LiveRef(k), s)
		if err == nil {
			c.Close()
		}
		return err
	}}
}

func madeUse(name string, any []claviger.Permission, half claviger.KeyClass, do provider.Op, verb func(*rig, *testing.T, *Key) (Made, error), fits ...claviger.Algorithm) use {
	return use{name, any, fits, half, func(r *rig, t *testing.T, k *Key) error {
		made, err := verb(r, t, k)
		if err == nil && made.Key != nil {
			made.Key.Release()
		}
		return err
	}}
}

func one(p ...claviger.Permission) []claviger.Permission { return p }

// uses lists every operation that takes a key.
func uses() []use {
	sign, verify, cipher, aead := claviger.SignContext, claviger.VerifyContext, claviger.CipherContext, claviger.AEADContext
	down := claviger.Decrypting
	const private = claviger.PrivateKey
	list := []use{
		contextUse("MAC", one(claviger.Mac), 0, ContextSpec{Kind: claviger.MACContext, Algorithm: "HMAC-SHA-256"}, "HMAC-SHA-256"),
		contextUse("CBC encrypt", one(claviger.Encrypt), 0, ContextSpec{Kind: cipher, Algorithm: "AES-256-CBC"}, "AES-256"),
		contextUse("CBC decrypt", one(claviger.Decrypt), 0, ContextSpec{Kind: cipher, Algorithm: "AES-256-CBC", Direction: down}, "AES-256"),
		contextUse("CTR encrypt", one(claviger.Encrypt|claviger.Decrypt), 0, ContextSpec{Kind: cipher, Algorithm: "AES-256-CTR"}, "AES-256"),
		contextUse("CTR decrypt", one(claviger.Encrypt|claviger.Decrypt), 0, ContextSpec{Kind: cipher, Algorithm: "AES-256-CTR", Direction: down}, "AES-256"),
		contextUse("GCM encrypt", one(claviger.Encrypt), 0, ContextSpec{Kind: aead, Algorithm: "AES-256-GCM"}, "AES-256"),
		contextUse("GCM decrypt", one(claviger.Decrypt), 0, ContextSpec{Kind: cipher, Algorithm: "AES-256-GCM", Direction: down}, "AES-256"),
		contextUse("ECDSA sign", one(claviger.Sign), private, ContextSpec{Kind: sign, Algorithm: "ECDSA-P256-SHA-256"}, "ECDSA-P256"),
		contextUse("ECDSA sign digest", one(claviger.Sign), private, ContextSpec{Kind: sign, Algorithm: "ECDSA-P256-SHA-256", Digest: true}, "ECDSA-P256"),
		contextUse("ECDSA verify", one(claviger.Verify), 0, ContextSpec{Kind: verify, Algorithm: "ECDSA-P256-SHA-256"}, "ECDSA-P256"),
		contextUse("ML-DSA sign", one(claviger.Sign), private, ContextSpec{Kind: sign, Algorithm: "ML-DSA-65"}, "ML-DSA-65"),
		contextUse("RSA-PSS verify", one(claviger.Verify), 0, ContextSpec{Kind: verify, Algorithm: "RSA-PSS-SHA-256"}, "RSA-2048"),
		contextUse("HMAC sign", one(claviger.Sign, claviger.Mac), 0, ContextSpec{Kind: sign, Algorithm: "HMAC-SHA-256"}, "HMAC-SHA-256"),
		contextUse("HMAC verify", one(claviger.Verify, claviger.Mac), 0, ContextSpec{Kind: verify, Algorithm: "HMAC-SHA-256"}, "HMAC-SHA-256"),
		contextUse("OAEP encrypt", one(claviger.Encrypt), 0, ContextSpec{Kind: cipher, Algorithm: "RSA-OAEP-SHA-256"}, "RSA-2048"),
		contextUse("OAEP decrypt", one(claviger.Decrypt), private, ContextSpec{Kind: cipher, Algorithm: "RSA-OAEP-SHA-256", Direction: down}, "RSA-2048"),
	}
	return append(list, keyUses()...)
}

func keyUses() []use {
	const private = claviger.PrivateKey
	agree := func(r *rig, t *testing.T, k *Key) (Made, error) {
		peer := r.generate(t, "ECDH-P256", claviger.NoPermission)
		return r.Agree(t.Context(), r.grant(t, k, provider.Agree), LiveRef(k), "ECDH-P256", Peer{Key: peer}, Result{})
	}
	derive := func(r *rig, t *testing.T, k *Key) (Made, error) {
		return r.Derive(t.Context(), r.grant(t, k, provider.Derive), LiveRef(k), Result{KDF: &provider.KDF{Algorithm: "HKDF-SHA-256"}})
	}
	encapsulate := func(r *rig, t *testing.T, k *Key) (Made, error) {
		made, _, err := r.Encapsulate(t.Context(), r.grant(t, k, provider.Encapsulate), LiveRef(k), Result{})
		return made, err
	}
	decapsulate := func(r *rig, t *testing.T, k *Key) (Made, error) {
		return r.Decapsulate(t.Context(), r.grant(t, k, provider.Decapsulate), LiveRef(k), make([]byte, 1088), Result{})
	}
	export := use{"export", one(claviger.Export), nil, 0, func(r *rig, t *testing.T, k *Key) error {
		_, err := r.Export(t.Context(), r.grant(t, k, provider.Sign), LiveRef(k), claviger.Raw)
		return err
	}}
	return []use{
		madeUse("agree", one(claviger.Agree), private, provider.Agree, agree, "ECDH-P256"),
		madeUse("derive", one(claviger.Derive), 0, provider.Derive, derive, "SECRET"),
		madeUse("encapsulate", one(claviger.Agree), 0, provider.Encapsulate, encapsulate, "ML-KEM-768"),
		madeUse("decapsulate", one(claviger.Agree), private, provider.Decapsulate, decapsulate, "ML-KEM-768"),
		export,
	}
}

// half is what of a pair a key holds, for the key types of the matrix.
var matrixKeys = []claviger.Algorithm{"AES-256", "HMAC-SHA-256", "SECRET", "RSA-2048", "ECDSA-P256", "ECDH-P256", "Ed25519", "ML-DSA-65", "ML-KEM-768"}

// permitted says what the rules say: which code an operation gives for a key with exactly the permissions p.
func (u use) permitted(k *Key, p claviger.Permission) claviger.Code {
	allowed := false
	for _, set := range u.any {
		allowed = allowed || p.Has(set)
	}
	fits := u.fits == nil
	for _, f := range u.fits {
		fits = fits || f == k.traits.Algorithm
	}
	wrongHalf := k.traits.Class == claviger.PublicKey && u.half == claviger.PrivateKey
	switch {
	case u.name == "export" && k.traits.Class == claviger.PublicKey:
		return 0
	case !allowed:
		return claviger.ErrKeyOperationNotPermitted
	case !fits || wrongHalf:
		return claviger.ErrIncompatibleKeyType
	}
	return 0
}

// TestPermissionMatrix tries every operation with every type of key, private and public, under each of the eleven
// permissions alone, under none, under all, and under Encrypt and Decrypt together.
func TestPermissionMatrix(t *testing.T) {
	r := newRig(t)
	sets := []claviger.Permission{claviger.NoPermission, claviger.AllPermissions, claviger.Encrypt | claviger.Decrypt}
	for bit := claviger.Encrypt; bit <= claviger.Import; bit <<= 1 {
		sets = append(sets, bit)
	}
	cells := 0
	for _, alg := range matrixKeys {
		// The public half is restricted to nothing, so that the permissions of the pair alone decide.
		base := r.generate(t, alg, claviger.AllPermissions)
		keys := []*Key{base}
		if base.traits.Class == claviger.PrivateKey {
			made, _, err := r.PublicKey(t.Context(), r.keyless(), LiveRef(base), claviger.DER)
			ok(t, err)
			t.Cleanup(made.Key.Release)
			keys = append(keys, made.Key)
		}
		for _, k := range keys {
			for _, p := range sets {
				k.traits.Permissions, k.traits.Public, k.traits.Restricted = p, p, k.traits.Class == claviger.PrivateKey
				for _, u := range uses() {
					cells++
					if got := claviger.CodeOf(u.try(r, t, k)); got != u.permitted(k, p) {
						t.Errorf("%s %s key with %s, %s: %q; want %q", k.traits.Class, alg, p, u.name, got.Name(), u.permitted(k, p).Name())
					}
				}
			}
		}
	}
	if want := 15 * 14 * 21; cells != want {
		t.Errorf("%d cells; want %d", cells, want)
	}
}

func TestThePublicHalfIsFreeUnlessRestricted(t *testing.T) {
	r := newRig(t)
	none, all := claviger.NoPermission, claviger.AllPermissions
	make := func(alg claviger.Algorithm, own, public *claviger.Permission) *Key {
		made, err := r.Generate(t.Context(), r.keyless(), alg, Target{Permissions: own}, public)
		ok(t, err)
		t.Cleanup(made.Key.Release)
		return made.Key
	}
	for _, c := range []struct {
		name string
		alg  claviger.Algorithm
	}{{"ECDSA verify", "ECDSA-P256"}, {"OAEP encrypt", "RSA-2048"}, {"encapsulate", "ML-KEM-768"}} {
		for _, u := range uses() {
			if u.name != c.name {
				continue
			}
			ok(t, u.try(r, t, make(c.alg, &none, nil)))
			ok(t, u.try(r, t, make(c.alg, &none, &all)))
			fails(t, c.name+" restricted", u.try(r, t, make(c.alg, &all, &none)), claviger.ErrKeyOperationNotPermitted)
		}
	}
	_, err := r.Generate(t.Context(), r.keyless(), "AES-256", Target{}, &none)
	fails(t, "public half of a secret key", err, claviger.ErrInvalidArgument)
}

// The key of flow 8: the preset authentication on a key that signs.
func TestPermissionsAreAskedForBeforeTheTypeOfKey(t *testing.T) {
	r := newRig(t)
	aes := r.generate(t, "AES-256", claviger.Encrypt|claviger.Decrypt)
	authentication := r.generate(t, "ECDSA-P256", claviger.Authentication)
	for _, c := range []struct {
		key  *Key
		spec ContextSpec
		want claviger.Code
	}{
		{aes, ContextSpec{Kind: claviger.CipherContext, Algorithm: "AES-256-CBC"}, 0},
		{aes, ContextSpec{Kind: claviger.SignContext, Algorithm: "HMAC-SHA-256"}, claviger.ErrKeyOperationNotPermitted},
		{aes, ContextSpec{Kind: claviger.SignContext, Algorithm: "NO-SUCH"}, claviger.ErrKeyOperationNotPermitted},
		{aes, ContextSpec{Kind: claviger.CipherContext, Algorithm: "NO-SUCH"}, claviger.ErrUnsupportedAlgorithm},
		{aes, ContextSpec{Kind: claviger.CipherContext, Algorithm: "SHA-256"}, claviger.ErrAlgorithmMismatch},
		{aes, ContextSpec{Kind: claviger.CipherContext, Algorithm: "AES-128-CBC"}, claviger.ErrIncompatibleKeyType},
		{authentication, ContextSpec{Kind: claviger.SignContext, Algorithm: "ECDSA-P256-SHA-256"}, 0},
		{authentication, ContextSpec{Kind: claviger.VerifyContext, Algorithm: "ECDSA-P256-SHA-256"}, 0},
		{authentication, ContextSpec{Kind: claviger.MACContext, Algorithm: "HMAC-SHA-256"}, claviger.ErrIncompatibleKeyType},
		{authentication, ContextSpec{Kind: claviger.CipherContext, Algorithm: "AES-256-CBC"}, claviger.ErrKeyOperationNotPermitted},
		{authentication, ContextSpec{Kind: claviger.CipherContext, Algorithm: "AES-256-CBC", Direction: claviger.Decrypting}, claviger.ErrKeyOperationNotPermitted},
	} {
		made, err := r.NewContext(t.Context(), r.grant(t, c.key, c.spec.operation()), LiveRef(c.key), c.spec)
		if claviger.CodeOf(err) != c.want {
			t.Errorf("%s with %s: %v; want %q", c.spec.Kind, c.spec.Algorithm, err, c.want.Name())
		}
		if err == nil {
			made.Close()
		}
	}
	_, err := r.Agree(t.Context(), r.grant(t, authentication, provider.Agree), LiveRef(authentication), "", Peer{Key: authentication}, Result{})
	fails(t, "agree with a signing key", err, claviger.ErrIncompatibleKeyType)
}

// TestADecryptOnlyKeyEncryptsNothing shows that a key that only decrypts cannot be made to give the block cipher's
// forward direction E_k, which is what CTR keystream and GCM tags are made of. CBC decryption with a chosen IV and
// chosen blocks gives D_k of chosen blocks, which is what decrypting means; D_k does not forge, because GCM and CTR
// never use it.
func TestADecryptOnlyKeyEncryptsNothing(t *testing.T) {
	r := newRig(t)
	key := r.generate(t, "AES-256", claviger.Decrypt)
	all := make([]byte, 32)
	raw := r.generate(t, "AES-256", claviger.AllPermissions)
	for _, alg := range []claviger.Algorithm{"AES-256-CTR", "AES-256-CBC", "AES-256-GCM"} {
		for _, kind := range []claviger.ContextKind{claviger.CipherContext, claviger.AEADContext} {
			for _, d := range []claviger.Direction{claviger.Encrypting, claviger.Decrypting} {
				s := ContextSpec{Kind: kind, Algorithm: alg, Direction: d}
				_, err := r.NewContext(t.Context(), r.grant(t, key, s.operation()), LiveRef(key), s)
				allowed := d == claviger.Decrypting && (alg == "AES-256-GCM" || alg == "AES-256-CBC" && kind == claviger.CipherContext)
				if allowed != (err == nil) {
					t.Errorf("%s %s %s: %v", kind, alg, d, err)
				}
			}
		}
	}
	_, err := r.Export(t.Context(), r.grant(t, key, provider.Decrypt), LiveRef(key), claviger.Raw)
	fails(t, "export", err, claviger.ErrKeyOperationNotPermitted)
	_, err = r.NewContext(t.Context(), r.grant(t, key, provider.Encrypt), LiveRef(key), ContextSpec{Kind: claviger.SignContext, Algorithm: "HMAC-SHA-256"})
	fails(t, "sign", err, claviger.ErrKeyOperationNotPermitted)

	// What the CBC oracle gives is D_k of the chosen block.
	secret, err := r.Export(t.Context(), r.grant(t, raw, provider.Decrypt), LiveRef(raw), claviger.Raw)
	ok(t, err)
	copy(all, secret)
	block, err := aes.NewCipher(all)
	ok(t, err)
	oracle, g := r.context(t, raw, ContextSpec{Kind: claviger.CipherContext, Algorithm: "AES-256-CBC", Direction: claviger.Decrypting})
	_, err = oracle.Init(t.Context(), g, make([]byte, 16), nil, nil)
	ok(t, err)
	chosen := append(make([]byte, 16), make([]byte, 16)...)
	out, err := oracle.Update(t.Context(), g, nil, chosen)
	ok(t, err)
	want, forward := make([]byte, 16), make([]byte, 16)
	block.Decrypt(want, chosen[:16])
	block.Encrypt(forward, chosen[:16])
	if fmt.Sprintf("%x", out[:16]) != fmt.Sprintf("%x", want) || fmt.Sprintf("%x", out[:16]) == fmt.Sprintf("%x", forward) {
		t.Error("CBC decryption of a zero IV gives something else than D_k")
	}
}
