package main

import (
	"context"
	"io"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/claviger/claviger"
)

// app is one run of the program: its streams and the flags that every command has.
type app struct {
	stdin   io.Reader
	stdout  io.Writer
	stderr  io.Writer
	socket  string        // --socket; "" is $CLAVIGER_SOCKET, else /run/claviger/claviger.sock
	owner   string        // --daemon-uid; "" is $CLAVIGER_DAEMON_UID, else nobody
	timeout time.Duration // --timeout of each call; 0 is the daemon's default
	started bool          // the command line was good and the command began
}

// action is what a command does. Its context ends with SIGINT, SIGTERM and, unless it is serve's, with SIGHUP.
type action func(ctx context.Context, args []string) error

// root builds the tree of commands.
func (a *app) root() *cobra.Command {
	var version bool
	root := &cobra.Command{
		Use:   "claviger",
		Short: "Keep keys in one daemon and use them without holding them",
		Long: "Claviger keeps keys, certificates and revocation lists in one daemon. Programs use them over a unix socket and\n" +
			"never hold them. `claviger quickstart` shows it in seconds; `claviger serve --dev DIR` runs one for you.\n\n" +
			"Exit status: 0 success, 1 negative verdict, 2 usage, 3 refused by policy, 4 anything else, 5 daemon unreachable or\ntimed out; run has the guest's own.",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE: a.run(func(context.Context, []string) error {
			if version {
				return a.printVersion()
			}
			return usagef("a command is needed; claviger --help lists them")
		}),
	}
	root.Flags().BoolVar(&version, "version", false, "print the version of this binary, as the command version does")
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.PersistentPreRun = a.prepareCompletion
	root.PersistentFlags().StringVar(&a.socket, "socket", "",
		"socket of the daemon, a path or unix:///path (default $CLAVIGER_SOCKET or /run/claviger/claviger.sock)")
	root.PersistentFlags().StringVar(&a.owner, "daemon-uid", "",
		"user `NUMBER` that the daemon may run as, beside root and yourself (default $CLAVIGER_DAEMON_UID)")
	root.PersistentFlags().DurationVar(&a.timeout, "timeout", 0, "time for each call; 0 is the daemon's default, negative none")
	root.AddCommand(
		a.serveCommand(), a.quickstartCommand(), a.checkCommand(), a.statusCommand(),
		a.slotCommand(), a.secretCommand(), a.certCommand(),
		a.hashCommand(), a.macCommand(), a.encryptCommand(), a.decryptCommand(), a.signCommand(), a.verifyCommand(), a.randomCommand(),
		a.runCommand(),
		a.algorithmsCommand(), a.providersCommand(), a.storeCommand(), a.keeperCommand(), a.benchCommand(), a.benchEchoCommand(), a.benchTokenCommand(), a.workerCommand(), a.versionCommand(), a.manCommand(),
	)
	a.completeCompletion(root)
	return root
}

// completeCompletion adds the command that cobra makes for the shells' scripts, and has it refuse unknown shells.
func (a *app) completeCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		if cmd.Name() == "completion" {
			cmd.RunE = a.run(func(context.Context, []string) error {
				return usagef("a shell is needed: bash, zsh, fish or powershell")
			})
			cmd.Args = func(_ *cobra.Command, args []string) error {
				if len(args) > 0 {
					return usagef("there is no script for %q; there is one for bash, zsh, fish and powershell", claviger.Clip(args[0]))
				}
				return nil
			}
		}
	}
}

// run makes a cobra function of an action that ends when its terminal is closed. See runOn.
func (a *app) run(f action) func(*cobra.Command, []string) error { return a.runOn(endsWithTerminal(f)) }

// endsWithTerminal makes SIGHUP end an action's context, unless it was ignored from the start, as nohup(1) has it. It may
// come again from the shell, so further ones do nothing: the action cleans up.
func endsWithTerminal(f action) action {
	return func(ctx context.Context, args []string) error {
		if signal.Ignored(syscall.SIGHUP) {
			return f(ctx, args)
		}
		ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP)
		defer stop()
		return f(ctx, args)
	}
}

// runOn makes a cobra function of an action that SIGHUP does not end. Until it is called every error is one of usage. The
// first SIGINT or SIGTERM ends the action's context, so that it can clean up; a second one ends the process.
func (a *app) runOn(f action) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		a.started = true
		ctx := cmd.Context()
		if ctx == nil {
			ctx = context.Background()
		}
		ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		context.AfterFunc(ctx, stop)
		return f(ctx, args)
	}
}

// group makes a command that only has others below it.
func (a *app) group(use, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs}
	cmd.RunE = a.run(func(context.Context, []string) error {
		return usagef("a command is needed; %s --help lists them", cmd.CommandPath())
	})
	cmd.AddCommand(commands...)
	return cmd
}

// commandName gives a command as the user typed it, without the program's name.
func commandName(cmd *cobra.Command) string {
	if cmd == nil || !cmd.HasParent() {
		return "command"
	}
	_, name, _ := strings.Cut(cmd.CommandPath(), " ")
	return name
}
