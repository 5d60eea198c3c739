package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/claviger/claviger/internal/config"
	"github.com/claviger/claviger/internal/daemon"
)

// serveFlags are the flags of serve.
type serveFlags struct {
	config   string
	dev      string
	lifeline int // descriptor whose end stops the daemon; -1 for none
	ready    int // descriptor that gets one byte when the daemon listens; -1 for none
}

// serveCommand is the daemon. Its hidden flags tie it to a process that started it.
func (a *app) serveCommand() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve (--config FILE | --dev DIR)",
		Short: "Run the daemon",
		Long: "Run the daemon until SIGTERM or SIGINT. SIGHUP loads the configuration anew: all of it, or nothing.\n\n" +
			"--dev DIR needs no configuration: socket, store and key file are in DIR, which is made if it is missing, only your own user\n" +
			"is let in, and every name is a slot of its own.\n\n" +
			"The daemon's socket is the one that the configuration names, or DIR/claviger.sock: --socket, --daemon-uid and --timeout are\n" +
			"for the commands that call a daemon, and refused here.",
		Example: "  claviger serve --config /etc/claviger/claviger.toml\n  claviger serve --dev ~/.claviger",
		Args:    cobra.NoArgs,
	}
	cmd.RunE = a.runOn(func(ctx context.Context, _ []string) error {
		for _, name := range []string{"socket", "daemon-uid", "timeout"} {
			if flag := cmd.Flags().Lookup(name); flag.Changed && flag.Value.String() != "" {
				return usagef("--%s is for the commands that call a daemon; the socket is the configuration's, or DIR/claviger.sock", name)
			}
		}
		return a.serve(ctx, f)
	})
	cmd.Flags().StringVar(&f.config, "config", "", "configuration `FILE`")
	cmd.Flags().StringVar(&f.dev, "dev", "", "run for yourself with everything in `DIR`")
	cmd.MarkFlagsOneRequired("config", "dev")
	cmd.MarkFlagsMutuallyExclusive("config", "dev")
	cmd.Flags().IntVar(&f.lifeline, "lifeline", -1, "stop at the end of this descriptor")
	cmd.Flags().IntVar(&f.ready, "ready", -1, "write one byte to this descriptor when the daemon listens")
	cmd.Flags().MarkHidden("lifeline")
	cmd.Flags().MarkHidden("ready")
	return cmd
}

// serve runs the daemon until its context or its lifeline ends.
func (a *app) serve(ctx context.Context, f serveFlags) error {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer func() {
		signal.Stop(hangup)
		close(hangup)
	}()
	ctx, stop := followLifeline(ctx, f.lifeline)
	defer stop()
	cfg, err := a.configuration(f)
	if err != nil {
		return err
	}
	cfg.Worker = ownWorker()
	logger := slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: cfg.Daemon.LogLevel}))
	d, err := daemon.Start(ctx, cfg, logger)
	if err != nil {
		return a.complaints(err)
	}
	if err := tellReady(f.ready); err != nil {
		return errors.Join(err, d.Close())
	}
	go func() {
		for range hangup {
			d.Reload() // says in the log what came of it
		}
	}()
	return d.Run(ctx)
}

// configuration gives what the flags name.
func (a *app) configuration(f serveFlags) (*config.Config, error) {
	if f.config != "" {
		cfg, err := config.Load(f.config)
		return cfg, a.complaints(err)
	}
	dir, err := filepath.Abs(f.dev)
	if err != nil {
		return nil, err
	}
	cfg := config.Dev(dir, uint32(os.Geteuid()))
	if err := fitsAddress(cfg.Daemon.Socket, "--dev takes a shorter DIR"); err != nil {
		return nil, err
	}
	return cfg, os.MkdirAll(dir, 0o700)
}

// fitsAddress is an error of usage if a socket's path is too long. The remedy ends its line.
func fitsAddress(socket, remedy string) error {
	if len(socket) <= config.MaxSocketPath {
		return nil
	}
	return usagef("the socket's path would have %d bytes, and the limit is %d; %s", len(socket), config.MaxSocketPath, remedy)
}

// complaints prints all that is wrong with a configuration, one complaint a line, and makes a verdict of it. Other
// errors pass unchanged.
func (a *app) complaints(err error) error {
	e, ok := errors.AsType[*config.Error](err)
	if !ok {
		return err
	}
	for _, c := range e.Complaints {
		fmt.Fprintln(a.stderr, c.Error())
	}
	why := fmt.Sprintf("%d complaints about %s", len(e.Complaints), e.Complaints[0].File)
	if len(e.Complaints) == 1 {
		why = "one complaint about " + e.Complaints[0].File
	}
	return verdict{why: why, name: codeOf(err).Name(), err: err}
}

// followLifeline ends the context when the descriptor comes to its end, which is when the process at the other end of
// the pipe is gone.
func followLifeline(ctx context.Context, fd int) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if fd < 0 {
		return ctx, cancel
	}
	line := os.NewFile(uintptr(fd), "lifeline")
	if line == nil {
		cancel()
		return ctx, cancel
	}
	go func() {
		defer cancel()
		io.Copy(io.Discard, line)
	}()
	return ctx, cancel
}

// tellReady writes one byte to the descriptor and closes it.
func tellReady(fd int) error {
	if fd < 0 {
		return nil
	}
	f := os.NewFile(uintptr(fd), "ready")
	if f == nil {
		return usagef("--ready %d is no open descriptor", fd)
	}
	_, err := f.Write([]byte{1})
	return errors.Join(err, f.Close())
}
