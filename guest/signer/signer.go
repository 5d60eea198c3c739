// Package signer puts a key pair of a guest behind crypto.Signer and crypto.MessageSigner, so that crypto/x509 makes
// certificates and requests with a key that the guest cannot read.
//
// The host signs messages and not digests. Code that signs through crypto.SignMessage, as x509.CreateCertificate,
// x509.CreateCertificateRequest and x509.CreateRevocationList do, works; code that hands over a digest gets ErrDigest.
package signer

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"io"
	"strings"

	"github.com/claviger/claviger/guest"
)

// What a Signer refuses by itself.
var (
	ErrDigest  = errors.New("signer: the host signs messages, not digests; use SignMessage")
	ErrOptions = errors.New("signer: the key's algorithm has another hash or padding than the one asked for")
)

// Signer is a crypto.MessageSigner over a key pair. It holds the pair, which stays the caller's to close.
type Signer struct {
	pair   *guest.KeyPair
	public crypto.PublicKey
	hash   crypto.Hash // of the algorithm; 0 for Ed25519
	form   guest.Encoding
	pss    bool
}

var _ crypto.MessageSigner = (*Signer)(nil)

// New makes a signer of a pair of one of the algorithms Ed25519, ECDSA_P256_SHA256, ECDSA_P384_SHA384, RSA_PKCS1_... and
// RSA_PSS_.... The algorithm is named because the pair's does not show. guest.ErrUnsupportedAlgorithm for others.
func New(pair *guest.KeyPair, algorithm string) (*Signer, error) {
	s, err := shape(strings.ToUpper(algorithm))
	if err != nil {
		return nil, err
	}
	key, err := pair.PublicKey()
	if err != nil {
		return nil, err
	}
	defer key.Close()
	der, err := key.Export(guest.PKCS8)
	if err != nil {
		return nil, err
	}
	s.pair = pair
	s.public, err = x509.ParsePKIXPublicKey(der)
	return s, err
}

// shape gives what an algorithm's name, in upper case, says of its signatures.
func shape(name string) (*Signer, error) {
	s := new(Signer)
	switch {
	case name == "ED25519":
		return s, nil
	case strings.HasPrefix(name, "ECDSA_P"):
		s.form = guest.DER
	case strings.HasPrefix(name, "RSA_PSS_"):
		s.pss = true
	case !strings.HasPrefix(name, "RSA_PKCS1_"):
		return nil, guest.ErrUnsupportedAlgorithm
	}
	switch name[strings.LastIndexByte(name, '_')+1:] {
	case "SHA256":
		s.hash = crypto.SHA256
	case "SHA384":
		s.hash = crypto.SHA384
	case "SHA512":
		s.hash = crypto.SHA512
	default:
		return nil, guest.ErrUnsupportedAlgorithm
	}
	return s, nil
}

// Public gives the public key as crypto/x509 parses it: an ed25519.PublicKey, *ecdsa.PublicKey or *rsa.PublicKey.
func (s *Signer) Public() crypto.PublicKey { return s.public }

// SignMessage signs a message: as r and s in ASN.1 with ECDSA, else raw. The hash of opts is the algorithm's, and 0 for
// Ed25519; PSS keys want *rsa.PSSOptions. Randomness is the host's.
func (s *Signer) SignMessage(_ io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	if _, pss := opts.(*rsa.PSSOptions); pss != s.pss || opts.HashFunc() != s.hash {
		return nil, ErrOptions
	}
	return s.pair.SignAs(s.form, message)
}

// Sign is SignMessage for Ed25519, where Go too hands over the message. For anything else it is ErrDigest.
func (s *Signer) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if s.hash != 0 || opts.HashFunc() != 0 {
		return nil, ErrDigest
	}
	return s.SignMessage(random, digest, opts)
}
