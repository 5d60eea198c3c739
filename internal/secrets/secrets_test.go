package secrets

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/store"
)

const (
	latest      = claviger.LatestVersion
	all         = claviger.AllVersions
	unspecified = claviger.UnspecifiedVersion
	notFound    = claviger.ErrSecretNotFound
	tooMuch     = claviger.ErrQuotaExceeded
	gone        = claviger.ErrSecretExpired
	altered     = claviger.ErrSecretVerificationFailed
)

func TestVersionsFollowTheRules(t *testing.T) {
	r := newRig(t, Config{})
	id := r.put("one", time.Hour)
	if len(id) != 32 || strings.Trim(id, "0123456789abcdef") != "" {
		t.Errorf("identifier %q", id)
	}
	r.holds("version 1", id, 1, "one")
	if v := r.replace(id, "two", time.Hour); v != 2 {
		t.Errorf("version %d", v)
	}
	r.holds("latest", id, latest, "two")
	r.holds("an earlier version", id, 1, "one")
	for _, v := range []uint64{0, 3, unspecified, all, latest + 2, math.MaxUint64} {
		r.answers(fmt.Sprintf("version %#x", v), id, v, notFound)
		if v != all {
			fails(t, "invalidate", r.Invalidate(t.Context(), r.alice(), []byte(id), v), notFound)
		}
	}
	r.invalidate(id, latest)
	r.answers("latest never falls back", id, latest, notFound)
	r.holds("the version before", id, 1, "one")
	fails(t, "invalidate latest twice", r.Invalidate(t.Context(), r.alice(), []byte(id), latest), notFound)
	if v := r.replace(id, "three", time.Hour); v != 3 {
		t.Errorf("a version number came again: %d", v)
	}
	r.restart(true)
	r.answers("what was invalidated", id, 2, notFound)
	r.holds("after a restart", id, latest, "three")
	r.invalidate(id, all)
	r.answers("all invalidated", id, 1, notFound)
	_, err := r.Replace(t.Context(), r.alice(), []byte(id), nil, 0)
	fails(t, "replace what is wholly invalidated", err, notFound)
	r.restart(false)
	r.answers("all invalidated", id, latest, notFound)
	fails(t, "invalidate all twice", r.Invalidate(t.Context(), r.alice(), []byte(id), all), notFound)
}

func TestIdentifiersAreExactAndMayBePadded(t *testing.T) {
	r := newRig(t, Config{})
	id := r.put("s", time.Hour)
	r.holds("padded", id+"\x00\x00\x00", 1, "s")
	for _, bad := range []string{"", "\x00", id[:31], id + "0", id + " ", "\x00" + id, strings.ToUpper(id[:31]) + "A", id[:31] + "/", strings.Repeat("f", 32), id[:16] + "\x00" + id[16:]} {
		r.answers(fmt.Sprintf("%q", bad), bad, latest, notFound)
		_, err := r.Replace(t.Context(), r.alice(), []byte(bad), nil, 0)
		fails(t, "replace", err, notFound)
		fails(t, "invalidate", r.Invalidate(t.Context(), r.alice(), []byte(bad), all), notFound)
	}
	seen := make(map[string]bool)
	for range 100 {
		seen[r.put("s", time.Hour)] = true
	}
	if len(seen) != 100 {
		t.Error("an identifier came twice")
	}
}

func TestTenantsDoNotSeeEachOther(t *testing.T) {
	r := newRig(t, Config{})
	id := []byte(r.put("hers", time.Hour))
	for range 2 { // before and after bob keeps anything
		_, err := r.Get(t.Context(), r.bob(), id, 1)
		fails(t, "get", err, notFound)
		_, err = r.Replace(t.Context(), r.bob(), id, []byte("his"), 0)
		fails(t, "replace", err, notFound)
		fails(t, "invalidate", r.Invalidate(t.Context(), r.bob(), id, all), notFound)
		_, err = r.Put(t.Context(), r.bob(), []byte("his"), math.MaxUint64)
		must(t, err)
	}
	r.holds("hers", string(id), latest, "hers")
	page, next, err := r.List(r.bob(), ListQuery{})
	must(t, err)
	if len(page) != 2 || next != "" || page[0].Tenant != "bob" {
		t.Errorf("bob lists %+v", page)
	}
	for what, g := range map[string]policy.Grant{"no grant": {}, "an administrator's grant": r.admin()} {
		_, err := r.Get(t.Context(), g, id, latest)
		fails(t, what, err, claviger.ErrAccessDenied)
	}
}

func TestExpiryIsPerVersionAndUnsigned(t *testing.T) {
	r := newRig(t, Config{})
	id := r.put("short", time.Minute)
	r.replace(id, "long", time.Hour)
	past, err := r.Put(t.Context(), r.alice(), []byte("past"), 0)
	must(t, err)
	r.answers("stored in the past", past, latest, gone)
	never, err := r.Put(t.Context(), r.alice(), []byte("never"), math.MaxUint64)
	must(t, err)
	r.world.run(59 * time.Second)
	r.holds("the last second", id, 1, "short")
	r.world.run(time.Second)
	r.answers("its second has begun", id, 1, gone)
	r.holds("the other version", id, latest, "long")
	r.world.run(time.Hour)
	r.answers("latest", id, latest, gone)
	r.replace(id, "longer", 100*time.Hour)
	r.holds("replaced when it had expired", id, latest, "longer")
	r.holds("never", never, 1, "never")
	r.invalidate(id, 1)
	r.answers("an expired version that was invalidated", id, 1, notFound)
}

func TestSweepingTurnsExpiredIntoNotFound(t *testing.T) {
	r := newRig(t, Config{Retention: time.Hour})
	id, live := r.put("one", time.Minute), r.put("live", 9000*time.Hour)
	r.replace(id, "two", 2*time.Hour)
	lonely := r.put("lonely", time.Minute)
	r.world.run(time.Hour + time.Minute - time.Second)
	if n := r.ticks(); n != 0 {
		t.Errorf("%d were swept too early", n)
	}
	r.answers("expired", id, 1, gone)
	r.world.run(time.Second)
	if n := r.ticks(); n != 2 {
		t.Errorf("%d were swept, not 2", n)
	}
	r.answers("swept", id, 1, notFound)
	r.answers("swept whole", lonely, latest, notFound)
	_, err := r.Replace(t.Context(), r.alice(), []byte(lonely), nil, 0)
	fails(t, "replace what was swept whole", err, notFound)
	r.holds("the other version", id, 2, "two")
	if v := r.replace(id, "three", 9000*time.Hour); v != 3 {
		t.Errorf("version %d", v)
	}
	r.world.run(2 * time.Hour)
	r.ticks() // the tombstone of lonely goes, and version 2
	r.holds("live", live, 1, "live")
	r.counts(2, int64(len("live")+len("three")), 0)
}

// counts checks what the store has of alice against what is counted.
func (r *rig) counts(secrets uint64, size int64, buried uint64) {
	r.t.Helper()
	must(r.t, r.db.View(func(tx *store.Tx) error {
		id, _, err := lookup(tx, "alice")
		must(r.t, err)
		a, err := accountOf(tx, id)
		must(r.t, err)
		if a.secrets != secrets || int64(a.bytes) != size || a.buried != buried {
			r.t.Errorf("counted %d secrets, %d bytes, %d tombstones; want %d, %d, %d", a.secrets, a.bytes, a.buried, secrets, size, buried)
		}
		var heads, graves uint64
		var stored int64
		for rec, err := range tx.Scan(store.KindSecret, id.String()) {
			must(r.t, err)
			if rec.Key.Version != 0 {
				stored += int64(len(rec.Value) - 8)
			} else if h, _ := decodeHead(rec.Value); len(h.kept) > 0 {
				heads++
			} else {
				graves++
			}
		}
		if heads != secrets || stored != size || graves != buried {
			r.t.Errorf("stored are %d secrets, %d bytes, %d tombstones", heads, stored, graves)
		}
		return nil
	}))
}

func TestLimitsRefuseAndStoreNothing(t *testing.T) {
	r := newRig(t, Config{Limits: Limits{Secrets: 2, Bytes: 3 << 20, Versions: 3}})
	big := make([]byte, claviger.MaxSecret+1)
	_, err := r.Put(t.Context(), r.alice(), big, 0)
	fails(t, "a long secret", err, tooMuch)
	_, err = r.Seal(t.Context(), r.alice(), big, 0)
	fails(t, "a long capsule", err, tooMuch)
	id, err := r.Put(t.Context(), r.alice(), big[1:], math.MaxUint64)
	must(t, err)
	for range 2 {
		_, err = r.Replace(t.Context(), r.alice(), []byte(id), big[1:], math.MaxUint64)
		must(t, err)
	}
	_, err = r.Replace(t.Context(), r.alice(), []byte(id), nil, 0)
	fails(t, "a fourth version", err, tooMuch)
	_, err = r.Put(t.Context(), r.alice(), []byte("x"), 0)
	fails(t, "one more byte", err, tooMuch)
	empty := r.put("", time.Hour)
	r.holds("an empty secret", empty, latest, "")
	_, err = r.Put(t.Context(), r.alice(), nil, 0)
	fails(t, "a third secret", err, tooMuch)
	r.counts(2, 3<<20, 0)
	r.invalidate(id, 2)
	if v := r.replace(id, "room", time.Hour); v != 4 {
		t.Errorf("version %d", v)
	}
	r.invalidate(id, all)
	r.invalidate(empty, all)
	r.counts(0, 0, 2)
	again := r.put("again", time.Hour)
	r.invalidate(again, all) // as many tombstones as there may be secrets: no third one
	r.counts(0, 0, 2)
	r.answers("without a tombstone", again, latest, notFound)
	_, err = r.Put(t.Context(), r.bob(), []byte("x"), 0)
	must(t, err)
}

func TestListGoesThroughPages(t *testing.T) {
	r := newRig(t, Config{})
	want := make(map[string]bool)
	for range 23 {
		want[r.put("s", time.Minute)] = true
	}
	two := r.put("first", time.Minute)
	r.replace(two, "second!", time.Hour)
	r.invalidate(r.put("gone", time.Hour), all)
	_, err := r.Put(t.Context(), r.bob(), []byte("his"), 0)
	must(t, err)
	r.world.run(time.Minute)
	var seen []claviger.SecretInfo
	pages, after := 0, ""
	for {
		page, next, err := r.List(r.alice(), ListQuery{After: after, Max: 5})
		must(t, err)
		seen, after, pages = append(seen, page...), next, pages+1
		if next == "" {
			break
		}
	}
	if len(seen) != 24 || pages != 5 {
		t.Fatalf("%d secrets on %d pages", len(seen), pages)
	}
	for i, s := range seen {
		if i > 0 && seen[i-1].ID >= s.ID || s.ID != two && !want[s.ID] || s.Tenant != "alice" || s.Retired {
			t.Errorf("%+v", s)
		}
		if s.ID == two && fmt.Sprint(s.Latest, s.Versions) != fmt.Sprint(2, []claviger.SecretVersion{{Version: 1, Expires: start + 60, Size: 5, Expired: true}, {Version: 2, Expires: start + 3600, Size: 7}}) {
			t.Errorf("%+v", s)
		}
	}
	everyone, _, err := r.List(r.admin(), ListQuery{All: true})
	must(t, err)
	if len(everyone) != 25 {
		t.Errorf("the administrator lists %d", len(everyone))
	}
	_, _, err = r.List(r.alice(), ListQuery{All: true})
	fails(t, "all for a tenant", err, claviger.ErrAccessDenied)
}

func TestAdministratorInvalidatesForOthers(t *testing.T) {
	r := newRig(t, Config{})
	id := r.put("s", time.Hour)
	fails(t, "for a tenant", r.InvalidateFor(t.Context(), r.bob(), "alice", []byte(id), all), claviger.ErrAccessDenied)
	for _, who := range []string{"bob", "nobody", strings.Repeat("0", 32)} {
		fails(t, who, r.InvalidateFor(t.Context(), r.admin(), who, []byte(id), all), notFound)
	}
	must(t, r.InvalidateFor(t.Context(), r.admin(), "alice", []byte(id), all))
	r.answers("invalidated", id, 1, notFound)
}

func TestATenantThatComesBackInheritsNothing(t *testing.T) {
	r := newRig(t, Config{})
	id := r.put("s", time.Hour)
	capsule, err := r.Seal(t.Context(), r.alice(), []byte("c"), math.MaxUint64)
	must(t, err)
	retired, err := r.Load(t.Context(), []string{"bob", "carol"})
	must(t, err)
	if fmt.Sprint(retired) != "[alice]" {
		t.Errorf("retired %v", retired)
	}
	_, err = r.Put(t.Context(), r.alice(), nil, 0)
	fails(t, "put of a retired tenant", err, claviger.ErrAccessDenied)
	r.answers("retired", id, 1, notFound)
	_, err = r.Load(t.Context(), []string{"alice", "bob"})
	must(t, err)
	for range 2 {
		r.answers("come back", id, 1, notFound)
		_, err = r.Open(t.Context(), r.alice(), capsule)
		fails(t, "capsule", err, altered)
		_, err = r.Seal(t.Context(), r.alice(), nil, 0)
		must(t, err)
		r.restart(true)
	}
	page, _, err := r.List(r.admin(), ListQuery{All: true})
	must(t, err)
	if len(page) != 1 || !page[0].Retired || page[0].ID != id || page[0].Tenant != "alice" {
		t.Fatalf("the administrator lists %+v", page)
	}
	must(t, r.InvalidateFor(t.Context(), r.admin(), page[0].TenantID, []byte(id), all))
}

func TestNoSecretLiesInTheClear(t *testing.T) {
	r := newRig(t, Config{})
	secret := []byte("a very recognisable secret")
	id := r.put(string(secret), time.Hour)
	capsule, err := r.Seal(t.Context(), r.alice(), secret, math.MaxUint64)
	must(t, err)
	if bytes.Contains(capsule, secret[:8]) {
		t.Error("the capsule shows it")
	}
	must(t, r.kv.View(func(v kvReader) error {
		for p, err := range v.Scan(nil) {
			must(t, err)
			if bytes.Contains(p.Key, secret[:8]) || bytes.Contains(p.Value, secret[:8]) {
				t.Error("the store shows it")
			}
		}
		return nil
	}))
	for _, err := range []error{r.Invalidate(t.Context(), r.bob(), []byte(id), all), r.Invalidate(t.Context(), r.alice(), secret, all)} {
		if strings.Contains(err.Error(), "recognisable") || strings.Contains(err.Error(), id) {
			t.Errorf("the error shows it: %v", err)
		}
	}
}
