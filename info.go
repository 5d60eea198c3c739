package claviger

import "slices"

// KeySlotInfo describes a key slot. Two are the same when Equal says so.
type KeySlotInfo struct {
	State       SlotState    `json:"state"`
	Algorithm   Algorithm    `json:"algorithm"`   // key algorithm; "" for an open slot that is empty
	Primary     ProviderID   `json:"primary"`     // the only provider that writes the slot
	Compatible  []ProviderID `json:"compatible"`  // providers that can use the key, the primary first, in the configured order
	Permissions Permission   `json:"permissions"` // slot ∩ mapping ∩ key
	Versions    []KeyVersion `json:"versions"`    // oldest first; empty for an empty slot
}

// Equal reports whether state, algorithm, providers and permissions agree; versions are left out, because they carry
// random identifiers.
func (i KeySlotInfo) Equal(j KeySlotInfo) bool {
	return i.State == j.State && i.Algorithm == j.Algorithm && i.Primary == j.Primary &&
		slices.Equal(i.Compatible, j.Compatible) && i.Permissions == j.Permissions
}

// KeyVersion describes one version of a slot's key. Versions count from 1 and never repeat.
type KeyVersion struct {
	Version uint64 `json:"version"`
	ID      string `json:"id"` // 32 hexadecimal characters, random, names this key material for ever
}

// KeyInfo describes a live key.
type KeyInfo struct {
	Algorithm   Algorithm   `json:"algorithm"`
	Class       KeyClass    `json:"class"`
	Persistence Persistence `json:"persistence"`
	Permissions Permission  `json:"permissions"`
	Provider    ProviderID  `json:"provider"`
	Bits        int         `json:"bits"`
}

// ProviderInfo describes a provider.
type ProviderInfo struct {
	ID        ProviderID   `json:"id"`
	Name      string       `json:"name"`
	Kind      ProviderKind `json:"kind"`      // Hardware or Software
	Available bool         `json:"available"` // false: the text in Reason says why
	Reason    string       `json:"reason,omitempty"`
	Detail    string       `json:"detail,omitempty"`   // of a device: what it is, and how the process is confined that works with it
	Restarts  uint64       `json:"restarts,omitempty"` // of that process since the daemon started
}

// AlgorithmInfo says what can be done under one name, and by whom.
type AlgorithmInfo struct {
	Name       Algorithm    `json:"name"`
	Aliases    []string     `json:"aliases,omitempty"`
	Operations []string     `json:"operations"` // "hash", "mac", "encrypt", "decrypt", "sign", "verify", "agree", "encapsulate", "decapsulate", "derive", "generate", "import"
	Keys       []Algorithm  `json:"keys,omitempty"`
	Providers  []ProviderID `json:"providers"`
}
