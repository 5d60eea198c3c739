package claviger_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/claviger/claviger"
)

func TestPermissionNumbersAreThoseOfTheAPI(t *testing.T) {
	for want, p := range map[uint32]claviger.Permission{
		0x001: claviger.Encrypt, 0x002: claviger.Decrypt, 0x004: claviger.Wrap, 0x008: claviger.Unwrap,
		0x010: claviger.Sign, 0x020: claviger.Verify, 0x040: claviger.Mac, 0x080: claviger.Agree,
		0x100: claviger.Derive, 0x200: claviger.Export, 0x400: claviger.Import,
		0x00F: claviger.DataProtection, 0x0F0: claviger.Authentication, 0x700: claviger.FullLifecycle,
		0x7FF: claviger.AllPermissions, 0x000: claviger.NoPermission,
	} {
		if uint32(p) != want {
			t.Errorf("%s is %#x, want %#x", p, uint32(p), want)
		}
	}
}

func TestPermissionTextIsReadBack(t *testing.T) {
	for p := claviger.NoPermission; p <= claviger.AllPermissions; p++ {
		got, err := claviger.ParsePermission(p.String())
		if err != nil || got != p {
			t.Fatalf("ParsePermission(%q) = %v, %v", p.String(), got, err)
		}
	}
}

func TestParsePermission(t *testing.T) {
	for _, test := range []struct {
		in   string
		want claviger.Permission
		ok   bool
	}{
		{"ENCRYPT|DECRYPT", claviger.Encrypt | claviger.Decrypt, true},
		{" sign | Verify ", claviger.Sign | claviger.Verify, true},
		{"authentication", claviger.Authentication, true},
		{"data-protection|export", claviger.DataProtection | claviger.Export, true},
		{"", 0, false},
		{"generate", 0, false},
		{"sign,verify", 0, false},
	} {
		got, err := claviger.ParsePermission(test.in)
		if (err == nil) != test.ok || got != test.want {
			t.Errorf("ParsePermission(%q) = %v, %v", test.in, got, err)
		}
		if err != nil && !errors.Is(err, claviger.ErrInvalidArgument) {
			t.Errorf("ParsePermission(%q): code %v", test.in, claviger.CodeOf(err))
		}
	}
}

func TestHasDemandsEveryBit(t *testing.T) {
	p := claviger.Encrypt | claviger.Decrypt
	if !p.Has(claviger.Encrypt) || p.Has(claviger.Encrypt|claviger.Sign) || !p.Has(0) {
		t.Error("Has does not demand every bit")
	}
	if got := claviger.AllPermissions.Without(claviger.Export); got.Has(claviger.Export) || !got.Valid() {
		t.Errorf("Without left %s", got)
	}
}

func TestCodeNumbers(t *testing.T) {
	for want, c := range map[uint32]claviger.Code{
		0x01010003: claviger.ErrConnectionFailed, 0x01020004: claviger.ErrOperationTimedOut,
		0x01030003: claviger.ErrInvalidResourceID, 0x01040002: claviger.ErrStreamAlreadyActive,
		0x01050001: claviger.ErrUnsupportedAlgorithm, 0x01060002: claviger.ErrQuotaExceeded,
		0x01070003: claviger.ErrContextResetFailed, 0x0108000A: claviger.ErrKeyOperationNotPermitted,
		0x01090009: claviger.ErrTrustAnchorNotFound, 0x010A0003: claviger.ErrCrossProviderIncompatible,
		0x010B0001: claviger.ErrAccessDenied,
	} {
		if uint32(c) != want || !c.Known() || strings.HasPrefix(c.Name(), "0x") {
			t.Errorf("%s is %#x, want %#x", c.Name(), uint32(c), want)
		}
	}
	if claviger.Code(7).Known() || claviger.Code(7).Name() != "0x00000007" {
		t.Error("an unknown code has a name")
	}
}

func TestErrorsMatchTheirCode(t *testing.T) {
	err := fmt.Errorf("outer: %w", claviger.Errorf(claviger.ErrOperationTimedOut, "sign", "after %d ms", 200))
	if !errors.Is(err, claviger.ErrOperationTimedOut) || !errors.Is(err, context.DeadlineExceeded) {
		t.Error("a timeout does not match its code and context.DeadlineExceeded")
	}
	if errors.Is(err, claviger.ErrAccessDenied) {
		t.Error("a timeout matches another code")
	}
	if got := claviger.CodeOf(err); got != claviger.ErrOperationTimedOut {
		t.Errorf("CodeOf = %v", got)
	}
	if got, want := err.Error(), "outer: sign: after 200 ms (OperationTimedOut)"; got != want {
		t.Errorf("text %q, want %q", got, want)
	}
	if claviger.CodeOf(nil) != 0 || claviger.CodeOf(errors.New("x")) != claviger.ErrInternal ||
		claviger.CodeOf(context.DeadlineExceeded) != claviger.ErrOperationTimedOut {
		t.Error("CodeOf misjudges plain errors")
	}
}

func TestWrapErrorKeepsTheFirstCode(t *testing.T) {
	inner := claviger.Errorf(claviger.ErrKeySlotEmpty, "load", "slot %q", "a")
	if got := claviger.CodeOf(claviger.WrapError(claviger.ErrInternal, "x", inner)); got != claviger.ErrKeySlotEmpty {
		t.Errorf("code %v", got)
	}
	if claviger.WrapError(claviger.ErrInternal, "x", nil) != nil {
		t.Error("nil did not stay nil")
	}
}

func TestCheckName(t *testing.T) {
	for _, good := range []string{"PreDeployedSlot", "vehicle/data", "ключ", strings.Repeat("x", 64)} {
		if err := claviger.CheckName("name", good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"", "a b", "a\n", "\xff", strings.Repeat("x", 65), "\x00"} {
		err := claviger.CheckName("name", bad)
		if !errors.Is(err, claviger.ErrInvalidArgument) {
			t.Errorf("%q: %v", bad, err)
		}
		if strings.ContainsAny(fmt.Sprint(err), "\n\x00") {
			t.Errorf("%q reaches the error text raw", bad)
		}
	}
}

// TestMaterialNeverPrintsItsKey holds for every way of printing.
func TestMaterialNeverPrintsItsKey(t *testing.T) {
	m := claviger.ManagedMaterial{Type: claviger.GuestSymmetric, Algorithm: "AES-128-GCM", Key: []byte("sixteen byte key")}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
		text := fmt.Sprintf(verb, m)
		if strings.Contains(text, "sixteen") || strings.Contains(text, "7369") || strings.Contains(text, "115") {
			t.Errorf("%s prints the key: %s", verb, text)
		}
	}
}
