package main

import (
	"context"
	"encoding/hex"
	"io"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/spf13/cobra"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// cryptFlags are the flags of encrypt and decrypt.
type cryptFlags struct {
	key   string
	out   string
	force bool
	armor bool
	raw   string // algorithm; "" is the age format
	iv    string // hexadecimal
	aad   string // hexadecimal
	at    client.ProviderSelector
}

// bind gives a command the flags. None of them takes a secret: an initialization vector and associated data are public.
func (f *cryptFlags) bind(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.key, "key", "", "key slot, by the `NAME` that your configuration gives it")
	cmd.Flags().StringVar(&f.raw, "raw", "", "plain `ALGORITHM` such as AES-256-CBC instead of the age format")
	cmd.Flags().StringVar(&f.iv, "iv", "", "with --raw: initialization vector or nonce in `HEX`")
	cmd.Flags().StringVar(&f.aad, "aad", "", "with --raw and an authenticated algorithm: associated data in `HEX`")
	providerFlag(cmd, &f.at)
	outputFlags(cmd, &f.out, &f.force)
}

// request checks the flags against each other.
func (f *cryptFlags) request(d claviger.Direction, args []string) (rawRequest, error) {
	r := rawRequest{key: f.key, alg: claviger.Algorithm(f.raw), direction: d, file: argument(args, 0), out: f.out, at: f.at}
	if f.raw == "" && (f.iv != "" || f.aad != "") {
		return r, usagef("--iv and --aad belong to --raw")
	}
	if f.raw != "" && f.armor {
		return r, usagef("--armor belongs to the age format, not to --raw")
	}
	if f.raw != "" && f.key == "" {
		return r, usagef("--raw needs --key")
	}
	var err error
	if r.iv, err = hex.DecodeString(f.iv); err != nil {
		return r, usagef("--iv takes hexadecimal digits")
	}
	if r.aad, err = hex.DecodeString(f.aad); err != nil {
		return r, usagef("--aad takes hexadecimal digits")
	}
	return r, nil
}

// encryptCommand encrypts a file, into the age format unless --raw names an algorithm.
func (a *app) encryptCommand() *cobra.Command {
	var f cryptFlags
	cmd := &cobra.Command{
		Use:   "encrypt --key NAME [FILE]",
		Short: "Encrypt a file with a key that stays in the daemon",
		Long: "Encrypt a file or standard input in the age format: a key of its own for each file encrypts the data here, and the slot's\n" +
			"key wraps that key inside the daemon. The data never crosses the socket. AES, ChaCha20 and RSA keys serve.\n\n" +
			"--raw gives the plain algorithm for other tools. CBC (PKCS #7 padding) and CTR take any length and need --iv; they protect\n" +
			"nothing against alteration. Authenticated algorithms take one message of up to 64 MiB and write\n" +
			"nonce, ciphertext and tag one behind the other, also with the nonce of --iv, which decrypt is not given then.",
		Example: "  claviger encrypt --key vehicle/data -o trip.age trip.log\n" +
			"  claviger encrypt --key vehicle/data --raw AES-256-CBC --iv $(openssl rand -hex 16) < trip.log > trip.cbc",
		Args: cobra.MaximumNArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			r, err := f.request(claviger.Encrypting, args)
			if err != nil {
				return err
			}
			if err := a.refuseTerminal(f.out, f.force || f.armor); err != nil {
				return err
			}
			return a.withLink(func(ctx context.Context, l *link, _ []string) error {
				if f.raw != "" {
					return a.rawCrypt(ctx, l, r)
				}
				return a.encryptAge(ctx, l, f)(r.file)
			})(ctx, args)
		}),
	}
	f.bind(cmd)
	cmd.Flags().BoolVar(&f.armor, "armor", false, "write text (PEM) instead of bytes")
	cmd.MarkFlagRequired("key")
	return cmd
}

// encryptAge gives the encryption of one file into the age format.
func (a *app) encryptAge(ctx context.Context, l *link, f cryptFlags) func(file string) error {
	return func(file string) error {
		recipient, err := newWrapper(ctx, l, f.key, f.at)
		if err != nil {
			return err
		}
		in, err := a.open(ctx, file)
		if err != nil {
			return err
		}
		defer in.Close()
		out, err := a.create(f.out, publicMode)
		if err != nil {
			return err
		}
		defer out.discard()
		var dst io.WriteCloser = nopCloser{out}
		if f.armor {
			dst = armor.NewWriter(out)
		}
		w, err := age.Encrypt(dst, recipient)
		if err != nil {
			return plain(err)
		}
		err = a.eachChunk(in, func(chunk []byte) error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			_, err := w.Write(chunk)
			return err
		})
		if err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		if err := dst.Close(); err != nil {
			return err
		}
		return out.commit()
	}
}

// nopCloser is a writer whose Close does nothing.
type nopCloser struct{ io.Writer }

// Close leaves the writer open.
func (nopCloser) Close() error { return nil }
