// Package keeper opens the store's data key. A keeper holds or reaches a key of its own, under which the data key is
// sealed; it is asked when the store is opened and when it is compacted, and keeps nothing in memory between. Here are
// the key file and systemd's credentials; a passphrase, a TPM or a token are further sources behind the same type.
//
// A wrapped secret is laid out as
//
//	0        1          9            33               33+n    49+n
//	┌────────┬──────────┬────────────┬────────────────┬───────┐
//	│ format │ key id   │ nonce (24) │ ciphertext (n) │ tag   │
//	│ = 1    │ (8)      │ random     │                │ (16)  │
//	└────────┴──────────┴────────────┴────────────────┴───────┘
//
// with XAES-256-GCM (c2sp.org/XAES-256-GCM) under the keeper's key, "claviger keeper: data key" 0x00 and the first 9
// bytes as additional data. The key id is the first 8 bytes of HMAC-SHA-256(key, "claviger keeper: key id") and serves
// only to say that a key is the wrong one.
package keeper

import (
	"bytes"
	"context"
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

// Layout of a wrapped secret, in bytes, and the labels that set its uses of the key apart.
const (
	format    = 1
	idSize    = 8
	headSize  = 1 + idSize
	wrapLabel = "claviger keeper: data key\x00"
	idLabel   = "claviger keeper: key id"
)

// Keeper wraps secrets under the key of one source. It is safe for concurrent use and needs no closing.
type Keeper struct {
	source source
}

// source is where a keeper's key comes from.
type source interface {
	// key reads the key, KeySize bytes, anew at each call; the caller closes it. Errors name the place and say what is
	// wrong with it.
	key(ctx context.Context) (*secmem.Bytes, error)

	// name says which place it is: "key file /etc/claviger/store.key".
	name() string

	// protects says in one sentence against what, and against what not.
	protects() string
}

// Describe says in one sentence what the keeper protects against, and what not.
func (k *Keeper) Describe() string { return k.source.name() + ": " + k.source.protects() }

// Check reads the key and forgets it again: the error is the one that Unwrap would give for the key itself.
func (k *Keeper) Check(ctx context.Context) error {
	key, err := k.source.key(ctx)
	key.Close()
	return err
}

// Wrap seals a secret; the result may lie in the clear. Errors are ErrInvalidArgument for a key file that is refused,
// ErrResourceNotFound for one that is missing, and ErrOperationTimedOut.
func (k *Keeper) Wrap(ctx context.Context, secret []byte) ([]byte, error) {
	aead, id, err := k.open(ctx)
	if err != nil {
		return nil, err
	}
	var nonce [xaes.NonceSize]byte
	_, _ = rand.Read(nonce[:]) // never fails
	return wrap(aead, id, nonce, secret), nil
}

func wrap(aead cipher.AEAD, id [idSize]byte, nonce [xaes.NonceSize]byte, secret []byte) []byte {
	out := append(append([]byte{format}, id[:]...), nonce[:]...)
	return aead.Seal(out, nonce[:], secret, append([]byte(wrapLabel), out[:headSize]...))
}

// Unwrap opens what Wrap gave; the caller closes the result. Beyond the errors of Wrap, ErrWrapUnwrapFailed means that
// another key wrapped it or that it was altered, and says which.
func (k *Keeper) Unwrap(ctx context.Context, wrapped []byte) (*secmem.Bytes, error) {
	if len(wrapped) < headSize+xaes.NonceSize+xaes.Overhead || wrapped[0] != format {
		return nil, claviger.Errorf(claviger.ErrInvalidFormat, "keeper", "the wrapped data key is not in a format that this program knows")
	}
	aead, id, err := k.open(ctx)
	if err != nil {
		return nil, err
	}
	head, nonce, sealed := wrapped[:headSize], wrapped[headSize:headSize+xaes.NonceSize], wrapped[headSize+xaes.NonceSize:]
	if !bytes.Equal(head[1:], id[:]) {
		return nil, claviger.Errorf(claviger.ErrWrapUnwrapFailed, "keeper", "%s holds another key than the one that closed the store", k.source.name())
	}
	secret, err := aead.Open(nil, nonce, sealed, append([]byte(wrapLabel), head...))
	if err != nil {
		return nil, claviger.Errorf(claviger.ErrWrapUnwrapFailed, "keeper", "the wrapped data key was altered")
	}
	return secmem.Take(secret)
}

// open reads the key and makes its AEAD and id.
func (k *Keeper) open(ctx context.Context) (cipher.AEAD, [idSize]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, [idSize]byte{}, &claviger.Error{Code: claviger.ErrOperationTimedOut, Op: "keeper", Detail: k.source.name() + " was not read in time", Err: err}
	}
	key, err := k.source.key(ctx)
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

func keyID(key []byte) [idSize]byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(idLabel))
	return [idSize]byte(mac.Sum(nil))
}
