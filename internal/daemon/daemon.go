// Package daemon puts the rooms together. It is the only room that knows all of them: it builds the graph by hand, in
// one function, from a configuration, runs it, takes it down, and reloads its rules. Signals, flags and the choice of
// a logger belong to the command.
package daemon

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/claviger/claviger/internal/config"
	"github.com/claviger/claviger/internal/operation"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/secmem"
	"github.com/claviger/claviger/internal/secrets"
	"github.com/claviger/claviger/internal/server"
	"github.com/claviger/claviger/internal/session"
	"github.com/claviger/claviger/internal/store"
)

// grace is how long Close lets running calls end before it cuts them off.
const grace = 5 * time.Second

// Daemon is a running graph. Safe for concurrent use.
type Daemon struct {
	log       *slog.Logger
	reloading sync.Mutex // held by a running Reload
	cfg       *config.Config

	// The graph, from the bottom up. Written by build and closed by shutdown; nil where build did not get to.
	lock    *os.File
	db      *store.DB
	members []operation.Member
	secrets *secrets.Manager
	ticking func() // ends the goroutine that ticks and waits for it; nil without one
	manager *session.Manager
	server  *server.Server
	digest  atomic.Pointer[string] // of the configuration in force

	served chan error     // what Serve returned, one value; nil without a listener
	conns  sync.WaitGroup // goroutines of Connect
	close  sync.Once
	closed error // of the shutdown; read after close
}

// Start makes the process undumpable, builds the graph and listens at the configured socket; a service manager is told
// when it is ready. Warnings of the configuration are logged. Whatever was opened is closed again on an error, whose
// code says whose fault it is: ErrInvalidFormat, ErrInvalidArgument, ErrAlreadyInitialized for a socket or store in
// use, ErrWrapUnwrapFailed for a wrong key.
func Start(ctx context.Context, cfg *config.Config, log *slog.Logger) (*Daemon, error) {
	if err := secmem.Harden(); err != nil {
		return nil, err
	}
	if os.Geteuid() == 0 {
		log.Warn("running as root; a user of its own needs no privilege and limits what a fault can do")
	}
	for _, w := range cfg.Warnings {
		log.Warn("configuration", "complaint", w.Error())
	}
	d, err := Build(ctx, cfg, log)
	if err != nil {
		return nil, err
	}
	l, err := listen(cfg.Daemon.Socket)
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	d.served = make(chan error, 1)
	go func() { d.served <- d.server.Serve(l) }()
	log.Info("ready", "socket", cfg.Daemon.Socket, "store", cfg.Daemon.Store, "keeper", d.db.Keeper(), "version", Version())
	d.tell("READY=1")
	return d, nil
}

// Build builds the graph without a socket: Connect reaches it. The process is not made undumpable; an embedding
// program decides that for itself. cfg and log belong to the Daemon from now on.
func Build(ctx context.Context, cfg *config.Config, log *slog.Logger) (*Daemon, error) {
	if err := checkFile(cfg.Path); err != nil {
		return nil, err
	}
	if err := Check(cfg); err != nil {
		return nil, err
	}
	d := &Daemon{cfg: cfg, log: log}
	d.digest.Store(&cfg.Digest)
	if err := d.build(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// build makes the graph from the bottom up: lock, keeper, store, providers, engine, secrets, sessions, server. What it has made
// when it fails is in d, for Close. The lock comes first, so that nobody else is in the directory while the key file is
// made and the store is opened.
func (d *Daemon) build(ctx context.Context) (err error) {
	if d.cfg.Keeper.Create {
		if err := makeDirectory(filepath.Dir(d.cfg.Daemon.Store)); err != nil {
			return err
		}
	}
	if d.lock, err = lock(d.cfg.Daemon.Store + ".lock"); err != nil {
		return err
	}
	keeper, err := openKeeper(firstStart(d.cfg))
	if err != nil {
		return err
	}
	if d.db, err = openStore(ctx, d.cfg.Daemon.Store, keeper, false); err != nil {
		return err
	}
	if err := noteKeeper(ctx, d.db, d.cfg.Keeper.Kind); err != nil {
		d.log.Warn("not noted since when this keeper opens the store", "error", err)
	}
	d.members = openProviders(d.cfg.Providers)
	d.openTokens(ctx)
	engine, err := operation.New(operation.Config{Providers: d.members, Store: d.db})
	if err != nil {
		return err
	}
	rules := policy.New(d.cfg.Rules)
	if err := d.openSecrets(ctx, rules); err != nil {
		return err
	}
	d.manager = session.NewManager(session.Config{
		Engine:  engine,
		Secrets: d.secrets,
		Policy:  rules,
		Limits:  d.cfg.Limits,
		Hooks:   d.hooks(),
		Log:     d.log,
	})
	d.server = server.New(server.Config{
		Manager: d.manager,
		Log:     d.log,
		Timeout: d.cfg.Daemon.Timeout,
		Ceiling: d.cfg.Daemon.Ceiling,
		PerUID:  2 * d.manager.Limits().Connections, // room for those that have not said hello
	})
	return nil
}

// Run waits until ctx ends or the socket fails, and closes the daemon. The end of ctx is no error.
func (d *Daemon) Run(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return d.Close()
	case err := <-d.served:
		d.served <- err
		return errors.Join(err, d.Close())
	}
}

// Close ends the daemon: no new calls, running ones have a few seconds to end, then keys, providers and store are
// closed. Idempotent; each call waits for the end.
func (d *Daemon) Close() error {
	d.close.Do(func() { d.closed = d.shutdown() })
	return d.closed
}

// Connect joins this process to the graph by a socket pair and gives the near end, for client.New: frames, descriptors
// and credentials go the same way as over the socket.
func (d *Daemon) Connect() (*net.UnixConn, error) {
	near, far, err := socketPair()
	if err != nil {
		return nil, err
	}
	d.conns.Go(func() {
		if err := d.server.ServeConn(far); err != nil {
			d.log.Debug("connection ended", "error", err)
		}
	})
	return near, nil
}
