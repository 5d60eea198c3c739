package tokens

import (
	"errors"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// TestAWorkerKilledUnderManyCallers: of the calls that a worker had when SIGKILL ends it each is answered, with success or with
// ProviderNotAvailable, and the one that comes after succeeds: nobody waits longer than the next worker takes to start.
func TestAWorkerKilledUnderManyCallers(t *testing.T) {
	t.Parallel()
	const callers, kills, late = 64, 3, recovery
	a := startArena(t, Options{})
	stop := make(chan struct{})
	var calls, failed atomic.Int64
	var all sync.WaitGroup
	for range callers {
		signer := must(a.cc.NewSigner(a.ctx, a.signing()))(t)
		all.Go(func() {
			for after := false; ; {
				select {
				case <-stop:
					return
				default:
				}
				err := a.once(signer, late)
				calls.Add(1)
				if err != nil && (after || !errors.Is(err, claviger.ErrProviderNotAvailable)) {
					t.Errorf("after a failed call: %t; got %v", after, err)
				}
				if after = err != nil; after {
					failed.Add(1)
				}
			}
		})
	}
	for range kills {
		before := calls.Load()
		eventually(t, "all callers have called", func() bool { return calls.Load() > before+4*callers })
		ok(t, syscall.Kill(a.worker(t), syscall.SIGKILL))
		eventually(t, "there is a worker", func() bool { return len(workers(a.PID())) == 1 && a.provider(t, TokenID).Available })
	}
	before := calls.Load()
	eventually(t, "all callers have called", func() bool { return calls.Load() > before+2*callers })
	close(stop)
	all.Wait()
	t.Logf("%d calls of %d callers, %d of which ended with one of %d workers", calls.Load(), callers, failed.Load(), kills)
	if failed.Load() == 0 || failed.Load() > callers*kills {
		t.Errorf("%d calls have failed", failed.Load())
	}
}

// once signs, and holds that the answer comes in time and is right.
func (a *arena) once(signer *client.Signer, late time.Duration) error {
	start := time.Now()
	signature, err := signer.Sign(a.ctx, nil, []byte(message))
	if took := time.Since(start); took > late {
		return errors.Join(err, wrongResult{"an answer after " + took.String()})
	}
	if err != nil {
		return err
	}
	return a.judged(signature)
}
