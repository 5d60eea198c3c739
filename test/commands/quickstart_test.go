package commands_test

import (
	"bytes"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/claviger/claviger/test/daemontest"
)

// rounds is how often quickstart is killed at a random moment, by each signal.
const rounds = 20

// quickstart prepares a quickstart that makes its temporary directory in temp.
func quickstart(t *testing.T) (c *command, temp string) {
	t.Helper()
	temp = shortDir(t)
	c = &command{exec.Command(daemontest.Binary(t), "quickstart"), new(strings.Builder), new(strings.Builder)}
	c.Stdout, c.Stderr = c.stdout, c.stderr
	c.Env = append(os.Environ(), "TMPDIR="+temp)
	return c, temp
}

// shortDir is a temporary directory in which a socket's path is not too long.
func shortDir(t *testing.T) string {
	t.Helper()
	dir := must(os.MkdirTemp("", "clvq"))(t)
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// processes lists those that have the directory in their command line (the daemon of a quickstart) or in their environment (the
// quickstart itself).
func processes(dir string) []string {
	var list []string
	for _, pattern := range []string{"/proc/[0-9]*/cmdline", "/proc/[0-9]*/environ"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			if text, err := os.ReadFile(file); err == nil && bytes.Contains(text, []byte(dir)) {
				list = append(list, file+": "+strings.ReplaceAll(string(text[:min(len(text), 80)]), "\x00", " "))
			}
		}
	}
	return list
}

// gone waits until no process of a quickstart is left.
func gone(t *testing.T, temp string) {
	t.Helper()
	within(t, daemontest.Patience, "every process is gone", func() bool { return len(processes(temp)) == 0 })
}

// quickstarts lists the directories that quickstarts have made.
func quickstarts(t *testing.T, temp string) []string {
	t.Helper()
	return must(filepath.Glob(filepath.Join(temp, "claviger-quickstart-*")))(t)
}

func TestQuickstartShowsNineFlows(t *testing.T) {
	c, temp := quickstart(t)
	begin := time.Now()
	check(t, c.Start())
	t.Cleanup(func() { c.Process.Kill() })
	within(t, daemontest.Patience, "the temporary directory", func() bool { return len(quickstarts(t, temp)) == 1 })
	if info := must(os.Stat(quickstarts(t, temp)[0]))(t); info.Mode() != fs.ModeDir|0o700 {
		t.Errorf("the directory has mode %v", info.Mode())
	}
	if err := c.Wait(); err != nil || c.stderr.Len() != 0 {
		t.Fatalf("%v\n%s%s", err, c.stdout, c.stderr)
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	text := c.stdout.String()
	for _, want := range []string{
		`^daemon: process [0-9]+ on unix://` + regexp.QuoteMeta(temp) + `/\S+, ready after [0-9.]+ ms$`,
		`^client: process [0-9]+$`,
		`^deployed: PreDeployedSlot, SigningKey, DeviceCert, RootCA .*; MyNewSlot is empty$`,
		`^F1  .*: .*AES-256-CBC.*  \[[0-9.]+ ms\]$`,
		`^F2  .*: occupied, AES-256, primary 2, compatible \[2 5\], 2 is software, 5 is software-b.*  \[[0-9.]+ ms\]$`,
		`^F3  .*: .*  \[[0-9.]+ ms\]$`, `^F4  .*: .*  \[[0-9.]+ ms\]$`, `^F5  .*: .*  \[[0-9.]+ ms\]$`,
		`^F6  .*: .*3309.*  \[[0-9.]+ ms\]$`, `^F7  .*: .*Valid.*  \[[0-9.]+ ms\]$`,
		`^F8  .*: .*KeyOperationNotPermitted.*  \[[0-9.]+ ms\]$`, `^F9  .*: .*OperationTimedOut.*  \[[0-9.]+ ms\]$`,
	} {
		if len(regexp.MustCompile("(?m)"+want).FindAllString(text, -1)) != 1 {
			t.Errorf("there is not one line that matches %s", want)
		}
	}
	ids := regexp.MustCompile(`(?m)^(?:daemon|client): process ([0-9]+)`).FindAllStringSubmatch(text, -1)
	if len(ids) != 2 || ids[0][1] == ids[1][1] {
		t.Errorf("daemon and client are %v", ids)
	}
	if !strings.HasSuffix(text, "\nflows: 9 passed, 0 failed\n") {
		t.Errorf("the last line is another one")
	}
	if t.Failed() {
		t.Log(text)
	}
	gone(t, temp)
	empty(t, temp)
}

// TestQuickstartTellsWhatIsInItsWay holds that what keeps it from its work is an error that names the cause, and leaves nothing.
func TestQuickstartTellsWhatIsInItsWay(t *testing.T) {
	t.Run("a socket's path that is too long", func(t *testing.T) {
		c, temp := quickstart(t)
		deep := filepath.Join(temp, strings.Repeat("d", 100))
		check(t, os.Mkdir(deep, 0o700))
		c.Env = append(c.Env, "TMPDIR="+deep)
		c.Run()
		if code := c.ProcessState.ExitCode(); code != 2 || !strings.Contains(c.stderr.String(), "the limit is 107; set TMPDIR") {
			t.Errorf("status %d: %s", code, c.stderr)
		}
		empty(t, deep)
	})
	t.Run("an output that takes nothing", func(t *testing.T) {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Skipf("needs /dev/full: %v", err)
		}
		defer full.Close()
		c, temp := quickstart(t)
		c.Stdout = full
		c.Run()
		if code := c.ProcessState.ExitCode(); code != 4 || !strings.Contains(c.stderr.String(), "no space left on device (OperationFailed)\n") {
			t.Errorf("status %d: %s", code, c.stderr)
		}
		gone(t, temp)
		empty(t, temp)
	})
}

// TestPastedLinesWork does what quickstart's last lines say: an instance that stays, a key, and a first program.
func TestPastedLinesWork(t *testing.T) {
	c, _ := quickstart(t)
	check(t, c.Run())
	_, text, _ := strings.Cut(c.stdout.String(), "An instance that stays:\n\n")
	text, program, ok := strings.Cut(text, "A first program for it:\n\n")
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if !ok || len(lines) != 3 {
		t.Fatalf("the lines to paste are\n%s", text)
	}
	home := shortDir(t)
	program, _, _ = strings.Cut(program, "\n\nflows:")
	file := filepath.Join(home, "main.go")
	check(t, os.WriteFile(file, []byte(program), 0o600))
	first := filepath.Join(home, "first")
	if out, err := exec.Command("go", "build", "-o", first, file).CombinedOutput(); err != nil {
		t.Fatalf("the first program: %v\n%s", err, out)
	}
	script := lines[0] + "\nwhile ! [ -S ~/.claviger/claviger.sock ]; do sleep 0.01; done\n" + lines[1] + "\n" + lines[2] + "\n" + first + "\nkill $!\nwait\n"
	cmd := exec.Command("/bin/sh", "-ec", script)
	cmd.Env = append(os.Environ(), "HOME="+home, "PATH="+filepath.Dir(daemontest.Binary(t))+":"+os.Getenv("PATH"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	t.Cleanup(func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	out, err := cmd.Output()
	if err != nil || !regexp.MustCompile(`\A\s*demo: AES-256, version 1, provider 1\n[0-9a-f]{66}\n\z`).Match(out) {
		t.Errorf("%v\n%s\nsays\n%s", err, script, out)
	}
}

// TestKilledQuickstartLeavesNothing kills it at random moments of its life, which lasts about a second.
func TestKilledQuickstartLeavesNothing(t *testing.T) {
	begin := time.Now()
	whole, _ := quickstart(t)
	check(t, whole.Run())
	life := time.Since(begin)
	n := rounds
	if daemontest.Race {
		n = 3
	}
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		for range n {
			after := rand.N(life)
			c, temp := quickstart(t)
			check(t, c.Start())
			time.Sleep(after)
			signalled(t, c.Process, sig)
			c.Wait()
			gone(t, temp)
			if sig == syscall.SIGTERM {
				empty(t, temp)
			}
			if t.Failed() {
				t.Fatalf("killed by %s after %s: %s%s", sig, after, c.stdout, c.stderr)
			}
		}
	}
}

// TestKilledGoRunTakesQuickstartAlong kills the go command that runs quickstart, of which quickstart hears nothing but its death.
func TestKilledGoRunTakesQuickstartAlong(t *testing.T) {
	temp := shortDir(t)
	output := must(os.Create(filepath.Join(t.TempDir(), "output")))(t)
	defer output.Close()
	cmd := exec.Command(daemontest.NeedTool(t, "go"), "run", "github.com/claviger/claviger/cmd/claviger", "quickstart")
	cmd.Env = append(os.Environ(), "TMPDIR="+temp)
	cmd.Stdout, cmd.Stderr = output, output
	check(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill() })
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	within(t, 3*time.Minute, "the daemon of quickstart", func() bool {
		select {
		case err := <-ended:
			t.Fatalf("go run ended: %v\n%s", err, must(os.ReadFile(output.Name()))(t))
		default:
		}
		text := must(os.ReadFile(output.Name()))(t)
		return bytes.Contains(text, []byte("daemon: process"))
	})
	check(t, cmd.Process.Kill())
	<-ended
	gone(t, temp)
	if left := quickstarts(t, temp); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	if text := must(os.ReadFile(output.Name()))(t); bytes.Contains(text, []byte("flows:")) {
		t.Errorf("it ran to its end:\n%s", text)
	}
}
