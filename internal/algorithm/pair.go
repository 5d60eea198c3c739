package algorithm

import (
	"crypto"

	"github.com/claviger/claviger"
)

// op is the operation that errors about keys name.
const op = "key"

// pair is one kind of key pair in the forms that its library works with. The
// implementations are values without state.
type pair interface {
	generate() (crypto.PrivateKey, error)
	public(crypto.PrivateKey) crypto.PublicKey
	forms
}

// forms are a pair's encodings: PKCS #8 (RFC 5958), SubjectPublicKeyInfo (RFC 5280 section
// 4.1) and the raw ones. The parsing ones get an encoding whose algorithm identifier has
// been checked already; the fault they return has no text that reaches users.
type forms interface {
	parsePrivate(der []byte) (crypto.PrivateKey, error)
	parsePublic(der []byte) (crypto.PublicKey, error)
	marshalPrivate(crypto.PrivateKey) ([]byte, error)
	marshalPublic(crypto.PublicKey) ([]byte, error)
	parseRaw(class claviger.KeyClass, raw []byte) (any, error)
	marshalRaw(class claviger.KeyClass, key any) ([]byte, error)
	rawSize(class claviger.KeyClass) int // bytes; 0 means that it varies
}

// Pair reports whether the row is the key algorithm of a pair.
func (r *Row) Pair() bool { return r.impl.pair != nil }

// CheckKeySize reports whether a secret key of n bytes may be a key of this row:
// ErrIncompatibleKeyType names both sizes if not.
func (r *Row) CheckKeySize(n int) error {
	if r.Class != claviger.SecretKey || n >= r.MinKey && n <= r.MaxKey {
		return nil
	}
	if r.KeySize != 0 {
		return claviger.Errorf(claviger.ErrIncompatibleKeyType, op, "%d bytes cannot be a key of %s, which takes exactly %d", n, r.Name, r.KeySize)
	}
	return claviger.Errorf(claviger.ErrIncompatibleKeyType, op, "%d bytes cannot be a key of %s, which takes %d to %d", n, r.Name, r.MinKey, r.MaxKey)
}

// GeneratePair makes a new private key of a pair's row.
func (r *Row) GeneratePair() (crypto.PrivateKey, error) { return r.impl.pair.generate() }

// PublicOf gives the public half of a private key of this row.
func (r *Row) PublicOf(key crypto.PrivateKey) crypto.PublicKey { return r.impl.pair.public(key) }

// ParsePrivate reads PKCS #8 into the form that Sign, Agree and the others of this package
// take. Malformed bytes are ErrInvalidFormat, a key of another algorithm is
// ErrIncompatibleKeyType. Expanded keys live on the Go heap until collected.
func (r *Row) ParsePrivate(der []byte) (crypto.PrivateKey, error) {
	if err := r.checkIdentity(der, claviger.PrivateKey); err != nil {
		return nil, err
	}
	key, err := r.impl.pair.parsePrivate(der)
	if err != nil {
		return nil, claviger.Errorf(claviger.ErrInvalidFormat, op, "not a valid %s private key", r.Name)
	}
	return key, nil
}

// ParsePublic reads a SubjectPublicKeyInfo; errors as for ParsePrivate. Points are on their
// curves, and may come compressed.
func (r *Row) ParsePublic(der []byte) (crypto.PublicKey, error) {
	if err := r.checkIdentity(der, claviger.PublicKey); err != nil {
		return nil, err
	}
	if r.Curve() != "" {
		if point := compressedIn(der); point != nil {
			return r.ParsePoint(point)
		}
	}
	key, err := r.impl.pair.parsePublic(der)
	if err != nil {
		return nil, claviger.Errorf(claviger.ErrInvalidFormat, op, "not a valid %s public key", r.Name)
	}
	return key, nil
}

// MarshalPrivate gives PKCS #8. The caller owns the bytes and wipes them.
func (r *Row) MarshalPrivate(key crypto.PrivateKey) ([]byte, error) {
	return r.impl.pair.marshalPrivate(key)
}

// MarshalPublic gives a SubjectPublicKeyInfo. The caller owns the bytes.
func (r *Row) MarshalPublic(key crypto.PublicKey) ([]byte, error) {
	return r.impl.pair.marshalPublic(key)
}

// checkIdentity refuses an encoding of another class or algorithm before anything parses
// it.
func (r *Row) checkIdentity(der []byte, class claviger.KeyClass) error {
	found, err := identify(der)
	if err != nil {
		return err
	}
	if found.class != class {
		return claviger.Errorf(claviger.ErrInvalidFormat, op, "the bytes hold a %s key, not a %s one", found.class, class)
	}
	if !found.is(r.Name) {
		return claviger.Errorf(claviger.ErrIncompatibleKeyType, op, "the bytes hold a key of %s, not of %s", found.algorithm, r.Name)
	}
	return nil
}
