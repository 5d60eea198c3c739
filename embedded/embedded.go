// Package embedded runs the whole of Claviger inside the calling program: the graph of the daemon without a listening
// socket, and a stack that reaches it by a socket pair, so that frames, limits and policy are those of the daemon.
//
// What it does not give is the wall between processes: keys live in the memory of this program, and whatever can read
// that can read them. The process is not made undumpable either; a program that wants that calls prctl(2) itself.
package embedded

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/internal/config"
	"github.com/claviger/claviger/internal/daemon"
)

// Options say what to run. Exactly one of Dir, ConfigFile and Config is set.
type Options struct {
	// Dir is a directory of the instance's own, made with mode 0700 if it is missing. It holds store and key file, and
	// every valid name is a key slot of its own, with any algorithm and all operations.
	Dir string
	// ConfigFile is a configuration as the daemon reads it. The calling user must be one of its applications or
	// administrators. daemon.socket is not used.
	ConfigFile string
	// Config is the text of such a file.
	Config []byte

	Client client.Config // Endpoint is not looked at; in a Dir the caller names Guest.Tenant as he likes
	Log    *slog.Logger  // decisions and faults; nil discards them

	// Worker is the command line of the program that works with one token in a process of its own: claviger's, of the same
	// release as this package, and the word "worker". The program is an absolute path. Nil is claviger as $PATH finds it. It is
	// not looked at where the configuration names no token.
	Worker []string
}

// Stack is a client.Stack over an instance in this process. Close ends both.
type Stack struct {
	*client.Stack
	daemon *daemon.Daemon
}

// Open starts an instance and connects to it. The store is locked until Close: a second Open, or a daemon on the same
// store, is ErrAlreadyInitialized and names the process that has it. A configuration that is wrong is ErrInvalidFormat
// with a line for each complaint; a user whom it does not know is ErrAccessDenied. ctx bounds the start.
func Open(ctx context.Context, o Options) (*Stack, error) {
	cfg, err := o.config()
	if err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Worker = o.Worker
	d, err := daemon.Build(ctx, cfg, o.Log)
	if err != nil {
		return nil, err
	}
	stack, err := connect(ctx, d, o.Client)
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return &Stack{Stack: stack, daemon: d}, nil
}

// Connect gives a further stack to the same instance, with a session of its own. Closing it ends the session only.
func (s *Stack) Connect(ctx context.Context, c client.Config) (*client.Stack, error) {
	return connect(ctx, s.daemon, c)
}

// Close ends the stack and the instance: running calls have a few seconds to end, all keys are wiped, the store is
// closed and unlocked. Idempotent.
func (s *Stack) Close() error {
	return errors.Join(s.Stack.Close(), s.daemon.Close())
}

func connect(ctx context.Context, d *daemon.Daemon, c client.Config) (*client.Stack, error) {
	conn, err := d.Connect()
	if err != nil {
		return nil, err
	}
	return client.New(ctx, conn, c)
}

// config makes the configuration that the options name.
func (o *Options) config() (*config.Config, error) {
	given := 0
	for _, is := range []bool{o.Dir != "", o.ConfigFile != "", o.Config != nil} {
		if is {
			given++
		}
	}
	if given != 1 {
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, "embedded", "exactly one of Dir, ConfigFile and Config is wanted; %d are given", given)
	}
	switch {
	case o.ConfigFile != "":
		return config.Load(o.ConfigFile)
	case o.Config != nil:
		return config.Parse("embedded configuration", o.Config)
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, claviger.WrapError(claviger.ErrInvalidArgument, "embedded", err)
	}
	return config.Dev(dir, uint32(os.Getuid())), nil
}
