package tokens

import (
	"os"
	"syscall"
	"testing"

	"github.com/claviger/claviger/test/daemontest"
)

// TestATokenTakesItsPIN holds that the token is there under its label, and that the PIN is the one of the file.
func TestATokenTakesItsPIN(t *testing.T) {
	k := SoftHSM(t)
	pin, err := os.ReadFile(k.PINFile)
	if err != nil || string(pin) != k.PIN {
		t.Errorf("the PIN file has %d bytes, %v; they should be the PIN", len(pin), err)
	}
	p := startProbe(t, k.Module, k.Env()...)
	p.do("init", "init 0x0")
	if got := p.answer("slots"); got != "slots 0x0 2" { // SoftHSM has one slot more than tokens, with none in it yet
		t.Fatal(got)
	}
	p.do("token", "token 0x0 "+k.Label, "open", "open 0x0", "login "+k.SOPIN, "login 0xa0", "login "+string(pin), "login 0x0")
}

// TestATokenIsForWhomItIsGivenTo holds that another user can use a token that was given to it, and that nobody but the daemon's
// user reads the PIN.
func TestATokenIsForWhomItIsGivenTo(t *testing.T) {
	daemontest.NeedRoot(t)
	k := SoftHSM(t)
	k.Give(t, daemontest.UserA, daemontest.UserB)
	info, err := os.Stat(k.PINFile)
	if err != nil {
		t.Fatal(err)
	}
	if owner := info.Sys().(*syscall.Stat_t).Uid; owner != daemontest.UserA || info.Mode() != 0o600 {
		t.Errorf("the PIN file is user %d's, %v; want %d's, of mode 0600", owner, info.Mode(), daemontest.UserA)
	}
	words := []string{"init", "init 0x0", "slots", "slots 0x0 2", "token", "token 0x0 " + k.Label, "open", "open 0x0",
		"login " + k.PIN, "login 0x0", "generate", "generate 0x0", "encrypt", "encrypt 0x0"}
	startProbeAs(t, daemontest.UserB, k.Module, k.Env()...).do(words...)
	h := NewHostile(t, k.Module)
	h.Give(daemontest.UserB)
	startProbeAs(t, daemontest.UserB, h.Path, append(h.Env(), k.Env()...)...).do(words...)
	if n := h.Calls("C_Login"); n != 1 {
		t.Errorf("%d logins, want 1", n)
	}
}
