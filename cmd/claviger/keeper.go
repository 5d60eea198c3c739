package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/config"
	"github.com/claviger/claviger/internal/daemon"
	"github.com/claviger/claviger/internal/secmem"
)

// printedKeeper is a keeper as --json prints it.
type printedKeeper struct {
	Kind   config.KeeperKind `json:"kind"`
	Keeper string            `json:"keeper"`          // one sentence
	Since  string            `json:"since,omitempty"` // RFC 3339
}

// keeperCommand shows what opens the store of a stopped daemon; below it, change.
func (a *app) keeperCommand() *cobra.Command {
	var file string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "keeper",
		Short: "Show or change what opens the store: a key file, a passphrase, a credential",
		Long: "Show what opens the store of a stopped daemon, and since when. The configured keeper has to be the right one: the store\n" +
			"is opened with it. Run it as the daemon's user. `claviger status` names the keeper of a running daemon.",
		Example: "  claviger keeper --config /etc/claviger/claviger.toml",
		Args:    cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error {
			cfg, err := a.stopped(file)
			if err != nil {
				return err
			}
			state, err := daemon.ShowKeeper(ctx, cfg)
			if err != nil {
				return err
			}
			since := ""
			if !state.Since.IsZero() {
				since = state.Since.Format(time.RFC3339)
			}
			if asJSON {
				return a.printJSON(printedKeeper{state.Kind, state.Describe, since})
			}
			return a.printFields("kind", string(state.Kind), "keeper", state.Describe, "since", since)
		}),
	}
	configFlag(cmd, &file)
	jsonFlag(cmd, &asJSON)
	cmd.AddCommand(a.keeperChangeCommand())
	return cmd
}

// keeperChangeCommand closes the store of a stopped daemon with another keeper.
func (a *app) keeperChangeCommand() *cobra.Command {
	var file, kind, path, credential string
	cmd := &cobra.Command{
		Use:   "change",
		Short: "Close the store with another keeper, and print its lines for the configuration",
		Long: "Close the store of a stopped daemon with another keeper: a key file (claviger store key makes one), a passphrase in a file, or\n" +
			"a credential of systemd, which with --to passphrase holds a passphrase. Both must be there: the one of the configuration opens\n" +
			"the store, the new one closes it. Credentials are looked for in $CREDENTIALS_DIRECTORY. Run it as the daemon's user.\n\n" +
			"The store opens with the new keeper alone when this is done, and with the old one alone when it fails or is killed before.\n" +
			"Started again after a kill it says which it was. Records are not rewritten: run claviger store compact afterwards, because\n" +
			"an old header, in a copy or in the file's free pages, still gives the old keeper the data key.",
		Example: "  claviger keeper change --config claviger.toml --to passphrase --path /etc/claviger/store.phrase\n" +
			"  claviger keeper change --config claviger.toml --to credential --credential store.key",
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error {
			next, err := newKeeper(kind, path, credential)
			if err != nil {
				return err
			}
			cfg, err := a.stopped(file)
			if err != nil {
				return err
			}
			already, err := daemon.ChangeKeeper(ctx, cfg, next)
			if err != nil {
				return err
			}
			return a.printChanged(file, next, already)
		}),
	}
	configFlag(cmd, &file)
	cmd.Flags().StringVar(&kind, "to", "", "`KIND` of the new keeper: file, passphrase or credential")
	cmd.Flags().StringVar(&path, "path", "", "`FILE` that holds the key or the passphrase")
	cmd.Flags().StringVar(&credential, "credential", "", "`NAME` of the credential that holds the key or the passphrase")
	cmd.MarkFlagRequired("to")
	return cmd
}

// configFlag adds the flag that names the configuration.
func configFlag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVar(file, "config", "", "configuration `FILE` of the daemon")
	cmd.MarkFlagRequired("config")
}

// stopped reads the configuration of a daemon that does not run, and makes this process undumpable, because it will hold
// what opens the store.
func (a *app) stopped(file string) (*config.Config, error) {
	if err := secmem.Harden(); err != nil {
		return nil, err
	}
	cfg, err := config.Load(file)
	return cfg, a.complaints(err)
}

// newKeeper makes the keeper that the flags name. A path may be relative, as on every command line.
func newKeeper(kind, path, credential string) (config.Keeper, error) {
	if path != "" && !strings.HasPrefix(path, "$") {
		absolute, err := filepath.Abs(path)
		if err != nil {
			return config.Keeper{}, err
		}
		path = absolute
	}
	k, err := config.NewKeeper(config.KeeperKind(kind), path, credential)
	if e, ok := errors.AsType[*claviger.Error](err); ok {
		return config.Keeper{}, usagef("%s", e.Detail)
	}
	return k, err
}

// printChanged prints the lines of the new keeper, and on standard error what is left to do.
func (a *app) printChanged(file string, next config.Keeper, already bool) error {
	done := "the store is closed by this keeper now, and by no other"
	if already {
		done = "this keeper closed the store already; nothing was changed"
	}
	fmt.Fprintf(a.stderr, "%s\nput these lines in place of [keeper] in %s; when the daemon runs again, `claviger store compact`,\n"+
		"then destroy the old key or passphrase: what was kept of the store before opens with it\n", done, claviger.Clip(file))
	_, err := fmt.Fprint(a.stdout, next.Lines())
	return err
}
