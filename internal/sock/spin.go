package sock

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// Spin bounds.
const (
	spinFor  = 50 * time.Microsecond
	lingers  = 16
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

// Spin calls look until it returns true, for a short while. It returns whether look did. It holds on to its processor
// and so is for a goroutine that is alone with what it waits for.
func (s *Spinner) Spin(look func() bool) bool {
	if s.skipped() {
		return false
	}
	start := time.Now()
	for time.Since(start) < spinFor {
		yield()
		if look() {
			s.fails = 0
			return true
		}
	}
	return s.failed()
}

// Linger is Spin for a goroutine beside which others are at work: it calls look a few times, and lets all that can run
// in this process and in others go first each time.
func (s *Spinner) Linger(look func() bool) bool {
	if s.skipped() {
		return false
	}
	for range lingers {
		runtime.Gosched()
		yield()
		if look() {
			s.fails = 0
			return true
		}
	}
	return s.failed()
}

// skipped leaves a turn out where the last ones did not help.
func (s *Spinner) skipped() bool {
	if s.skip == 0 {
		return false
	}
	s.skip--
	return true
}

// failed notes a turn that did not help; false.
func (s *Spinner) failed() bool {
	s.fails = min(s.fails+1, maxFails)
	s.skip = 1 << s.fails
	return false
}

// yield lets other threads have the processor.
func yield() { _, _, _ = unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }
