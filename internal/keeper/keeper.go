// Package keeper opens the store's data key. A keeper holds or reaches a secret of its own, under which the data key is
// sealed; it is asked when the store is opened, when it is compacted and when the keeper changes, and keeps nothing in
// memory between. Here are key files, passphrases, and both as systemd's credentials; a TPM or a token are further ways
// behind the same type.
//
// A secret that a key has wrapped is laid out as
//
//	0        1          9            33               33+n    49+n
//	┌────────┬──────────┬────────────┬────────────────┬───────┐
//	│ format │ key id   │ nonce (24) │ ciphertext (n) │ tag   │
//	│ = 1    │ (8)      │ random     │                │ (16)  │
//	└────────┴──────────┴────────────┴────────────────┴───────┘
//
// with XAES-256-GCM (c2sp.org/XAES-256-GCM) under the keeper's key, "claviger keeper: data key" 0x00 and the first 9
// bytes as additional data. The key id is the first 8 bytes of HMAC-SHA-256(key, "claviger keeper: key id") and serves
// only to say that a key is the wrong one. What a passphrase has wrapped is laid out as
//
//	0        1                                            1+n
//	┌────────┬────────────────────────────────────────────┐
//	│ format │ an age file (c2sp.org/age) with one scrypt │
//	│ = 2    │ stanza, whose payload is the secret (n)    │
//	└────────┴────────────────────────────────────────────┘
package keeper

import (
	"context"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/secmem"
)

// Formats of a wrapped secret: its first byte. Numbers are only added.
const (
	keyFormat        = 1
	passphraseFormat = 2
)

// Keeper wraps secrets in one way with one secret of its own. It is safe for concurrent use and needs no closing.
type Keeper struct {
	way way
}

// way is how a kind of keeper wraps, and where it finds what it wraps with, which it reads anew at each call. Errors name
// the place and say what is wrong with it.
type way interface {
	format() byte // of what it wraps
	wrap(secret []byte) ([]byte, error)
	unwrap(wrapped []byte) (*secmem.Bytes, error) // wrapped begins with format
	check() error                                 // of what it wraps with
	name() string                                 // of the place: "key file /etc/claviger/store.key"
	protects() string                             // against what, and against what not, in one sentence
}

// Describe says in one sentence what the keeper protects against, and what not.
func (k *Keeper) Describe() string { return k.way.name() + ": " + k.way.protects() }

// Check reads the key or passphrase and forgets it again: the error is the one that Unwrap would give for it alone.
func (k *Keeper) Check(ctx context.Context) error {
	if err := k.inTime(ctx); err != nil {
		return err
	}
	return k.way.check()
}

// Wrap seals a secret; the result may lie in the clear. Errors are ErrInvalidArgument for a file that is refused,
// ErrResourceNotFound for one that is missing, and ErrOperationTimedOut when ctx has ended before the file is read.
func (k *Keeper) Wrap(ctx context.Context, secret []byte) ([]byte, error) {
	if err := k.inTime(ctx); err != nil {
		return nil, err
	}
	return k.way.wrap(secret)
}

// Unwrap opens what Wrap gave; the caller closes the result. Beyond the errors of Wrap, ErrWrapUnwrapFailed means that
// another kind of keeper, key or passphrase wrapped it or that it was altered, and says which; ErrInvalidFormat, that no
// keeper made it. A passphrase takes up to a few seconds, whatever wrapped says.
func (k *Keeper) Unwrap(ctx context.Context, wrapped []byte) (*secmem.Bytes, error) {
	if err := k.inTime(ctx); err != nil {
		return nil, err
	}
	if len(wrapped) == 0 {
		return nil, errFormat()
	}
	if wrapped[0] == k.way.format() {
		return k.way.unwrap(wrapped)
	}
	closedBy := ""
	switch wrapped[0] {
	case keyFormat:
		closedBy = "a key, of a file or a credential"
	case passphraseFormat:
		closedBy = "a passphrase"
	default:
		return nil, errFormat()
	}
	return nil, claviger.Errorf(claviger.ErrWrapUnwrapFailed, "keeper", "%s closed the store; %s does not open it", closedBy, k.way.name())
}

// inTime is the error of a context that has ended.
func (k *Keeper) inTime(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return &claviger.Error{Code: claviger.ErrOperationTimedOut, Op: "keeper", Detail: k.way.name() + " was not read in time", Err: err}
	}
	return nil
}

// errFormat is for what no keeper of this version wrapped.
func errFormat() error {
	return claviger.Errorf(claviger.ErrInvalidFormat, "keeper", "the wrapped data key is not in a format that this program knows")
}
