package main

import (
	"slices"
	"strings"
	"testing"
)

func TestMemoryIsReadIntoPages(t *testing.T) {
	for word, want := range map[string]uint32{
		"64KiB": 1, "65536": 1, "1MiB": 16, "1GiB": 16384, "4GiB": 65536, "4294967296": 65536, "100 KiB": 1, "2gib": 32768, " 1 MIB ": 16,
		"": 0, "0": 0, "65535": 0, "KiB": 0, "-1GiB": 0, "1.5GiB": 0, "1GB": 0, "5GiB": 0, "4294967297": 0, "99999999999999999999": 0, "18446744073709551615GiB": 0,
	} {
		pages, err := parseMemory(word)
		if pages != want || (err == nil) != (want > 0) || err != nil && exitStatus(err) != exitUsage {
			t.Errorf("%q: %d pages, %v, want %d", word, pages, err, want)
		}
	}
}

func TestVariablesAreReadInOrder(t *testing.T) {
	t.Setenv("CLAVIGER_TEST_HERE", "value")
	t.Setenv("CLAVIGER_TEST_EMPTY", "")
	got, err := parseEnv([]string{"A=b=c", "CLAVIGER_TEST_HERE", "CLAVIGER_TEST_MISSING", "B=", "CLAVIGER_TEST_EMPTY"})
	want := [][2]string{{"A", "b=c"}, {"CLAVIGER_TEST_HERE", "value"}, {"B", ""}, {"CLAVIGER_TEST_EMPTY", ""}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
	for _, bad := range []string{"", "=x", "A=\x00", "\x00"} {
		if _, err := parseEnv([]string{bad}); exitStatus(err) != exitUsage {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestDirectoriesAreReadFromTheRight holds that a colon in HOST is no obstacle where GUEST is given.
func TestDirectoriesAreReadFromTheRight(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, test := range []struct{ word, at string }{
		{".", "/"}, {".:/", "/"}, {".:data", "/data"}, {".:/data/:ro", "/data"}, {"./", "/"}, {dir, dir}, {dir + ":ro", dir}, {dir + ":/a/../b", "/b"},
	} {
		m, err := openMount(test.word)
		if err != nil {
			t.Errorf("%q: %v", test.word, err)
			continue
		}
		if m.at != test.at {
			t.Errorf("%q is %q for the guest, want %q", test.word, m.at, test.at)
		}
		if err := m.dir.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"", ":", ":ro", ".:", ".::ro", ":/x", "..", "../x", ".:..", ".:../x"} {
		if _, err := openMount(bad); exitStatus(err) != exitUsage {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := openMount("none"); exitStatus(err) != exitOther || !strings.Contains(err.Error(), "none") {
		t.Errorf("a directory that is missing: %v", err)
	}
}

// TestFailuresOfRunHaveOneStatus holds that wrong usage of run is no status of a guest's.
func TestFailuresOfRunHaveOneStatus(t *testing.T) {
	for _, line := range []string{"run", "run --bogus x", "run --memory 0 x", "run --timeout soon x", "run --timeout -1s x", "run --tenant a x",
		"run --cache a --no-cache x", "--socket s run --embedded d x", "run /nonexistent/guest.wasm"} {
		t.Setenv("CLAVIGER_SOCKET", "")
		var stdout, stderr strings.Builder
		if status := run(strings.Fields(line), strings.NewReader(""), &stdout, &stderr); status != exitRunner || stdout.Len() != 0 || !strings.HasPrefix(stderr.String(), "claviger: run: ") {
			t.Errorf("%q: status %d, %q", line, status, stderr.String())
		}
	}
}
