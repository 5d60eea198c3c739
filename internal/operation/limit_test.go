package operation

import (
	"strings"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/policy"
)

// meter is a budget that counts.
type meter struct{ used, most, limit int64 }

func (m *meter) Reserve(n int64) error {
	if m.used+n > m.limit {
		return claviger.ErrQuotaExceeded
	}
	m.used += n
	m.most = max(m.most, m.used)
	return nil
}

func (m *meter) Unreserve(n int64) { m.used -= n }

func TestHeldMessagesAreChargedAndGivenBack(t *testing.T) {
	r := newRig(t)
	key := r.generate(t, "Ed25519", claviger.AllPermissions)
	for name, end := range map[string]func(*Context, policy.Grant) error{
		"finalize": func(c *Context, g policy.Grant) error {
			_, err := c.Finalize(t.Context(), g, nil, 0, false, 0, nil)
			return err
		},
		"reset": func(c *Context, g policy.Grant) error { return c.Reset(t.Context(), g) },
		"close": func(c *Context, _ policy.Grant) error { c.Close(); return nil },
	} {
		m := &meter{limit: 100}
		c, g := r.context(t, key, ContextSpec{Kind: claviger.SignContext, Algorithm: "Ed25519", Budget: m})
		_, err := c.Init(t.Context(), g, nil, nil, nil)
		ok(t, err)
		_, err = c.Update(t.Context(), g, nil, make([]byte, 60))
		ok(t, err)
		_, err = c.Update(t.Context(), g, nil, make([]byte, 60))
		fails(t, name, err, claviger.ErrQuotaExceeded)
		if c.State() != Active || m.used != 60 {
			t.Errorf("%s: after the refusal %s, %d bytes", name, c.State(), m.used)
		}
		ok(t, end(c, g))
		if m.used != 0 || m.most != 60 {
			t.Errorf("%s: %d bytes are still charged, at most %d were", name, m.used, m.most)
		}
	}
}

func TestMessageLimitsNameThePreHashForm(t *testing.T) {
	r := newRig(t)
	for alg, form := range map[claviger.Algorithm]string{"Ed25519": "Ed25519ph", "ML-DSA-44": "HashML-DSA-44-SHA-512"} {
		m := &meter{limit: 1 << 30}
		key := r.generate(t, alg, claviger.AllPermissions)
		c, g := r.context(t, key, ContextSpec{Kind: claviger.SignContext, Algorithm: alg, Budget: m})
		_, err := c.OneShot(t.Context(), g, nil, nil, 0, nil, make([]byte, algorithm.MaxHeld+1))
		fails(t, string(alg), err, claviger.ErrInvalidArgument)
		if err == nil || !strings.Contains(err.Error(), form) || !strings.Contains(err.Error(), "67108864") {
			t.Errorf("%v names neither %s nor the limit", err, form)
		}
		_, err = c.Init(t.Context(), g, nil, nil, nil)
		ok(t, err)
		_, err = c.Update(t.Context(), g, nil, make([]byte, algorithm.MaxHeld+1))
		fails(t, string(alg)+" stream", err, claviger.ErrInvalidArgument)
		if m.used != 0 || !c.State().open() {
			t.Errorf("%s: %d bytes charged for a part that was refused; %s", alg, m.used, c.State())
		}
		ok(t, c.Reset(t.Context(), g))
		hashed, g := r.context(t, key, ContextSpec{Kind: claviger.SignContext, Algorithm: claviger.Algorithm(form)})
		if hashed.Info().MaxMessage != 0 || hashed.Info().Gathers {
			t.Errorf("%s: %+v", form, hashed.Info())
		}
		_, err = stream(t, hashed, g, nil, nil, nil, hello)
		ok(t, err)
	}
}

func TestCostOfLongWorkIsThePool(t *testing.T) {
	r := newRig(t)
	hash, _ := r.context(t, nil, ContextSpec{Kind: claviger.HashContext, Algorithm: "SHA-256"})
	rsa, _ := r.context(t, r.generate(t, "RSA-2048", claviger.AllPermissions), ContextSpec{Kind: claviger.SignContext, Algorithm: "RSA-PSS-SHA-256"})
	held, g := r.context(t, r.generate(t, "Ed25519", claviger.AllPermissions), ContextSpec{Kind: claviger.SignContext, Algorithm: "Ed25519", Budget: &meter{limit: 1 << 20}})
	_, err := held.Init(t.Context(), g, nil, nil, nil)
	ok(t, err)
	if held.Cost(32) != 0 {
		t.Error("a short message is for the pool")
	}
	_, err = held.Update(t.Context(), g, nil, make([]byte, 64<<10))
	ok(t, err)
	if hash.Cost(64<<10) != 0 || hash.Cost(64<<10+1) != 1 || rsa.Cost(0) != 1 || held.Cost(1) != 1 {
		t.Error("costs are wrong")
	}
}
