package guests

import (
	"slices"
	"strings"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/test/daemontest"
)

// TestAStoredKeyLeavesItsRunner looks for symmetric keys that the guest had, and stored with the daemon, in the process that
// has sent them there: once each handle stands for a managed key, their bytes are nowhere in it, and nobody takes them out.
func TestAStoredKeyLeavesItsRunner(t *testing.T) {
	daemontest.NeedRoot(t)
	unpreempted(t)
	g := buildKeyed(t, "user")
	d := daemontest.Start(t, tenants(g))
	var n needles
	var words []string
	var stored []use
	for _, u := range uses() {
		if u.family == claviger.GuestSymmetric {
			size := 32
			switch u.algorithm {
			case "XOODYAK-128":
				size = 16
			case "HKDF-EXPAND/SHA-512":
				size = 64
			}
			key, masked := drawKey(size)
			n.addKey(t, u.algorithm, key)
			words = append(words, "store", u.algorithm, masked)
			stored = append(stored, u)
		}
	}
	r := runGuest(t, over(d, g, append(words, "wait")...)...)
	var ids []string
	for _, u := range stored {
		id, problem, _ := strings.Cut(r.says("made "), " ")
		if problem != "<nil>" {
			t.Fatalf("%s: %s", u.algorithm, problem)
		}
		ids = append(ids, u.algorithm, id)
	}
	r.says("waiting")
	wants(t, "after store", n.scan(t, r.pid()))
	r.goOn()
	r.ends()

	for pair := range slices.Chunk(ids, 2) {
		r := runGuest(t, over(d, g, "use", pair[0], pair[1], "export", pair[0], pair[1])...)
		r.says("used <nil>")
		r.says("export symmetric_key_export: prohibited_operation")
		r.ends()
	}
}
