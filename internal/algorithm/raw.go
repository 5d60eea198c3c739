package algorithm

import (
	"crypto"
	"crypto/ed25519"

	"github.com/cloudflare/circl/sign/ed448"

	"github.com/claviger/claviger"
)

// ParseRaw reads one half of a pair in the raw form that Decode names: a
// crypto.PrivateKey of this row for the class PrivateKey, a crypto.PublicKey for
// PublicKey. raw stays the caller's. ErrInvalidFormat for anything else. Points are on
// their curves, uncompressed; ParsePoint takes compressed ones too. A private key of ML-KEM
// or ML-DSA is a seed or an expanded key, by its length.
func (r *Row) ParseRaw(class claviger.KeyClass, raw []byte) (any, error) {
	if !r.Pair() || len(raw) > maxEncoding {
		return nil, claviger.Errorf(claviger.ErrInvalidFormat, op, "not a raw %s key of %s", class, r.Name)
	}
	key, err := r.impl.pair.parseRaw(class, raw)
	if err != nil {
		return nil, claviger.Errorf(claviger.ErrInvalidFormat, op, "not a valid raw %s key of %s", class, r.Name)
	}
	return key, nil
}

// MarshalRaw is the reverse of ParseRaw. The caller owns the bytes, and wipes those of a
// private key. One that came expanded, without its seed, comes out expanded.
func (r *Row) MarshalRaw(class claviger.KeyClass, key any) ([]byte, error) {
	return r.impl.pair.marshalRaw(class, key)
}

// RawSize gives the length of a raw half in bytes; 0 means that it varies, as RSA's. For a
// private key of ML-KEM and ML-DSA it is that of the seed; ExpandedSize has the other.
func (r *Row) RawSize(class claviger.KeyClass) int { return r.impl.pair.rawSize(class) }

// Wipe clears a private key of a row where its library keeps it in plain bytes: EdDSA,
// X448, seeds and expanded keys of ML-DSA and ML-KEM. Others are left to the garbage collector. The key is not
// used afterwards.
func Wipe(key crypto.PrivateKey) {
	switch k := key.(type) {
	case ed25519.PrivateKey:
		clear(k)
	case ed448.PrivateKey:
		clear(k)
	case *x448Private:
		clear(k.secret[:])
	case *signPrivate:
		clear(k.seed)
		clear(k.expanded)
	case *kemPrivate:
		clear(k.seed)
		clear(k.expanded)
	}
}
