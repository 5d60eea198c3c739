package main

import (
	"context"
	"strconv"

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
	c := client.Config{Endpoint: a.socket, Timeout: a.timeout}
	if a.owner != "" {
		n, err := strconv.ParseUint(a.owner, 10, 32)
		if err != nil {
			return nil, usagef("--daemon-uid %q is no user number", claviger.Clip(a.owner))
		}
		uid := uint32(n)
		c.DaemonUID = &uid
	}
	return dial(ctx, c)
}

// dial connects as c says. The caller closes the link.
func dial(ctx context.Context, c client.Config) (*link, error) {
	stack, err := client.Dial(ctx, c)
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
