// Package clock_test turns the wall clock of a daemon ten years forward and back: the real binary, built so that it reads
// the time from a file. Boot time goes on as always, and so the daemon knows better.
package clock_test

import (
	"errors"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/test/daemontest"
)

func TestMain(m *testing.M) { daemontest.Main(m) }

const config = `
[daemon]
socket = "{{.Socket}}"
store  = "{{.Dir}}/store.db"

[keeper]
kind = "file"
path = "{{.Dir}}/store.key"

[[provider]]
id   = 2
name = "software"
kind = "software"

[[app]]
name = "clock"
uid  = {{.Self}}
`

const (
	hour = 3600
	day  = 24 * hour
	year = 365 * day
)

// keeping is what the test has stored.
type keeping struct {
	d     *daemontest.Daemon
	start time.Time
	ids   map[string]string // by name
}

// at gives an expiry some seconds from the start.
func (k *keeping) at(seconds int64) uint64 { return uint64(k.start.Unix() + seconds) }

// put stores a secret under a name of the test's.
func (k *keeping) put(t *testing.T, s *client.Secrets, name string, expires uint64) {
	t.Helper()
	id, err := s.Put(t.Context(), []byte(name), expires)
	if err != nil {
		t.Fatal(err)
	}
	k.ids[name] = id
}

// answers holds what the latest version of each thing answers: 0 means that it is there.
func (k *keeping) answers(t *testing.T, when string, want map[string]claviger.Code) {
	t.Helper()
	s := k.d.Dial(t).Secrets()
	for name, code := range want {
		found, err := s.Get(t.Context(), k.ids[name], claviger.LatestVersion)
		if code == 0 && (err != nil || string(found.Value) != name) || code != 0 && !errors.Is(err, code) {
			t.Errorf("%s: %s: %v", when, name, err)
		}
	}
	first, err := s.Get(t.Context(), k.ids["replaced"], 1)
	if err != nil || string(first.Value) != "replaced" {
		t.Errorf("%s: the version before the latest: %v", when, err)
	}
	key, err := s.OpenKey(t.Context(), k.ids["key"], claviger.LatestVersion)
	if err != nil {
		t.Errorf("%s: the managed key: %v", when, err)
		return
	}
	if _, err := key.Sign(t.Context(), []byte("message"), false); err != nil || key.Version() != 2 {
		t.Errorf("%s: version %d of the managed key: %v", when, key.Version(), err)
	}
	if _, err := s.OpenKey(t.Context(), k.ids["ended"], claviger.LatestVersion); !errors.Is(err, claviger.ErrSecretNotFound) {
		t.Errorf("%s: the latest version of the key, which was invalidated: %v", when, err)
	}
	if err := key.Close(); err != nil {
		t.Error(err)
	}
}

// fill stores everything.
func (k *keeping) fill(t *testing.T) {
	t.Helper()
	s := k.d.Dial(t).Secrets()
	k.put(t, s, "past", k.at(-1))
	k.put(t, s, "soon", k.at(2))
	k.put(t, s, "hours", k.at(2*hour))
	k.put(t, s, "year", k.at(year))
	k.put(t, s, "twenty years", k.at(20*year))
	k.put(t, s, "never", ^uint64(0))
	k.put(t, s, "replaced", k.at(20*year))
	if _, err := s.Replace(t.Context(), k.ids["replaced"], []byte("replaced"), k.at(year)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"key", "ended"} {
		key, err := s.GenerateKey(t.Context(), claviger.GuestSignatures, "Ed25519", claviger.ManagedOptions{Exportable: true})
		if err != nil {
			t.Fatal(err)
		}
		k.ids[name] = key.ID()
		if _, err := s.ReplaceKeyWith(t.Context(), key.ID(), key); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.InvalidateKey(t.Context(), k.ids["ended"], 2); err != nil {
		t.Fatal(err)
	}
}

// TestTenYearsForwardAndBack: what has truly expired stays expired, nothing that lives is lost, and the latest version
// never falls back to an older one; over a restart and a kill at each time.
func TestTenYearsForwardAndBack(t *testing.T) {
	k := &keeping{start: time.Now(), ids: make(map[string]string)}
	k.d = daemontest.StartWithClock(t, config)
	k.d.SetClock(t, k.start)
	k.fill(t)
	time.Sleep(2200 * time.Millisecond) // by boot time "soon" is over, although the wall clock stands still
	const over = claviger.ErrSecretExpired
	today := map[string]claviger.Code{"past": over, "soon": over, "hours": 0, "year": 0, "twenty years": 0, "never": 0, "replaced": 0}
	tomorrow := map[string]claviger.Code{"past": over, "soon": over, "hours": over, "year": over, "twenty years": 0, "never": 0, "replaced": over}
	everywhere := func(when string, want map[string]claviger.Code) {
		t.Helper()
		k.answers(t, when, want)
		k.d.Stop(t)
		k.d.Launch(t)
		k.answers(t, when+", started again", want)
		k.d.Kill()
		k.d.Launch(t)
		k.answers(t, when+", killed and started again", want)
	}
	everywhere("today", today)
	k.d.SetClock(t, k.start.Add(10*year*time.Second))
	everywhere("ten years forward", tomorrow)
	k.d.SetClock(t, k.start)
	everywhere("back", today)
	k.d.SetClock(t, k.start.Add(-10*year*time.Second))
	everywhere("ten years back", today)
	for _, ahead := range []int64{50 * 60, 100 * 60, 130 * 60} { // less than an hour at a time is believed
		k.d.SetClock(t, k.start.Add(time.Duration(ahead)*time.Second))
		k.answers(t, "a little ahead", map[string]claviger.Code{"year": 0})
	}
	later := map[string]claviger.Code{"past": over, "soon": over, "hours": over, "year": 0, "twenty years": 0, "never": 0, "replaced": 0}
	everywhere("two hours and ten minutes later", later)
	k.d.SetClock(t, k.start)
	everywhere("set back to the start", later)
}
