package software

import (
	"bytes"
	"context"
	"crypto"
	"crypto/cipher"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/secmem"
)

// key is a live key. All fields but closed are set before it is handed out and never
// change.
type key struct {
	provider *Provider
	row      *algorithm.Row
	spec     provider.Spec
	material *secmem.Bytes // canonical encoding
	closed   atomic.Bool

	block   cipher.Block                      // AES
	aeads   map[*algorithm.Row]cipher.AEAD    // by AEAD
	macs    map[claviger.Algorithm]*sync.Pool // of hash.Hash, keyed; by the code's name
	private crypto.PrivateKey
	public  crypto.PublicKey
	spki    []byte // public half; nil for a secret key
}

// secretKey makes the key of material, which it then owns, also when it fails.
func (p *Provider) secretKey(row *algorithm.Row, material *secmem.Bytes) (provider.Key, error) {
	k := &key{provider: p, row: row, spec: provider.Spec{Algorithm: row.Name, Class: claviger.SecretKey}, material: material}
	for _, r := range p.fits[row.Name] {
		if err := k.prepareFor(r); err != nil {
			material.Close()
			return nil, claviger.Errorf(claviger.ErrIncompatibleKeyType, "key", "the bytes are not a key of %s", row.Name)
		}
	}
	return k, nil
}

// prepareFor expands the key for one of the algorithms that it serves.
func (k *key) prepareFor(r *algorithm.Row) error {
	var err error
	switch {
	case r.Family == algorithm.FamilyCipher && k.block == nil:
		k.block, err = r.NewBlock(k.material.Bytes())
	case r.Family == algorithm.FamilyAEAD:
		if k.aeads == nil {
			k.aeads = make(map[*algorithm.Row]cipher.AEAD)
		}
		k.aeads[r], err = r.NewAEAD(k.material.Bytes())
	case r.Family == algorithm.FamilyMAC:
		if k.macs == nil {
			k.macs = make(map[claviger.Algorithm]*sync.Pool)
		}
		k.macs[r.Name], err = k.codes(r)
	}
	return err
}

// codes makes the pool of a code's states. The first one shows that the key fits.
func (k *key) codes(r *algorithm.Row) (*sync.Pool, error) {
	first, err := r.NewMAC(k.material.Bytes())
	if err != nil {
		return nil, err
	}
	pool := &sync.Pool{New: func() any {
		h, err := r.NewMAC(k.material.Bytes())
		if err != nil {
			panic("software: " + err.Error()) // the same bytes fitted before
		}
		return h
	}}
	pool.Put(first)
	return pool, nil
}

func (p *Provider) privateKey(row *algorithm.Row, private crypto.PrivateKey) (provider.Key, error) {
	encoded, err := row.MarshalPrivate(private)
	if err != nil {
		return nil, claviger.Errorf(claviger.ErrInternal, "key", "a key of %s could not be encoded", row.Name)
	}
	return p.pairKey(row, claviger.PrivateKey, private, row.PublicOf(private), encoded)
}

func (p *Provider) publicKey(row *algorithm.Row, public crypto.PublicKey) (provider.Key, error) {
	encoded, err := row.MarshalPublic(public)
	if err != nil {
		return nil, claviger.Errorf(claviger.ErrInternal, "key", "a key of %s could not be encoded", row.Name)
	}
	return p.pairKey(row, claviger.PublicKey, nil, public, encoded)
}

// pairKey moves encoded into memory of its own and wipes it.
func (p *Provider) pairKey(row *algorithm.Row, class claviger.KeyClass, private crypto.PrivateKey, public crypto.PublicKey, encoded []byte) (provider.Key, error) {
	spki, err := row.MarshalPublic(public)
	if err != nil {
		clear(encoded)
		return nil, claviger.Errorf(claviger.ErrInternal, "key", "a key of %s could not be encoded", row.Name)
	}
	material, err := secmem.Take(encoded)
	if err != nil {
		return nil, err
	}
	return &key{provider: p, row: row, spec: provider.Spec{Algorithm: row.Name, Class: class}, material: material,
		private: private, public: public, spki: spki}, nil
}

// Spec says what the key is.
func (k *key) Spec() provider.Spec { return k.spec }

// Bits is the algorithm's size; where a secret key's length is open, that of this key.
func (k *key) Bits() int {
	if k.spec.Class == claviger.SecretKey {
		return 8 * k.material.Len()
	}
	return k.row.Bits
}

// Public gives a copy of the SubjectPublicKeyInfo, nil for a secret key.
func (k *key) Public() ([]byte, error) { return bytes.Clone(k.spki), nil }

// Export gives a copy of the canonical encoding.
func (k *key) Export(ctx context.Context) (*secmem.Bytes, error) {
	if err := k.usable(ctx, "export"); err != nil {
		return nil, err
	}
	return secmem.From(k.material.Bytes())
}

// Blob gives the versioned bytes that Load reads; the tag is for devices.
func (k *key) Blob(ctx context.Context, _ provider.Tag) (*secmem.Bytes, error) {
	if err := k.usable(ctx, "store"); err != nil {
		return nil, err
	}
	return encodeBlob(k.spec, k.material.Bytes())
}

// Close wipes the encoded key. What was expanded from it goes with the last reference.
func (k *key) Close() error {
	if k.closed.CompareAndSwap(false, true) {
		k.material.Close()
	}
	return nil
}

// usable reports why a call must not run: the key is closed, or the context has ended.
func (k *key) usable(ctx context.Context, op string) error {
	if k.closed.Load() {
		return claviger.Errorf(claviger.ErrResourceNotFound, op, "the key is closed")
	}
	return provider.Alive(ctx, op)
}

// Format keeps the key out of every printed text, whatever the verb.
func (k *key) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "[key "+string(k.spec.Algorithm)+"]")
}
