package cert_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/pki/cert"
)

// The time of a verification grows with the square of the modulus: one that fills a certificate takes many seconds,
// and a chain asks for many of them.
func TestModulusThatTakesTooLongIsRefused(t *testing.T) {
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	issue := func(bits int) []byte {
		key := &rsa.PublicKey{N: new(big.Int).SetBytes(bytes.Repeat([]byte{0xFF}, bits/8)), E: 65537}
		x := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "large"}, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}
		der, err := x509.CreateCertificate(rand.Reader, x, x, key, signer)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	if _, err := cert.Parse(issue(cert.MaxRSABits), claviger.DER); err != nil {
		t.Errorf("%d bits: %v", cert.MaxRSABits, err)
	}
	for _, bits := range []int{cert.MaxRSABits + 8, 400_000} {
		if _, err := cert.Parse(issue(bits), claviger.DER); !errors.Is(err, claviger.ErrCertificateParsingFailed) {
			t.Errorf("%d bits: %v", bits, err)
		}
	}
}
