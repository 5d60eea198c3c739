package daemon

import (
	"context"
	"errors"
	"io/fs"
	"os"
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

// openProviders makes the configured providers. They are closed by closeProviders, after all keys.
func openProviders(list []config.Provider) []operation.Member {
	var members []operation.Member
	for _, p := range list {
		members = append(members, operation.Member{ID: p.ID, Name: p.Name, Kind: claviger.Software, Provider: newProvider(p)})
	}
	return members
}

// newProvider makes one provider. Those of today cannot fail to open; one that can gives its reason to Member.Reason.
func newProvider(p config.Provider) provider.Provider {
	if p.Kind == config.Delay {
		slow := delay.New(software.New())
		slow.SetDelay(p.Delay)
		return slow
	}
	return software.New()
}

// closeProviders closes what openProviders made; every key must have been closed before.
func closeProviders(members []operation.Member) error {
	var errs []error
	for _, m := range members {
		if m.Provider != nil {
			errs = append(errs, m.Provider.Close())
		}
	}
	return errors.Join(errs...)
}
