package main

import (
	"encoding/json"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// The types below are what --json prints. Fields are only added. States, kinds and operations are words, not the
// numbers that travel on the wire; lists are never null.

// printedSlot is a key slot.
type printedSlot struct {
	State      string                `json:"state"` // "empty", "occupied" or "locked"
	Algorithm  claviger.Algorithm    `json:"algorithm"`
	Primary    claviger.ProviderID   `json:"primary"`
	Compatible []claviger.ProviderID `json:"compatible"`
	Operations []string              `json:"operations"`
	Versions   []claviger.KeyVersion `json:"versions"` // oldest first
}

// printedName is a name that the caller can resolve.
type printedName struct {
	Name string       `json:"name"`           // as the caller's configuration has it
	Slot string       `json:"slot"`           // as the daemon's configuration has it
	Type string       `json:"type"`           // "key slot", "certificate slot" or "trust store"
	Key  *printedSlot `json:"key,omitempty"`  // of a key slot
	Cert string       `json:"cert,omitempty"` // state of a certificate slot
}

// printedProvider is a provider.
type printedProvider struct {
	ID        claviger.ProviderID `json:"id"`
	Name      string              `json:"name"`
	Kind      string              `json:"kind"` // "hardware" or "software"
	Available bool                `json:"available"`
	Reason    string              `json:"reason,omitempty"` // why it is not available
	Detail    string              `json:"detail,omitempty"` // of a device: what it is, and how the process is confined that works with it
	Restarts  uint64              `json:"restarts,omitempty"`
}

// printedOffer is a provider and what it offers.
type printedOffer struct {
	printedProvider
	Operations map[string][]claviger.Algorithm `json:"operations"` // algorithms by operation, in the order of their names
}

// printedStatus is client.Status with the providers in words.
type printedStatus struct {
	client.Status
	Providers []printedProvider `json:"providers"`
}

// printSlotInfo puts a slot into words.
func printSlotInfo(info claviger.KeySlotInfo) printedSlot {
	return printedSlot{info.State.String(), info.Algorithm, info.Primary, list(info.Compatible), list(info.Permissions.Words()), list(info.Versions)}
}

// printNames puts names and what they stand for into words, in the order of names.
func printNames(names []client.NamedSlot) []printedName {
	printed := []printedName{}
	for _, n := range names {
		p := printedName{Name: n.Name, Slot: n.Slot, Type: n.Type.String()}
		switch n.Type {
		case claviger.TypeKeySlot:
			key := printSlotInfo(n.Info)
			p.Key = &key
		case claviger.TypeCertSlot:
			p.Cert = n.Info.State.String()
		}
		printed = append(printed, p)
	}
	return printed
}

// printProviderInfos puts providers into words, in the order of the configuration.
func printProviderInfos(infos []claviger.ProviderInfo) []printedProvider {
	printed := []printedProvider{}
	for _, p := range infos {
		printed = append(printed, printProviderInfo(p))
	}
	return printed
}

// printProviderInfo puts a provider into words.
func printProviderInfo(p claviger.ProviderInfo) printedProvider {
	return printedProvider{p.ID, p.Name, p.Kind.String(), p.Available, p.Reason, p.Detail, p.Restarts}
}

// list makes an empty list of none.
func list[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}

// printJSON writes v as one indented JSON document.
func (a *app) printJSON(v any) error {
	e := json.NewEncoder(a.stdout)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
