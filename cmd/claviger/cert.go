package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// certCommand groups the commands for certificates. The daemon parses and verifies; this process only carries bytes.
func (a *app) certCommand() *cobra.Command {
	return a.group("cert", "Look at certificates, keep them in slots and verify them",
		a.certImportCommand(), a.certInfoCommand(), a.certExportCommand(), a.certClearCommand(), a.certVerifyCommand(),
		a.group("crl", "Handle revocation lists", a.crlImportCommand()))
}

// withCerts makes an action of one that needs a certificate manager.
func (a *app) withCerts(f func(ctx context.Context, l *link, m *client.CertManager, args []string) error) action {
	return a.withLink(func(ctx context.Context, l *link, args []string) error {
		m, err := l.NewCertManager(ctx, client.CertManagerConfig{})
		if err != nil {
			return err
		}
		return f(ctx, l, m, args)
	})
}

// isDocument reports whether an argument means a file: there is one of that name, or it is "-" for standard input. Else
// it is a slot.
func isDocument(name string) bool {
	_, err := os.Stat(name)
	return err == nil || name == "-"
}

// certificate finds what an argument means: a file or a slot.
func (a *app) certificate(ctx context.Context, l *link, m *client.CertManager, name string) (client.CertSource, error) {
	if !isDocument(name) {
		return l.CertSlot(ctx, name)
	}
	data, err := a.readDocument(ctx, name)
	if err != nil {
		return nil, err
	}
	return m.Parse(ctx, data, certFormat(data))
}

// certFormat sees whether a file is PEM or DER.
func certFormat(data []byte) claviger.Format {
	if looksLikePEM(data) {
		return claviger.PEM
	}
	return claviger.DER
}

// certImportCommand saves a certificate. What was in the slot before is replaced, and its revocation list goes with it.
func (a *app) certImportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "import SLOT FILE",
		Short: "Write a certificate into a certificate slot",
		Args:  cobra.ExactArgs(2),
		RunE: a.run(a.withCerts(func(ctx context.Context, l *link, m *client.CertManager, args []string) error {
			slot, err := l.CertSlot(ctx, args[0])
			if err != nil {
				return err
			}
			data, err := a.readDocument(ctx, args[1])
			if err != nil {
				return err
			}
			cert, err := m.Parse(ctx, data, certFormat(data))
			if err != nil {
				return err
			}
			return m.Save(ctx, slot, cert)
		})),
	}
}

// printedCertificate is a certificate as --json prints it.
type printedCertificate struct {
	State        string             `json:"state"`
	Subject      string             `json:"subject,omitempty"`
	Issuer       string             `json:"issuer,omitempty"`
	Serial       string             `json:"serial,omitempty"`
	NotBefore    time.Time          `json:"not_before,omitzero"`
	NotAfter     time.Time          `json:"not_after,omitzero"`
	KeyAlgorithm claviger.Algorithm `json:"key_algorithm,omitempty"`
	Fingerprint  string             `json:"fingerprint,omitempty"` // SHA-256, hexadecimal
	HasCRL       bool               `json:"has_crl"`
}

// certInfoCommand shows a certificate of a slot or a file. No trust decision is made.
func (a *app) certInfoCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "info FILE|SLOT",
		Short: "Show a certificate",
		Args:  cobra.ExactArgs(1),
		RunE: a.run(a.withCerts(func(ctx context.Context, l *link, m *client.CertManager, args []string) error {
			cert, err := a.certificate(ctx, l, m, args[0])
			if err != nil {
				return err
			}
			info, err := m.Info(ctx, cert)
			if err != nil {
				return err
			}
			p := printedCertificate{info.State.String(), info.Subject, info.Issuer, info.Serial, info.NotBefore, info.NotAfter,
				info.KeyAlgorithm, fmt.Sprintf("%x", info.Fingerprint), info.HasCRL}
			if asJSON {
				return a.printJSON(p)
			}
			return a.printCertificate(p)
		})),
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

// printCertificate prints one field a line. An empty slot has only its state.
func (a *app) printCertificate(p printedCertificate) error {
	if p.Subject == "" && p.Fingerprint == "" {
		return a.printFields("state", p.State)
	}
	return a.printFields("state", p.State, "subject", p.Subject, "issuer", p.Issuer, "serial", p.Serial,
		"not before", p.NotBefore.Format(time.RFC3339), "not after", p.NotAfter.Format(time.RFC3339),
		"key", string(p.KeyAlgorithm), "SHA-256", p.Fingerprint, "revocation list", fmt.Sprint(p.HasCRL))
}

// certExportCommand writes the certificate of a slot in PEM (RFC 7468 section 5) or DER.
func (a *app) certExportCommand() *cobra.Command {
	var format, out string
	var force bool
	cmd := &cobra.Command{
		Use:   "export SLOT",
		Short: "Write the certificate of a slot",
		Args:  cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			f, err := parseFormat(format)
			if err != nil {
				return err
			}
			if err := a.refuseTerminal(out, force || f == claviger.PEM); err != nil {
				return err
			}
			return a.withCerts(func(ctx context.Context, l *link, m *client.CertManager, args []string) error {
				slot, err := l.CertSlot(ctx, args[0])
				if err != nil {
					return err
				}
				data, err := m.Export(ctx, slot, f)
				if err != nil {
					return err
				}
				return a.write(out, publicMode, data)
			})(ctx, args)
		}),
	}
	cmd.Flags().StringVar(&format, "format", "pem", "pem or der")
	outputFlags(cmd, &out, &force)
	return cmd
}

// certClearCommand empties a certificate slot.
func (a *app) certClearCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "clear SLOT",
		Short: "Empty a certificate slot, its revocation list included",
		Args:  cobra.ExactArgs(1),
		RunE: a.run(a.withCerts(func(ctx context.Context, l *link, m *client.CertManager, args []string) error {
			slot, err := l.CertSlot(ctx, args[0])
			if err != nil {
				return err
			}
			return m.Clear(ctx, slot)
		})),
	}
}

// crlImportCommand makes a revocation list durable beside the certificate that issued it. A list that the
// certificate did not sign, or that is older than the one there, is a negative verdict.
func (a *app) crlImportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "import SLOT FILE",
		Short: "Put a revocation list beside its issuer's certificate",
		Args:  cobra.ExactArgs(2),
		RunE: a.run(a.withCerts(func(ctx context.Context, l *link, m *client.CertManager, args []string) error {
			slot, err := l.CertSlot(ctx, args[0])
			if err != nil {
				return err
			}
			data, err := a.readDocument(ctx, args[1])
			if err != nil {
				return err
			}
			return m.ImportCRL(ctx, data, certFormat(data), slot)
		})),
	}
}
