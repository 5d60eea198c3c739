package session

import (
	"context"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/provider"
	pb "github.com/claviger/claviger/proto"
)

func TestHandlesOfAnotherSessionDoNotExist(t *testing.T) {
	r := newRig(t, Limits{})
	a, b := r.session(t, alice), r.session(t, bob)
	slot := a.fill(t, "data")
	key := a.key(t, "HMAC-SHA-256", claviger.AllPermissions)
	mac := a.make(t, claviger.MACContext, "HMAC-SHA-256", key)
	b.slot(t, "data") // bob has handles of his own
	for _, h := range []uint64{slot, key, mac, 0, 1} {
		_, err := b.OneShot(t.Context(), h, nil, nil, 0, nil, nil)
		fails(t, "one shot", err, claviger.ErrResourceNotFound)
		_, err = b.CreateContext(t.Context(), &pb.CreateContextRequest{Kind: uint32(claviger.MACContext), Algorithm: "HMAC-SHA-256", Key: h | 1<<63})
		fails(t, "create", err, claviger.ErrResourceNotFound)
		_, err = b.KeyInfo(t.Context(), &pb.KeyInfoRequest{Key: h})
		fails(t, "key info", err, claviger.ErrResourceNotFound)
		_, err = b.Release(t.Context(), &pb.ReleaseRequest{Handles: []uint64{h}})
		fails(t, "release", err, claviger.ErrResourceNotFound)
		if b.Cost(h, 1<<30) != provider.Inline {
			t.Error("a foreign handle has a cost")
		}
		b.Abandon(h)
	}
	if _, err := a.OneShot(t.Context(), mac, nil, nil, 0, nil, nil); err != nil {
		t.Errorf("alice: %v", err)
	}
	_, err := b.Resolve(t.Context(), &pb.ResolveRequest{Name: "mac", Type: uint32(claviger.TypeKeySlot)})
	fails(t, "a name of alice's", err, claviger.ErrInvalidResourceID)
	_, err = a.Resolve(t.Context(), &pb.ResolveRequest{Name: "mac", Type: uint32(claviger.TypeCertSlot)})
	fails(t, "another type", err, claviger.ErrInvalidResourceType)
}

func TestHandlesAreNeverReused(t *testing.T) {
	s := newRig(t, Limits{}).session(t, alice)
	seen := make(map[uint64]bool)
	for range 1000 {
		h := s.slot(t, "data")
		if h == 0 || seen[h] {
			t.Fatalf("handle %#x again", h)
		}
		seen[h] = true
		s.free(t, h)
	}
	live := s.slot(t, "data")
	_, err := s.Release(t.Context(), &pb.ReleaseRequest{Handles: []uint64{12345, live}})
	fails(t, "one of two", err, claviger.ErrResourceNotFound)
	_, err = s.Release(t.Context(), &pb.ReleaseRequest{Handles: []uint64{live}})
	fails(t, "it was released all the same", err, claviger.ErrResourceNotFound)
}

func TestTheMappingBoundsTheSlot(t *testing.T) {
	r := newRig(t, Limits{})
	a, b := r.session(t, alice), r.session(t, bob)
	a.fill(t, "data")
	slot := b.slot(t, "data")
	create := func(d claviger.Direction) error {
		_, err := b.CreateContext(t.Context(), &pb.CreateContextRequest{Kind: uint32(claviger.CipherContext), Algorithm: "AES-256-CBC", Key: slot, Direction: uint32(d)})
		return err
	}
	ok(t, create(claviger.Encrypting))
	fails(t, "decrypt", create(claviger.Decrypting), claviger.ErrKeyOperationNotPermitted)
	_, err := b.CreateContext(t.Context(), &pb.CreateContextRequest{Kind: uint32(claviger.CipherContext), Algorithm: "AES-256-CTR", Key: slot})
	fails(t, "CTR with Encrypt alone", err, claviger.ErrKeyOperationNotPermitted)
	loaded, err := b.Load(t.Context(), &pb.LoadRequest{Slot: slot})
	ok(t, err)
	if got := claviger.Permission(loaded.Key.Permissions); got != claviger.Encrypt {
		t.Errorf("the loaded key shows %s", got)
	}
	_, err = b.CreateContext(t.Context(), &pb.CreateContextRequest{Kind: uint32(claviger.CipherContext), Algorithm: "AES-256-CBC", Key: loaded.Handle, Direction: 1})
	fails(t, "decrypt with the loaded key", err, claviger.ErrKeyOperationNotPermitted)
	_, err = b.Export(t.Context(), &pb.ExportRequest{Key: loaded.Handle})
	fails(t, "export", err, claviger.ErrKeyOperationNotPermitted)
	for what, err := range map[string]error{
		"generate": second(b.Generate(t.Context(), &pb.GenerateRequest{Target: &pb.KeyTarget{Slot: slot, Rotate: true}})),
		"import":   second(b.Import(t.Context(), &pb.ImportRequest{Data: make([]byte, 32), Format: uint32(claviger.Raw), Target: &pb.KeyTarget{Slot: slot, Rotate: true}})),
		"persist":  second(b.Persist(t.Context(), &pb.PersistRequest{Key: b.key(t, "AES-256", claviger.Encrypt), Slot: slot, Rotate: true})),
		"clear":    second(b.Clear(t.Context(), &pb.ClearRequest{Slot: slot})),
	} {
		fails(t, what, err, claviger.ErrAccessDenied)
	}
}

func second[T any](_ T, err error) error { return err }

func TestAWithdrawnRightIsRefusedAtTheNextCall(t *testing.T) {
	slotOf := func(r *policy.Rules, name string) *policy.Slot {
		for i := range r.Slots {
			if r.Slots[i].Name == name {
				return &r.Slots[i]
			}
		}
		return nil
	}
	mapping := func(r *policy.Rules, f func(*policy.Resource)) {
		x := r.Apps[0].Resources["data"]
		f(&x)
		r.Apps[0].Resources["data"] = x
	}
	for name, c := range map[string]struct {
		alter func(*policy.Rules)
		want  claviger.Code
	}{
		"nothing that matters":  {func(r *policy.Rules) { r.Admins = nil }, 0},
		"the slot's operations": {func(r *policy.Rules) { slotOf(r, "shared").Operations = claviger.Decrypt }, claviger.ErrKeyOperationNotPermitted},
		"the mapping's":         {func(r *policy.Rules) { mapping(r, func(x *policy.Resource) { x.Operations = 0 }) }, claviger.ErrKeyOperationNotPermitted},
		"the mapping":           {func(r *policy.Rules) { delete(r.Apps[0].Resources, "data") }, claviger.ErrInvalidResourceID},
		"the slot":              {func(r *policy.Rules) { r.Slots = r.Slots[1:] }, claviger.ErrInvalidResourceID},
		"the name's meaning":    {func(r *policy.Rules) { mapping(r, func(x *policy.Resource) { x.Target = "spare" }) }, claviger.ErrAccessDenied},
		"the mode":              {func(r *policy.Rules) { slotOf(r, "shared").Modes = []claviger.Algorithm{"AES-256-CBC"} }, claviger.ErrKeyOperationNotPermitted},
		"the caller's nonces":   {func(r *policy.Rules) { slotOf(r, "shared").CallerNonce = false }, claviger.ErrKeyOperationNotPermitted},
		"the provider":          {func(r *policy.Rules) { slotOf(r, "shared").Providers[0] = 3 }, claviger.ErrProviderNotAvailable},
		"the caller":            {func(r *policy.Rules) { r.Apps = r.Apps[1:] }, claviger.ErrAccessDenied},
		"the caller's name":     {func(r *policy.Rules) { r.Apps[0].Name = "carol" }, claviger.ErrAccessDenied},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Limits{})
			own := func(r *policy.Rules) { slotOf(r, "shared").CallerNonce = true }
			r.SetPolicy(policy.New(rules(own)))
			s := r.session(t, alice)
			aead := s.make(t, claviger.AEADContext, "AES-256-GCM", s.fill(t, "data"))
			loaded, err := s.Load(t.Context(), &pb.LoadRequest{Slot: s.slot(t, "data")})
			ok(t, err)
			nonce := make([]byte, 12)
			_, err = s.Init(t.Context(), aead, nonce, nil, nil)
			ok(t, err)
			r.SetPolicy(policy.New(rules(own, c.alter)))
			_, err = s.Update(t.Context(), aead, []byte("part"), nil)
			if claviger.CodeOf(err) != c.want {
				t.Errorf("update: %v; want %q", err, c.want.Name())
			}
			_, err = s.CreateContext(t.Context(), &pb.CreateContextRequest{Kind: uint32(claviger.AEADContext), Algorithm: "AES-256-GCM", Key: loaded.Handle})
			if (err != nil) != (c.want != 0) && name != "the caller's nonces" { // a new context simply draws its own
				t.Errorf("a new context on the loaded key: %v", err)
			}
			r.SetPolicy(policy.New(rules(own)))
			_, err = s.Finalize(t.Context(), aead, nil, 0, false, 0, nil)
			ok(t, err) // given back, the context works again
		})
	}
}

func TestKeylessAndEphemeralWorkEndsWithTheCallersRights(t *testing.T) {
	r := newRig(t, Limits{})
	s := r.session(t, alice)
	hash := s.make(t, claviger.HashContext, "SHA-256", 0)
	mac := s.make(t, claviger.MACContext, "HMAC-SHA-256", s.key(t, "HMAC-SHA-256", claviger.Mac))
	r.SetPolicy(policy.New(rules()))
	for _, h := range []uint64{hash, mac} {
		_, err := s.OneShot(t.Context(), h, nil, nil, 0, nil, nil)
		ok(t, err)
	}
	r.SetPolicy(policy.New(rules(func(r *policy.Rules) { r.Apps = nil })))
	for _, h := range []uint64{hash, mac} {
		_, err := s.OneShot(t.Context(), h, nil, nil, 0, nil, nil)
		fails(t, "data", err, claviger.ErrAccessDenied)
	}
	_, err := s.Generate(t.Context(), &pb.GenerateRequest{Algorithm: "AES-256"})
	fails(t, "generate", err, claviger.ErrAccessDenied)
}

func TestCloseGivesEverythingBack(t *testing.T) {
	r := newRig(t, Limits{})
	s := r.session(t, alice)
	slot := s.fill(t, "data")
	key := s.key(t, "Ed25519", claviger.AllPermissions)
	sign := s.make(t, claviger.SignContext, "Ed25519", key)
	s.make(t, claviger.CipherContext, "AES-256-CBC", slot)
	_, err := s.Load(t.Context(), &pb.LoadRequest{Slot: slot})
	ok(t, err)
	_, err = s.Init(t.Context(), sign, nil, nil, nil)
	ok(t, err)
	_, err = s.Update(t.Context(), sign, make([]byte, 1000), nil)
	ok(t, err)
	closed := new(closer)
	region, err := s.AddRegion(closed, 1<<20)
	ok(t, err)
	if got, err := s.Region(region); err != nil || got != io.Closer(closed) {
		t.Errorf("region: %v, %v", got, err)
	}
	count := s.tenant
	if count.held.Load() != 1000 || count.regions.Load() != 1<<20 || count.keys.Load() != 2 || count.contexts.Load() != 2 || count.handles.Load() != 6 || r.engine.LoadedSlots() != 1 {
		t.Errorf("in use: %v, %d slots loaded", count.status(), r.engine.LoadedSlots())
	}
	s.Close()
	s.Close()
	for what, n := range map[string]int64{"sessions": count.sessions.Load(), "handles": count.handles.Load(), "keys": count.keys.Load(), "contexts": count.contexts.Load(),
		"held": count.held.Load(), "regions": count.regions.Load(), "live keys": r.engine.LiveKeys(), "loaded slots": int64(r.engine.LoadedSlots())} {
		if n != 0 {
			t.Errorf("%d %s are left", n, what)
		}
	}
	if !closed.is {
		t.Error("the region is open")
	}
	_, err = s.Resolve(t.Context(), &pb.ResolveRequest{Name: "data", Type: uint32(claviger.TypeKeySlot)})
	fails(t, "resolve", err, claviger.ErrSessionExpired)
	_, err = s.Generate(t.Context(), &pb.GenerateRequest{Algorithm: "AES-256"})
	fails(t, "generate", err, claviger.ErrSessionExpired)
	_, err = s.CreateContext(t.Context(), &pb.CreateContextRequest{Kind: uint32(claviger.HashContext), Algorithm: "SHA-256"})
	fails(t, "create", err, claviger.ErrSessionExpired)
	if n := count.handles.Load() + count.keys.Load() + count.contexts.Load() + r.engine.LiveKeys(); n != 0 {
		t.Errorf("after the end %d things were kept", n)
	}
}

type closer struct{ is bool }

func (c *closer) Close() error { c.is = true; return nil }

func TestLimitsNameThemselvesAndTheirNumber(t *testing.T) {
	r := newRig(t, Limits{Sessions: 1, Connections: 2, Handles: 4, Keys: 2, InFlight: 1, HeldBytes: 100, RegionBytes: 1000})
	s := r.session(t, alice)
	refused := func(what, number string, err error) {
		t.Helper()
		fails(t, what, err, claviger.ErrQuotaExceeded)
		if err == nil || !strings.Contains(err.Error(), what) || !strings.Contains(err.Error(), number) {
			t.Errorf("%v does not name %s and %s", err, what, number)
		}
	}
	_, err := r.Open(s.Caller())
	refused("sessions", "1", err)
	if other := r.session(t, bob); other == nil {
		t.Error("another tenant is bound by it")
	}
	ok(t, s.AddConnection())
	ok(t, s.AddConnection())
	refused("connections", "2", s.AddConnection())
	s.DropConnection()
	ok(t, s.AddConnection())
	ok(t, s.Begin())
	refused("calls in flight", "1", s.Begin())
	s.End()
	ok(t, s.Begin())
	ok(t, s.Reserve(100))
	refused("held bytes", "100", s.Reserve(1))
	s.Unreserve(100)
	fails(t, "less than nothing", s.Reserve(-1), claviger.ErrInvalidArgument)

	region := new(closer)
	_, err = s.AddRegion(region, 1001)
	refused("region bytes", "1000", err)
	if !region.is {
		t.Error("the refused region is open")
	}
	_, err = s.Generate(t.Context(), &pb.GenerateRequest{Algorithm: "NO-SUCH"})
	fails(t, "generate", err, claviger.ErrUnsupportedAlgorithm)
	if n := s.tenant.handles.Load() + s.tenant.keys.Load(); n != 0 {
		t.Errorf("a key that was not made takes %d", n)
	}
	first := s.key(t, "AES-256", 0)
	s.key(t, "AES-256", 0)
	_, err = s.Generate(t.Context(), &pb.GenerateRequest{Algorithm: "AES-256"})
	refused("live keys", "2", err)
	s.slot(t, "data")
	s.slot(t, "data")
	_, err = s.Resolve(t.Context(), &pb.ResolveRequest{Name: "data", Type: uint32(claviger.TypeKeySlot)})
	refused("handles", "4", err)
	_, err = s.CreateContext(t.Context(), &pb.CreateContextRequest{Kind: uint32(claviger.HashContext), Algorithm: "SHA-256"})
	refused("handles", "4", err)
	s.free(t, first)
	s.slot(t, "data")
	_, err = s.Generate(t.Context(), &pb.GenerateRequest{Algorithm: "AES-256"})
	refused("handles", "4", err)
	if s.tenant.keys.Load() != 1 || r.engine.LiveKeys() != 1 {
		t.Errorf("%d keys counted, %d live", s.tenant.keys.Load(), r.engine.LiveKeys())
	}
}

func TestOneLineForEachDecisionAndNoneForData(t *testing.T) {
	r := newRig(t, Limits{})
	s := r.session(t, alice)
	lines := func(what string, wants ...string) {
		t.Helper()
		got := r.log.take()
		if len(got) != 1 {
			t.Errorf("%s: %d lines: %q", what, len(got), got)
			return
		}
		for _, want := range append(wants, "tenant=alice", "uid=1001") {
			if !strings.Contains(got[0], want) {
				t.Errorf("%s: %q lacks %q", what, got[0], want)
			}
		}
	}
	slot := s.slot(t, "mac")
	lines("resolve", "op=resolve", "name=mac", "outcome=allowed")
	_, _ = s.Resolve(t.Context(), &pb.ResolveRequest{Name: "none\nsuch", Type: uint32(claviger.TypeKeySlot)})
	lines("refused resolve", "outcome=refused", "code=InvalidArgument")
	_, err := s.Generate(t.Context(), &pb.GenerateRequest{Target: &pb.KeyTarget{Slot: slot}})
	ok(t, err)
	lines("generate", "op=generate", "name=mac", "outcome=allowed")
	mac := s.make(t, claviger.MACContext, "HMAC-SHA-256", slot)
	lines("create", "op=mac", "name=mac", "outcome=allowed")
	_, err = s.CreateContext(t.Context(), &pb.CreateContextRequest{Kind: uint32(claviger.SignContext), Algorithm: "ECDSA-P256-SHA-256", Key: slot})
	fails(t, "sign", err, claviger.ErrKeyOperationNotPermitted)
	lines("refused create", "op=sign", "outcome=refused", "code=KeyOperationNotPermitted")
	hash := s.make(t, claviger.HashContext, "SHA-256", 0)
	lines("hash", "op=hash", "outcome=allowed")
	for _, h := range []uint64{mac, hash} {
		_, err = s.OneShot(t.Context(), h, nil, nil, 0, []byte("data"), nil)
		ok(t, err)
		_, _ = s.Update(t.Context(), h, nil, nil)
	}
	if got := r.log.take(); len(got) != 0 {
		t.Errorf("data operations log %q", got)
	}
}

func TestSmallCallsAllocateNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool drop what it holds")
	}
	s := newRig(t, Limits{}).session(t, alice)
	mac := s.make(t, claviger.MACContext, "HMAC-SHA-256", s.fill(t, "mac"))
	hash := s.make(t, claviger.HashContext, "SHA-256", 0)
	gcm := s.make(t, claviger.AEADContext, "AES-256-GCM", s.key(t, "AES-256", twoWay))
	in, out, nonce, ctx := make([]byte, 32), make([]byte, 0, 256), make([]byte, 12), context.Background()
	check := func(err error) {
		if err != nil {
			t.Error(err)
		}
	}
	for name, call := range map[string]func(){
		"HMAC":    func() { check(second(s.OneShot(ctx, mac, nil, nil, 0, in, out))) },
		"SHA-256": func() { check(second(s.OneShot(ctx, hash, nil, nil, 0, in, out))) },
		"GCM":     func() { check(second(s.OneShot(ctx, gcm, nonce, nil, 0, in, out))) },
		"around":  func() { check(s.Begin()); s.CountFrame("oneshot"); s.Cost(mac, 32); s.End() },
		"stream": func() {
			check(second(s.Init(ctx, mac, nil, nil, out)))
			check(second(s.Update(ctx, mac, in, out)))
			check(second(s.Finalize(ctx, mac, nil, 0, false, 0, out)))
			check(s.Reset(ctx, mac))
		},
	} {
		if n := testing.AllocsPerRun(200, call); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestReleaseDuringCallsIsSafe(t *testing.T) {
	r := newRig(t, Limits{})
	s := r.session(t, alice)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				key := s.key(t, "HMAC-SHA-256", claviger.Mac)
				mac := s.make(t, claviger.MACContext, "HMAC-SHA-256", key)
				var inner sync.WaitGroup
				for range 2 {
					inner.Go(func() {
						out, err := s.OneShot(context.Background(), mac, nil, nil, 0, []byte("data"), nil)
						if code := claviger.CodeOf(err); err == nil && len(out) != 32 || err != nil && code != claviger.ErrResourceNotFound && code != claviger.ErrContextAlreadyDestroyed {
							t.Errorf("%d bytes, %v", len(out), err)
						}
					})
				}
				s.free(t, key, mac)
				inner.Wait()
			}
		})
	}
	wg.Wait()
	if n := s.tenant.handles.Load() + s.tenant.keys.Load() + r.engine.LiveKeys(); n != 0 {
		t.Errorf("%d things are left", n)
	}
}
