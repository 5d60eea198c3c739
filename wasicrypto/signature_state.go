package wasicrypto

import (
	"hash"
	"sync"

	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/secmem"
)

// message is what is signed or verified, absorbed piece by piece: hashed as it comes where the
// algorithm works on a digest, held where it takes the message whole. Safe for concurrent use.
type message struct {
	mu     sync.Mutex
	hash   hash.Hash // guarded by mu; nil if the message is held
	held   []byte    // guarded by mu; its bytes never change, more follow
	charge charge    // guarded by mu
}

// init chooses between hashing and holding, by the algorithm.
func (m *message) init(g *algorithm.Guest) {
	if g.Use.Digest != "" {
		m.hash = g.Use.NewHash()
	}
}

// absorb adds data: overflow if more has to be held than the guest may, and then nothing is
// added.
func (m *message) absorb(c *call, data []byte) errno {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.hash != nil {
		m.hash.Write(data) // a hash returns no error
		return success
	}
	if len(m.held)+len(data) > c.guest.host.config.Limits.Held {
		return overflow
	}
	if e := m.charge.hold(&c.guest.budget, len(data)); e != success {
		return e
	}
	m.held = append(m.held, data...)
	return success
}

// input gives the digest of all that was absorbed so far, or all of it: read only, and valid
// for as long as the state is in use. More may be absorbed meanwhile.
func (m *message) input() []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.hash != nil {
		return m.hash.Sum(nil) // works on a copy
	}
	return m.held[:len(m.held):len(m.held)]
}

// forget wipes what is held. The object is not used afterwards.
func (m *message) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	secmem.Wipe(m.held)
	m.charge.release()
}

// signState is a signature_state: it stays usable after a signature, and the next one covers
// all data so far.
type signState struct {
	message
	private *private
}

func (s *signState) close() {
	s.forget()
	s.private.release()
}

// sign gives the signature of what was absorbed so far.
func (s *signState) sign(c *call) (*signature, error) {
	raw, err := s.private.sign(c.ctx, s.input())
	if err != nil {
		return nil, err
	}
	return newSignature(&c.guest.budget, s.private.guest, raw)
}

// verifyState is a signature_verification_state.
type verifyState struct {
	message
	public *publicKey
}

func (s *verifyState) close() {
	s.forget()
	s.public.close()
}

// verify judges a signature: verification_failed if it is not one of what was absorbed so far,
// invalid_signature if it is of another algorithm.
func (s *verifyState) verify(sig *signature) errno {
	if sig.guest != s.public.guest {
		return invalidSignature
	}
	ok, err := sig.guest.Use.Verify(s.public.key, s.input(), sig.raw, false)
	switch {
	case err != nil:
		return signal(err)
	case !ok:
		return verificationFailed
	}
	return success
}
