package main

import (
	"context"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// slotCommand groups the commands for key slots. Who may do what is the daemon's to decide, by the caller's uid.
func (a *app) slotCommand() *cobra.Command {
	return a.group("slot", "Look at key slots and change what is in them",
		a.slotListCommand(), a.slotInfoCommand(), a.slotGenerateCommand(), a.slotRotateCommand(), a.slotImportCommand(),
		a.slotAdoptCommand(), a.slotObjectsCommand(), a.slotPublicCommand(), a.slotClearCommand())
}

// keySlot is a slot that exists and holds a key.
func (l *link) occupiedSlot(ctx context.Context, name string) (*client.KeySlot, claviger.KeySlotInfo, error) {
	slot, err := l.KeySlot(ctx, name)
	if err != nil {
		return nil, claviger.KeySlotInfo{}, err
	}
	info, err := slot.Info(ctx)
	if err == nil && info.State == claviger.SlotEmpty {
		err = claviger.Errorf(claviger.ErrKeySlotEmpty, "key", "slot %q is empty", name)
	}
	return slot, info, err
}

// slotListCommand lists what the caller's configuration maps. Names of others do not appear.
func (a *app) slotListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the slots and trust stores that you can resolve",
		Args:  cobra.NoArgs,
		RunE: a.run(a.withLink(func(ctx context.Context, l *link, _ []string) error {
			names, err := l.stack.Slots(ctx)
			if err != nil {
				return err
			}
			if asJSON {
				return a.printJSON(printNames(names))
			}
			return a.printSlots(names)
		})),
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

// printSlots prints one name a line.
func (a *app) printSlots(list []client.NamedSlot) error {
	var rows [][]string
	for _, s := range list {
		row := []string{s.Name, s.Type.String(), s.Slot, s.Info.State.String(), "-", "-", "-", "-"}
		switch s.Type {
		case claviger.TypeKeySlot:
			row[4], row[5] = dash(string(s.Info.Algorithm)), numbers(s.Info.Compatible)
			row[6], row[7] = versions(s.Info.Versions), s.Info.Permissions.String()
		case claviger.TypeTrustStore:
			row[3] = "-"
		}
		rows = append(rows, row)
	}
	return a.printTable([]string{"NAME", "TYPE", "SLOT", "STATE", "ALGORITHM", "PROVIDERS", "VERSIONS", "OPERATIONS"}, rows)
}

// slotInfoCommand shows one key slot. An empty one is shown too.
func (a *app) slotInfoCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "info NAME",
		Short: "Show a key slot: state, algorithm, providers, operations, versions",
		Args:  cobra.ExactArgs(1),
		RunE: a.run(a.withLink(func(ctx context.Context, l *link, args []string) error {
			slot, err := l.KeySlot(ctx, args[0])
			if err != nil {
				return err
			}
			info, err := slot.Info(ctx)
			if err != nil {
				return err
			}
			if asJSON {
				return a.printJSON(printSlotInfo(info))
			}
			return a.printSlot(args[0], info)
		})),
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

// printSlot prints one field a line, each version with its identifier.
func (a *app) printSlot(name string, info claviger.KeySlotInfo) error {
	fields := []string{
		"name", name,
		"state", info.State.String(),
		"algorithm", string(info.Algorithm),
		"primary provider", strconv.Itoa(int(info.Primary)),
		"compatible", numbers(info.Compatible),
		"operations", info.Permissions.String(),
	}
	for _, v := range info.Versions {
		fields = append(fields, fmt.Sprintf("version %d", v.Version), v.ID)
	}
	return a.printFields(fields...)
}

// slotPublicCommand writes a public key as a SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7).
func (a *app) slotPublicCommand() *cobra.Command {
	var version uint64
	var format, out string
	var force bool
	cmd := &cobra.Command{
		Use:   "public NAME",
		Short: "Write the public half of the key in a slot",
		Args:  cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			f, err := parseFormat(format)
			if err != nil {
				return err
			}
			if err := a.refuseTerminal(out, force || f == claviger.PEM); err != nil {
				return err
			}
			return a.withLink(func(ctx context.Context, l *link, args []string) error {
				data, err := l.publicKey(ctx, args[0], version, f)
				if err != nil {
					return err
				}
				return a.write(out, publicMode, data)
			})(ctx, args)
		}),
	}
	cmd.Flags().StringVar(&format, "format", "pem", "pem, der or raw")
	cmd.Flags().Uint64Var(&version, "version", 0, "version of the key; 0 is the newest")
	outputFlags(cmd, &out, &force)
	return cmd
}

// publicKey gives the public half of a slot's key.
func (l *link) publicKey(ctx context.Context, name string, version uint64, f claviger.Format) ([]byte, error) {
	slot, err := l.KeySlot(ctx, name)
	if err != nil {
		return nil, err
	}
	m, err := l.NewKeyManager(ctx, client.KeyManagerConfig{})
	if err != nil {
		return nil, err
	}
	key, data, err := m.PublicKey(ctx, slot.Version(version), f)
	if err != nil {
		return nil, err
	}
	return data, key.Close()
}

// write writes a small result whole.
func (a *app) write(name string, mode fs.FileMode, data []byte) error {
	o, err := a.create(name, mode)
	if err != nil {
		return err
	}
	defer o.discard()
	if _, err := o.Write(data); err != nil {
		return err
	}
	return o.commit()
}

// parseFormat reads the word of a --format flag.
func parseFormat(word string) (claviger.Format, error) {
	for _, f := range []claviger.Format{claviger.DER, claviger.PEM, claviger.Raw} {
		if strings.EqualFold(word, f.String()) {
			return f, nil
		}
	}
	return 0, usagef("format %q is unknown; known are pem, der, raw", word)
}

// numbers gives the numbers of providers as "2,5".
func numbers(list []claviger.ProviderID) string {
	words := make([]string, len(list))
	for i, id := range list {
		words[i] = strconv.Itoa(int(id))
	}
	return join(words, ",")
}

// versions gives the numbers of versions as "1,2".
func versions(list []claviger.KeyVersion) string {
	words := make([]string, len(list))
	for i, v := range list {
		words[i] = strconv.FormatUint(v.Version, 10)
	}
	return join(words, ",")
}

// dash keeps an empty column visible.
func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
