package wasicrypto

import (
	"bytes"
	"sync"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
)

// signatureFunctions is wasi_ephemeral_crypto_signatures.
func signatureFunctions() []function {
	return []function{
		{"signature_export", "iii", signatureExport},
		{"signature_import", "iiiiii", signatureImport},
		{"signature_state_open", "ii", signatureStateOpen},
		{"signature_state_update", "iii", signatureStateUpdate},
		{"signature_state_sign", "ii", single(1, stateSign)},
		{"signature_state_close", "i", func(c *call) errno { return drop[*signState](&c.guest.table, c.u32(0)) }},
		{"signature_verification_state_open", "ii", verificationStateOpen},
		{"signature_verification_state_update", "iii", verificationStateUpdate},
		{"signature_verification_state_verify", "ii", func(c *call) errno { _, e := stateVerify(c); return e }},
		{"signature_verification_state_close", "i", func(c *call) errno { return drop[*verifyState](&c.guest.table, c.u32(0)) }},
		{"signature_close", "i", func(c *call) errno { return drop[*signature](&c.guest.table, c.u32(0)) }},
	}
}

// signature is a signature in its raw form. The types say that signing gives an array_output,
// the examples that it gives a signature: it answers as both, and pulling its bytes does not
// close it. Safe for concurrent use.
type signature struct {
	guest  *algorithm.Guest
	raw    []byte // does not change
	charge charge

	mu   sync.Mutex
	next int // guarded by mu; what has been pulled
}

// newSignature takes over the bytes of a signature: overflow over the guest's budget.
func newSignature(b *budget, g *algorithm.Guest, raw []byte) (*signature, error) {
	s := &signature{guest: g, raw: raw}
	if e := s.charge.hold(b, len(raw)); e != success {
		return nil, e
	}
	return s, nil
}

func (s *signature) size() int { return len(s.raw) }

func (s *signature) pull(dst []byte) (n int, drained bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n = copy(dst, s.raw[s.next:])
	s.next += n
	return n, false
}

func (s *signature) close() { s.charge.release() }

// The numbers of signature_encoding.
const (
	signatureRaw = 0
	signatureDER = 1
)

// signatureForm reads a signature_encoding: unsupported_encoding if signatures of the algorithm
// have no such form, which is DER for all but ECDSA.
func (c *call) signatureForm(i int, g *algorithm.Guest) (der bool, e errno) {
	n, ok := c.u16(i)
	switch {
	case ok && n == signatureRaw:
		return false, success
	case ok && n == signatureDER && g.Use.TwoForms():
		return true, success
	}
	return false, unsupportedEncoding
}

// signatureExport (signature, encoding, out array_output): the signature stays open. Errors:
// those of signatureForm.
func signatureExport(c *call) errno {
	to, e := c.out(2, size32)
	if e != success {
		return e
	}
	return use(&c.guest.table, c.u32(0), func(s *signature) errno {
		der, e := c.signatureForm(1, s.guest)
		switch {
		case e != success:
			return e
		case !der:
			return c.giveOutput(to, bytes.Clone(s.raw))
		}
		data, err := s.guest.Use.SignatureToDER(s.raw)
		if err != nil {
			return signal(err)
		}
		return c.giveOutput(to, data)
	})
}

// signatureImport (algorithm, encoded, encoding, out signature): unsupported_algorithm for a
// name that is none of signatures; errors of signatureForm; invalid_signature for what cannot
// be a signature by its form or its length. Whether it is one of some message is for a
// verification state to say.
func signatureImport(c *call) errno {
	to, e1 := c.out(5, size32)
	name, e2 := c.text(0)
	data, e3 := c.encoded(2)
	if e := first(e1, e2, e3); e != success {
		return e
	}
	g, ok := algorithm.LookupGuest(claviger.GuestSignatures, name)
	if !ok {
		return unsupportedAlgorithm
	}
	der, e := c.signatureForm(4, g)
	if e != success {
		return e
	}
	if der {
		var err error
		if data, err = g.Use.SignatureFromDER(data); err != nil {
			return invalidSignature
		}
	}
	if len(data) != g.Use.SignatureSize(g.Key.Name) {
		return invalidSignature
	}
	s, err := newSignature(&c.guest.budget, g, data)
	if err != nil {
		return signal(err)
	}
	return c.give(to, s)
}

// signatureStateOpen (keypair, out signature_state): a pair for key exchange is invalid_key.
// The state keeps the key when the pair is closed.
func signatureStateOpen(c *call) errno {
	to, e := c.out(1, size32)
	if e != success {
		return e
	}
	return c.pair(0, func(p *private) errno {
		if p.guest.Type != claviger.GuestSignatures {
			return invalidKey
		}
		s := &signState{private: p.share()}
		s.init(p.guest)
		return c.give(to, s)
	})
}

// signatureStateUpdate (signature_state, input): read once, while this runs. overflow as for
// message.absorb.
func signatureStateUpdate(c *call) errno {
	data, e := c.bytes(1)
	if e != success {
		return e
	}
	return use(&c.guest.table, c.u32(0), func(s *signState) errno { return s.absorb(c, data) })
}

// stateSign (signature_state) gives a signature of all that was absorbed so far. The state
// stays open.
func stateSign(c *call) (h uint32, e errno) {
	e = use(&c.guest.table, c.u32(0), func(s *signState) errno {
		sig, err := s.sign(c)
		if err != nil {
			return signal(err)
		}
		h, e = c.guest.table.add(sig)
		return e
	})
	return h, e
}

// verificationStateOpen (publickey, out signature_verification_state): a public key for key
// exchange is invalid_key.
func verificationStateOpen(c *call) errno {
	to, e := c.out(1, size32)
	if e != success {
		return e
	}
	return use(&c.guest.table, c.u32(0), func(k *publicKey) errno {
		if k.guest.Type != claviger.GuestSignatures {
			return invalidKey
		}
		s := &verifyState{public: k.share()}
		s.init(k.guest)
		return c.give(to, s)
	})
}

// verificationStateUpdate (signature_verification_state, input): as signatureStateUpdate.
func verificationStateUpdate(c *call) errno {
	data, e := c.bytes(1)
	if e != success {
		return e
	}
	return use(&c.guest.table, c.u32(0), func(s *verifyState) errno { return s.absorb(c, data) })
}

// stateVerify (signature_verification_state, signature) gives nothing but its errno, which is
// that of verifyState.verify. Both handles stay open.
func stateVerify(c *call) (uint32, errno) {
	return 0, use2(&c.guest.table, c.u32(0), c.u32(1), func(s *verifyState, sig *signature) errno { return s.verify(sig) })
}
