package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/secmem"
)

// exitRunner is the status of run when claviger and not the guest has failed.
const exitRunner = 125

// maxModule is the largest module that is read, in bytes.
const maxModule = 512 << 20

// runFlags are the flags of run.
type runFlags struct {
	dirs     []string
	env      []string
	embedded string
	tenant   string
	cache    string
	noCache  bool
	memory   string
	timeout  time.Duration
}

// runLong is what run says of itself.
const runLong = `Run a WebAssembly module against WASI preview 1 and wasi-crypto. Its own short-lived keys live in this process, in memory that the
module cannot reach. Managed keys and secrets live with a keeper:

  --socket          a daemon, which $CLAVIGER_SOCKET names too. Its configuration knows the module by its SHA-256 and lists
                    it in the vouch_guests of the application that runs it, which is you. One that was restarted is dialled
                    again when the module opens its secrets manager.
  --embedded DIR    a keeper in this process that keeps everything in DIR, for --tenant NAME.
  neither           the module has no managed keys and no secrets: those functions answer unsupported_feature.

A module that the daemon does not know runs without managed keys and secrets; standard error says which lines to add.

Flags behind GUEST.wasm are the module's; one "--" directly behind it is dropped. The module sees the directories that --dir
names, the variables that --env names and nothing else of this machine: no link or path leads out of a directory. Directories
that would undo each other's limits are refused: one with :ro inside one without, the cache inside one without :ro, DIR of
--embedded inside any.

Exit status: the module's own (255 for one above 255). 125 if claviger itself failed: a module that cannot be read, does not
fit or traps, a keeper that cannot be reached, a time that is over. SIGINT and SIGTERM end it as any program, 130 and 143
in a shell.`

// runCommand runs a WebAssembly guest.
func (a *app) runCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run [flags] GUEST.wasm [args...]",
		Short: "Run a WebAssembly guest",
		Long:  runLong,
		Example: "  claviger run guest.wasm\n" +
			"  claviger run --embedded ~/.keys --tenant demo guest.wasm\n" +
			"  claviger run --socket /run/claviger/claviger.sock --dir ./data:/data:ro --env LANG guest.wasm --verbose",
		Args: cobra.MinimumNArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error { return a.runGuest(ctx, &f, args[0], args[1:]) }),
	}
	flags := cmd.Flags()
	flags.SetInterspersed(false)
	flags.StringArrayVar(&f.dirs, "dir", nil, "let the module see a directory: `HOST[:GUEST][:ro]`; left out, GUEST is HOST below /, so that . is / (repeatable)")
	flags.StringArrayVar(&f.env, "env", nil, "set a variable of the module's: `NAME=VALUE`, or NAME for the value that it has here (repeatable)")
	flags.StringVar(&f.embedded, "embedded", "", "keep managed keys and secrets in `DIR`, without a daemon")
	flags.StringVar(&f.tenant, "tenant", "", "`NAME` whose keys and secrets the module has; with --embedded, or a daemon that you run for yourself")
	flags.StringVar(&f.cache, "cache", "", "keep compiled modules in `DIR` (default: claviger/wasm in your cache directory)")
	flags.BoolVar(&f.noCache, "no-cache", false, "keep no compiled modules")
	flags.StringVar(&f.memory, "memory", "1GiB", "most memory that the module may have: a `SIZE` such as 64MiB, up to 4GiB")
	flags.DurationVar(&f.timeout, "timeout", 0, "end the module after this time; 0 is never. Costs some speed")
	cmd.MarkFlagsMutuallyExclusive("cache", "no-cache")
	return cmd
}

// runGuest runs a module to its end, which is the error: nil for status 0, a guestStatus, or why it could not be run.
func (a *app) runGuest(ctx context.Context, f *runFlags, file string, args []string) error {
	if err := a.checkRun(f); err != nil {
		return err
	}
	if err := secmem.Harden(); err != nil {
		return err
	}
	module, err := readModule(file)
	if err != nil {
		return err
	}
	g, err := newGuest(f, file, args)
	if err != nil {
		return err
	}
	defer g.close()
	g.stdin, g.stdout, g.stderr = a.stdin, a.stdout, a.stderr
	if g.cache, err = a.moduleCache(f, g.mounts); err != nil {
		return err
	}
	keeper, err := a.guestKeeper(ctx, f, sha256.Sum256(module))
	if err != nil {
		return err
	}
	if keeper != nil {
		g.connect = keeper.connect
		defer func() { a.note(keeper.Close()) }()
	}
	return g.await(module)
}

// checkRun refuses flags that do not go together.
func (a *app) checkRun(f *runFlags) error {
	switch {
	case f.embedded != "" && a.socket != "":
		return usagef("--embedded and --socket: choose one")
	case f.tenant != "" && f.embedded == "" && !a.daemonNamed():
		return usagef("--tenant needs --embedded or --socket")
	case f.timeout < 0:
		return usagef("--timeout %s is negative", f.timeout)
	}
	return nil
}

// daemonNamed reports whether the user named a daemon. Run contacts none that he did not name.
func (a *app) daemonNamed() bool { return a.socket != "" || os.Getenv("CLAVIGER_SOCKET") != "" }

// readModule reads a module's file.
func readModule(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	module, err := io.ReadAll(io.LimitReader(f, maxModule+1))
	if err == nil && len(module) > maxModule {
		err = claviger.Errorf(claviger.ErrInvalidFormat, file, "has more than %d bytes, the limit of a module", maxModule)
	}
	return module, err
}

// note says an error that changes nothing any more.
func (a *app) note(err error) {
	if err != nil {
		fmt.Fprintf(a.stderr, "claviger: %s\n", message("run", err))
	}
}
