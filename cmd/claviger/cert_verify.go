package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// pathRequest is what cert verify was asked for.
type pathRequest struct {
	name       string
	store      string
	chain      []string // files and slots with helpers
	at         string   // RFC 3339, or a day; "" is the daemon's clock
	crlOnly    bool
	bestEffort bool
	asJSON     bool
}

// certVerifyCommand verifies a path. The verdict goes to standard output and decides the exit status.
func (a *app) certVerifyCommand() *cobra.Command {
	var r pathRequest
	cmd := &cobra.Command{
		Use:   "verify FILE|SLOT --trust-store NAME",
		Short: "Verify a certificate against a trust store",
		Long: "Verify a certificate: a file if there is one of that name, else a slot. The first line is the verdict; exit status 0\n" +
			"means Valid and 1 any other verdict. Further certificates in the file help to find the path, as --chain does.\n\n" +
			"--chain takes files and slots likewise. A slot brings its revocation list along, which --crl-only consults; a file has none.",
		Example: "  claviger cert verify DeviceCert --trust-store RootCA --crl-only\n" +
			"  claviger cert verify leaf.pem --chain IssuingCA --chain more.pem --trust-store RootCA --crl-only",
		Args: cobra.ExactArgs(1),
		RunE: a.run(a.withCerts(func(ctx context.Context, l *link, m *client.CertManager, args []string) error {
			r.name = args[0]
			return a.verifyPath(ctx, l, m, r)
		})),
	}
	cmd.Flags().StringVar(&r.store, "trust-store", "", "trust store, by the `NAME` that your configuration gives it")
	cmd.MarkFlagRequired("trust-store")
	cmd.Flags().StringArrayVar(&r.chain, "chain", nil, "`FILE|SLOT` with intermediate certificates; may be repeated")
	cmd.Flags().StringVar(&r.at, "time", "", "the `TIME` to ask for, such as 2026-01-31T12:00:00Z or 2026-01-31 (default now)")
	cmd.Flags().BoolVar(&r.crlOnly, "crl-only", false, "consult the revocation lists in the slots of the path's issuers")
	cmd.Flags().BoolVar(&r.bestEffort, "best-effort", false, "with --crl-only: carry on where no revocation list covers an issuer")
	jsonFlag(cmd, &r.asJSON)
	return cmd
}

// verifyPath prints the verdict. Any but Valid is an error whose name in parentheses is the verdict.
func (a *app) verifyPath(ctx context.Context, l *link, m *client.CertManager, r pathRequest) error {
	v, err := a.pathVerifier(ctx, l, m, r)
	if err != nil {
		return err
	}
	result, err := v.Verify(ctx)
	if err != nil {
		return err
	}
	if r.asJSON {
		err = a.printJSON(map[string]any{"verdict": result.Verdict.String(), "detail": result.Detail, "depth": result.Depth, "chain": result.Chain})
	} else {
		_, err = fmt.Fprintln(a.stdout, result.Verdict)
	}
	if err != nil || result.Verdict == claviger.Valid {
		return err
	}
	name := r.name
	if result.Depth > 0 {
		name = fmt.Sprintf("%s, certificate %d above it", name, result.Depth)
	}
	return verdict{why: fmt.Sprintf("%s: %s", name, result.Detail), name: result.Verdict.String()}
}

// pathVerifier sets up the verification.
func (a *app) pathVerifier(ctx context.Context, l *link, m *client.CertManager, r pathRequest) (*client.CertVerifier, error) {
	v, err := l.NewCertVerifier(ctx, client.CertVerifierConfig{})
	if err != nil {
		return nil, err
	}
	if r.at != "" {
		at, err := time.Parse(time.RFC3339, r.at)
		if err != nil {
			at, err = time.Parse(time.DateOnly, r.at)
		}
		if err != nil {
			return nil, usagef("--time takes a time such as 2026-01-31T12:00:00Z, or the day, which begins in UTC")
		}
		v.SetVerificationTime(at)
	}
	if r.crlOnly {
		v.SetRevocationCheckPolicy(claviger.CRLOnly)
	}
	if r.bestEffort {
		v.SetCoveragePolicy(claviger.BestEffort)
	}
	chain, err := a.helpers(ctx, l, m, append([]string{r.name}, r.chain...))
	if err != nil {
		return nil, err
	}
	if len(chain) == 0 {
		return nil, verdictf(claviger.ErrInvalidFormat, "%s holds no certificate", claviger.Clip(r.name))
	}
	v.SetCertificate(chain[0])
	v.SetChain(chain[1:]...)
	store, err := l.TrustStore(ctx, r.store)
	if err != nil {
		return nil, err
	}
	v.SetVerificationTrustStore(store)
	return v, nil
}

// helpers gives the slots of the names, and parses all certificates of those that are files.
func (a *app) helpers(ctx context.Context, l *link, m *client.CertManager, names []string) ([]client.CertSource, error) {
	var chain []client.CertSource
	for _, name := range names {
		if !isDocument(name) {
			slot, err := l.CertSlot(ctx, name)
			if err != nil {
				return nil, err
			}
			chain = append(chain, slot)
			continue
		}
		data, err := a.readDocument(ctx, name)
		if err != nil {
			return nil, err
		}
		certs, err := m.ParseAll(ctx, data, certFormat(data))
		if err != nil {
			return nil, err
		}
		for _, c := range certs {
			chain = append(chain, c)
		}
	}
	return chain, nil
}
