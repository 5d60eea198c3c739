package session

import (
	"crypto/sha256"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/policy"
	pb "github.com/claviger/claviger/proto"
)

// digest is that of a module.
func digest(module string) []byte {
	d := sha256.Sum256([]byte(module))
	return d[:]
}

// withGuests adds the guests "gwen" and "gus", for whom alice vouches, and makes her an administrator besides.
func withGuests(r *policy.Rules) {
	own := map[string]policy.Resource{"data": {Type: claviger.TypeKeySlot, Target: "spare", Operations: claviger.Encrypt, Write: policy.WriteGenerate}}
	r.Apps = append(slices.Clone(r.Apps),
		policy.App{Name: "gwen", Digests: [][32]byte{[32]byte(digest("gwen"))}, Resources: own},
		policy.App{Name: "gus", Digests: [][32]byte{[32]byte(digest("gus"))}})
	r.Apps[0].Vouches = []string{"gwen", "gus"}
	r.Admins = append(slices.Clone(r.Admins), alice)
}

// guestRig is a rig with them, and something that keeps secrets.
func guestRig(t *testing.T, l Limits) *rig {
	t.Helper()
	r := newRig(t, l).withSecrets(t)
	r.SetPolicy(policy.New(rules(withGuests)))
	return r
}

// guest opens a session of alice with one connection and makes it the guest's.
func (r *rig) guest(t *testing.T, module string) *Session {
	t.Helper()
	s := r.session(t, alice)
	ok(t, s.AddConnection())
	reply, err := s.BecomeGuest(t.Context(), &pb.BecomeGuestRequest{Sha256: digest(module)})
	ok(t, err)
	if reply.Tenant != module || s.Caller().Tenant != module {
		t.Errorf("%s became %s", module, reply.Tenant)
	}
	return s
}

// TestAGuestIsATenantOfItsOwn holds that a guest has secrets, names, counters and rights of its own and none of its
// runner's, and that two guests of one runner are strangers to each other.
func TestAGuestIsATenantOfItsOwn(t *testing.T) {
	r := guestRig(t, Limits{})
	runner, gwen, gus, again := r.session(t, alice), r.guest(t, "gwen"), r.guest(t, "gus"), r.guest(t, "gwen")
	put, err := gwen.PutSecret(t.Context(), &pb.PutSecretRequest{Secret: []byte("x"), Expires: math.MaxUint64})
	ok(t, err)
	get := &pb.GetSecretRequest{Id: []byte(put.Id), Version: 1}
	_, err = again.GetSecret(t.Context(), get)
	ok(t, err)
	for what, s := range map[string]*Session{"another guest": gus, "the runner": runner} {
		_, err = s.GetSecret(t.Context(), get)
		fails(t, what, err, claviger.ErrSecretNotFound)
	}
	gwen.fill(t, "data") // is "spare", and the runner's "data" is "shared"
	_, err = gwen.Resolve(t.Context(), &pb.ResolveRequest{Name: "mac", Type: uint32(claviger.TypeKeySlot)})
	fails(t, "a name of the runner's", err, claviger.ErrInvalidResourceID)
	_, err = gwen.ListSecrets(t.Context(), &pb.ListSecretsRequest{All: true})
	fails(t, "administration", err, claviger.ErrAccessDenied)
	status, err := gwen.Status(t.Context(), &pb.StatusRequest{})
	ok(t, err)
	if len(status.Tenants) != 1 || status.Tenants[0].Name != "gwen" || status.Tenants[0].Sessions != 2 || status.Tenants[0].Connections != 2 {
		t.Errorf("status %v", status.Tenants)
	}
	slots, err := gwen.ListSlots(t.Context(), &pb.ListSlotsRequest{})
	ok(t, err)
	if len(slots.Slots) != 1 || slots.Slots[0].Slot != "spare" {
		t.Errorf("slots %v", slots.Slots)
	}
}

// TestOnlyAFreshSessionBecomesAGuest holds that nothing which a session holds changes its owner.
func TestOnlyAFreshSessionBecomesAGuest(t *testing.T) {
	r := guestRig(t, Limits{})
	request := &pb.BecomeGuestRequest{Sha256: digest("gwen")}
	s := r.session(t, alice)
	s.free(t, s.slot(t, "data"))
	_, err := s.BecomeGuest(t.Context(), request)
	fails(t, "a session that has resolved", err, claviger.ErrInvalidOperation)
	_, err = r.guest(t, "gwen").BecomeGuest(t.Context(), request)
	fails(t, "twice", err, claviger.ErrInvalidOperation)
	_, err = r.session(t, bob).BecomeGuest(t.Context(), request)
	fails(t, "by whom may not", err, claviger.ErrAccessDenied)
	_, err = r.session(t, root).BecomeGuest(t.Context(), request)
	fails(t, "by an administrator", err, claviger.ErrAccessDenied)
	for _, bad := range []*pb.BecomeGuestRequest{{}, {Sha256: make([]byte, 31)}, {Sha256: make([]byte, 33)}, {Sha256: make([]byte, 31), Tenant: "x"}} {
		_, err = r.session(t, alice).BecomeGuest(t.Context(), bad)
		fails(t, fmt.Sprintf("%d bytes of SHA-256", len(bad.Sha256)), err, claviger.ErrInvalidArgument)
	}
}

// TestAWithdrawnGuestIsRefusedAtTheNextCall holds that for its digest, and for its runner's right to vouch.
func TestAWithdrawnGuestIsRefusedAtTheNextCall(t *testing.T) {
	for what, withdraw := range map[string]func(*policy.Rules){
		"digest":   func(r *policy.Rules) { r.Apps[2].Digests = [][32]byte{[32]byte(digest("gwen 2"))} },
		"vouching": func(r *policy.Rules) { r.Apps[0].Vouches = []string{"gus"} },
	} {
		r := guestRig(t, Limits{})
		s, other := r.guest(t, "gwen"), r.guest(t, "gus")
		hash := s.make(t, claviger.HashContext, "SHA-256", 0)
		put := &pb.PutSecretRequest{Expires: math.MaxUint64}
		_, err := s.PutSecret(t.Context(), put)
		ok(t, err)
		r.SetPolicy(policy.New(rules(withGuests, withdraw)))
		_, err = s.PutSecret(t.Context(), put)
		fails(t, what, err, claviger.ErrAccessDenied)
		_, err = s.OneShot(t.Context(), hash, nil, nil, 0, nil, nil)
		fails(t, what+", in an open context", err, claviger.ErrAccessDenied)
		_, err = other.PutSecret(t.Context(), put)
		ok(t, err)
		r.SetPolicy(policy.New(rules(withGuests)))
		_, err = s.PutSecret(t.Context(), put)
		ok(t, err)
	}
}

// TestABecomingGuestIsCountedOnce holds that sessions and connections move to the guest with its limits, and that a refusal
// changes nothing.
func TestABecomingGuestIsCountedOnce(t *testing.T) {
	r := guestRig(t, Limits{Sessions: 2})
	runner, guest := r.tenant("alice"), r.tenant("gwen")
	one, two, three := r.guest(t, "gwen"), r.guest(t, "gwen"), r.session(t, alice)
	ok(t, three.AddConnection())
	_, err := three.BecomeGuest(t.Context(), &pb.BecomeGuestRequest{Sha256: digest("gwen")})
	fails(t, "a third session", err, claviger.ErrQuotaExceeded)
	if runner.sessions.Load() != 1 || runner.connections.Load() != 1 || guest.sessions.Load() != 2 || guest.connections.Load() != 2 {
		t.Errorf("runner %v, guest %v", runner.status(), guest.status())
	}
	for _, s := range []*Session{one, two, three} {
		s.DropConnection()
		s.Close()
	}
	if runner.sessions.Load() != 0 || runner.connections.Load() != 0 || guest.sessions.Load() != 0 || guest.connections.Load() != 0 {
		t.Errorf("at the end runner %v, guest %v", runner.status(), guest.status())
	}
}

// TestBecomingAGuestIsOneDecision holds that the log says who vouched for what, allowed or refused, in one line.
func TestBecomingAGuestIsOneDecision(t *testing.T) {
	r := guestRig(t, Limits{})
	r.log.take()
	r.guest(t, "gwen")
	_, err := r.session(t, bob).BecomeGuest(t.Context(), &pb.BecomeGuestRequest{Sha256: digest("gwen"), Tenant: "line\nbreak"})
	fails(t, "by whom may not", err, claviger.ErrAccessDenied)
	lines := r.log.take()
	if len(lines) != 2 {
		t.Fatalf("%d lines: %q", len(lines), lines)
	}
	want := fmt.Sprintf("sha256=%x", digest("gwen"))
	for i, words := range [][]string{{"tenant=alice", "name=gwen", "allowed", want}, {"tenant=bob", "name=line?break", "refused", want}} {
		for _, word := range words {
			if !strings.Contains(lines[i], word) {
				t.Errorf("%q lacks %q", lines[i], word)
			}
		}
	}
}

// TestAnOldSessionHasNothingOfATenantMadeAnew holds that a tenant which was removed and made anew inherits no key through a
// session that was not in use meanwhile, and that such a session has nothing of the new tenant's.
func TestAnOldSessionHasNothingOfATenantMadeAnew(t *testing.T) {
	r := guestRig(t, Limits{})
	for what, open := range map[string]func() *Session{
		"a guest": func() *Session { return r.guest(t, "gwen") }, "an application": func() *Session { return r.session(t, bob) },
	} {
		s := open()
		pair, mac := s.managedKey(t, signatures, "Ed25519"), s.managedKey(t, symmetric, "HMAC/SHA-256")
		sign, state := s.make(t, claviger.SignContext, "", pair.Handle), s.stateOf(t, mac.Handle, nil)
		hash := s.make(t, claviger.HashContext, "SHA-256", 0)
		r.SetPolicy(policy.New(rules(withGuests, func(p *policy.Rules) {
			p.Apps = slices.DeleteFunc(p.Apps, func(a policy.App) bool { return a.Name == s.Caller().Tenant })
		})))
		r.SetPolicy(policy.New(rules(withGuests)))
		for call, err := range map[string]error{
			"sign":        second(s.OneShot(t.Context(), sign, nil, nil, 0, []byte("m"), nil)),
			"run":         second(s.run(t, state, pb.StateVerb_STATE_SQUEEZE_TAG, nil, 0)),
			"open state":  second(s.OpenState(t.Context(), &pb.OpenStateRequest{Key: mac.Handle})),
			"context":     second(s.CreateContext(t.Context(), &pb.CreateContextRequest{Kind: uint32(claviger.SignContext), Key: pair.Handle})),
			"make":        second(s.MakeManaged(t.Context(), &pb.MakeManagedRequest{Type: signatures, Algorithm: "Ed25519"})),
			"replace":     second(s.ReplaceManaged(t.Context(), &pb.ReplaceManagedRequest{Id: []byte(pair.Id), Key: pair.Handle})),
			"put":         second(s.PutSecret(t.Context(), &pb.PutSecretRequest{Expires: math.MaxUint64})),
			"key info":    second(s.KeyInfo(t.Context(), &pb.KeyInfoRequest{Key: pair.Handle})),
			"list secret": second(s.ListSecrets(t.Context(), &pb.ListSecretsRequest{})),
		} {
			fails(t, what+": "+call, err, claviger.ErrAccessDenied)
		}
		if _, err := s.OneShot(t.Context(), hash, nil, nil, 0, nil, nil); err != nil {
			t.Errorf("%s: what is no tenant's: %v", what, err)
		}
		s.free(t, sign, state, pair.Handle, mac.Handle)
		anew := open()
		anew.stateOf(t, anew.managedKey(t, symmetric, "HMAC/SHA-256").Handle, nil)
	}
}
