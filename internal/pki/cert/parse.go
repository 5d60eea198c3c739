package cert

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/claviger/claviger"
)

// The limits of what is read. They are this project's own; RFC 5280 names none.
const (
	MaxBytes       = 64 << 10 // the DER bytes of one certificate
	MaxBundleBytes = 2 << 20  // the input of ParseAll, DER or PEM
	MaxBundle      = 256      // the certificates in one input
)

const opParse = "parse certificate"

// Parse reads exactly one certificate. With DER nothing may follow it; with PEM text may stand around the block
// (RFC 7468, 5.2), but no second block and no block of another type. The certificate keeps its own copy of the bytes.
// What is not a certificate, or is over a limit, is ErrCertificateParsingFailed; a format other than DER and PEM is
// ErrInvalidArgument.
func Parse(data []byte, format claviger.Format) (*Certificate, error) {
	all, err := ParseAll(data, format)
	if err != nil {
		return nil, err
	}
	if len(all) != 1 {
		return nil, unreadable("the input holds %d certificates; want exactly one", len(all))
	}
	return all[0], nil
}

// ParseAll reads one certificate or more, in the order of the input: concatenated DER, or PEM blocks. It takes no
// trust decision. The limits are MaxBundleBytes, MaxBundle and MaxBytes; the errors are those of Parse, and an input
// without any certificate is one of them.
func ParseAll(data []byte, format claviger.Format) ([]*Certificate, error) {
	if len(data) > MaxBundleBytes {
		return nil, unreadable("the input has %d bytes; the limit is %d", len(data), MaxBundleBytes)
	}
	var (
		ders [][]byte
		err  error
	)
	switch format {
	case claviger.DER:
		ders, err = splitDER(data)
	case claviger.PEM:
		ders, err = splitPEM(data)
	default:
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, opParse, "format %v; known are DER and PEM", format)
	}
	if err != nil {
		return nil, err
	}
	out := make([]*Certificate, 0, len(ders))
	for i, der := range ders {
		c, err := parseOne(der)
		if err != nil {
			return nil, unreadable("certificate %d of %d: %v", i+1, len(ders), err)
		}
		out = append(out, c)
	}
	return out, nil
}

// splitDER cuts concatenated DER elements apart without copying them.
func splitDER(data []byte) ([][]byte, error) {
	var out [][]byte
	for rest := cryptobyte.String(data); !rest.Empty(); {
		var der cryptobyte.String
		if len(out) == MaxBundle {
			return nil, unreadable("the input holds more than %d certificates", MaxBundle)
		}
		if !rest.ReadASN1Element(&der, asn1.SEQUENCE) {
			return nil, unreadable("no DER sequence at byte %d of %d", len(data)-len(rest), len(data))
		}
		out = append(out, der)
	}
	if len(out) == 0 {
		return nil, unreadable("the input is empty")
	}
	return out, nil
}

// splitPEM gives the contents of the CERTIFICATE blocks. A block that pem.Decode would pass over in silence, because
// its base64 or its last line is damaged, is an error.
func splitPEM(data []byte) ([][]byte, error) {
	var out [][]byte
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return nil, unreadable("a PEM block of type %q; want CERTIFICATE", claviger.Clip(block.Type))
		}
		if len(block.Headers) != 0 {
			return nil, unreadable("PEM block %d has headers; RFC 7468 allows none", len(out)+1)
		}
		if len(out) == MaxBundle {
			return nil, unreadable("the input holds more than %d certificates", MaxBundle)
		}
		out = append(out, block.Bytes)
	}
	if n := bytes.Count(data, []byte("-----BEGIN ")); n != len(out) {
		return nil, unreadable("%d of %d PEM blocks are damaged", n-len(out), n)
	}
	if len(out) == 0 {
		return nil, unreadable("the input holds no PEM block")
	}
	return out, nil
}

// parseOne reads one DER certificate. The standard library's parser does the bulk: it refuses trailing bytes,
// duplicate extensions, and a signature algorithm that differs inside and outside (RFC 5280, 4.1.1.2).
func parseOne(der []byte) (*Certificate, error) {
	if len(der) > MaxBytes {
		return nil, fmt.Errorf("%d bytes; the limit is %d", len(der), MaxBytes)
	}
	x, err := x509.ParseCertificate(bytes.Clone(der))
	if err != nil {
		return nil, errors.New(claviger.Clip(strings.TrimPrefix(err.Error(), "x509: ")))
	}
	if key, ok := x.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() > MaxRSABits {
		return nil, fmt.Errorf("an RSA key of %d bits; the limit is %d", key.N.BitLen(), MaxRSABits)
	}
	return newCertificate(x)
}

// unreadable makes the one kind of error that parsing has.
func unreadable(format string, args ...any) error {
	return claviger.Errorf(claviger.ErrCertificateParsingFailed, opParse, format, args...)
}
