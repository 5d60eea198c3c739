package operation

import (
	"context"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/provider"
)

// Limits of what a derivation takes, in bytes.
const (
	MaxSalt = 128
	MaxInfo = 1024
)

// minDerived is the shortest result in bytes that a derivation gives of a key that does not permit Export: 112 bits (SP
// 800-131A revision 2, section 10). A shorter one could be guessed by trying what it does; and since HKDF gives the same
// first bytes whatever the length (RFC 5869, section 2.3), so could a long one, byte by byte.
const minDerived = 14

// Peer is the other side's public key: bytes in a format, or a key.
type Peer struct {
	Data   []byte
	Format claviger.Format
	Key    *Key // used if not nil
}

// Result says what a verb that gives a secret makes of it. Agreement, encapsulation, decapsulation and derivation never
// give bytes, they give a key: with a KDF one that is derived from the secret at once, without one the secret itself.
//
// The new key permits what the target asks for, by default everything. Export is the exception: it takes a source key
// that permits Export, because the bytes of the result would otherwise tell what the source key keeps to itself. So does
// a result that is short enough to be guessed. Managed pairs for key exchange agree and decapsulate with results that may
// be exported: wasi-crypto gives those secrets to their owner (Traits.Raw).
type Result struct {
	Algorithm claviger.Algorithm // "" is SECRET
	KDF       *provider.KDF      // nil: none
	Target    Target
}

// settle checks the result's parts and makes the parameters and the permissions of it.
func (r Result) settle(op string, g policy.Grant, do provider.Op, t Traits) (provider.Params, claviger.Permission, error) {
	if r.Algorithm == "" && r.Target.Durable {
		r.Algorithm = r.Target.Slot.Slot().Algorithm
	}
	if r.Algorithm == "" {
		r.Algorithm = algorithm.Generic
	}
	row, err := r.Target.algorithmFor(op, r.Algorithm)
	if err != nil {
		return provider.Params{}, 0, err
	}
	if row.Class != claviger.SecretKey {
		return provider.Params{}, 0, claviger.Errorf(claviger.ErrIncompatibleKeyType, op, "the result is a secret key; %s is a pair", row.Name)
	}
	kdf, err := checkKDF(op, r.KDF)
	if err != nil {
		return provider.Params{}, 0, err
	}
	most := claviger.AllPermissions
	if raw := t.Raw && (do == provider.Agree || do == provider.Decapsulate); !raw && !g.Permissions().Has(claviger.Export) {
		if kdf != nil && kdf.Size != 0 && kdf.Size < minDerived {
			return provider.Params{}, 0, claviger.Errorf(claviger.ErrKeyOperationNotPermitted, op, "a result of %d bytes can be guessed; below %d the key must permit %s", kdf.Size, minDerived, claviger.Export)
		}
		most = most.Without(claviger.Export)
		if p := r.Target.Permissions; p != nil && p.Has(claviger.Export) {
			return provider.Params{}, 0, claviger.Errorf(claviger.ErrKeyOperationNotPermitted, op, "the result may be exported only if the key permits %s", claviger.Export)
		}
	}
	params := provider.Params{KDF: kdf, Result: provider.Spec{Algorithm: row.Name, Class: claviger.SecretKey}}
	return params, r.Target.permissions(most), nil
}

// checkKDF gives the derivation its canonical name.
func checkKDF(op string, k *provider.KDF) (*provider.KDF, error) {
	if k == nil {
		return nil, nil
	}
	row, err := lookup(op, k.Algorithm, algorithm.FamilyKDF)
	if err != nil {
		return nil, err
	}
	switch {
	case len(k.Salt) > MaxSalt:
		return nil, claviger.Errorf(claviger.ErrParamTruncated, op, "salt of %d bytes; the limit is %d", len(k.Salt), MaxSalt)
	case len(k.Info) > MaxInfo:
		return nil, claviger.Errorf(claviger.ErrParamTruncated, op, "info of %d bytes; the limit is %d", len(k.Info), MaxInfo)
	case k.Size < 0:
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, op, "a size of %d bytes", k.Size)
	}
	return &provider.KDF{Algorithm: row.Name, Salt: k.Salt, Info: k.Info, Size: k.Size}, nil
}

// Wants says what a key-giving verb demands of a key, and the permissions of the key that decide: Agree of the private
// half to agree and to decapsulate, Agree of the public half to encapsulate, Derive to derive.
func Wants(do provider.Op, t Traits) (want, has claviger.Permission) {
	if do == provider.Derive {
		return claviger.Derive, t.For(do)
	}
	return claviger.Agree, t.For(do)
}

// keyOp is what the key-giving verbs have in common. Order of checks: permission, algorithm and key type, provider.
func (e *Engine) keyOp(ctx context.Context, g policy.Grant, ref *KeyRef, do provider.Op, name claviger.Algorithm, r Result, peer func(*Key) ([]byte, error)) (Made, []byte, error) {
	op, t := do.String(), ref.Traits()
	want, _ := Wants(do, t)
	if err := firstError(g.Demand(op, want), r.Target.demand(op, policy.WritePersist)); err != nil {
		return Made{}, nil, err
	}
	row, err := keyOpRow(op, do, name, t)
	if err != nil {
		return Made{}, nil, err
	}
	if err := fit(op, row, do, t, g.Slot()); err != nil {
		return Made{}, nil, err
	}
	params, permissions, err := r.settle(op, g, do, t)
	if err != nil {
		return Made{}, nil, err
	}
	if err := e.early(r.Target, params.Result.Algorithm); err != nil {
		return Made{}, nil, err
	}
	candidates, err := e.keyOpHomes(op, g, ref, r.Target, do)
	if err != nil {
		return Made{}, nil, err
	}
	w := work{do, row.Name, t.Algorithm}
	if err := e.openable(op, ref, g.Slot(), w); err != nil {
		return Made{}, nil, err
	}
	key, _, err := e.take(ctx, op, ref, r.Target.Provider, candidates, w)
	if err != nil {
		return Made{}, nil, err
	}
	defer key.Release()
	if params.Algorithm = row.Name; peer != nil {
		if params.Peer, err = peer(key); err != nil {
			return Made{}, nil, err
		}
	}
	made, out, err := key.key.KeyOp(ctx, do, &params)
	if err != nil {
		return Made{}, nil, claviger.WrapError(keyOpCode(do), op, err)
	}
	result, err := e.place(ctx, op, key.home, made, r.Target, newTraits(made, permissions, nil))
	return result, out, err
}

// keyOpCode is the code of a failure for which the provider has none.
func keyOpCode(do provider.Op) claviger.Code {
	if do == provider.Derive {
		return claviger.ErrKeyDerivationFailed
	}
	return claviger.ErrKeyAgreementFailed
}

// keyOpRow finds the row of a verb. An empty name follows the key.
func keyOpRow(op string, do provider.Op, name claviger.Algorithm, t Traits) (*algorithm.Row, error) {
	family := algorithm.FamilyKEM
	switch do {
	case provider.Derive:
		family = algorithm.FamilyKDF
	case provider.Agree:
		family = algorithm.FamilyAgreement
	}
	if name == "" && do != provider.Derive {
		if row, ok := algorithm.Lookup(t.Algorithm, family); ok {
			return row, nil
		}
		return nil, claviger.Errorf(claviger.ErrIncompatibleKeyType, op, "a key of %s does not %s", t.Algorithm, op)
	}
	return lookup(op, name, family)
}

// keyOpHomes lists the providers that can run the verb. A result that goes into a slot needs the slot's primary.
func (e *Engine) keyOpHomes(op string, g policy.Grant, ref *KeyRef, t Target, do provider.Op) ([]*member, error) {
	if !t.Durable {
		return e.homes(ref, g.Slot(), do), nil
	}
	primary, err := e.writer(op, t)
	if err != nil {
		return nil, err
	}
	if home := e.member(ref.home); home == nil || !sameHome(home, primary) {
		return nil, claviger.Errorf(claviger.ErrCrossProviderIncompatible, op, "the key cannot be used in provider %d, which writes slot %q", primary.ID, t.Slot.Slot().Name)
	}
	return []*member{primary}, nil
}

// Agree makes a key of a Diffie-Hellman exchange. name may be empty and then follows the key. Errors:
// ErrKeyOperationNotPermitted, ErrIncompatibleKeyType, ErrInvalidFormat for the peer's bytes, ErrKeyAgreementFailed.
func (e *Engine) Agree(ctx context.Context, g policy.Grant, ref *KeyRef, name claviger.Algorithm, p Peer, r Result) (Made, error) {
	made, _, err := e.keyOp(ctx, g, ref, provider.Agree, name, r, func(k *Key) ([]byte, error) { return p.encoded(k.traits.Algorithm) })
	return made, err
}

// encoded gives the peer's key as a SubjectPublicKeyInfo.
func (p Peer) encoded(alg claviger.Algorithm) ([]byte, error) {
	if p.Key == nil {
		out, _, err := algorithm.DecodeAs(p.Format, alg, claviger.PublicKey, p.Data)
		return out, err
	}
	if p.Key.traits.Algorithm != alg {
		return nil, claviger.Errorf(claviger.ErrIncompatibleKeyType, "agree", "the peer's key is of %s, the own key of %s", p.Key.traits.Algorithm, alg)
	}
	if err := p.Key.alive("agree"); err != nil {
		return nil, err
	}
	out, err := p.Key.key.Public()
	return out, claviger.WrapError(claviger.ErrOperationFailed, "agree", err)
}

// Derive makes a key of a secret key. The result's KDF is what derives. Errors: ErrKeyOperationNotPermitted,
// ErrIncompatibleKeyType, ErrInvalidArgument, ErrKeyDerivationFailed.
func (e *Engine) Derive(ctx context.Context, g policy.Grant, ref *KeyRef, r Result) (Made, error) {
	want, _ := Wants(provider.Derive, ref.Traits())
	if err := g.Demand("derive", want); err != nil {
		return Made{}, err
	}
	if r.KDF == nil || r.KDF.Algorithm == "" {
		return Made{}, claviger.Errorf(claviger.ErrInvalidArgument, "derive", "the derivation's algorithm is missing")
	}
	made, _, err := e.keyOp(ctx, g, ref, provider.Derive, r.KDF.Algorithm, r, nil)
	return made, err
}

// Encapsulate makes a fresh secret for the holder of the private half, and the ciphertext that carries it. The caller owns the ciphertext.
func (e *Engine) Encapsulate(ctx context.Context, g policy.Grant, ref *KeyRef, r Result) (Made, []byte, error) {
	return e.keyOp(ctx, g, ref, provider.Encapsulate, "", r, nil)
}

// Decapsulate makes the secret of a ciphertext. An altered ciphertext of the right length gives another secret, not an
// error (FIPS 203, 6.3); one of another length is ErrInvalidFormat.
func (e *Engine) Decapsulate(ctx context.Context, g policy.Grant, ref *KeyRef, ciphertext []byte, r Result) (Made, error) {
	made, _, err := e.keyOp(ctx, g, ref, provider.Decapsulate, "", r, func(*Key) ([]byte, error) { return ciphertext, nil })
	return made, err
}
