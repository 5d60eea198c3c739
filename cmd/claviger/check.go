package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/claviger/claviger/internal/config"
	"github.com/claviger/claviger/internal/daemon"
)

// checkCommand judges a configuration by the code that serve starts with.
func (a *app) checkCommand() *cobra.Command {
	var live bool
	var again string
	cmd := &cobra.Command{
		Use:   "check FILE",
		Short: "Check a configuration file",
		Long: "Check a configuration file. Every complaint is one line, file:line:column: field: reason; exit status 1 says that there\n" +
			"are some. Without --live no device and no store is touched; with it keeper, store and providers are opened too.\n\n" +
			"A token is logged in to, unless it would be unknown afterwards what came of its PIN: there is no store yet, or a daemon has it.\n" +
			"A PIN that its token has refused is not tried again. Where the token's PIN was changed to be that one, stop the daemon and\n" +
			"say so: --live --retry-pin PROVIDER.",
		Args: cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			cfg, err := config.Load(args[0])
			if err != nil {
				return a.complaints(err)
			}
			for _, w := range cfg.Warnings {
				fmt.Fprintf(a.stderr, "%s (warning)\n", w.Error())
			}
			if again != "" && !live {
				return usagef("--retry-pin goes with --live")
			}
			cfg.Worker = ownWorker()
			var notes []string
			if live {
				notes, err = daemon.CheckLive(ctx, cfg, again)
			} else {
				err = daemon.Check(cfg)
			}
			if err != nil {
				return a.complaints(err)
			}
			for _, n := range notes {
				fmt.Fprintf(a.stderr, "%s (note)\n", n)
			}
			_, err = fmt.Fprintf(a.stdout, "%s: good\n", args[0])
			return err
		}),
	}
	cmd.Flags().BoolVar(&live, "live", false, "also open the keeper, the store and the providers")
	cmd.Flags().StringVar(&again, "retry-pin", "", "with --live: try the PIN of `PROVIDER` once more, although its token has refused it")
	return cmd
}
