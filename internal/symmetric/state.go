package symmetric

import (
	"bytes"
	"context"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/secmem"
)

// state is the symmetric state of every algorithm: what they have in common, over the verbs of the kind. Contexts are not
// looked at, since nothing here waits. After Close every method is ErrResourceNotFound.
type state struct {
	guest   *algorithm.Guest
	options *options
	verbs   verbs // nil after Close
}

var _ claviger.SymmetricState = (*state)(nil)

// verbs are the operations of one kind. Those that fail change nothing. No slice is kept, and dst and in do not overlap.
type verbs interface {
	// clone gives a copy that shares only what does not change.
	clone() (verbs, error)
	// wipe clears what is held; nothing is called after it.
	wipe()
	// absorb takes a message, salt, information or associated data.
	absorb(data []byte) error
	// squeeze fills out.
	squeeze(out []byte) error
	// squeezeTag gives a tag, which is the caller's.
	squeezeTag() ([]byte, error)
	// squeezeKey gives a key for target, which is the caller's. A kind without keys does not look at target.
	squeezeKey(target *algorithm.Guest) ([]byte, error)
	// maxTag is the most that seal adds, in bytes.
	maxTag() (int, error)
	// detaches reports whether the tag can stand apart from the ciphertext: seal always adds maxTag bytes then, at the end.
	detaches() bool
	// seal appends ciphertext and tag to dst, or gives dst back.
	seal(dst, in []byte) ([]byte, error)
	// open appends the message to dst; dst as it was and ErrInvalidTag for anything wrong with in.
	open(dst, in []byte) ([]byte, error)
	// ratchet makes earlier states impossible to compute.
	ratchet() error
}

// unable is the verbs of a kind that has none. The kinds embed it and replace what they have.
type unable struct{ guest *algorithm.Guest }

// refuse is ErrInvalidOperation for what the algorithm does not do.
func (u unable) refuse(what string) error {
	return claviger.Errorf(claviger.ErrInvalidOperation, op, "%s does not %s", u.guest.Name, what)
}

// The kinds that have one of these replace it.

func (u unable) absorb([]byte) error                { return u.refuse("absorb") }
func (u unable) squeeze([]byte) error               { return u.refuse("squeeze") }
func (u unable) squeezeTag() ([]byte, error)        { return nil, u.refuse("squeeze a tag") }
func (u unable) maxTag() (int, error)               { return 0, u.refuse("encrypt") }
func (u unable) detaches() bool                     { return false }
func (u unable) seal(dst, _ []byte) ([]byte, error) { return dst, u.refuse("encrypt") }
func (u unable) open(dst, _ []byte) ([]byte, error) { return dst, u.refuse("decrypt") }
func (u unable) ratchet() error                     { return u.refuse("ratchet") }

func (u unable) squeezeKey(*algorithm.Guest) ([]byte, error) {
	return nil, u.refuse("squeeze a key")
}

// live gives the verbs, ErrResourceNotFound after Close.
func (s *state) live() (verbs, error) {
	if s.verbs == nil {
		return nil, claviger.Errorf(claviger.ErrResourceNotFound, op, "the state is closed")
	}
	return s.verbs, nil
}

// Option gives a copy of an option.
func (s *state) Option(_ context.Context, name string) ([]byte, error) {
	if _, err := s.live(); err != nil {
		return nil, err
	}
	return s.options.option(name)
}

// OptionNumber gives an option that is a number.
func (s *state) OptionNumber(_ context.Context, name string) (uint64, error) {
	if _, err := s.live(); err != nil {
		return 0, err
	}
	return s.options.number(name)
}

// Clone copies the state, the nonce that may yet be used included.
func (s *state) Clone(context.Context) (claviger.SymmetricState, error) {
	v, err := s.live()
	if err != nil {
		return nil, err
	}
	if v, err = v.clone(); err != nil {
		return nil, err
	}
	return &state{s.guest, s.options, v}, nil
}

// Absorb takes data. What has to be held is at most algorithm.MaxHeld bytes; more is ErrQuotaExceeded.
func (s *state) Absorb(_ context.Context, data []byte) error {
	v, err := s.live()
	if err != nil {
		return err
	}
	return v.absorb(data)
}

// Squeeze fills out. ErrInvalidLength where the algorithm does not give as much.
func (s *state) Squeeze(_ context.Context, out []byte) error {
	v, err := s.live()
	if err != nil {
		return err
	}
	return v.squeeze(out)
}

// SqueezeTag gives a tag, which the caller owns. Of a message authentication code it may be asked for again.
func (s *state) SqueezeTag(context.Context) ([]byte, error) {
	v, err := s.live()
	if err != nil {
		return nil, err
	}
	return v.squeezeTag()
}

// SqueezeKey gives a key. What the state cannot do is told before what is wrong with the target: ErrUnsupportedAlgorithm
// for an unknown name.
func (s *state) SqueezeKey(_ context.Context, name claviger.Algorithm) ([]byte, error) {
	v, err := s.live()
	if err != nil {
		return nil, err
	}
	target, ok := algorithm.LookupGuest(claviger.GuestSymmetric, string(name))
	if !ok && s.squeezesKeys() {
		return nil, claviger.Errorf(claviger.ErrUnsupportedAlgorithm, op, "there is no symmetric algorithm %q", claviger.Clip(string(name)))
	}
	return v.squeezeKey(target)
}

// squeezesKeys reports whether the kind gives keys at all.
func (s *state) squeezesKeys() bool {
	return s.guest.Kind == algorithm.KindExtract || s.guest.Kind == algorithm.KindSession
}

// MaxTagLen gives the length of the tag in bytes, or the most that padding adds. Only what encrypts has one.
func (s *state) MaxTagLen(context.Context) (int, error) {
	v, err := s.live()
	if err != nil {
		return 0, err
	}
	return v.maxTag()
}

// Encrypt appends ciphertext and tag. ErrNonceRequired once the nonce is used up, ErrQuotaExceeded for more than
// algorithm.MaxHeld bytes; dst is given back then.
func (s *state) Encrypt(_ context.Context, dst, plaintext []byte) ([]byte, error) {
	v, err := s.live()
	if err != nil {
		return dst, err
	}
	return v.seal(dst, plaintext)
}

// EncryptDetached appends the ciphertext, as long as the message, and gives the tag in a slice of its own. Errors are
// those of Encrypt.
func (s *state) EncryptDetached(_ context.Context, dst, plaintext []byte) (out, tag []byte, err error) {
	v, err := s.detached()
	if err != nil {
		return dst, nil, err
	}
	if out, err = v.seal(dst, plaintext); err != nil {
		return dst, nil, err
	}
	end := len(dst) + len(plaintext)
	return out[:end], bytes.Clone(out[end:]), nil
}

// Decrypt appends the plaintext, or gives dst back with ErrInvalidTag; nothing of the plaintext is left behind dst then.
func (s *state) Decrypt(_ context.Context, dst, ciphertext []byte) ([]byte, error) {
	v, err := s.live()
	if err != nil {
		return dst, err
	}
	return v.open(dst, ciphertext)
}

// DecryptDetached is Decrypt with the tag apart. A tag of another length is ErrInvalidTag too.
func (s *state) DecryptDetached(_ context.Context, dst, ciphertext, tag []byte) ([]byte, error) {
	v, err := s.detached()
	if err != nil {
		return dst, err
	}
	if n, err := v.maxTag(); err != nil || len(tag) != n {
		return dst, claviger.Errorf(claviger.ErrInvalidTag, op, "a tag of %s has %d bytes, not %d", s.guest.Name, n, len(tag))
	}
	joined := make([]byte, 0, len(ciphertext)+len(tag))
	return v.open(dst, append(append(joined, ciphertext...), tag...))
}

// detached gives the verbs of a kind whose tag can stand apart.
func (s *state) detached() (verbs, error) {
	v, err := s.live()
	if err != nil {
		return nil, err
	}
	if !v.detaches() {
		return nil, unable{s.guest}.refuse("have a tag that stands apart")
	}
	return v, nil
}

// Ratchet goes on without a way back: who learns the state later does not learn what was encrypted before.
func (s *state) Ratchet(context.Context) error {
	v, err := s.live()
	if err != nil {
		return err
	}
	return v.ratchet()
}

// Close wipes what the state holds itself. What an algorithm expanded from a key, and the options, which copies of the state share,
// are left to the garbage collector. It never fails, and a second one does nothing.
func (s *state) Close() error {
	if s.verbs != nil {
		s.verbs.wipe()
		s.verbs = nil
	}
	return nil
}

// heldLimit refuses more bytes than an algorithm that needs the whole may hold.
func heldLimit(g *algorithm.Guest, n int) error {
	if n > algorithm.MaxHeld {
		return claviger.Errorf(claviger.ErrQuotaExceeded, op, "%d bytes for %s are over the limit of %d", n, g.Name, algorithm.MaxHeld)
	}
	return nil
}

// extend appends to what a state holds. It wipes the memory that this outgrows, so that Close finds all there is.
func extend(held, more []byte) []byte {
	if len(held)+len(more) <= cap(held) {
		return append(held, more...)
	}
	longer := append(held[:len(held):len(held)], more...)
	secmem.Wipe(held)
	return longer
}

// errKey is for a key of n bytes, a number that the algorithm does not take.
func errKey(g *algorithm.Guest, n int) error {
	return claviger.Errorf(claviger.ErrInvalidKey, op, "%d bytes cannot be a key of %s, which takes %d to %d", n, g.Name, g.MinKey, g.MaxKey)
}

// errUsed is for a second message under one nonce.
func errUsed(g *algorithm.Guest) error {
	return claviger.Errorf(claviger.ErrNonceRequired, op, "the nonce of this state of %s has been used", g.Name)
}

// errCopy is for an implementation that cannot be copied, which none of the table is.
func errCopy(g *algorithm.Guest) error {
	return claviger.Errorf(claviger.ErrInternal, op, "a state of %s cannot be copied", g.Name)
}

// errTag is the one error of every failed decryption: it tells nothing about why.
func errTag(g *algorithm.Guest) error {
	return claviger.Errorf(claviger.ErrInvalidTag, op, "the ciphertext is not one of %s with this key, nonce and associated data", g.Name)
}
