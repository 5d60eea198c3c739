package operation

import (
	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/provider"
)

// VerbCost says where a verb on k may run whose result is an ephemeral key of the same provider: Inline if k is ephemeral
// and its provider calls the verb Inline, and so the derivation behind it, where one is named. It decides nothing else:
// what does not fit may be either, and is refused when it runs.
func (k *Key) VerbCost(do provider.Op, derivation claviger.Algorithm) provider.Cost {
	if k.slot != "" {
		return provider.Pool
	}
	if derivation != "" && do != provider.Derive && !k.inline(provider.Derive, derivation, algorithm.Generic) {
		return provider.Pool
	}
	row, err := keyOpRow(do.String(), do, derivationOf(do, derivation), k.traits)
	if err != nil || !k.inline(do, row.Name, k.traits.Algorithm) {
		return provider.Pool
	}
	return provider.Inline
}

// derivationOf is the operation algorithm of a derivation; other verbs follow the key.
func derivationOf(do provider.Op, derivation claviger.Algorithm) claviger.Algorithm {
	if do == provider.Derive {
		return derivation
	}
	return ""
}

// inline reports whether k's provider has a mechanism and calls it short.
func (k *Key) inline(do provider.Op, name, key claviger.Algorithm) bool {
	if do == provider.Derive {
		if row, ok := algorithm.Lookup(name, algorithm.FamilyKDF); ok {
			name = row.Name
		}
	}
	m, ok := k.home.row(do, name, key)
	return ok && m.Cost == provider.Inline
}
