package symmetric

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
)

// refusals are all that a verb of an open state may answer.
var refusals = []error{claviger.ErrInvalidOperation, claviger.ErrInvalidLength, claviger.ErrInvalidTag, claviger.ErrNonceRequired,
	claviger.ErrKeyNotSupported, claviger.ErrUnsupportedAlgorithm, claviger.ErrUnsupportedOption, claviger.ErrOptionNotSet}

// step does the verb that the first byte names with the rest as its data.
func step(s claviger.SymmetricState, program []byte) error {
	ctx := context.Background()
	verb, data := program[0], program[1:]
	switch verb % 12 {
	case 0, 1:
		return s.Absorb(ctx, data)
	case 2:
		return s.Squeeze(ctx, make([]byte, 3*len(data)))
	case 3:
		_, err := s.SqueezeTag(ctx)
		return err
	case 4:
		_, err := s.SqueezeKey(ctx, claviger.Algorithm(data))
		return err
	case 5:
		_, err := s.SqueezeKey(ctx, "HKDF-EXPAND/SHA-256")
		return err
	case 6:
		_, err := s.MaxTagLen(ctx)
		return err
	case 7:
		_, err := s.Encrypt(ctx, nil, data)
		return err
	case 8:
		_, _, err := s.EncryptDetached(ctx, nil, data)
		return err
	case 9:
		_, err := s.Decrypt(ctx, nil, data)
		return err
	case 10:
		_, err := s.DecryptDetached(ctx, nil, data[:len(data)/2], data[len(data)/2:])
		return err
	}
	return s.Ratchet(ctx)
}

// end is what a state comes to: its outcome, or its refusal to have one.
func end(t *testing.T, g *algorithm.Guest, s claviger.SymmetricState) []byte {
	t.Helper()
	if g.Kind == algorithm.KindAEAD || g.Padding != 0 {
		out, err := s.Encrypt(context.Background(), nil, []byte("message"))
		if errors.Is(err, claviger.ErrNonceRequired) {
			return []byte("used up")
		}
		return out
	}
	return outcome(t, g, s)
}

// FuzzState runs any program on any algorithm: nothing panics, every refusal is one of those that are promised, and one
// that was refused leaves the state as it was, as a copy made before shows.
func FuzzState(f *testing.F) {
	f.Add(uint8(0), []byte{3, 0, 'a', 'b', 0, 2, 1, 1})
	f.Add(uint8(40), []byte{7, 7, 1, 2, 3, 4, 5, 6, 4, 9, 9, 9, 9, 2, 8, 8})
	f.Add(uint8(58), []byte{1, 11, 2, 7, 0, 3, 9, 1, 2, 1, 11, 2, 2, 2})
	all := symmetric()
	f.Fuzz(func(t *testing.T, which uint8, program []byte) {
		g := all[int(which)%len(all)]
		s := usual(t, g)
		for len(program) > 1 {
			n := min(1+int(program[0]), len(program)-1)
			var now []byte
			now, program = program[1:1+n], program[1+n:]
			before, err := s.Clone(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if err := step(s, now); err != nil {
				checkRefusal(t, g, s, before, err)
			}
			before.Close()
		}
	})
}

// checkRefusal compares what a copy of the state comes to with what the copy from before comes to.
func checkRefusal(t *testing.T, g *algorithm.Guest, s, before claviger.SymmetricState, err error) {
	t.Helper()
	promised := false
	for _, want := range refusals {
		promised = promised || errors.Is(err, want)
	}
	if !promised {
		t.Errorf("%s: %v", g.Name, err)
	}
	after, err := s.Clone(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer after.Close()
	if !bytes.Equal(end(t, g, after), end(t, g, before)) {
		t.Errorf("%s: what was refused changed the state", g.Name)
	}
}
