package software

import (
	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/provider"
)

// mechanismsOf turns a row of the algorithm table into mechanisms, one for each operation
// and key algorithm.
func mechanismsOf(row *algorithm.Row) []provider.Mechanism {
	keys := row.Keys
	if len(keys) == 0 {
		keys = []claviger.Algorithm{""}
	}
	cost := provider.Pool
	if row.Inline {
		cost = provider.Inline
	}
	var all []provider.Mechanism
	for _, k := range keys {
		for _, op := range operations(row) {
			m := provider.Mechanism{Op: op, Algorithm: row.Name, Key: k, Cost: cost, MaxMessage: row.MaxMessageFor(k), Stream: streams(row, op)}
			all = append(all, m)
		}
	}
	return all
}

// operations lists what a row's family does.
func operations(row *algorithm.Row) []provider.Op {
	switch row.Family {
	case algorithm.FamilyKey:
		return []provider.Op{provider.Generate, provider.Import}
	case algorithm.FamilyHash:
		return []provider.Op{provider.Hash}
	case algorithm.FamilyMAC:
		return []provider.Op{provider.MAC}
	case algorithm.FamilyCipher, algorithm.FamilyAEAD, algorithm.FamilyAsymmetric:
		return []provider.Op{provider.Encrypt, provider.Decrypt}
	case algorithm.FamilySignature:
		if row.Digest == "" || row.Keyed() {
			return []provider.Op{provider.Sign, provider.Verify}
		}
		return []provider.Op{provider.Sign, provider.Verify, provider.SignDigest, provider.VerifyDigest}
	case algorithm.FamilyAgreement:
		return []provider.Op{provider.Agree}
	case algorithm.FamilyKEM:
		return []provider.Op{provider.Encapsulate, provider.Decapsulate}
	case algorithm.FamilyKDF:
		return []provider.Op{provider.Derive}
	case algorithm.FamilyRandom:
		return []provider.Op{provider.Random}
	}
	return nil
}

// streams reports whether an operation works in constant memory.
func streams(row *algorithm.Row, op provider.Op) bool {
	switch row.Family {
	case algorithm.FamilyHash, algorithm.FamilyMAC, algorithm.FamilyCipher:
		return true
	case algorithm.FamilySignature:
		return row.Digest != "" && (op == provider.Sign || op == provider.Verify)
	}
	return false
}
