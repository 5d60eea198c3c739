package algorithm

import (
	"strings"

	"github.com/claviger/claviger"
)

// Kind says how a symmetric algorithm of a guest behaves, which of wasi-crypto's operations
// it has and what they mean there.
type Kind uint8

// The kinds. Zero is that of signatures and key exchange, which have no symmetric state.
const (
	KindHash    Kind = iota + 1 // absorb, squeeze of at most the digest, on a copy
	KindXOF                     // absorb, then squeeze without an end
	KindMAC                     // absorb, squeeze a tag, on a copy
	KindExtract                 // HKDF-Extract: absorb the salt, squeeze the key of its expanding half
	KindExpand                  // HKDF-Expand: absorb the information, squeeze
	KindAEAD                    // absorb associated data, encrypt once for a nonce, decrypt
	KindSession                 // all of it over one rolling state
	KindCipher                  // encrypt and decrypt without authentication
)

var kindWords = [...]string{"", "hash", "extendable output", "mac", "extract", "expand", "aead", "session", "cipher"}

// String gives the kind's word, "" for zero.
func (k Kind) String() string {
	if int(k) < len(kindWords) {
		return kindWords[k]
	}
	return "unknown"
}

// Guest is an algorithm under the name by which WebAssembly guests ask for it. Sizes are in
// bytes. Read only.
type Guest struct {
	Name    claviger.Algorithm // as the wasi-crypto specification spells it
	Aliases []string           // other spellings; matching ignores case
	Type    claviger.GuestType // family
	Use     *Row               // what it does: signature, agreement, encapsulation, hash, MAC, cipher or AEAD; HKDF itself for its halves
	Key     *Row               // key row of a pair; nil for symmetric algorithms
	Kind    Kind               // symmetric algorithms only

	// Symmetric algorithms: MinKey to MaxKey bytes make a key, a MaxKey of 0 means that there is none.
	MinKey, MaxKey int
	DefaultKey     int                // what generation makes
	KeyOptional    bool               // works without a key too
	Nonce          int                // AEADs and ciphers: length of the option "nonce"; 0 means any or none
	NonceOptional  bool               // without a nonce it is deterministic and safe
	RandomNonce    bool               // a nonce that is not given is drawn at random
	Padding        int                // CBC: encryption gives the next greater multiple of it; 0 means that nothing is padded
	Next           claviger.Algorithm // HKDF-Extract: the algorithm of the key that it gives
}

// Keyless reports whether a symmetric algorithm takes no key.
func (g *Guest) Keyless() bool { return g.MaxKey == 0 }

// LookupGuest finds what a guest calls name in one of wasi-crypto's families, without regard
// to case and through aliases. The result is shared.
func LookupGuest(t claviger.GuestType, name string) (*Guest, bool) {
	i, ok := guestIndex[guestKey{t, strings.ToLower(name)}]
	if !ok {
		return nil, false
	}
	return &guests[i], true
}

// Guests lists all, signatures first, then symmetric algorithms and key exchange. Read only.
func Guests() []Guest { return guests }

// guestKey is a name in lower case and the family it is looked for in.
type guestKey struct {
	family claviger.GuestType
	name   string
}

// guests and guestIndex are built once from the table and never written again.
var (
	guests     = buildGuests()
	guestIndex = indexedGuests(guests)
)

func indexedGuests(all []Guest) map[guestKey]int {
	m := make(map[guestKey]int, 2*len(all))
	for i, g := range all {
		for _, n := range append([]string{string(g.Name)}, g.Aliases...) {
			m[guestKey{g.Type, strings.ToLower(n)}] = i
		}
	}
	return m
}

// String gives the name.
func (g *Guest) String() string { return string(g.Name) }
