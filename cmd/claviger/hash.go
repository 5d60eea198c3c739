package main

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// fileDigest is a line of hash's answer.
type fileDigest struct {
	Algorithm claviger.Algorithm `json:"algorithm"`
	File      string             `json:"file"`
	Digest    string             `json:"digest"` // hexadecimal
}

// hashCommand prints digests. One context serves all files.
func (a *app) hashCommand() *cobra.Command {
	var asJSON bool
	var length int
	var at client.ProviderSelector
	cmd := &cobra.Command{
		Use:   "hash ALGORITHM [FILE...]",
		Short: "Print the digest of files",
		Long: "Print the digest of files or of standard input, in the form that sha256sum has. The data goes to the daemon in\n" +
			"pieces: any length is good.",
		Example: "  claviger hash SHA-256 firmware.bin\n  claviger hash --size 64 SHAKE-256 < firmware.bin",
		Args:    cobra.MinimumNArgs(1),
		RunE: a.run(a.withLink(func(ctx context.Context, l *link, args []string) error {
			h, err := l.NewHash(ctx, client.HashConfig{Algorithm: claviger.Algorithm(args[0]), Size: length, Provider: at})
			if err != nil {
				return err
			}
			files := args[1:]
			if len(files) == 0 {
				files = []string{"-"}
			}
			list := []fileDigest{}
			for _, name := range files {
				digest, err := a.hashFile(ctx, h, name)
				if err != nil {
					return err
				}
				if !asJSON {
					fmt.Fprintf(a.stdout, "%x  %s\n", digest, name)
				}
				list = append(list, fileDigest{h.Algorithm(), name, hex.EncodeToString(digest)})
			}
			if asJSON {
				return a.printJSON(list)
			}
			return nil
		})),
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().IntVar(&length, "size", 0, "bytes of an extendable-output function; 0 is its natural size")
	providerFlag(cmd, &at)
	return cmd
}

// hashFile hashes one file in constant memory.
func (a *app) hashFile(ctx context.Context, h *client.Hash, name string) ([]byte, error) {
	in, err := a.open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	if err := h.Init(ctx); err != nil {
		return nil, err
	}
	if err := a.eachChunk(in, func(chunk []byte) error { return h.Update(ctx, chunk) }); err != nil {
		return nil, err
	}
	return h.Finalize(ctx, nil)
}
