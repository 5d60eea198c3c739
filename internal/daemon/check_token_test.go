package daemon_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/config"
	"github.com/claviger/claviger/internal/daemon"
)

// only gives the one note or complaint of a check.
func only(t *testing.T, cfg *config.Config, again string) (note, complaint string) {
	t.Helper()
	notes, err := daemon.CheckLive(t.Context(), cfg, again)
	if e, ok := errors.AsType[*config.Error](err); ok && len(e.Complaints) == 1 {
		return "", e.Error()
	}
	check(t, err)
	for _, n := range notes {
		if strings.HasPrefix(n, "provider ") && note == "" {
			note = n
		} else if strings.HasPrefix(n, "provider ") {
			t.Errorf("notes %q", notes)
		}
	}
	return note, ""
}

// TestCheckLiveLogsIn holds that the check tries a PIN only where it is noted what comes of it.
func TestCheckLiveLogsIn(t *testing.T) {
	cfg, dir := withToken(t, "right")
	expect := func(when, got, want string, tries int) {
		t.Helper()
		if !strings.Contains(got, want) || got == "" || len(seen(t, dir, "tries")) != tries {
			t.Errorf("%s: %q after %d tries, want %q and %d", when, got, len(seen(t, dir, "tries")), want, tries)
		}
	}
	note, _ := only(t, cfg, "")
	expect("before the first start", note, "its PIN was not tried: there is no store yet", 0)
	d := start(t, cfg)
	note, _ = only(t, cfg, "")
	expect("while it runs", note, "its PIN was not tried: the running daemon has it, and `claviger status` tells of it", 1)
	check(t, d.Close())
	note, _ = only(t, cfg, "")
	expect("afterwards", note, `provider "token": device vehicle; uid `, 2)
	expect("afterwards", note, " mechanisms", 2)
}

// TestCheckLiveTriesAWrongPINOnce holds that, and what it takes to have it tried again.
func TestCheckLiveTriesAWrongPINOnce(t *testing.T) {
	cfg, dir := withToken(t, "wrong")
	check(t, start(t, cfg).Close())
	want := cfg.Path + `:31:14: provider "token".pin_file: the PIN of provider "token" is not tried again, because the token refused it or a try of it was cut off; change the PIN (` +
		filepath.Join(dir, "pin") + ") or the configuration, or give it one more try by check --live --retry-pin token"
	for range 2 {
		if _, got := only(t, cfg, ""); got != want || seen(t, dir, "tries") != "t" {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
	if _, got := only(t, cfg, "token"); !strings.HasSuffix(got, `provider "token".pin_file: the device refused the PIN`) || seen(t, dir, "tries") != "tt" {
		t.Errorf("%q", got)
	}
	for _, name := range []string{"software", "nobody"} {
		if _, err := daemon.CheckLive(t.Context(), cfg, name); !errors.Is(err, claviger.ErrInvalidArgument) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCheckLiveSaysWhatIsWrongWithAToken goes through what can be, and where it is said.
func TestCheckLiveSaysWhatIsWrongWithAToken(t *testing.T) {
	for _, c := range []struct {
		name, want string
		spoil      func(t *testing.T, file, dir string)
	}{
		{"no module", `.module: there is no module `, func(t *testing.T, _, dir string) { check(t, os.Remove(filepath.Join(dir, "module.so"))) }},
		{"a module that everybody can change", `.module: module `, func(t *testing.T, _, dir string) { check(t, os.Chmod(filepath.Join(dir, "module.so"), 0o666)) }},
		{"a module in a directory that everybody can write to", `.module: directory `, func(t *testing.T, _, dir string) { check(t, os.Chmod(dir, 0o777)) }},
		{"a module above which everybody can write", `.module: directory `, func(t *testing.T, file, dir string) {
			check(t, os.MkdirAll(filepath.Join(dir, "open", "in"), 0o755))
			check(t, os.Chmod(filepath.Join(dir, "open"), 0o777))
			check(t, os.Symlink("../../module.so", filepath.Join(dir, "open", "in", "module.so")))
			rewrite(t, file, "/module.so", "/open/in/module.so")
		}},
		{"a directory", `.module: module `, func(t *testing.T, file, _ string) { rewrite(t, file, "/module.so", "/seen") }},
		{"no PIN file", `.pin_file: PIN file `, func(t *testing.T, _, dir string) { check(t, os.Remove(filepath.Join(dir, "pin"))) }},
		{"an open PIN file", `.pin_file: PIN file `, func(t *testing.T, _, dir string) { check(t, os.Chmod(filepath.Join(dir, "pin"), 0o644)) }},
		{"an empty PIN", `.pin_file: PIN file `, func(t *testing.T, _, dir string) { setPIN(t, dir, "") }},
		{"no PIN", `.pin_file: device vehicle wants a PIN`, func(t *testing.T, file, _ string) { rewrite(t, file, "pin_file", "#pin_file") }},
		{"no path to write", `.write: there is no `, func(t *testing.T, file, _ string) { rewrite(t, file, `write      = ["`, `write = ["/nowhere", "`) }},
		{"no path to read", `.read: there is no `, func(t *testing.T, file, _ string) {
			rewrite(t, file, `write      = `, "read = [\"/nowhere\"]\nwrite = ")
		}},
		{"no token", `.token: there is no token "vehicle"`, func(t *testing.T, file, _ string) { rewrite(t, file, `DEVICE_PIN = "right"`, `DEVICE_FAULT = "away"`) }},
		{"a slot that it cannot keep", `slot "signing".providers: provider "token" cannot keep`, func(t *testing.T, file, _ string) {
			rewrite(t, file, `DEVICE_PIN = "right"`, `DEVICE_PIN = "right", DEVICE_FAULT = "hashes"`)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, dir := withToken(t, "right")
			check(t, start(t, cfg).Close())
			c.spoil(t, cfg.Path, dir)
			cfg = loadToken(t, cfg.Path)
			if note, got := only(t, cfg, ""); !strings.Contains(got, c.want) {
				t.Errorf("got %q, %q, want %q", got, note, c.want)
			}
		})
	}
}
