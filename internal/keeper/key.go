package keeper

import (
	"bytes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/primitive/xaes"
	"github.com/claviger/claviger/internal/secmem"
)

// KeySize is the length of a keeper's key in bytes.
const KeySize = 32

// Layout of a secret that a key has wrapped, in bytes, and the labels that set its uses of the key apart.
const (
	idSize    = 8
	headSize  = 1 + idSize
	wrapLabel = "claviger keeper: data key\x00"
	idLabel   = "claviger keeper: key id"
)

// keyed is the way of key files and of credentials of the same form: XAES-256-GCM under the key.
type keyed struct{ place }

func (keyed) format() byte   { return keyFormat }
func (k keyed) name() string { return k.label }

func (k keyed) protects() string {
	if k.credential {
		return "protects a copy of the store made without the credential, as far as systemd's source of it does; not against root, or whoever can read both"
	}
	return "protects a copy of the store made without the key file; not against root, or whoever can read both"
}

func (k keyed) check() error {
	key, err := k.key()
	key.Close()
	return err
}

func (k keyed) wrap(secret []byte) ([]byte, error) {
	aead, id, err := k.aead()
	if err != nil {
		return nil, err
	}
	var nonce [xaes.NonceSize]byte
	_, _ = rand.Read(nonce[:]) // never fails
	return wrap(aead, id, nonce, secret), nil
}

func wrap(aead cipher.AEAD, id [idSize]byte, nonce [xaes.NonceSize]byte, secret []byte) []byte {
	out := append(append([]byte{keyFormat}, id[:]...), nonce[:]...)
	return aead.Seal(out, nonce[:], secret, append([]byte(wrapLabel), out[:headSize]...))
}

func (k keyed) unwrap(wrapped []byte) (*secmem.Bytes, error) {
	if len(wrapped) < headSize+xaes.NonceSize+xaes.Overhead {
		return nil, errFormat()
	}
	aead, id, err := k.aead()
	if err != nil {
		return nil, err
	}
	head, nonce, sealed := wrapped[:headSize], wrapped[headSize:headSize+xaes.NonceSize], wrapped[headSize+xaes.NonceSize:]
	if !bytes.Equal(head[1:], id[:]) {
		return nil, claviger.Errorf(claviger.ErrWrapUnwrapFailed, "keeper", "%s holds another key than the one that closed the store", k.label)
	}
	secret, err := aead.Open(nil, nonce, sealed, append([]byte(wrapLabel), head...))
	if err != nil {
		return nil, claviger.Errorf(claviger.ErrWrapUnwrapFailed, "keeper", "the wrapped data key was altered")
	}
	return secmem.Take(secret)
}

// aead reads the key and makes its cipher and id.
func (k keyed) aead() (cipher.AEAD, [idSize]byte, error) {
	key, err := k.key()
	if err != nil {
		return nil, [idSize]byte{}, err
	}
	defer key.Close()
	aead, err := xaes.New(key.Bytes())
	if err != nil {
		return nil, [idSize]byte{}, claviger.WrapError(claviger.ErrInternal, "keeper", err)
	}
	return aead, keyID(key.Bytes()), nil
}

// keyID says which key it is, and nothing of it.
func keyID(key []byte) [idSize]byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(idLabel))
	return [idSize]byte(mac.Sum(nil))
}
