package policy

import (
	"fmt"
	"slices"

	"github.com/claviger/claviger"
)

// Policy answers questions about callers. It never changes and is safe for concurrent use.
type Policy struct {
	slots  map[string]*Slot
	certs  map[string]bool
	stores map[string]*TrustStore
	byUID  map[uint32]*App
	guests map[[32]byte]*App
	apps   []App
	admins []uint32
	open   *OpenRule
}

// New makes a policy of rules that configuration has checked.
func New(r Rules) *Policy {
	p := &Policy{
		slots:  make(map[string]*Slot),
		certs:  make(map[string]bool),
		stores: make(map[string]*TrustStore),
		byUID:  make(map[uint32]*App),
		guests: make(map[[32]byte]*App),
		apps:   r.Apps,
		admins: r.Admins,
		open:   r.Open,
	}
	for i := range r.Slots {
		p.slots[r.Slots[i].Name] = &r.Slots[i]
	}
	for _, name := range r.CertSlots {
		p.certs[name] = true
	}
	for i := range r.TrustStores {
		p.stores[r.TrustStores[i].Name] = &r.TrustStores[i]
	}
	for i := range r.Apps {
		if r.Apps[i].UID != nil {
			p.byUID[*r.Apps[i].UID] = &r.Apps[i]
		}
		for _, digest := range r.Apps[i].Digests {
			p.guests[digest] = &r.Apps[i]
		}
	}
	return p
}

// Caller is who calls: an application, an administrator, or both; or a Wasm guest, which is never an administrator.
type Caller struct {
	Tenant string // name of the application; "admin:UID" for an administrator that is none
	UID    uint32 // a guest's is that of the program that runs it
	Admin  bool
	Runner string // of a guest: the tenant that runs it; "" for everybody else
	Module Module // of a guest: what its runner said of it
}

// Identify says who a uid is. A uid that is neither an application nor an administrator is ErrAccessDenied, and the
// text holds the lines to add to the configuration.
func (p *Policy) Identify(uid uint32) (Caller, error) {
	admin := slices.Contains(p.admins, uid)
	switch app := p.byUID[uid]; {
	case app != nil:
		return Caller{Tenant: app.Name, UID: uid, Admin: admin}, nil
	case p.open != nil && p.open.UID == uid:
		return Caller{Tenant: selfTenant, UID: uid, Admin: true}, nil
	case admin:
		return Caller{Tenant: adminTenant(uid), UID: uid, Admin: true}, nil
	}
	return Caller{}, claviger.Errorf(claviger.ErrAccessDenied, "hello",
		"no application with uid %d is configured; to let it in, add\n[[app]]\nname = \"NAME\"\nuid  = %d\n[app.resources]\n", uid, uid)
}

// selfTenant is the user of the open rule.
const selfTenant = "self"

// adminTenant is an administrator who is no application.
func adminTenant(uid uint32) string { return fmt.Sprintf("admin:%d", uid) }

// Tenants lists the names of all tenants that the rules know, guests included, in no order. A tenant whose name is not
// among them has been removed.
func (p *Policy) Tenants() []string {
	var names []string
	for i := range p.apps {
		names = append(names, p.apps[i].Name)
	}
	for _, uid := range p.admins {
		names = append(names, adminTenant(uid))
	}
	if p.open != nil {
		names = append(names, selfTenant)
	}
	return names
}

// Resolved is a name looked up for one caller under one policy. It is a plain value; Who and What locks are applied
// by Use, Write and the rest.
type Resolved struct {
	Name   string // as the caller calls it
	Type   claviger.ResourceType
	Target string // as the configuration calls it
}

// AnyTenant reports whether any name may be that of a tenant, so that none is ever removed: the user of the open rule
// names guests as he likes.
func (p *Policy) AnyTenant() bool { return p.open != nil }

// Resolve looks a name up for a caller. An unmapped name is ErrInvalidResourceID, one of another type
// ErrInvalidResourceType.
func (p *Policy) Resolve(c Caller, name string, t claviger.ResourceType) (Resolved, error) {
	if err := claviger.CheckName("resolve", name); err != nil {
		return Resolved{}, err
	}
	r, ok := p.resource(c, name, t)
	if !ok {
		return Resolved{}, claviger.Errorf(claviger.ErrInvalidResourceID, "resolve", "%s %q is not mapped for %s", t, name, c.Tenant)
	}
	if r.Type != t {
		return Resolved{}, claviger.Errorf(claviger.ErrInvalidResourceType, "resolve", "%q is a %s, not a %s", name, r.Type, t)
	}
	return Resolved{Name: name, Type: t, Target: r.Target}, nil
}

// app gives the application that a caller is; nil for one that is none.
func (p *Policy) app(c Caller) *App {
	if !c.guest() {
		return p.byUID[c.UID]
	}
	if app := p.guests[c.Module.SHA256]; app != nil && app.Name == c.Tenant {
		return app
	}
	return nil // one that the user of the open rule named
}

// resource finds what a name is for a caller: the application's own mapping first, then, for an administrator, the slot
// or store of that name with every change but no operation, then the open rule. A guest has its own mapping and nothing
// else.
func (p *Policy) resource(c Caller, name string, t claviger.ResourceType) (Resource, bool) {
	if app := p.app(c); app != nil {
		if r, ok := app.Resources[name]; ok {
			return r, true
		}
	}
	if c.guest() {
		return Resource{}, false
	}
	if slices.Contains(p.admins, c.UID) {
		switch {
		case t == claviger.TypeKeySlot && p.slots[name] != nil:
			return Resource{Type: t, Target: name, Write: writeKeySlot}, true
		case t == claviger.TypeCertSlot && p.certs[name]:
			return Resource{Type: t, Target: name, Write: writeCertSlot}, true
		case t == claviger.TypeTrustStore && p.stores[name] != nil:
			return Resource{Type: t, Target: name}, true
		}
	}
	if p.open != nil && p.open.UID == c.UID {
		return p.open.resource(name, t)
	}
	return Resource{}, false
}

func (o *OpenRule) resource(name string, t claviger.ResourceType) (Resource, bool) {
	switch t {
	case claviger.TypeKeySlot:
		return Resource{Type: t, Target: name, Operations: claviger.AllPermissions, Write: writeKeySlot}, true
	case claviger.TypeCertSlot:
		return Resource{Type: t, Target: name, Write: writeCertSlot}, true
	case claviger.TypeTrustStore: // a trust store of the same name holds the certificate slot of that name
		return Resource{Type: t, Target: name}, true
	}
	return Resource{}, false
}

// Slot gives the rules of a key slot, or ErrInvalidResourceID if the configuration in force no longer has it.
func (p *Policy) Slot(target string) (*Slot, error) {
	if s := p.slots[target]; s != nil {
		return s, nil
	}
	if p.open != nil {
		return &Slot{Name: target, Providers: p.open.Providers, Operations: claviger.AllPermissions}, nil
	}
	return nil, claviger.Errorf(claviger.ErrInvalidResourceID, "slot", "key slot %q is no longer configured", target)
}

// Members gives the certificate slots of a trust store, or ErrInvalidResourceID.
func (p *Policy) Members(target string) ([]string, error) {
	if s := p.stores[target]; s != nil {
		return s.Members, nil
	}
	if p.open != nil {
		return []string{target}, nil
	}
	return nil, claviger.Errorf(claviger.ErrInvalidResourceID, "trust store", "trust store %q is no longer configured", target)
}

// Names lists what a caller can resolve: its own mappings, and for an administrator who is no guest all slots and
// stores. The order is that of the names.
func (p *Policy) Names(c Caller) []Resolved {
	seen := make(map[string]bool)
	var list []Resolved
	add := func(name, target string, t claviger.ResourceType) {
		if !seen[name] {
			seen[name] = true
			list = append(list, Resolved{Name: name, Type: t, Target: target})
		}
	}
	if app := p.app(c); app != nil {
		for name, r := range app.Resources {
			add(name, r.Target, r.Type)
		}
	}
	if !c.guest() && slices.Contains(p.admins, c.UID) {
		for name := range p.slots {
			add(name, name, claviger.TypeKeySlot)
		}
		for name := range p.certs {
			add(name, name, claviger.TypeCertSlot)
		}
		for name := range p.stores {
			add(name, name, claviger.TypeTrustStore)
		}
	}
	slices.SortFunc(list, func(a, b Resolved) int {
		switch {
		case a.Name < b.Name:
			return -1
		case a.Name > b.Name:
			return 1
		}
		return int(a.Type) - int(b.Type)
	})
	return list
}
