package operation

import (
	"strconv"
	"sync/atomic"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/provider"
)

// publicBits are the permissions that the public half of a pair serves; the private half serves the others. Agree is
// both: agreeing and decapsulating are the private half's, encapsulating is the public half's.
const publicBits = claviger.Verify | claviger.Encrypt | claviger.Wrap

// Traits are what is known of a key without its bytes.
type Traits struct {
	Algorithm   claviger.Algorithm
	Class       claviger.KeyClass
	Bits        int
	Permissions claviger.Permission // as generated, imported or stored
	Public      claviger.Permission // of a pair: what its public half may serve
	Restricted  bool                // of a pair: Public was chosen, and is not what the type of key can serve
	Raw         bool                // of a managed pair: what it agrees on or decapsulates may be exported, as wasi-crypto has it
	Within      claviger.Permission // what slot and mapping leave of Permissions, where somebody asks; a key itself does not know
}

// For gives the permissions that decide about an operation. For the private half of a pair and for all other keys they
// are the key's own. The public half of a pair may do whatever its type of key serves (verify, encrypt, encapsulate),
// unless it was restricted when the pair was made.
func (t Traits) For(op provider.Op) claviger.Permission {
	if t.Class != claviger.PrivateKey || !publicOp(op) {
		return t.Permissions
	}
	if t.Restricted {
		return t.Permissions&^(publicBits|claviger.Agree) | t.Public
	}
	return t.Permissions | t.Public
}

// publicOp reports whether the public half of a pair does the operation.
func publicOp(op provider.Op) bool {
	switch op {
	case provider.Verify, provider.VerifyDigest, provider.Encrypt, provider.Encapsulate, provider.Wrap:
		return true
	}
	return false
}

// public reports whether the public half of the key does the operation, so that it needs no other.
func (t Traits) public(op provider.Op) bool { return t.Class != claviger.SecretKey && publicOp(op) }

// publicDefault is what the public half of a key of the given algorithm serves. It may always be given out.
func publicDefault(key claviger.Algorithm) claviger.Permission {
	p := claviger.Export
	for _, row := range algorithm.All() {
		if !row.Fits(key) {
			continue
		}
		switch row.Family {
		case algorithm.FamilySignature:
			p |= claviger.Verify
		case algorithm.FamilyAsymmetric:
			p |= claviger.Encrypt | claviger.Wrap
		case algorithm.FamilyKEM, algorithm.FamilyAgreement:
			p |= claviger.Agree
		}
	}
	return p
}

// newTraits describes a key that was just made. public is nil where nothing was asked for.
func newTraits(k provider.Key, permissions claviger.Permission, public *claviger.Permission) Traits {
	spec := k.Spec()
	t := Traits{Algorithm: spec.Algorithm, Class: spec.Class, Bits: k.Bits(), Permissions: permissions}
	if t.Class == claviger.PrivateKey {
		t.Public = publicDefault(spec.Algorithm)
		if public != nil {
			t.Public, t.Restricted = *public, true
		}
	}
	return t
}

// Key is a live key. It is born with one reference, which its maker owns; at the last Release it is closed and wiped.
type Key struct {
	engine *Engine
	home   *member
	key    provider.Key
	traits Traits
	guest  *algorithm.Guest // of a managed key; else nil
	slot   string           // "" for an ephemeral key
	num    uint64           // version in the slot
	refs   atomic.Int64
	half   bool        // the public half of a slot's key alone, in a provider that cannot have the other
	gone   atomic.Bool // the slot's version was destroyed
}

// loadedID names a slot key in memory.
type loadedID struct {
	slot     string
	version  uint64
	provider claviger.ProviderID
	half     bool
}

// newKey wraps a provider's key and owns it.
func (e *Engine) newKey(home *member, key provider.Key, t Traits) *Key {
	k := &Key{engine: e, home: home, key: key, traits: t}
	k.refs.Store(1)
	e.live.Add(1)
	return k
}

// Traits describes the key.
func (k *Key) Traits() Traits { return k.traits }

// Info describes the key as its users see it.
func (k *Key) Info() claviger.KeyInfo {
	info := claviger.KeyInfo{Algorithm: k.traits.Algorithm, Class: k.traits.Class, Persistence: claviger.Ephemeral,
		Permissions: k.traits.Permissions, Provider: k.home.ID, Bits: k.traits.Bits}
	if k.slot != "" {
		info.Persistence = claviger.Persistent
	}
	return info
}

// Slot names the slot and version that the key was loaded from; "" and 0 for an ephemeral key.
func (k *Key) Slot() (string, uint64) { return k.slot, k.num }

// Retain adds a reference. Only who holds one may call it.
func (k *Key) Retain() *Key {
	k.refs.Add(1)
	return k
}

// Release gives a reference back. The last one closes the key, which wipes it.
func (k *Key) Release() {
	if k.slot == "" {
		if k.refs.Add(-1) == 0 {
			k.close()
		}
		return
	}
	if k.engine.unload(k) {
		k.close()
	}
}

// close wipes the key in its provider. Whoever gave the last reference back calls it.
func (k *Key) close() {
	k.engine.live.Add(-1)
	_ = k.key.Close()
}

// alive refuses the use of a key whose slot version was destroyed.
func (k *Key) alive(op string) error {
	if k == nil || !k.gone.Load() {
		return nil
	}
	return claviger.Errorf(claviger.ErrKeySlotEmpty, op, "version %d of slot %q was destroyed", k.num, k.slot)
}

// number writes n in decimal.
func number(n uint64) string { return strconv.FormatUint(n, 10) }
