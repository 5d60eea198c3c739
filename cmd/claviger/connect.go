package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// link is a command's connection to the daemon. Close releases all that the command made.
type link struct {
	*client.CryptoContext
	stack *client.Stack
}

// dial connects to the daemon that the flags name.
func (a *app) dial(ctx context.Context) (*link, error) {
	c, err := a.clientConfig()
	if err != nil {
		return nil, err
	}
	return dial(ctx, c)
}

// clientConfig says how to reach the daemon that the flags name.
func (a *app) clientConfig() (client.Config, error) {
	c := client.Config{Endpoint: a.socket, Timeout: a.timeout}
	if a.owner != "" {
		n, err := strconv.ParseUint(a.owner, 10, 32)
		if err != nil {
			return c, usagef("--daemon-uid %q is no user number", claviger.Clip(a.owner))
		}
		uid := uint32(n)
		c.DaemonUID = &uid
	}
	return c, nil
}

// startTime is how long a command waits for a daemon that does not listen yet: one started by the line before, in the
// background, is ready some milliseconds later. A shorter --timeout is kept.
const startTime = time.Second

// dial connects as c says, and waits for a daemon that is about to start. The caller closes the link.
func dial(ctx context.Context, c client.Config) (*link, error) {
	begin := time.Now()
	patience := startTime
	if c.Timeout > 0 {
		patience = min(patience, c.Timeout)
	}
	stack, err := client.Dial(ctx, c)
	for notYet(err) && time.Since(begin) < patience && ctx.Err() == nil {
		time.Sleep(20 * time.Millisecond)
		stack, err = client.Dial(ctx, c)
	}
	if claviger.CodeOf(err) == claviger.ErrInvalidArgument { // of --socket or the environment
		return nil, usagef("%s", detail(err))
	}
	if err != nil {
		return nil, err
	}
	cc, err := stack.CryptoContext()
	if err != nil {
		stack.Close()
		return nil, err
	}
	return &link{CryptoContext: cc, stack: stack}, nil
}

// notYet reports whether nobody listens: there is no socket, or nobody behind it.
func notYet(err error) bool {
	return errors.Is(err, claviger.ErrConnectionFailed) && (errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ECONNREFUSED))
}

// Close ends the connection, and the daemon releases what belongs to it.
func (l *link) Close() error { return l.stack.Close() }

// withLink makes an action of one that needs a connection.
func (a *app) withLink(f func(ctx context.Context, l *link, args []string) error) action {
	return func(ctx context.Context, args []string) error {
		l, err := a.dial(ctx)
		if err != nil {
			return err
		}
		defer l.Close()
		return f(ctx, l, args)
	}
}
