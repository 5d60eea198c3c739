package link

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/claviger/claviger"
)

// late is a context past its deadline that does not say so yet: its timer has not run.
type late struct{ context.Context }

func (late) Deadline() (time.Time, bool) { return time.Unix(1, 0), true }

// TestWhyACallEnded holds the code for each way in which a context ends.
func TestWhyACallEnded(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	over, stop := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer stop()
	for _, c := range []struct {
		what  string
		ctx   context.Context
		code  claviger.Code
		cause error
	}{
		{"cancelled", cancelled, claviger.ErrOperationFailed, context.Canceled},
		{"over", over, claviger.ErrOperationTimedOut, context.DeadlineExceeded},
		{"over, and its timer is late", late{t.Context()}, claviger.ErrOperationTimedOut, context.DeadlineExceeded},
	} {
		if err := ended(c.ctx, "test"); !errors.Is(err, c.code) || !errors.Is(err, c.cause) {
			t.Errorf("%s: %v", c.what, err)
		}
	}
}
