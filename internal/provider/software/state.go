package software

import (
	"context"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/symmetric"
)

// stateNames lists the symmetric algorithms of guests that take a key.
func stateNames() []claviger.Algorithm {
	var names []claviger.Algorithm
	for _, g := range algorithm.Guests() {
		if g.Type == claviger.GuestSymmetric && !g.Keyless() {
			names = append(names, g.Name)
		}
	}
	return names
}

// States lists the symmetric algorithms of guests that take a key. Read only.
func (p *Provider) States() []claviger.Algorithm { return p.states }

// OpenState opens a symmetric state over this key, which must be a generic secret: otherwise ErrIncompatibleKeyType. What
// the state expands from the key lives on the Go heap until the state is closed; it does not hold on to the key itself.
func (k *key) OpenState(ctx context.Context, name claviger.Algorithm, o claviger.StateOptions) (claviger.SymmetricState, error) {
	const op = "open state"
	if err := k.usable(ctx, op); err != nil {
		return nil, err
	}
	g, ok := algorithm.LookupGuest(claviger.GuestSymmetric, string(name))
	if !ok {
		return nil, claviger.Errorf(claviger.ErrUnsupportedAlgorithm, op, "%q is no symmetric algorithm", claviger.Clip(string(name)))
	}
	if k.spec.Algorithm != algorithm.Generic {
		return nil, claviger.Errorf(claviger.ErrIncompatibleKeyType, op, "a state works with a key of %s, not of %s", algorithm.Generic, k.spec.Algorithm)
	}
	return symmetric.Open(g, k.material.Bytes(), o)
}
