package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/claviger/claviger/test/daemontest"
)

// configured is a daemon in a process of its own, with the configuration of quickstart.
type configured struct {
	*cli
	file string
	cmd  *exec.Cmd
	log  *tail
}

// newConfigured starts the daemon. It must end well at the end of the test.
func newConfigured(t *testing.T) *configured {
	t.Helper()
	dir, err := os.MkdirTemp("", "clv")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	file, err := writeQuickstartConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	ready, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer ready.Close()
	c := &configured{&cli{t, dir, quickstartSocket(dir)}, file, exec.Command(os.Args[0], "serve", "--config", file, "--ready", "3"), &tail{}}
	c.cmd.Env = append(os.Environ(), mainVariable+"=1")
	c.cmd.ExtraFiles = []*os.File{write}
	c.cmd.Stderr = c.log
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	write.Close()
	t.Cleanup(func() {
		c.cmd.Process.Signal(syscall.SIGTERM)
		if err := c.cmd.Wait(); err != nil {
			t.Errorf("the daemon ended with %v: %v", err, c.log.err())
		}
	})
	if _, err := io.ReadFull(ready, make([]byte, 1)); err != nil {
		t.Fatalf("the daemon did not start: %v", c.log.err())
	}
	return c
}

func TestRefusalsByPolicyHaveTheirStatus(t *testing.T) {
	c := newConfigured(t)
	key := randomString(32)
	c.fails("", "slot info Unmapped", exitRefused, "InvalidResourceId")
	c.fails("", "slot generate PreDeployedSlot", exitRefused, "AccessDenied")
	c.ok(key, "slot import PreDeployedSlot - --format raw")
	c.fails("", "sign --key PreDeployedSlot --algorithm HMAC-SHA-256", exitRefused, "KeyOperationNotPermitted")
	c.fails("", "cert import RootCA -", exitOther, "InvalidResourceType")
	plain := randomString(100)
	if c.ok(c.ok(plain, "encrypt --key PreDeployedSlot"), "decrypt") != plain {
		t.Error("a file came back altered")
	}
	c.fails(plain, "encrypt --key PreDeployedSlot --raw AES-256-GCM --iv 000102030405060708090a0b", exitOther, "InvalidArgument")
}

func TestHangupLoadsTheConfiguration(t *testing.T) {
	c := newConfigured(t)
	good := c.read("claviger.toml")
	c.ok(randomString(32), "slot import PreDeployedSlot - --format raw")
	c.ok("x", "encrypt --key PreDeployedSlot")
	before := configDigest(c)

	c.write("claviger.toml", good+"\nbogus = 1\n")
	c.cmd.Process.Signal(syscall.SIGHUP)
	waitFor(t, func() bool { return strings.Contains(c.log.text(), "bogus") })
	c.ok("x", "encrypt --key PreDeployedSlot")
	if configDigest(c) != before {
		t.Error("a broken file changed something")
	}

	c.write("claviger.toml", strings.Replace(good, `"encrypt", "decrypt", "import"`, `"decrypt", "import"`, 1))
	c.cmd.Process.Signal(syscall.SIGHUP)
	waitFor(t, func() bool { status, _, _ := c.try("x", "encrypt --key PreDeployedSlot"); return status == exitRefused })
}

func configDigest(c *configured) string {
	c.t.Helper()
	var s struct{ Config string }
	if err := json.Unmarshal([]byte(c.ok("", "status --json")), &s); err != nil || s.Config == "" {
		c.t.Fatalf("status names the configuration %q, %v", s.Config, err)
	}
	return s.Config
}

func TestStoppedDaemonIsATimeout(t *testing.T) {
	c := newConfigured(t)
	daemontest.Freeze(t, c.cmd.Process.Pid)
	begin, stalls := time.Now(), daemontest.Stalls()
	c.fails("", "status --timeout 150ms", exitUnreachable, "OperationTimedOut")
	if took := time.Since(begin) - stalls(); took > time.Second {
		t.Errorf("it took %s", took)
	}
	c.cmd.Process.Signal(syscall.SIGCONT)
	c.ok("", "status")
}

func TestSecondDaemonIsRefused(t *testing.T) {
	c := newConfigured(t)
	var stderr bytes.Buffer
	if status := run([]string{"serve", "--config", c.file}, nil, io.Discard, &stderr); status != exitOther {
		t.Errorf("status %d: %s", status, stderr.String())
	}
	if !strings.Contains(stderr.String(), "(AlreadyInitialized)") {
		t.Errorf("standard error %q", stderr.String())
	}
	c.ok("", "status")
}

func TestCheckNamesPlaces(t *testing.T) {
	c := &cli{t: t, dir: t.TempDir()}
	file, err := writeQuickstartConfig(c.dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.ok("", "check "+file); got != file+": good\n" {
		t.Errorf("a good file is %q", got)
	}
	c.write("bad.toml", strings.Replace(c.read("claviger.toml"), `"AES-256"`, `"AES-255"`, 1)+"\n[bogus]\n")
	for _, line := range []string{"check @bad.toml", "serve --config @bad.toml", "check --live @bad.toml"} {
		status, _, stderr := c.try("", line)
		if status != exitVerdict || strings.Count(stderr, c.dir+"/bad.toml:") < 2 || !strings.Contains(stderr, "AES-255") || !strings.Contains(stderr, "bogus") {
			t.Errorf("%s: status %d: %s", line, status, stderr)
		}
	}
	c.fails("", "check @none.toml", exitOther, "InvalidArgument")
}

func TestCheckLiveOpensTheKeyFile(t *testing.T) {
	c := newConfigured(t)
	c.ok("", "check --live "+c.file)
	if err := os.Chmod(filepath.Join(c.dir, "store.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	if status, _, stderr := c.try("", "check --live "+c.file); status != exitVerdict || !strings.Contains(stderr, "store.key") {
		t.Errorf("status %d: %s", status, stderr)
	}
}

func TestBinaryOutputToATerminalIsRefused(t *testing.T) {
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	defer terminal.Close()
	c := newCLI(t)
	c.ok("", "slot generate a --algorithm AES-256")
	for line, want := range map[string]int{
		"random 8": exitUsage, "encrypt --key a": exitUsage, "slot public a --format der": exitUsage, "random 8 --hex": exitOK, "encrypt --key a --force": exitOK, "encrypt --key a --armor": exitOK,
	} {
		var stderr bytes.Buffer
		args := append([]string{"--socket", c.socket}, strings.Fields(line)...)
		if status := run(args, strings.NewReader("x"), terminal, &stderr); status != want {
			t.Errorf("%s: status %d, want %d: %s", line, status, want, stderr.String())
		}
	}
}

func TestInterruptEndsACommandThatWaitsForInput(t *testing.T) {
	c := newConfigured(t)
	c.ok(randomString(32), "slot import PreDeployedSlot - --format raw")
	for _, line := range []string{"hash SHA-256", "encrypt --key PreDeployedSlot -o OUT", "decrypt -o OUT", "cert info -"} {
		args := append([]string{"--socket", c.socket}, strings.Fields(strings.Replace(line, "OUT", c.dir+"/out", 1))...)
		state := interrupted(t, args, 100*time.Millisecond)
		for wait := time.Second; state.ExitCode() < 0 && wait < time.Minute; wait *= 3 { // it had not begun to listen
			state = interrupted(t, args, wait)
		}
		if state.ExitCode() != exitOther {
			t.Errorf("%s: %v", line, state)
		}
		c.missing("out")
	}
}

// interrupted runs a command that gets no input and is interrupted after a while.
func interrupted(t *testing.T, args []string, wait time.Duration) *os.ProcessState {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), mainVariable+"=1")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(wait)
	cmd.Process.Signal(syscall.SIGINT)
	timer := time.AfterFunc(daemontest.Patience, func() { cmd.Process.Kill() })
	defer timer.Stop()
	cmd.Wait()
	return cmd.ProcessState
}

// waitFor polls until a condition holds, for at most a minute.
func waitFor(t *testing.T, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !f(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("what was waited for did not come")
		}
	}
}

// text gives what the tail holds.
func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.buf)
}
