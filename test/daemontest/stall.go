package daemontest

import "time"

// Stalls measures by how much the machine wakes this process late while a promise about time is tested. The function that it
// returns ends the measuring, and gives the longest delay of them: the part of a lateness that no daemon has to answer for.
func Stalls() (longest func() time.Duration) {
	const nap = 2 * time.Millisecond
	done, found := make(chan struct{}), make(chan time.Duration)
	go func() {
		var most time.Duration
		for {
			start := time.Now()
			select {
			case <-done:
				found <- most
				return
			case <-time.After(nap):
				most = max(most, time.Since(start)-nap)
			}
		}
	}()
	return func() time.Duration { close(done); return <-found }
}
