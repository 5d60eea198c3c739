package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/internal/secmem"
)

// vaultCallers is how many callers fill a vault at once.
const vaultCallers = 64

// vault is a daemon in a process of its own, over a directory of its own that outlives it, and the secrets in it.
type vault struct {
	dir   string
	child *child   // nil while it does not run
	link  *link    // nil while it does not run
	ids   []string // of the secrets that fill made
}

// openVault starts a daemon over a new directory. The caller closes the vault.
func (b *bench) openVault(dir string) (*vault, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	v := &vault{dir: dir}
	return v, v.start(b.ctx)
}

// start starts the daemon and connects to it. On an error nothing runs.
func (v *vault) start(ctx context.Context) (err error) {
	if v.child, err = startChild(ctx, os.Getppid(), "serve", "--dev", v.dir); err != nil {
		return err
	}
	v.link, err = dial(ctx, client.Config{Endpoint: filepath.Join(v.dir, "claviger.sock")})
	if err != nil {
		v.close()
	}
	return err
}

// close ends the connection and the daemon, and keeps the directory. Idempotent.
func (v *vault) close() {
	if v.link != nil {
		v.link.Close()
	}
	if v.child != nil {
		v.child.stop()
	}
	v.link, v.child = nil, nil
}

// put stores one secret that never expires. Safe for concurrent use.
func (v *vault) put(ctx context.Context) (id string, err error) {
	return v.link.stack.Secrets().Put(ctx, make([]byte, secretSize), math.MaxUint64)
}

// fill makes n secrets by several callers at once and remembers their identifiers.
func (v *vault) fill(ctx context.Context, n int) error {
	v.ids = make([]string, n)
	var next atomic.Int64
	var failed atomic.Bool
	var wg sync.WaitGroup
	failures := make([]error, vaultCallers)
	for caller := range vaultCallers {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(n) && !failed.Load(); i = next.Add(1) - 1 {
				var err error
				if v.ids[i], err = v.put(ctx); err != nil {
					failures[caller] = err
					failed.Store(true)
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(failures...)
}

// reading gives a call that reads the latest version of any of the secrets. For one goroutine at a time.
func (v *vault) reading(ctx context.Context) func() error {
	secrets := v.link.stack.Secrets()
	return func() error {
		s, err := secrets.Get(ctx, v.ids[rand.IntN(len(v.ids))], claviger.LatestVersion)
		if err != nil {
			return err
		}
		if len(s.Value) != secretSize || s.Version != 1 {
			return fmt.Errorf("version %d with %d bytes was read, not 1 with %d", s.Version, len(s.Value), secretSize)
		}
		secmem.Wipe(s.Value)
		return nil
	}
}

// size is the space that the store's file takes on its medium, in bytes.
func (v *vault) size() (int64, error) {
	var st syscall.Stat_t
	err := syscall.Stat(filepath.Join(v.dir, "store.db"), &st)
	return st.Blocks * 512, err
}
