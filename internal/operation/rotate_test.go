package operation

import (
	"testing"

	"github.com/claviger/claviger"
)

// A slot whose configuration leaves the algorithm open keeps that of its first key.
func TestRotationInheritsTheAlgorithm(t *testing.T) {
	r := newRig(t, slot("open", "", claviger.AllPermissions))
	target := r.into(t, "open")
	target.Rotate = true
	_, err := r.Generate(t.Context(), r.keyless(), "", target, nil)
	fails(t, "nothing to inherit", err, claviger.ErrUnsupportedAlgorithm)
	_, err = r.Generate(t.Context(), r.keyless(), "AES-256", target, nil)
	ok(t, err)
	made, err := r.Generate(t.Context(), r.keyless(), "", target, nil)
	ok(t, err)
	if made.Version != 2 || made.Info.Algorithm != "AES-256" {
		t.Errorf("version %d of %s", made.Version, made.Info.Algorithm)
	}
	made, err = r.Import(t.Context(), r.keyless(), "", claviger.Raw, make([]byte, 32), target)
	ok(t, err)
	if made.Version != 3 || made.Info.Algorithm != "AES-256" {
		t.Errorf("version %d of %s", made.Version, made.Info.Algorithm)
	}
}
