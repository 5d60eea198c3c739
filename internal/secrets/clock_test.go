package secrets

import (
	"testing"
	"time"
)

const (
	day  = 24 * time.Hour
	year = 365 * day
)

// TestTheClockRevivesNothingAndLosesNothing goes through what can happen to clocks. Three secrets are stored: one that
// expires after an hour, one after ten days, one after twenty years. Each step says what reading them gives.
func TestTheClockRevivesNothingAndLosesNothing(t *testing.T) {
	type step struct {
		what string
		do   func(*rig)
		want string // for each secret: l lives, x expired, n not found
	}
	run := func(d time.Duration) func(*rig) { return func(r *rig) { r.world.run(d); r.ticks() } }
	set := func(d time.Duration) func(*rig) { return func(r *rig) { r.world.set(d); r.ticks() } }
	restart := func(r *rig) { r.restart(false); r.ticks() }
	kill := func(r *rig) { r.restart(true); r.ticks() }
	reboot := func(off time.Duration) func(*rig) {
		return func(r *rig) { r.world.reboot(off); r.restart(true); r.ticks() }
	}
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"set back", []step{
			{"time passes", run(2 * time.Hour), "xll"},
			{"set back a day", set(-day), "xll"},
			{"restarted", restart, "xll"},
			{"killed", kill, "xll"},
			{"ten days by boot time alone", run(10 * day), "xxl"},
		}},
		{"set back and rebooted", []step{
			{"time passes, and it is read", run(2 * time.Hour), "xll"},
			{"set back a day", set(-day), "xll"},
			{"rebooted", reboot(time.Minute), "xll"},
		}},
		{"ten years forward and back", []step{
			{"before", run(2 * time.Hour), "xll"},
			{"forward", set(10 * year), "xxl"},
			{"restarted", restart, "xxl"},
			{"back", set(-10 * year), "xll"},
			{"killed", kill, "xll"},
			{"forward, rebooted", func(r *rig) { set(10 * year)(r); reboot(time.Minute)(r) }, "xxl"},
			{"back", set(-10 * year), "xll"},
			{"twenty nine days forward", set(10 * year), "xxl"},
			{"that go by", run(29 * day), "xxl"},
			{"back: nothing was swept", set(-10 * year), "xxl"},
			{"but what has gone by has gone by", run(5 * day), "nxl"},
		}},
		{"a jump that stays is believed after thirty days", []step{
			{"forward", set(100 * day), "xxl"},
			{"29 days", run(29 * day), "xxl"},
			{"restarted", restart, "xxl"},
			{"one more", run(day), "nnl"},
			{"and back: it is over", set(-100 * day), "nnl"},
		}},
		{"a second jump begins the count anew", []step{
			{"forward", set(100 * day), "xxl"},
			{"29 days", run(29 * day), "xxl"},
			{"further", set(100 * day), "xxl"},
			{"29 days", run(29 * day), "xxl"},
		}},
		{"switched off for a week", []step{
			{"before", run(30 * time.Minute), "lll"},
			{"rebooted", reboot(7 * day), "xll"},
			{"three days later", run(3 * day), "xxl"},
		}},
		{"without a clock that goes on when it is off", []step{
			{"before", run(2 * time.Hour), "xll"},
			{"rebooted in 1970", func(r *rig) { r.world.reboot(0); r.world.wall = 0; r.restart(true); r.ticks() }, "xll"},
			{"set right by the network", func(r *rig) { r.world.wall = start + 3*3600; r.ticks() }, "xll"},
		}},
		{"a kernel that does not name its boots", []step{
			{"up for twenty days", func(r *rig) { r.world.id, r.world.boot = 0, 20*day; kill(r) }, "lll"},
			{"restarted", restart, "lll"},
			{"killed", kill, "lll"},
			{"time passes", run(2 * time.Hour), "xll"},
			{"restarted", restart, "xll"},
			{"ten days by boot time alone", func(r *rig) { set(-10 * day)(r); run(10 * day)(r) }, "xxl"},
		}},
		{"a small jump is believed", []step{
			{"an hour forward", set(time.Hour), "xll"},
			{"and back", set(-time.Hour), "xll"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, Config{})
			ids := []string{r.put("a", time.Hour), r.put("b", 10*day), r.put("c", 20*year)}
			for _, s := range c.steps {
				s.do(r)
				if got := r.states(ids); got != s.want {
					t.Fatalf("%s: %s; want %s", s.what, got, s.want)
				}
			}
		})
	}
}

// states reads each secret.
func (r *rig) states(ids []string) (all string) {
	r.t.Helper()
	for _, id := range ids {
		_, err := r.Get(r.t.Context(), r.alice(), []byte(id), latest)
		switch {
		case err == nil:
			all += "l"
		case isCode(err, gone):
			all += "x"
		case isCode(err, notFound):
			all += "n"
		default:
			r.t.Fatal(err)
		}
	}
	return all
}

func TestAnAnswerThatSaysExpiredIsKept(t *testing.T) {
	r := newRig(t, Config{})
	id := r.put("s", time.Minute)
	r.world.run(2 * time.Minute)
	r.answers("expired", id, 1, gone)
	r.world.reboot(0)
	r.world.set(-time.Hour)
	r.restart(true)
	r.answers("after a kill, a reboot and a clock set back", id, 1, gone)
}

func TestTheMarkIsRenewedAsTimePasses(t *testing.T) {
	r := newRig(t, Config{})
	r.world.run(5 * time.Minute)
	r.ticks()
	if k := r.clock.kept(); k != start {
		t.Errorf("a fresh mark was renewed: %d", k)
	}
	r.world.run(5 * time.Minute)
	r.ticks()
	if k := r.clock.kept(); k != start+600 {
		t.Errorf("the mark is %d", k-start)
	}
	r.world.run(time.Minute)
	must(t, r.Manager.Close(t.Context()))
	if k := r.clock.kept(); k != start+660 {
		t.Errorf("the mark at the end is %d", k-start)
	}
}
