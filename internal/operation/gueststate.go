package operation

import (
	"context"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/provider"
)

// GuestState is a symmetric state of wasi-crypto over a managed key. Its verbs are those of claviger.SymmetricState, and
// each takes the grant that holds at the moment of the call. Not safe for concurrent use.
type GuestState struct {
	guest *algorithm.Guest
	key   *Key // with a reference of the state's own
	state claviger.SymmetricState
}

// OpenState opens a symmetric state over a managed key. The state holds a reference of its own: the caller may release
// the key. The grant must cover something of what the key's algorithm does. ErrIncompatibleKeyType for a pair and for a key that is not a
// managed one; else the errors of the key's provider.
func (e *Engine) OpenState(ctx context.Context, g policy.Grant, k *Key, o claviger.StateOptions) (*GuestState, error) {
	const op = "open state"
	if k.guest == nil || k.guest.Key != nil {
		return nil, claviger.Errorf(claviger.ErrIncompatibleKeyType, op, "a state takes a managed symmetric key; this is one of %s", k.traits.Algorithm)
	}
	if g.Permissions()&guestPermissions(k.guest) == 0 {
		return nil, claviger.Errorf(claviger.ErrKeyOperationNotPermitted, op, "the key permits %s", g.Permissions())
	}
	opener, ok := k.key.(provider.StateOpener)
	if !ok {
		return nil, claviger.Errorf(claviger.ErrUnsupportedAlgorithm, op, "provider %d runs no states", k.home.ID)
	}
	state, err := opener.OpenState(ctx, k.guest.Name, o)
	if err != nil {
		return nil, claviger.WrapError(claviger.ErrOperationFailed, op, err)
	}
	return &GuestState{guest: k.guest, key: k.Retain(), state: state}, nil
}

// Key gives the key that the state works with. It lives as long as the state.
func (s *GuestState) Key() *Key { return s.key }

// Holds tells whether the state keeps what it absorbs, so that it grows with it.
func (s *GuestState) Holds() bool {
	switch s.guest.Kind {
	case algorithm.KindAEAD, algorithm.KindCipher, algorithm.KindExtract, algorithm.KindExpand:
		return true
	}
	return false
}

// Close wipes the state and gives its key back. It is called once, and no verb after it.
func (s *GuestState) Close() {
	_ = s.state.Close()
	s.key.Release()
}

// permit demands the grant of a verb; natural is the permission that the verb is about. Where the key's algorithm has
// nothing to do with that, nothing is demanded: the state says itself that it does not do it.
func (s *GuestState) permit(g policy.Grant, natural claviger.Permission) error {
	const op = "state"
	want := natural & guestPermissions(s.guest)
	if want == 0 {
		return g.DemandOpen(op)
	}
	return g.Demand(op, want)
}

// Clone gives an independent copy with a reference of its own.
func (s *GuestState) Clone(ctx context.Context, g policy.Grant) (*GuestState, error) {
	if err := s.permit(g, 0); err != nil {
		return nil, err
	}
	copied, err := s.state.Clone(ctx)
	if err != nil {
		return nil, err
	}
	return &GuestState{guest: s.guest, key: s.key.Retain(), state: copied}, nil
}

// Option reads an option back.
func (s *GuestState) Option(ctx context.Context, g policy.Grant, name string) ([]byte, error) {
	if err := s.permit(g, 0); err != nil {
		return nil, err
	}
	return s.state.Option(ctx, name)
}

// OptionNumber reads an option that is a number.
func (s *GuestState) OptionNumber(ctx context.Context, g policy.Grant, name string) (uint64, error) {
	if err := s.permit(g, 0); err != nil {
		return 0, err
	}
	return s.state.OptionNumber(ctx, name)
}

// Absorb takes data in.
func (s *GuestState) Absorb(ctx context.Context, g policy.Grant, data []byte) error {
	if err := s.permit(g, 0); err != nil {
		return err
	}
	return s.state.Absorb(ctx, data)
}

// Squeeze fills out, and demands Derive.
func (s *GuestState) Squeeze(ctx context.Context, g policy.Grant, out []byte) error {
	if err := s.permit(g, claviger.Derive); err != nil {
		return err
	}
	return s.state.Squeeze(ctx, out)
}

// SqueezeTag gives a tag, and demands Mac.
func (s *GuestState) SqueezeTag(ctx context.Context, g policy.Grant) ([]byte, error) {
	if err := s.permit(g, claviger.Mac); err != nil {
		return nil, err
	}
	return s.state.SqueezeTag(ctx)
}

// SqueezeKey gives the bytes of a key, which the caller wipes, and demands Derive.
func (s *GuestState) SqueezeKey(ctx context.Context, g policy.Grant, algorithm claviger.Algorithm) ([]byte, error) {
	if err := s.permit(g, claviger.Derive); err != nil {
		return nil, err
	}
	return s.state.SqueezeKey(ctx, algorithm)
}

// MaxTagLen is the length of the tag in bytes.
func (s *GuestState) MaxTagLen(ctx context.Context, g policy.Grant) (int, error) {
	if err := s.permit(g, 0); err != nil {
		return 0, err
	}
	return s.state.MaxTagLen(ctx)
}

// Encrypt gives ciphertext and tag in one, and demands Encrypt.
func (s *GuestState) Encrypt(ctx context.Context, g policy.Grant, plaintext []byte) ([]byte, error) {
	if err := s.permit(g, claviger.Encrypt); err != nil {
		return nil, err
	}
	return s.state.Encrypt(ctx, nil, plaintext)
}

// EncryptDetached gives ciphertext and tag apart, and demands Encrypt.
func (s *GuestState) EncryptDetached(ctx context.Context, g policy.Grant, plaintext []byte) (out, tag []byte, err error) {
	if err := s.permit(g, claviger.Encrypt); err != nil {
		return nil, nil, err
	}
	return s.state.EncryptDetached(ctx, nil, plaintext)
}

// Decrypt gives the plaintext, which the caller wipes, or nothing and ErrInvalidTag. It demands Decrypt.
func (s *GuestState) Decrypt(ctx context.Context, g policy.Grant, ciphertext []byte) ([]byte, error) {
	if err := s.permit(g, claviger.Decrypt); err != nil {
		return nil, err
	}
	return s.state.Decrypt(ctx, nil, ciphertext)
}

// DecryptDetached is Decrypt with the tag apart.
func (s *GuestState) DecryptDetached(ctx context.Context, g policy.Grant, ciphertext, tag []byte) ([]byte, error) {
	if err := s.permit(g, claviger.Decrypt); err != nil {
		return nil, err
	}
	return s.state.DecryptDetached(ctx, nil, ciphertext, tag)
}

// Ratchet makes what was before unrecoverable.
func (s *GuestState) Ratchet(ctx context.Context, g policy.Grant) error {
	if err := s.permit(g, 0); err != nil {
		return err
	}
	return s.state.Ratchet(ctx)
}
