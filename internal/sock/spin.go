package sock

import (
	"time"

	"golang.org/x/sys/unix"
)

// Spin bounds.
const (
	spinFor  = 50 * time.Microsecond
	maxFails = 10 // after n failures in a row 2ⁿ turns are left out
)

// Spinner decides whether it is worth to look for bytes again and again before the poller is asked to wait for them:
// waking a process that waits costs more than a small operation. It gives the CPU away between two looks, so that the
// other side gets on also where there is only one. Where that does not help it soon stops trying. The zero value is
// ready; for one goroutine at a time.
type Spinner struct {
	fails uint
	skip  uint32
}

// Spin calls look until it returns true, for a short while. It returns whether look did.
func (s *Spinner) Spin(look func() bool) bool {
	if s.skip > 0 {
		s.skip--
		return false
	}
	start := time.Now()
	for time.Since(start) < spinFor {
		_, _, _ = unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
		if look() {
			s.fails = 0
			return true
		}
	}
	s.fails = min(s.fails+1, maxFails)
	s.skip = 1 << s.fails
	return false
}
