package providertest

import (
	"bytes"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/provider"
)

// testStates holds what a provider says of the states that it runs. One that says nothing runs none, and has none to test.
func (s *suite) testStates(t *testing.T) {
	p, ok := s.provider.(provider.StateProvider)
	if !ok {
		return
	}
	if len(p.States()) == 0 {
		t.Error("a provider of states lists none")
	}
	for _, name := range p.States() {
		t.Run(string(name), func(t *testing.T) { s.testState(t, name) })
	}
	opener, ok := s.key(t, "AES-128").(provider.StateOpener)
	if !ok {
		return
	}
	_, err := opener.OpenState(t.Context(), "AES-128-GCM", claviger.StateOptions{Nonce: make([]byte, 12)})
	wantCode(t, "a state over a key that is no generic secret", err, claviger.ErrIncompatibleKeyType)
}

// testState opens states over two keys of the same bytes, which must give the same, and over one that is closed.
func (s *suite) testState(t *testing.T, name claviger.Algorithm) {
	g, ok := algorithm.LookupGuest(claviger.GuestSymmetric, string(name))
	if !ok || g.Name != name {
		t.Fatal("the name is not a canonical one")
	}
	material := bytes.Repeat([]byte{7}, g.DefaultKey)
	options := claviger.StateOptions{Nonce: make([]byte, g.Nonce)}
	if g.Nonce == 0 {
		options.Nonce = nil
	}
	var results [2][]byte
	for i := range results {
		k := s.generic(t, material)
		state, err := k.OpenState(t.Context(), name, options)
		if err != nil {
			t.Fatal(err)
		}
		if results[i], err = result(t, g, state); err != nil {
			t.Error(err)
		}
		if err := state.Close(); err != nil {
			t.Errorf("closing the state: %v", err)
		}
	}
	if len(results[0]) == 0 || !bytes.Equal(results[0], results[1]) {
		t.Error("two keys of the same bytes give different results")
	}
	k := s.generic(t, material)
	_, err := k.OpenState(t.Context(), "MD5-GCM", claviger.StateOptions{})
	wantCode(t, "an unknown algorithm", err, claviger.ErrUnsupportedAlgorithm)
	if g.MinKey > 1 {
		_, err = s.generic(t, material[:1]).OpenState(t.Context(), name, options)
		wantCode(t, "a key of another length", err, claviger.ErrInvalidKey)
	}
	k.(provider.Key).Close()
	if _, err := k.OpenState(t.Context(), name, options); err == nil {
		t.Error("a closed key opens a state")
	}
}

// generic imports a generic secret, which must be an opener.
func (s *suite) generic(t *testing.T, material []byte) provider.StateOpener {
	t.Helper()
	k, ok := s.imported(t, provider.Spec{Algorithm: algorithm.Generic, Class: claviger.SecretKey}, material).(provider.StateOpener)
	if !ok {
		t.Fatal("a generic secret opens no states")
	}
	return k
}

// result is what the state's algorithm is for: a ciphertext, a tag, a key or an output.
func result(t *testing.T, g *algorithm.Guest, state claviger.SymmetricState) ([]byte, error) {
	ctx := t.Context()
	switch g.Kind {
	case algorithm.KindMAC:
		return state.SqueezeTag(ctx)
	case algorithm.KindExtract:
		return state.SqueezeKey(ctx, g.Next)
	case algorithm.KindXOF, algorithm.KindExpand:
		out := make([]byte, 16)
		return out, state.Squeeze(ctx, out)
	}
	return state.Encrypt(ctx, nil, make([]byte, 32))
}
