package guests

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/test/daemontest"
)

// TestTwentyRunnersShareOneDaemon runs four processes of each of five guests at once, all of them over one socket, while a
// sixth guest stores keys until its quota is full: that one alone is refused, each process finds the keys that it made by
// their identifiers and signs with them, and each tenant has the keys of its own processes and no other's.
func TestTwentyRunnersShareOneDaemon(t *testing.T) {
	const processes, each, quota = 4, 2, 10
	greedy := buildKeyed(t, "greedy")
	var guests []keyed
	count := 5
	if daemontest.Race {
		count = 2 // to compile each takes a quarter of a minute there
	}
	for i := range count {
		guests = append(guests, buildKeyed(t, fmt.Sprint("tenant", i)))
	}
	d := daemontest.Start(t, tenants(append(guests, greedy)...)+fmt.Sprintf("\n[limits]\nsecrets = %d\n", quota))
	for _, g := range append(guests, greedy) { // compiled into the cache once, and not by four processes at the same time
		runGuest(t, over(d, g)...).ends()
	}
	full := runGuest(t, over(d, greedy, "fill", "fill", "wait", "fill")...)
	running := make(map[*runner]keyed)
	for range processes {
		for _, g := range guests {
			running[runGuest(t, over(d, g, "mine", fmt.Sprint(each), "wait")...)] = g
		}
	}
	full.says(fmt.Sprintf("full %d symmetric_key_generate_managed: overflow", quota))
	full.says("full 0 symmetric_key_generate_managed: overflow")
	full.says("waiting")
	owned := make(map[string][]string) // identifiers, by the tenant that made them
	for r, g := range running {
		ids := strings.Fields(r.says("mine <nil> "))
		if len(ids) != each {
			t.Errorf("%s made %d keys", g.name, len(ids))
		}
		owned[g.name] = append(owned[g.name], ids...)
		r.says("waiting")
	}
	full.goOn()
	full.says("full 0 symmetric_key_generate_managed: overflow")
	full.ends()
	for r := range running {
		r.goOn()
		r.ends()
	}
	stacks := make(map[string]*client.Secrets)
	for _, g := range guests {
		stacks[g.name] = secretsOf(t, d, g)
	}
	for name, m := range stacks {
		ownsOnly(t, name, m, owned)
	}
}

// ownsOnly holds that a tenant has exactly the keys that its guests made, and finds nobody else's.
func ownsOnly(t *testing.T, name string, m *client.Secrets, owned map[string][]string) {
	t.Helper()
	var listed []string
	for k, err := range m.ListKeys(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		listed = append(listed, k.ID)
	}
	want := slices.Sorted(slices.Values(owned[name]))
	if !slices.Equal(listed, want) || len(slices.Compact(want)) != len(listed) {
		t.Errorf("%s has %d keys, its guests made %d", name, len(listed), len(want))
	}
	for _, other := range slices.Sorted(maps.Keys(owned)) {
		if other == name {
			continue
		}
		for _, id := range owned[other] {
			k, err := m.OpenKey(t.Context(), id, claviger.LatestVersion)
			if !errors.Is(err, claviger.ErrSecretNotFound) {
				t.Errorf("%s opens %v of %s: %v", name, k, other, err)
			}
		}
	}
}
