package signer_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"testing"

	"github.com/claviger/claviger/guest"
	"github.com/claviger/claviger/guest/signer"
)

func pairOf(t *testing.T, algorithm string) *guest.KeyPair {
	t.Helper()
	manager, err := guest.OpenSecretsManager()
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	pair, err := manager.GenerateKeyPair(guest.Signatures, algorithm, guest.ManagedConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pair.Close() })
	return pair
}

// TestRequestsAreSignedWithAKeyThatNobodyReads runs in a guest: test/guests does that.
func TestRequestsAreSignedWithAKeyThatNobodyReads(t *testing.T) {
	for algorithm, want := range map[string]x509.SignatureAlgorithm{
		"Ed25519": x509.PureEd25519, "ECDSA_P256_SHA256": x509.ECDSAWithSHA256, "ECDSA_P384_SHA384": x509.ECDSAWithSHA384,
		"RSA_PKCS1_2048_SHA256": x509.SHA256WithRSA, "RSA_PSS_2048_SHA256": x509.SHA256WithRSAPSS,
	} {
		s, err := signer.New(pairOf(t, algorithm), algorithm)
		if err != nil {
			t.Fatal(err)
		}
		template := &x509.CertificateRequest{Subject: pkix.Name{CommonName: "guest"}, SignatureAlgorithm: want}
		der, err := x509.CreateCertificateRequest(rand.Reader, template, s)
		if err != nil {
			t.Errorf("%s: %v", algorithm, err)
			continue
		}
		request, err := x509.ParseCertificateRequest(der)
		if err != nil {
			t.Fatal(err)
		}
		if err := request.CheckSignature(); err != nil {
			t.Errorf("%s: %v", algorithm, err)
		}
	}
}

func TestWhatTheHostCannotSignIsRefused(t *testing.T) {
	s, err := signer.New(pairOf(t, "ECDSA_P256_SHA256"), "ecdsa_p256_sha256")
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256([]byte("message"))
	if _, err := s.Sign(rand.Reader, digest[:], crypto.SHA256); !errors.Is(err, signer.ErrDigest) {
		t.Errorf("a digest: %v", err)
	}
	if _, err := s.SignMessage(rand.Reader, nil, crypto.SHA384); !errors.Is(err, signer.ErrOptions) {
		t.Errorf("another hash: %v", err)
	}
	if _, err := s.SignMessage(rand.Reader, nil, &rsa.PSSOptions{Hash: crypto.SHA256}); !errors.Is(err, signer.ErrOptions) {
		t.Errorf("another padding: %v", err)
	}
	for _, name := range []string{"", "ECDSA_P256", "RSA_PKCS1_2048_MD5", "HMAC/SHA-256"} {
		if _, err := signer.New(pairOf(t, "Ed25519"), name); !errors.Is(err, guest.ErrUnsupportedAlgorithm) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := signer.New(new(guest.KeyPair), "Ed25519"); !errors.Is(err, guest.ErrInvalidHandle) {
		t.Errorf("no pair: %v", err)
	}
}
