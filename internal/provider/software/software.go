// Package software is the provider that works in this process: keys in memory of their own
// (package secmem), primitives by package algorithm. Several instances can exist; they
// share nothing.
//
// A key's encoded bytes stay in secmem. What the primitives expand from them, such as a key
// schedule, is built once when the key is made, serves all calls at once, and lives on the
// Go heap until the key is dropped.
package software

import (
	"context"
	"sync"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/secmem"
)

// Provider offers everything in the algorithm table. Safe for concurrent use.
type Provider struct {
	mechanisms []provider.Mechanism
	routes     map[route]*algorithm.Row
	hashes     map[claviger.Algorithm]*sync.Pool       // of hash.Hash, by hash algorithm
	fits       map[claviger.Algorithm][]*algorithm.Row // what a secret key serves, by key algorithm
	states     []claviger.Algorithm
}

// route is what a call is found by, without folding case: names are canonical here.
type route struct {
	op        provider.Op
	algorithm claviger.Algorithm
	key       claviger.Algorithm
}

var (
	_ provider.StateProvider = (*Provider)(nil)
	_ provider.Key           = (*key)(nil)
	_ provider.StateOpener   = (*key)(nil)
)

// New makes a provider. It holds no keys and needs no configuration.
func New() *Provider {
	p := &Provider{routes: make(map[route]*algorithm.Row), hashes: make(map[claviger.Algorithm]*sync.Pool),
		fits: make(map[claviger.Algorithm][]*algorithm.Row), states: stateNames()}
	rows := algorithm.All()
	for i := range rows {
		row := &rows[i]
		for _, m := range mechanismsOf(row) {
			p.mechanisms = append(p.mechanisms, m)
			p.routes[route{m.Op, m.Algorithm, m.Key}] = row
		}
		for _, k := range row.Keys {
			p.fits[k] = append(p.fits[k], row)
		}
		if row.Family == algorithm.FamilyHash {
			p.hashes[row.Name] = &sync.Pool{New: func() any { return row.NewHash() }}
		}
	}
	return p
}

// Mechanisms lists what the algorithm table has. Read only.
func (p *Provider) Mechanisms() []provider.Mechanism { return p.mechanisms }

// Close does nothing: keys are closed by those who hold them. Idempotent.
func (p *Provider) Close() error { return nil }

// Generate makes a new key with the system's random numbers. Errors:
// ErrUnsupportedAlgorithm, ErrKeyGenerationFailed, ErrAllocationFailed, and those of a
// context that has ended.
func (p *Provider) Generate(ctx context.Context, spec provider.Spec) (provider.Key, error) {
	if err := provider.Alive(ctx, "generate"); err != nil {
		return nil, err
	}
	row, err := p.find(provider.Generate, spec.Algorithm, "")
	if err != nil {
		return nil, err
	}
	if row.Pair() {
		return p.generatePair(row)
	}
	material, err := secmem.New(row.DefaultKey)
	if err != nil {
		return nil, err
	}
	if err := algorithm.Random(material.Bytes()); err != nil {
		material.Close()
		return nil, claviger.Errorf(claviger.ErrKeyGenerationFailed, "generate", "no random numbers for %s", row.Name)
	}
	return p.secretKey(row, material)
}

func (p *Provider) generatePair(row *algorithm.Row) (provider.Key, error) {
	private, err := row.GeneratePair()
	if err != nil {
		return nil, claviger.Errorf(claviger.ErrKeyGenerationFailed, "generate", "%s could not be generated", row.Name)
	}
	return p.privateKey(row, private)
}

// Import makes a key from canonical material, of which it keeps a copy. A spec without a
// class takes the one that the material shows.
func (p *Provider) Import(ctx context.Context, spec provider.Spec, material []byte) (provider.Key, error) {
	if err := provider.Alive(ctx, "import"); err != nil {
		return nil, err
	}
	row, err := p.find(provider.Import, spec.Algorithm, "")
	if err != nil {
		return nil, err
	}
	class := spec.Class
	if class == 0 {
		class = row.Class
		if _, found, err := algorithm.Identify(material); row.Pair() && err == nil {
			class = found
		}
	}
	return p.expand(row, class, material)
}

// Load makes a key from a blob of this package; any instance reads it.
func (p *Provider) Load(ctx context.Context, blob []byte) (provider.Key, error) {
	if err := provider.Alive(ctx, "load"); err != nil {
		return nil, err
	}
	spec, material, err := decodeBlob(blob)
	if err != nil {
		return nil, err
	}
	row, ok := algorithm.Lookup(spec.Algorithm, algorithm.FamilyKey)
	if !ok {
		return nil, claviger.Errorf(claviger.ErrInvalidFormat, "load", "the blob holds a key of an unknown algorithm")
	}
	k, err := p.expand(row, spec.Class, material)
	if err != nil {
		return nil, claviger.Errorf(claviger.ErrInvalidFormat, "load", "the blob does not hold a valid key of %s", row.Name)
	}
	return k, nil
}

// expand makes the live key of material, which it copies.
func (p *Provider) expand(row *algorithm.Row, class claviger.KeyClass, material []byte) (provider.Key, error) {
	switch {
	case class == claviger.SecretKey && row.Class == claviger.SecretKey:
		if err := row.CheckKeySize(len(material)); err != nil {
			return nil, err
		}
		own, err := secmem.From(material)
		if err != nil {
			return nil, err
		}
		return p.secretKey(row, own)
	case class == claviger.PrivateKey && row.Pair():
		private, err := row.ParsePrivate(material)
		if err != nil {
			return nil, err
		}
		return p.privateKey(row, private)
	case class == claviger.PublicKey && row.Pair():
		public, err := row.ParsePublic(material)
		if err != nil {
			return nil, err
		}
		return p.publicKey(row, public)
	}
	return nil, claviger.Errorf(claviger.ErrIncompatibleKeyType, "key", "a key of %s is not a %s key", row.Name, class)
}

// find gives the row for an operation, or says what does not fit: the name, the operation
// or the key.
func (p *Provider) find(op provider.Op, alg, key claviger.Algorithm) (*algorithm.Row, error) {
	if row, ok := p.routes[route{op, alg, key}]; ok {
		return row, nil
	}
	return nil, p.unfit(op, alg, key)
}

func (p *Provider) unfit(op provider.Op, alg, key claviger.Algorithm) error {
	named, does := false, false
	for _, m := range p.mechanisms {
		named = named || m.Algorithm == alg
		does = does || m.Algorithm == alg && m.Op == op
	}
	name := claviger.Clip(string(alg))
	switch {
	case does && key == "":
		return claviger.Errorf(claviger.ErrIncompatibleKeyType, op.String(), "%s needs a key", name)
	case does:
		return claviger.Errorf(claviger.ErrIncompatibleKeyType, op.String(), "%s does not take a key of %s", name, key)
	case named:
		return claviger.Errorf(claviger.ErrAlgorithmMismatch, op.String(), "%s cannot %s", name, op)
	}
	return claviger.Errorf(claviger.ErrUnsupportedAlgorithm, op.String(), "%q is not offered", name)
}
