package operation

import (
	"context"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/secmem"
	"github.com/claviger/claviger/internal/symmetric"
)

// ManagedSpec says what a managed key is.
type ManagedSpec struct {
	Guest      *algorithm.Guest // what guests call its algorithm
	Exportable bool             // it permits Export
}

// check refuses an algorithm that has no keys, with ErrKeyNotSupported.
func (s ManagedSpec) check() error {
	if s.Guest.Key == nil && s.Guest.Keyless() {
		return symmetric.CheckKey(s.Guest, 0)
	}
	return nil
}

// permissions gives what a managed key may serve: what its algorithm does, and Export if it was made so.
func (s ManagedSpec) permissions() claviger.Permission {
	p := guestPermissions(s.Guest)
	if s.Exportable {
		p |= claviger.Export
	}
	return p
}

// guestPermissions is what an algorithm of guests does with a key.
func guestPermissions(g *algorithm.Guest) claviger.Permission {
	switch g.Type {
	case claviger.GuestSignatures:
		return claviger.Sign | claviger.Verify
	case claviger.GuestKeyExchange:
		return claviger.Agree | claviger.Derive
	}
	switch g.Kind {
	case algorithm.KindMAC:
		return claviger.Mac
	case algorithm.KindXOF:
		return claviger.Mac | claviger.Derive
	case algorithm.KindExtract, algorithm.KindExpand:
		return claviger.Derive
	case algorithm.KindAEAD, algorithm.KindCipher:
		return claviger.Encrypt | claviger.Decrypt
	case algorithm.KindSession:
		return claviger.Mac | claviger.Encrypt | claviger.Decrypt | claviger.Derive
	}
	return 0
}

// traits describes a managed key that is live.
func (s ManagedSpec) traits(k provider.Key) Traits {
	t := newTraits(k, s.permissions(), nil)
	t.Raw = s.Guest.Type == claviger.GuestKeyExchange
	return t
}

// MakeManaged makes a managed key with one reference of the caller's, who keeps what Kept gives. material is PKCS #8 for
// a pair or the bytes of a symmetric key, and stays the caller's, who wipes it; nil generates. A pair becomes a key of
// its own algorithm, a symmetric key one of SECRET, which has 1 to 8192 bytes, in the first provider that runs its
// states. Errors: ErrUnsupportedAlgorithm if no provider does, ErrKeyNotSupported for an algorithm without keys,
// ErrInvalidKey, ErrInvalidFormat and ErrIncompatibleKeyType for material that is no key of the algorithm,
// ErrQuotaExceeded for a symmetric key that is longer than what is kept, ErrKeyGenerationFailed.
func (e *Engine) MakeManaged(ctx context.Context, g policy.Grant, s ManagedSpec, material []byte) (*Key, error) {
	const op = "make managed key"
	if err := firstError(g.DemandOpen(op), s.check()); err != nil {
		return nil, err
	}
	if s.Guest.Key == nil {
		return e.makeSymmetric(ctx, op, s, material)
	}
	if material == nil {
		return e.generateManaged(ctx, op, s)
	}
	spec := provider.Spec{Algorithm: s.Guest.Key.Name, Class: claviger.PrivateKey}
	canonical, _, err := algorithm.DecodeAs(claviger.DER, spec.Algorithm, spec.Class, material)
	if err != nil {
		return nil, err
	}
	defer secmem.Wipe(canonical)
	m, _, err := e.pick(op, Selector{}, e.keepers(), work{provider.Import, spec.Algorithm, ""})
	if err != nil {
		return nil, err
	}
	return e.importManaged(ctx, op, s, m, spec, canonical)
}

// generateManaged makes a new pair.
func (e *Engine) generateManaged(ctx context.Context, op string, s ManagedSpec) (*Key, error) {
	row := s.Guest.Key
	m, _, err := e.pick(op, Selector{}, e.keepers(), work{provider.Generate, row.Name, ""})
	if err != nil {
		return nil, err
	}
	made, err := m.Provider.Generate(ctx, provider.Spec{Algorithm: row.Name, Class: row.Class})
	if err != nil {
		return nil, claviger.WrapError(claviger.ErrKeyGenerationFailed, op, err)
	}
	return e.newManaged(m, made, s), nil
}

// makeSymmetric makes a symmetric key of its bytes, or of new ones.
func (e *Engine) makeSymmetric(ctx context.Context, op string, s ManagedSpec, material []byte) (*Key, error) {
	m, err := e.stateHome(op, s.Guest)
	if err != nil {
		return nil, err
	}
	if material == nil {
		if material, err = symmetric.GenerateKey(s.Guest); err != nil {
			return nil, err
		}
		defer secmem.Wipe(material)
	}
	if err := symmetric.CheckKey(s.Guest, len(material)); err != nil {
		return nil, err
	}
	row, _ := algorithm.Lookup(algorithm.Generic, algorithm.FamilyKey)
	switch n := len(material); {
	case n < row.MinKey:
		return nil, claviger.Errorf(claviger.ErrInvalidKey, op, "a key of %d bytes; %d to %d can be kept", n, row.MinKey, row.MaxKey)
	case n > row.MaxKey:
		return nil, claviger.Errorf(claviger.ErrQuotaExceeded, op, "a key of %d bytes; %d to %d can be kept", n, row.MinKey, row.MaxKey)
	}
	return e.importManaged(ctx, op, s, m, provider.Spec{Algorithm: row.Name, Class: claviger.SecretKey}, material)
}

// stateHome finds the first provider that runs states of an algorithm.
func (e *Engine) stateHome(op string, guest *algorithm.Guest) (*member, error) {
	for _, m := range e.members {
		if m.offer().states[guest.Name] {
			return m, nil
		}
	}
	return nil, claviger.Errorf(claviger.ErrUnsupportedAlgorithm, op, "no provider runs states of %s", guest.Name)
}

// importManaged makes a key of material in canonical form.
func (e *Engine) importManaged(ctx context.Context, op string, s ManagedSpec, m *member, spec provider.Spec, material []byte) (*Key, error) {
	made, err := m.Provider.Import(ctx, spec, material)
	if err != nil {
		return nil, claviger.WrapError(claviger.ErrInvalidFormat, op, err)
	}
	return e.newManaged(m, made, s), nil
}

func (e *Engine) newManaged(m *member, made provider.Key, s ManagedSpec) *Key {
	k := e.newKey(m, made, s.traits(made))
	k.guest = s.Guest
	return k
}

// LoadManaged makes a managed key from what Kept gave, with one reference of the caller's. The blob stays the caller's,
// who wipes it. ErrProviderNotAvailable if the provider where it lives is not configured or not open.
func (e *Engine) LoadManaged(ctx context.Context, g policy.Grant, s ManagedSpec, home claviger.ProviderID, blob []byte) (*Key, error) {
	const op = "open managed key"
	if err := g.DemandOpen(op); err != nil {
		return nil, err
	}
	m := e.member(home)
	if m == nil {
		return nil, claviger.Errorf(claviger.ErrProviderNotAvailable, op, "the key lives in provider %d, which is not configured", home)
	}
	if err := m.available(op); err != nil {
		return nil, err
	}
	loaded, err := m.Provider.Load(ctx, blob)
	if err != nil {
		return nil, claviger.WrapError(claviger.ErrInvalidFormat, op, err)
	}
	return e.newManaged(m, loaded, s), nil
}

// Kept gives what LoadManaged makes a managed key from again: the number of its provider and that provider's blob, which
// the caller closes. It is made for package secrets, which seals it; no other key gives its blob: ErrInvalidResourceType.
func (k *Key) Kept(ctx context.Context) (claviger.ProviderID, *secmem.Bytes, error) {
	if k.guest == nil {
		return 0, nil, claviger.Errorf(claviger.ErrInvalidResourceType, "managed key", "the key is not a managed one")
	}
	blob, err := k.key.Blob(ctx, provider.Tag{})
	return k.home.ID, blob, claviger.WrapError(claviger.ErrPersistFailed, "managed key", err)
}

// Managed says what a managed key is; ok is false for any other key.
func (k *Key) Managed() (s ManagedSpec, ok bool) {
	return ManagedSpec{Guest: k.guest, Exportable: k.traits.Permissions.Has(claviger.Export)}, k.guest != nil
}

// PublicInfo gives the public half of a pair as SubjectPublicKeyInfo, which the caller owns; nil for a secret key.
func (k *Key) PublicInfo() ([]byte, error) {
	spki, err := k.key.Public()
	return spki, claviger.WrapError(claviger.ErrOperationFailed, "public key", err)
}

// implied names the algorithm of a context that names none: that of the managed pair that it is for.
func (r *KeyRef) implied() claviger.Algorithm {
	if r.live == nil || r.live.guest == nil || r.live.guest.Key == nil {
		return ""
	}
	return r.live.guest.Use.Name
}
