package guests

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// section gives the part of docs/GUESTS.md under a heading.
func section(t *testing.T, heading string) string {
	t.Helper()
	page, err := os.ReadFile(root + "/docs/GUESTS.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("the page has no section %q", heading)
	}
	text, _, _ := strings.Cut(rest, "\n## ")
	return text
}

// blocks gives the code blocks of a section in one language.
func blocks(section, language string) []string {
	var all []string
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(section, -1) {
		all = append(all, m[1])
	}
	return all
}

// reader is somebody who does what the page says: a shell in an empty home, with what the page asks for.
type reader struct {
	home string
	env  []string
}

func newReader(t *testing.T) *reader {
	t.Helper()
	source, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	goEnv := func(name string) string {
		out, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	home := t.TempDir()
	env := []string{
		"HOME=" + home, "PATH=" + filepath.Join(home, "bin") + ":" + os.Getenv("PATH"), "GOBIN=" + filepath.Join(home, "bin"), "CLAVIGER_SRC=" + source,
		"GOENV=off",
	}
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPROXY", "GONOSUMDB", "GOSUMDB", "GOFLAGS", "GOTOOLCHAIN"} {
		env = append(env, name+"="+goEnv(name))
	}
	return &reader{home, env}
}

// do runs lines of the page in a directory below home and gives what they print.
func (r *reader) do(t *testing.T, dir, lines string) string {
	t.Helper()
	cmd := exec.Command("bash", "-euc", lines)
	cmd.Dir, cmd.Env = filepath.Join(r.home, dir), r.env
	out, err := cmd.Output()
	if err != nil {
		var text string
		if exit, ok := err.(*exec.ExitError); ok {
			text = string(exit.Stderr)
		}
		t.Fatalf("%v\n%s\n%s\n%s", err, lines, out, text)
	}
	return string(out)
}

// signed is what the first guest prints.
var signed = regexp.MustCompile(`(?m)^key ([0-9a-f]{32}) version 1\nsignature [0-9a-f]{128}\nmay I have the key\? keypair_export: prohibited_operation$`)

// TestThePageIsTrue does what docs/GUESTS.md says, line by line: the first guest, the same with a daemon, and the one in C.
func TestThePageIsTrue(t *testing.T) {
	r := newReader(t)
	first := section(t, "Your first guest")
	steps, programs := blocks(first, "sh"), blocks(first, "go")
	if len(steps) != 2 || len(programs) != 1 {
		t.Fatalf("the first section has %d steps and %d programs", len(steps), len(programs))
	}
	r.do(t, "", steps[0])
	if err := os.WriteFile(filepath.Join(r.home, "first", "main.go"), []byte(programs[0]), 0o600); err != nil {
		t.Fatal(err)
	}
	found := signed.FindStringSubmatch(r.do(t, "first", steps[1]))
	if found == nil {
		t.Fatal("the first guest does not print what the page says")
	}
	again := r.do(t, "first", "claviger run --embedded ./keys --tenant demo first.wasm "+found[1])
	if !strings.Contains(again, "key "+found[1]+" version 1") {
		t.Errorf("the second run did not find the key: %s", again)
	}
	other := r.do(t, "first", "claviger run --embedded ./keys --tenant other first.wasm "+found[1]+" 2>&1 || true")
	if !strings.Contains(other, "not_found") {
		t.Errorf("another tenant got %s", other)
	}
	t.Run("daemon", func(t *testing.T) {
		for _, step := range blocks(section(t, "The same with a daemon"), "sh") {
			// The variable would send all later runs of the reader's shell to a daemon that is gone.
			if out := r.do(t, "first", step+"\ntest -z \"${CLAVIGER_SOCKET-}\""); !signed.MatchString(out) {
				t.Errorf("with a daemon it prints\n%s", out)
			}
		}
	})
	t.Run("C", func(t *testing.T) {
		needC(t)
		for _, step := range blocks(section(t, "In C"), "sh") {
			if out := r.do(t, "first", step); !strings.Contains(out, "the key cannot be taken out") {
				t.Errorf("the guest in C prints\n%s", out)
			}
		}
	})
}
