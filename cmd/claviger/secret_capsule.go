package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// capsuleOverhead is room for what a capsule has beside its secret, in bytes.
const capsuleOverhead = 1 << 10

// secretSealCommand makes a capsule, which the daemon does not keep.
func (a *app) secretSealCommand() *cobra.Command {
	var until, out string
	var force bool
	cmd := &cobra.Command{
		Use:   "seal [FILE]",
		Short: "Seal a secret with its expiry into a capsule that you keep",
		Long:  "Seal a secret with its expiry into a capsule that you keep: the daemon stores nothing. Only you can have it opened again.",
		Args:  cobra.MaximumNArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			if err := a.refuseTerminal(out, force); err != nil {
				return err
			}
			return a.withSecret(ctx, argument(args, 0), until, func(ctx context.Context, s *client.Secrets, secret []byte, expires uint64) error {
				capsule, err := s.Seal(ctx, secret, expires)
				if err != nil {
					return err
				}
				return a.write(out, publicMode, capsule)
			})
		}),
	}
	expiresFlag(cmd, &until)
	outputFlags(cmd, &out, &force)
	return cmd
}

// secretOpenCommand opens a capsule.
func (a *app) secretOpenCommand() *cobra.Command {
	var out string
	var show bool
	cmd := &cobra.Command{
		Use:   "open [FILE]",
		Short: "Open a capsule from a file or standard input",
		Args:  cobra.MaximumNArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			if err := a.refuseShow(out, show); err != nil {
				return err
			}
			in, err := a.open(ctx, argument(args, 0))
			if err != nil {
				return err
			}
			defer in.Close()
			capsule, err := readAll(in, claviger.MaxSecret+capsuleOverhead)
			if err != nil {
				return err
			}
			return a.withLink(func(ctx context.Context, l *link, _ []string) error {
				found, err := l.stack.Secrets().Open(ctx, capsule)
				if err != nil {
					return err
				}
				defer clear(found.Value)
				return a.write(out, secretMode, found.Value)
			})(ctx, nil)
		}),
	}
	showFlags(cmd, &out, &show)
	return cmd
}

// secretRotateCommand makes the next version of the key that seals capsules.
func (a *app) secretRotateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "rotate",
		Short: "Make the next version of the key that seals your capsules, and print its number; older capsules still open",
		Args:  cobra.NoArgs,
		RunE: a.run(a.withLink(func(ctx context.Context, l *link, _ []string) error {
			version, err := l.stack.Secrets().RotateKEK(ctx)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.stdout, version)
			return err
		})),
	}
}

// secretDestroyCommand destroys a version of that key.
func (a *app) secretDestroyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "destroy VERSION",
		Short: "Destroy a version of the key that seals your capsules: they can never be opened again",
		Args:  cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			version, err := strconv.ParseUint(args[0], 10, 64)
			if err != nil {
				return usagef("version %q is no number", claviger.Clip(args[0]))
			}
			return a.withLink(func(ctx context.Context, l *link, _ []string) error {
				return l.stack.Secrets().DestroyKEK(ctx, version)
			})(ctx, nil)
		}),
	}
}
