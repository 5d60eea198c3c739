package commands_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/claviger/claviger/test/daemontest"
)

// output runs the binary without a daemon; it must succeed.
func output(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command(daemontest.Binary(t), args...).Output()
	if err != nil {
		t.Fatalf("claviger %s: %v", strings.Join(args, " "), err)
	}
	return string(out)
}

// commands lists every command that help shows, as words behind the program's name.
func commands(t *testing.T, parent ...string) [][]string {
	t.Helper()
	var all [][]string
	for line := range strings.Lines(output(t, append([]string{"__complete"}, append(slices.Clone(parent), "")...)...)) {
		name, short, ok := strings.Cut(line, "\t")
		if !ok || short == "" || name == "help" || strings.HasPrefix(name, "-") {
			continue
		}
		cmd := append(slices.Clone(parent), name)
		all = append(append(all, cmd), commands(t, cmd...)...)
	}
	return all
}

// TestEveryCommandHasHelpAndAManualPage walks the tree of commands as the shell's completion sees it.
func TestEveryCommandHasHelpAndAManualPage(t *testing.T) {
	dir := t.TempDir()
	output(t, "man", dir)
	all := commands(t)
	for _, must := range []string{
		"serve", "quickstart", "check", "status", "slot list", "slot info", "slot generate", "slot rotate", "slot import", "slot adopt", "slot objects", "slot public", "slot clear",
		"cert import", "cert info", "cert export", "cert clear", "cert verify", "cert crl import", "hash", "mac", "encrypt", "decrypt", "sign", "verify", "random",
		"algorithms", "providers", "store compact", "store key", "bench", "version", "man", "completion bash", "completion zsh", "completion fish",
	} {
		if !slices.ContainsFunc(all, func(c []string) bool { return strings.Join(c, " ") == must }) {
			t.Errorf("there is no command %q", must)
		}
	}
	for _, c := range all {
		if text := output(t, append(c, "--help")...); !strings.Contains(text, "Usage:\n  claviger "+strings.Join(c, " ")) {
			t.Errorf("the help of %v is\n%s", c, text)
		}
		if c[0] == "completion" {
			continue
		}
		page := string(must(os.ReadFile(filepath.Join(dir, "claviger-"+strings.Join(c, "-")+".1")))(t))
		if !strings.Contains(page, ".SH SYNOPSIS") || !strings.Contains(page, `"CLAVIGER" "1"`) {
			t.Errorf("the page of %v is\n%s", c, page)
		}
	}
	groff, err := exec.LookPath("groff")
	if err != nil {
		t.Log("groff is not installed: the pages are not formatted")
		return
	}
	for _, page := range must(filepath.Glob(dir + "/*.1"))(t) {
		if out, err := exec.Command(groff, "-man", "-Tutf8", "-ww", "-z", page).CombinedOutput(); err != nil || len(out) != 0 {
			t.Errorf("%s: %v\n%s", filepath.Base(page), err, out)
		}
	}
}

// TestShellsTakeTheCompletion has each shell that is installed read its script. bash also completes a line.
func TestShellsTakeTheCompletion(t *testing.T) {
	for shell, check := range map[string]string{"bash": "-n", "zsh": "-n", "fish": "--no-execute"} {
		script := output(t, "completion", shell)
		if !strings.Contains(script, "claviger") || len(script) < 1000 {
			t.Errorf("the script for %s is %q", shell, script)
		}
		path, err := exec.LookPath(shell)
		if err != nil {
			t.Logf("%s is not installed: its script is not read", shell)
			continue
		}
		file := filepath.Join(t.TempDir(), "completion")
		if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(path, check, file).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", shell, err, out)
		}
	}
}

// TestBashCompletesALine loads the script into bash and asks for what follows "claviger slot in".
func TestBashCompletesALine(t *testing.T) {
	bash := daemontest.NeedTool(t, "bash")
	const ask = `source /dev/stdin
COMP_WORDS=(claviger slot in); COMP_CWORD=2; COMP_LINE="claviger slot in"; COMP_POINT=16; COMP_TYPE=9
_get_comp_words_by_ref() { cur=in; prev=slot; words=(claviger slot in); cword=2; }
__start_claviger
printf '%s\n' "${COMPREPLY[@]}"`
	cmd := exec.Command(bash, "--norc", "-c", ask)
	cmd.Stdin = strings.NewReader(output(t, "completion", "bash"))
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(daemontest.Binary(t))+":"+os.Getenv("PATH"))
	out, err := cmd.Output()
	if err != nil || strings.TrimSpace(string(out)) != "info" {
		t.Errorf("bash completes %q, %v; want info", out, err)
	}
}
