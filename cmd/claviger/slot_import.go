package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// keyImport is what slot import was asked for.
type keyImport struct {
	slot        string
	file        string // "-" is standard input
	algorithm   string // "": what the file says, else the slot's
	format      string // "": what the file looks like
	password    string // file with the password of a PKCS #12 file; "-" is standard input
	permissions string
	certSlot    string // where the certificate of the key goes; "" for nowhere
	rotate      bool
	asJSON      bool
	at          client.ProviderSelector
}

// slotImportCommand takes key bytes from a file or standard input, never from a flag, and wipes its copies.
func (a *app) slotImportCommand() *cobra.Command {
	var r keyImport
	cmd := &cobra.Command{
		Use:   "import NAME FILE",
		Short: "Import a key from a file, or from standard input with -",
		Long: "Import a key: PEM or DER (PKCS #8, SubjectPublicKeyInfo, or the older forms of OpenSSL), PKCS #12 (.p12, .pfx), or the raw\n" +
			"bytes of a secret key. The file's contents say which it is; only raw bytes need --format raw. Destroy the file afterwards:\n" +
			"Claviger keeps its own copy.\n\n" +
			"The password of a PKCS #12 file comes from --password-file: a file of one line, standard input with -, or a descriptor such\n" +
			"as /dev/fd/3; without it you are asked for it on the terminal. Its certificates are not stored, except the key's own with\n" +
			"--certificate-slot.",
		Example: "  claviger slot import signing key.pem --permissions sign,verify\n" +
			"  claviger slot import signing server.p12 --password-file phrase --certificate-slot server\n" +
			"  openssl pkey -in encrypted.pem | claviger slot import signing -\n" +
			"  openssl rand 32 | claviger slot import backup - --format raw --algorithm AES-256",
		Args: cobra.ExactArgs(2),
		RunE: a.run(func(ctx context.Context, args []string) error {
			r.slot, r.file = args[0], args[1]
			return a.importKey(ctx, r)
		}),
	}
	cmd.Flags().StringVar(&r.algorithm, "algorithm", "", "key algorithm (default: what the file says, else the slot's)")
	cmd.Flags().StringVar(&r.format, "format", "", "pem, der, pkcs12 or raw (default: what the file looks like)")
	cmd.Flags().StringVar(&r.password, "password-file", "", "`FILE` with the password of a PKCS #12 file; - is standard input")
	cmd.Flags().StringVar(&r.certSlot, "certificate-slot", "", "write the key's own certificate of a PKCS #12 file into the certificate slot `NAME`")
	cmd.Flags().BoolVar(&r.rotate, "rotate", false, "make it the next version of an occupied slot")
	permissionsFlag(cmd, &r.permissions)
	providerFlag(cmd, &r.at)
	jsonFlag(cmd, &r.asJSON)
	return cmd
}

// importKey reads the file, sends the key and then, where that is asked for, saves its certificate.
func (a *app) importKey(ctx context.Context, r keyImport) error {
	may, err := parsePermissions(r.permissions)
	if err != nil {
		return err
	}
	data, err := a.readDocument(ctx, r.file)
	if err != nil {
		return err
	}
	defer clear(data)
	key, err := a.openKeyFile(ctx, r, data)
	if err != nil {
		return err
	}
	defer clear(key.data)
	if err := key.checkCertificate(r.certSlot); err != nil {
		return err
	}
	err = a.withLink(func(ctx context.Context, l *link, _ []string) error {
		save, err := l.certificateSaver(ctx, r.certSlot, key.leaf)
		if err != nil {
			return err
		}
		return a.writeSlot(ctx, l, slotWrite{r.slot, r.asJSON, r.at, func(ctx context.Context, m *client.KeyManager, slot *client.KeySlot) error {
			_, err := m.ImportIn(ctx, slot, client.ImportParams{Algorithm: claviger.Algorithm(r.algorithm), Format: key.format, Data: key.data,
				Permissions: may.mask, NoPermissions: may.none, Rotate: r.rotate})
			if err != nil {
				return err
			}
			return save(ctx)
		}})
	})(ctx, nil)
	if err == nil {
		a.noteCertificates(r, key)
	}
	return err
}

// checkCertificate refuses to save a certificate that there is not.
func (k *keyFile) checkCertificate(slot string) error {
	switch {
	case slot == "" || k.leaf != nil:
		return nil
	case k.kind != pkcs12File:
		return usagef("--certificate-slot goes with a PKCS #12 file; claviger cert import takes certificates in PEM and DER")
	}
	return verdictf(claviger.ErrInvalidFormat, "none of the %d certificates in the file is the key's", k.certificates)
}

// certificateSaver finds the slot and has the daemon read the certificate, so that what is wrong with them shows before a
// key is written, and gives what saves it.
func (l *link) certificateSaver(ctx context.Context, name string, der []byte) (func(context.Context) error, error) {
	if name == "" {
		return func(context.Context) error { return nil }, nil
	}
	m, err := l.NewCertManager(ctx, client.CertManagerConfig{})
	if err != nil {
		return nil, err
	}
	slot, err := l.CertSlot(ctx, name)
	if err != nil {
		return nil, err
	}
	cert, err := m.Parse(ctx, der, claviger.DER)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		if err := m.Save(ctx, slot, cert); err != nil {
			return fmt.Errorf("the key was imported, its certificate was not saved: %w", err)
		}
		return nil
	}, nil
}

// noteCertificates says on standard error what became of the certificates in the file.
func (a *app) noteCertificates(r keyImport, k *keyFile) {
	left := k.certificates
	if r.certSlot != "" {
		left--
	}
	if left == 0 {
		return
	}
	how := "claviger cert import takes each from a file of its own"
	if k.kind == pkcs12File {
		how += fmt.Sprintf(", and openssl pkcs12 -in %s -nokeys writes them", fileWord(r.file))
	}
	fmt.Fprintf(a.stderr, "certificates in the file that were not stored: %d; %s\n", left, how)
}

// fileWord is a file in a command line that an error or a note proposes.
func fileWord(name string) string {
	if name == "-" {
		return "FILE"
	}
	return claviger.Clip(name)
}

// permissions is what a key may serve, as the client takes it.
type permissions struct {
	mask claviger.Permission // 0: what the slot permits, unless none
	none bool
}

// permissionsFlag gives a command that writes a key from elsewhere its --permissions.
func permissionsFlag(cmd *cobra.Command, words *string) {
	cmd.Flags().Var((*permissionWords)(words), "permissions", "what the key may serve, such as sign,verify (default: what the slot permits)")
}

// permissionWords is the text of --permissions. An empty one, as of a variable that is not set, is no wish for all.
type permissionWords string

// Set refuses an empty text.
func (w *permissionWords) Set(text string) error {
	if strings.TrimSpace(text) == "" {
		return errors.New("is empty; leave it out for what the slot permits")
	}
	*w = permissionWords(text)
	return nil
}

// String gives the text.
func (w *permissionWords) String() string { return string(*w) }

// Type is what help calls it.
func (w *permissionWords) Type() string { return "string" }

// parsePermissions reads the words of --permissions, between commas or bars.
func parsePermissions(words string) (permissions, error) {
	if words == "" {
		return permissions{}, nil
	}
	p, err := claviger.ParsePermission(strings.ReplaceAll(words, ",", "|"))
	if err != nil {
		return permissions{}, usagef("--permissions: %s", detail(err))
	}
	return permissions{p, p == 0}, nil
}
