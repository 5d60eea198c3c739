package session

import (
	"bytes"
	"context"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/policy"
	pb "github.com/claviger/claviger/proto"
)

const (
	signatures  = uint32(claviger.GuestSignatures)
	symmetric   = uint32(claviger.GuestSymmetric)
	keyExchange = uint32(claviger.GuestKeyExchange)
)

// managedKey makes a managed key.
func (s *Session) managedKey(t testing.TB, family uint32, algorithm string, material ...byte) *pb.ManagedReply {
	t.Helper()
	r, err := s.MakeManaged(t.Context(), &pb.MakeManagedRequest{Type: family, Algorithm: algorithm, Material: material})
	ok(t, err)
	return r
}

// stateOf opens a state over a managed key.
func (s *Session) stateOf(t testing.TB, key uint64, nonce []byte) uint64 {
	t.Helper()
	r, err := s.OpenState(t.Context(), &pb.OpenStateRequest{Key: key, Nonce: nonce})
	ok(t, err)
	return r.Handle
}

// run runs a verb on a state.
func (s *Session) run(t testing.TB, state uint64, verb pb.StateVerb, data []byte, size uint64) (*pb.StateReply, error) {
	t.Helper()
	return s.RunState(t.Context(), &pb.RunStateRequest{State: state, Verb: verb, Data: bytes.Clone(data), Size: size})
}

func TestManagedKeysAreTheCallersOwn(t *testing.T) {
	r := newRig(t, Limits{}).withSecrets(t)
	hers, again, his, admin := r.session(t, alice), r.session(t, alice), r.session(t, bob), r.session(t, root)
	key := hers.managedKey(t, signatures, "ed25519")
	if key.Algorithm != "Ed25519" || key.Version != 1 || len(key.Public) == 0 || key.Exportable {
		t.Errorf("made is %v", key)
	}
	open := &pb.OpenManagedRequest{Id: []byte(key.Id), Version: claviger.LatestVersion}
	for what, s := range map[string]*Session{"another tenant": his, "an administrator": admin} {
		_, err := s.OpenManaged(t.Context(), open)
		fails(t, what, err, claviger.ErrSecretNotFound)
		_, err = s.ReplaceManaged(t.Context(), &pb.ReplaceManagedRequest{Id: []byte(key.Id), Type: signatures, Algorithm: "Ed25519", Key: s.managedKey(t, signatures, "Ed25519").Handle})
		fails(t, what, err, claviger.ErrSecretNotFound)
		_, err = s.InvalidateManaged(t.Context(), &pb.InvalidateManagedRequest{Id: []byte(key.Id), Version: claviger.AllVersions})
		fails(t, what, err, claviger.ErrSecretNotFound)
		_, err = s.CreateContext(t.Context(), &pb.CreateContextRequest{Kind: uint32(claviger.SignContext), Key: key.Handle})
		fails(t, what+" with the handle", err, claviger.ErrResourceNotFound)
	}
	opened, err := again.OpenManaged(t.Context(), open)
	ok(t, err)
	if opened.Handle == key.Handle || !bytes.Equal(opened.Public, key.Public) {
		t.Errorf("opened is %v", opened)
	}
	c := again.make(t, claviger.SignContext, "", opened.Handle)
	signature, err := again.OneShot(t.Context(), c, nil, nil, 0, []byte("message"), nil)
	if err != nil || len(signature) != 64 {
		t.Errorf("a signature of %d bytes, %v", len(signature), err)
	}
	list, err := again.ListManaged(t.Context(), &pb.ListManagedRequest{Max: math.MaxUint32})
	if err != nil || len(list.Keys) != 1 || list.Keys[0].Id != key.Id {
		t.Errorf("listed are %v, %v", list, err)
	}
	r.SetPolicy(policy.New(rules(func(p *policy.Rules) { p.Apps = p.Apps[1:] })))
	_, err = again.OpenManaged(t.Context(), open)
	fails(t, "removed", err, claviger.ErrAccessDenied)
}

func TestMaterialIsWipedAndNeverLogged(t *testing.T) {
	r := newRig(t, Limits{}).withSecrets(t)
	s := r.session(t, alice)
	secret := "recognisable-key"
	for _, algorithm := range []string{"AES-128-GCM", "AES-256-GCM", "none"} {
		material := []byte(secret)
		made, err := s.MakeManaged(t.Context(), &pb.MakeManagedRequest{Type: symmetric, Algorithm: algorithm, Material: material})
		if (err == nil) != (algorithm == "AES-128-GCM") || !bytes.Equal(material, make([]byte, len(secret))) {
			t.Errorf("%s: %v, or the material was not wiped", algorithm, err)
		}
		material = []byte(secret)
		_, _ = s.ReplaceManaged(t.Context(), &pb.ReplaceManagedRequest{Id: []byte(made.GetId()), Type: symmetric, Algorithm: algorithm, Material: material})
		if !bytes.Equal(material, make([]byte, len(secret))) {
			t.Errorf("%s: the material of a replacement was not wiped", algorithm)
		}
	}
	state := s.stateOf(t, s.managedKey(t, symmetric, "HMAC/SHA-256", []byte(secret)...).Handle, nil)
	data := []byte(secret)
	_, err := s.RunState(t.Context(), &pb.RunStateRequest{State: state, Verb: pb.StateVerb_STATE_ABSORB, Data: data})
	ok(t, err)
	if !bytes.Equal(data, make([]byte, len(secret))) {
		t.Error("data was not wiped")
	}
	log := strings.Join(r.log.take(), "\n")
	if strings.Contains(log, "recognisable") || strings.Count(log, "managed key") < 5 {
		t.Errorf("the log is\n%s", log)
	}
}

func TestReplacingAManagedKeyTakesOneNewKey(t *testing.T) {
	s := newRig(t, Limits{}).withSecrets(t).session(t, alice)
	key, other := s.managedKey(t, signatures, "Ed25519"), s.managedKey(t, signatures, "Ed25519")
	ephemeral := s.key(t, "Ed25519", claviger.AllPermissions)
	for _, c := range []struct {
		what string
		r    *pb.ReplaceManagedRequest
		want claviger.Code
	}{
		{"neither", &pb.ReplaceManagedRequest{Type: signatures, Algorithm: "Ed25519"}, claviger.ErrInvalidArgument},
		{"both", &pb.ReplaceManagedRequest{Material: []byte{1}, Key: other.Handle}, claviger.ErrInvalidArgument},
		{"no such handle", &pb.ReplaceManagedRequest{Key: 1}, claviger.ErrResourceNotFound},
		{"a key that is not managed", &pb.ReplaceManagedRequest{Key: ephemeral}, claviger.ErrInvalidResourceType},
		{"a slot", &pb.ReplaceManagedRequest{Key: s.fill(t, "data")}, claviger.ErrInvalidResourceType},
		{"a certificate slot", &pb.ReplaceManagedRequest{Key: s.other(t, "device", claviger.TypeCertSlot)}, claviger.ErrInvalidResourceType},
	} {
		c.r.Id = []byte(key.Id)
		_, err := s.ReplaceManaged(t.Context(), c.r)
		fails(t, c.what, err, c.want)
	}
	made, err := s.ReplaceManaged(t.Context(), &pb.ReplaceManagedRequest{Id: append([]byte(key.Id), 0, 0), Key: other.Handle})
	if err != nil || made.Version != 2 || made.Id != key.Id || !bytes.Equal(made.Public, other.Public) {
		t.Fatalf("made is %v, %v", made, err)
	}
	s.free(t, other.Handle)
	c := s.make(t, claviger.SignContext, "", made.Handle)
	if _, err := s.OneShot(t.Context(), c, nil, nil, 0, []byte("m"), nil); err != nil {
		t.Errorf("the copy, when the original's handle was released: %v", err)
	}
}

// other resolves a name that is not a key slot's.
func (s *Session) other(t testing.TB, name string, kind claviger.ResourceType) uint64 {
	t.Helper()
	r, err := s.Resolve(t.Context(), &pb.ResolveRequest{Name: name, Type: uint32(kind)})
	ok(t, err)
	return r.Handle
}

func TestManagedKeysCountAsHandlesAndKeys(t *testing.T) {
	r := newRig(t, Limits{Keys: 1, Handles: 2}).withSecrets(t)
	s := r.session(t, alice)
	key := s.managedKey(t, symmetric, "HMAC/SHA-256")
	for what, call := range map[string]func() error{
		"make": func() error {
			_, err := s.MakeManaged(t.Context(), &pb.MakeManagedRequest{Type: signatures, Algorithm: "Ed25519"})
			return err
		},
		"open": func() error {
			_, err := s.OpenManaged(t.Context(), &pb.OpenManagedRequest{Id: []byte(key.Id), Version: 1})
			return err
		},
		"replace": func() error {
			_, err := s.ReplaceManaged(t.Context(), &pb.ReplaceManagedRequest{Id: []byte(key.Id), Key: key.Handle})
			return err
		},
	} {
		fails(t, what+" beyond the limit", call(), claviger.ErrQuotaExceeded)
	}
	if list, err := s.ListManaged(t.Context(), &pb.ListManagedRequest{}); err != nil || len(list.Keys) != 1 || list.Keys[0].Latest != 1 {
		t.Errorf("a refused call kept something: %v, %v", list, err)
	}
	state := s.stateOf(t, key.Handle, nil)
	_, err := s.OpenState(t.Context(), &pb.OpenStateRequest{Key: key.Handle})
	fails(t, "a state beyond the limit", err, claviger.ErrQuotaExceeded)
	_, err = s.run(t, state, pb.StateVerb_STATE_CLONE, nil, 0)
	fails(t, "a copy beyond the limit", err, claviger.ErrQuotaExceeded)
	s.free(t, key.Handle, state)
	if n := s.tenant.handles.Load() + s.tenant.keys.Load() + s.tenant.held.Load() + r.engine.LiveKeys(); n != 0 {
		t.Errorf("after all was released %d handles, keys and bytes are counted", n)
	}
}

// TestStatesHoldInputAndOutputForTheTenant: what is held is charged, and given back when the verb has run, whatever came
// of it.
func TestStatesHoldInputAndOutputForTheTenant(t *testing.T) {
	r := newRig(t, Limits{HeldBytes: 8 << 20}).withSecrets(t)
	s := r.session(t, alice)
	key := s.managedKey(t, symmetric, "AES-256-GCM")
	nonce, part := make([]byte, 12), make([]byte, statePart)
	state := s.stateOf(t, key.Handle, nonce)
	idle := s.tenant.held.Load()
	for ahead := range uint64(2) {
		_, err := s.run(t, state, pb.StateVerb_STATE_HOLD, part, ahead*statePart)
		ok(t, err)
	}
	if n := s.tenant.held.Load() - idle; n < 2*statePart {
		t.Errorf("two parts are charged as %d bytes", n)
	}
	reply, err := s.run(t, state, pb.StateVerb_STATE_ENCRYPT, part[:5], 2*statePart)
	ok(t, err)
	if len(reply.Secret) != statePart || reply.Left != statePart+5+16 {
		t.Errorf("%d bytes, %d left", len(reply.Secret), reply.Left)
	}
	if n := s.tenant.held.Load() - idle; n < 2*statePart || n > 3*statePart {
		t.Errorf("the output is charged as %d bytes", n)
	}
	taken := 0
	for reply.Left > 0 {
		reply, err = s.run(t, state, pb.StateVerb_STATE_TAKE, nil, 500_000)
		ok(t, err)
		taken += len(reply.Secret)
	}
	if taken != statePart+5+16 || s.tenant.held.Load() != idle {
		t.Errorf("%d bytes were taken; %d are still charged", taken, s.tenant.held.Load()-idle)
	}
	_, err = s.run(t, state, pb.StateVerb_STATE_TAKE, nil, 1)
	fails(t, "taking what is not there", err, claviger.ErrInvalidOperation)
	_, err = s.run(t, state, pb.StateVerb_STATE_HOLD, part, 0)
	ok(t, err)
	_, err = s.run(t, state, pb.StateVerb_STATE_DECRYPT, part, statePart)
	fails(t, "what is no ciphertext", err, claviger.ErrInvalidTag)
	if n := s.tenant.held.Load() - idle; n != 0 {
		t.Errorf("after a failure %d bytes are charged", n)
	}
	for ahead := uint64(0); err == nil || claviger.CodeOf(err) == claviger.ErrInvalidTag; ahead += statePart {
		_, err = s.run(t, state, pb.StateVerb_STATE_HOLD, part, ahead)
	}
	fails(t, "holding beyond the tenant's bytes", err, claviger.ErrQuotaExceeded)
	s.free(t, state, key.Handle)
	if n := s.tenant.held.Load(); n != 0 {
		t.Errorf("after the release %d bytes are charged", n)
	}
}

// TestWhatAStateAbsorbsIsChargedWhereItIsKept: associated data is, a code's message is not.
func TestWhatAStateAbsorbsIsChargedWhereItIsKept(t *testing.T) {
	r := newRig(t, Limits{HeldBytes: 2 << 20}).withSecrets(t)
	s := r.session(t, alice)
	mac := s.stateOf(t, s.managedKey(t, symmetric, "HMAC/SHA-256").Handle, nil)
	for range 5 {
		_, err := s.run(t, mac, pb.StateVerb_STATE_ABSORB, make([]byte, 1<<20), 0)
		ok(t, err)
	}
	aead := s.stateOf(t, s.managedKey(t, symmetric, "AES-256-GCM").Handle, make([]byte, 12))
	_, err := s.run(t, aead, pb.StateVerb_STATE_ABSORB, make([]byte, 1<<20), 0)
	ok(t, err)
	_, err = s.run(t, aead, pb.StateVerb_STATE_ABSORB, make([]byte, 1<<20), 0)
	fails(t, "more than the tenant has", err, claviger.ErrQuotaExceeded)
	_, err = s.run(t, aead, pb.StateVerb_STATE_CLONE, nil, 0)
	fails(t, "a copy of more than the tenant has", err, claviger.ErrQuotaExceeded)
	s.free(t, aead)
	if n := s.tenant.held.Load(); n != stateFootprint+32 {
		t.Errorf("%d bytes are charged for a state with a key of 32", n)
	}
}

func TestStatesRefuseWhatIsNoStateAndNoVerb(t *testing.T) {
	r := newRig(t, Limits{}).withSecrets(t)
	s, other := r.session(t, alice), r.session(t, alice)
	key := s.managedKey(t, symmetric, "HMAC/SHA-256")
	state := s.stateOf(t, key.Handle, nil)
	for what, c := range map[string]struct {
		s    *Session
		h    uint64
		verb pb.StateVerb
		want claviger.Code
	}{
		"no handle":              {s, 0, pb.StateVerb_STATE_ABSORB, claviger.ErrResourceNotFound},
		"another session's":      {other, state, pb.StateVerb_STATE_ABSORB, claviger.ErrResourceNotFound},
		"a key's handle":         {s, key.Handle, pb.StateVerb_STATE_ABSORB, claviger.ErrInvalidResourceType},
		"no verb":                {s, state, pb.StateVerb_STATE_NONE, claviger.ErrUnsupportedOperation},
		"an unknown verb":        {s, state, 16, claviger.ErrUnsupportedOperation},
		"a negative verb":        {s, state, -1, claviger.ErrUnsupportedOperation},
		"a verb it has not":      {s, state, pb.StateVerb_STATE_ENCRYPT, claviger.ErrInvalidOperation},
		"taking without output":  {s, state, pb.StateVerb_STATE_TAKE, claviger.ErrInvalidOperation},
		"a squeeze without size": {s, state, pb.StateVerb_STATE_SQUEEZE, claviger.ErrInvalidOperation},
	} {
		_, err := c.s.run(t, c.h, c.verb, []byte("data"), 0)
		fails(t, what, err, c.want)
	}
	_, err := s.run(t, state, pb.StateVerb_STATE_SQUEEZE, nil, math.MaxUint64)
	fails(t, "a squeeze beyond all limits", err, claviger.ErrInvalidLength)
	for what, h := range map[string]uint64{"a state": state, "no handle": 7} {
		if _, err := s.OpenState(t.Context(), &pb.OpenStateRequest{Key: h}); err == nil {
			t.Errorf("%s opens a state", what)
		}
	}
	_, err = s.OpenState(t.Context(), &pb.OpenStateRequest{Key: s.managedKey(t, signatures, "Ed25519").Handle})
	fails(t, "a pair", err, claviger.ErrIncompatibleKeyType)
	_, err = s.OpenState(t.Context(), &pb.OpenStateRequest{Key: s.key(t, "SECRET", claviger.AllPermissions)})
	fails(t, "a secret that is not managed", err, claviger.ErrInvalidResourceType)
	s.free(t, state)
	_, err = s.run(t, state, pb.StateVerb_STATE_ABSORB, nil, 0)
	fails(t, "a released state", err, claviger.ErrResourceNotFound)
}

// TestAStateServesOneCallAtATimeAndOutlivesItsKey runs many calls and the release at once.
func TestAStateServesOneCallAtATimeAndOutlivesItsKey(t *testing.T) {
	r := newRig(t, Limits{}).withSecrets(t)
	for range 20 {
		s := r.session(t, alice)
		key := s.managedKey(t, symmetric, "AES-256-GCM")
		state := s.stateOf(t, key.Handle, make([]byte, 12))
		s.free(t, key.Handle)
		_, err := s.InvalidateManaged(t.Context(), &pb.InvalidateManagedRequest{Id: []byte(key.Id), Version: claviger.AllVersions})
		ok(t, err)
		var done sync.WaitGroup
		for range 8 {
			done.Go(func() {
				for range 20 {
					_, err := s.RunState(context.Background(), &pb.RunStateRequest{State: state, Verb: pb.StateVerb_STATE_DECRYPT, Data: make([]byte, 4096)})
					switch claviger.CodeOf(err) {
					case claviger.ErrInvalidTag, claviger.ErrInvalidOperation, claviger.ErrResourceNotFound:
					default:
						t.Errorf("a call among others: %v", err)
					}
				}
			})
		}
		done.Go(s.Close)
		done.Wait()
	}
	s := r.session(t, alice)
	if n := s.tenant.held.Load() + r.engine.LiveKeys(); n != 0 {
		t.Errorf("%d bytes and keys are left", n)
	}
}

// TestRawSecretsComeOfManagedPairsOnly: an agreement with another pair that may not be exported gives no secret away.
func TestRawSecretsComeOfManagedPairsOnly(t *testing.T) {
	s := newRig(t, Limits{}).withSecrets(t).session(t, alice)
	managed := s.managedKey(t, keyExchange, "X25519")
	only := uint32(claviger.Export)
	agree := func(key uint64) error {
		made, err := s.Agree(t.Context(), &pb.AgreeRequest{Key: key, Peer: managed.Public, Format: uint32(claviger.DER), Target: &pb.KeyTarget{Permissions: &only}})
		if err == nil {
			_, err = s.Export(t.Context(), &pb.ExportRequest{Key: made.Handle, Format: uint32(claviger.Raw)})
		}
		return err
	}
	ok(t, agree(managed.Handle))
	fails(t, "an ephemeral pair that may not be exported", agree(s.key(t, "X25519", claviger.Agree)), claviger.ErrKeyOperationNotPermitted)
	_, err := s.Export(t.Context(), &pb.ExportRequest{Key: managed.Handle, Format: uint32(claviger.DER)})
	fails(t, "the pair itself", err, claviger.ErrKeyOperationNotPermitted)
}

// TestTheLogNamesTheManagedKey by its identifier, whatever is done with it, also where that is refused.
func TestTheLogNamesTheManagedKey(t *testing.T) {
	r := newRig(t, Limits{}).withSecrets(t)
	s := r.session(t, alice)
	pair, secret, agrees := s.managedKey(t, signatures, "Ed25519"), s.managedKey(t, symmetric, "HMAC/SHA-256"), s.managedKey(t, keyExchange, "X25519")
	only := &pb.KeyTarget{Permissions: new(uint32(claviger.Export))}
	named := func(what, id, outcome string, n int) {
		t.Helper()
		found := 0
		for _, line := range r.log.take() {
			if strings.Contains(line, "msg=decision") && strings.Contains(line, "name="+id) && strings.Contains(line, "outcome="+outcome) {
				found++
			}
		}
		if found != n {
			t.Errorf("%s: %d lines name the key, want %d", what, found, n)
		}
	}
	r.log.take()
	signs := s.make(t, claviger.SignContext, "", pair.Handle)
	named("sign", pair.Id, "allowed", 1)
	s.stateOf(t, secret.Handle, nil)
	named("state", secret.Id, "allowed", 1)
	_, err := s.Agree(t.Context(), &pb.AgreeRequest{Key: agrees.Handle, Peer: agrees.Public, Format: uint32(claviger.DER), Target: only})
	ok(t, err)
	named("agree", agrees.Id, "allowed", 1)
	_, err = s.Export(t.Context(), &pb.ExportRequest{Key: pair.Handle, Format: uint32(claviger.DER)})
	fails(t, "export", err, claviger.ErrKeyOperationNotPermitted)
	named("export", pair.Id, "refused", 1)
	opened, err := s.OpenManaged(t.Context(), &pb.OpenManagedRequest{Id: []byte(pair.Id + "\x00"), Version: 1})
	ok(t, err)
	s.make(t, claviger.VerifyContext, "", opened.Handle)
	named("open and verify", pair.Id, "allowed", 2)
	r.SetPolicy(policy.New(rules(func(p *policy.Rules) { p.Apps = p.Apps[1:] })))
	_, err = s.OneShot(t.Context(), signs, nil, nil, 0, []byte("message"), nil)
	fails(t, "sign for one who is gone", err, claviger.ErrAccessDenied)
	named("sign for one who is gone", pair.Id, "refused", 1)
}

func TestASessionWithoutAKeeperHasNoManagedKeys(t *testing.T) {
	s := newRig(t, Limits{}).session(t, alice)
	_, err := s.MakeManaged(t.Context(), &pb.MakeManagedRequest{Type: signatures, Algorithm: "Ed25519"})
	fails(t, "make", err, claviger.ErrUnsupportedOperation)
	_, err = s.ListManaged(t.Context(), &pb.ListManagedRequest{})
	fails(t, "list", err, claviger.ErrUnsupportedOperation)
}
