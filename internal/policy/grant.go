package policy

import (
	"github.com/claviger/claviger"
)

// Grant is a permission that was given: the operations demand one, so that a check that was forgotten does not
// compile. Only this package makes one that covers anything; the zero Grant covers nothing. A Grant names the policy
// it was given under: when another is in force, the right must be asked for again.
type Grant struct {
	policy *Policy
	what   claviger.Permission
	write  Write
	open   bool // keyless work, reading public facts
	slot   *Slot
	admin  bool
	tenant string // whose secrets
}

// By reports whether the grant was given by this policy.
func (g Grant) By(p *Policy) bool { return g.policy == p }

// Slot gives the rules of the slot that the grant is for, nil for an ephemeral key or keyless work.
func (g Grant) Slot() *Slot { return g.slot }

// Permissions gives what the grant covers of the key's operations.
func (g Grant) Permissions() claviger.Permission { return g.what }

// Demand refuses what the grant does not cover with ErrKeyOperationNotPermitted.
func (g Grant) Demand(op string, want claviger.Permission) error {
	if want != 0 && g.policy != nil && g.what.Has(want) {
		return nil
	}
	return claviger.Errorf(claviger.ErrKeyOperationNotPermitted, op, "the key permits %s; %s is needed", g.what, want)
}

// DemandWrite refuses a change that the grant does not cover with ErrAccessDenied.
func (g Grant) DemandWrite(op string, want Write) error {
	if want != 0 && g.policy != nil && g.write&want == want {
		return nil
	}
	return claviger.Errorf(claviger.ErrAccessDenied, op, "the mapping does not allow %s", want)
}

// DemandOpen refuses keyless work without a grant.
func (g Grant) DemandOpen(op string) error {
	if g.policy != nil && (g.open || g.what != 0) {
		return nil
	}
	return claviger.Errorf(claviger.ErrAccessDenied, op, "no grant")
}

// DemandAdmin refuses administration to all but administrators, with ErrAccessDenied.
func (g Grant) DemandAdmin(op string) error {
	if g.policy != nil && g.admin {
		return nil
	}
	return claviger.Errorf(claviger.ErrAccessDenied, op, "only an administrator may do this; [admin] uids lists them")
}

// Tenant gives the name of the tenant whose secrets the grant covers; a grant for none is ErrAccessDenied.
func (g Grant) Tenant(op string) (string, error) {
	if g.policy != nil && g.tenant != "" {
		return g.tenant, nil
	}
	return "", claviger.Errorf(claviger.ErrAccessDenied, op, "no grant")
}

// Secrets grants a caller what is its own: its tenant's secrets and capsules, and no other's.
func (p *Policy) Secrets(c Caller) Grant { return Grant{policy: p, tenant: c.Tenant} }

// Keyless grants what needs no key: hashes, random numbers, capabilities, ephemeral keys of one's own, verification of certificates.
func (p *Policy) Keyless(Caller) Grant { return Grant{policy: p, open: true} }

// Admin grants administration, or ErrAccessDenied. A guest gets none, whoever runs it.
func (p *Policy) Admin(c Caller) (Grant, error) {
	caller, err := p.Identify(c.UID)
	if err != nil {
		return Grant{}, err
	}
	g := Grant{policy: p, admin: caller.Admin && !c.guest()}
	return g, g.DemandAdmin("admin")
}

// EphemeralKey grants the use of a live key that is no slot's: its own permissions decide. A missing one is
// ErrKeyOperationNotPermitted.
func (p *Policy) EphemeralKey(op string, has, want claviger.Permission) (Grant, error) {
	g := Grant{policy: p, what: has, open: true}
	if want == 0 {
		return g, nil
	}
	return g, g.Demand(op, want)
}

// SlotKey grants the use of a slot's key: slot ∩ mapping ∩ the key's own permissions decide. A name that is no longer
// mapped is ErrInvalidResourceID, a missing permission ErrKeyOperationNotPermitted. The empty want asks only who.
func (p *Policy) SlotKey(c Caller, op string, name string, has, want claviger.Permission) (Grant, error) {
	r, slot, err := p.mapped(c, op, name)
	if err != nil {
		return Grant{}, err
	}
	g := Grant{policy: p, what: slot.Operations & r.Operations & has, open: true, slot: slot}
	if want == 0 {
		return g, nil
	}
	return g, g.Demand(op, want)
}

// SlotWrite grants a change of a key slot, or ErrAccessDenied.
func (p *Policy) SlotWrite(c Caller, op string, name string, want Write) (Grant, error) {
	r, slot, err := p.mapped(c, op, name)
	if err != nil {
		return Grant{}, err
	}
	g := Grant{policy: p, write: r.Write, slot: slot, open: true}
	return g, g.DemandWrite(op, want)
}

// CertSlot grants the use of a certificate slot or trust store; want is the change, 0 for reading.
func (p *Policy) CertSlot(c Caller, op string, name string, t claviger.ResourceType, want Write) (Grant, error) {
	r, ok := p.resource(c, name, t)
	if !ok || r.Type != t {
		return Grant{}, claviger.Errorf(claviger.ErrInvalidResourceID, op, "%s %q is not mapped any more", t, name)
	}
	g := Grant{policy: p, write: r.Write, open: true}
	if want == 0 {
		return g, nil
	}
	return g, g.DemandWrite(op, want)
}

func (p *Policy) mapped(c Caller, op, name string) (Resource, *Slot, error) {
	r, ok := p.resource(c, name, claviger.TypeKeySlot)
	if !ok || r.Type != claviger.TypeKeySlot {
		return Resource{}, nil, claviger.Errorf(claviger.ErrInvalidResourceID, op, "key slot %q is not mapped any more", name)
	}
	slot, err := p.Slot(r.Target)
	return r, slot, err
}
