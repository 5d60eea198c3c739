// Package servertest puts a whole daemon graph behind a socket for tests and measurements: software providers, a store
// in memory, one open user who may do everything, and a server.
package servertest

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/kv/mem"
	"github.com/claviger/claviger/internal/operation"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/software"
	"github.com/claviger/claviger/internal/secmem"
	"github.com/claviger/claviger/internal/secrets"
	"github.com/claviger/claviger/internal/server"
	"github.com/claviger/claviger/internal/session"
	"github.com/claviger/claviger/internal/store"
)

// Config says what is different from the usual.
type Config struct {
	Provider provider.Provider // nil: software
	Limits   session.Limits
	Server   server.Config // Manager is filled in; a Timeout of 0 is a minute, because making a key may take a slow machine long
	Log      io.Writer     // nil discards
	Rules    *policy.Rules // nil: this process's user may do everything
}

// Rig is a running daemon graph.
type Rig struct {
	Manager *session.Manager
	Server  *server.Server
	Path    string // of the socket
}

// New starts a daemon graph on a socket in dir. stop ends it.
func New(dir string, c Config) (r *Rig, stop func() error, err error) {
	db, err := store.Open(context.Background(), mem.New(), openKeeper{}, store.Options{})
	if err != nil {
		return nil, nil, err
	}
	if c.Provider == nil {
		c.Provider = software.New()
	}
	c.Server.Timeout = cmp.Or(c.Server.Timeout, time.Minute)
	engine, err := operation.New(operation.Config{Store: db,
		Providers: []operation.Member{{ID: 2, Name: "software", Kind: claviger.Software, Provider: c.Provider}}})
	if err != nil {
		return nil, nil, err
	}
	rules := policy.Rules{Open: &policy.OpenRule{UID: uint32(os.Getuid()), Providers: []claviger.ProviderID{2}}}
	if c.Rules != nil {
		rules = *c.Rules
	}
	keeper, err := secrets.Open(context.Background(), secrets.Config{Store: db})
	if err != nil {
		return nil, nil, err
	}
	r = &Rig{Path: filepath.Join(dir, "s"), Manager: session.NewManager(session.Config{Engine: engine, Secrets: keeper, Policy: policy.New(rules), Limits: c.Limits})}
	c.Server.Manager = r.Manager
	if c.Log != nil {
		c.Server.Log = slog.New(slog.NewTextHandler(c.Log, nil))
	}
	r.Server = server.New(c.Server)
	l, err := net.Listen("unix", r.Path)
	if err != nil {
		return nil, nil, err
	}
	done := make(chan error, 1)
	go func() { done <- r.Server.Serve(l) }()
	return r, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_ = r.Server.Shutdown(ctx)
		err := <-done
		db.Close()
		return err
	}, nil
}

// Start is New for a test, ended with it.
func Start(t testing.TB, c Config) *Rig {
	t.Helper()
	dir, err := os.MkdirTemp("", "clv") // t.TempDir may be too long for a socket's name
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	r, stop, err := New(dir, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return r
}

// openKeeper keeps the data key as it is: nothing here outlives the process.
type openKeeper struct{}

func (openKeeper) Wrap(_ context.Context, secret []byte) ([]byte, error) {
	return slices.Clone(secret), nil
}

func (openKeeper) Unwrap(_ context.Context, wrapped []byte) (*secmem.Bytes, error) {
	return secmem.From(wrapped)
}

func (openKeeper) Describe() string { return "nothing" }
