package config

import (
	"encoding/hex"
	"maps"
	"os/user"
	"slices"
	"strconv"
	"strings"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/policy"
)

// apps reads the [[app]] tables: first each by itself, then who vouches for whom, because a guest may stand below its host.
//
//	name          unique; not beginning with "admin:"
//	uid           its number; one uid is one application
//	user          or its user's name, looked up now
//	wasm_sha256   or, for a guest, the digests of its module
//	vouch_guests  guests that this application may say it runs
//	resources     what the program's names stand for
func (c *checker) apps(root *section) {
	sections := root.list("app")
	names, uids := make(map[string]bool), make(map[uint32]string)
	digests, guests := make(map[[32]byte]string), make(map[string]bool)
	for _, s := range sections {
		app := policy.App{Name: s.resourceName("name")}
		if names[app.Name] {
			s.complain("name", "another application has this name")
		}
		if strings.HasPrefix(app.Name, "admin:") {
			s.complain("name", `begins with "admin:", as the names of administrators do`)
		}
		names[app.Name] = app.Name != ""
		app.UID = s.uid(uids, app.Name)
		app.Digests = s.digests(digests, app.Name)
		guests[app.Name] = guests[app.Name] || s.has("wasm_sha256")
		app.Resources = s.resources()
		c.cfg.Rules.Apps = append(c.cfg.Rules.Apps, app)
	}
	for i, s := range sections {
		c.cfg.Rules.Apps[i].Vouches = s.vouches(guests)
		s.finish()
	}
	for i, s := range sections {
		app := c.cfg.Rules.Apps[i]
		vouched := func(other policy.App) bool { return slices.Contains(other.Vouches, app.Name) }
		if app.Digests != nil && !slices.ContainsFunc(c.cfg.Rules.Apps, vouched) {
			c.warn(s.at("wasm_sha256"), s.field("wasm_sha256"), "no application lists this guest in its vouch_guests; nobody can run it")
		}
	}
}

// uid gives the uid of a native application, from its number or its user's name. It complains if that is not the one
// way in which the application says who it is.
func (s *section) uid(taken map[uint32]string, app string) *uint32 {
	number, numbered := s.integer("uid", 0, maxUID)
	name := s.text("user")
	ways := 0
	for _, key := range []string{"uid", "user", "wasm_sha256"} {
		if s.has(key) {
			ways++
		}
	}
	if ways != 1 {
		s.complain("name", "an application has exactly one of uid, user and wasm_sha256; this one has %d", ways)
	}
	key, uid := "uid", uint32(number)
	if name != "" {
		key = "user"
		found, err := lookupUser(name)
		if err != nil {
			s.complain("user", "there is no user %q on this machine", claviger.Clip(name))
			return nil
		}
		uid = found
	} else if !numbered {
		return nil
	}
	if uid == s.c.overflow {
		s.complain(key, "is "+unnamedUID, uid)
	}
	if other, twice := taken[uid]; twice {
		s.complain(key, "uid %d is also that of application %q; one uid is one application", uid, other)
	}
	taken[uid] = app
	return &uid
}

// lookupUser asks the machine's user database for a user's uid.
func lookupUser(name string) (uint32, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return 0, err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	return uint32(uid), err
}

// digests gives the SHA-256 digests of a guest's module.
func (s *section) digests(taken map[[32]byte]string, app string) [][32]byte {
	list, there := s.words("wasm_sha256")
	if there && len(list) == 0 && !s.wrong["wasm_sha256"] {
		s.complain("wasm_sha256", "is empty; a guest needs its module's digest")
	}
	var all [][32]byte
	for _, v := range list {
		raw, err := hex.DecodeString(v.text)
		if err != nil || len(raw) != 32 {
			s.c.complain(v.at, s.field("wasm_sha256"), "%q is no SHA-256 digest; 64 hexadecimal digits are", claviger.Clip(v.text))
			continue
		}
		digest := [32]byte(raw)
		if other, twice := taken[digest]; twice {
			s.c.complain(v.at, s.field("wasm_sha256"), "is also a digest of application %q", other)
		}
		taken[digest] = app
		all = append(all, digest)
	}
	return all
}

// vouches gives the guests that an application may say it runs, each of them one of guests.
func (s *section) vouches(guests map[string]bool) []string {
	list, there := s.words("vouch_guests")
	if !there {
		return nil
	}
	if s.has("wasm_sha256") {
		s.complain("vouch_guests", "belongs to a native application; a guest vouches for nobody")
	}
	if len(list) == 0 && !s.wrong["vouch_guests"] {
		s.complain("vouch_guests", "is empty; leave it out")
	}
	var names []string
	for _, v := range list {
		switch {
		case !guests[v.text]:
			s.c.complain(v.at, s.field("vouch_guests"), "no [[app]] with a wasm_sha256 is named %q", claviger.Clip(v.text))
		case slices.Contains(names, v.text):
			s.c.complain(v.at, s.field("vouch_guests"), "%q is named twice", v.text)
		default:
			names = append(names, v.text)
		}
	}
	return names
}

// resources reads an application's mapping, in the order of the file.
func (s *section) resources() map[string]policy.Resource {
	outer := s.one("resources")
	all := make(map[string]policy.Resource)
	for _, key := range slices.Clone(outer.t.order) {
		if err := claviger.CheckName("config", key); err != nil {
			outer.known = append(outer.known, key)
			s.c.complain(outer.t.entries[key].at, outer.field(claviger.Clip(key)), "%s", reason(err))
			continue
		}
		v := outer.get(key, `a table such as { slot = "NAME" }`, inlineKind, tableKind)
		if v == nil {
			continue
		}
		r := s.c.section(v.table, s.name+".resources."+key)
		all[key] = r.resource()
	}
	return all
}

// resource reads { slot | cert_slot | trust_store = NAME, operations = [...], write = [...] }.
func (s *section) resource() policy.Resource {
	targets := map[string]claviger.ResourceType{
		"slot": claviger.TypeKeySlot, "cert_slot": claviger.TypeCertSlot, "trust_store": claviger.TypeTrustStore,
	}
	var r policy.Resource
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(targets)) {
		if text := s.text(key); s.has(key) {
			keys, r.Type, r.Target = append(keys, key), targets[key], text
		}
	}
	ops, narrowed := s.operations("operations")
	words, _ := s.words("write")
	if len(keys) != 1 {
		s.c.complain(s.t.at, s.name, "names %d targets; exactly one of slot, cert_slot and trust_store is wanted", len(keys))
		s.finish()
		return r
	}
	s.target(keys[0], &r, ops, narrowed)
	for _, v := range words {
		w, ok := policy.ParseWrite(v.text, r.Type)
		if !ok {
			s.c.complain(v.at, s.field("write"), "%q is no change of a %s; %s", claviger.Clip(v.text), r.Type, changes(r.Type))
			continue
		}
		r.Write |= w
	}
	s.finish()
	return r
}

// target checks that the resource's target exists, and sets the operations of a key slot: the mapping's own, or the
// slot's where it has none. A word that the slot does not have is a mistake; a preset such as "all" is cut down.
func (s *section) target(key string, r *policy.Resource, ops claviger.Permission, narrowed bool) {
	known := map[string]bool{}
	switch r.Type {
	case claviger.TypeCertSlot:
		known = s.c.certs
	case claviger.TypeTrustStore:
		known = s.c.stores
	case claviger.TypeKeySlot:
		for _, slot := range s.c.cfg.Rules.Slots {
			known[slot.Name] = true
		}
	}
	if r.Target != "" && !known[r.Target] {
		s.complain(key, "no [[%s]] is named %q; there are %s", key, claviger.Clip(r.Target), namesOf(known))
		return
	}
	slot := s.c.slot(r.Target)
	if r.Type != claviger.TypeKeySlot {
		s.misfit("operations", "belongs to a key slot; a %s has none", r.Type)
		return
	}
	if slot == nil {
		return
	}
	r.Operations = slot.Operations
	if !narrowed {
		return
	}
	r.Operations &= ops
	list, _ := s.words("operations")
	for _, v := range list {
		p, err := claviger.ParsePermission(v.text)
		if err == nil && len(p.Words()) == 1 && !slot.Operations.Has(p) {
			s.c.complain(v.at, s.field("operations"), "slot %q does not have %q; it has %s", slot.Name, v.text, slot.Operations)
		}
	}
}

// changes lists the words that a write list may hold for a type.
func changes(t claviger.ResourceType) string {
	var words []string
	for _, w := range []string{"generate", "import", "persist", "clear", "save", "crl"} {
		if _, ok := policy.ParseWrite(w, t); ok {
			words = append(words, w)
		}
	}
	if len(words) == 0 {
		return "it has none"
	}
	return "known are " + strings.Join(words, ", ")
}
