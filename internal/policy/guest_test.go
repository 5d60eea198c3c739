package policy_test

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/policy"
)

const (
	runnerUID = 2001
	ownerUID  = 2002
)

// module is what a runner says of the module with this text.
func module(text string) policy.Module { return policy.Module{SHA256: sha256.Sum256([]byte(text))} }

// guestRules has two guests, "broker" with two digests and "other", a runner that may vouch for the first, an
// application that may vouch for nobody, and an administrator.
func guestRules(alter ...func(*policy.Rules)) policy.Rules {
	r := rules()
	r.Apps = []policy.App{
		{Name: "runner", UID: uid(runnerUID), Vouches: []string{"broker"}, Resources: map[string]policy.Resource{
			"Own": {Type: claviger.TypeKeySlot, Target: "data", Operations: claviger.AllPermissions},
		}},
		{Name: "app", UID: uid(appUID)},
		{Name: "broker", Digests: [][32]byte{module("build 1").SHA256, module("build 2").SHA256}, Resources: map[string]policy.Resource{
			"Data": {Type: claviger.TypeKeySlot, Target: "data", Operations: claviger.Encrypt},
		}},
		{Name: "secretive", Digests: [][32]byte{module("other").SHA256}},
	}
	for _, f := range alter {
		f(&r)
	}
	return r
}

// TestARunnerVouchesForItsGuestsAlone holds who may become what, and that each build of a guest is the same tenant.
func TestARunnerVouchesForItsGuestsAlone(t *testing.T) {
	p := policy.New(guestRules())
	named := module("build 1")
	named.Tenant = "broker"
	for _, test := range []struct {
		what   string
		uid    uint32
		module policy.Module
		code   claviger.Code
	}{
		{"the first build", runnerUID, module("build 1"), 0},
		{"the second build", runnerUID, module("build 2"), 0},
		{"a guest that it is not listed for", runnerUID, module("other"), claviger.ErrAccessDenied},
		{"an unknown guest", runnerUID, module("nobody"), claviger.ErrAccessDenied},
		{"no digest", runnerUID, policy.Module{}, claviger.ErrAccessDenied},
		{"a name in place of a digest", runnerUID, policy.Module{Tenant: "broker"}, claviger.ErrAccessDenied},
		{"a name beside a digest", runnerUID, named, claviger.ErrAccessDenied},
		{"an application that vouches for nobody", appUID, module("build 1"), claviger.ErrAccessDenied},
		{"an administrator", adminUID, module("build 1"), claviger.ErrAccessDenied},
	} {
		guest, err := p.Become(identify(t, p, test.uid), test.module)
		wantCode(t, test.what, err, test.code)
		want := policy.Caller{}
		if test.code == 0 {
			want = policy.Caller{Tenant: "broker", UID: test.uid, Runner: "runner", Module: test.module}
		}
		if guest != want {
			t.Errorf("%s: %+v, want %+v", test.what, guest, want)
		}
	}
	guest, err := p.Become(identify(t, p, runnerUID), module("build 1"))
	wantCode(t, "vouch", err, 0)
	_, err = p.Become(guest, module("build 1"))
	wantCode(t, "a guest that vouches", err, claviger.ErrInvalidOperation)
}

// TestARefusedGuestIsToldTheLines holds that the lines to add are there, and no name but the caller's own.
func TestARefusedGuestIsToldTheLines(t *testing.T) {
	p := policy.New(guestRules())
	for _, test := range []struct {
		what   string
		uid    uint32
		module string
		lines  []string
	}{
		{"unknown", runnerUID, "nobody", []string{"[[app]]\n", `wasm_sha256 = ["DIGEST"]`, `# and "NAME" to the vouch_guests of the [[app]] "runner"`}},
		{"known", runnerUID, "other", []string{`# "NAME" to the vouch_guests of the [[app]] "runner"`, "# DIGEST"}},
		{"a runner without guests", appUID, "nobody", []string{`wasm_sha256 = ["DIGEST"]`, "\n" + `vouch_guests = ["NAME"]` + "\n"}},
		{"no application", adminUID, "other", []string{"uid          = 0\n", `vouch_guests = ["NAME"]`, `wasm_sha256 = ["DIGEST"]`}},
	} {
		m := module(test.module)
		_, err := p.Become(identify(t, p, test.uid), m)
		if err == nil {
			t.Fatalf("%s: allowed", test.what)
		}
		for _, line := range test.lines {
			if line = strings.ReplaceAll(line, "DIGEST", hex.EncodeToString(m.SHA256[:])); !strings.Contains(err.Error(), line) {
				t.Errorf("%s: no %q in %q", test.what, line, err)
			}
		}
		if strings.Contains(err.Error(), "secretive") || strings.Contains(err.Error(), "broker") || len(err.Error()) > 900 {
			t.Errorf("%s: the text names another application, or is too long for a reply: %q", test.what, err)
		}
	}
}

// TestAGuestHasItsOwnNamesAndNothingOfItsRunners holds that for a runner who is an administrator too.
func TestAGuestHasItsOwnNamesAndNothingOfItsRunners(t *testing.T) {
	p := policy.New(guestRules(func(r *policy.Rules) { r.Admins = append(r.Admins, runnerUID) }))
	runner := identify(t, p, runnerUID)
	guest, err := p.Become(runner, module("build 1"))
	wantCode(t, "vouch", err, 0)
	_, err = p.SlotKey(guest, "encrypt", "Data", claviger.AllPermissions, claviger.Encrypt)
	wantCode(t, "its own name", err, 0)
	_, err = p.SlotKey(guest, "decrypt", "Data", claviger.AllPermissions, claviger.Decrypt)
	wantCode(t, "what its mapping withholds", err, claviger.ErrKeyOperationNotPermitted)
	for _, name := range []string{"Own", "data", "unmapped"} {
		_, err = p.Resolve(guest, name, claviger.TypeKeySlot)
		wantCode(t, name, err, claviger.ErrInvalidResourceID)
	}
	_, err = p.Resolve(guest, "root", claviger.TypeCertSlot)
	wantCode(t, "an administrator's certificate slot", err, claviger.ErrInvalidResourceID)
	_, err = p.Resolve(runner, "Data", claviger.TypeKeySlot)
	wantCode(t, "the guest's name for its runner", err, claviger.ErrInvalidResourceID)
	_, err = p.Admin(guest)
	wantCode(t, "administration", err, claviger.ErrAccessDenied)
	_, err = p.Admin(runner)
	wantCode(t, "administration by its runner", err, 0)
	if names := p.Names(guest); len(names) != 1 || names[0].Name != "Data" {
		t.Errorf("it is listed %v", names)
	}
	if tenant, err := p.Secrets(guest).Tenant("secrets"); tenant != "broker" || err != nil {
		t.Errorf("its secrets are those of %q, %v", tenant, err)
	}
}

// TestAGuestIsAskedAboutUnderEveryPolicy holds that what was withdrawn is refused.
func TestAGuestIsAskedAboutUnderEveryPolicy(t *testing.T) {
	p := policy.New(guestRules())
	guest, err := p.Become(identify(t, p, runnerUID), module("build 1"))
	wantCode(t, "vouch", err, 0)
	for _, test := range []struct {
		what  string
		alter func(*policy.Rules)
		code  claviger.Code
	}{
		{"nothing", func(*policy.Rules) {}, 0},
		{"the other digest", func(r *policy.Rules) { r.Apps[2].Digests = r.Apps[2].Digests[:1] }, 0},
		{"its digest", func(r *policy.Rules) { r.Apps[2].Digests = r.Apps[2].Digests[1:] }, claviger.ErrAccessDenied},
		{"vouching", func(r *policy.Rules) { r.Apps[0].Vouches = nil }, claviger.ErrAccessDenied},
		{"the runner", func(r *policy.Rules) { r.Apps = r.Apps[1:] }, claviger.ErrAccessDenied},
		{"the runner's name", func(r *policy.Rules) { r.Apps[0].Name = "somebody" }, claviger.ErrAccessDenied},
		{"the guest's name", func(r *policy.Rules) { r.Apps[2].Name, r.Apps[0].Vouches = "b", []string{"b"} }, claviger.ErrAccessDenied},
		{"all", func(r *policy.Rules) { *r = policy.Rules{} }, claviger.ErrAccessDenied},
	} {
		wantCode(t, test.what, policy.New(guestRules(test.alter)).Confirm(guest), test.code)
	}
	app := identify(t, p, appUID)
	wantCode(t, "a native application", p.Confirm(app), 0)
	renamed := policy.New(guestRules(func(r *policy.Rules) { r.Apps[1].Name = "new" }))
	wantCode(t, "a native application's name", renamed.Confirm(app), claviger.ErrAccessDenied)
}

// TestTheOwnerOfAnInstanceNamesItsGuests holds what names the user of the open rule may give, and that his guests have
// secrets and no slots.
func TestTheOwnerOfAnInstanceNamesItsGuests(t *testing.T) {
	p := policy.New(policy.Rules{Open: &policy.OpenRule{UID: ownerUID, Providers: []claviger.ProviderID{1}}})
	owner := identify(t, p, ownerUID)
	for name, code := range map[string]claviger.Code{
		"demo": 0, "": claviger.ErrAccessDenied, "self": claviger.ErrInvalidArgument, "admin:0": claviger.ErrInvalidArgument,
		"a b": claviger.ErrInvalidArgument, strings.Repeat("x", 65): claviger.ErrInvalidArgument,
	} {
		guest, err := p.Become(owner, policy.Module{Tenant: name})
		wantCode(t, name, err, code)
		if code != 0 && guest != (policy.Caller{}) || code == 0 && (guest.Tenant != name || guest.Admin || p.Confirm(guest) != nil) {
			t.Errorf("%q becomes %+v", name, guest)
		}
	}
	guest, err := p.Become(owner, policy.Module{Tenant: "demo"})
	wantCode(t, "demo", err, 0)
	for _, typ := range []claviger.ResourceType{claviger.TypeKeySlot, claviger.TypeCertSlot, claviger.TypeTrustStore} {
		_, err = p.Resolve(guest, "anything", typ)
		wantCode(t, "a "+typ.String(), err, claviger.ErrInvalidResourceID)
	}
	_, err = p.Admin(guest)
	wantCode(t, "administration", err, claviger.ErrAccessDenied)
	if !p.AnyTenant() || policy.New(guestRules()).AnyTenant() {
		t.Error("tenants are not lasting where any name may be one, or lasting where the configuration names them")
	}
}

// TestTenantsIncludesGuests holds that a guest is a tenant of the configuration.
func TestTenantsIncludesGuests(t *testing.T) {
	names := policy.New(guestRules()).Tenants()
	for _, name := range []string{"runner", "app", "broker", "secretive", "admin:0"} {
		if !slices.Contains(names, name) {
			t.Errorf("%q is missing from %v", name, names)
		}
	}
}
