package main

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/claviger/claviger"
)

// openPKCS12 opens a PKCS #12 file (RFC 7292) with its password. Without --password-file the empty password is tried,
// which many programs give such files, and then the user is asked.
func (a *app) openPKCS12(ctx context.Context, r keyImport, data []byte) (*keyFile, error) {
	if r.password != "" {
		password, err := a.readPassword(ctx, r)
		if err != nil {
			return nil, err
		}
		defer clear(password)
		return decodePKCS12(r, data, password)
	}
	key, err := decodePKCS12(r, data, nil)
	if !errors.Is(err, claviger.ErrWrapUnwrapFailed) {
		return key, err
	}
	if r.file == "-" || !isTerminal(a.stdin) {
		return nil, usagef("the file is closed by a password, and standard input is no terminal to ask for it: say --password-file")
	}
	password, err := a.askPassword(ctx, fmt.Sprintf("password of %s: ", claviger.Clip(r.file)))
	if err != nil {
		return nil, err
	}
	defer clear(password)
	return decodePKCS12(r, data, password)
}

// decodePKCS12 gives the one private key of a file as PKCS #8. A wrong password is a verdict of ErrWrapUnwrapFailed,
// anything else that is wrong one of ErrInvalidFormat. The library keeps copies of password and key on the Go heap until they
// are collected.
func decodePKCS12(r keyImport, data, password []byte) (*keyFile, error) {
	key, first, others, err := pkcs12.DecodeChain(data, string(password))
	if errors.Is(err, pkcs12.ErrIncorrectPassword) || errors.Is(err, pkcs12.ErrDecryption) {
		return nil, verdict{why: "the password is wrong, or the file was altered", name: claviger.ErrWrapUnwrapFailed.Name(), err: claviger.ErrWrapUnwrapFailed}
	}
	if err != nil {
		return nil, badPKCS12(r, err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, verdictf(claviger.ErrInvalidFormat, "the key in the file is of a kind that is not known")
	}
	return &keyFile{kind: pkcs12File, format: claviger.DER, data: der, certificates: 1 + len(others), leaf: ownCertificate(key, append(others, first))}, nil
}

// badPKCS12 says why a file could not be read. The library has no other errors than texts; openssl reads what it does not.
func badPKCS12(r keyImport, err error) error {
	switch text := strings.TrimPrefix(err.Error(), "pkcs12: "); text {
	case "expected exactly one key bag":
		return verdictf(claviger.ErrInvalidFormat, "the file holds several keys; one is taken")
	case "private key missing":
		return verdictf(claviger.ErrInvalidFormat, "the file holds certificates and no key; claviger cert import takes them, one from a file")
	default:
		return verdictf(claviger.ErrInvalidFormat, "the PKCS #12 file is not one of a key and its certificates that can be read here (%s); this may: "+
			"openssl pkcs12 -in %s -nocerts -nodes | claviger slot import %s -", claviger.Clip(text), fileWord(r.file), claviger.Clip(r.slot))
	}
}

// ownCertificate finds the certificate of a key; nil if it is not among them.
func ownCertificate(key any, certs []*x509.Certificate) []byte {
	pair, ok := key.(interface{ Public() crypto.PublicKey })
	if !ok {
		return nil
	}
	public, ok := pair.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok {
		return nil
	}
	for _, c := range certs {
		if public.Equal(c.PublicKey) {
			return c.Raw
		}
	}
	return nil
}
