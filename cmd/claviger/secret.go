package main

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// secretCommand groups the commands for secrets and capsules. Values come from files and standard input, never from the
// command line.
func (a *app) secretCommand() *cobra.Command {
	return a.group("secret", "Keep secrets in the daemon, or seal them into capsules",
		a.secretPutCommand(), a.secretReplaceCommand(), a.secretGetCommand(), a.secretListCommand(), a.secretInvalidateCommand(),
		a.secretSealCommand(), a.secretOpenCommand(), a.secretKeysCommand(),
		a.group("key", "Change the key that seals your capsules", a.secretRotateCommand(), a.secretDestroyCommand()))
}

// writtenSecret is what put and replace answer with --json.
type writtenSecret struct {
	ID      string `json:"id"`
	Version uint64 `json:"version"`
	Expires uint64 `json:"expires"` // seconds since 1970
}

// secretPutCommand stores a new secret and prints its identifier.
func (a *app) secretPutCommand() *cobra.Command {
	var asJSON bool
	var until string
	cmd := &cobra.Command{
		Use:     "put [FILE]",
		Short:   "Store a secret from a file or standard input, and print its identifier",
		Long:    "Store a secret from a file or standard input, byte by byte, and print its identifier. It is durable when the command ends.",
		Example: "  printf %s \"$TOKEN\" | claviger secret put --expires 720h",
		Args:    cobra.MaximumNArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			return a.withSecret(ctx, argument(args, 0), until, func(ctx context.Context, s *client.Secrets, secret []byte, expires uint64) error {
				id, err := s.Put(ctx, secret, expires)
				if err != nil {
					return err
				}
				if asJSON {
					return a.printJSON(writtenSecret{id, 1, expires})
				}
				_, err = fmt.Fprintln(a.stdout, id)
				return err
			})
		}),
	}
	expiresFlag(cmd, &until)
	jsonFlag(cmd, &asJSON)
	return cmd
}

// secretReplaceCommand stores the next version and prints its number.
func (a *app) secretReplaceCommand() *cobra.Command {
	var asJSON bool
	var until string
	cmd := &cobra.Command{
		Use:   "replace ID [FILE]",
		Short: "Store the next version of a secret, and print its number; older versions stay readable",
		Args:  cobra.RangeArgs(1, 2),
		RunE: a.run(func(ctx context.Context, args []string) error {
			return a.withSecret(ctx, argument(args, 1), until, func(ctx context.Context, s *client.Secrets, secret []byte, expires uint64) error {
				version, err := s.Replace(ctx, args[0], secret, expires)
				if err != nil {
					return err
				}
				if asJSON {
					return a.printJSON(writtenSecret{args[0], version, expires})
				}
				_, err = fmt.Fprintln(a.stdout, version)
				return err
			})
		}),
	}
	expiresFlag(cmd, &until)
	jsonFlag(cmd, &asJSON)
	return cmd
}

// withSecret reads a secret from a file or standard input, connects, and wipes the secret afterwards.
func (a *app) withSecret(ctx context.Context, file, until string, f func(ctx context.Context, s *client.Secrets, secret []byte, expires uint64) error) error {
	expires, err := parseExpiry(until, time.Now())
	if err != nil {
		return err
	}
	in, err := a.open(ctx, file)
	if err != nil {
		return err
	}
	defer in.Close()
	secret, err := readAll(in, claviger.MaxSecret)
	if err != nil {
		return err
	}
	defer clear(secret)
	return a.withLink(func(ctx context.Context, l *link, _ []string) error {
		return f(ctx, l.stack.Secrets(), secret, expires)
	})(ctx, nil)
}

// expiresFlag gives a command that stores or seals its --expires.
func expiresFlag(cmd *cobra.Command, until *string) {
	cmd.Flags().StringVar(until, "expires", "never", "`WHEN` it expires: a span such as 720h, a time such as 2030-01-31T12:00:00Z, or seconds since 1970")
}

// parseExpiry reads --expires into seconds since 1970.
func parseExpiry(word string, now time.Time) (uint64, error) {
	if strings.EqualFold(word, "never") {
		return math.MaxUint64, nil
	}
	if n, err := strconv.ParseUint(word, 10, 64); err == nil {
		return n, nil
	}
	t, err := time.Parse(time.RFC3339, word)
	if err != nil {
		span, spanErr := time.ParseDuration(word)
		if spanErr != nil {
			return 0, usagef("--expires %q is no span, time or number of seconds, nor never", claviger.Clip(word))
		}
		t = now.Add(span)
	}
	if t.Unix() < 0 {
		return 0, usagef("--expires %q is before 1970", claviger.Clip(word))
	}
	return uint64(t.Unix()), nil
}

// secretGetCommand writes a secret. A terminal gets it only with --show.
func (a *app) secretGetCommand() *cobra.Command {
	var version uint64
	var out string
	var show bool
	cmd := &cobra.Command{
		Use:   "get ID",
		Short: "Write a secret to standard output or a file",
		Long: "Write a secret to standard output or a file, byte by byte. The latest version is the highest ever made: when that one is\n" +
			"invalidated or expired, no older one takes its place.",
		Args: cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			if err := a.refuseShow(out, show); err != nil {
				return err
			}
			return a.withLink(func(ctx context.Context, l *link, args []string) error {
				found, err := l.stack.Secrets().Get(ctx, args[0], numbered(version, claviger.LatestVersion))
				if err != nil {
					return err
				}
				defer clear(found.Value)
				return a.write(out, secretMode, found.Value)
			})(ctx, args)
		}),
	}
	cmd.Flags().Uint64Var(&version, "version", 0, "version of the secret; 0 is the latest")
	showFlags(cmd, &out, &show)
	return cmd
}

// numbered reads a --version: 0 stands for another.
func numbered(version, zero uint64) uint64 {
	if version == 0 {
		return zero
	}
	return version
}

// showFlags gives a command that writes a secret its -o and --show.
func showFlags(cmd *cobra.Command, out *string, show *bool) {
	cmd.Flags().StringVarP(out, "output", "o", "", "write to `FILE`, which only you can read (default: standard output)")
	cmd.Flags().BoolVar(show, "show", false, "write it also to a terminal")
}

// refuseShow is an error of usage if a secret would go to a terminal and the user did not ask for that.
func (a *app) refuseShow(out string, show bool) error {
	if (out == "" || out == "-") && !show && isTerminal(a.stdout) {
		return usagef("standard output is a terminal: use -o FILE, a pipe, or --show")
	}
	return nil
}

// secretInvalidateCommand destroys versions. They cannot be read from then on; `store compact` takes them out of the
// file.
func (a *app) secretInvalidateCommand() *cobra.Command {
	var version uint64
	var latest bool
	var tenant string
	cmd := &cobra.Command{
		Use:   "invalidate ID",
		Short: "Destroy a secret: all versions, one, or the latest",
		Args:  cobra.ExactArgs(1),
		RunE: a.run(a.withLink(func(ctx context.Context, l *link, args []string) error {
			doomed := numbered(version, claviger.AllVersions)
			if latest {
				doomed = claviger.LatestVersion
			}
			return l.stack.Secrets().InvalidateFor(ctx, tenant, args[0], doomed)
		})),
	}
	cmd.Flags().Uint64Var(&version, "version", 0, "destroy only this version; 0 destroys all")
	cmd.Flags().BoolVar(&latest, "latest", false, "destroy only the latest version; no older one takes its place")
	cmd.MarkFlagsMutuallyExclusive("version", "latest")
	cmd.Flags().StringVar(&tenant, "tenant", "", "owner of the secret, by `NAME` or identifier; for administrators")
	return cmd
}
