package attack_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/test/daemontest"
)

// TestSlowTenantDoesNotDelayOthers: while one tenant has more slow calls waiting than the daemon runs at once, on a hanging
// provider and for RSA keys of 4096 bits, another's calls keep within their deadlines, short ones and pooled ones.
func TestSlowTenantDoesNotDelayOthers(t *testing.T) {
	daemontest.NeedRoot(t)
	d := daemontest.Start(t, userSlots)
	greedy, other := scope(t, dialAs(t, d, daemontest.UserA)), dialAs(t, d, daemontest.UserB)
	work := newWorker(t, other)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var ended atomic.Int64
	for kind, p := range map[client.ProviderSelector]client.GenerateParams{{ID: 9}: {Algorithm: "AES-256"}, {ID: 2}: {Algorithm: "RSA-4096"}} {
		km := must(greedy.NewKeyManager(t.Context(), client.KeyManagerConfig{Provider: kind, Timeout: 20 * time.Second}))(t)
		for range 50 {
			go func() {
				for ctx.Err() == nil {
					key, err := km.Generate(ctx, p)
					if err == nil {
						ended.Add(1)
						err = key.Close()
					}
					if err != nil && ctx.Err() == nil {
						t.Errorf("the greedy tenant: %v", err) // it gets its share, only no more than that
						return
					}
				}
			}()
		}
	}
	within(t, daemontest.Patience, "the greedy tenant has its calls under way", func() bool { return tenant(t, d.Dial(t), "a").InFlight >= 90 })
	stop := work.start()
	pooled := manager(t, scope(t, other))
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); {
		bounded, cancel := context.WithTimeout(t.Context(), callTime)
		key, err := pooled.Generate(bounded, client.GenerateParams{Algorithm: "ECDSA-P256"})
		cancel()
		check(t, err)
		check(t, key.Close())
	}
	rounds, slowest := stop()
	t.Logf("the greedy tenant ended %d calls; the other %d, the slowest took %s", ended.Load(), 2*rounds, slowest.Round(time.Microsecond))
	if rounds < 10 || ended.Load() == 0 {
		t.Errorf("the greedy tenant ended %d calls, the other %d", ended.Load(), 2*rounds)
	}
}
