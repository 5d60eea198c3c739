package tokens

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// haste is how long a tenant is in a hurry: as long as given, or what CLAVIGER_HASTE says, such as "1m".
func haste(t testing.TB, usual time.Duration) time.Duration {
	t.Helper()
	text := os.Getenv("CLAVIGER_HASTE")
	if text == "" {
		return usual
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		t.Fatalf("CLAVIGER_HASTE is %q, a duration is wanted", text)
	}
	return d
}

// hurried are calls of the token under deadlines of a millisecond, by a tenant whom some time is given to make what they need.
type hurried struct {
	u             *user
	signing, code *client.KeySlot
	calls, late   atomic.Int64
}

// work calls until stop is closed.
func (h *hurried) work(t *testing.T, stop <-chan struct{}) {
	km, err := h.u.cc.NewKeyManager(h.u.ctx, client.KeyManagerConfig{Provider: tokenSelector()})
	if err != nil {
		t.Error(err)
		return
	}
	for {
		select {
		case <-stop:
			return
		default:
		}
		h.sign(t)
		h.call(t, func(ctx context.Context) error {
			key, err := km.Generate(ctx, client.GenerateParams{Algorithm: "ECDSA-P256"})
			if err == nil {
				err = key.Close()
			}
			return err
		})
	}
}

// sign signs, and streams a message, until their contexts are spent.
func (h *hurried) sign(t *testing.T) {
	s, err := h.u.cc.NewSigner(h.u.ctx, client.SignerConfig{Algorithm: "ECDSA-P256-SHA-256", Key: h.signing})
	if err != nil {
		t.Errorf("a context in a hurry: %v", err)
		return
	}
	defer s.Close()
	h.call(t, func(ctx context.Context) error { _, err := s.Sign(ctx, nil, []byte(message)); return err })
	m, err := h.u.cc.NewMAC(h.u.ctx, client.MACConfig{Algorithm: "HMAC-SHA-256", Key: h.code})
	if err != nil {
		t.Errorf("a context in a hurry: %v", err)
		return
	}
	defer m.Close()
	h.call(t, func(ctx context.Context) error { _, err := inHalves(ctx, m); return err })
}

// call makes one call. It is right that it is late, or that streams are many.
func (h *hurried) call(t *testing.T, f func(ctx context.Context) error) {
	ctx, cancel := context.WithTimeout(h.u.ctx, time.Millisecond)
	defer cancel()
	err := f(ctx)
	h.calls.Add(1)
	switch {
	case errors.Is(err, claviger.ErrOperationTimedOut):
		h.late.Add(1)
	case err != nil && !errors.Is(err, claviger.ErrProviderBusy):
		t.Errorf("a call of a millisecond: %v", err)
	}
}

// TestATenantInAHurryHarmsNobody: a tenant whose calls have deadlines of a millisecond, most of which pass, has no worker started
// again; another tenant's calls of the same token succeed, if slower, and calls of software are not touched. It takes 3 seconds, or as
// long as CLAVIGER_HASTE says.
func TestATenantInAHurryHarmsNobody(t *testing.T) {
	t.Parallel()
	a := startArena(t, Options{})
	other := a.dialOther(t)
	h := &hurried{u: other, signing: other.slot(t, "token/signing"), code: other.slot(t, "token/mac")}
	before := a.settled(t)
	b := other.watch(t)
	a.h.Command("C_Sign slow", "C_SignFinal slow", "C_GenerateKeyPair slow")
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { h.work(t, stop) })
	}
	calls := 0
	for end := time.Now().Add(haste(t, 3*time.Second)); time.Now().Before(end); calls++ {
		if err := a.once(a.held, recovery); err != nil {
			t.Errorf("the call %d of the tenant who has time: %v", calls, err)
		}
	}
	close(stop)
	all.Wait()
	b.done()
	a.h.Command()
	equal(t, "restarts", a.provider(t, TokenID).Restarts, 0)
	t.Logf("%d calls of a millisecond, %d of them were late; %d calls of the same token and %d of software succeeded", h.calls.Load(), h.late.Load(), calls, len(b.took))
	if h.late.Load() == 0 || calls == 0 || len(b.took) == 0 {
		t.Error("somebody has done nothing")
	}
	a.recovers(t)
	a.nothingLeft(t, before, 8)
}
