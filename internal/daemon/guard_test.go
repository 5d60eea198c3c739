package daemon

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/claviger/claviger/internal/config"
)

// grow makes files, and directories where a name ends with a slash, of these modes.
func grow(t *testing.T, dir string, modes map[string]os.FileMode) {
	t.Helper()
	for name := range modes {
		path := filepath.Join(dir, name)
		if strings.HasSuffix(name, "/") {
			ok(t, os.MkdirAll(path, 0o755))
			continue
		}
		ok(t, os.MkdirAll(filepath.Dir(path), 0o755))
		ok(t, os.WriteFile(path, nil, 0o600))
	}
	for name, mode := range modes {
		ok(t, os.Chmod(filepath.Join(dir, name), mode))
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestWhatAWorkerThatIsRootIsKeptFrom: files and directories that others may not read, but for those that the configuration names.
func TestWhatAWorkerThatIsRootIsKeptFrom(t *testing.T) {
	dir := t.TempDir()
	grow(t, dir, map[string]os.FileMode{"passwd": 0o644, "shadow": 0o640, "ssl/certs/ca.pem": 0o644, "ssl/private/": 0o710, "ssl/private/key.pem": 0o644,
		"softhsm/": 0o750, "softhsm/softhsm2.conf": 0o640, "card/": 0o700, "card/conf/a": 0o600, "vendor.conf": 0o600, "wide/open": 0o604})
	at := func(name string) string { return filepath.Join(dir, name) }
	token := &token{p: config.Provider{Token: &config.Token{Read: []string{at("card/conf")}, Write: []string{at("vendor.conf")},
		Env: map[string]string{"SOFTHSM2_CONF": at("softhsm/softhsm2.conf"), "WORD": "shadow", "NOTHING": "", "ROOT": "/", "ALL": dir}}}}
	want := []string{at("shadow"), at("ssl/private")}
	if got := token.private(dir); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := token.private(at("nowhere")); len(got) != 0 {
		t.Errorf("%q", got)
	}
}

// TestModulesOfOthersAreRefused: its owner, and that of a directory above it, could put another one there.
func TestModulesOfOthersAreRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to give files to others")
	}
	const stranger, own = 65533, 65534
	for _, c := range []struct {
		foreign string // what belongs to uid; "" for nothing
		uid     int
		user    *config.User
		good    bool
	}{
		{"", 0, nil, true},
		{"in/module.so", stranger, nil, false},
		{"in", stranger, nil, false},
		{"in", own, &config.User{UID: own}, true},
		{"in", stranger, &config.User{UID: own}, false},
		{"hop", stranger, nil, false},
	} {
		dir := t.TempDir()
		grow(t, dir, map[string]os.FileMode{"in/module.so": 0o755, "out/": 0o755, "hop/": 0o755})
		link := filepath.Join(dir, "out", "module.so")
		ok(t, os.Symlink("../hop/next/module.so", link))
		ok(t, os.Symlink(filepath.Join(dir, "in"), filepath.Join(dir, "hop", "next")))
		if c.foreign != "" {
			ok(t, os.Chown(filepath.Join(dir, c.foreign), c.uid, c.uid))
		}
		modules := []string{link, filepath.Join(dir, "in", "module.so")}
		if c.foreign == "hop" {
			modules = modules[:1] // the other is not behind it
		}
		for _, module := range modules {
			if err := (&token{p: config.Provider{Token: &config.Token{User: c.user}}}).guarded(module); (err == nil) != c.good {
				t.Errorf("%s of uid %d, worker %v: %v", c.foreign, c.uid, c.user, err)
			}
		}
	}
}

// TestAModuleBehindEndlessLinksIsRefused: as the kernel refuses it.
func TestAModuleBehindEndlessLinksIsRefused(t *testing.T) {
	loop := filepath.Join(t.TempDir(), "module.so")
	ok(t, os.Symlink("module.so", loop))
	if err := (&token{p: config.Provider{Token: &config.Token{}}}).guarded(loop); err == nil {
		t.Error("it is taken")
	}
}
