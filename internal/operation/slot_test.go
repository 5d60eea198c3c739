package operation

import (
	"slices"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/software"
	"github.com/claviger/claviger/internal/store"
)

const twoWay = claviger.Encrypt | claviger.Decrypt

func TestSlotInfoIsThatOfTheSecondFlow(t *testing.T) {
	r := newRig(t, slot("data", "AES-256", twoWay))
	g, err := r.policy.SlotKey(r.caller, "test", "data", claviger.AllPermissions, 0)
	ok(t, err)
	want := claviger.KeySlotInfo{State: claviger.SlotEmpty, Algorithm: "AES-256", Primary: 2, Compatible: []claviger.ProviderID{2, 5}, Permissions: twoWay}
	check := func(versions int) {
		t.Helper()
		info, err := r.SlotInfo(g, g.Permissions())
		ok(t, err)
		if !info.Equal(want) || len(info.Versions) != versions {
			t.Errorf("got %+v; want %+v", info, want)
		}
	}
	check(0)
	_, err = r.Generate(t.Context(), r.keyless(), "", r.into(t, "data"), nil)
	ok(t, err)
	want.State = claviger.SlotOccupied
	check(1)
	r.Engine = r.engine(t) // a restart
	check(1)
}

func TestVersionsNeverRepeat(t *testing.T) {
	r := newRig(t, slot("data", "AES-256", twoWay))
	target := r.into(t, "data")
	generate := func() (uint64, error) {
		made, err := r.Generate(t.Context(), r.keyless(), "AES256", target, nil)
		return made.Version, err
	}
	expect := func(want uint64) {
		t.Helper()
		if got, err := generate(); err != nil || got != want {
			t.Errorf("version %d, %v; want %d", got, err, want)
		}
	}
	expect(1)
	_, err := generate()
	fails(t, "occupied", err, claviger.ErrKeySlotOccupied)
	target.Rotate = true
	expect(2)
	expect(3)
	ok(t, r.Clear(t.Context(), target.Slot, 2))
	fails(t, "cleared twice", r.Clear(t.Context(), target.Slot, 2), claviger.ErrKeySlotEmpty)
	for version, want := range map[uint64]claviger.Code{0: 0, 1: 0, 2: claviger.ErrKeySlotEmpty, 3: 0, 4: claviger.ErrKeySlotEmpty} {
		if _, _, err := r.SlotRef("data", version); claviger.CodeOf(err) != want {
			t.Errorf("version %d: %v", version, err)
		}
	}
	ok(t, r.Clear(t.Context(), target.Slot, 0))
	fails(t, "cleared empty", r.Clear(t.Context(), target.Slot, 0), claviger.ErrKeySlotEmpty)
	_, _, err = r.SlotRef("data", 0)
	fails(t, "empty", err, claviger.ErrKeySlotEmpty)
	target.Rotate = false
	expect(4)
	keys, _, err := r.OccupiedSlots(r.keyless())
	if err != nil || !slices.Equal(keys, []string{"data"}) {
		t.Errorf("occupied: %v, %v", keys, err)
	}
}

func TestASlotTakesOnlyWhatItIsFor(t *testing.T) {
	r := newRig(t, slot("data", "AES-256", twoWay), slot("sign", "ECDSA-P256", claviger.Sign|claviger.Verify))
	_, err := r.Generate(t.Context(), r.keyless(), "AES-128", r.into(t, "data"), nil)
	fails(t, "another algorithm", err, claviger.ErrIncompatibleKeyType)
	_, err = r.Import(t.Context(), r.keyless(), "", claviger.Raw, make([]byte, 16), r.into(t, "data"))
	fails(t, "another size", err, claviger.ErrIncompatibleKeyType)

	all := r.generate(t, "AES-256", claviger.AllPermissions)
	_, err = r.Persist(t.Context(), r.write(t, "data"), all, false)
	fails(t, "more than the slot permits", err, claviger.ErrKeyOperationNotPermitted)
	_, err = r.Persist(t.Context(), r.write(t, "sign"), r.generate(t, "AES-256", claviger.Sign), false)
	fails(t, "another type", err, claviger.ErrIncompatibleKeyType)
	_, err = r.Persist(t.Context(), policy.Grant{}, all, false)
	fails(t, "no grant", err, claviger.ErrAccessDenied)

	key := r.generate(t, "AES-256", claviger.Encrypt)
	made, err := r.Persist(t.Context(), r.write(t, "data"), key, false)
	ok(t, err)
	if made.Key != nil || made.Version != 1 || made.Info.Persistence != claviger.Persistent || made.Info.Permissions != claviger.Encrypt {
		t.Errorf("%+v", made)
	}
	c, g := r.context(t, key, ContextSpec{Kind: claviger.CipherContext, Algorithm: "AES-256-CBC"}) // the key itself stays as it is
	_, err = c.OneShot(t.Context(), g, make([]byte, 16), nil, 0, nil, nil)
	ok(t, err)

	ref, _ := r.use(t, "data")
	if got := ref.Traits().Permissions; got != claviger.Encrypt {
		t.Errorf("stored with %s", got)
	}
	loaded, err := r.LoadKey(t.Context(), r.keyless(), ref)
	ok(t, err)
	defer loaded.Release()
	_, err = r.Persist(t.Context(), r.write(t, "data"), loaded, true)
	fails(t, "a slot's key", err, claviger.ErrKeyOperationNotPermitted)
}

func TestASlotCutsThePermissionsOfWhatIsWrittenIntoIt(t *testing.T) {
	r := newRig(t, slot("data", "AES-256", twoWay))
	target := r.into(t, "data")
	asked := claviger.Encrypt | claviger.Export
	target.Permissions = &asked
	made, err := r.Generate(t.Context(), r.keyless(), "", target, nil)
	ok(t, err)
	if made.Info.Permissions != claviger.Encrypt {
		t.Errorf("permits %s", made.Info.Permissions)
	}
	unknown := claviger.Permission(1 << 11)
	target.Permissions = &unknown
	_, err = r.Generate(t.Context(), r.keyless(), "", target, nil)
	fails(t, "unknown bit", err, claviger.ErrInvalidArgument)
}

func TestContextsOnOneSlotShareOneKey(t *testing.T) {
	r := newRig(t, slot("data", "AES-256", twoWay))
	_, err := r.Generate(t.Context(), r.keyless(), "", r.into(t, "data"), nil)
	ok(t, err)
	ref, g := r.use(t, "data")
	spec := ContextSpec{Kind: claviger.CipherContext, Algorithm: "AES-256-CBC"}
	up, err := r.NewContext(t.Context(), g, ref, spec)
	ok(t, err)
	spec.Direction = claviger.Decrypting
	down, err := r.NewContext(t.Context(), g, ref, spec)
	ok(t, err)
	loaded, err := r.LoadKey(t.Context(), g, ref)
	ok(t, err)
	if up.key != down.key || loaded != up.key || r.LoadedSlots() != 1 || r.LiveKeys() != 1 {
		t.Errorf("%d slots loaded, %d keys live", r.LoadedSlots(), r.LiveKeys())
	}
	iv := make([]byte, 16)
	sealed, err := up.OneShot(t.Context(), g, iv, nil, 0, nil, []byte("both at the same time"))
	ok(t, err)
	loaded.Release()
	up.Close()
	plain, err := down.OneShot(t.Context(), g, iv, nil, 0, nil, sealed)
	if err != nil || string(plain) != "both at the same time" {
		t.Errorf("%q, %v", plain, err)
	}
	down.Close()
	down.Close()
	if r.LoadedSlots() != 0 || r.LiveKeys() != 0 {
		t.Errorf("at the end %d slots loaded, %d keys live", r.LoadedSlots(), r.LiveKeys())
	}
}

func TestADestroyedKeyServesNoFurtherCall(t *testing.T) {
	r := newRig(t, slot("data", "AES-256", twoWay))
	target := r.into(t, "data")
	_, err := r.Generate(t.Context(), r.keyless(), "", target, nil)
	ok(t, err)
	ref, g := r.use(t, "data")
	c, err := r.NewContext(t.Context(), g, ref, ContextSpec{Kind: claviger.CipherContext, Algorithm: "AES-256-CBC"})
	ok(t, err)
	defer c.Close()
	iv := make([]byte, 16)
	_, err = c.Init(t.Context(), g, iv, nil, nil)
	ok(t, err)
	ok(t, r.Clear(t.Context(), target.Slot, 0))
	_, err = c.Update(t.Context(), g, nil, iv)
	fails(t, "update", err, claviger.ErrKeySlotEmpty)
	_, err = r.NewContext(t.Context(), g, ref, ContextSpec{Kind: claviger.CipherContext, Algorithm: "AES-256-CBC"})
	fails(t, "a new context", err, claviger.ErrKeySlotEmpty)
	_, err = r.NewContext(t.Context(), g, LiveRef(c.Key()), ContextSpec{Kind: claviger.CipherContext, Algorithm: "AES-256-CBC"})
	fails(t, "a new context on the live key", err, claviger.ErrKeySlotEmpty)
}

func TestAKeyThatIsDestroyedWhileItLoadsServesNobody(t *testing.T) {
	r := newRig(t, slot("data", "AES-256", twoWay))
	target := r.into(t, "data")
	_, err := r.Generate(t.Context(), r.keyless(), "", target, nil)
	ok(t, err)
	ref, g := r.use(t, "data")
	r.five.then = func() { ok(t, r.Clear(t.Context(), target.Slot, 0)) }
	_, err = r.NewContext(t.Context(), g, ref, ContextSpec{Kind: claviger.CipherContext, Algorithm: "AES-256-CBC", Provider: Selector{ID: 5}})
	fails(t, "create", err, claviger.ErrKeySlotEmpty)
	if r.five.loads != 1 || r.LiveKeys() != 0 || r.LoadedSlots() != 0 {
		t.Errorf("%d loads, %d keys, %d slots", r.five.loads, r.LiveKeys(), r.LoadedSlots())
	}
}

func TestAnOldVersionDecryptsAndVerifiesOnly(t *testing.T) {
	r := newRig(t, slot("mac", "HMAC-SHA-256", claviger.AllPermissions))
	target := r.into(t, "mac")
	target.Rotate = true
	for range 2 {
		_, err := r.Generate(t.Context(), r.keyless(), "", target, nil)
		ok(t, err)
	}
	ref, old, err := r.SlotRef("mac", 1)
	if err != nil || !old {
		t.Fatalf("old %v, %v", old, err)
	}
	_, g := r.use(t, "mac")
	spec := ContextSpec{Kind: claviger.MACContext, Algorithm: "HMAC-SHA-256", Old: true}
	c, err := r.NewContext(t.Context(), g, ref, spec)
	ok(t, err)
	defer c.Close()
	_, err = c.OneShot(t.Context(), g, nil, nil, 0, nil, nil)
	fails(t, "make", err, claviger.ErrKeyOperationNotPermitted)
	out, err := c.OneShot(t.Context(), g, make([]byte, 32), nil, 0, nil, nil)
	if err != nil || out[0] != wrong {
		t.Errorf("compare: %v, %v", out, err)
	}
	spec.Kind = claviger.SignContext
	_, err = r.NewContext(t.Context(), g, ref, spec)
	fails(t, "sign", err, claviger.ErrKeyOperationNotPermitted)
	spec.Kind = claviger.VerifyContext
	v, err := r.NewContext(t.Context(), g, ref, spec)
	ok(t, err)
	v.Close()
}

func TestModesAreThoseOfTheSlot(t *testing.T) {
	s := slot("data", "AES-256", twoWay)
	s.Modes = []claviger.Algorithm{"AES-256-CBC"}
	r := newRig(t, s)
	_, err := r.Generate(t.Context(), r.keyless(), "", r.into(t, "data"), nil)
	ok(t, err)
	ref, g := r.use(t, "data")
	_, err = r.NewContext(t.Context(), g, ref, ContextSpec{Kind: claviger.AEADContext, Algorithm: "AES-256-GCM"})
	fails(t, "GCM", err, claviger.ErrKeyOperationNotPermitted)
	c, err := r.NewContext(t.Context(), g, ref, ContextSpec{Kind: claviger.CipherContext, Algorithm: "AES256-CBC"})
	ok(t, err)
	c.Close()
}

func TestTheChosenProviderDoesTheWork(t *testing.T) {
	s := slot("two", "AES-256", twoWay)
	s.Providers = s.Providers[:1]
	r := newRig(t, slot("data", "AES-256", twoWay), s)
	for _, name := range []string{"data", "two"} {
		_, err := r.Generate(t.Context(), r.keyless(), "", r.into(t, name), nil)
		ok(t, err)
	}
	for _, c := range []struct {
		slot string
		wish Selector
		id   claviger.ProviderID
		code claviger.Code
	}{
		{slot: "data", id: 2},
		{slot: "data", wish: Selector{ID: 2}, id: 2},
		{slot: "data", wish: Selector{ID: 5}, id: 5},
		{slot: "data", wish: Selector{Name: "five"}, id: 5},
		{slot: "data", wish: Selector{Kind: claviger.Software}, id: 2},
		{slot: "data", wish: Selector{Kind: claviger.HardwarePreferred}, id: 2},
		{slot: "data", wish: Selector{Kind: claviger.Hardware}, code: claviger.ErrCrossProviderIncompatible},
		{slot: "data", wish: Selector{ID: 7}, code: claviger.ErrCrossProviderIncompatible},
		{slot: "data", wish: Selector{ID: 9}, code: claviger.ErrProviderNotAvailable},
		{slot: "data", wish: Selector{Name: "nobody"}, code: claviger.ErrProviderNotAvailable},
		{slot: "data", wish: Selector{ID: 5, Name: "five"}, code: claviger.ErrInvalidArgument},
		{slot: "two", wish: Selector{ID: 5}, code: claviger.ErrCrossProviderIncompatible},
	} {
		ref, g := r.use(t, c.slot)
		before := r.five.loads
		made, err := r.NewContext(t.Context(), g, ref, ContextSpec{Kind: claviger.CipherContext, Algorithm: "AES-256-CBC", Provider: c.wish})
		if claviger.CodeOf(err) != c.code {
			t.Errorf("%s, %v: %v; want %q", c.slot, c.wish, err, c.code.Name())
			continue
		}
		if err != nil {
			continue
		}
		if _, err := made.OneShot(t.Context(), g, make([]byte, 16), nil, 0, nil, nil); err != nil {
			t.Error(err)
		}
		if ran := r.five.loads > before; made.Info().Provider != c.id || ran != (c.id == 5) {
			t.Errorf("%s, %v: provider %d, loaded in five: %v; want %d", c.slot, c.wish, made.Info().Provider, ran, c.id)
		}
		made.Close()
	}
	_, err := r.Generate(t.Context(), r.keyless(), "AES-256", Target{Provider: Selector{ID: 7}}, nil)
	fails(t, "generate in a device that is not there", err, claviger.ErrProviderNotAvailable)
	target := r.into(t, "data")
	target.Rotate, target.Provider = true, Selector{ID: 5}
	_, err = r.Generate(t.Context(), r.keyless(), "", target, nil)
	fails(t, "write past the primary", err, claviger.ErrCrossProviderIncompatible)
}

func TestAnEphemeralKeyMovesBetweenSoftwareProviders(t *testing.T) {
	r := newRig(t)
	key := r.generate(t, "HMAC-SHA-256", claviger.Mac)
	spec := ContextSpec{Kind: claviger.MACContext, Algorithm: "HMAC-SHA-256"}
	here, g := r.context(t, key, spec)
	spec.Provider = Selector{ID: 5}
	there, _ := r.context(t, key, spec)
	a, err := here.OneShot(t.Context(), g, nil, nil, 0, nil, []byte("message"))
	ok(t, err)
	b, err := there.OneShot(t.Context(), g, nil, nil, 0, nil, []byte("message"))
	ok(t, err)
	if !slices.Equal(a, b) || r.five.loads != 1 || r.LiveKeys() != 2 {
		t.Errorf("%x and %x, %d loads, %d keys", a, b, r.five.loads, r.LiveKeys())
	}
}

func TestKeysOfADeviceStayThere(t *testing.T) {
	r := newRig(t, slot("data", "AES-256", twoWay))
	here := r.generate(t, "AES-256", twoWay)
	r.member(7).Member = Member{ID: 7, Name: "token", Kind: claviger.Hardware, Provider: software.New()}
	spec := ContextSpec{Kind: claviger.CipherContext, Algorithm: "AES-256-CBC", Provider: Selector{Kind: claviger.Hardware}}
	_, err := r.NewContext(t.Context(), r.grant(t, here, provider.Encrypt), LiveRef(here), spec)
	fails(t, "a software key in the device", err, claviger.ErrCrossProviderIncompatible)
	two := twoWay
	made, err := r.Generate(t.Context(), r.keyless(), "AES-256", Target{Permissions: &two, Provider: Selector{Kind: claviger.Hardware}}, nil)
	ok(t, err)
	defer made.Key.Release()
	if made.Info.Provider != 7 {
		t.Errorf("made in %d", made.Info.Provider)
	}
	_, err = r.Persist(t.Context(), r.write(t, "data"), made.Key, false)
	fails(t, "a device's key into a software slot", err, claviger.ErrCrossProviderIncompatible)
	c, _ := r.context(t, made.Key, spec)
	if c.Info().Provider != 7 {
		t.Errorf("used in %d", c.Info().Provider)
	}
}

func TestADamagedSlotIsLockedAndCanBeCleared(t *testing.T) {
	r := newRig(t, slot("data", "AES-256", twoWay))
	target := r.into(t, "data")
	_, err := r.Generate(t.Context(), r.keyless(), "", target, nil)
	ok(t, err)
	ok(t, r.db.Update(t.Context(), func(tx *store.Tx) error {
		return tx.Put(store.Key{Kind: store.KindSlot, Name: "data"}, slotSchema, []byte("{"))
	}))
	g, err := r.policy.SlotKey(r.caller, "test", "data", claviger.AllPermissions, 0)
	ok(t, err)
	info, err := r.SlotInfo(g, g.Permissions())
	if err != nil || info.State != claviger.SlotLocked {
		t.Errorf("%+v, %v", info, err)
	}
	_, err = r.Generate(t.Context(), r.keyless(), "", target, nil)
	fails(t, "generate", err, claviger.ErrInvalidFormat)
	ok(t, r.Clear(t.Context(), target.Slot, 0))
	made, err := r.Generate(t.Context(), r.keyless(), "", target, nil)
	if err != nil || made.Version != 2 {
		t.Errorf("version %d, %v", made.Version, err)
	}
}

func TestAgreedKeysAreExportedOnlyWithTheSourcesConsent(t *testing.T) {
	r := newRig(t)
	peer := r.generate(t, "X25519", claviger.Agree)
	export := claviger.Export | claviger.Derive
	for _, c := range []struct {
		has  claviger.Permission
		want *claviger.Permission
		got  claviger.Permission
		code claviger.Code
	}{
		{has: claviger.Agree, got: claviger.AllPermissions.Without(claviger.Export)},
		{has: claviger.Agree | claviger.Export, got: claviger.AllPermissions},
		{has: claviger.Agree, want: &export, code: claviger.ErrKeyOperationNotPermitted},
		{has: claviger.Agree | claviger.Export, want: &export, got: export},
	} {
		key := r.generate(t, "X25519", c.has)
		made, err := r.Agree(t.Context(), r.grant(t, key, provider.Agree), LiveRef(key), "", Peer{Key: peer}, Result{Target: Target{Permissions: c.want}})
		if claviger.CodeOf(err) != c.code {
			t.Errorf("%s: %v", c.has, err)
		}
		if err == nil {
			if made.Info.Permissions != c.got || made.Info.Algorithm != "SECRET" {
				t.Errorf("%s: %+v", c.has, made.Info)
			}
			made.Key.Release()
		}
	}
}
