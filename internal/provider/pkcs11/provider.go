package pkcs11

import (
	"context"
	"slices"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/cryptoki"
	"github.com/claviger/claviger/internal/provider"
)

// Provider is a token that was unlocked. Safe for concurrent use. Errors beside those that methods name: ErrProviderNotAvailable
// wrapping provider.ErrLost when the token is gone or has logged out, ErrProviderBusy when no session is to be had in time,
// ErrAllocationFailed when the token is full, ErrOperationFailed when it says no for another reason, and those of a context that has ended
// while the call waited for a session.
type Provider struct {
	pool       *pool
	quirks     traits
	rawPoints  bool // public points of Ed25519 and X25519 are written bare, as from version 3.0 on
	has        abilities
	mechanisms []provider.Mechanism
	ways       map[route]way
	uses       map[claviger.Algorithm]usage // by key algorithm
}

// Mechanisms lists what the token offers of the algorithm table. It does not change. Read only.
func (p *Provider) Mechanisms() []provider.Mechanism { return p.mechanisms }

// Close closes the sessions, and with them goes what was not made to last. The login ends with the Token. Idempotent.
func (p *Provider) Close() error {
	p.pool.close()
	return nil
}

// Generate makes a new key in the token, which lives as long as this provider unless Blob makes it last. Errors: ErrUnsupportedAlgorithm,
// ErrKeyGenerationFailed.
func (p *Provider) Generate(ctx context.Context, spec provider.Spec) (provider.Key, error) {
	const op = "generate"
	if err := provider.Alive(ctx, op); err != nil {
		return nil, err
	}
	w, err := p.find(provider.Generate, spec.Algorithm, "")
	if err != nil {
		return nil, err
	}
	k := &key{provider: p, row: w.row, spec: provider.Spec{Algorithm: w.row.Name, Class: w.row.Class}, bits: w.row.Bits}
	err = p.pool.writer.do(ctx, op, func(s *cryptoki.Session) error {
		if w.row.Pair() {
			return k.generatePair(s, w.mechanism)
		}
		h, err := s.GenerateKey(cryptoki.Plain(w.mechanism), p.secretTemplate(w.row, w.row.DefaultKey, nil))
		k.main.Store(uint64(h))
		return err
	})
	if err != nil {
		return nil, p.fault(op, claviger.ErrKeyGenerationFailed, err)
	}
	return k, nil
}

// generatePair makes both halves and reads the public one.
func (k *key) generatePair(s *cryptoki.Session, m cryptoki.MechanismType) error {
	publicTemplate, privateTemplate := k.provider.pairTemplates(k.row)
	public, private, err := s.GenerateKeyPair(cryptoki.Plain(m), publicTemplate, privateTemplate)
	if err != nil {
		return err
	}
	o, err := k.provider.look(s, public, claviger.PublicKey)
	if err == nil {
		k.spki = o.spki(k.row)
	}
	if err == nil && k.spki == nil {
		err = claviger.Errorf(claviger.ErrKeyGenerationFailed, "generate", "the token made something that is not a key of %s", k.row.Name)
	}
	if err != nil {
		_ = s.DestroyObject(private)
		_ = s.DestroyObject(public)
		return err
	}
	k.main.Store(uint64(private))
	k.public.Store(uint64(public))
	k.made.Store(true)
	return nil
}

// Import makes a key of canonical material, which lives as long as this provider unless Blob makes it last. A spec without a class
// takes the one that the material shows. A token may refuse what comes from outside: ErrOperationFailed.
func (p *Provider) Import(ctx context.Context, spec provider.Spec, material []byte) (provider.Key, error) {
	const op = "import"
	if err := provider.Alive(ctx, op); err != nil {
		return nil, err
	}
	w, err := p.find(provider.Import, spec.Algorithm, "")
	if err != nil {
		return nil, err
	}
	class := spec.Class
	if class == 0 {
		class = w.row.Class
		if _, found, err := algorithm.Identify(material); w.row.Pair() && err == nil {
			class = found
		}
	}
	k := &key{provider: p, row: w.row, spec: provider.Spec{Algorithm: w.row.Name, Class: class}, bits: w.row.Bits}
	switch {
	case class == claviger.SecretKey && !w.row.Pair():
		err = k.importSecret(ctx, op, material)
	case class == claviger.PrivateKey && w.row.Pair():
		err = k.importPrivate(ctx, op, material)
	case class == claviger.PublicKey && w.row.Pair():
		k.spki, err = w.row.Canonical(class, material)
	default:
		err = claviger.Errorf(claviger.ErrIncompatibleKeyType, op, "a key of %s is not a %s key", w.row.Name, class)
	}
	if err != nil {
		return nil, err
	}
	return k, nil
}

func (k *key) importSecret(ctx context.Context, op string, material []byte) error {
	if err := k.provider.checkKeySize(op, k.row, len(material)); err != nil {
		return err
	}
	k.bits = 8 * len(material)
	return k.create(ctx, op, &k.main, k.provider.secretTemplate(k.row, 0, material))
}

func (k *key) importPrivate(ctx context.Context, op string, material []byte) error {
	values, spki, err := k.provider.privateValues(k.row, material)
	if err != nil {
		return err
	}
	defer wipe(values)
	k.spki = spki
	return k.create(ctx, op, &k.main, slices.Concat(k.provider.privateTemplate(k.row), values))
}

// OneShot runs Hash and Random.
func (p *Provider) OneShot(ctx context.Context, op provider.Op, params *provider.Params, dst, in []byte) ([]byte, error) {
	if err := provider.Alive(ctx, op.String()); err != nil {
		return dst, err
	}
	w, err := p.find(op, params.Algorithm, "")
	if err != nil {
		return dst, err
	}
	switch op {
	case provider.Hash:
		return p.hash(ctx, w, params, dst, in)
	case provider.Random:
		return p.random(ctx, params, dst)
	}
	return dst, claviger.Errorf(claviger.ErrUnsupportedOperation, op.String(), "%s has no operation of this kind without a key", w.row.Name)
}

func (p *Provider) hash(ctx context.Context, w way, params *provider.Params, dst, in []byte) ([]byte, error) {
	const op = "hash"
	if err := digestSize(w.row, params); err != nil {
		return dst, err
	}
	var out []byte
	err := p.pool.do(ctx, op, func(s *cryptoki.Session) (err error) {
		out, err = s.Digest(dst, cryptoki.Plain(w.mechanism), in, w.row.Size)
		return err
	})
	if err != nil {
		return dst, p.fault(op, claviger.ErrOperationFailed, err)
	}
	return exactly(op, dst, out, w.row.Size)
}

// digestSize refuses to give another number of bytes than the hash has.
func digestSize(row *algorithm.Row, params *provider.Params) error {
	if n := params.Size; n != 0 && n != row.Size {
		return claviger.Errorf(claviger.ErrInvalidArgument, "hash", "%s gives %d bytes, not %d", row.Name, row.Size, n)
	}
	return nil
}

// randomChunk is how many random bytes are asked for at once.
const randomChunk = 64 << 10

func (p *Provider) random(ctx context.Context, params *provider.Params, dst []byte) ([]byte, error) {
	const op = "random"
	if params.Size < 0 || params.Size > algorithm.MaxHeld {
		return dst, claviger.Errorf(claviger.ErrInvalidArgument, op, "%d bytes at once; the limit is %d", params.Size, algorithm.MaxHeld)
	}
	out := slices.Grow(dst, params.Size)[:len(dst)+params.Size]
	for rest := out[len(dst):]; len(rest) > 0; {
		n := min(len(rest), randomChunk)
		if err := p.pool.do(ctx, op, func(s *cryptoki.Session) error { return s.Random(rest[:n]) }); err != nil {
			clear(out[len(dst):])
			return dst, p.fault(op, claviger.ErrOperationFailed, err)
		}
		rest = rest[n:]
	}
	return out, nil
}

// exactly holds that a call has appended n bytes to dst.
func exactly(op string, dst, out []byte, n int) ([]byte, error) {
	if got := len(out) - len(dst); got != n {
		clear(out[len(dst):])
		return dst, claviger.Errorf(claviger.ErrOperationFailed, op, "the token gave %d bytes where there are %d", got, n)
	}
	return out, nil
}
