package client

import (
	"runtime"
	"sync/atomic"

	"github.com/claviger/claviger"
	pb "github.com/claviger/claviger/proto"
)

// Key is a live key in the daemon: generated, imported, agreed or loaded from a slot (the
// S-CORE API's resource guard). Close releases it; contexts that were made with it stay usable.
// A key that becomes unreachable without Close is released with a later call, which is a net
// and not a promise. Safe for concurrent use.
type Key struct {
	cc      *CryptoContext
	handle  uint64
	info    claviger.KeyInfo
	closed  atomic.Bool
	cleanup runtime.Cleanup
	managed *ManagedKey // whose handle it is; nil for a key of its own
}

// newKey takes charge of the key that a reply describes.
func (c *CryptoContext) newKey(what string, r *pb.KeyReply) (*Key, error) {
	if err := c.own(what, r.GetHandle()); err != nil {
		return nil, err
	}
	k := &Key{cc: c, handle: r.GetHandle(), info: keyInfo(r.GetKey())}
	k.cleanup = runtime.AddCleanup(k, c.abandon, k.handle)
	return k, nil
}

// keyInfo reads a description; nil gives the zero value.
func keyInfo(d *pb.KeyDescription) claviger.KeyInfo {
	return claviger.KeyInfo{
		Algorithm:   claviger.Algorithm(d.GetAlgorithm()),
		Class:       claviger.KeyClass(d.GetClass()),
		Persistence: claviger.Persistence(d.GetPersistence()),
		Permissions: claviger.Permission(d.GetPermissions()),
		Provider:    claviger.ProviderID(d.GetProvider()),
		Bits:        int(d.GetBits()),
	}
}

// source gives the handle. A closed key is ErrResourceNotFound.
func (k *Key) source(cc *CryptoContext, what string) (keyHandle, error) {
	if k == nil {
		return keyHandle{}, claviger.Errorf(claviger.ErrInvalidArgument, what, "no key given")
	}
	if err := checkHandle(k.cc, cc, what, "key"); err != nil {
		return keyHandle{}, err
	}
	if (k.closed.Load() || k.managed != nil && k.managed.closed.Load()) && !cc.stack.closed.Load() {
		return keyHandle{}, claviger.Errorf(claviger.ErrResourceNotFound, what, "the key is closed")
	}
	return keyHandle{handle: k.handle}, nil
}

// Info describes the key as it was when it was made.
func (k *Key) Info() claviger.KeyInfo { return k.info }

// Type is always TypeKey.
func (k *Key) Type() claviger.ResourceType { return claviger.TypeKey }

// Algorithm gives the key's own algorithm, such as "AES-256".
func (k *Key) Algorithm() claviger.Algorithm { return k.info.Algorithm }

// Persistence says whether the key is in a slot. A key that was persisted stays ephemeral
// itself: the slot has a copy.
func (k *Key) Persistence() claviger.Persistence { return k.info.Persistence }

// Permissions gives the operations that the key may serve.
func (k *Key) Permissions() claviger.Permission { return k.info.Permissions }

// Provider gives the number of the provider that the key lives in.
func (k *Key) Provider() claviger.ProviderID { return k.info.Provider }

// Close releases the key, within the stack's timeout. Idempotent.
func (k *Key) Close() error { return k.cc.release(0, k.end(nil)...) }

// end closes the key for its callers and adds its handle, which the caller releases, to
// handles; not twice.
func (k *Key) end(handles []uint64) []uint64 {
	if k.closed.Swap(true) || k.managed != nil {
		return handles
	}
	k.cleanup.Stop()
	return append(handles, k.handle)
}
