package secrets

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/claviger/claviger"
)

// ed is a managed key with a blob.
func ed(blob string) Key {
	return Key{Type: claviger.GuestSignatures, Algorithm: "Ed25519", Provider: 2, Blob: []byte(blob)}
}

// putKey stores a managed key of alice.
func (r *rig) putKey(k Key) string {
	r.t.Helper()
	id, err := r.PutKey(r.t.Context(), r.alice(), k)
	must(r.t, err)
	return id
}

// opens checks that alice gets this version with this blob.
func (r *rig) opens(what, id string, version, want uint64, blob string) {
	r.t.Helper()
	k, v, err := r.GetKey(r.t.Context(), r.alice(), []byte(id), version)
	if err != nil || v != want || !reflect.DeepEqual(k, ed(blob)) {
		r.t.Errorf("%s: version %d of %v, %v", what, v, k, err)
	}
}

// refuses checks that alice's read of a key fails with this code.
func (r *rig) refuses(what, id string, version uint64, code claviger.Code) {
	r.t.Helper()
	k, _, err := r.GetKey(r.t.Context(), r.alice(), []byte(id), version)
	fails(r.t, what, err, code)
	if k.Blob != nil {
		r.t.Errorf("%s: a refused read gives a blob", what)
	}
}

func TestVersionsOfManagedKeysFollowTheRulesOfSecrets(t *testing.T) {
	r := newRig(t, Config{})
	id := r.putKey(ed("one"))
	r.opens("version 1", id, 1, 1, "one")
	r.opens("padded", id+"\x00\x00", latest, 1, "one")
	v, err := r.ReplaceKey(t.Context(), r.alice(), []byte(id), ed("two"))
	if err != nil || v != 2 {
		t.Fatalf("version %d, %v", v, err)
	}
	r.opens("latest", id, latest, 2, "two")
	r.opens("an earlier version", id, 1, 1, "one")
	for _, v := range []uint64{0, 3, unspecified, all} {
		r.refuses(fmt.Sprintf("version %#x", v), id, v, notFound)
	}
	must(t, r.InvalidateKey(t.Context(), r.alice(), []byte(id), latest))
	r.refuses("latest never falls back", id, latest, notFound)
	r.restart(true)
	r.refuses("what was invalidated", id, 2, notFound)
	if v, err := r.ReplaceKey(t.Context(), r.alice(), []byte(id), ed("three")); err != nil || v != 3 {
		t.Errorf("a version number came again: %d, %v", v, err)
	}
	r.world.run(100 * 365 * 24 * time.Hour)
	r.ticks()
	r.opens("after a hundred years", id, 1, 1, "one")
	must(t, r.InvalidateKey(t.Context(), r.alice(), []byte(id), all))
	r.refuses("all invalidated", id, 1, notFound)
	_, err = r.ReplaceKey(t.Context(), r.alice(), []byte(id), ed("four"))
	fails(t, "replace what is wholly invalidated", err, notFound)
	r.restart(false)
	fails(t, "invalidate all twice", r.InvalidateKey(t.Context(), r.alice(), []byte(id), all), notFound)
}

func TestAManagedKeyIsReplacedByItsLikeOnly(t *testing.T) {
	r := newRig(t, Config{})
	id := []byte(r.putKey(ed("one")))
	for what, k := range map[string]Key{
		"another algorithm": {Type: claviger.GuestSignatures, Algorithm: "Ed448", Provider: 2},
		"another family":    {Type: claviger.GuestSymmetric, Algorithm: "Ed25519", Provider: 2},
	} {
		_, err := r.ReplaceKey(t.Context(), r.alice(), id, k)
		fails(t, what, err, claviger.ErrIncompatibleKeys)
		fails(t, what+", asked before", r.VetKey(r.alice(), id, k), claviger.ErrIncompatibleKeys)
	}
	must(t, r.VetKey(r.alice(), id, ed("")))
	other := ed("elsewhere")
	other.Provider, other.Exportable = 5, true
	v, err := r.ReplaceKey(t.Context(), r.alice(), id, other)
	must(t, err)
	if k, _, err := r.GetKey(t.Context(), r.alice(), id, v); err != nil || k.Provider != 5 || !k.Exportable {
		t.Errorf("provider and exportability are a version's own: %v, %v", k, err)
	}
	for _, k := range []Key{{Provider: 2}, {Algorithm: claviger.Algorithm(strings.Repeat("a", 65))}, {Algorithm: "a", Blob: make([]byte, claviger.MaxSecret)}} {
		_, err := r.PutKey(t.Context(), r.alice(), k)
		fails(t, "what cannot be kept", err, claviger.ErrInvalidArgument)
	}
}

func TestManagedKeysBelongToTheirTenantAndAreNoSecrets(t *testing.T) {
	r := newRig(t, Config{})
	key, secret := []byte(r.putKey(ed("hers"))), []byte(r.put("hers", time.Hour))
	for range 2 { // before and after bob keeps anything
		_, _, err := r.GetKey(t.Context(), r.bob(), key, 1)
		fails(t, "get", err, notFound)
		_, err = r.ReplaceKey(t.Context(), r.bob(), key, ed("his"))
		fails(t, "replace", err, notFound)
		fails(t, "asked before", r.VetKey(r.bob(), key, ed("his")), notFound)
		fails(t, "invalidate", r.InvalidateKey(t.Context(), r.bob(), key, all), notFound)
		_, err = r.PutKey(t.Context(), r.bob(), ed("his"))
		must(t, err)
	}
	r.answers("a key as a secret", string(key), 1, notFound)
	r.refuses("a secret as a key", string(secret), 1, notFound)
	fails(t, "invalidate a key as a secret", r.Invalidate(t.Context(), r.alice(), key, all), notFound)
	fails(t, "invalidate a secret as a key", r.InvalidateKey(t.Context(), r.alice(), secret, all), notFound)
	for what, n := range map[string]int{"alice": 1, "bob": 2} {
		g := map[string]func() int{"alice": func() int { return len(r.keys(aliceUID)) }, "bob": func() int { return len(r.keys(bobUID)) }}[what]
		if g() != n {
			t.Errorf("%s lists %d keys", what, g())
		}
	}
	if page, _, err := r.List(r.alice(), ListQuery{}); err != nil || len(page) != 1 || page[0].ID != string(secret) {
		t.Errorf("the list of secrets is %+v, %v", page, err)
	}
	_, err := r.PutKey(t.Context(), r.admin(), ed("an administrator's"))
	fails(t, "an administrator's grant", err, claviger.ErrAccessDenied)
}

// keys lists a tenant's managed keys in pages of two.
func (r *rig) keys(uid uint32) (list []claviger.ManagedInfo) {
	r.t.Helper()
	for after := ""; ; {
		page, next, err := r.ListKeys(r.grant(uid), after, 2)
		must(r.t, err)
		list = append(list, page...)
		if next == "" {
			return list
		}
		after = next
	}
}

func TestManagedKeysAreListedInPages(t *testing.T) {
	r := newRig(t, Config{})
	var ids []string
	for i := range 5 {
		ids = append(ids, r.putKey(ed(fmt.Sprint(i))))
	}
	slices.Sort(ids)
	_, err := r.ReplaceKey(t.Context(), r.alice(), []byte(ids[1]), ed("2"))
	must(t, err)
	must(t, r.InvalidateKey(t.Context(), r.alice(), []byte(ids[1]), 2))
	must(t, r.InvalidateKey(t.Context(), r.alice(), []byte(ids[3]), all))
	list := r.keys(aliceUID)
	if len(list) != 4 || list[3].ID != ids[4] || list[0].Algorithm != "Ed25519" || list[1].Latest != 2 || !slices.Equal(list[1].Versions, []uint64{1}) {
		t.Errorf("listed are %+v", list)
	}
}

func TestSecretsAndManagedKeysShareTheirLimits(t *testing.T) {
	r := newRig(t, Config{Limits: Limits{Secrets: 2, Bytes: 100, Versions: 2}})
	id := []byte(r.putKey(ed("one")))
	r.put("two", time.Hour)
	_, err := r.PutKey(t.Context(), r.alice(), ed(""))
	fails(t, "a third identifier", err, tooMuch)
	fails(t, "a third identifier, asked before", r.VetKey(r.alice(), nil, ed("")), tooMuch)
	_, err = r.ReplaceKey(t.Context(), r.alice(), id, ed(strings.Repeat("x", 80)))
	fails(t, "too many bytes", err, tooMuch)
	_, err = r.ReplaceKey(t.Context(), r.alice(), id, ed("two"))
	must(t, err)
	_, err = r.ReplaceKey(t.Context(), r.alice(), id, ed("three"))
	fails(t, "a third version", err, tooMuch)
	fails(t, "a third version, asked before", r.VetKey(r.alice(), id, ed("")), tooMuch)
	must(t, r.InvalidateKey(t.Context(), r.alice(), id, all))
	r.putKey(ed("in its place"))
}

// TestManagedKeysOfARetiredTenantAreSwept: nobody can use them again, and they do not expire.
func TestManagedKeysOfARetiredTenantAreSwept(t *testing.T) {
	r := newRig(t, Config{Retention: time.Hour})
	r.putKey(ed("one"))
	secret := r.put("live", 9000*time.Hour)
	_, err := r.PutKey(t.Context(), r.bob(), ed("his"))
	must(t, err)
	retired, err := r.Load(t.Context(), []string{"bob"})
	if err != nil || len(retired) != 1 {
		t.Fatalf("retired %v, %v", retired, err)
	}
	r.world.run(time.Hour - time.Second)
	if n := r.ticks(); n != 0 {
		t.Errorf("%d were swept too early", n)
	}
	r.world.run(2 * time.Second)
	if n := r.ticks(); n != 1 {
		t.Errorf("%d were swept", n)
	}
	page, _, err := r.List(r.admin(), ListQuery{All: true})
	if err != nil || len(page) != 1 || page[0].ID != secret {
		t.Errorf("of secrets is left %+v, %v", page, err)
	}
	r.world.run(2 * time.Hour)
	r.ticks() // the tombstone
	if n := r.ticks(); n != 0 {
		t.Errorf("%d are swept again", n)
	}
	if n := len(r.keys(bobUID)); n != 1 {
		t.Errorf("bob has %d keys", n)
	}
}

// TestADamagedManagedKeyIsNamedAndTheRestServes: one version does not open.
func TestADamagedManagedKeyIsNamedAndTheRestServes(t *testing.T) {
	r := newRig(t, Config{})
	id := r.putKey(ed("one"))
	_, err := r.ReplaceKey(t.Context(), r.alice(), []byte(id), ed("two"))
	must(t, err)
	r.damage(func(key string) bool { return strings.HasSuffix(key, id+"\x00\x00\x00\x00\x00\x00\x00\x00\x02") })
	r.refuses("the damaged version", id, 2, claviger.ErrOperationFailed)
	r.opens("the other one", id, 1, 1, "one")
	if list := r.keys(aliceUID); len(list) != 1 || list[0].Algorithm != "Ed25519" {
		t.Errorf("listed are %+v", list)
	}
	if v, err := r.ReplaceKey(t.Context(), r.alice(), []byte(id), ed("three")); err != nil || v != 3 {
		t.Errorf("replaced as %d, %v", v, err)
	}
}

// TestGoldenManagedKey pins the layout that docs/STORE.md shows.
func TestGoldenManagedKey(t *testing.T) {
	k := Key{Type: claviger.GuestKeyExchange, Algorithm: "X25519", Exportable: true, Provider: 0x0102, Blob: []byte("blob")}
	want := unhex(t, "0002 01 0102 06 583235353139 626c6f62")
	made, err := encodeKey("test", k)
	if err != nil || !bytes.Equal(made, want) {
		t.Errorf("made is %x, %v", made, err)
	}
	if again, ok := decodeKey(want); !ok || !reflect.DeepEqual(again, k) {
		t.Errorf("read is %v", again)
	}
	for n := range 12 {
		if _, ok := decodeKey(want[:n]); ok {
			t.Errorf("%d bytes are read", n)
		}
	}
	for at, b := range map[int]byte{2: 2, 5: 0} {
		bad := bytes.Clone(want)
		bad[at] = b
		if _, ok := decodeKey(bad); ok {
			t.Errorf("%x is read", bad)
		}
	}
	if text := fmt.Sprintf("%v %+v %#v %s %x", k, k, k, k, k); strings.Contains(text, "blob") || strings.Contains(text, "626c6f62") {
		t.Errorf("printed is %s", text)
	}
}
