package conformance_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/claviger/claviger/conformance"
	"github.com/claviger/claviger/guest/raw"
	"github.com/claviger/claviger/test/daemontest"
)

// breakage is a host with one wrong behaviour.
type breakage struct {
	row     string // that must fail
	also    string // rows that may fail too, because their checks pass over the same behaviour
	wrong   string // what is wrong
	install func(*brokenHost)
}

// TestEveryRowCanFail holds that for each row that the guest checks there is a broken host that makes it fail, and that it makes fail
// no other row but those that are named with it.
func TestEveryRowCanFail(t *testing.T) {
	m := guest(t).boot(t, keeper(t))
	for _, b := range breakages() {
		t.Run(b.row+" "+b.wrong, func(t *testing.T) {
			m.broken = &brokenHost{t: t, hooks: map[string][]hook{}, real: m.functions}
			b.install(m.broken)
			out := m.run(t, "-run", quickRows(b.row))
			m.broken = nil
			if got := out.rows[b.row]; got.Result != "not ok" || got.Detail == "" {
				t.Errorf("row %s: want it to fail, got %q %s", b.row, got.Result, got.Detail)
			}
			for _, row := range out.rows {
				if row.Result != "ok" && row.Row != b.row && !slices.Contains(strings.Fields(b.also), row.Row) {
					t.Errorf("row %s: want it to pass, got %s: %s", row.Row, row.Result, row.Detail)
				}
			}
		})
	}
}

// TestEveryImportCanFail holds the same of the rows of the imports, by a host that answers a number that no errno has.
func TestEveryImportCanFail(t *testing.T) {
	m := guest(t).boot(t, nil)
	for i, row := range conformance.Chapters()[8].Rows {
		function := conformance.Functions()[i].Name
		m.broken = &brokenHost{t: t, hooks: map[string][]hook{}, real: m.functions}
		m.broken.on(function, func(c *invocation) { c.errno = 31 })
		out := m.run(t, "-run", "^"+row.ID+" ")
		if got := out.rows[row.ID]; got.Result != "not ok" || len(out.rows) != 1 {
			t.Errorf("row %s: want %s to fail it, got %q of %d rows", row.ID, function, got.Result, len(out.rows))
		}
	}
	m.broken = nil
}

// TestEveryRowHasABrokenHost holds that the list of broken hosts is whole.
func TestEveryRowHasABrokenHost(t *testing.T) {
	broken := map[string]bool{}
	for _, b := range breakages() {
		broken[b.row] = true
	}
	for _, row := range conformance.Rows() {
		if row.Check != "" && row.ID[0] != 'I' && !broken[row.ID] {
			t.Errorf("row %s %s has no broken host", row.ID, row.Check)
		}
	}
}

// quickRows is a regular expression for a row and all others but the imports and those that take long; under the race detector, which makes
// the guest many times slower, for the row alone.
func quickRows(own string) string {
	ids := []string{own}
	for _, row := range conformance.Rows() {
		slow := row.ID[0] == 'I' || row.ID == "19" || row.ID == "27" || row.ID == "91"
		if row.ID != own && !slow && !daemontest.Race {
			ids = append(ids, row.ID)
		}
	}
	return "^(" + strings.Join(ids, "|") + ") "
}

// breakages lists the broken hosts.
func breakages() []breakage {
	return slices.Concat(
		brokenHandles(), brokenHalves(), brokenKeys(), brokenUses(),
		brokenSymmetric(), brokenBuffers(), brokenHashes(), brokenDerivations(), brokenAEADs(), brokenNonces(),
		brokenManaged(), brokenIdentities(), brokenSecrets(), brokenCapsules(), brokenExternal(), brokenBatches())
}

// answer makes a function answer another errno in place of one, for calls that when chooses; nil is all.
func (b *brokenHost) answer(function string, when func(c *invocation) bool, instead, of uint32) {
	b.on(function, func(c *invocation) {
		chosen := when == nil || when(c)
		if c.run() == of && chosen {
			c.errno = instead
		}
	})
}

// refuse makes a function answer an errno and do nothing, for calls that when chooses.
func (b *brokenHost) refuse(function string, when func(c *invocation) bool, errno uint32) {
	b.on(function, func(c *invocation) {
		if when(c) {
			c.errno = errno
			return
		}
		c.run()
	})
}

// states tells the algorithm of each open state, in capitals.
func (b *brokenHost) states() map[uint32]string {
	all := map[uint32]string{}
	b.on("symmetric_state_open", func(c *invocation) {
		if c.run() == raw.Success {
			all[c.out(4)] = strings.ToUpper(c.text(0))
		}
	})
	b.on("symmetric_state_clone", func(c *invocation) {
		if c.run() == raw.Success {
			all[c.out(1)] = all[c.arg(0)]
		}
	})
	return all
}

// stateIs chooses the calls whose first argument is a state of an algorithm.
func (b *brokenHost) stateIs(algorithm string) func(c *invocation) bool {
	states := b.states()
	return func(c *invocation) bool { return states[c.arg(0)] == algorithm }
}

// names chooses the calls whose arguments i and i+1 are this text.
func names(i int, text string) func(c *invocation) bool {
	return func(c *invocation) bool { return strings.EqualFold(c.text(i), text) }
}

// both chooses what two choose.
func both(one, two func(c *invocation) bool) func(c *invocation) bool {
	return func(c *invocation) bool { return one(c) && two(c) }
}

// equals chooses the calls whose argument i is a number.
func equals(i int, n uint64) func(c *invocation) bool {
	return func(c *invocation) bool { return c.args[i] == n || c.args[i]&0xFFFF_FFFF == n }
}
