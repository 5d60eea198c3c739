package pkcs11_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/pkcs11"
)

// wantGone holds that an error says of the token that it is gone, and that another start is needed.
func wantGone(t testing.TB, what string, err error) {
	t.Helper()
	wantCode(t, what, err, claviger.ErrProviderNotAvailable)
	if !errors.Is(err, provider.ErrLost) || !strings.Contains(err.Error(), `token "`+label+`" serial `) || !strings.Contains(err.Error(), "is gone") {
		t.Errorf("%s: %v", what, err)
	}
}

// takeOut takes the only token of SoftHSM out. SoftHSM says of it neither that it is away nor, in a process that has seen that, that it
// is there again.
func takeOut(t testing.TB) (back func()) {
	t.Helper()
	tokens := filepath.Join(filepath.Dir(os.Getenv("SOFTHSM2_CONF")), "tokens")
	found, err := filepath.Glob(filepath.Join(tokens, "*"))
	must(t, err)
	if len(found) != 1 {
		t.Fatalf("there are the tokens %v", found)
	}
	away := tokens + ".away"
	must(t, os.Rename(found[0], away))
	return func() { t.Helper(); must(t, os.Rename(away, found[0])) }
}

// A token that is taken out is lost, whatever is asked of it, also where its module goes on as if it was there and empty: no key is said
// to be gone from it, or to be destroyed. Another start finds out whether it is back.
func TestTokensThatAreTakenOutAreLost(t *testing.T) {
	config := pkcs11.Config{Module: store(t), TokenLabel: label}
	initialise(t, label)
	p, done := open(t, config)
	own, err := p.Generate(t.Context(), provider.Spec{Algorithm: "HMAC-SHA-256"})
	must(t, err)
	secret, err := own.Blob(t.Context(), provider.Tag{Label: "x"})
	must(t, err)
	defer secret.Close()
	k, err := p.Load(t.Context(), secret.Bytes())
	must(t, err)
	want := exercise(t, k)
	back := takeOut(t)
	_, objects := p.Objects(t.Context(), provider.Query{})
	_, loaded := p.Load(t.Context(), secret.Bytes())
	_, kept := own.Blob(t.Context(), provider.Tag{Label: "y"})
	_, began := k.Begin(t.Context(), provider.MAC, &provider.Params{Algorithm: "HMAC-SHA-256"})
	for what, err := range map[string]error{"a key of the token": mac(k), "listing": objects, "loading": loaded, "making a key last": kept,
		"a stream": began, "destroying": p.Destroy(t.Context(), secret.Bytes())} {
		wantGone(t, what, err)
	}
	must(t, own.Close())
	must(t, k.Close())
	done()
	_, err = tryOpen(t, config)
	wantCode(t, "opening without the token", err, claviger.ErrProviderNotAvailable)
	if err != nil && !strings.Contains(err.Error(), `no token has the label "`+label+`"`) {
		t.Errorf("opening without the token: %v", err)
	}
	back()
	p, done = open(t, config)
	defer done()
	k, err = p.Load(t.Context(), secret.Bytes())
	must(t, err)
	defer k.Close()
	if string(exercise(t, k)) != string(want) {
		t.Error("another key came back")
	}
}

// What a module can say of a token that is not there, or is another one, is found out where an object is missed; an object that is
// missing in a token that is there is no more than that.
func TestMissingObjectsAndMissingTokens(t *testing.T) {
	p := faulty(t, pkcs11.Config{})
	k, err := p.Generate(t.Context(), provider.Spec{Algorithm: "HMAC-SHA-256"})
	must(t, err)
	defer k.Close()
	blob, err := k.Blob(t.Context(), provider.Tag{Label: "x"})
	must(t, err)
	defer blob.Close()
	loaded, err := p.Load(t.Context(), blob.Bytes())
	must(t, err)
	defer loaded.Close()
	must(t, p.Destroy(t.Context(), blob.Bytes()))
	for _, c := range []struct {
		what, faults, without string
		gone                  bool
	}{
		{"the token is there", "", "0", false},
		{"its slot has no token", "C_GetTokenInfo=0xE0", "0", true},
		{"the module says nothing", "C_GetTokenInfo=0x05", "0", true},
		{"there are no slots", "C_GetSlotList=0x30", "0", true},
		{"it is not initialised", "", "0x400", true},
	} {
		t.Setenv("SHIM_FAULTS", c.faults)
		t.Setenv("SHIM_NOFLAGS", c.without)
		_, err := p.Load(t.Context(), blob.Bytes())
		for what, err := range map[string]error{"loading": err, "using": mac(loaded)} {
			if what = c.what + ": " + what; c.gone {
				wantGone(t, what, err)
				continue
			}
			wantCode(t, what, err, claviger.ErrResourceNotFound)
			if errors.Is(err, provider.ErrLost) {
				t.Errorf("%s: the token is said to be lost", what)
			}
		}
		if err := p.Destroy(t.Context(), blob.Bytes()); c.gone {
			wantGone(t, c.what+": destroying", err)
		} else {
			must(t, err)
		}
		must(t, mac(k))
	}
}

// A key whose handle stays invalid is asked for in vain; that its token is gone is found out then.
func TestHandlesThatCannotBeRenewed(t *testing.T) {
	p := faulty(t, pkcs11.Config{})
	k := lasting(t, p, "HMAC-SHA-256")
	t.Setenv("SHIM_FAULTS", "C_SignInit=0x60")
	wantCode(t, "a token that is there", mac(k), claviger.ErrResourceNotFound)
	t.Setenv("SHIM_FAULTS", "C_SignInit=0x60 C_GetTokenInfo=0x05")
	wantGone(t, "a token that is not", mac(k))
}

// A PIN is for the token that was opened, and for no other one that is in its place.
func TestThePINIsForOneToken(t *testing.T) {
	path := shim(t)
	initialise(t, label)
	device := pkcs11.New(pkcs11.Config{Module: path, TokenLabel: label})
	_, err := device.Open(t.Context())
	must(t, err)
	defer device.Close()
	t.Setenv("SHIM_NOFLAGS", "0x400")
	t.Setenv("SHIM_FAULTS", "C_OpenSession=0xE0 C_Login=0xA0")
	_, err = device.Unlock(t.Context(), []byte(pin))
	wantCode(t, "another token", err, claviger.ErrProviderNotAvailable)
	if err != nil && (errors.Is(err, provider.ErrPIN) || !strings.Contains(err.Error(), "is gone") || !strings.Contains(err.Error(), "not initialised")) {
		t.Errorf("another token: %v", err)
	}
}
