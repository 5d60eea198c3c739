package main

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// macCommand makes a code, or has the daemon compare one in constant time.
func (a *app) macCommand() *cobra.Command {
	var key, alg, check string
	var at client.ProviderSelector
	var cmd *cobra.Command
	cmd = &cobra.Command{
		Use:   "mac --key NAME [FILE]",
		Short: "Print or check the authentication code of a file",
		Long: "Print the authentication code of a file or of standard input in hexadecimal, or check one with --verify: exit status\n" +
			"0 if it is right and 1 if it is not.",
		Example: "  claviger mac --key telemetry/mac report.json\n  claviger mac --key telemetry/mac --verify 9f86d0... report.json",
		Args:    cobra.MaximumNArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			code, err := hex.DecodeString(check)
			if err != nil {
				return usagef("--verify takes hexadecimal digits")
			}
			if cmd.Flags().Changed("verify") && len(code) == 0 { // such as an unset variable: printing the code would look like success
				return usagef("--verify is empty")
			}
			return a.withLink(func(ctx context.Context, l *link, args []string) error {
				return a.mac(ctx, l, macRequest{key, claviger.Algorithm(alg), code, argument(args, 0), at})
			})(ctx, args)
		}),
	}
	keyFlag(cmd, &key)
	cmd.Flags().StringVar(&alg, "algorithm", "", "such as HMAC-SHA-256 (default: the key's own)")
	cmd.Flags().StringVar(&check, "verify", "", "check this code, in `HEX`, and print nothing but the verdict")
	providerFlag(cmd, &at)
	return cmd
}

// macRequest is what mac was asked for.
type macRequest struct {
	key  string
	alg  claviger.Algorithm // "" is the key's own
	code []byte             // to be checked; empty to print one
	file string
	at   client.ProviderSelector
}

// mac streams a file through a MAC context in constant memory.
func (a *app) mac(ctx context.Context, l *link, r macRequest) error {
	slot, info, err := l.occupiedSlot(ctx, r.key)
	if err != nil {
		return err
	}
	if r.alg == "" {
		r.alg = info.Algorithm
	}
	m, err := l.NewMAC(ctx, client.MACConfig{Algorithm: r.alg, Key: slot, Provider: r.at})
	if err != nil {
		return err
	}
	in, err := a.open(ctx, r.file)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := m.Init(ctx); err != nil {
		return err
	}
	if err := a.eachChunk(in, func(chunk []byte) error { return m.Update(ctx, chunk) }); err != nil {
		return err
	}
	if len(r.code) > 0 {
		ok, err := m.VerifyFinalize(ctx, r.code)
		if err != nil {
			return err
		}
		return a.judge(ok, "the code does not belong to this message and key")
	}
	code, err := m.Finalize(ctx, nil)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "%x\n", code)
	return err
}

// judge prints a good verdict, and makes an error of a bad one.
func (a *app) judge(ok bool, why string) error {
	if !ok {
		return verdict{why: why, name: claviger.SignatureInvalid.String()}
	}
	_, err := fmt.Fprintln(a.stdout, "valid")
	return err
}

// keyFlag gives a command its required --key.
func keyFlag(cmd *cobra.Command, key *string) {
	cmd.Flags().StringVar(key, "key", "", "key slot, by the `NAME` that your configuration gives it")
	cmd.MarkFlagRequired("key")
}
