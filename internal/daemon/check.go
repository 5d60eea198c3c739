package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/config"
	"github.com/claviger/claviger/internal/operation"
	"github.com/claviger/claviger/internal/provider"
)

// Check finds what is wrong with a configuration beyond its file, without touching a device, a key or a store: a slot
// whose provider cannot keep its keys. The error is a *config.Error, nil if all is well.
func Check(cfg *config.Config) error {
	members := openProviders(cfg.Providers)
	return errors.Join(complaints(unservable(cfg, members)), closeProviders(members))
}

// CheckLive also looks at what the configuration names: it opens the providers, reads the key that opens the store,
// and looks through every record of the store. It makes, changes and repairs nothing. Notes say what could not be
// looked at or is not there yet and need not be. The error is a *config.Error; one of another kind means that ctx
// ended.
func CheckLive(ctx context.Context, cfg *config.Config) (notes []string, err error) {
	members := openProviders(cfg.Providers)
	defer func() { err = errors.Join(err, closeProviders(members)) }()
	list := unservable(cfg, members)
	for _, m := range members {
		if m.Provider == nil {
			list = append(list, cfg.At(fmt.Sprintf("provider %q.kind", m.Name), m.Reason))
		}
	}
	if err := checkFile(cfg.Path); err != nil {
		list = append(list, cfg.At("file", reason(err)))
	}
	if err := checkSocketDirectory(filepath.Dir(cfg.Daemon.Socket)); err != nil {
		list = append(list, cfg.At("daemon.socket", reason(err)))
	}
	storeNotes, storeList := checkStore(ctx, cfg)
	if ctx.Err() != nil {
		return nil, claviger.WrapError(claviger.ErrOperationTimedOut, "check", ctx.Err())
	}
	return storeNotes, complaints(append(list, storeList...))
}

// checkStore looks at the keeper and at the store that it opens.
func checkStore(ctx context.Context, cfg *config.Config) (notes []string, list []config.Complaint) {
	if cfg.Keeper.Path == "" && os.Getenv("CREDENTIALS_DIRECTORY") == "" {
		return []string{"the credential is the service manager's to give; it and the store were not looked at"}, nil
	}
	quiet := cfg.Keeper
	quiet.Create = false
	k, err := openKeeper(quiet)
	if err == nil {
		err = k.Check(ctx)
	}
	if errors.Is(err, claviger.ErrResourceNotFound) && firstStart(cfg).Create {
		if _, dirErr := os.Stat(filepath.Dir(cfg.Keeper.Path)); dirErr == nil {
			notes, err = append(notes, "there is no key file at "+cfg.Keeper.Path+" yet; the daemon makes it"), nil
		}
	}
	if err != nil {
		return nil, []config.Complaint{cfg.At(cfg.Keeper.Field(), reason(err))}
	}
	path := cfg.Daemon.Store
	switch _, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Stat(filepath.Dir(path)); err != nil {
			return nil, []config.Complaint{cfg.At("daemon.store", reason(err))}
		}
		return append(notes, "there is no store at "+path+" yet; the daemon makes it"), nil
	case err != nil:
		return nil, []config.Complaint{cfg.At("daemon.store", reason(err))}
	}
	db, err := openStore(ctx, path, k, true)
	if errors.Is(err, claviger.ErrAlreadyInitialized) {
		return []string{"the store at " + path + " is in use, by the running daemon it seems; its records were not looked at"}, nil
	}
	if err != nil {
		return nil, []config.Complaint{cfg.At("daemon.store", reason(err))}
	}
	damaged, err := db.Check(ctx)
	for _, key := range damaged {
		list = append(list, cfg.At("daemon.store", "damaged: "+key.String()))
	}
	if err = errors.Join(err, db.Close()); err != nil && len(damaged) == 0 {
		list = append(list, cfg.At("daemon.store", reason(err)))
	}
	return nil, list
}

// unservable finds slots whose providers cannot keep or use their keys.
func unservable(cfg *config.Config, members []operation.Member) []config.Complaint {
	var list []config.Complaint
	for _, slot := range cfg.Rules.Slots {
		for i, id := range slot.Providers {
			at := slices.IndexFunc(members, func(m operation.Member) bool { return m.ID == id })
			if at < 0 || members[at].Provider == nil {
				continue
			}
			if !keeps(members[at].Provider.Mechanisms(), slot.Algorithm) {
				what := "use"
				if i == 0 {
					what = "keep"
				}
				list = append(list, cfg.At(fmt.Sprintf("slot %q.providers", slot.Name),
					fmt.Sprintf("provider %q cannot %s %s keys", members[at].Name, what, slot.Algorithm)))
			}
		}
	}
	return list
}

// keeps reports whether keys of an algorithm can live in a provider with these mechanisms.
func keeps(rows []provider.Mechanism, key claviger.Algorithm) bool {
	return slices.ContainsFunc(rows, func(m provider.Mechanism) bool {
		return m.Algorithm == key && (m.Op == provider.Generate || m.Op == provider.Import)
	})
}

// complaints makes an error of a list, nil of an empty one.
func complaints(list []config.Complaint) error {
	if len(list) == 0 {
		return nil
	}
	return &config.Error{Complaints: list}
}

// reason gives what an error says without its code and operation, which a complaint's field stands for.
func reason(err error) string {
	if e, ok := errors.AsType[*claviger.Error](err); ok && e.Detail != "" {
		return e.Detail
	}
	return err.Error()
}
