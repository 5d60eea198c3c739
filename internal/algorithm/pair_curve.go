package algorithm

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"

	"github.com/claviger/claviger"
)

// curve is a prime curve of SP 800-186.
type curve struct {
	name  claviger.Algorithm // "P256"
	bits  int
	sign  elliptic.Curve
	agree ecdh.Curve
}

// size is the length of a coordinate or scalar in bytes.
func (c curve) size() int { return (c.bits + 7) / 8 }

func curves() []curve {
	return []curve{
		{"P256", 256, elliptic.P256(), ecdh.P256()},
		{"P384", 384, elliptic.P384(), ecdh.P384()},
		{"P521", 521, elliptic.P521(), ecdh.P521()},
	}
}

// ecdsaPair is a signing key on a prime curve. Its raw forms are those of SEC 1: the
// scalar, and the uncompressed point.
type ecdsaPair struct{ curve curve }

func (p ecdsaPair) generate() (crypto.PrivateKey, error) {
	return ecdsa.GenerateKey(p.curve.sign, rand.Reader)
}

func (p ecdsaPair) public(key crypto.PrivateKey) crypto.PublicKey {
	public := key.(*ecdsa.PrivateKey).PublicKey // a copy does not keep the private key alive
	return &public
}

func (p ecdsaPair) parsePrivate(der []byte) (crypto.PrivateKey, error) {
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	if k, ok := key.(*ecdsa.PrivateKey); ok && k.Curve == p.curve.sign {
		return k, nil
	}
	return nil, errKey
}

func (p ecdsaPair) parsePublic(der []byte) (crypto.PublicKey, error) {
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, err
	}
	if k, ok := key.(*ecdsa.PublicKey); ok && k.Curve == p.curve.sign {
		return k, nil
	}
	return nil, errKey
}

func (p ecdsaPair) marshalPrivate(key crypto.PrivateKey) ([]byte, error) {
	return x509.MarshalPKCS8PrivateKey(key)
}

func (p ecdsaPair) marshalPublic(key crypto.PublicKey) ([]byte, error) {
	return x509.MarshalPKIXPublicKey(key)
}

func (p ecdsaPair) parseRaw(class claviger.KeyClass, raw []byte) (any, error) {
	if class == claviger.PublicKey {
		return ecdsa.ParseUncompressedPublicKey(p.curve.sign, raw)
	}
	return ecdsa.ParseRawPrivateKey(p.curve.sign, raw)
}

func (p ecdsaPair) marshalRaw(class claviger.KeyClass, key any) ([]byte, error) {
	if class == claviger.PublicKey {
		return key.(*ecdsa.PublicKey).Bytes()
	}
	return key.(*ecdsa.PrivateKey).Bytes()
}

func (p ecdsaPair) rawSize(class claviger.KeyClass) int {
	if class == claviger.PublicKey {
		return 1 + 2*p.curve.size()
	}
	return p.curve.size()
}

// ecdhPair is an agreement key, on a prime curve or X25519 (RFC 7748). size is that of the
// scalar in bytes.
type ecdhPair struct {
	curve ecdh.Curve
	size  int
}

func x25519Pair() ecdhPair { return ecdhPair{ecdh.X25519(), 32} }

func (p ecdhPair) generate() (crypto.PrivateKey, error) { return p.curve.GenerateKey(rand.Reader) }

func (p ecdhPair) public(key crypto.PrivateKey) crypto.PublicKey {
	return key.(*ecdh.PrivateKey).PublicKey()
}

func (p ecdhPair) parsePrivate(der []byte) (crypto.PrivateKey, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*ecdh.PrivateKey)
	if k, is := parsed.(*ecdsa.PrivateKey); is {
		if key, err = k.ECDH(); err != nil {
			return nil, err
		}
		ok = true
	}
	if !ok || key.Curve() != p.curve {
		return nil, errKey
	}
	return key, nil
}

func (p ecdhPair) parsePublic(der []byte) (crypto.PublicKey, error) {
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*ecdh.PublicKey)
	if k, is := parsed.(*ecdsa.PublicKey); is {
		if key, err = k.ECDH(); err != nil {
			return nil, err
		}
		ok = true
	}
	if !ok || key.Curve() != p.curve {
		return nil, errKey
	}
	return p.publicKey(key.Bytes())
}

// publicKey reads an encoded point, or the number of X25519, whose highest bit counts for nothing (RFC 7748 section 5).
func (p ecdhPair) publicKey(raw []byte) (crypto.PublicKey, error) {
	if p.curve == ecdh.X25519() && len(raw) == p.size {
		raw = bytes.Clone(raw)
		raw[p.size-1] &= 0x7f
	}
	return p.curve.NewPublicKey(raw)
}

func (p ecdhPair) marshalPrivate(key crypto.PrivateKey) ([]byte, error) {
	return x509.MarshalPKCS8PrivateKey(key)
}

func (p ecdhPair) marshalPublic(key crypto.PublicKey) ([]byte, error) {
	return x509.MarshalPKIXPublicKey(key)
}

func (p ecdhPair) parseRaw(class claviger.KeyClass, raw []byte) (any, error) {
	if class == claviger.PublicKey {
		return p.publicKey(raw)
	}
	return p.curve.NewPrivateKey(raw)
}

func (p ecdhPair) marshalRaw(class claviger.KeyClass, key any) ([]byte, error) {
	if class == claviger.PublicKey {
		return key.(*ecdh.PublicKey).Bytes(), nil
	}
	return key.(*ecdh.PrivateKey).Bytes(), nil
}

func (p ecdhPair) rawSize(class claviger.KeyClass) int {
	if class == claviger.PublicKey && p.curve != ecdh.X25519() {
		return 1 + 2*p.size
	}
	return p.size
}

// edwardsPair is Ed25519. Its raw forms are those of RFC 8032 section 5.1.5: the 32-byte
// seed and the 32-byte public key.
type edwardsPair struct{}

func (edwardsPair) generate() (crypto.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	return key, err
}

func (edwardsPair) public(key crypto.PrivateKey) crypto.PublicKey {
	return key.(ed25519.PrivateKey).Public()
}

func (edwardsPair) parsePrivate(der []byte) (crypto.PrivateKey, error) {
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	if k, ok := key.(ed25519.PrivateKey); ok {
		return k, nil
	}
	return nil, errKey
}

func (edwardsPair) parsePublic(der []byte) (crypto.PublicKey, error) {
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, err
	}
	if k, ok := key.(ed25519.PublicKey); ok {
		return append(ed25519.PublicKey(nil), k...), nil // x509's is a part of der, which is the caller's
	}
	return nil, errKey
}

func (edwardsPair) marshalPrivate(key crypto.PrivateKey) ([]byte, error) {
	return x509.MarshalPKCS8PrivateKey(key)
}

func (edwardsPair) marshalPublic(key crypto.PublicKey) ([]byte, error) {
	return x509.MarshalPKIXPublicKey(key)
}

func (edwardsPair) parseRaw(class claviger.KeyClass, raw []byte) (any, error) {
	if len(raw) != 32 {
		return nil, errKey
	}
	if class == claviger.PublicKey {
		return ed25519.PublicKey(append([]byte(nil), raw...)), nil
	}
	return ed25519.NewKeyFromSeed(raw), nil
}

func (edwardsPair) marshalRaw(class claviger.KeyClass, key any) ([]byte, error) {
	if class == claviger.PublicKey {
		return append([]byte(nil), key.(ed25519.PublicKey)...), nil
	}
	return key.(ed25519.PrivateKey).Seed(), nil
}

func (edwardsPair) rawSize(claviger.KeyClass) int { return 32 }
