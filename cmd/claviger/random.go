package main

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/claviger/claviger/client"
)

// randomCommand writes random bytes of the daemon's generator. A file has mode 0600, because the bytes may become a
// secret.
func (a *app) randomCommand() *cobra.Command {
	var enc encoding
	var out string
	var force bool
	var at client.ProviderSelector
	cmd := &cobra.Command{
		Use:   "random N",
		Short: "Write N random bytes",
		Args:  cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			n, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil || n < 0 {
				return usagef("%q is no number of bytes", args[0])
			}
			if err := a.refuseTerminal(out, force || enc.text()); err != nil {
				return err
			}
			return a.withLink(func(ctx context.Context, l *link, _ []string) error { return a.random(ctx, l, at, n, enc, out) })(ctx, args)
		}),
	}
	enc.flags(cmd)
	outputFlags(cmd, &out, &force)
	providerFlag(cmd, &at)
	return cmd
}

// random writes n bytes in constant memory and wipes what it held.
func (a *app) random(ctx context.Context, l *link, at client.ProviderSelector, n int64, enc encoding, out string) error {
	r, err := l.NewRandom(ctx, client.RandomConfig{Provider: at})
	if err != nil {
		return err
	}
	o, err := a.create(out, secretMode)
	if err != nil {
		return err
	}
	defer o.discard()
	w := enc.writer(o)
	buf := make([]byte, min(n, chunkSize))
	defer clear(buf)
	for n > 0 {
		part := buf[:min(n, int64(len(buf)))]
		filled, err := r.Generate(ctx, part[:0], len(part))
		if err != nil {
			return err
		}
		if _, err := w.Write(filled); err != nil {
			return err
		}
		n -= int64(len(part))
	}
	if err := w.Close(); err != nil {
		return err
	}
	return o.commit()
}

// encoding says how binary output is written. The zero value writes it as it is.
type encoding struct {
	hex    bool
	base64 bool
}

// flags gives a command --hex and --base64.
func (e *encoding) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&e.hex, "hex", false, "write hexadecimal digits")
	cmd.Flags().BoolVar(&e.base64, "base64", false, "write base64")
	cmd.MarkFlagsMutuallyExclusive("hex", "base64")
}

// text reports whether the output can be shown on a terminal.
func (e encoding) text() bool { return e.hex || e.base64 }

// writer encodes what is written to w. Close ends it with a newline if it is text, and leaves w open.
func (e encoding) writer(w io.Writer) io.WriteCloser {
	switch {
	case e.hex:
		return lineEnd{hex.NewEncoder(w), nil, w}
	case e.base64:
		enc := base64.NewEncoder(base64.StdEncoding, w)
		return lineEnd{enc, enc, w}
	}
	return lineEnd{w, nil, nil}
}

// lineEnd closes an encoder and ends its line.
type lineEnd struct {
	io.Writer
	encoder io.Closer // nil if it needs no closing
	line    io.Writer // where the newline goes; nil for none
}

// Close flushes the encoder and ends the line.
func (l lineEnd) Close() error {
	if l.encoder != nil {
		if err := l.encoder.Close(); err != nil {
			return err
		}
	}
	if l.line == nil {
		return nil
	}
	_, err := io.WriteString(l.line, "\n")
	return err
}

// outputFlags gives a command -o and --force.
func outputFlags(cmd *cobra.Command, out *string, force *bool) {
	cmd.Flags().StringVarP(out, "output", "o", "", "write to `FILE`, which appears only when it is whole (default standard output)")
	cmd.Flags().BoolVar(force, "force", false, "write binary data to a terminal")
}
