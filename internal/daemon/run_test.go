package daemon_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/internal/daemon"
	"github.com/claviger/claviger/test/daemontest"
)

// TestHungProviderCostsOnlyItsCaller holds that a call into a provider that hangs is answered at its deadline, that
// others go on meanwhile, and that the daemon still ends.
func TestHungProviderCostsOnlyItsCaller(t *testing.T) {
	file := write(t, `"sign", "verify"`)
	rewrite(t, file, `delay = "1ms"`, `delay = "2s"`)
	cfg := load(t, file)
	d := start(t, cfg)
	_, scope := dial(t, cfg.Daemon.Socket)
	slot := keyIn(t, scope, "Key", client.GenerateParams{})
	const deadline = 100 * time.Millisecond
	slow, err := scope.NewSigner(t.Context(), client.SignerConfig{
		Algorithm: "ECDSA-P256-SHA-256", Key: slot, Provider: client.ProviderSelector{ID: 5}, Timeout: client.NoTimeout,
	})
	if err != nil {
		t.Fatal(err)
	}
	hasty, err := scope.NewSigner(t.Context(), client.SignerConfig{
		Algorithm: "ECDSA-P256-SHA-256", Key: slot, Provider: client.ProviderSelector{ID: 5}, Timeout: deadline,
	})
	if !errors.Is(err, claviger.ErrOperationTimedOut) {
		check(t, err)
		begin, stalls := time.Now(), daemontest.Stalls()
		_, err = hasty.Sign(t.Context(), nil, []byte("message"))
		if took := time.Since(begin) - stalls(); took > deadline+500*time.Millisecond {
			t.Errorf("the answer came after %v", took)
		}
	}
	if !errors.Is(err, claviger.ErrOperationTimedOut) {
		t.Errorf("beyond the deadline: %v", err)
	}
	if signature := sign(t, scope, slot); !verify(t, scope, slot, signature) {
		t.Error("the other provider's signature is wrong")
	}
	if signature, err := slow.Sign(t.Context(), nil, []byte("message")); err != nil || !verify(t, scope, slot, signature) {
		t.Errorf("with all the time it needs: %v", err)
	}
	check(t, d.Close())
}

// TestReloadUnderLoad flips a right while callers use it: each call succeeds or is refused for want of the right.
func TestReloadUnderLoad(t *testing.T) {
	file := write(t, `"sign", "verify"`)
	cfg := load(t, file)
	d := start(t, cfg)
	_, scope := dial(t, cfg.Daemon.Socket)
	slot := keyIn(t, scope, "Key", client.GenerateParams{})
	signer, err := scope.NewSigner(t.Context(), client.SignerConfig{Algorithm: "ECDSA-P256-SHA-256", Key: slot})
	check(t, err)
	done := make(chan struct{})
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if _, err := signer.Sign(t.Context(), nil, []byte("message")); err != nil && !errors.Is(err, claviger.ErrKeyOperationNotPermitted) {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 20 {
		from, to := `["sign", "verify"], write`, `["verify"], write`
		if i%2 == 1 {
			from, to = to, from
		}
		rewrite(t, file, from, to)
		if err := d.Reload(); err != nil {
			t.Error(err)
		}
	}
	close(done)
	callers.Wait()
	if _, err := signer.Sign(t.Context(), nil, []byte("message")); err != nil {
		t.Errorf("after the last reload: %v", err)
	}
}

// TestStartWithoutPlacesIsRefused holds that what is missing is named, and that nothing stays open behind it.
func TestStartWithoutPlacesIsRefused(t *testing.T) {
	for _, missing := range []string{"store", "run", "key"} {
		file := write(t, `"sign"`)
		cfg := load(t, file)
		check(t, start(t, cfg).Close()) // a first start makes the store, and a key file where there is none
		place := map[string]string{"store": cfg.Daemon.Store, "run": cfg.Daemon.Socket, "key": cfg.Keeper.Path}[missing]
		away := cfg.Keeper.Path
		if missing != "key" {
			away = filepath.Dir(place)
		}
		check(t, os.Rename(away, away+".away"))
		if _, err := daemon.Start(t.Context(), cfg, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), away) {
			t.Errorf("without %s: %v", away, err)
		}
		check(t, os.Rename(away+".away", away))
		check(t, start(t, cfg).Close())
	}
}
