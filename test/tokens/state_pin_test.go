package tokens

import (
	"os"
	"syscall"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
)

// writePIN puts a PIN into the file from which the daemon takes it.
func (k *Token) writePIN(t testing.TB, pin string) {
	t.Helper()
	ok(t, os.WriteFile(k.PINFile, []byte(pin), 0o600))
}

// TestAWrongPINCostsOneTry holds that nothing that starts a worker anew tries a PIN again that the token has refused, and that another
// PIN in the file is taken without a restart of the daemon.
func TestAWrongPINCostsOneTry(t *testing.T) {
	k := SoftHSM(t)
	h := NewHostile(t, k.Module)
	r := Prepare(t, Options{Token: k, Hostile: h})
	k.writePIN(t, "not the PIN at all!")
	r.Serve(t)
	u := r.connect(t)
	refused := `the PIN of provider "token" is not tried again, because the token refused it or a try of it was cut off; change the PIN (` + k.PINFile + `)`
	says := func(what, why string) {
		t.Helper()
		u.awaitAway(t, why)
		for range 3 {
			_, err := u.keys(t, client.ProviderSelector{}).GenerateIn(u.ctx, u.slot(t, "token/signing"), client.GenerateParams{})
			wantCode(t, err, claviger.ErrProviderNotAvailable, why)
		}
		if n := h.Calls("C_Login"); n != 1 {
			t.Fatalf("%d logins after %s, want one", n, what)
		}
	}
	held := func(what string) { t.Helper(); says(what, refused) }
	held("calls")
	again := func(sig syscall.Signal) { // a worker is started again
		t.Helper()
		starts := h.Calls("C_Initialize")
		r.Signal(t, sig)
		h.Await("C_Initialize", starts+1)
	}
	for range 3 {
		again(syscall.SIGHUP)
		held("a reload")
	}
	u.generate(t, "software/signing")
	u.signs(t, u.slot(t, "software/signing"))
	k.writePIN(t, "not the PIN at all!\n")
	again(syscall.SIGHUP)
	held("the same PIN with a line end")
	for _, end := range []func(){r.Kill, func() { r.Stop(t) }} {
		end()
		r.Launch(t)
		u = r.connect(t)
		held("a restart of the daemon")
		again(syscall.SIGHUP)
		held("a reload after a restart")
	}
	k.writePIN(t, k.PIN)
	r.awaitBack(t, u)
	u.generate(t, "token/signing")
	u.signs(t, u.slot(t, "token/signing"))
	if n := h.Calls("C_Login"); n != 2 {
		t.Errorf("%d logins with the right PIN and the wrong one, want two", n)
	}
}

// TestACheckTriesAPINOnce holds what `claviger check --live` does with a wrong PIN: one try, unless somebody asks for one more.
func TestACheckTriesAPINOnce(t *testing.T) {
	k := SoftHSM(t)
	h := NewHostile(t, k.Module)
	r := Start(t, Options{Token: k, Hostile: h})
	r.Stop(t)
	k.writePIN(t, "not the PIN at all!")
	h.Reset()
	for _, step := range []struct {
		what   string
		args   []string
		logins int
		says   string
	}{
		{"a check", nil, 1, "CKR_PIN_INCORRECT"},
		{"another", nil, 1, `the PIN of provider "token" is not tried again, because the token refused it or a try of it was cut off`},
		{"one that asks for it", []string{"--retry-pin", "token"}, 2, "CKR_PIN_INCORRECT"},
		{"one that does not", nil, 2, `the PIN of provider "token" is not tried again, because the token refused it or a try of it was cut off`},
	} {
		r.complains(t, r.check(t, step.args...), "pin_file", step.says)
		if n := h.Calls("C_Login"); n != step.logins {
			t.Errorf("%d logins after %s, want %d", n, step.what, step.logins)
		}
	}
	k.writePIN(t, k.PIN)
	if res := r.check(t); res.Code != 0 {
		t.Errorf("with the right PIN: %+v", res)
	}
	r.Launch(t)
	u := r.connect(t)
	u.generate(t, "token/signing")
	u.signs(t, u.slot(t, "token/signing"))
	if n := h.Calls("C_Login"); n != 4 {
		t.Errorf("%d logins, want four", n)
	}
}

// TestAPINThatIsNoLongerRightCostsOneTry holds the same for a PIN that the token took before, and that the token's owner can have it
// tried again once that is right there.
func TestAPINThatIsNoLongerRightCostsOneTry(t *testing.T) {
	k := SoftHSM(t)
	h := NewHostile(t, k.Module)
	r := Start(t, Options{Token: k, Hostile: h})
	u := r.connect(t)
	u.generate(t, "token/signing")
	h.Reset()
	h.Command("C_Login pin-incorrect")
	r.killWorker(t)
	h.Await("C_Login", 1)
	for range 3 {
		starts := h.Calls("C_Initialize")
		r.Signal(t, syscall.SIGHUP)
		h.Await("C_Initialize", starts+1)
		u.awaitAway(t, "is not tried again")
	}
	h.Command()
	r.Stop(t)
	r.Launch(t)
	u = r.connect(t)
	u.awaitAway(t, "is not tried again")
	if n := h.Calls("C_Login"); n != 1 {
		t.Errorf("%d logins, want one", n)
	}
	r.Stop(t)
	if res := r.check(t, "--retry-pin", "token"); res.Code != 0 {
		t.Errorf("a check that tries again ends with %d:\n%s%s", res.Code, res.Stdout, res.Stderr)
	}
	r.Launch(t)
	u = r.connect(t)
	u.signs(t, u.slot(t, "token/signing"))
}
