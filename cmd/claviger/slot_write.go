package main

import (
	"bytes"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// writtenSlot is what a command that writes a slot answers.
type writtenSlot struct {
	Name       string              `json:"name"`
	Algorithm  claviger.Algorithm  `json:"algorithm"`
	Version    uint64              `json:"version"`
	ID         string              `json:"id"` // of the version
	Provider   claviger.ProviderID `json:"provider"`
	Operations []string            `json:"operations"`
}

// slotWrite is a change of a slot. make writes a key into it.
type slotWrite struct {
	name   string
	asJSON bool
	make   func(ctx context.Context, m *client.KeyManager, slot *client.KeySlot) error
}

// writeSlot runs the change, which is durable when it returns, and prints what is in the slot now.
func (a *app) writeSlot(ctx context.Context, l *link, w slotWrite) error {
	slot, err := l.KeySlot(ctx, w.name)
	if err != nil {
		return err
	}
	m, err := l.NewKeyManager(ctx, client.KeyManagerConfig{})
	if err != nil {
		return err
	}
	if err := w.make(ctx, m, slot); err != nil {
		return err
	}
	info, err := slot.Info(ctx)
	if err != nil {
		return err
	}
	answer := writtenSlot{Name: w.name, Algorithm: info.Algorithm, Provider: info.Primary, Operations: list(info.Permissions.Words())}
	if n := len(info.Versions); n > 0 {
		answer.Version, answer.ID = info.Versions[n-1].Version, info.Versions[n-1].ID
	}
	if w.asJSON {
		return a.printJSON(answer)
	}
	_, err = fmt.Fprintf(a.stdout, "%s: %s, version %d, provider %d\n", answer.Name, answer.Algorithm, answer.Version, answer.Provider)
	return err
}

// slotGenerateCommand fills an empty slot. An occupied one is KeySlotOccupied.
func (a *app) slotGenerateCommand() *cobra.Command {
	return a.generateCommand("generate", "Generate a key in an empty slot", false)
}

// slotRotateCommand makes the next version. Versions count up and are never given twice.
func (a *app) slotRotateCommand() *cobra.Command {
	return a.generateCommand("rotate", "Generate the next version of the key in a slot; older versions still decrypt and verify", true)
}

// generateCommand is what generate and rotate have in common.
func (a *app) generateCommand(use, short string, rotate bool) *cobra.Command {
	var asJSON bool
	var alg string
	cmd := &cobra.Command{
		Use:   use + " NAME",
		Short: short,
		Args:  cobra.ExactArgs(1),
		RunE: a.run(a.withLink(func(ctx context.Context, l *link, args []string) error {
			return a.writeSlot(ctx, l, slotWrite{args[0], asJSON, func(ctx context.Context, m *client.KeyManager, slot *client.KeySlot) error {
				p := client.GenerateParams{Algorithm: claviger.Algorithm(alg), Rotate: rotate}
				if rotate && alg == "" { // the slot may be one whose first key decided
					info, err := slot.Info(ctx)
					if err != nil {
						return err
					}
					p.Algorithm = info.Algorithm
				}
				_, err := m.GenerateIn(ctx, slot, p)
				return err
			}})
		})),
	}
	cmd.Flags().StringVar(&alg, "algorithm", "", "key algorithm, such as AES-256 (default: the slot's)")
	jsonFlag(cmd, &asJSON)
	return cmd
}

// slotImportCommand takes key bytes from a file or standard input, never from a flag, and wipes its copy.
func (a *app) slotImportCommand() *cobra.Command {
	var asJSON, rotate bool
	var alg, format string
	cmd := &cobra.Command{
		Use:   "import NAME FILE",
		Short: "Import a key from a file, or from standard input with -",
		Long: "Import a key: PEM or DER (PKCS #8, SubjectPublicKeyInfo, or the older forms of OpenSSL), or the raw bytes of a secret\n" +
			"key. Without --format a file that begins like PEM is PEM; all else needs --format. Destroy the file afterwards: Claviger\n" +
			"keeps its own copy.",
		Args: cobra.ExactArgs(2),
		RunE: a.run(func(ctx context.Context, args []string) error {
			data, err := a.readDocument(ctx, args[1])
			if err != nil {
				return err
			}
			defer clear(data)
			f, err := keyFormat(format, data)
			if err != nil {
				return err
			}
			return a.withLink(func(ctx context.Context, l *link, args []string) error {
				return a.writeSlot(ctx, l, slotWrite{args[0], asJSON, func(ctx context.Context, m *client.KeyManager, slot *client.KeySlot) error {
					_, err := m.ImportIn(ctx, slot, client.ImportParams{Algorithm: claviger.Algorithm(alg), Format: f, Data: data, Rotate: rotate})
					return err
				}})
			})(ctx, args)
		}),
	}
	cmd.Flags().StringVar(&alg, "algorithm", "", "key algorithm (default: what the file says, else the slot's)")
	cmd.Flags().StringVar(&format, "format", "", "pem, der or raw (default: pem if the file begins like it)")
	cmd.Flags().BoolVar(&rotate, "rotate", false, "make it the next version of an occupied slot")
	jsonFlag(cmd, &asJSON)
	return cmd
}

// keyFormat reads the word of --format, or sees that a file is PEM.
func keyFormat(word string, data []byte) (claviger.Format, error) {
	if word != "" {
		return parseFormat(word)
	}
	if looksLikePEM(data) {
		return claviger.PEM, nil
	}
	return 0, usagef("the file is not PEM: say --format der or --format raw")
}

// looksLikePEM reports whether data has the line that begins a PEM block (RFC 7468 section 2).
func looksLikePEM(data []byte) bool { return bytes.Contains(data, []byte("-----BEGIN ")) }

// slotClearCommand destroys keys. They cannot be read from then on; `store compact` takes their records out of the
// file.
func (a *app) slotClearCommand() *cobra.Command {
	var version uint64
	cmd := &cobra.Command{
		Use:   "clear NAME",
		Short: "Destroy the key in a slot: all versions, or one",
		Args:  cobra.ExactArgs(1),
		RunE: a.run(a.withLink(func(ctx context.Context, l *link, args []string) error {
			slot, err := l.KeySlot(ctx, args[0])
			if err != nil {
				return err
			}
			m, err := l.NewKeyManager(ctx, client.KeyManagerConfig{})
			if err != nil {
				return err
			}
			if version != 0 {
				return m.ClearVersion(ctx, slot, version)
			}
			return m.Clear(ctx, slot)
		})),
	}
	cmd.Flags().Uint64Var(&version, "version", 0, "destroy only this version; 0 destroys all")
	return cmd
}
