package main

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// signRequest is what sign and verify were asked for.
type signRequest struct {
	key    string
	public string // verify: file with a public key, instead of key
	alg    claviger.Algorithm
	der    bool
	file   string
	out    string
	enc    encoding
	at     client.ProviderSelector
}

// signCommand signs a file. The message goes to the daemon in pieces and is hashed there.
func (a *app) signCommand() *cobra.Command {
	var r signRequest
	var alg string
	var force bool
	cmd := &cobra.Command{
		Use:   "sign --key NAME [FILE]",
		Short: "Sign a file with a key that stays in the daemon",
		Long: "Sign a file or standard input. Without --algorithm the key decides: ECDSA with the hash of the curve's strength,\n" +
			"RSA-PSS-SHA-256, Ed25519, ML-DSA, HMAC. ECDSA signatures are r and s one behind the other; --der gives the form that OpenSSL has.\n" +
			"Ed25519 and ML-DSA take messages of up to 64 MiB; longer ones take Ed25519ph and HashML-DSA.",
		Example: "  claviger sign --key SigningKey --der -o firmware.sig firmware.bin",
		Args:    cobra.MaximumNArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			r.alg, r.file = claviger.Algorithm(alg), argument(args, 0)
			if err := a.refuseTerminal(r.out, force || r.enc.text()); err != nil {
				return err
			}
			return a.withLink(func(ctx context.Context, l *link, _ []string) error { return a.sign(ctx, l, r) })(ctx, args)
		}),
	}
	keyFlag(cmd, &r.key)
	cmd.Flags().StringVar(&alg, "algorithm", "", "such as RSA-PKCS1-SHA-256 (default: by the key)")
	cmd.Flags().BoolVar(&r.der, "der", false, "ECDSA: signature in ASN.1 form")
	r.enc.flags(cmd)
	providerFlag(cmd, &r.at)
	outputFlags(cmd, &r.out, &force)
	return cmd
}

// sign streams a file through a signing context in constant memory.
func (a *app) sign(ctx context.Context, l *link, r signRequest) error {
	slot, info, err := l.occupiedSlot(ctx, r.key)
	if err != nil {
		return err
	}
	if r.alg == "" {
		r.alg = signatureAlgorithm(info.Algorithm)
	}
	s, err := l.NewSigner(ctx, client.SignerConfig{Algorithm: r.alg, Key: slot, DER: r.der, Provider: r.at})
	if err != nil {
		return err
	}
	in, err := a.open(ctx, r.file)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := l.fits(ctx, in, s.Algorithm(), info.Algorithm, s.MaxMessage()); err != nil {
		return err
	}
	if err := s.Init(ctx); err != nil {
		return err
	}
	if err := a.eachChunk(in, func(chunk []byte) error { return s.Update(ctx, chunk) }); err != nil {
		return err
	}
	signature, err := s.SignFinalize(ctx, nil)
	if err != nil {
		return err
	}
	return a.writeSignature(r, signature)
}

// writeSignature writes a signature in the encoding that was asked for.
func (a *app) writeSignature(r signRequest, signature []byte) error {
	out, err := a.create(r.out, publicMode)
	if err != nil {
		return err
	}
	defer out.discard()
	w := r.enc.writer(out)
	if _, err := w.Write(signature); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return out.commit()
}

// signatureAlgorithm says how a key signs if nobody says otherwise. Hashes match the curve (FIPS 186-5, 6.1.1); RSA
// signs by PSS with SHA-256; the other keys have one algorithm of their own name.
func signatureAlgorithm(key claviger.Algorithm) claviger.Algorithm {
	switch {
	case key == "ECDSA-P256":
		return key + "-SHA-256"
	case key == "ECDSA-P384":
		return key + "-SHA-384"
	case key == "ECDSA-P521":
		return key + "-SHA-512"
	case strings.HasPrefix(string(key), "RSA-"):
		return "RSA-PSS-SHA-256"
	}
	return key
}

// fits refuses a file that is longer than its signature algorithm takes before it is read. The error names the
// algorithms that the daemon offers for the same key and a longer message.
func (l *link) fits(ctx context.Context, in *input, alg, key claviger.Algorithm, limit int64) error {
	if limit <= 0 || in.size <= limit {
		return nil
	}
	c, err := l.stack.Capabilities(ctx)
	if err != nil {
		return err
	}
	var others []claviger.Algorithm
	for _, i := range c.Algorithms {
		if i.Name != alg && slices.Contains(i.Keys, key) && slices.Contains(i.Operations, "sign") {
			others = append(others, i.Name)
		}
	}
	advice := ""
	if len(others) > 0 {
		advice = "; sign a longer one by the pre-hash form: --algorithm " + join(others, " or ")
	}
	return claviger.Errorf(claviger.ErrInvalidArgument, "", "%s has %d bytes; %s takes messages of up to %d bytes%s", in.name, in.size, alg, limit, advice)
}
