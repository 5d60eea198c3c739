// Package policy decides. It parses nothing, opens nothing and logs nothing: it takes the rules that configuration
// made and answers whether a caller may, with a Grant or a refusal. A Policy never changes; a reload makes a new one.
package policy

import (
	"slices"
	"strings"

	"github.com/claviger/claviger"
)

// Write is the set of changes that a mapping allows on its slot.
type Write uint8

// The changes. The first four are for key slots, WriteSave and WriteCRL for certificate slots, WriteClear for both.
const (
	WriteGenerate Write = 1 << iota
	WriteImport
	WritePersist
	WriteClear
	WriteSave
	WriteCRL

	writeKeySlot  = WriteGenerate | WriteImport | WritePersist | WriteClear
	writeCertSlot = WriteSave | WriteCRL | WriteClear
)

var writeWords = [...]string{"generate", "import", "persist", "clear", "save", "crl"}

// String gives the words joined by "|".
func (w Write) String() string {
	var words []string
	for i, word := range writeWords {
		if w&(1<<i) != 0 {
			words = append(words, word)
		}
	}
	return strings.Join(words, "|")
}

// ParseWrite reads one word for a resource of the given type. An unknown word, or one of another type, is false.
func ParseWrite(word string, t claviger.ResourceType) (Write, bool) {
	i := slices.Index(writeWords[:], word)
	if i < 0 {
		return 0, false
	}
	w := Write(1) << i
	switch t {
	case claviger.TypeKeySlot:
		return w, w&writeKeySlot != 0
	case claviger.TypeCertSlot:
		return w, w&writeCertSlot != 0
	}
	return 0, false
}

// Rules are what configuration says. Names are unique within their list and every reference is good: configuration
// has checked that. New takes ownership.
type Rules struct {
	Slots       []Slot
	CertSlots   []string
	TrustStores []TrustStore
	Apps        []App
	Admins      []uint32  // uids
	Open        *OpenRule // one-user mode without configuration; nil otherwise
}

// Slot is a key slot.
type Slot struct {
	Name        string
	Algorithm   claviger.Algorithm    // canonical; "" lets the first key decide (open rule only)
	Providers   []claviger.ProviderID // the first is primary and the only writer
	Operations  claviger.Permission
	Modes       []claviger.Algorithm // operation algorithms that the key may serve; empty: all that fit
	CallerNonce bool                 // the caller may choose AEAD nonces
}

// AllowsMode reports whether the slot's key may serve the operation algorithm.
func (s *Slot) AllowsMode(alg claviger.Algorithm) bool {
	return len(s.Modes) == 0 || slices.Contains(s.Modes, alg)
}

// TrustStore is a set of certificate slots whose certificates are anchors.
type TrustStore struct {
	Name    string
	Members []string
}

// App is a caller: a native program by its uid, or a Wasm guest by its module's digest.
type App struct {
	Name      string
	UID       *uint32             // nil for a guest
	Digests   [][32]byte          // a guest's: SHA-256 of its module, several during an upgrade; nil for a native program
	Vouches   []string            // a native program's: the guests that it may say it runs
	Resources map[string]Resource // by the name that the program uses
}

// Resource is what a program's name stands for and what the program may do with it.
type Resource struct {
	Type       claviger.ResourceType // TypeKeySlot, TypeCertSlot or TypeTrustStore
	Target     string                // name of the slot or store
	Operations claviger.Permission   // key slots: intersected with the slot's
	Write      Write
}

// OpenRule is the policy of an instance that one user runs for himself: every valid name of that user is a slot of
// its own, with any algorithm and all operations, and every valid name may be that of a guest which the user runs.
type OpenRule struct {
	UID       uint32
	Providers []claviger.ProviderID
}
