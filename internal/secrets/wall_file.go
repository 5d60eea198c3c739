//go:build claviger_clockfile

package secrets

import (
	"os"
	"strconv"
	"strings"
	"time"
)

// wallClock reads the seconds since 1970 from the file that $CLAVIGER_CLOCK_FILE names, at every look, and falls back on
// the machine's clock where there is none. This is a build for tests that turn the clock; it is never released.
func wallClock() func() time.Time {
	path := os.Getenv("CLAVIGER_CLOCK_FILE")
	return func() time.Time {
		text, err := os.ReadFile(path)
		if err != nil {
			return time.Now()
		}
		n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		if err != nil {
			return time.Now()
		}
		return time.Unix(n, 0)
	}
}
