package policy_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/policy"
)

const (
	appUID   = 1001
	otherUID = 1002
	adminUID = 0
)

func uid(u uint32) *uint32 { return &u }

// rules has one slot mapped to two applications with different rights.
func rules() policy.Rules {
	const ed = claviger.Encrypt | claviger.Decrypt
	return policy.Rules{
		Slots: []policy.Slot{
			{Name: "data", Algorithm: "AES-256", Providers: []claviger.ProviderID{2}, Operations: ed},
			{Name: "unmapped", Algorithm: "AES-256", Providers: []claviger.ProviderID{2}, Operations: ed},
		},
		CertSlots:   []string{"root"},
		TrustStores: []policy.TrustStore{{Name: "roots", Members: []string{"root"}}},
		Admins:      []uint32{adminUID},
		Apps: []policy.App{
			{Name: "app", UID: uid(appUID), Resources: map[string]policy.Resource{
				"Data":  {Type: claviger.TypeKeySlot, Target: "data", Operations: claviger.Encrypt, Write: policy.WriteGenerate},
				"Root":  {Type: claviger.TypeCertSlot, Target: "root"},
				"Roots": {Type: claviger.TypeTrustStore, Target: "roots"},
			}},
			{Name: "other", UID: uid(otherUID), Resources: map[string]policy.Resource{
				"Data": {Type: claviger.TypeKeySlot, Target: "data", Operations: claviger.AllPermissions},
			}},
			{Name: "guest"},
		},
	}
}

func identify(t *testing.T, p *policy.Policy, uid uint32) policy.Caller {
	t.Helper()
	c, err := p.Identify(uid)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func wantCode(t *testing.T, what string, err error, code claviger.Code) {
	t.Helper()
	if code == 0 && err != nil || code != 0 && !errors.Is(err, code) {
		t.Errorf("%s: got %v, want code %s", what, err, code.Name())
	}
}

func TestStrangerIsRefusedAndToldTheLines(t *testing.T) {
	_, err := policy.New(rules()).Identify(4711)
	wantCode(t, "identify", err, claviger.ErrAccessDenied)
	if !strings.Contains(err.Error(), "[[app]]") || !strings.Contains(err.Error(), "uid  = 4711") {
		t.Errorf("the refusal does not print the lines to add: %v", err)
	}
}

func TestResolve(t *testing.T) {
	p := policy.New(rules())
	for _, test := range []struct {
		uid    uint32
		name   string
		typ    claviger.ResourceType
		target string
		code   claviger.Code
	}{
		{appUID, "Data", claviger.TypeKeySlot, "data", 0},
		{appUID, "Root", claviger.TypeCertSlot, "root", 0},
		{appUID, "Roots", claviger.TypeTrustStore, "roots", 0},
		{appUID, "Data", claviger.TypeCertSlot, "", claviger.ErrInvalidResourceType},
		{appUID, "data", claviger.TypeKeySlot, "", claviger.ErrInvalidResourceID},
		{appUID, "unmapped", claviger.TypeKeySlot, "", claviger.ErrInvalidResourceID},
		{appUID, "", claviger.TypeKeySlot, "", claviger.ErrInvalidArgument},
		{appUID, strings.Repeat("x", 65), claviger.TypeKeySlot, "", claviger.ErrInvalidArgument},
		{otherUID, "Root", claviger.TypeCertSlot, "", claviger.ErrInvalidResourceID},
		{adminUID, "unmapped", claviger.TypeKeySlot, "unmapped", 0},
		{adminUID, "root", claviger.TypeCertSlot, "root", 0},
		{adminUID, "nothing", claviger.TypeKeySlot, "", claviger.ErrInvalidResourceID},
	} {
		got, err := p.Resolve(identify(t, p, test.uid), test.name, test.typ)
		wantCode(t, test.name, err, test.code)
		if got.Target != test.target {
			t.Errorf("uid %d %q: target %q, want %q", test.uid, test.name, got.Target, test.target)
		}
	}
}

func TestSlotKeyIsTheIntersection(t *testing.T) {
	p := policy.New(rules())
	app, other, admin := identify(t, p, appUID), identify(t, p, otherUID), identify(t, p, adminUID)
	for _, test := range []struct {
		what   string
		caller policy.Caller
		name   string
		has    claviger.Permission
		want   claviger.Permission
		code   claviger.Code
	}{
		{"all three permit", app, "Data", claviger.AllPermissions, claviger.Encrypt, 0},
		{"the mapping withholds", app, "Data", claviger.AllPermissions, claviger.Decrypt, claviger.ErrKeyOperationNotPermitted},
		{"the slot withholds", other, "Data", claviger.AllPermissions, claviger.Sign, claviger.ErrKeyOperationNotPermitted},
		{"the key withholds", other, "Data", claviger.Encrypt, claviger.Decrypt, claviger.ErrKeyOperationNotPermitted},
		{"half of both is not enough", app, "Data", claviger.AllPermissions, claviger.Encrypt | claviger.Decrypt, claviger.ErrKeyOperationNotPermitted},
		{"not mapped", other, "Root", claviger.AllPermissions, claviger.Encrypt, claviger.ErrInvalidResourceID},
		{"an administrator uses no key", admin, "data", claviger.AllPermissions, claviger.Encrypt, claviger.ErrKeyOperationNotPermitted},
		{"nothing asked", app, "Data", 0, 0, 0},
	} {
		_, err := p.SlotKey(test.caller, "test", test.name, test.has, test.want)
		wantCode(t, test.what, err, test.code)
	}
}

func TestWritesNeedTheWord(t *testing.T) {
	p := policy.New(rules())
	app, admin := identify(t, p, appUID), identify(t, p, adminUID)
	_, err := p.SlotWrite(app, "generate", "Data", policy.WriteGenerate)
	wantCode(t, "generate", err, 0)
	for _, w := range []policy.Write{policy.WriteImport, policy.WritePersist, policy.WriteClear, policy.WriteGenerate | policy.WriteClear} {
		_, err := p.SlotWrite(app, "test", "Data", w)
		wantCode(t, w.String(), err, claviger.ErrAccessDenied)
	}
	_, err = p.SlotWrite(admin, "clear", "data", policy.WriteClear)
	wantCode(t, "administrator clears", err, 0)
	_, err = p.CertSlot(app, "save", "Root", claviger.TypeCertSlot, policy.WriteSave)
	wantCode(t, "save", err, claviger.ErrAccessDenied)
	_, err = p.CertSlot(app, "read", "Root", claviger.TypeCertSlot, 0)
	wantCode(t, "read", err, 0)
}

func TestZeroGrantCoversNothing(t *testing.T) {
	var g policy.Grant
	for p := claviger.Encrypt; p <= claviger.Import; p <<= 1 {
		wantCode(t, p.String(), g.Demand("test", p), claviger.ErrKeyOperationNotPermitted)
	}
	wantCode(t, "write", g.DemandWrite("test", policy.WriteClear), claviger.ErrAccessDenied)
	wantCode(t, "keyless", g.DemandOpen("test"), claviger.ErrAccessDenied)
	wantCode(t, "admin", g.DemandAdmin("test"), claviger.ErrAccessDenied)
}

func TestGrantNamesItsPolicy(t *testing.T) {
	p, q := policy.New(rules()), policy.New(rules())
	g, err := p.EphemeralKey("test", claviger.Sign, claviger.Sign)
	if err != nil || !g.By(p) || g.By(q) {
		t.Errorf("grant by the wrong policy: %v", err)
	}
}

func TestWithdrawnMappingIsRefused(t *testing.T) {
	r := rules()
	caller := identify(t, policy.New(r), appUID)
	later := rules()
	delete(later.Apps[0].Resources, "Data")
	_, err := policy.New(later).SlotKey(caller, "update", "Data", claviger.AllPermissions, claviger.Encrypt)
	wantCode(t, "withdrawn", err, claviger.ErrInvalidResourceID)
}

func TestAdminOnly(t *testing.T) {
	p := policy.New(rules())
	_, err := p.Admin(identify(t, p, appUID))
	wantCode(t, "application", err, claviger.ErrAccessDenied)
	_, err = p.Admin(identify(t, p, adminUID))
	wantCode(t, "administrator", err, 0)
}

func TestOpenRuleServesItsUserAlone(t *testing.T) {
	p := policy.New(policy.Rules{Open: &policy.OpenRule{UID: 7, Providers: []claviger.ProviderID{1}}})
	c := identify(t, p, 7)
	if _, err := p.Resolve(c, "anything", claviger.TypeKeySlot); err != nil {
		t.Error(err)
	}
	g, err := p.SlotKey(c, "sign", "anything", claviger.AllPermissions, claviger.Sign)
	if err != nil || g.Slot().Name != "anything" {
		t.Errorf("slot of the open rule: %v", err)
	}
	_, err = p.Identify(8)
	wantCode(t, "another user", err, claviger.ErrAccessDenied)
}

func TestNamesListsWhatCanBeResolved(t *testing.T) {
	p := policy.New(rules())
	for _, u := range []uint32{appUID, adminUID} {
		c := identify(t, p, u)
		names := p.Names(c)
		if len(names) == 0 {
			t.Errorf("uid %d sees nothing", u)
		}
		for _, n := range names {
			if _, err := p.Resolve(c, n.Name, n.Type); err != nil {
				t.Errorf("uid %d: %v", u, err)
			}
		}
	}
}

func TestParseWrite(t *testing.T) {
	for _, test := range []struct {
		word string
		typ  claviger.ResourceType
		ok   bool
	}{
		{"generate", claviger.TypeKeySlot, true}, {"clear", claviger.TypeKeySlot, true}, {"clear", claviger.TypeCertSlot, true},
		{"save", claviger.TypeCertSlot, true}, {"crl", claviger.TypeCertSlot, true},
		{"save", claviger.TypeKeySlot, false}, {"generate", claviger.TypeCertSlot, false},
		{"clear", claviger.TypeTrustStore, false}, {"delete", claviger.TypeKeySlot, false},
	} {
		if w, ok := policy.ParseWrite(test.word, test.typ); ok != test.ok || ok && w.String() != test.word {
			t.Errorf("%q for a %s: %v, %v", test.word, test.typ, w, ok)
		}
	}
}
