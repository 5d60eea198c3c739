package algorithm

import (
	"bytes"
	"crypto"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"hash"

	"github.com/cloudflare/circl/kem"

	"github.com/claviger/claviger"
)

// ErrWrong is what Decrypt returns whatever was wrong with the ciphertext.
var ErrWrong = errors.New("wrong ciphertext")

// NewHash makes the row's hash: of a fixed-length digest itself; of a MAC, KDF, signature
// or RSA-OAEP the hash named by Digest.
func (r *Row) NewHash() hash.Hash { return r.impl.hash() }

// NewXOF makes the state of an extendable-output function.
func (r *Row) NewXOF() *XOF { return r.impl.xof() }

// NewNamedXOF is NewXOF with a customization string, which is copied; false where the
// function takes none. An empty one gives what NewXOF gives.
func (r *Row) NewNamedXOF(customization []byte) (*XOF, bool) {
	if r.impl.named == nil {
		return nil, false
	}
	return r.impl.named(bytes.Clone(customization)), true
}

// NewKeyedXOF is NewXOF with a key, which is copied and has the length that the function
// takes; false where it takes none.
func (r *Row) NewKeyedXOF(key []byte) (*XOF, bool) {
	if r.impl.keyed == nil {
		return nil, false
	}
	return r.impl.keyed(bytes.Clone(key)), true
}

// NewNamedMAC is NewMAC with a customization string for KMAC (SP 800-185 section 4.2). A
// code that takes none leaves it out.
func (r *Row) NewNamedMAC(key, customization []byte) (hash.Hash, error) {
	if r.impl.kmac == nil {
		return r.NewMAC(key)
	}
	return r.impl.kmac(key, bytes.Clone(customization))
}

// NewMAC makes the row's code: HMAC (FIPS 198-1) with its hash, CMAC or KMAC. It keeps a
// copy of what it needs of key, which has the length of a key of an algorithm in Keys;
// another length may be an error.
func (r *Row) NewMAC(key []byte) (hash.Hash, error) {
	if r.impl.mac != nil {
		return r.impl.mac(key)
	}
	return hmac.New(r.impl.hash, key), nil
}

// NewBlock makes the block cipher of a cipher row; key has the length of an algorithm in
// Keys.
func (r *Row) NewBlock(key []byte) (cipher.Block, error) { return r.impl.block(key) }

// NewAEAD makes the AEAD of a row; key has the length of an algorithm in Keys. Safe for
// concurrent use.
func (r *Row) NewAEAD(key []byte) (cipher.AEAD, error) { return r.impl.aead(key) }

// Needs gives the permissions that a use demands which calls for want: exclusive-or modes
// need Encrypt and Decrypt for either, since with either alone they would give the other.
func (r *Row) Needs(want claviger.Permission) claviger.Permission {
	if both := claviger.Encrypt | claviger.Decrypt; r.BothWays && want&both != 0 {
		return want | both
	}
	return want
}

// MaxMessageFor gives the longest message in bytes with a key of the given algorithm; 0
// means no limit. It differs from MaxMessage for RSA-OAEP alone (RFC 8017 section 7.1.1).
func (r *Row) MaxMessageFor(key claviger.Algorithm) int64 {
	if r.Family != FamilyAsymmetric {
		return r.MaxMessage
	}
	k, ok := Lookup(key, FamilyKey)
	h, known := Lookup(r.Digest, FamilyHash)
	if !ok || !known {
		return r.MaxMessage
	}
	return int64(k.Bits/8 - 2*h.Size - 2)
}

// Encrypt encrypts a short message to an RSA key with OAEP and the given label, appending
// to dst. A message over the key's limit is ErrInvalidArgument.
func (r *Row) Encrypt(key crypto.PublicKey, dst, in, label []byte) ([]byte, error) {
	k, ok := key.(*rsa.PublicKey)
	if !ok {
		return dst, claviger.Errorf(claviger.ErrIncompatibleKeyType, "encrypt", "%s takes an RSA key", r.Name)
	}
	h := r.impl.hash()
	if limit := k.Size() - 2*h.Size() - 2; len(in) > limit {
		return dst, claviger.Errorf(claviger.ErrInvalidArgument, "encrypt", "a message of %d bytes is over the limit of %d for %s with this key", len(in), limit, r.Name)
	}
	out, err := rsa.EncryptOAEP(h, rand.Reader, k, in, label)
	if err != nil {
		return dst, claviger.Errorf(claviger.ErrOperationFailed, "encrypt", "%s could not encrypt", r.Name)
	}
	return append(dst, out...), nil
}

// Decrypt is the reverse of Encrypt; ErrWrong whatever was wrong.
func (r *Row) Decrypt(key crypto.PrivateKey, dst, in, label []byte) ([]byte, error) {
	k, ok := key.(*rsa.PrivateKey)
	if !ok {
		return dst, claviger.Errorf(claviger.ErrIncompatibleKeyType, "decrypt", "%s takes an RSA key", r.Name)
	}
	if len(in) != k.Size() { // RFC 8017 section 7.1.2, step 1b; the library takes shorter ones
		return dst, ErrWrong
	}
	out, err := rsa.DecryptOAEP(r.impl.hash(), nil, k, in, label)
	if err != nil {
		return dst, ErrWrong
	}
	dst = append(dst, out...)
	clear(out)
	return dst, nil
}

// Encapsulate gives a fresh shared secret of Size bytes and the ciphertext that carries it
// (FIPS 203 section 7.2; X-Wing: draft-connolly-cfrg-xwing-kem section 5.4). The caller
// wipes the secret.
func (r *Row) Encapsulate(key crypto.PublicKey) (ciphertext, secret []byte, err error) {
	public, ok := key.(kem.PublicKey)
	if !ok {
		return nil, nil, claviger.Errorf(claviger.ErrIncompatibleKeyType, "encapsulate", "%s takes a public key of its own algorithm", r.Name)
	}
	ciphertext, secret, err = public.Scheme().Encapsulate(public)
	if err != nil {
		return nil, nil, claviger.Errorf(claviger.ErrKeyAgreementFailed, "encapsulate", "%s could not encapsulate", r.Name)
	}
	return ciphertext, secret, nil
}

// Decapsulate gives the shared secret of a ciphertext (FIPS 203 section 7.3). A ciphertext
// of another length is ErrInvalidFormat; an altered one of the right length gives another
// secret and no error, as the standard has it. The caller wipes the secret.
func (r *Row) Decapsulate(key crypto.PrivateKey, ciphertext []byte) ([]byte, error) {
	private, ok := key.(*kemPrivate)
	if !ok {
		return nil, claviger.Errorf(claviger.ErrIncompatibleKeyType, "decapsulate", "%s takes a private key of its own algorithm", r.Name)
	}
	if len(ciphertext) != r.Ciphertext {
		return nil, claviger.Errorf(claviger.ErrInvalidFormat, "decapsulate", "a ciphertext of %s has %d bytes, not %d", r.Name, r.Ciphertext, len(ciphertext))
	}
	secret, err := private.private.Scheme().Decapsulate(private.private, ciphertext)
	if err != nil {
		return nil, claviger.Errorf(claviger.ErrKeyAgreementFailed, "decapsulate", "%s could not decapsulate", r.Name)
	}
	return secret, nil
}

// Derive is HKDF, extract and expand (RFC 5869 section 2). size is 1 to 255 times the hash;
// others are ErrInvalidArgument. The caller wipes the result.
func (r *Row) Derive(secret, salt, info []byte, size int) ([]byte, error) {
	if size < 1 || size > 255*r.Size {
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, "derive", "%s gives 1 to %d bytes, not %d", r.Name, 255*r.Size, size)
	}
	out, err := hkdf.Key(r.impl.hash, secret, salt, string(info), size)
	if err != nil {
		return nil, claviger.Errorf(claviger.ErrKeyDerivationFailed, "derive", "%s could not derive", r.Name)
	}
	return out, nil
}

// Extract is the first half of HKDF (RFC 5869 section 2.2). secret and salt may have any
// length. The caller wipes the result, which has Size bytes.
func (r *Row) Extract(secret, salt []byte) ([]byte, error) {
	key, err := hkdf.Extract(r.impl.hash, secret, salt)
	if err != nil {
		return nil, claviger.Errorf(claviger.ErrKeyDerivationFailed, "derive", "%s could not extract", r.Name)
	}
	return key, nil
}

// Expand is the second half of HKDF (RFC 5869 section 2.3); sizes and the owner of the
// result are those of Derive.
func (r *Row) Expand(key, info []byte, size int) ([]byte, error) {
	if size < 1 || size > 255*r.Size {
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, "derive", "%s gives 1 to %d bytes, not %d", r.Name, 255*r.Size, size)
	}
	out, err := hkdf.Expand(r.impl.hash, key, string(info), size)
	if err != nil {
		return nil, claviger.Errorf(claviger.ErrKeyDerivationFailed, "derive", "%s could not expand", r.Name)
	}
	return out, nil
}

// Random fills b from the system's generator.
func Random(b []byte) error {
	_, err := rand.Read(b)
	return err
}

// Keyed reports whether a signature row is a message authentication code in disguise: key
// and result are a MAC's.
func (r *Row) Keyed() bool { return r.Family == FamilySignature && r.impl.sign == nil }
