package secrets

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/claviger/claviger/internal/kv"
	"github.com/claviger/claviger/internal/store"
)

// damage alters the sealed records whose key in the store satisfies a test.
func (r *rig) damage(which func(key string) bool) {
	r.t.Helper()
	n := 0
	must(r.t, r.kv.Update(func(w kv.Writer) error {
		altered := make(map[string][]byte)
		for p, err := range w.Scan(nil) {
			must(r.t, err)
			if which(string(p.Key)) {
				altered[string(p.Key)] = append([]byte{}, p.Value...)
			}
		}
		for key, value := range altered {
			value[len(value)-1] ^= 1
			must(r.t, w.Put([]byte(key), value))
			n++
		}
		return nil
	}))
	if n != 1 {
		r.t.Fatalf("%d records were altered, not one", n)
	}
}

// TestOneBadRecordIsNamedAndTheRestServes goes through the kinds of records.
func TestOneBadRecordIsNamedAndTheRestServes(t *testing.T) {
	r := newRig(t, Config{Retention: time.Hour})
	bad, good := r.put("bad", time.Hour), r.put("good", 1000*time.Hour)
	r.replace(bad, "newer", 1000*time.Hour)
	refused := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, store.ErrDamaged) {
			t.Errorf("%s: %v", what, err)
		}
	}
	value := func(id string, version byte) func(string) bool {
		return func(key string) bool {
			return strings.HasSuffix(key, id+"\x00\x00\x00\x00\x00\x00\x00\x00"+string(version))
		}
	}
	r.damage(value(bad, 1))
	_, err := r.Get(t.Context(), r.alice(), []byte(bad), 1)
	refused("its value", err)
	r.holds("its other version", bad, 2, "newer")
	r.damage(value(bad, 0))
	_, err = r.Get(t.Context(), r.alice(), []byte(bad), latest)
	refused("its head", err)
	_, err = r.Replace(t.Context(), r.alice(), []byte(bad), nil, 0)
	refused("replace", err)
	r.holds("a version without its head", bad, 2, "newer")
	r.holds("its neighbour", good, latest, "good")
	page, _, err := r.List(r.alice(), ListQuery{})
	if err != nil || len(page) != 1 || page[0].ID != good {
		t.Errorf("listed are %v, %v", page, err)
	}
	r.world.run(3 * time.Hour)
	r.ticks()
	r.damage(func(key string) bool { return strings.Contains(key, "clock") })
	r.restart(true)
	r.holds("without a mark of time", good, latest, "good")
	r.damage(func(key string) bool { return strings.Contains(key, "n/alice") })
	_, err = r.Put(t.Context(), r.alice(), nil, 0)
	refused("a tenant that cannot be told", err)
	_, err = r.Put(t.Context(), r.bob(), nil, 0)
	must(t, err)
	if named := fmt.Sprint(r.db.Damaged()); !strings.Contains(named, "n/alice") {
		t.Errorf("named are %s", named)
	}
}
