package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/algorithm"
	"github.com/claviger/claviger/internal/policy"
)

// operationFamilies are the families of which a slot's modes may be. Hashes and random numbers need no key.
func operationFamilies() []algorithm.Family {
	return []algorithm.Family{
		algorithm.FamilyCipher, algorithm.FamilyAEAD, algorithm.FamilyMAC, algorithm.FamilySignature,
		algorithm.FamilyAsymmetric, algorithm.FamilyAgreement, algorithm.FamilyKEM, algorithm.FamilyKDF,
	}
}

// slots reads the [[slot]] tables:
//
//	name          unique among key slots
//	algorithm     a key algorithm, under any of its names
//	providers     names; the first is primary and the only writer
//	operations    permission words; [] permits nothing, which is legal
//	modes         operation algorithms that fit the key; left out: all that fit
//	caller_nonce  whether callers may choose AEAD nonces; default false
func (c *checker) slots(root *section) {
	for _, s := range root.list("slot") {
		slot := policy.Slot{Name: s.resourceName("name"), Algorithm: s.keyAlgorithm()}
		slot.Providers = s.slotProviders()
		slot.Operations, _ = s.operations("operations")
		s.need("operations", "is missing; it says what the key may do, such as [\"encrypt\", \"decrypt\"]")
		slot.Modes = s.modes(slot)
		slot.CallerNonce = s.flag("caller_nonce")
		if slot.Name != "" && c.slot(slot.Name) != nil {
			s.complain("name", "another slot has this name")
		}
		c.cfg.Rules.Slots = append(c.cfg.Rules.Slots, slot)
		s.finish()
	}
}

// slot finds a slot that was read before.
func (c *checker) slot(name string) *policy.Slot {
	for i := range c.cfg.Rules.Slots {
		if c.cfg.Rules.Slots[i].Name == name {
			return &c.cfg.Rules.Slots[i]
		}
	}
	return nil
}

// keyAlgorithm gives the canonical name of the slot's key algorithm.
func (s *section) keyAlgorithm() claviger.Algorithm {
	text := s.text("algorithm")
	if text == "" {
		s.need("algorithm", "is missing; it is a key algorithm such as \"AES-256\"")
		return ""
	}
	if row, ok := algorithm.Lookup(claviger.Algorithm(text), algorithm.FamilyKey); ok {
		return row.Name
	}
	families := append(operationFamilies(), algorithm.FamilyHash, algorithm.FamilyRandom)
	row, ok := algorithm.Lookup(claviger.Algorithm(text), families...)
	switch {
	case !ok:
		s.complain("algorithm", "unknown algorithm %q", claviger.Clip(text))
	case len(row.Keys) == 0:
		s.complain("algorithm", "%q needs no key: it is of family %s", row.Name, row.Family)
	default:
		s.complain("algorithm", "%q is no key algorithm but of family %s; its keys are %s", row.Name, row.Family, quote(row.Keys))
	}
	return ""
}

// slotProviders gives the numbers of the slot's providers in the order of the file.
func (s *section) slotProviders() []claviger.ProviderID {
	list, there := s.words("providers")
	if !there {
		s.need("providers", "is missing; the first of them is primary and the only writer")
		return nil
	}
	if len(list) == 0 && !s.wrong["providers"] {
		s.complain("providers", "is empty; a slot needs a provider")
	}
	var ids []claviger.ProviderID
	seen := make(map[string]bool)
	for _, v := range list {
		id, known := s.c.providers[v.text]
		switch {
		case !known:
			s.c.complain(v.at, s.field("providers"), "no [[provider]] is named %q; there are %s", claviger.Clip(v.text), namesOf(s.c.providers))
		case seen[v.text]:
			s.c.complain(v.at, s.field("providers"), "%q is named twice", v.text)
		default:
			ids = append(ids, id)
		}
		seen[v.text] = true
	}
	return ids
}

// operations gives the permissions of an array of words, and whether the key is there.
func (s *section) operations(key string) (claviger.Permission, bool) {
	list, there := s.words(key)
	var all claviger.Permission
	for _, v := range list {
		p, err := claviger.ParsePermission(v.text)
		switch {
		case strings.Contains(v.text, "|"):
			s.c.complain(v.at, s.field(key), "%q joins words; an array has one word each", claviger.Clip(v.text))
		case err != nil:
			s.c.complain(v.at, s.field(key), "%s", reason(err))
		}
		all |= p
	}
	return all, there
}

// modes gives the canonical operation algorithms that the slot's key may serve.
func (s *section) modes(slot policy.Slot) []claviger.Algorithm {
	list, there := s.words("modes")
	if there && len(list) == 0 && !s.wrong["modes"] {
		s.complain("modes", "is empty; leave it out to allow all that fit")
	}
	var modes []claviger.Algorithm
	for _, v := range list {
		row, why := mode(claviger.Algorithm(v.text), slot)
		switch {
		case why != "":
			s.c.complain(v.at, s.field("modes"), "%s", why)
		case slices.Contains(modes, row.Name):
			s.c.complain(v.at, s.field("modes"), "%q is named twice", row.Name)
		default:
			modes = append(modes, row.Name)
		}
	}
	return modes
}

// mode finds the row of an operation algorithm that fits the slot's key, or says why there is none.
func mode(name claviger.Algorithm, slot policy.Slot) (*algorithm.Row, string) {
	var found *algorithm.Row
	for _, family := range operationFamilies() {
		row, ok := algorithm.Lookup(name, family)
		if !ok {
			continue
		}
		found = row
		if slot.Algorithm == "" || row.Fits(slot.Algorithm) {
			if row.BothWays && !slot.Operations.Has(claviger.Encrypt|claviger.Decrypt) {
				return nil, fmt.Sprintf("%q needs the operations encrypt and decrypt both", row.Name)
			}
			return row, ""
		}
	}
	if found == nil {
		return nil, fmt.Sprintf("unknown operation algorithm %q", claviger.Clip(string(name)))
	}
	return nil, fmt.Sprintf("%q does not work with %q keys; its keys are %s", found.Name, slot.Algorithm, quote(found.Keys))
}

// certSlots reads the [[cert_slot]] tables: a name, unique among certificate slots.
func (c *checker) certSlots(root *section) {
	for _, s := range root.list("cert_slot") {
		name := s.resourceName("name")
		if c.certs[name] {
			s.complain("name", "another certificate slot has this name")
		}
		if name != "" {
			c.certs[name] = true
			c.cfg.Rules.CertSlots = append(c.cfg.Rules.CertSlots, name)
		}
		s.finish()
	}
}

// trustStores reads the [[trust_store]] tables: a unique name, and members, certificate slots of the file.
func (c *checker) trustStores(root *section) {
	for _, s := range root.list("trust_store") {
		store := policy.TrustStore{Name: s.resourceName("name")}
		if c.stores[store.Name] {
			s.complain("name", "another trust store has this name")
		}
		list, there := s.words("members")
		if there && len(list) == 0 && !s.wrong["members"] {
			s.complain("members", "is empty; a trust store needs a certificate slot")
		}
		s.need("members", "is missing; it lists the certificate slots whose certificates are trusted")
		for _, v := range list {
			switch {
			case !c.certs[v.text]:
				c.complain(v.at, s.field("members"), "no [[cert_slot]] is named %q; there are %s", claviger.Clip(v.text), namesOf(c.certs))
			case slices.Contains(store.Members, v.text):
				c.complain(v.at, s.field("members"), "%q is named twice", v.text)
			default:
				store.Members = append(store.Members, v.text)
			}
		}
		if store.Name != "" {
			c.stores[store.Name] = true
		}
		c.cfg.Rules.TrustStores = append(c.cfg.Rules.TrustStores, store)
		s.finish()
	}
}

// namesOf lists the names that a reference may have, "none" if there are none.
func namesOf[V any](names map[string]V) string {
	if len(names) == 0 {
		return "none"
	}
	return quote(slices.Sorted(maps.Keys(names)))
}
