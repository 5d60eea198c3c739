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
	"github.com/claviger/claviger/internal/keeper"
	"github.com/claviger/claviger/internal/operation"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/store"
)

// Check finds what is wrong with a configuration beyond its file, without touching a device, a key or a store: a slot
// whose provider cannot keep its keys. The error is a *config.Error, nil if all is well.
func Check(cfg *config.Config) error {
	members := openProviders(cfg.Providers)
	return errors.Join(complaints(unservable(cfg, members)), closeProviders(members))
}

// CheckLive also looks at what the configuration names: it reads the key that opens the store, looks through every record of the
// store, opens the providers, and logs in to the tokens. It makes, changes and repairs nothing, but notes in the store what came of a
// PIN. again names a provider whose PIN is tried once more although its token has refused it; "" is none. Notes say what was found of
// the tokens, and what could not be looked at or is not there yet and need not be. The error is a *config.Error; one of another kind
// means that ctx ended, or that again names no token, which is ErrInvalidArgument.
func CheckLive(ctx context.Context, cfg *config.Config, again string) (notes []string, err error) {
	named := func(p config.Provider) bool { return p.Name == again && p.Token != nil && p.Token.PINKey() != "" }
	if again != "" && !slices.ContainsFunc(cfg.Providers, named) {
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, "check", "%q is no provider with a PIN", claviger.Clip(again))
	}
	members := openProviders(cfg.Providers)
	defer func() { err = errors.Join(err, closeProviders(members)) }()
	list := unservable(cfg, members)
	if err := checkFile(cfg.Path); err != nil {
		list = append(list, cfg.At("file", reason(err)))
	}
	if err := checkSocketDirectory(filepath.Dir(cfg.Daemon.Socket)); err != nil {
		list = append(list, cfg.At("daemon.socket", reason(err)))
	}
	kept := checkStore(ctx, cfg)
	notes, list = kept.notes, append(list, kept.list...)
	for _, found := range checkTokens(ctx, cfg, kept, again) {
		notes, list = append(notes, found.notes...), append(list, found.list...)
	}
	if err := kept.close(); err != nil {
		list = append(list, cfg.At("daemon.store", reason(err)))
	}
	if ctx.Err() != nil {
		return nil, claviger.WrapError(claviger.ErrOperationTimedOut, "check", ctx.Err())
	}
	return notes, complaints(list)
}

// kept is what was found of the store.
type kept struct {
	findings
	db  *store.DB // open, for close to close; nil if it could not be opened
	why string    // why db is nil
}

// findings are what was found of something.
type findings struct {
	notes []string
	list  []config.Complaint
}

func (k kept) close() error {
	if k.db == nil {
		return nil
	}
	return k.db.Close()
}

// checkStore looks at the keeper and at the store that it opens.
func checkStore(ctx context.Context, cfg *config.Config) kept {
	if cfg.Keeper.Path == "" && os.Getenv("CREDENTIALS_DIRECTORY") == "" {
		note := "the credential is the service manager's to give; it and the store were not looked at"
		return kept{findings{notes: []string{note}}, nil, "the store could not be looked at"}
	}
	var notes []string
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
		return wrong(cfg.At(cfg.Keeper.Field(), reason(err)))
	}
	path := cfg.Daemon.Store
	switch _, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Stat(filepath.Dir(path)); err != nil {
			return wrong(cfg.At("daemon.store", reason(err)))
		}
		return kept{findings{notes: append(notes, "there is no store at "+path+" yet; the daemon makes it")}, nil, "there is no store yet to note in what comes of it"}
	case err != nil:
		return wrong(cfg.At("daemon.store", reason(err)))
	}
	return checkRecords(ctx, cfg, k)
}

// checkRecords opens the store, which exists, and looks through it.
func checkRecords(ctx context.Context, cfg *config.Config, k *keeper.Keeper) kept {
	path := cfg.Daemon.Store
	db, err := openStore(ctx, path, k, true)
	if errors.Is(err, claviger.ErrAlreadyInitialized) {
		note := "the store at " + path + " is in use, by the running daemon it seems; its records were not looked at"
		return kept{findings{notes: []string{note}}, nil, "the running daemon has it, and `claviger status` tells of it"}
	}
	if err != nil {
		return wrong(cfg.At("daemon.store", reason(err)))
	}
	found := kept{db: db}
	damaged, err := db.Check(ctx)
	for _, key := range damaged {
		found.list = append(found.list, cfg.At("daemon.store", "damaged: "+key.String()))
	}
	if err != nil && len(damaged) == 0 {
		found.list = append(found.list, cfg.At("daemon.store", reason(err)))
	}
	found.list = append(found.list, contradicted(cfg, db)...)
	return found
}

// contradicted finds slots that hold other keys than the configuration says. What cannot be read is said elsewhere.
func contradicted(cfg *config.Config, db *store.DB) (list []config.Complaint) {
	for _, slot := range cfg.Rules.Slots {
		alg, homes, err := operation.Held(db, slot.Name)
		if err != nil {
			continue
		}
		if alg != "" && slot.Algorithm != "" && alg != slot.Algorithm {
			list = append(list, cfg.At(fmt.Sprintf("slot %q.algorithm", slot.Name), fmt.Sprintf("the slot holds keys of %s; clear it before it is for keys of %s", alg, slot.Algorithm)))
		}
		for _, id := range homes {
			if !slices.ContainsFunc(cfg.Providers, func(p config.Provider) bool { return p.ID == id }) {
				list = append(list, cfg.At(fmt.Sprintf("slot %q.providers", slot.Name), fmt.Sprintf("the slot holds keys of provider %d, and no provider has that number", id)))
			}
		}
	}
	return list
}

// wrong is a store that cannot be looked at.
func wrong(c config.Complaint) kept {
	return kept{findings{list: []config.Complaint{c}}, nil, "the store could not be opened"}
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
			if r, ok := members[at].Provider.(provider.Reporter); ok && !r.Health().Available {
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
