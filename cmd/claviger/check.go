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
	cmd := &cobra.Command{
		Use:   "check FILE",
		Short: "Check a configuration file",
		Long: "Check a configuration file. Every complaint is one line, file:line:column: field: reason; exit status 1 says that there\n" +
			"are some. Without --live no device and no store is touched; with it keeper, store and providers are opened too.",
		Args: cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			cfg, err := config.Load(args[0])
			if err != nil {
				return a.complaints(err)
			}
			for _, w := range cfg.Warnings {
				fmt.Fprintf(a.stderr, "%s (warning)\n", w.Error())
			}
			var notes []string
			if live {
				notes, err = daemon.CheckLive(ctx, cfg)
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
	return cmd
}
