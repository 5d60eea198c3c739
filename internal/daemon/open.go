package daemon

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/config"
	"github.com/claviger/claviger/internal/keeper"
	"github.com/claviger/claviger/internal/kv"
	"github.com/claviger/claviger/internal/kv/bolt"
	"github.com/claviger/claviger/internal/operation"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/delay"
	"github.com/claviger/claviger/internal/provider/software"
	"github.com/claviger/claviger/internal/store"
)

// makeDirectory makes a directory of one's own where there is none, and those above it.
func makeDirectory(dir string) error {
	return claviger.WrapError(claviger.ErrInvalidArgument, "daemon", os.MkdirAll(dir, 0o700))
}

// firstStart asks for a key file where there is neither a store nor a key file: nothing can be lost, and a missing file
// beside a store that it once sealed stays an error. A passphrase is never made.
func firstStart(cfg *config.Config) config.Keeper {
	k := cfg.Keeper
	_, err := os.Lstat(cfg.Daemon.Store)
	k.Create = k.Kind == config.KeyFile && errors.Is(err, fs.ErrNotExist)
	return k
}

// openKeeper makes the keeper, and its key file first where that is asked for.
func openKeeper(k config.Keeper) (*keeper.Keeper, error) {
	switch {
	case k.Kind == config.Credential:
		return keeper.Credential(k.Name)
	case k.Kind == config.Passphrase && k.Path == "":
		return keeper.PassphraseCredential(k.Name)
	case k.Kind == config.Passphrase:
		return keeper.Passphrase(k.Path), nil
	}
	if k.Create {
		if err := keeper.CreateFile(k.Path); err != nil && !errors.Is(err, claviger.ErrAlreadyInitialized) {
			return nil, err
		}
	}
	return keeper.File(k.Path), nil
}

// openStore opens the store at path, or makes it unless it must exist.
func openStore(ctx context.Context, path string, k *keeper.Keeper, mustExist bool) (*store.DB, error) {
	var o bolt.Options
	if mustExist {
		o.LockWait = 50 * time.Millisecond // only a look: the daemon that has it keeps it
	}
	file, err := bolt.Open(path, o)
	if err != nil {
		return nil, storeError(err)
	}
	db, err := store.Open(ctx, file, k, store.Options{MustExist: mustExist})
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return db, nil
}

// storeError gives the error of opening a store's file its code. The text names the file.
func storeError(err error) error {
	code := claviger.ErrOperationFailed
	switch {
	case errors.Is(err, kv.ErrLocked):
		code = claviger.ErrAlreadyInitialized
	case errors.Is(err, kv.ErrForbidden), errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		code = claviger.ErrInvalidArgument
	case errors.Is(err, kv.ErrDamaged):
		code = claviger.ErrInvalidFormat
	}
	return claviger.WrapError(code, "store", err)
}

// openProviders makes the configured providers but for the tokens, which openTokens does. They are closed by closeProviders, after
// all keys.
func openProviders(list []config.Provider) []operation.Member {
	var members []operation.Member
	for _, p := range list {
		m := operation.Member{ID: p.ID, Name: p.Name, Kind: claviger.Software, Provider: newProvider(p)}
		if p.Token != nil {
			m.Kind, m.Reason = claviger.Hardware, "the token was not looked for"
		}
		members = append(members, m)
	}
	return members
}

// newProvider makes one provider, nil of a token.
func newProvider(p config.Provider) provider.Provider {
	switch p.Kind {
	case config.PKCS11:
		return nil
	case config.Delay:
		slow := delay.New(software.New())
		slow.SetDelay(p.Delay)
		return slow
	}
	return software.New()
}

// tokenTime is how long a start of the daemon waits for its tokens.
const tokenTime = 3 * time.Second

// openTokens starts the workers of all tokens and waits a little for them. One that does not come up in that time may do so
// later, and the daemon goes on.
func (d *Daemon) openTokens(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, tokenTime)
	defer cancel()
	var waiting sync.WaitGroup
	for i, p := range d.cfg.Providers {
		if p.Token == nil {
			continue
		}
		w := (&token{cfg: d.cfg, p: p, log: d.log}).open(newPINGate(d.db, p))
		d.members[i].Provider, d.members[i].Reason = w, ""
		waiting.Go(func() {
			if err := w.Ready(ctx); errors.Is(err, claviger.ErrOperationTimedOut) && ctx.Err() != nil {
				d.log.Warn("a token is not there yet; the daemon goes on without it", "provider", p.Name)
			}
		})
	}
	waiting.Wait()
	for _, c := range unservable(d.cfg, d.members) {
		d.log.Warn("configuration", "complaint", c.Error())
	}
}

// closeProviders closes what openProviders made, all at once, because a token may take seconds; every key must have been closed
// before.
func closeProviders(members []operation.Member) error {
	errs := make([]error, len(members))
	var closing sync.WaitGroup
	for i, m := range members {
		if m.Provider != nil {
			closing.Go(func() { errs[i] = m.Provider.Close() })
		}
	}
	closing.Wait()
	return errors.Join(errs...)
}
