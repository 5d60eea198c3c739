package secrets

import (
	"bytes"
	"context"
	"crypto/cipher"
	"encoding/binary"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/primitive/xaes"
	"github.com/claviger/claviger/internal/secmem"
	"github.com/claviger/claviger/internal/store"
)

// Layout of a capsule, integers big-endian:
//
//	0        4        5             21            29           53                  61+n    77+n
//	┌────────┬────────┬─────────────┬─────────────┬────────────┬───────────────────┬───────┐
//	│ "CLVC" │ format │ tenant (16) │ kek version │ nonce (24) │ ciphertext of     │ tag   │
//	│        │ = 1    │             │ uint64      │ random     │ expires ‖ secret  │ (16)  │
//	└────────┴────────┴─────────────┴─────────────┴────────────┴───────────────────┴───────┘
//
// Sealed with XAES-256-GCM (c2sp.org/XAES-256-GCM) under the tenant's key-encryption key of that version. The additional
// data is "claviger capsule", a zero byte and the first 53 bytes.
const (
	capsuleMagic  = "CLVC"
	capsuleFormat = 1
	capsuleName   = 29 // up to the nonce
	capsuleHead   = capsuleName + xaes.NonceSize
	capsuleMin    = capsuleHead + 8 + xaes.Overhead
	capsuleLabel  = "claviger capsule\x00"
)

// CapsuleOverhead is by how many bytes a capsule is longer than its secret.
const CapsuleOverhead = capsuleMin

// capsule is a capsule taken apart. The slices are parts of the bytes that it was taken from.
type capsule struct {
	tenant     tenantID
	kek        uint64
	head       []byte // with the nonce
	nonce      []byte
	ciphertext []byte // with the tag
}

// parseCapsule takes a capsule apart; false for bytes that are none of this format.
func parseCapsule(b []byte) (capsule, bool) {
	if len(b) < capsuleMin || len(b) > capsuleMin+claviger.MaxSecret || !bytes.HasPrefix(b, []byte(capsuleMagic)) || b[4] != capsuleFormat {
		return capsule{}, false
	}
	return capsule{tenant: tenantID(b[5:]), kek: binary.BigEndian.Uint64(b[21:]), head: b[:capsuleHead],
		nonce: b[capsuleName:capsuleHead], ciphertext: b[capsuleHead:]}, true
}

// sealCapsule makes a capsule.
func sealCapsule(aead cipher.AEAD, t tenantID, kek uint64, nonce [xaes.NonceSize]byte, expires uint64, secret []byte) []byte {
	value := encodeValue(expires, secret)
	defer secmem.Wipe(value)
	out := make([]byte, 0, capsuleMin+len(secret))
	out = append(append(append(out, capsuleMagic...), capsuleFormat), t[:]...)
	out = append(binary.BigEndian.AppendUint64(out, kek), nonce[:]...)
	return aead.Seal(out, nonce[:], value, append([]byte(capsuleLabel), out...))
}

// open gives what is in a capsule, which the caller wipes; false when it was altered or sealed under another key.
func (c capsule) open(aead cipher.AEAD) (expires uint64, secret []byte, ok bool) {
	value, err := aead.Open(nil, c.nonce, c.ciphertext, append([]byte(capsuleLabel), c.head...))
	if err != nil {
		return 0, nil, false
	}
	return decodeValue(value)
}

// errCapsule is the one answer for every capsule that cannot be opened.
func errCapsule() error {
	return claviger.Errorf(claviger.ErrSecretVerificationFailed, "open capsule", "not a capsule that can be opened here")
}

// Seal seals a secret of at most claviger.MaxSecret bytes with its expiry, in seconds since 1970, into a capsule, which
// is the caller's to keep: nothing is stored. Only the same tenant can have it opened. The first capsule of a tenant
// makes its key-encryption key, durably. ErrQuotaExceeded for a longer secret.
func (m *Manager) Seal(ctx context.Context, g policy.Grant, secret []byte, expires uint64) ([]byte, error) {
	const op = "seal capsule"
	name, err := g.Tenant(op)
	if err == nil {
		err = checkSize(op, secret)
	}
	if err != nil {
		return nil, err
	}
	k, found, err := m.present(op, name)
	if err == nil && !found {
		k, err = m.first(ctx, op, name)
	}
	if err != nil {
		return nil, err
	}
	return sealCapsule(k.aead, k.tenant, k.version, random[[xaes.NonceSize]byte](), expires, secret), nil
}

// Open opens a capsule of the tenant. Checked in this order: format, tenant and version of the key, tag
// (ErrSecretVerificationFailed for each of them), and only then expiry (ErrSecretExpired). The secret is the receiver's,
// who wipes it.
func (m *Manager) Open(ctx context.Context, g policy.Grant, sealed []byte) (Secret, error) {
	const op = "open capsule"
	name, err := g.Tenant(op)
	if err != nil {
		return Secret{}, err
	}
	c, ok := parseCapsule(sealed)
	if !ok {
		return Secret{}, errCapsule()
	}
	var k kek
	err = m.store.View(func(tx *store.Tx) error {
		t, found, err := lookup(tx, name)
		if err != nil {
			return err
		}
		if !found || t != c.tenant || m.check(op, name) != nil {
			return errCapsule()
		}
		k, err = loadKEK(tx, t, c.kek)
		return err
	})
	if absent(err) {
		return Secret{}, errCapsule()
	}
	if err != nil {
		return Secret{}, err
	}
	expires, secret, ok := c.open(k.aead)
	if !ok {
		return Secret{}, errCapsule()
	}
	if m.over(ctx, expires) {
		secmem.Wipe(secret)
		return Secret{}, errExpired(op)
	}
	return Secret{Value: secret, Expires: expires}, nil
}
