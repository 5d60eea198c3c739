package pkcs11_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/pkcs11"
)

// tryOpen gives what Open says, and closes again what it opened.
func tryOpen(t testing.TB, c pkcs11.Config) (provider.Lock, error) {
	t.Helper()
	device := pkcs11.New(c)
	lock, err := device.Open(context.Background())
	must(t, device.Close())
	return lock, err
}

// otherLibrary makes a shared library that is no module.
func otherLibrary(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "empty.so")
	cmd := exec.Command("cc", "-shared", "-o", path, "-x", "c", "-")
	cmd.Stdin = strings.NewReader("int nothing;")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("no C compiler: %v: %s", err, out)
	}
	return path
}

// Opening says what is missing: the module, a token of that name, one alone, an initialised one.
func TestOpenSaysWhatIsMissing(t *testing.T) {
	path := store(t)
	slot := uint64(12345)
	refused := func(what string, c pkcs11.Config, words ...string) {
		t.Helper()
		_, err := tryOpen(t, c)
		wantCode(t, what, err, claviger.ErrProviderNotAvailable)
		if err != nil && strings.Count(err.Error(), c.Module) > 1 {
			t.Errorf("%s: the module is named twice: %v", what, err)
		}
		for _, word := range words {
			if err != nil && !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %q is not in %q", what, word, err)
			}
		}
		if errors.Is(err, provider.ErrPIN) || errors.Is(err, provider.ErrLost) {
			t.Errorf("%s: it is said to be about the PIN, or lost", what)
		}
	}
	refused("no module", pkcs11.Config{Module: "/nonexistent/module.so"}, "/nonexistent/module.so")
	refused("a relative path", pkcs11.Config{Module: "./module.so"}, "./module.so", "absolute")
	notModule := filepath.Join(t.TempDir(), "text.so")
	must(t, os.WriteFile(notModule, []byte("text"), 0o600))
	refused("no library", pkcs11.Config{Module: notModule}, "module "+notModule+": ")
	refused("no module but a library", pkcs11.Config{Module: otherLibrary(t)}, "no C_GetFunctionList")
	refused("nothing initialised", pkcs11.Config{Module: path}, "initialised")
	initialise(t, "vehicle")
	if _, err := tryOpen(t, pkcs11.Config{Module: path}); err != nil {
		t.Errorf("the only token: %v", err)
	}
	initialise(t, "other")
	refused("several tokens", pkcs11.Config{Module: path}, "several", `"vehicle"`, `"other"`, "name one by its label, serial number or slot")
	refused("another label", pkcs11.Config{Module: path, TokenLabel: "lorry"}, `"lorry"`, `"vehicle"`, `"other"`)
	refused("another serial number", pkcs11.Config{Module: path, Serial: "1"}, `"1"`, `"vehicle"`)
	refused("another slot", pkcs11.Config{Module: path, Slot: &slot}, "12345")
	refused("two names", pkcs11.Config{Module: path, TokenLabel: "vehicle", Serial: "1"}, "one of")
	initialise(t, "vehicle")
	refused("two of one label", pkcs11.Config{Module: path, TokenLabel: "vehicle"}, "several", "name one by its serial number or slot")
	lock, err := tryOpen(t, pkcs11.Config{Module: path, TokenLabel: "other"})
	must(t, err)
	if !lock.NeedsPIN || lock.Doubt || lock.Sessions != 31 || !strings.Contains(lock.Detail, `token "other" serial `) || !strings.Contains(lock.Detail, path) {
		t.Errorf("the token says %+v", lock)
	}
}

// A wrong PIN is said to be one, is not in the error, and no second login is tried in one device.
func TestWrongPIN(t *testing.T) {
	path := store(t)
	initialise(t, label)
	for _, wrong := range []string{"7654321", "1", strings.Repeat("9", 300)} {
		device := pkcs11.New(pkcs11.Config{Module: path, TokenLabel: label})
		_, err := device.Open(t.Context())
		must(t, err)
		_, err = device.Unlock(t.Context(), []byte(wrong))
		wantCode(t, "a wrong PIN", err, claviger.ErrProviderNotAvailable)
		if !errors.Is(err, provider.ErrPIN) || len(wrong) > 1 && strings.Contains(err.Error(), wrong) {
			t.Errorf("a wrong PIN of %d bytes: %v", len(wrong), err)
		}
		_, err = device.Unlock(t.Context(), []byte(pin))
		wantCode(t, "a second login", err, claviger.ErrProviderNotAvailable)
		must(t, device.Close())
		must(t, device.Close())
	}
	device := pkcs11.New(pkcs11.Config{Module: path, TokenLabel: label})
	_, err := device.Unlock(t.Context(), []byte(pin))
	wantCode(t, "a device that is not open", err, claviger.ErrProviderNotAvailable)
	_, err = device.Open(t.Context())
	must(t, err)
	defer device.Close()
	_, err = device.Unlock(t.Context(), nil)
	wantCode(t, "no PIN", err, claviger.ErrProviderNotAvailable)
	if errors.Is(err, provider.ErrPIN) {
		t.Error("no PIN is said to be a wrong one")
	}
	p, err := device.Unlock(t.Context(), []byte(pin))
	must(t, err)
	must(t, p.Close())
}

// What a token says of its PIN is known before one is tried, and a locked one is not tried at all.
func TestTheTokenSaysHowItsPINStands(t *testing.T) {
	path := shim(t)
	initialise(t, label)
	for _, c := range []struct {
		what, flags, without string
		needs, doubt, locked bool
		words                string
	}{
		{"all is well", "0", "0", true, false, false, ""},
		{"a wrong one was given", "0x10000", "0", true, true, false, ""},
		{"the last try", "0x20000", "0", true, true, false, ""},
		{"locked", "0x40000", "0", false, false, true, "locked"},
		{"a pad of its own", "0x100", "0", false, false, false, ""},
		{"no login wanted", "0", "0x4", false, false, false, ""},
		{"no user PIN", "0", "0x8", false, false, false, "no user PIN"},
	} {
		t.Setenv("SHIM_FLAGS", c.flags)
		t.Setenv("SHIM_NOFLAGS", c.without)
		lock, err := tryOpen(t, pkcs11.Config{Module: path, TokenLabel: label})
		if c.words == "" {
			must(t, err)
			if lock.NeedsPIN != c.needs || lock.Doubt != c.doubt {
				t.Errorf("%s: %+v", c.what, lock)
			}
			continue
		}
		wantCode(t, c.what, err, claviger.ErrProviderNotAvailable)
		if errors.Is(err, provider.ErrPIN) != c.locked || err != nil && !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %v", c.what, err)
		}
	}
	t.Setenv("SHIM_NOFLAGS", "0")
	t.Setenv("SHIM_FLAGS", "0")
	device := pkcs11.New(pkcs11.Config{Module: path, TokenLabel: label})
	_, err := device.Open(t.Context())
	must(t, err)
	defer device.Close()
	t.Setenv("SHIM_FLAGS", "0x40000")
	t.Setenv("SHIM_FAULTS", "C_Login=0")
	_, err = device.Unlock(t.Context(), []byte(pin))
	if !errors.Is(err, provider.ErrPIN) || strings.Contains(err.Error(), "C_Login") {
		t.Errorf("locked after it was opened: %v", err)
	}
}

// A token that fails while it is asked what it can do is not taken for one that can do nothing. A mechanism that it lists and does not
// have after all is left out.
func TestMechanismsThatCannotBeAskedFor(t *testing.T) {
	path := shim(t)
	initialise(t, label)
	offered := func(fault string) (int, error) {
		t.Setenv("SHIM_FAULTS", fault)
		device := pkcs11.New(pkcs11.Config{Module: path, TokenLabel: label})
		defer device.Close()
		_, err := device.Open(t.Context())
		must(t, err)
		p, err := device.Unlock(t.Context(), []byte(pin))
		if err != nil {
			return 0, err
		}
		defer p.Close()
		return len(p.Mechanisms()), nil
	}
	for _, fault := range []string{"C_GetMechanismInfo=0x05*1", "C_GetMechanismInfo=0x06*1", "C_GetMechanismInfo=0x30*1", "C_GetMechanismInfo=0xE0*1"} {
		_, err := offered(fault)
		wantCode(t, fault, err, claviger.ErrProviderNotAvailable)
	}
	all, err := offered("")
	must(t, err)
	part, err := offered("C_GetMechanismInfo=0x70*9")
	must(t, err)
	if part >= all {
		t.Errorf("%d mechanisms of %d are offered, although the token has not all", part, all)
	}
}

// A token that offers nothing to work with has not come up: starting fails, and a later start finds what it offers then.
func TestATokenWithoutMechanismsHasNotComeUp(t *testing.T) {
	for what, fault := range map[string]string{"none is listed": "C_GetMechanismList=0", "they do nothing": "C_GetMechanismInfo=0", "there are none after all": "C_GetMechanismInfo=0x70"} {
		t.Run(what, func(t *testing.T) {
			path := shim(t)
			initialise(t, label)
			t.Setenv("SHIM_FAULTS", fault)
			p := behind(t, pkcs11.Config{Module: path, TokenLabel: label})
			err := p.Ready(t.Context())
			wantCode(t, what, err, claviger.ErrProviderNotAvailable)
			for _, word := range []string{"offers no mechanism that can be used", path, `"` + label + `"`} {
				if err != nil && !strings.Contains(err.Error(), word) {
					t.Errorf("%q is not in %v", word, err)
				}
			}
			t.Setenv("SHIM_FAULTS", "")
			for deadline := time.Now().Add(time.Minute); !p.Health().Available; time.Sleep(10 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("the token is not available: %s", p.Health().Reason)
				}
			}
			must(t, ignore(p.OneShot(t.Context(), provider.Hash, &provider.Params{Algorithm: "SHA-256"}, nil, []byte("x"))))
		})
	}
}
