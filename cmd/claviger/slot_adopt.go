package main

import (
	"context"
	"encoding/hex"
	"strings"

	"github.com/spf13/cobra"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// slotAdoptCommand binds a slot to what a device holds already. Nothing is copied, and the object stays as it is.
func (a *app) slotAdoptCommand() *cobra.Command {
	var label, id, words string
	var rotate, asJSON bool
	cmd := &cobra.Command{
		Use:   "adopt NAME",
		Short: "Bind a slot to a key that is already in a token",
		Long: "Bind a slot to a key that is already in the token of the slot's primary provider. --label, --id or both name it (CKA_LABEL and\n" +
			"CKA_ID in PKCS #11); claviger slot objects lists what there is. The key stays as it is in the token, also when the slot is\n" +
			"cleared. For administrators who may import into the slot.",
		Example: "  claviger slot adopt vehicle/signing --label \"device key\" --id 01",
		Args:    cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			p, err := adoptParams(label, id, words, rotate)
			if err != nil {
				return err
			}
			return a.withLink(func(ctx context.Context, l *link, args []string) error {
				return a.writeSlot(ctx, l, slotWrite{args[0], asJSON, client.ProviderSelector{}, func(ctx context.Context, m *client.KeyManager, slot *client.KeySlot) error {
					_, err := m.Adopt(ctx, slot, p)
					return err
				}})
			})(ctx, args)
		}),
	}
	objectFlags(cmd, &label, &id)
	cmd.Flags().BoolVar(&rotate, "rotate", false, "make it the next version of an occupied slot")
	permissionsFlag(cmd, &words)
	jsonFlag(cmd, &asJSON)
	return cmd
}

// adoptParams reads the flags of adopt.
func adoptParams(label, id, words string, rotate bool) (client.AdoptParams, error) {
	if label == "" && id == "" {
		return client.AdoptParams{}, usagef("--label, --id or both name the key; claviger slot objects lists what there is")
	}
	may, err := parsePermissions(words)
	if err != nil {
		return client.AdoptParams{}, err
	}
	bytes, err := parseObjectID(id)
	return client.AdoptParams{Label: label, ID: bytes, Permissions: may.mask, NoPermissions: may.none, Rotate: rotate}, err
}

// objectFlags gives a command the flags that name an object of a token.
func objectFlags(cmd *cobra.Command, label, id *string) {
	cmd.Flags().StringVar(label, "label", "", "`LABEL` of the key in the token")
	cmd.Flags().StringVar(id, "id", "", "identifier of the key in the token, in `HEX`")
}

// parseObjectID reads the digits of --id, with or without colons between them.
func parseObjectID(digits string) ([]byte, error) {
	id, err := hex.DecodeString(strings.ReplaceAll(digits, ":", ""))
	if err != nil {
		return nil, usagef("--id %q is not in hexadecimal digits, two for each byte", claviger.Clip(digits))
	}
	return id, nil
}
