package main

import (
	"context"
	"encoding/hex"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// printedObject is a key in a token as --json prints it.
type printedObject struct {
	Label     string             `json:"label"`
	ID        string             `json:"id"`        // hexadecimal
	Class     string             `json:"class"`     // "secret", "private" or "public"
	Algorithm claviger.Algorithm `json:"algorithm"` // of the slot that it fits; "" if the token does not say what the key is for
	Bits      int                `json:"bits"`
}

// slotObjectsCommand lists what slot adopt can bind a slot to. Certificates and what ends with a session are not shown.
func (a *app) slotObjectsCommand() *cobra.Command {
	var label, id, alg string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "objects PROVIDER",
		Short: "List the keys that lie in a token",
		Long: "List the keys that lie in the token of a provider, which its number or its name says, with the algorithm of a slot that each\n" +
			"fits. Where the token leaves open what a key is for, such as one that may both sign and agree, --algorithm says what it is to\n" +
			"be taken for. For administrators.",
		Example: "  claviger slot objects hsm --algorithm ECDSA-P256",
		Args:    cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			bytes, err := parseObjectID(id)
			if err != nil {
				return err
			}
			return a.withLink(func(ctx context.Context, l *link, args []string) error {
				provider, err := l.provider(ctx, args[0])
				if err != nil {
					return err
				}
				found, err := l.stack.Objects(ctx, client.ObjectQuery{Provider: provider, Label: label, ID: bytes, Algorithm: claviger.Algorithm(alg)})
				if err != nil {
					return err
				}
				return a.printObjects(found, asJSON)
			})(ctx, args)
		}),
	}
	objectFlags(cmd, &label, &id)
	cmd.Flags().StringVar(&alg, "algorithm", "", "only keys of this algorithm, such as AES-256")
	jsonFlag(cmd, &asJSON)
	return cmd
}

// provider finds a provider by its name or its number. ErrProviderNotAvailable if there is none.
func (l *link) provider(ctx context.Context, word string) (claviger.ProviderID, error) {
	infos, err := l.stack.Providers(ctx)
	if err != nil {
		return 0, err
	}
	found, err := named(infos, word)
	if err != nil {
		return 0, err
	}
	return found[0].ID, nil
}

// printObjects prints one key a line. Labels are foreign text.
func (a *app) printObjects(found []client.Object, asJSON bool) error {
	printed := []printedObject{}
	var rows [][]string
	for _, o := range found {
		p := printedObject{o.Label, hex.EncodeToString(o.ID), o.Class.String(), o.Algorithm, o.Bits}
		printed = append(printed, p)
		rows = append(rows, []string{dash(claviger.Clip(p.Label)), dash(p.ID), p.Class, dash(string(p.Algorithm)), strconv.Itoa(p.Bits)})
	}
	if asJSON {
		return a.printJSON(printed)
	}
	return a.printTable([]string{"LABEL", "ID", "CLASS", "ALGORITHM", "BITS"}, rows)
}
