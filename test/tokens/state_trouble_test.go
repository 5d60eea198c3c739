package tokens

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/test/daemontest"
)

// check runs `claviger check --live` as the daemon's user.
func (r *Rig) check(t testing.TB, args ...string) daemontest.Result {
	t.Helper()
	return r.RunAs(t, r.UID, nil, append([]string{"check", "--live", r.Config}, args...)...)
}

// complains holds that a check names what is wrong in these words, and the line where the field of the token's table is.
func (r *Rig) complains(t testing.TB, res daemontest.Result, field string, words ...string) {
	t.Helper()
	pattern := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(r.Config) + `:(\d+):\d+: provider "token"\.` + field + `: (.*)$`)
	found := pattern.FindStringSubmatch(res.Stdout + "\n" + res.Stderr)
	if res.Code == 0 || found == nil {
		t.Errorf("the check ends with %d and names no field %s:\n%s%s", res.Code, field, res.Stdout, res.Stderr)
		return
	}
	text := must(os.ReadFile(r.Config))(t)
	line := must(strconv.Atoi(found[1]))(t)
	if got := strings.Split(string(text), "\n")[line-1]; !strings.HasPrefix(got, field+" ") {
		t.Errorf("the check names line %d for %s, which is %q", line, field, got)
	}
	for _, word := range words {
		if !strings.Contains(found[2], word) {
			t.Errorf("the check says %q, which does not name %q", found[2], word)
		}
	}
}

// tells holds that status and providers say why the token is not available.
func (r *Rig) tells(t testing.TB, words ...string) {
	t.Helper()
	res := r.Run(t, nil, "providers", "--json")
	var listed []struct {
		Name, Reason string
		Available    bool
	}
	ok(t, json.Unmarshal([]byte(res.Stdout), &listed))
	if len(listed) != 2 || listed[0].Name != "token" || listed[0].Available {
		t.Fatalf("providers says %+v, want the token first, and that it is not available", listed)
	}
	status := r.Run(t, nil, "status").Stdout
	for _, word := range words {
		if !strings.Contains(listed[0].Reason, word) || !strings.Contains(status, word) {
			t.Errorf("%q is not in providers' %q, or not in status':\n%s", word, listed[0].Reason, status)
		}
	}
}

// trouble is something that is wrong around a token.
type trouble struct {
	name    string
	options func(k *Token) Options
	begin   func(t *testing.T, k *Token)
	field   string
	words   func(k *Token) []string
	cure    func(t *testing.T, k *Token) // nil: only another configuration helps
}

func troubles() []trouble {
	say := func(words ...string) func(*Token) []string { return func(*Token) []string { return words } }
	away := func(k *Token) string { return filepath.Join(k.Dir, "module.so") }
	elsewhere := func(k *Token) Options { return Options{Module: away(k)} }
	none := func(*Token) Options { return Options{} }
	return []trouble{
		{"a missing module", elsewhere, nil, "module", func(k *Token) []string { return []string{"there is no module " + away(k)} },
			func(t *testing.T, k *Token) { ok(t, os.Symlink(k.Module, away(k))) }},
		{"a module that is none", elsewhere, func(t *testing.T, k *Token) { write(t, away(k), 0o644, "no module") }, "module",
			func(k *Token) []string { return []string{"module " + away(k)} },
			func(t *testing.T, k *Token) { ok(t, os.Remove(away(k))); ok(t, os.Symlink(k.Module, away(k))) }},
		{"a module that everybody can change", elsewhere, func(t *testing.T, k *Token) { write(t, away(k), 0o666, "no module") }, "module",
			func(k *Token) []string { return []string{away(k), "everybody can change it", "chmod o-w"} }, nil},
		{"another label", func(*Token) Options { return Options{Selector: `token = "nobody"`} }, nil, "token",
			say(`no token has the label "nobody"`, `"claviger-test"`), nil},
		{"another serial number", func(*Token) Options { return Options{Selector: `serial = "0815"`} }, nil, "serial",
			say(`no token has the serial number "0815"`, `"claviger-test"`), nil},
		{"another slot", func(*Token) Options { return Options{Selector: `slot = 99`} }, nil, "slot", say("slot 99"), nil},
		{"a missing PIN file", none, func(t *testing.T, k *Token) { ok(t, os.Rename(k.PINFile, k.PINFile+".away")) }, "pin_file",
			func(k *Token) []string { return []string{k.PINFile} }, func(t *testing.T, k *Token) { ok(t, os.Rename(k.PINFile+".away", k.PINFile)) }},
		{"a PIN file that everybody can read", none, func(t *testing.T, k *Token) { ok(t, os.Chmod(k.PINFile, 0o644)) }, "pin_file",
			func(k *Token) []string { return []string{k.PINFile} }, func(t *testing.T, k *Token) { ok(t, os.Chmod(k.PINFile, 0o600)) }},
		{"an empty PIN file", none, func(t *testing.T, k *Token) { k.writePIN(t, "") }, "pin_file",
			func(k *Token) []string { return []string{k.PINFile} }, func(t *testing.T, k *Token) { k.writePIN(t, k.PIN) }},
		{"a missing directory", none, func(t *testing.T, k *Token) { ok(t, os.Rename(k.Store, k.Store+".away")) }, "write",
			func(k *Token) []string { return []string{"there is no " + k.Store} }, func(t *testing.T, k *Token) { ok(t, os.Rename(k.Store+".away", k.Store)) }},
		{"a token that was taken out", none, func(t *testing.T, k *Token) { k.remove(t) }, "token", say(noToken), func(t *testing.T, k *Token) {
			ok(t, os.Rename(filepath.Join(k.Dir, "away"), filepath.Join(k.Store, "token")))
		}},
	}
}

// TestTroubleWithATokenIsNamed holds that what is wrong is said in the same words by the check, the status and the calls that fail, that
// software serves meanwhile, and that the token serves as soon as it can.
func TestTroubleWithATokenIsNamed(t *testing.T) {
	for _, test := range troubles() {
		t.Run(test.name, func(t *testing.T) {
			k := SoftHSM(t)
			o := test.options(k)
			o.Token = k
			r := Prepare(t, o)
			if test.begin != nil {
				test.begin(t, k)
			}
			words := test.words(k)
			r.Serve(t)
			u := r.connect(t)
			u.awaitAway(t, words[0])
			r.tells(t, words...)
			_, err := u.keys(t, client.ProviderSelector{}).GenerateIn(u.ctx, u.slot(t, "token/signing"), client.GenerateParams{})
			wantCode(t, err, claviger.ErrProviderNotAvailable, append(words, "provider 2 (token)")...)
			u.generate(t, "software/signing")
			u.signs(t, u.slot(t, "software/signing"))
			r.complains(t, r.check(t), test.field, words...)
			if test.cure == nil {
				return
			}
			test.cure(t, k)
			r.awaitBack(t, u)
			u.generate(t, "token/signing")
			u.signs(t, u.slot(t, "token/signing"))
		})
	}
}
