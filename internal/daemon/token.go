package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/config"
	"github.com/claviger/claviger/internal/keeper"
	"github.com/claviger/claviger/internal/provider/pkcs11/reference"
	"github.com/claviger/claviger/internal/provider/worker"
	"github.com/claviger/claviger/internal/sandbox"
	"github.com/claviger/claviger/internal/secmem"
)

// startTime is how long a worker may take to be confined.
const startTime = 30 * time.Second

// token is how the daemon works with one configured token: where it starts the worker, and what it gives it.
type token struct {
	cfg  *config.Config
	p    config.Provider
	log  *slog.Logger
	said func(detail string) // told how each worker is confined; nil: nobody
}

// fault is an error that a field of the provider's table is the reason for.
type fault struct {
	key string // "module"
	err error
}

func (f *fault) Error() string { return f.err.Error() }

// Unwrap gives the error itself.
func (f *fault) Unwrap() error { return f.err }

// open makes the provider, whose worker begins to start. gate may be nil for a token without login.
func (t *token) open(gate worker.Gate) *worker.Provider {
	at := t.p.Token
	settings, err := json.Marshal(WorkerSettings{Release: release(), Kind: t.p.Kind, Module: at.Module, Label: at.Label, Serial: at.Serial,
		Slot: at.Slot, Sessions: at.Sessions})
	if err != nil {
		panic(err) // strings and numbers can be told
	}
	c := worker.Config{Name: t.p.Name, Settings: settings, Start: t.start, Gate: gate, HangAfter: at.HangAfter, Log: t.log,
		Public: reference.Public}
	if at.PINKey() != "" {
		c.PIN = t.pin
	}
	return worker.New(c)
}

// pinPlace is where the PIN of a token is.
func pinPlace(t *config.Token) (*keeper.PIN, error) {
	if t.PINFile != "" {
		return keeper.PINFile(t.PINFile), nil
	}
	return keeper.PINCredential(t.PINCredential)
}

// pin reads the PIN anew.
func (t *token) pin() (*secmem.Bytes, error) {
	place, err := pinPlace(t.p.Token)
	if err != nil {
		return nil, &fault{t.p.Token.PINKey(), err}
	}
	pin, err := place.Read()
	if err != nil {
		return nil, &fault{t.p.Token.PINKey(), err}
	}
	return pin, nil
}

// start starts a worker and confines it.
func (t *token) start(ctx context.Context) (worker.Process, error) {
	if err := t.look(); err != nil {
		return nil, err
	}
	path, args, err := workerCommand(t.cfg.Worker)
	if err != nil {
		return nil, &fault{"kind", err}
	}
	at := t.p.Token
	c := sandbox.Config{
		Path: path, Args: args, User: t.user(), Network: at.Network,
		Mode:   map[config.Confinement]sandbox.Mode{config.Preferred: sandbox.Preferred, config.Off: sandbox.Off}[at.Sandbox],
		Read:   append(directories(at.Module), at.Read...),
		Write:  at.Write,
		Hidden: hidden(t.cfg),
	}
	if u := at.User; os.Geteuid() == 0 && (u == nil || u.UID == 0) {
		c.Hidden = append(c.Hidden, t.private("/etc")...)
		t.log.Warn("a worker runs as root; give its provider a user", "provider", t.p.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(at.Env)) {
		c.Env = append(c.Env, name+"="+at.Env[name])
	}
	if t.log.Enabled(ctx, slog.LevelDebug) {
		c.Stderr = printed{t.log.With("provider", t.p.Name)}
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	process, err := sandbox.Start(ctx, c)
	if errors.Is(err, claviger.ErrUnsupportedOperation) {
		err = &fault{"sandbox", err}
	}
	if err != nil {
		return nil, err
	}
	if t.said != nil {
		t.said(process.Report.String())
	}
	return confined{process}, nil
}

// look finds what is wrong with the paths that the worker is to use, as far as the daemon's user can see it.
func (t *token) look() error {
	at := t.p.Token
	st, err := os.Stat(at.Module)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &fault{"module", claviger.Errorf(claviger.ErrProviderNotAvailable, "token", "there is no module %s", at.Module)}
	case err != nil: // the worker's user may see more
	case !st.Mode().IsRegular():
		return &fault{"module", claviger.Errorf(claviger.ErrProviderNotAvailable, "token", "module %s is not a file", at.Module)}
	}
	if err := t.guarded(at.Module); err != nil {
		return &fault{"module", err}
	}
	for key, paths := range map[string][]string{"read": at.Read, "write": at.Write} {
		for _, path := range paths {
			if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
				return &fault{key, claviger.Errorf(claviger.ErrProviderNotAvailable, "token", "there is no %s, which the worker is to %s", path, key)}
			}
		}
	}
	return nil
}

// user is whom the worker runs as; nil for the daemon's own user.
func (t *token) user() *sandbox.User {
	u := t.p.Token.User
	if u == nil || int(u.UID) == os.Geteuid() {
		return nil
	}
	as := &sandbox.User{UID: u.UID, GID: u.GID}
	account, err := user.LookupId(strconv.FormatUint(uint64(u.UID), 10))
	if err != nil {
		return as
	}
	ids, err := account.GroupIds()
	if err != nil {
		t.log.Warn("groups of a worker's user not found", "provider", t.p.Name, "user", u.Name, "error", err)
	}
	for _, id := range ids {
		if n, err := strconv.ParseUint(id, 10, 32); err == nil {
			as.Groups = append(as.Groups, uint32(n))
		}
	}
	return as
}

// directories gives the directory of a module, and that of the file that it is a link to.
func directories(module string) []string {
	list := []string{filepath.Dir(module)}
	if real, err := filepath.EvalSymlinks(module); err == nil && filepath.Dir(real) != list[0] {
		list = append(list, filepath.Dir(real))
	}
	return list
}

// hidden lists the files that no worker may reach: the store, and what opens it and the tokens.
func hidden(cfg *config.Config) []string {
	store := cfg.Daemon.Store
	paths := []string{store, store + ".lock", store + ".new"}
	credentials := os.Getenv("CREDENTIALS_DIRECTORY")
	add := func(path, credential string) {
		if path != "" {
			paths = append(paths, path)
		} else if credential != "" && filepath.IsAbs(credentials) {
			paths = append(paths, filepath.Join(credentials, credential))
		}
	}
	add(cfg.Keeper.Path, cfg.Keeper.Name)
	for _, p := range cfg.Providers {
		if p.Token != nil {
			add(p.Token.PINFile, p.Token.PINCredential)
		}
	}
	return paths
}
