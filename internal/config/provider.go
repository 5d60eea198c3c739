package config

import (
	"fmt"
	"math"
	"strings"

	"github.com/claviger/claviger"
)

// ProviderKinds lists the kinds of providers.
func ProviderKinds() []ProviderKind { return []ProviderKind{Software, Delay, PKCS11} }

// kindFields lists the fields that one kind of provider alone has.
func kindFields(k ProviderKind) []string {
	switch k {
	case Delay:
		return []string{"delay"}
	case PKCS11:
		return []string{"module", "token", "serial", "slot", "pin_file", "pin_credential", "sessions", "hang_after", "network",
			"sandbox", "user", "read", "write", "env"}
	}
	return nil
}

// providerList reads the [[provider]] tables, of which there must be one:
//
//	id     1 to 65535, unique; it is stored with keys and must stay the provider's
//	name   unique
//	kind   software, delay, pkcs11
//	delay  kind delay: how long each operation hangs; required
//
// and the fields of kind pkcs11, which the method token lists.
func (c *checker) providerList(root *section) {
	byID := make(map[claviger.ProviderID]string)
	for _, s := range root.list("provider") {
		p := Provider{Name: s.resourceName("name")}
		if n, ok := s.integer("id", 1, math.MaxUint16); ok {
			p.ID = claviger.ProviderID(n)
		} else if !s.wrong["id"] {
			s.complain("id", "is missing; it is the provider's number, 1 to %d, and must stay", math.MaxUint16)
		}
		s.kind(&p)
		if other, twice := byID[p.ID]; twice && p.ID != 0 {
			s.complain("id", "%d is also the id of provider %q", p.ID, other)
		}
		if c.providers[p.Name] != 0 {
			s.complain("name", "another provider has this name")
		}
		byID[p.ID] = p.Name
		if p.Name != "" {
			c.providers[p.Name] = max(p.ID, 1)
		}
		c.sameToken(s, p)
		c.cfg.Providers = append(c.cfg.Providers, p)
		s.finish()
	}
	if !root.has("provider") {
		root.complain("provider", "is missing; at least one is needed: [[provider]] with id, name and kind")
	}
}

// kind reads the kind of a provider and what belongs to it. Fields of another kind are complaints.
func (s *section) kind(p *Provider) {
	var words []string
	for _, k := range ProviderKinds() {
		words = append(words, string(k))
	}
	p.Kind = ProviderKind(s.oneOf("kind", words...))
	s.need("kind", "is missing; known are %s", strings.Join(words, ", "))
	for _, other := range ProviderKinds() {
		for _, key := range kindFields(other) {
			if other == p.Kind || !s.has(key) {
				continue
			}
			s.known = append(s.known, key)
			if p.Kind != "" {
				s.complain(key, "belongs to kind %q", other)
			}
		}
	}
	switch p.Kind {
	case Delay:
		p.Delay = s.duration("delay", 0, 0, MaxTimeout)
		s.need("delay", "is missing; it says how long each operation hangs")
	case PKCS11:
		p.Token = s.token()
	}
}

// sameToken warns of a second provider that works with the same token: each would give it its PIN, right or wrong.
func (c *checker) sameToken(s *section, p Provider) {
	if p.Token == nil || p.Token.Selector() == "" {
		return
	}
	for _, other := range c.cfg.Providers {
		if t := other.Token; t != nil && t.Module == p.Token.Module && t.Selector() == p.Token.Selector() {
			c.warn(s.at("module"), s.field("module"), "provider %q works with the same token; a wrong PIN costs it a try for each", other.Name)
		}
	}
}

// quote lists names for a complaint.
func quote[T ~string](names []T) string {
	text := make([]string, len(names))
	for i, n := range names {
		text[i] = fmt.Sprintf("%q", n)
	}
	return strings.Join(text, ", ")
}
