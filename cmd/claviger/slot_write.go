package main

import (
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
	at     client.ProviderSelector
	make   func(ctx context.Context, m *client.KeyManager, slot *client.KeySlot) error
}

// writeSlot runs the change, which is durable when it returns, and prints what is in the slot now.
func (a *app) writeSlot(ctx context.Context, l *link, w slotWrite) error {
	slot, err := l.KeySlot(ctx, w.name)
	if err != nil {
		return err
	}
	config := client.KeyManagerConfig{Provider: w.at}
	if a.timeout == 0 {
		config.Timeout = client.NoTimeout // making a key takes what it takes; the daemon has its own limit
	}
	m, err := l.NewKeyManager(ctx, config)
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
	var at client.ProviderSelector
	cmd := &cobra.Command{
		Use:   use + " NAME",
		Short: short,
		Long:  short + ". Without --timeout it may take as long as the daemon lets any call: RSA keys take seconds.",
		Args:  cobra.ExactArgs(1),
		RunE: a.run(a.withLink(func(ctx context.Context, l *link, args []string) error {
			return a.writeSlot(ctx, l, slotWrite{args[0], asJSON, at, func(ctx context.Context, m *client.KeyManager, slot *client.KeySlot) error {
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
	providerFlag(cmd, &at)
	jsonFlag(cmd, &asJSON)
	return cmd
}

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
