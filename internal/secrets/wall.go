//go:build !claviger_clockfile

package secrets

import "time"

// wallClock is the machine's.
func wallClock() func() time.Time { return time.Now }
