package config

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestTokensBecomeStructs holds what a file says of tokens, and what is meant where it says nothing.
func TestTokensBecomeStructs(t *testing.T) {
	cfg, err := Load("testdata/good/token.toml")
	if err != nil {
		t.Fatal(err)
	}
	zero := uint64(0)
	plain := func(change func(*Token)) *Token {
		token := &Token{Module: "/usr/lib/module.so", Sessions: DefaultSessions, HangAfter: 10 * time.Second, Sandbox: Preferred}
		change(token)
		return token
	}
	want := []Provider{
		{ID: 3, Name: "token", Kind: PKCS11, Token: &Token{
			Module: "/usr/lib/softhsm/libsofthsm2.so", Label: "vehicle", PINFile: "/etc/claviger/token.pin", Sessions: 32,
			HangAfter: 250 * time.Millisecond, Network: true, Sandbox: Required, User: &User{Name: "root"},
			Read: []string{"/etc/softhsm", "/etc/ssl/openssl.cnf"}, Write: []string{"/var/lib/softhsm/tokens"},
			Env: map[string]string{"SOFTHSM2_CONF": "/etc/softhsm/softhsm2.conf", "GOOGLE_APPLICATION_CREDENTIALS": ""},
		}},
		{ID: 4, Name: "smartcard", Kind: PKCS11, Token: plain(func(t *Token) {
			t.Module, t.Serial, t.PINCredential = "/usr/lib/opensc-pkcs11.so", "00a1b2c3", "smartcard.pin"
			t.User = &User{UID: 4242424, GID: 4242424}
		})},
		{ID: 5, Name: "slot", Kind: PKCS11, Token: plain(func(t *Token) {
			t.Slot, t.PINCredential, t.User, t.Sandbox = &zero, "slot.pin", &User{UID: 4242424, GID: 4242424}, Off
		})},
		{ID: 6, Name: "public", Kind: PKCS11, Token: plain(func(t *Token) { t.Label, t.Env = "public", map[string]string{"P11_DEBUG": "all"} })},
	}
	for i, p := range cfg.Providers {
		if !reflect.DeepEqual(p, want[i]) {
			t.Errorf("%+v with %+v,\nwant %+v", p, p.Token, want[i].Token)
		}
	}
	if len(cfg.Providers) != len(want) || len(cfg.Warnings) != 0 {
		t.Errorf("%d providers, warnings %v", len(cfg.Providers), cfg.Warnings)
	}
}

// TestTokensSayWhereTheyAreNamed holds that later complaints find the fields that a file has.
func TestTokensSayWhereTheyAreNamed(t *testing.T) {
	cfg, err := Load("testdata/good/token.toml")
	if err != nil {
		t.Fatal(err)
	}
	want := [][3]string{{`token "vehicle"`, "token", "pin_file"}, {`serial "00a1b2c3"`, "serial", "pin_credential"}, {"slot 0", "slot", "pin_credential"}, {`token "public"`, "token", ""}}
	for i, p := range cfg.Providers {
		if got := [3]string{p.Token.Selector(), p.Token.SelectorKey(), p.Token.PINKey()}; got != want[i] {
			t.Errorf("%s: %q, want %q", p.Name, got, want[i])
		}
	}
	if got := cfg.At(`provider "smartcard".serial`, "is away").Error(); got != `testdata/good/token.toml:27:18: provider "smartcard".serial: is away` {
		t.Error(got)
	}
}

// TestUnwiseTokensAreWarnedOf goes through what is allowed and warned of.
func TestUnwiseTokensAreWarnedOf(t *testing.T) {
	const token = "[[provider]]\nkind = \"pkcs11\"\nmodule = \"/m.so\"\ntoken = \"t\"\n"
	const head = "[keeper]\nkind = \"file\"\npath = \"/etc/c/key\"\n"
	for text, want := range map[string]string{
		token + "id = 1\nname = \"a\"\nread = [\"/etc/c\"]\nwrite = [\"/etc/clav\"]\n":                                        "",
		token + "id = 1\nname = \"a\"\nsandbox = \"off\"\n":                                                                   `f:10:11: provider "a".sandbox: lets the module reach`,
		token + "id = 1\nname = \"a\"\nsandbox = \"off\"\nuser = 7\n":                                                         "",
		token + "id = 1\nname = \"a\"\n" + token + "id = 2\nname = \"b\"\n":                                                   `f:12:10: provider "b".module: provider "a" works with the same token`,
		token + "id = 1\nname = \"a\"\n[[provider]]\nid = 2\nname = \"b\"\nkind = \"pkcs11\"\nmodule = \"/m.so\"\nslot = 1\n": "",
	} {
		cfg, err := Parse("f", []byte(head+text))
		if err != nil {
			t.Fatal(err)
		}
		if n := len(cfg.Warnings); n > 1 || (n == 1) != (want != "") || n == 1 && !strings.HasPrefix(cfg.Warnings[0].Error(), want) {
			t.Errorf("%v, want %q", cfg.Warnings, want)
		}
	}
}
