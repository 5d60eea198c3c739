package guest_test

import (
	"errors"
	"testing"

	"github.com/claviger/claviger/guest"
)

// TestErrorsCompareAndNameTheCall holds what programs and people read of an error.
func TestErrorsCompareAndNameTheCall(t *testing.T) {
	var err error = &guest.Error{Call: "keypair_from_id", Errno: guest.ErrNotFound}
	if !errors.Is(err, guest.ErrNotFound) || errors.Is(err, guest.ErrExpired) {
		t.Error("an error is not found by its sentinel alone")
	}
	if got := err.Error(); got != "keypair_from_id: not_found" {
		t.Errorf("text %q", got)
	}
	for errno, want := range map[guest.Errno]string{
		guest.ErrGuest: "guest_error", guest.ErrClosed: "closed", guest.ErrInvalidTag: "invalid_tag", guest.ErrExpired: "expired",
		31: "crypto_errno 31", guest.ErrNotAGuest: "not a guest: build with GOOS=wasip1 GOARCH=wasm",
	} {
		if got := errno.Error(); got != want {
			t.Errorf("errno %d is %q, want %q", uint16(errno), got, want)
		}
	}
}
