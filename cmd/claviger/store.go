package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

// storeCommand groups what concerns the store: compact asks the daemon, key needs none.
func (a *app) storeCommand() *cobra.Command {
	var asJSON bool
	compact := &cobra.Command{
		Use:   "compact",
		Short: "Rewrite the store under a new data key, so that destroyed records are gone from the file",
		Args:  cobra.NoArgs,
		RunE: a.run(a.withLink(func(ctx context.Context, l *link, _ []string) error {
			before, after, err := l.stack.Compact(ctx)
			if err != nil {
				return err
			}
			if asJSON {
				return a.printJSON(map[string]uint64{"before": before, "after": after})
			}
			_, err = fmt.Fprintf(a.stdout, "%s before, %s after\n", size(int64(before)), size(int64(after)))
			return err
		})),
	}
	jsonFlag(compact, &asJSON)
	key := &cobra.Command{
		Use:   "key FILE",
		Short: "Make the key file that opens the store, for [keeper] in the configuration",
		Long: "Make a key file of 32 random bytes, readable by its owner only. It opens the store: keep it away from the store's\n" +
			"copies. A file that exists is left alone.",
		Args: cobra.ExactArgs(1),
		RunE: a.run(func(_ context.Context, args []string) error { return createKeyFile(args[0]) }),
	}
	return a.group("store", "Look after the daemon's store", compact, key)
}

// keyFileSize is the size in bytes that the daemon's keeper wants.
const keyFileSize = 32

// createKeyFile makes a key file of random bytes, durable when it returns. A file that exists is an error.
func createKeyFile(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	key := make([]byte, keyFileSize)
	defer clear(key)
	rand.Read(key) // never fails
	_, err = f.Write(key)
	return errors.Join(err, f.Sync(), f.Close())
}
