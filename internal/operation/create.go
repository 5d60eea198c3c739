package operation

import (
	"context"
	"strings"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/provider"
)

// ContextSpec says what a context is to do.
type ContextSpec struct {
	Kind      claviger.ContextKind
	Algorithm claviger.Algorithm // "" with a managed pair is what guests use the pair for
	Direction claviger.Direction // ciphers and AEADs
	Digest    bool               // sign and verify: the input is the digest
	DER       bool               // ECDSA: signatures in ASN.1 form
	Size      int                // extendable-output hashes: default output size in bytes, 0 for the algorithm's own
	Provider  Selector
	Old       bool   // the key is a version of a slot that is not the newest: it decrypts and verifies only
	Budget    Budget // charged for messages that are held; nil: not charged
}

// families lists where a kind's algorithms are looked for, the first first.
func families(k claviger.ContextKind) []algorithm.Family {
	switch k {
	case claviger.HashContext:
		return []algorithm.Family{algorithm.FamilyHash}
	case claviger.MACContext:
		return []algorithm.Family{algorithm.FamilyMAC}
	case claviger.CipherContext:
		return []algorithm.Family{algorithm.FamilyCipher, algorithm.FamilyAEAD, algorithm.FamilyAsymmetric}
	case claviger.AEADContext:
		return []algorithm.Family{algorithm.FamilyAEAD}
	case claviger.SignContext, claviger.VerifyContext:
		return []algorithm.Family{algorithm.FamilySignature}
	case claviger.RandomContext:
		return []algorithm.Family{algorithm.FamilyRandom}
	}
	return nil
}

var allFamilies = []algorithm.Family{algorithm.FamilyHash, algorithm.FamilyMAC, algorithm.FamilyCipher, algorithm.FamilyAEAD,
	algorithm.FamilySignature, algorithm.FamilyAsymmetric, algorithm.FamilyAgreement, algorithm.FamilyKEM, algorithm.FamilyKDF,
	algorithm.FamilyRandom, algorithm.FamilyKey}

// operation gives what a provider is asked for.
func (s ContextSpec) operation() provider.Op {
	switch s.Kind {
	case claviger.HashContext:
		return provider.Hash
	case claviger.MACContext:
		return provider.MAC
	case claviger.CipherContext, claviger.AEADContext:
		if s.Direction == claviger.Decrypting {
			return provider.Decrypt
		}
		return provider.Encrypt
	case claviger.SignContext:
		if s.Digest {
			return provider.SignDigest
		}
		return provider.Sign
	case claviger.VerifyContext:
		if s.Digest {
			return provider.VerifyDigest
		}
		return provider.Verify
	}
	return provider.Random
}

// check refuses what no context can be.
func (s ContextSpec) check() error {
	switch {
	case families(s.Kind) == nil:
		return claviger.Errorf(claviger.ErrInvalidArgument, "create context", "unknown kind of context %d", s.Kind)
	case s.Direction > claviger.Decrypting:
		return claviger.Errorf(claviger.ErrInvalidArgument, s.Kind.String(), "unknown direction %d", s.Direction)
	}
	return nil
}

// Keyed reports whether the kind works with a key.
func Keyed(k claviger.ContextKind) bool {
	return k != claviger.HashContext && k != claviger.RandomContext
}

// Needs gives the permission that the context demands of a key with these traits, and the permissions of the key that
// decide. Modes that are an exclusive-or need Encrypt and Decrypt both; an HMAC signs and verifies with Mac too.
func (s ContextSpec) Needs(t Traits) (want, has claviger.Permission) {
	op := s.operation()
	has = t.For(op)
	switch op {
	case provider.MAC:
		return claviger.Mac, has
	case provider.Sign, provider.SignDigest, provider.Verify, provider.VerifyDigest:
		want = claviger.Sign
		if op == provider.Verify || op == provider.VerifyDigest {
			want = claviger.Verify
		}
		if isMAC(s.Algorithm) && !(has & t.Within).Has(want) && has.Has(claviger.Mac) {
			want = claviger.Mac
		}
		return want, has
	}
	want = claviger.Encrypt
	if op == provider.Decrypt {
		want = claviger.Decrypt
	}
	if row, ok := algorithm.Lookup(s.Algorithm, families(s.Kind)...); ok {
		want = row.Needs(want)
	}
	return want, has
}

// isMAC reports whether an algorithm, which may be named as a signature, is a message authentication code.
func isMAC(name claviger.Algorithm) bool {
	_, ok := algorithm.Lookup(name, algorithm.FamilyMAC)
	return ok
}

// lookup finds a name in families: ErrUnsupportedAlgorithm for an unknown name, ErrAlgorithmMismatch for one that does
// something else.
func lookup(op string, name claviger.Algorithm, fs ...algorithm.Family) (*algorithm.Row, error) {
	if row, ok := algorithm.Lookup(name, fs...); ok {
		return row, nil
	}
	if name == "" {
		return nil, claviger.Errorf(claviger.ErrUnsupportedAlgorithm, op, "no algorithm is named")
	}
	if row, ok := algorithm.Lookup(name, allFamilies...); ok {
		if fs[0] == algorithm.FamilyKey && len(row.Keys) > 0 {
			return nil, claviger.Errorf(claviger.ErrAlgorithmMismatch, op, "%s is no key algorithm but of the family %s; its keys are %s", row.Name, row.Family, words(row.Keys))
		}
		return nil, claviger.Errorf(claviger.ErrAlgorithmMismatch, op, "%s is of the family %s; %s is needed", row.Name, row.Family, fs[0])
	}
	return nil, claviger.Errorf(claviger.ErrUnsupportedAlgorithm, op, "unknown algorithm %q", claviger.Clip(string(name)))
}

// words lists names with commas between them.
func words(names []claviger.Algorithm) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = string(n)
	}
	return strings.Join(out, ", ")
}

// fit checks that a key serves an algorithm: ErrKeyOperationNotPermitted if the slot's modes leave it out,
// ErrIncompatibleKeyType if the key's type, or its half, is of no use.
func fit(op string, row *algorithm.Row, do provider.Op, t Traits, slot *policy.Slot) error {
	if slot != nil && !slot.AllowsMode(row.Name) {
		return claviger.Errorf(claviger.ErrKeyOperationNotPermitted, op, "the modes of slot %q do not list %s", slot.Name, row.Name)
	}
	if !row.Fits(t.Algorithm) {
		return claviger.Errorf(claviger.ErrIncompatibleKeyType, op, "a key of %s does not serve %s", t.Algorithm, row.Name)
	}
	if t.Class == claviger.PublicKey && !publicOp(do) {
		return claviger.Errorf(claviger.ErrIncompatibleKeyType, op, "a public key of %s cannot %s", t.Algorithm, do)
	}
	return nil
}

// NewContext makes an operation context. ref is nil where the kind works without a key. The context holds references
// of its own: the caller may release the key afterwards. The grant must cover what Needs says.
func (e *Engine) NewContext(ctx context.Context, g policy.Grant, ref *KeyRef, s ContextSpec) (*Context, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	if !Keyed(s.Kind) {
		return e.newKeyless(g, ref, s)
	}
	op := s.Kind.String()
	if ref == nil {
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, op, "a key is needed")
	}
	if s.Algorithm == "" {
		s.Algorithm = ref.implied()
	}
	t := ref.Traits()
	t.Within = g.Permissions()
	want, _ := s.Needs(t)
	if err := g.Demand(op, want); err != nil {
		return nil, err
	}
	if err := s.oldVersion(op); err != nil {
		return nil, err
	}
	row, err := lookup(op, s.Algorithm, families(s.Kind)...)
	if err != nil {
		return nil, err
	}
	do := s.operation()
	if err := fit(op, row, do, t, g.Slot()); err != nil {
		return nil, err
	}
	if err := s.fitRow(op, row); err != nil {
		return nil, err
	}
	w := work{do, row.Name, t.Algorithm}
	if err := e.openable(op, ref, g.Slot(), w); err != nil {
		return nil, err
	}
	key, mechanism, err := e.take(ctx, op, ref, s.Provider, e.homes(ref, g.Slot(), do), w)
	if err != nil {
		return nil, err
	}
	c := e.newContext(s, row, key.home, mechanism)
	c.need, c.key, c.runner = want, key, key.key
	c.params.DER = s.DER
	c.verifyOnly = s.Old
	c.describeKeyed(s, key, g.Slot())
	return c, nil
}

// oldVersion refuses new work with a version that is not the newest. A MAC context is made all the same, and compares only.
func (s ContextSpec) oldVersion(op string) error {
	if !s.Old {
		return nil
	}
	if do := s.operation(); do == provider.Encrypt || do == provider.Sign || do == provider.SignDigest {
		return claviger.Errorf(claviger.ErrKeyOperationNotPermitted, op, "a version that is not the newest decrypts and verifies; it does not %s", do)
	}
	return nil
}

// fitRow checks the wishes that only some algorithms can meet.
func (s ContextSpec) fitRow(op string, row *algorithm.Row) error {
	switch {
	case s.DER && !strings.HasPrefix(string(row.Name), "ECDSA-"):
		return claviger.Errorf(claviger.ErrInvalidArgument, op, "%s has no DER form; ECDSA has", row.Name)
	case s.Digest && s.Kind != claviger.SignContext && s.Kind != claviger.VerifyContext:
		return claviger.Errorf(claviger.ErrInvalidArgument, op, "only signatures take a digest for the message")
	case s.Size != 0 && !row.Extendable:
		return claviger.Errorf(claviger.ErrInvalidArgument, op, "%s has one output size; leave the size out", row.Name)
	case s.Size < 0 || s.Size > MaxOutput:
		return claviger.Errorf(claviger.ErrInvalidArgument, op, "output of %d bytes; the limit is %d", s.Size, MaxOutput)
	}
	if s.Digest && (row.Digest == "" || isMAC(row.Name)) {
		return claviger.Errorf(claviger.ErrAlgorithmMismatch, op, "%s signs messages, not digests", row.Name)
	}
	return nil
}

// newKeyless makes a hash or random context.
func (e *Engine) newKeyless(g policy.Grant, ref *KeyRef, s ContextSpec) (*Context, error) {
	op := s.Kind.String()
	if err := g.DemandOpen(op); err != nil {
		return nil, err
	}
	if ref != nil {
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, op, "a %s context takes no key", s.Kind)
	}
	if s.Kind == claviger.RandomContext && s.Algorithm == "" {
		s.Algorithm = "RANDOM"
	}
	row, err := lookup(op, s.Algorithm, families(s.Kind)...)
	if err != nil {
		return nil, err
	}
	if err := s.fitRow(op, row); err != nil {
		return nil, err
	}
	m, mechanism, err := e.pick(op, s.Provider, e.members, work{s.operation(), row.Name, ""})
	if err != nil {
		return nil, err
	}
	c := e.newContext(s, row, m, mechanism)
	c.runner = m.Provider
	if s.Size != 0 {
		c.info.Size = s.Size
	}
	if s.Kind == claviger.HashContext {
		c.params.Size = c.info.Size
	}
	return c, nil
}

// newContext makes an idle context with one reference, its own. The caller sets what works for it: runner and key.
func (e *Engine) newContext(s ContextSpec, row *algorithm.Row, m *member, mechanism provider.Mechanism) *Context {
	c := &Context{engine: e, row: row, op: s.operation(), cost: mechanism.Cost, budget: s.Budget}
	c.params.Algorithm = row.Name
	c.refs.Store(1)
	c.info = ContextInfo{Kind: s.Kind, Algorithm: row.Name, Provider: m.ID, Size: row.Size, Block: row.Block, IV: row.IV, Tag: row.Tag,
		MaxMessage: mechanism.MaxMessage, Gathers: !mechanism.Stream}
	return c
}

// describeKeyed completes the description of a context that works with a key.
func (c *Context) describeKeyed(s ContextSpec, key *Key, slot *policy.Slot) {
	if c.row.Family == algorithm.FamilyAEAD && c.op == provider.Encrypt {
		c.info.DaemonNonce = slot != nil && !slot.CallerNonce
		c.info.CallerNonce = !c.info.DaemonNonce
	}
	if s.Digest {
		c.info.MaxMessage = int64(c.digestSize())
	}
	if c.row.Family == algorithm.FamilyAsymmetric || c.row.Family == algorithm.FamilySignature && c.row.Size == 0 {
		c.info.Size = key.traits.Bits / 8 // RSA: a ciphertext or signature has the length of the modulus
	}
	if s.DER {
		c.info.Size = 0 // it depends on the numbers
	}
	if s.Kind == claviger.CipherContext && c.row.Family == algorithm.FamilyAsymmetric && c.op == provider.Decrypt {
		c.info.MaxMessage = int64(c.info.Size)
	}
}

// digestSize is the length of the digest that a signature algorithm takes, in bytes.
func (c *Context) digestSize() int {
	if row, ok := algorithm.Lookup(c.row.Digest, algorithm.FamilyHash); ok {
		return row.Size
	}
	return 0
}
