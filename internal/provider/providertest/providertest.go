// Package providertest is the contract of package provider as a test suite. Every provider
// runs it; what it runs follows from the provider's own Mechanisms, so that a claim that
// does not hold is a failure and what is not claimed is not asked for.
package providertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/provider"
)

// Options says where a provider may differ from the suite's expectation. The zero value is
// the full contract.
type Options struct {
	NoExport        bool                 // secret and private keys answer Export with ErrKeyNotExportable
	Skip            []claviger.Algorithm // operation or key algorithms left out, for instance because the device is too slow
	NoShortCodeKeys bool                 // HMAC keys shorter than the code are refused with ErrIncompatibleKeyType
	Quick           bool                 // leaves out messages of 64 MiB
}

// suite is one run: the provider and a key of each algorithm, made when first asked for.
type suite struct {
	provider provider.Provider
	rows     []provider.Mechanism
	options  Options

	mu   sync.Mutex
	keys map[claviger.Algorithm]provider.Key // guarded by mu
}

// Test runs the contract against a provider that open makes. It closes the provider.
func Test(t *testing.T, open func(t *testing.T) provider.Provider, options Options) {
	p := open(t)
	s := &suite{provider: p, rows: p.Mechanisms(), options: options, keys: make(map[claviger.Algorithm]provider.Key)}
	t.Cleanup(func() { s.close(t) })
	t.Run("mechanisms", s.testMechanisms)
	t.Run("refusals", s.testRefusals)
	t.Run("known", s.testKnown)
	t.Run("states", s.testStates)
	for _, m := range s.rows {
		if s.skipped(m) {
			continue
		}
		t.Run(fmt.Sprintf("%s/%s/%s", m.Op, m.Algorithm, m.Key), func(t *testing.T) { s.testRow(t, m) })
	}
}

func (s *suite) close(t *testing.T) {
	for alg, k := range s.keys {
		if err := errors.Join(k.Close(), k.Close()); err != nil {
			t.Errorf("closing the key of %s twice: %v", alg, err)
		}
	}
	if err := s.provider.Close(); err != nil {
		t.Errorf("closing the provider: %v", err)
	}
}

func (s *suite) skipped(m provider.Mechanism) bool {
	for _, alg := range s.options.Skip {
		if m.Algorithm == alg || m.Key == alg {
			return true
		}
	}
	return false
}

func (s *suite) testRow(t *testing.T, m provider.Mechanism) {
	switch m.Op {
	case provider.Hash, provider.MAC:
		s.testDigest(t, m)
	case provider.Random:
		s.testRandom(t, m)
	case provider.Encrypt:
		s.testEncrypt(t, m)
	case provider.Sign:
		s.testSign(t, m)
	case provider.SignDigest:
		s.testSignDigest(t, m)
	case provider.Agree:
		s.testAgree(t, m)
	case provider.Encapsulate:
		s.testEncapsulate(t, m)
	case provider.Derive:
		s.testDerive(t, m)
	case provider.Generate:
		s.testKey(t, m)
	case provider.Decrypt, provider.Verify, provider.VerifyDigest, provider.Decapsulate, provider.Import:
		s.testCounterpart(t, m)
	}
}

// counterparts are the operations that the test of another one covers; alone they could not
// be tested.
var counterparts = map[provider.Op]provider.Op{
	provider.Decrypt: provider.Encrypt, provider.Verify: provider.Sign, provider.VerifyDigest: provider.SignDigest,
	provider.Decapsulate: provider.Encapsulate, provider.Import: provider.Generate,
}

func (s *suite) testCounterpart(t *testing.T, m provider.Mechanism) {
	if _, ok := provider.Find(s.rows, counterparts[m.Op], m.Algorithm, m.Key); !ok {
		t.Logf("no %s to test %s with", counterparts[m.Op], m.Op)
	}
}

// testMechanisms holds the list to the algorithm table: known canonical names, no row
// twice, and fitting keys.
func (s *suite) testMechanisms(t *testing.T) {
	if len(s.rows) == 0 {
		t.Fatal("no mechanisms")
	}
	seen := make(map[provider.Mechanism]bool)
	for _, m := range s.rows {
		id := provider.Mechanism{Op: m.Op, Algorithm: m.Algorithm, Key: m.Key}
		if seen[id] {
			t.Errorf("%s %s with a key of %q is listed twice", m.Op, m.Algorithm, m.Key)
		}
		seen[id] = true
		if !canonical(m.Algorithm) || m.Key != "" && !canonical(m.Key) {
			t.Errorf("%s: %q with %q is not in canonical names", m.Op, m.Algorithm, m.Key)
		}
		if m.MaxMessage < 0 {
			t.Errorf("%s %s: longest message %d", m.Op, m.Algorithm, m.MaxMessage)
		}
	}
}

func canonical(name claviger.Algorithm) bool {
	for _, r := range algorithm.All() {
		if r.Name == name {
			return true
		}
	}
	return false
}

// testRefusals holds the answers to what is not offered, and to a context that has ended.
func (s *suite) testRefusals(t *testing.T) {
	ctx := t.Context()
	_, err := s.provider.OneShot(ctx, provider.Hash, &provider.Params{Algorithm: "MD6"}, nil, nil)
	wantCode(t, "an unknown hash", err, claviger.ErrUnsupportedAlgorithm)
	_, err = s.provider.Begin(ctx, provider.Hash, &provider.Params{Algorithm: "MD6"})
	wantCode(t, "a stream of an unknown hash", err, claviger.ErrUnsupportedAlgorithm)
	_, err = s.provider.Generate(ctx, provider.Spec{Algorithm: "AES-512"})
	wantCode(t, "generating an unknown key", err, claviger.ErrUnsupportedAlgorithm)
	_, err = s.provider.Import(ctx, provider.Spec{Algorithm: "AES-512", Class: claviger.SecretKey}, make([]byte, 64))
	wantCode(t, "importing an unknown key", err, claviger.ErrUnsupportedAlgorithm)
	for _, blob := range [][]byte{nil, {0}, bytes.Repeat([]byte{0xff}, 100)} {
		_, err = s.provider.Load(ctx, blob)
		wantCode(t, "loading a foreign blob", err, claviger.ErrInvalidFormat)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	for _, m := range s.rows {
		if m.Op == provider.Generate {
			if _, err := s.provider.Generate(ended, provider.Spec{Algorithm: m.Algorithm}); !errors.Is(err, context.Canceled) {
				t.Errorf("generating %s with a cancelled context: %v", m.Algorithm, err)
			}
		}
	}
}

// key gives the suite's key of an algorithm, a pair by its private half.
func (s *suite) key(t *testing.T, alg claviger.Algorithm) provider.Key {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if k, ok := s.keys[alg]; ok {
		return k
	}
	k, err := s.provider.Generate(t.Context(), provider.Spec{Algorithm: alg})
	if err != nil {
		t.Fatalf("generating a key of %s: %v", alg, err)
	}
	s.keys[alg] = k
	return k
}

// operator is what a row runs on: a key, or the provider where no key is needed.
func (s *suite) operator(t *testing.T, m provider.Mechanism) provider.Operator {
	t.Helper()
	if m.Key == "" {
		return s.provider
	}
	return s.key(t, m.Key)
}

// public imports the public half of the suite's key; nil where public keys cannot be
// imported.
func (s *suite) public(t *testing.T, alg claviger.Algorithm) provider.Key {
	t.Helper()
	spki, err := s.key(t, alg).Public()
	if err != nil {
		t.Fatalf("public half of %s: %v", alg, err)
	}
	if _, ok := provider.Find(s.rows, provider.Import, alg, ""); !ok {
		return nil
	}
	return s.imported(t, provider.Spec{Algorithm: alg, Class: claviger.PublicKey}, spki)
}

// imported makes a key that is closed with the test.
func (s *suite) imported(t *testing.T, spec provider.Spec, material []byte) provider.Key {
	t.Helper()
	k, err := s.provider.Import(t.Context(), spec, material)
	if err != nil {
		t.Fatalf("importing a %s key of %s: %v", spec.Class, spec.Algorithm, err)
	}
	t.Cleanup(func() { k.Close() })
	return k
}

// row gives the table's line for a mechanism.
func row(t *testing.T, m provider.Mechanism, families ...algorithm.Family) *algorithm.Row {
	t.Helper()
	r, ok := algorithm.Lookup(m.Algorithm, families...)
	if !ok {
		t.Fatalf("%s is not in the table", m.Algorithm)
	}
	return r
}

func wantCode(t *testing.T, what string, err error, code claviger.Code) {
	t.Helper()
	if err == nil || claviger.CodeOf(err) != code {
		t.Errorf("%s: got %v, want %s", what, err, code.Name())
	}
}

func wantMismatch(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, provider.ErrMismatch) {
		t.Errorf("%s: got %v, want the mismatch error", what, err)
	}
}

// LargeRSA names the algorithms whose keys take seconds to generate, for Skip.
func LargeRSA() []claviger.Algorithm { return []claviger.Algorithm{"RSA-3072", "RSA-4096"} }
