package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/claviger/claviger"
)

// places makes directories in a new one, with a link to the first, and goes there.
func places(t *testing.T, names ...string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, name := range names {
		if err := os.MkdirAll(name, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(names[0], "link"); err != nil {
		t.Fatal(err)
	}
}

// TestADirectoryThatIsOnlyReadIsNotReachedThroughAnother holds that :ro means what it says, or is refused.
func TestADirectoryThatIsOnlyReadIsNotReachedThroughAnother(t *testing.T) {
	places(t, "out/in", "other")
	for _, test := range []struct {
		dirs string
		good bool
	}{
		{"out:/a other:/b:ro", true}, {"out:/a:ro out/in:/b", true}, {"out:/a:ro out/in:/b:ro", true}, {"out:/a out/in:/b", true}, {"out/in:/a other:/b:ro out:/c:ro", true},
		{"out:/a out/in:/b:ro", false}, {"out/in:/b:ro out:/a", false}, {"out:/a link:/b:ro", false}, {".:/ other:/b:ro", false}, {"out:/a out:/b:ro", false},
	} {
		g, err := newGuest(&runFlags{memory: "1MiB", dirs: strings.Fields(test.dirs)}, "guest.wasm", nil)
		if (err == nil) != test.good || err != nil && exitStatus(err) != exitUsage {
			t.Errorf("%s: %v", test.dirs, err)
		}
		if g != nil {
			g.close()
		}
	}
}

// TestAKeepersDirectoryIsNotTheGuests holds that a guest of an embedded keeper is shown neither its key file nor its store.
func TestAKeepersDirectoryIsNotTheGuests(t *testing.T) {
	places(t, "keys/sub", "data")
	for _, test := range []struct {
		keeper, dir string
		good        bool
	}{
		{"keys", "data:/d", true}, {"new", "data:/d", true}, {"", ".:/", true},
		{"keys", ".:/", false}, {"keys", ".:/:ro", false}, {"keys", "keys:/d:ro", false}, {"keys", "keys/sub:/d", false},
		{"data/new/below", "data:/d", false}, {"link", "keys:/d", false}, {"keys", "link/..:/d:ro", false},
	} {
		g, err := newGuest(&runFlags{memory: "1MiB", embedded: test.keeper, dirs: []string{test.dir}}, "guest.wasm", nil)
		if (err == nil) != test.good || err != nil && exitStatus(err) != exitUsage {
			t.Errorf("--embedded %s --dir %s: %v", test.keeper, test.dir, err)
		}
		if g != nil {
			g.close()
		}
	}
}

// TestAGuestDoesNotWriteTheCache holds that a guest cannot put code where the next run finds it.
func TestAGuestDoesNotWriteTheCache(t *testing.T) {
	places(t, "home/cache/wazero", "data")
	for _, test := range []struct {
		cache, dir string
		good       bool
	}{
		{"home/cache", "data:/d", true}, {"home/cache", "home:/d:ro", true},
		{"home/cache", "home:/d", false}, {"home/cache", ".:/", false}, {"home/cache", "home/cache:/d", false}, {"home/cache", "home/cache/wazero:/d", false}, {"home/cache", "link/..:/d", false},
	} {
		m, err := openMount(test.dir)
		if err != nil {
			t.Fatal(err)
		}
		err = checkCacheApart(test.cache, []mount{m})
		if (err == nil) != test.good || err != nil && exitStatus(err) != exitUsage {
			t.Errorf("--cache %s --dir %s: %v", test.cache, test.dir, err)
		}
		if err := m.dir.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestCompiledModulesAreOnesOwn holds that what others have left in a cache, while they could, is not run.
func TestCompiledModulesAreOnesOwn(t *testing.T) {
	places(t, "a[b*c/wazero-v1-x", "a[b*c/unrelated")
	dir, module := "a[b*c", "a[b*c/wazero-v1-x/module"
	if err := os.WriteFile(module, []byte("code"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused := func(what string, undo func() error) {
		t.Helper()
		if err := checkCached(dir); claviger.CodeOf(err) != claviger.ErrAccessDenied || !strings.Contains(err.Error(), "remove it") {
			t.Errorf("%s: %v", what, err)
		}
		if err := undo(); err != nil {
			t.Fatal(err)
		}
		if err := checkCached(dir); err != nil {
			t.Errorf("after %s: %v", what, err)
		}
	}
	for path, mode := range map[string]os.FileMode{module: 0o666, filepath.Dir(module): 0o770} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		refused(path+" that others can write to", func() error { return os.Chmod(path, 0o700) })
	}
	if err := os.Symlink("../../link", filepath.Join(dir, "wazero-v2")); err != nil {
		t.Fatal(err)
	}
	refused("a link", func() error { return os.Remove(filepath.Join(dir, "wazero-v2")) })
	if os.Getuid() != 0 {
		return // nobody else gives files away
	}
	for _, path := range []string{module, filepath.Dir(module)} {
		if err := os.Chown(path, 65534, -1); err != nil {
			t.Fatal(err)
		}
		refused(path+" of another user", func() error { return os.Chown(path, 0, -1) })
	}
}
