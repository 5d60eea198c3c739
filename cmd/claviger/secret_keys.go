package main

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/claviger/claviger"
)

// secretKeysCommand lists the managed keys, one version a line; never a key.
func (a *app) secretKeysCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "List your managed keys: identifiers, algorithms, versions",
		Long: "List your managed keys, those that WebAssembly guests and programs keep in the daemon under an identifier: identifiers,\n" +
			"algorithms, versions. With --json one document a line, where type is 0 for signatures, 1 for symmetric algorithms and 2\n" +
			"for key exchange.",
		Args: cobra.NoArgs,
		RunE: a.run(a.withLink(func(ctx context.Context, l *link, _ []string) error {
			var rows [][]string
			encoder := json.NewEncoder(a.stdout)
			for k, err := range l.stack.Secrets().ListKeys(ctx) {
				if err == nil && asJSON {
					err = encoder.Encode(k)
				}
				if err != nil {
					return err
				}
				rows = append(rows, keyRows(k)...)
			}
			if asJSON {
				return nil
			}
			return a.printTable([]string{"ID", "ALGORITHM", "FOR", "VERSION", "STATE"}, rows)
		})),
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

// keyRows is a managed key in words, a row for each version.
func keyRows(k claviger.ManagedInfo) (rows [][]string) {
	for _, v := range k.Versions {
		state := "stored"
		if v == k.Latest {
			state = "latest"
		}
		rows = append(rows, []string{k.ID, string(k.Algorithm), k.Type.String(), strconv.FormatUint(v, 10), state})
	}
	return rows
}
