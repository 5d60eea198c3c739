package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/claviger/claviger"
)

// Module is what a runner says of the WebAssembly guest that it runs.
type Module struct {
	SHA256 [32]byte // of the module
	Tenant string   // the guest's name, which only the user of the open rule may choose; "" leaves it to the configuration
}

// guest reports whether the caller is a guest. The zero Runner is that of everybody else: no tenant's name is empty.
func (c Caller) guest() bool { return c.Runner != "" }

// Become makes a caller the guest that it vouches for. A configured application may vouch for the guests that its
// vouch_guests lists, known by their digests; the user of the open rule may name any tenant. Everybody else, administrators
// included, is refused.
//
// Errors: ErrAccessDenied, whose text holds the lines to add to the configuration and names no application but the
// caller's; ErrInvalidArgument for a bad name; ErrInvalidOperation for a guest, which vouches for nobody.
func (p *Policy) Become(c Caller, m Module) (Caller, error) {
	guest := Caller{UID: c.UID, Runner: c.Tenant, Module: m}
	runner := p.byUID[c.UID]
	switch {
	case c.guest():
		return Caller{}, claviger.Errorf(claviger.ErrInvalidOperation, opGuest, "a guest vouches for nobody")
	case runner == nil && p.open != nil && p.open.UID == c.UID:
		if err := checkGuestName(m.Tenant); err != nil {
			return Caller{}, err
		}
		guest.Tenant = m.Tenant
		return guest, nil
	case m.Tenant != "":
		return Caller{}, claviger.Errorf(claviger.ErrAccessDenied, opGuest,
			"this instance has a configuration, which knows guests by their digests; only one that a user runs for himself takes a tenant's name")
	case runner == nil:
		return Caller{}, claviger.Errorf(claviger.ErrAccessDenied, opGuest,
			"uid %d is no application, and only an application vouches for guests; to let it, add\n%s%s", c.UID, runnerLines(c.UID), guestLines(m))
	}
	app := p.guests[m.SHA256]
	if app == nil {
		return Caller{}, claviger.Errorf(claviger.ErrAccessDenied, opGuest,
			"no guest with this SHA-256 is configured; to let it in, add\n%s# and %s", guestLines(m), runner.vouchAdvice())
	}
	if !slices.Contains(runner.Vouches, app.Name) {
		return Caller{}, claviger.Errorf(claviger.ErrAccessDenied, opGuest,
			"%q may not vouch for this guest; to let it, add\n# %s# where NAME is the [[app]] whose wasm_sha256 lists\n# %x\n", runner.Name, runner.vouchAdvice(), m.SHA256)
	}
	guest.Tenant = app.Name
	return guest, nil
}

// opGuest names the operation in errors.
const opGuest = "guest"

// vouchLine lets an application vouch for a guest.
const vouchLine = "vouch_guests = [\"NAME\"]\n"

// vouchAdvice says how a runner comes to vouch for one guest more.
func (a *App) vouchAdvice() string {
	if len(a.Vouches) > 0 {
		return fmt.Sprintf("\"NAME\" to the vouch_guests of the [[app]] %q\n", a.Name)
	}
	return fmt.Sprintf("to the [[app]] %q, above its [app.resources]\n%s", a.Name, vouchLine)
}

// guestLines are the lines that configure a guest.
func guestLines(m Module) string {
	return fmt.Sprintf("[[app]]\nname        = \"NAME\"\nwasm_sha256 = [\"%x\"]\n", m.SHA256)
}

// runnerLines are the lines that configure an application which runs guests.
func runnerLines(uid uint32) string {
	return fmt.Sprintf("[[app]]\nname         = \"RUNNER\"\nuid          = %d\n%s", uid, vouchLine)
}

// checkGuestName refuses what cannot be the name of a guest in an instance that has no configuration: ErrAccessDenied
// without a name, ErrInvalidArgument for a bad one or one that is taken.
func checkGuestName(name string) error {
	if name == "" {
		return claviger.Errorf(claviger.ErrAccessDenied, opGuest, "this instance has no configuration and knows guests by their tenants' names only; name one")
	}
	if err := claviger.CheckName(opGuest, name); err != nil {
		return err
	}
	if name == selfTenant || strings.HasPrefix(name, "admin:") {
		return claviger.Errorf(claviger.ErrInvalidArgument, opGuest, "the tenant's name %q is taken", name)
	}
	return nil
}

// Confirm asks, under this policy, whether a caller still is who another policy found it to be: a uid that was given to
// another application, a digest that was withdrawn and a runner that may not vouch any longer are ErrAccessDenied.
func (p *Policy) Confirm(c Caller) error {
	now, err := p.Identify(c.UID)
	if err != nil {
		return err
	}
	was := c.Tenant
	if c.guest() {
		was = c.Runner
	}
	if now.Tenant != was {
		return claviger.Errorf(claviger.ErrAccessDenied, "session", "uid %d is now %s, not %s; connect anew", c.UID, now.Tenant, was)
	}
	if !c.guest() {
		return nil
	}
	guest, err := p.Become(now, c.Module)
	if err == nil && guest.Tenant != c.Tenant {
		err = claviger.Errorf(claviger.ErrAccessDenied, "session", "the guest is no longer %s; connect anew", c.Tenant)
	}
	return err
}
