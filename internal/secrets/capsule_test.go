package secrets

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/claviger/claviger"
)

func isCode(err error, c claviger.Code) bool { return errors.Is(err, c) }

func TestCapsulesOpenForTheirTenantUntilTheyExpire(t *testing.T) {
	r := newRig(t, Config{})
	for _, secret := range [][]byte{nil, []byte("s"), make([]byte, claviger.MaxSecret)} {
		c, err := r.Seal(t.Context(), r.alice(), secret, start+60)
		must(t, err)
		if len(c) != len(secret)+CapsuleOverhead {
			t.Errorf("a capsule of %d bytes for %d", len(c), len(secret))
		}
		s, err := r.Open(t.Context(), r.alice(), c)
		if err != nil || !bytes.Equal(s.Value, secret) || s.Expires != start+60 {
			t.Errorf("%d bytes: %v", len(secret), err)
		}
	}
	a, err := r.Seal(t.Context(), r.alice(), []byte("s"), start+60)
	must(t, err)
	b, err := r.Seal(t.Context(), r.alice(), []byte("s"), start+60)
	must(t, err)
	if bytes.Equal(a[capsuleName:], b[capsuleName:]) {
		t.Error("sealing is deterministic")
	}
	_, err = r.Open(t.Context(), r.bob(), a)
	fails(t, "a tenant without any key", err, altered)
	_, err = r.Seal(t.Context(), r.bob(), nil, 0)
	must(t, err)
	_, err = r.Open(t.Context(), r.bob(), a)
	fails(t, "another tenant", err, altered)
	r.world.run(time.Minute)
	r.restart(true)
	_, err = r.Open(t.Context(), r.alice(), a)
	fails(t, "expired", err, gone)
	a[len(a)-1] ^= 1
	_, err = r.Open(t.Context(), r.alice(), a)
	fails(t, "expired and altered", err, altered)
}

func TestEveryAlteredCapsuleIsRefused(t *testing.T) {
	r := newRig(t, Config{})
	c, err := r.Seal(t.Context(), r.alice(), []byte("secret"), math.MaxUint64)
	must(t, err)
	var text string
	refused := func(what string, b []byte) {
		t.Helper()
		_, err := r.Open(t.Context(), r.alice(), b)
		fails(t, what, err, altered)
		if text == "" {
			text = fmt.Sprint(err)
		}
		if fmt.Sprint(err) != text {
			t.Errorf("%s: another text: %v", what, err)
		}
	}
	for i := range c {
		b := bytes.Clone(c)
		b[i] ^= 1
		refused(fmt.Sprint("byte ", i), b)
		refused(fmt.Sprint("cut at ", i), c[:i])
	}
	refused("longer", append(bytes.Clone(c), 0))
	refused("too long", make([]byte, capsuleMin+claviger.MaxSecret+1))
}

func TestRotationKeepsOldCapsulesUntilTheirKeyIsDestroyed(t *testing.T) {
	r := newRig(t, Config{Limits: Limits{Versions: 3}})
	seal := func() []byte {
		t.Helper()
		c, err := r.Seal(t.Context(), r.alice(), []byte("s"), math.MaxUint64)
		must(t, err)
		return c
	}
	opens := func(what string, c []byte, want claviger.Code) {
		t.Helper()
		_, err := r.Open(t.Context(), r.alice(), c)
		if want == 0 {
			must(t, err)
		} else {
			fails(t, what, err, want)
		}
	}
	rotate := func(want uint64) {
		t.Helper()
		if v, err := r.RotateKEK(t.Context(), r.alice()); err != nil || v != want {
			t.Errorf("version %d, %v; want %d", v, err, want)
		}
	}
	fails(t, "destroy before there is one", r.DestroyKEK(t.Context(), r.alice(), 1), notFound)
	one := seal()
	rotate(2)
	two := seal()
	r.restart(true)
	opens("one", one, 0)
	must(t, r.DestroyKEK(t.Context(), r.alice(), 1))
	opens("one, destroyed", one, altered)
	opens("two", two, 0)
	fails(t, "destroy twice", r.DestroyKEK(t.Context(), r.alice(), 1), notFound)
	fails(t, "destroy nothing", r.DestroyKEK(t.Context(), r.alice(), 0), notFound)
	must(t, r.DestroyKEK(t.Context(), r.alice(), 2)) // the one that seals
	opens("two, destroyed", two, altered)
	three := seal()
	if c, _ := parseCapsule(three); c.kek != 3 {
		t.Errorf("a number came again: %d", c.kek)
	}
	opens("three", three, 0)
	opens("one", one, altered)
	rotate(4)
	rotate(5)
	_, err := r.RotateKEK(t.Context(), r.alice())
	fails(t, "too many", err, tooMuch)
	_, err = r.RotateKEK(t.Context(), r.bob())
	must(t, err)
}
