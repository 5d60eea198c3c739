package run_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func itoa(n int) string { return strconv.Itoa(n) }

// TestAGuestSeesTheDirectoriesItWasGiven and nothing else of the machine: by no path and no link.
func TestAGuestSeesTheDirectoriesItWasGiven(t *testing.T) {
	actor, dir := build(t, "plain").file, t.TempDir()
	data := filepath.Join(dir, "data")
	check(t, os.Mkdir(data, 0o700))
	check(t, os.WriteFile(filepath.Join(data, "file"), []byte("text"), 0o600))
	check(t, os.WriteFile(filepath.Join(dir, "outside"), []byte("secret"), 0o600))
	check(t, os.Symlink("../outside", filepath.Join(data, "link")))
	check(t, os.Symlink(filepath.Join(dir, "outside"), filepath.Join(data, "absolute")))

	r := alone(t, "", "--dir", data+":/d", actor, "read", "/d/file", "list", "/d", "write", "/d/new", "read", "/d/../outside",
		"read", "/d/link", "read", "/d/absolute", "read", filepath.Join(data, "file"), "write", "/elsewhere", "list", "/")
	lines := strings.Split(strings.TrimSpace(r.Stdout), "\n")
	if r.Code != 0 || len(lines) != 9 {
		t.Fatalf("status %d, %q, %q", r.Code, r.Stdout, r.Stderr)
	}
	if lines[0] != `read "text" <nil>` || lines[1] != "list [L absolute - file L link] <nil>" || lines[2] != "write <nil>" {
		t.Errorf("in the directory: %q", lines[:3])
	}
	for i, line := range lines[3:] {
		if strings.HasSuffix(line, "<nil>") || strings.Contains(line, "secret") || strings.Contains(line, "text") {
			t.Errorf("outside, %d: %q", i, line)
		}
	}
	if text, err := os.ReadFile(filepath.Join(data, "new")); string(text) != "written" || err != nil {
		t.Errorf("the file that it wrote is %q, %v", text, err)
	}

	r = alone(t, "", "--dir", data+":/d:ro", "--dir", dir+":ro", actor, "read", "/d/file", "write", "/d/more", "write", "/d/file",
		"read", filepath.Join(dir, "outside"), "write", filepath.Join(dir, "more"))
	lines = strings.Split(strings.TrimSpace(r.Stdout), "\n")
	if len(lines) != 5 || lines[0] != `read "text" <nil>` || lines[3] != `read "secret" <nil>` {
		t.Fatalf("read only: %q, %q", r.Stdout, r.Stderr)
	}
	for _, i := range []int{1, 2, 4} {
		if strings.HasSuffix(lines[i], "<nil>") {
			t.Errorf("read only: %q", lines[i])
		}
	}
	if list, _ := filepath.Glob(filepath.Join(dir, "*more")); len(list) != 0 {
		t.Errorf("read only, and there is %v", list)
	}
}

// TestADirectoryWithoutANameKeepsItsOwn: "." is where a guest begins.
func TestADirectoryWithoutANameKeepsItsOwn(t *testing.T) {
	actor, dir := build(t, "plain").file, t.TempDir()
	check(t, os.Mkdir(filepath.Join(dir, "sub"), 0o700))
	check(t, os.WriteFile(filepath.Join(dir, "sub", "file"), []byte("text"), 0o600))
	for _, test := range []struct{ dir, file string }{{".", "sub/file"}, {"sub", "/sub/file"}, {"./sub/", "/sub/file"}, {dir, dir + "/sub/file"}, {"sub:.", "file"}} {
		cmd, stdout, stderr := command(t, "--dir", test.dir, actor, "read", test.file)
		cmd.Dir = dir
		if err := cmd.Run(); err != nil || stdout.String() != "read \"text\" <nil>\n" {
			t.Errorf("--dir %s, %s: %v, %q, %q", test.dir, test.file, err, stdout, stderr)
		}
	}
}

// TestAGuestGetsItsArgumentsAndVariablesAlone: flags behind its name are its own, and of the environment it has what was named.
func TestAGuestGetsItsArgumentsAndVariablesAlone(t *testing.T) {
	actor := build(t, "plain").file
	for _, test := range []struct {
		args, want []string
	}{
		{[]string{actor, "args", "args"}, []string{"args", "args"}},
		{[]string{actor, "--", "args", "exit", "0", "--", "--dir", "x", "-h", "--help"}, []string{"args", "exit", "0", "--", "--dir", "x", "-h", "--help"}},
		{[]string{"--memory=64MiB", "--", actor, "args", "exit", "0", "--timeout=1s"}, []string{"args", "exit", "0", "--timeout=1s"}},
	} {
		r := alone(t, "", test.args...)
		want := `["plain.wasm" "` + strings.Join(test.want, `" "`) + `"]`
		if first, _, _ := strings.Cut(r.Stdout, "\n"); r.Code != 0 || first != want {
			t.Errorf("%q, %q, want %s", r.Stdout, r.Stderr, want)
		}
	}
	r := alone(t, "", "--env", "A=1", "--env", "MARK", "--env", "NOTHING", "--env", "B=x=y", "--env", "A=2", "--env", "C=", actor, "env")
	if r.Stdout != `["A=2" "MARK=here" "B=x=y" "C="]`+"\n" {
		t.Errorf("the environment is %q, %q", r.Stdout, r.Stderr)
	}
	if r := alone(t, "", actor, "env"); r.Stdout != "[]\n" {
		t.Errorf("without --env it is %q", r.Stdout)
	}
}

// TestAGuestHasThreeStreams of run's own, and nothing of its own on them.
func TestAGuestHasThreeStreams(t *testing.T) {
	text := strings.Repeat("line\n", 50_000)
	r := alone(t, text, build(t, "plain").file, "cat")
	if r.Stdout != text || r.Stderr != "cat <nil>\n" || r.Code != 0 {
		t.Errorf("%d bytes come back of %d; %q", len(r.Stdout), len(text), r.Stderr)
	}
}

// exits7 is a module that ends with status 7, by proc_exit of WASI preview 1, and does nothing else.
var exits7 = []byte("\x00asm\x01\x00\x00\x00" +
	"\x01\x08\x02\x60\x01\x7f\x00\x60\x00\x00" + // types: (i32) -> (), () -> ()
	"\x02\x24\x01\x16wasi_snapshot_preview1\x09proc_exit\x00\x00" +
	"\x03\x02\x01\x01" + // one function of type 1
	"\x05\x03\x01\x00\x01" + // one page of memory
	"\x07\x13\x02\x06memory\x02\x00\x06_start\x00\x01" +
	"\x0a\x08\x01\x06\x00\x41\x07\x10\x00\x0b") // i32.const 7, call 0, end

// TestTheCacheIsNobodyElses: a directory that others can write to is refused, one that cannot be made costs a warning, and a
// module that is in it starts from there.
func TestTheCacheIsNobodyElses(t *testing.T) {
	dir := t.TempDir()
	small := filepath.Join(dir, "small.wasm")
	check(t, os.WriteFile(small, exits7, 0o600))
	cached := filepath.Join(dir, "made", "here")
	with := func(flags ...string) (code int, stderr string) {
		cmd, _, errs := command(t)
		cmd.Args = append(append(cmd.Args[:2:2], flags...), small)
		_ = cmd.Run()
		return cmd.ProcessState.ExitCode(), errs.String()
	}
	if code, stderr := with("--cache", cached); code != 7 || stderr != "" {
		t.Errorf("status %d, %q", code, stderr)
	}
	entries, err := filepath.Glob(filepath.Join(cached, "*", "*"))
	if info, err2 := os.Stat(cached); err != nil || err2 != nil || len(entries) == 0 || info.Mode().Perm() != 0o700 {
		t.Errorf("the cache holds %v, %v, %v", entries, err, err2)
	}
	for _, mode := range []os.FileMode{0o720, 0o702, 0o777 | os.ModeSticky} {
		check(t, os.Chmod(cached, mode))
		if code, stderr := with("--cache", cached); code != 125 || !strings.Contains(stderr, "(AccessDenied)") {
			t.Errorf("mode %v: status %d, %q", mode, code, stderr)
		}
	}
	check(t, os.Chmod(cached, 0o700))
	check(t, os.Chmod(filepath.Dir(cached), 0o777))
	if code, stderr := with("--cache", cached); code != 125 || !strings.Contains(stderr, filepath.Dir(cached)+" has mode 0777") {
		t.Errorf("a directory above that others can write to: status %d, %q", code, stderr)
	}
	check(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
	for what, flags := range map[string][]string{"no directory": {"--cache", filepath.Join(dir, "file", "x")}, "no home": nil} {
		if code, stderr := with(flags...); code != 7 || !strings.Contains(stderr, "--no-cache") || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: status %d, %q", what, code, stderr)
		}
	}
	if code, stderr := with("--no-cache"); code != 7 || stderr != "" {
		t.Errorf("--no-cache: status %d, %q", code, stderr)
	}
}
