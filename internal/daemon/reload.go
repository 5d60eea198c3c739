package daemon

import (
	"context"
	"errors"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"syscall"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/config"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/provider/worker"
)

// Reload reads the configuration file anew and puts its rules in force, all or nothing: a file that is wrong, or that
// asks for what only a start can do, changes nothing and is the error, a *config.Error. A withdrawn right is refused
// at the next call, contexts that are open included. A daemon without a file answers ErrUnsupportedOperation. Safe for
// concurrent use.
func (d *Daemon) Reload() error {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	if d.cfg.Path == "" {
		return claviger.Errorf(claviger.ErrUnsupportedOperation, "reload", "this instance has no configuration file")
	}
	d.tell(reloading())
	defer d.tell("READY=1")
	next, err := d.next()
	if err != nil {
		d.log.Error("configuration refused; the old one stays in force", "file", d.cfg.Path, "error", err)
		return err
	}
	rules := policy.New(next.Rules)
	if err := d.retire(context.Background(), rules); err != nil {
		d.log.Error("configuration not loaded; the old one stays in force", "file", d.cfg.Path, "error", err)
		return err
	}
	d.manager.SetPolicy(rules)
	d.digest.Store(&next.Digest)
	d.retryTokens()
	d.log.Info("configuration loaded", "file", d.cfg.Path, "slots", len(next.Rules.Slots), "apps", len(next.Rules.Apps))
	return nil
}

// retryTokens starts workers that wait for another try: whoever reloads may have changed what kept them from starting.
func (d *Daemon) retryTokens() {
	for _, m := range d.members {
		if w, ok := m.Provider.(*worker.Provider); ok {
			w.Retry()
		}
	}
}

// next reads the file anew and checks it completely.
func (d *Daemon) next() (*config.Config, error) {
	if err := checkFile(d.cfg.Path); err != nil {
		return nil, err
	}
	next, err := config.Load(d.cfg.Path)
	if err != nil {
		return nil, err
	}
	return next, errors.Join(Check(next), complaints(fixed(d.cfg, next)))
}

// checkFile refuses a configuration that others could write: it says who may do what. "" is no file.
func checkFile(path string) error {
	if path == "" {
		return nil
	}
	st, err := os.Stat(path)
	if err != nil {
		return claviger.WrapError(claviger.ErrInvalidArgument, "config", err)
	}
	if st.Mode().Perm()&0o002 != 0 {
		return claviger.Errorf(claviger.ErrInvalidArgument, "config", "%s has mode %04o: everybody can change it (chmod o-w)", path, st.Mode().Perm())
	}
	if owner := st.Sys().(*syscall.Stat_t).Uid; owner != 0 && int(owner) != os.Geteuid() {
		return claviger.Errorf(claviger.ErrInvalidArgument, "config", "%s is owned by uid %d; root or uid %d is wanted", path, owner, os.Geteuid())
	}
	return nil
}

// fixed lists what differs between two configurations and takes a start to change.
func fixed(now, next *config.Config) []config.Complaint {
	was := map[string][2]any{
		"daemon.socket":  {now.Daemon.Socket, next.Daemon.Socket},
		"daemon.store":   {now.Daemon.Store, next.Daemon.Store},
		"daemon.timeout": {now.Daemon.Timeout, next.Daemon.Timeout},
		"daemon.ceiling": {now.Daemon.Ceiling, next.Daemon.Ceiling},
		"daemon.log":     {now.Daemon.LogLevel, next.Daemon.LogLevel},
		"keeper":         {now.Keeper, next.Keeper},
		"limits":         {now.Limits, next.Limits},
		"provider":       {now.Providers, next.Providers},
	}
	var list []config.Complaint
	for _, field := range slices.SortedFunc(maps.Keys(was), strings.Compare) {
		if !reflect.DeepEqual(was[field][0], was[field][1]) {
			list = append(list, next.At(field, "cannot change while the daemon runs; restart it, or put the old value back"))
		}
	}
	return list
}
