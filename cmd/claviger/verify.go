package main

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/spf13/cobra"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// verifyCommand verifies a signature with a key of a slot or one in a file.
func (a *app) verifyCommand() *cobra.Command {
	var r signRequest
	var alg, signature string
	cmd := &cobra.Command{
		Use:   "verify (--key NAME | --public FILE) --signature FILE [FILE]",
		Short: "Verify the signature of a file",
		Long: "Verify the signature of a file or of standard input: exit status 0 if it is right and 1 if it is not. The key is the\n" +
			"one in a slot or a public key in a file (PEM or DER, SubjectPublicKeyInfo).",
		Example: "  claviger verify --public signer.pem --signature firmware.sig --der firmware.bin",
		Args:    cobra.MaximumNArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			r.alg, r.file = claviger.Algorithm(alg), argument(args, 0)
			sig, err := a.readSignature(ctx, signature, r.enc)
			if err != nil {
				return err
			}
			return a.withLink(func(ctx context.Context, l *link, _ []string) error { return a.verify(ctx, l, r, sig) })(ctx, args)
		}),
	}
	cmd.Flags().StringVar(&r.key, "key", "", "key slot, by the `NAME` that your configuration gives it")
	cmd.Flags().StringVar(&r.public, "public", "", "public key in a `FILE`")
	cmd.MarkFlagsOneRequired("key", "public")
	cmd.MarkFlagsMutuallyExclusive("key", "public")
	cmd.Flags().StringVar(&alg, "algorithm", "", "such as RSA-PKCS1-SHA-256 (default: by the key)")
	cmd.Flags().StringVar(&signature, "signature", "", "`FILE` with the signature")
	cmd.MarkFlagRequired("signature")
	cmd.Flags().BoolVar(&r.der, "der", false, "ECDSA: signature in ASN.1 form")
	cmd.Flags().BoolVar(&r.enc.hex, "hex", false, "the signature is in hexadecimal digits")
	cmd.Flags().BoolVar(&r.enc.base64, "base64", false, "the signature is in base64")
	cmd.MarkFlagsMutuallyExclusive("hex", "base64")
	providerFlag(cmd, &r.at)
	return cmd
}

// readSignature reads a signature file. What is no text of its encoding is a negative verdict.
func (a *app) readSignature(ctx context.Context, name string, enc encoding) ([]byte, error) {
	data, err := a.readDocument(ctx, name)
	if err != nil || !enc.text() {
		return data, err
	}
	text := strings.Join(strings.Fields(string(data)), "") // lines may be wrapped
	if enc.hex {
		data, err = hex.DecodeString(text)
	} else {
		data, err = base64.StdEncoding.DecodeString(text)
	}
	if err != nil {
		return nil, verdictf(claviger.ErrInvalidFormat, "signature %s: %v", name, err)
	}
	return data, nil
}

// verify streams a file through a verifying context in constant memory. A wrong signature is a verdict, not a failure.
func (a *app) verify(ctx context.Context, l *link, r signRequest, signature []byte) error {
	key, keyAlg, err := a.verifyingKey(ctx, l, r)
	if err != nil {
		return err
	}
	if r.alg == "" {
		r.alg = signatureAlgorithm(keyAlg)
	}
	v, err := l.NewVerifier(ctx, client.VerifierConfig{Algorithm: r.alg, Key: key, DER: r.der, Provider: r.at})
	if err != nil {
		return err
	}
	in, err := a.open(ctx, r.file)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := l.fits(ctx, in, v.Algorithm(), keyAlg, v.MaxMessage()); err != nil {
		return err
	}
	if err := v.Init(ctx); err != nil {
		return err
	}
	if err := a.eachChunk(in, func(chunk []byte) error { return v.Update(ctx, chunk) }); err != nil {
		return err
	}
	ok, err := v.VerifyFinalize(ctx, signature)
	if err != nil {
		return err
	}
	return a.judge(ok, "the signature does not belong to this message and key")
}

// verifyingKey gives the key and its algorithm: that of a slot, or one that the daemon reads from a file for this
// session.
func (a *app) verifyingKey(ctx context.Context, l *link, r signRequest) (client.KeySource, claviger.Algorithm, error) {
	if r.public == "" {
		slot, info, err := l.occupiedSlot(ctx, r.key)
		return slot, info.Algorithm, err
	}
	data, err := a.readDocument(ctx, r.public)
	if err != nil {
		return nil, "", err
	}
	format := claviger.DER
	if looksLikePEM(data) {
		format = claviger.PEM
	}
	m, err := l.NewKeyManager(ctx, client.KeyManagerConfig{Provider: r.at})
	if err != nil {
		return nil, "", err
	}
	key, err := m.Import(ctx, client.ImportParams{Format: format, Data: data})
	if err != nil {
		return nil, "", err
	}
	return key, key.Algorithm(), nil
}
