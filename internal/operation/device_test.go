package operation

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/provider"
)

// carded is a rig whose provider 7 is a card.
func carded(t *testing.T, slots ...policy.Slot) (*rig, *card) {
	t.Helper()
	r, c := newRig(t, slots...), newCard()
	r.member(7).Member = Member{ID: 7, Name: "card", Kind: claviger.Hardware, Provider: c}
	return r, c
}

// on describes a slot on providers.
func on(name string, alg claviger.Algorithm, ids ...claviger.ProviderID) policy.Slot {
	s := slot(name, alg, claviger.AllPermissions)
	s.Providers = ids
	return s
}

func (r *rig) fill(t *testing.T, name string) Made {
	t.Helper()
	made, err := r.Generate(t.Context(), r.keyless(), "", r.into(t, name), nil)
	ok(t, err)
	return made
}

func (r *rig) info(t *testing.T, name string) claviger.KeySlotInfo {
	t.Helper()
	g, err := r.policy.SlotKey(r.caller, "test", name, claviger.AllPermissions, 0)
	ok(t, err)
	info, err := r.SlotInfo(g, g.Permissions())
	ok(t, err)
	return info
}

func TestCompatibleProvidersAreThoseThatCanReallyUseTheKey(t *testing.T) {
	r, c := carded(t, on("soft", "AES-256", 2, 7), on("kept", "AES-256", 7, 2), on("pair", "ECDSA-P256", 7, 2, 5), on("lattice", "ML-DSA-65", 2, 7))
	for name, want := range map[string][]claviger.ProviderID{"soft": {2, 7}, "kept": {7}, "pair": {7, 2, 5}, "lattice": {2, 7}} {
		before := r.info(t, name)
		r.fill(t, name)
		after := r.info(t, name)
		if !slices.Equal(before.Compatible, want) || !slices.Equal(after.Compatible, want) || after.Primary != want[0] {
			t.Errorf("%s: compatible with %d when empty, %d when occupied, want %d", name, before.Compatible, after.Compatible, want)
		}
	}
	c.away = true
	if info := r.info(t, "kept"); info.State != claviger.SlotLocked {
		t.Errorf("a slot whose card is away is %s", info.State)
	}
	if info := r.info(t, "soft"); info.State != claviger.SlotOccupied {
		t.Errorf("a slot of software is %s while a card is away", info.State)
	}
}

// where makes a context on a slot with a wish, and tells in which provider it works.
func (r *rig) where(t *testing.T, name string, s ContextSpec) (claviger.ProviderID, error) {
	t.Helper()
	ref, g := r.use(t, name)
	c, err := r.NewContext(t.Context(), g, ref, s)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	return c.Info().Provider, nil
}

func TestAChoiceIsMetOrAnError(t *testing.T) {
	r, c := carded(t, on("soft", "AES-256", 2, 7), on("kept", "AES-256", 7, 2), on("pair", "ECDSA-P256", 7, 2))
	for _, name := range []string{"soft", "kept", "pair"} {
		r.fill(t, name)
	}
	cbc := ContextSpec{Kind: claviger.CipherContext, Algorithm: "AES-256-CBC"}
	sign := ContextSpec{Kind: claviger.SignContext, Algorithm: "ECDSA-P256-SHA-256"}
	verify := ContextSpec{Kind: claviger.VerifyContext, Algorithm: "ECDSA-P256-SHA-256"}
	hardware, software := Selector{Kind: claviger.Hardware}, Selector{Kind: claviger.Software}
	for _, row := range []struct {
		slot string
		spec ContextSpec
		wish Selector
		away bool
		want claviger.ProviderID
		code claviger.Code
	}{
		{"soft", cbc, Selector{}, false, 2, 0},
		{"soft", cbc, hardware, false, 7, 0},
		{"soft", cbc, Selector{Name: "card"}, false, 7, 0},
		{"soft", cbc, Selector{ID: 5}, false, 0, claviger.ErrCrossProviderIncompatible},
		{"soft", cbc, Selector{ID: 99}, false, 0, claviger.ErrProviderNotAvailable},
		{"kept", cbc, Selector{}, false, 7, 0},
		{"kept", cbc, software, false, 0, claviger.ErrCrossProviderIncompatible},
		{"kept", cbc, Selector{Kind: claviger.SoftwarePreferred}, false, 7, 0},
		{"pair", sign, software, false, 0, claviger.ErrCrossProviderIncompatible},
		{"pair", verify, software, false, 2, 0},
		{"pair", verify, Selector{}, false, 7, 0},
		{"kept", cbc, Selector{}, true, 0, claviger.ErrProviderNotAvailable},
		{"soft", cbc, hardware, true, 0, claviger.ErrProviderNotAvailable},
		{"soft", cbc, Selector{Kind: claviger.HardwarePreferred}, false, 7, 0},
		{"soft", cbc, Selector{}, true, 2, 0},
	} {
		c.away = row.away
		row.spec.Provider = row.wish
		got, err := r.where(t, row.slot, row.spec)
		if got != row.want || claviger.CodeOf(err) != row.code {
			t.Errorf("%s in %s, away %t: provider %d, %v; want %d, %s", row.slot, row.wish, row.away, got, err, row.want, row.code.Name())
		}
	}
}

// A slot that is to be written by another provider than its primary says which is which, and is not written.
func TestASlotIsWrittenByItsPrimaryOnly(t *testing.T) {
	r, c := carded(t, on("soft", "AES-256", 2, 7), on("kept", "AES-256", 7, 2))
	material := make([]byte, 32)
	verbs := map[string]func(Target) (Made, error){
		"generate": func(at Target) (Made, error) { return r.Generate(t.Context(), r.keyless(), "", at, nil) },
		"import": func(at Target) (Made, error) {
			return r.Import(t.Context(), r.keyless(), "", claviger.Raw, material, at)
		},
		"derive": func(at Target) (Made, error) {
			k := r.generate(t, "SECRET", claviger.AllPermissions)
			return r.Derive(t.Context(), r.grant(t, k, provider.Derive), LiveRef(k), Result{KDF: &provider.KDF{Algorithm: "HKDF-SHA-256"}, Target: at})
		},
	}
	for _, row := range []struct {
		verb, slot string
		wish       Selector
		code       claviger.Code
		text       string
	}{
		{"generate", "soft", Selector{ID: 7}, claviger.ErrCrossProviderIncompatible, `slot "soft" is written by its primary, provider 2 (two), and by no other; the key was to be made in provider 7 (card)`},
		{"generate", "kept", Selector{Name: "two"}, claviger.ErrCrossProviderIncompatible, "primary, provider 7 (card), and by no other; the key was to be made in provider 2 (two)"},
		{"import", "soft", Selector{Kind: claviger.Hardware}, claviger.ErrCrossProviderIncompatible, "made in provider 7 (card)"},
		{"derive", "soft", Selector{ID: 7}, claviger.ErrCrossProviderIncompatible, "made in provider 7 (card)"},
		{"generate", "soft", Selector{ID: 99}, claviger.ErrProviderNotAvailable, "number 99"},
		{"generate", "soft", Selector{ID: 7, Name: "card"}, claviger.ErrInvalidArgument, "one of them only"},
		{"generate", "soft", Selector{Kind: claviger.HardwarePreferred}, 0, ""},
		{"generate", "kept", Selector{Kind: claviger.Hardware}, 0, ""},
	} {
		at := r.into(t, row.slot)
		at.Provider = row.wish
		made, err := verbs[row.verb](at)
		if claviger.CodeOf(err) != row.code || err != nil && !strings.Contains(err.Error(), row.text) {
			t.Errorf("%s in %s of %s: %v, want %s with %q", row.verb, row.wish, row.slot, err, row.code.Name(), row.text)
		}
		if state := r.info(t, row.slot).State; (state == claviger.SlotEmpty) != (row.code != 0) {
			t.Errorf("%s in %s leaves %s %s, with %+v", row.verb, row.wish, row.slot, state, made)
		}
	}
	if len(c.objects) != 1 {
		t.Errorf("%d objects in the card", len(c.objects))
	}
}

func TestASoftwareKeyGivesTheSameInACard(t *testing.T) {
	r, _ := carded(t, on("soft", "HMAC-SHA-256", 2, 7))
	r.fill(t, "soft")
	ref, g := r.use(t, "soft")
	var codes [][]byte
	for _, wish := range []Selector{{ID: 2}, {ID: 7}} {
		c, err := r.NewContext(t.Context(), g, ref, ContextSpec{Kind: claviger.MACContext, Algorithm: "HMAC-SHA-256", Provider: wish})
		ok(t, err)
		code, err := c.OneShot(t.Context(), g, nil, nil, 0, nil, []byte("message"))
		ok(t, err)
		codes = append(codes, code)
		c.Close()
	}
	if !bytes.Equal(codes[0], codes[1]) || r.LiveKeys() != 0 {
		t.Errorf("%x and %x, %d keys left", codes[0], codes[1], r.LiveKeys())
	}
}

// A copy in a card that the card has lost is not given to others because somebody still holds it.
func TestALostCopyIsMadeAnew(t *testing.T) {
	r, c := carded(t, on("soft", "HMAC-SHA-256", 2, 7))
	r.fill(t, "soft")
	ref, g := r.use(t, "soft")
	spec := ContextSpec{Kind: claviger.MACContext, Algorithm: "HMAC-SHA-256", Provider: Selector{ID: 7}}
	held, err := r.NewContext(t.Context(), g, ref, spec)
	ok(t, err)
	defer held.Close()
	c.lost = true
	_, err = held.OneShot(t.Context(), g, nil, nil, 0, nil, []byte("message"))
	fails(t, "the context whose copy was lost", err, claviger.ErrProviderNotAvailable)
	fresh, err := r.NewContext(t.Context(), g, ref, spec)
	ok(t, err)
	defer fresh.Close()
	if fresh.Key() == held.Key() {
		t.Error("the lost copy was given again")
	}
}

func TestClearingRemovesTheObjectFirst(t *testing.T) {
	r, c := carded(t, on("data", "AES-256", 7))
	r.fill(t, "data")
	if len(c.objects) != 1 {
		t.Fatalf("%d objects", len(c.objects))
	}
	id := r.info(t, "data").Versions[0].ID
	for _, o := range c.objects {
		if o.tag.Label != "data" || id != hex.EncodeToString(o.tag.ID) {
			t.Errorf("the object is labelled %q with the id %x; the version's is %s", o.tag.Label, o.tag.ID, id)
		}
	}
	c.away = true
	fails(t, "clearing while the card is away", r.Clear(t.Context(), r.write(t, "data"), 0), claviger.ErrProviderNotAvailable)
	c.away = false
	if info := r.info(t, "data"); info.State != claviger.SlotOccupied {
		t.Errorf("a clear that was refused left it %s", info.State)
	}
	ok(t, r.Clear(t.Context(), r.write(t, "data"), 0))
	if info := r.info(t, "data"); info.State != claviger.SlotEmpty || len(c.objects) != 0 {
		t.Errorf("it is %s, with %d objects", info.State, len(c.objects))
	}
}

func TestAnObjectWithoutARecordIsRemoved(t *testing.T) {
	r, c := carded(t, on("data", "AES-256", 7))
	target := r.into(t, "data")
	two := claviger.AllPermissions
	made, err := r.Generate(t.Context(), r.keyless(), "AES-256", Target{Permissions: &two, Provider: Selector{ID: 7}}, nil)
	ok(t, err)
	defer made.Key.Release()
	r.fill(t, "data") // between the check and the write of another call
	_, err = r.overtaken(t, target, made.Key)
	fails(t, "an occupied slot", err, claviger.ErrKeySlotOccupied)
	if len(c.objects) != 1 {
		t.Errorf("%d objects; one has a record", len(c.objects))
	}
}

// overtaken writes a key without looking first, as a call does that another has overtaken.
func (r *rig) overtaken(t *testing.T, target Target, k *Key) (uint64, error) {
	return r.Engine.write(t.Context(), "test", target.Slot.Slot().Name, k.home, k.key, false, k.traits)
}

func TestAdoptedObjectsAreUsedAndStay(t *testing.T) {
	r, c := carded(t, on("data", "AES-256", 7), on("soft", "AES-256", 2), on("made", "AES-256", 7), on("code", "HMAC-SHA-256", 7))
	foreign, err := c.Provider.Generate(t.Context(), provider.Spec{Algorithm: "AES-256"})
	ok(t, err)
	for _, tag := range []provider.Tag{{Label: "old", ID: []byte{1}}, {Label: "twice", ID: []byte{2}}, {Label: "twice", ID: []byte{3}},
		{Label: "same", ID: []byte{4}}, {Label: "same", ID: []byte{4}}} {
		_, err := c.put(foreign, tag, true)
		ok(t, err)
	}
	target := r.into(t, "data")
	for _, row := range []struct {
		q    provider.Query
		code claviger.Code
		text string
	}{
		{provider.Query{}, claviger.ErrInvalidArgument, "named by"},
		{provider.Query{Label: "none"}, claviger.ErrResourceNotFound, "no key"},
		{provider.Query{Label: "twice"}, claviger.ErrInvalidArgument, "2 keys of provider 7 (card) are named so; give label and identifier"},
		{provider.Query{Label: "same", ID: []byte{4}}, claviger.ErrInvalidArgument, "2 keys of provider 7 (card) have both that label and that identifier"},
		{provider.Query{Label: "twice", ID: []byte{3}}, 0, ""},
		{provider.Query{Label: "old"}, claviger.ErrKeySlotOccupied, "holds a key"},
	} {
		_, err := r.Adopt(t.Context(), r.keyless(), row.q, target)
		if claviger.CodeOf(err) != row.code || err != nil && !strings.Contains(err.Error(), row.text) {
			t.Errorf("adopting %+v: %v, want %s with %q", row.q, err, row.code.Name(), row.text)
		}
	}
	r.fill(t, "made")
	for _, o := range c.objects {
		if o.tag.Label == "made" {
			_, err = r.Adopt(t.Context(), r.keyless(), provider.Query{ID: o.tag.ID}, target)
			fails(t, "adopting what was made for a slot", err, claviger.ErrInvalidArgument)
		}
	}
	_, err = r.Adopt(t.Context(), r.keyless(), provider.Query{Label: "old"}, r.into(t, "code"))
	fails(t, "adopting a key of another algorithm", err, claviger.ErrIncompatibleKeyType)
	target.Rotate = true
	made, err := r.Adopt(t.Context(), r.keyless(), provider.Query{Label: "old"}, target)
	if err != nil || made.Version != 2 || made.Info.Provider != 7 || made.Info.Algorithm != "AES-256" {
		t.Fatalf("%+v, %v", made, err)
	}
	if _, err := r.where(t, "data", ContextSpec{Kind: claviger.CipherContext, Algorithm: "AES-256-CBC"}); err != nil {
		t.Error(err)
	}
	_, err = r.Adopt(t.Context(), r.keyless(), provider.Query{Label: "old"}, r.into(t, "soft"))
	fails(t, "adopting into software", err, claviger.ErrUnsupportedOperation)
	ok(t, r.Clear(t.Context(), target.Slot, 0))
	if len(c.objects) != 6 {
		t.Errorf("%d of 6 objects are left", len(c.objects))
	}
}

// TestAVersionThatComesWhileASlotIsClearedGoesToo, from the store and from the device.
func TestAVersionThatComesWhileASlotIsClearedGoesToo(t *testing.T) {
	r, c := carded(t, on("data", "AES-256", 7))
	r.fill(t, "data")
	target := r.into(t, "data")
	target.Rotate = true
	c.destroying = func() {
		_, err := r.Generate(t.Context(), r.keyless(), "", target, nil)
		ok(t, err)
	}
	ok(t, r.Clear(t.Context(), target.Slot, 0))
	if len(c.objects) != 0 {
		t.Errorf("%d objects are left", len(c.objects))
	}
	if info := r.info(t, "data"); info.State != claviger.SlotEmpty {
		t.Errorf("the slot is %s", info.State)
	}
}

func TestManagedKeysDoNotGoIntoDevices(t *testing.T) {
	r, c := carded(t)
	r.members = []*member{r.member(7), r.member(2)}
	for _, m := range r.keepers() {
		if m.ID == 7 {
			t.Error("a device keeps managed keys")
		}
	}
	if len(c.objects) != 0 {
		t.Error("an object was made")
	}
}

func TestADeviceThatComesBackWithAnotherListOffersThat(t *testing.T) {
	r, c := carded(t)
	m := r.member(7)
	if _, there := m.row(provider.Generate, "AES-256", ""); !there {
		t.Fatal("the card does not generate")
	}
	c.Provider = listed{c.Provider, []provider.Mechanism{{Op: provider.Random, Algorithm: "RANDOM"}}}
	if _, there := m.row(provider.Generate, "AES-256", ""); there {
		t.Error("the old list is in force")
	}
	if _, there := m.row(provider.Random, "RANDOM", ""); !there {
		t.Error("the new list is not")
	}
}

// listed is a provider with another list.
type listed struct {
	provider.Provider
	rows []provider.Mechanism
}

// Mechanisms gives the list.
func (l listed) Mechanisms() []provider.Mechanism { return l.rows }

func TestWhatADeviceMayOfferGoesNowhereElseBeforeItIsReached(t *testing.T) {
	r, c := carded(t)
	r.members = []*member{r.member(7), r.member(2)}
	c.away = true
	inner := c.Provider
	c.Provider = listed{inner, nil}
	_, err := r.Generate(t.Context(), r.keyless(), "AES-256", Target{}, nil)
	fails(t, "the first choice is not known yet", err, claviger.ErrProviderNotAvailable)
	for _, wish := range []Selector{{Kind: claviger.Software}, {Kind: claviger.HardwarePreferred}, {ID: 2}} {
		made, err := r.Generate(t.Context(), r.keyless(), "AES-256", Target{Provider: wish}, nil)
		ok(t, err)
		made.Key.Release()
	}
	r.members = []*member{r.member(2), r.member(7)}
	made, err := r.Generate(t.Context(), r.keyless(), "AES-256", Target{}, nil)
	ok(t, err)
	made.Key.Release()
}

func TestAProviderThatIsAwaySaysWhy(t *testing.T) {
	r, c := carded(t, on("data", "AES-256", 7))
	c.away = true
	_, err := r.Generate(t.Context(), r.keyless(), "", r.into(t, "data"), nil)
	if !errors.Is(err, claviger.ErrProviderNotAvailable) || !strings.Contains(err.Error(), "reader") {
		t.Errorf("%v", err)
	}
	for _, p := range r.Providers() {
		if p.ID == 7 && (p.Available || p.Reason == "") {
			t.Errorf("%+v", p)
		}
	}
}
