package daemon

import (
	"context"
	"sync"
	"time"

	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/secrets"
)

// openSecrets opens what keeps secrets, retires the tenants that the rules do not know, and begins to tick.
func (d *Daemon) openSecrets(ctx context.Context, rules *policy.Policy) (err error) {
	limits := secrets.Limits{Secrets: d.cfg.Limits.Secrets, Bytes: d.cfg.Limits.SecretBytes}
	if d.secrets, err = secrets.Open(ctx, secrets.Config{Store: d.db, Limits: limits}); err != nil {
		return err
	}
	if err := d.retire(ctx, rules); err != nil {
		return err
	}
	d.tick()
	return nil
}

// retire takes their names from tenants that the rules no longer know, durably and before the rules come into force:
// who comes back under such a name inherits nothing. In an instance that one user runs for himself any name may be a guest's,
// and nobody is retired.
func (d *Daemon) retire(ctx context.Context, rules *policy.Policy) error {
	if rules.AnyTenant() {
		return nil
	}
	retired, err := d.secrets.Load(ctx, rules.Tenants())
	for _, name := range retired {
		d.log.Warn("tenant retired: its secrets are out of reach, also if the name comes back", "tenant", name)
	}
	return err
}

// tick begins what time asks of the secrets, until ticking is called.
func (d *Daemon) tick() {
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		ticker := time.NewTicker(secrets.TickEvery * time.Second)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			switch swept, err := d.secrets.Tick(ctx); {
			case err != nil && ctx.Err() == nil:
				d.log.Error("secrets not swept", "error", err)
			case swept > 0:
				d.log.Info("secrets swept", "count", swept)
			}
		}
	})
	d.ticking = func() {
		cancel()
		done.Wait()
	}
}

// closeSecrets ends the ticking and makes the trusted time durable.
func (d *Daemon) closeSecrets() error {
	if d.ticking == nil {
		return nil
	}
	d.ticking()
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	return d.secrets.Close(ctx)
}
