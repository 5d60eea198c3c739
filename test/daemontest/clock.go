package daemontest

import (
	"os"
	"strconv"
	"testing"
	"time"
)

// StartWithClock is Start for a daemon whose wall clock shows what SetClock says, and until then the machine's time.
func StartWithClock(t testing.TB, config string) *Daemon {
	t.Helper()
	return start(t, config, "clock", ownUID())
}

// SetClock sets the wall clock of a daemon that StartWithClock has started, at once.
func (d *Daemon) SetClock(t testing.TB, at time.Time) {
	t.Helper()
	next := d.clock + ".new"
	if err := os.WriteFile(next, []byte(strconv.FormatInt(at.Unix(), 10)), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, d.clock); err != nil { // never half of a number
		t.Fatal(err)
	}
}
