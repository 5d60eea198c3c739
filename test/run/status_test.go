package run_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/claviger/claviger/test/daemontest"
)

// Sections of small modules (WebAssembly core specification 2.0, 5.5). start is the function with index 0 as "_start".
const (
	header      = "\x00asm\x01\x00\x00\x00"
	types       = "\x01\x04\x01\x60\x00\x00" // one type: no parameters, no result
	function    = "\x03\x02\x01\x00"
	start       = "\x07\x0a\x01\x06_start\x00\x00"
	unreachable = "\x0a\x05\x01\x03\x00\x00\x0b"
	missing     = "\x02\x0b\x01\x03env\x03foo\x00\x00"
	large       = "\x05\x05\x01\x00\xa0\x9c\x01" // a memory of 20,000 pages, 1.22 GiB
)

// TestHowAGuestEndsIsHowRunEnds holds the exit statuses: the guest's own, and 125 with an error of one kind for all that is not its
// own.
func TestHowAGuestEndsIsHowRunEnds(t *testing.T) {
	dir := t.TempDir()
	file := func(name, module string) string {
		path := filepath.Join(dir, name)
		check(t, os.WriteFile(path, []byte(module), 0o600))
		return path
	}
	actor := build(t, "plain").file
	command := file("large.wasm", header+types+function+large+start+unreachable)
	for _, test := range []struct {
		what   string
		args   []string
		status int
		says   string
	}{
		{"nothing to do", []string{actor}, 0, ""},
		{"its own status", []string{actor, "exit", "3"}, 3, ""},
		{"its own 125", []string{actor, "exit", "125"}, 125, ""},
		{"the highest", []string{actor, "exit", "255"}, 255, ""},
		{"above it, never 0", []string{actor, "exit", "256"}, 255, ""},
		{"the highest of all", []string{actor, "exit", "-1"}, 255, ""},
		{"stack used up", []string{actor, "trap"}, 125, "trapped: stack overflow"},
		{"trap", []string{file("trap.wasm", header+types+function+start+unreachable)}, 125, "trapped: wasm error: unreachable (OperationFailed)\nwasm stack trace:\n"},
		{"missing import", []string{file("import.wasm", header+types+missing+start)}, 125, "env"},
		{"no command", []string{file("empty.wasm", header)}, 125, "_start"},
		{"no module", []string{file("text.wasm", "text")}, 125, "(OperationFailed)"},
		{"cut off", []string{file("cut.wasm", string(module(t)[:1000]))}, 125, "(OperationFailed)"},
		{"no file", []string{filepath.Join(dir, "none.wasm")}, 125, "none.wasm"},
		{"a directory", []string{dir}, 125, "directory"},
		{"more memory than it may have", []string{command}, 125, "memory"},
		{"as much as it needs", []string{"--memory", "2GiB", command}, 125, "unreachable"},
		{"memory used up", []string{"--memory", "64MiB", actor, "grow"}, 2, "out of memory"},
		{"nothing at all", nil, 125, "(InvalidArgument)"},
		{"an unknown flag", []string{"--bogus", actor}, 125, "(InvalidArgument)"},
		{"no memory", []string{"--memory", "1KiB", actor}, 125, "(InvalidArgument)"},
		{"a name for nobody", []string{"--tenant", "demo", actor}, 125, "(InvalidArgument)"},
		{"two keepers", []string{"--embedded", dir, "--socket", "x", actor}, 125, "(InvalidArgument)"},
		{"no daemon", []string{"--socket", filepath.Join(dir, "none"), actor, "put", "x"}, 125, "(ConnectionFailed)"},
		{"no directory", []string{"--dir", filepath.Join(dir, "none"), actor}, 125, "none"},
		{"a directory without a name", []string{"--dir", "..", actor}, 125, "HOST:GUEST"},
		{"a variable without a name", []string{"--env", "=x", actor}, 125, "(InvalidArgument)"},
	} {
		r := alone(t, "", test.args...)
		if r.Code != test.status || !strings.Contains(r.Stderr, test.says) {
			t.Errorf("%s: status %d, want %d; %q, want %q", test.what, r.Code, test.status, r.Stderr, test.says)
		}
		if ours := strings.HasPrefix(r.Stderr, "claviger: run: "); ours != (test.status == 125 && test.says != "") {
			t.Errorf("%s: standard error %q", test.what, r.Stderr)
		}
		if strings.Contains(r.Stderr, "goroutine") && test.status == 125 {
			t.Errorf("%s: standard error has the stack of this process: %q", test.what, r.Stderr)
		}
	}
}

// TestATimeLimitEndsAnyGuest: one that computes, one that sleeps, and one that waits for input.
func TestATimeLimitEndsAnyGuest(t *testing.T) {
	g := build(t, "plain")
	actor := g.file
	warm(t, os.Getuid(), g, "--timeout", "1m")
	alone(t, "", "--timeout", "1m", actor) // compiles it as it is compiled with a limit
	for _, word := range []string{"loop", "sleep", "line"} {
		cmd, _, stderr := command(t, "--timeout", "300ms", actor, word)
		cmd.Env = append(cmd.Env, "GOMAXPROCS=1") // so that a guest that computes leaves nothing for who should end it
		in := must(cmd.StdinPipe())(t)
		begin := time.Now()
		err := cmd.Run()
		in.Close()
		if took := time.Since(begin); took < 300*time.Millisecond || took > daemontest.Patience {
			t.Errorf("%s: ended after %v", word, took)
		}
		if code := cmd.ProcessState.ExitCode(); code != 125 || !strings.Contains(stderr.String(), "did not end within 300ms (OperationTimedOut)") {
			t.Errorf("%s: status %d, %v, %q", word, code, err, stderr)
		}
	}
	if r := alone(t, "", "--timeout", "1m", actor, "exit", "9"); r.Code != 9 || r.Stderr != "" {
		t.Errorf("in time: status %d, %q", r.Code, r.Stderr)
	}
}

// TestASignalEndsAnyGuest: as it ends any program, whatever the guest does.
func TestASignalEndsAnyGuest(t *testing.T) {
	actor := build(t, "plain").file
	for _, word := range []string{"loop", "sleep", "line"} {
		for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
			cmd, stdout, stderr := command(t, actor, "args", word)
			cmd.Env = append(cmd.Env, "GOMAXPROCS=1")
			seen := watch(cmd, stdout, "args")
			in := must(cmd.StdinPipe())(t)
			check(t, cmd.Start())
			seen.await(t, cmd)
			check(t, cmd.Process.Signal(sig))
			stuck := time.AfterFunc(daemontest.Patience, func() { _ = cmd.Process.Kill() })
			_ = cmd.Wait()
			stuck.Stop()
			in.Close()
			if status := cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != sig || stderr.Len() != 0 {
				t.Errorf("%s after %v: %v, %q", word, sig, cmd.ProcessState, stderr)
			}
		}
	}
}

// TestARunnerIsUndumpable holds that others of the runner's user cannot read its memory: the kernel then calls its
// process root's (proc(5)).
func TestARunnerIsUndumpable(t *testing.T) {
	daemontest.NeedRoot(t)
	g := build(t, "plain")
	warm(t, daemontest.UserA, g)
	cmd, stdout, _ := command(t, g.file, "args", "line")
	cmd.Args = append(append(cmd.Args[:2:2], "--cache", cache(t, daemontest.UserA)), cmd.Args[4:]...)
	cmd.Dir = "/"
	cmd.SysProcAttr.Credential = &syscall.Credential{Uid: daemontest.UserA, Gid: daemontest.UserA, Groups: []uint32{}}
	seen := watch(cmd, stdout, "args")
	in := must(cmd.StdinPipe())(t)
	check(t, cmd.Start())
	seen.await(t, cmd)
	st := must(os.Stat(filepath.Join("/proc", itoa(cmd.Process.Pid), "mem")))(t)
	if uid := st.Sys().(*syscall.Stat_t).Uid; uid != 0 {
		t.Errorf("its memory belongs to uid %d", uid)
	}
	in.Close()
	check(t, cmd.Wait())
}
