package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/claviger/claviger"
)

// secretListCommand lists what is stored, one version a line; never a secret. With --json there is one document a line,
// because there may be a million.
func (a *app) secretListCommand() *cobra.Command {
	var asJSON, all bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the secrets that you have stored: identifiers, versions, expiry",
		Long:  "List the secrets that you have stored: identifiers, versions, expiry, sizes. With --json one document a line.",
		Args:  cobra.NoArgs,
		RunE: a.run(a.withLink(func(ctx context.Context, l *link, _ []string) error {
			secrets := l.stack.Secrets().List(ctx)
			if all {
				secrets = l.stack.Secrets().ListAll(ctx)
			}
			var rows [][]string
			encoder := json.NewEncoder(a.stdout)
			for s, err := range secrets {
				if err == nil && asJSON {
					err = encoder.Encode(s)
				}
				if err != nil {
					return err
				}
				if !asJSON {
					rows = append(rows, secretRows(s)...)
				}
			}
			if asJSON {
				return nil
			}
			return a.printTable([]string{"ID", "TENANT", "VERSION", "SIZE", "EXPIRES", "STATE"}, rows)
		})),
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().BoolVar(&all, "all", false, "those of all tenants; for administrators")
	return cmd
}

// secretRows is a secret in words, a row for each version.
func secretRows(s claviger.SecretInfo) (rows [][]string) {
	tenant := s.Tenant
	if s.Retired {
		tenant = s.TenantID + " (retired " + s.Tenant + ")"
	}
	for _, v := range s.Versions {
		state := "stored"
		switch {
		case v.Expired:
			state = "expired"
		case v.Version == s.Latest:
			state = "latest"
		}
		rows = append(rows, []string{s.ID, tenant, strconv.FormatUint(v.Version, 10), size(int64(v.Size)), expiry(v.Expires), state})
	}
	return rows
}

// expiry is an expiry in words.
func expiry(at uint64) string {
	const lastYear = 253402300799 // of four digits
	switch {
	case at == math.MaxUint64:
		return "never"
	case at > lastYear:
		return fmt.Sprintf("after 9999 (%d)", at)
	}
	return time.Unix(int64(at), 0).UTC().Format(time.RFC3339)
}
