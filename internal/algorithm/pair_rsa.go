package algorithm

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"

	"github.com/claviger/claviger"
)

// errKey is the fault of an encoding that parses as something else than it should be.
var errKey = errors.New("unfit key")

// rsaPair is RSA with two primes and a modulus of exactly bits.
type rsaPair struct{ bits int }

func (p rsaPair) generate() (crypto.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, p.bits) }

func (p rsaPair) public(key crypto.PrivateKey) crypto.PublicKey {
	public := key.(*rsa.PrivateKey).PublicKey // a copy does not keep the private key alive
	return &public
}

func (p rsaPair) parsePrivate(der []byte) (crypto.PrivateKey, error) {
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	return p.checked(key)
}

// checked holds the promises that x509 does not: two primes, and a consistent key.
func (p rsaPair) checked(key any) (crypto.PrivateKey, error) {
	k, ok := key.(*rsa.PrivateKey)
	if !ok || len(k.Primes) != 2 || k.N.BitLen() != p.bits {
		return nil, errKey
	}
	if err := k.Validate(); err != nil {
		return nil, err
	}
	return k, nil
}

func (p rsaPair) parsePublic(der []byte) (crypto.PublicKey, error) {
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, err
	}
	return p.checkedPublic(key)
}

// checkedPublic refuses what no honest generator makes: another size, an even modulus or
// exponent, an exponent below 3.
func (p rsaPair) checkedPublic(key any) (crypto.PublicKey, error) {
	k, ok := key.(*rsa.PublicKey)
	if !ok || k.N.BitLen() != p.bits || k.N.Bit(0) == 0 || k.E < 3 || k.E&1 == 0 {
		return nil, errKey
	}
	return k, nil
}

func (p rsaPair) marshalPrivate(key crypto.PrivateKey) ([]byte, error) {
	return x509.MarshalPKCS8PrivateKey(key)
}

func (p rsaPair) marshalPublic(key crypto.PublicKey) ([]byte, error) {
	return x509.MarshalPKIXPublicKey(key)
}

// parseRaw reads RSAPrivateKey or RSAPublicKey (RFC 8017 appendix A.1).
func (p rsaPair) parseRaw(class claviger.KeyClass, raw []byte) (any, error) {
	if class == claviger.PublicKey {
		key, err := x509.ParsePKCS1PublicKey(raw)
		if err != nil {
			return nil, err
		}
		return p.checkedPublic(key)
	}
	key, err := x509.ParsePKCS1PrivateKey(raw)
	if err != nil {
		return nil, err
	}
	return p.checked(key)
}

func (p rsaPair) marshalRaw(class claviger.KeyClass, key any) ([]byte, error) {
	if class == claviger.PublicKey {
		return x509.MarshalPKCS1PublicKey(key.(*rsa.PublicKey)), nil
	}
	return x509.MarshalPKCS1PrivateKey(key.(*rsa.PrivateKey)), nil
}

func (p rsaPair) rawSize(claviger.KeyClass) int { return 0 }
