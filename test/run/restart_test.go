package run_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/claviger/claviger/test/daemontest"
)

// algorithmFailure is what a guest is told for want of its keeper.
const algorithmFailure = "12"

// talk is a guest that waits for a line wherever the test has something to do first.
type talk struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdin  io.Writer
	lines  *bufio.Scanner
	stderr *bytes.Buffer
}

// converse starts a guest with what a daemon keeps for it.
func converse(t *testing.T, d *daemontest.Daemon, g guest, words string) *talk {
	t.Helper()
	cmd, _, stderr := command(t, append([]string{"--socket", d.Socket, "--daemon-uid", fmt.Sprint(d.UID), g.file}, strings.Fields(words)...)...)
	cmd.Stdout = nil
	k := &talk{t: t, cmd: cmd, stdin: must(cmd.StdinPipe())(t), lines: bufio.NewScanner(must(cmd.StdoutPipe())(t)), stderr: stderr}
	check(t, cmd.Start())
	stuck := time.AfterFunc(daemontest.Patience, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() {
		stuck.Stop()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return k
}

// hears takes the guest's next line and gives what follows these words in it.
func (k *talk) hears(begin string) string {
	k.t.Helper()
	if !k.lines.Scan() || !strings.HasPrefix(k.lines.Text(), begin) {
		_ = k.cmd.Process.Kill()
		_ = k.cmd.Wait()
		k.t.Fatalf("the guest says %q, want %q; %s", k.lines.Text(), begin, k.stderr)
	}
	return strings.TrimSpace(strings.TrimPrefix(k.lines.Text(), begin))
}

// goesOn lets the guest pass a "line".
func (k *talk) goesOn() {
	k.t.Helper()
	must(io.WriteString(k.stdin, "go on\n"))(k.t)
	k.hears("line")
}

// ends waits for the guest's good end and gives its standard error.
func (k *talk) ends() string {
	k.t.Helper()
	check(k.t, k.cmd.Wait())
	return k.stderr.String()
}

// TestAGuestOutlivesItsDaemon: while the daemon is away nothing of its works and the secrets manager does not open; when it is back, a
// manager that is opened anew has everything, and what was open before stays dead.
func TestAGuestOutlivesItsDaemon(t *testing.T) {
	g := build(t, "outlives")
	d := daemontest.Start(t, common+runner("app")+app("app", g))
	secret, key := says(t, d, g, "put 0", "put", "x"), says(t, d, g, "key 0", "key")
	tag := says(t, d, g, "mac 0", "mac", key)

	k := converse(t, d, g, "hold held line held open open local line held get "+secret+" mac "+key+" hold held")
	k.hears("hold 0")
	k.hears("held 0 0 0")
	dead := "held " + strings.TrimSpace(strings.Repeat(algorithmFailure+" ", 3))
	d.Kill()
	k.goesOn()
	k.hears(dead)
	k.hears("open " + algorithmFailure)
	k.hears("open " + algorithmFailure)
	k.hears("local 0")
	d.Launch(t)
	k.goesOn()
	k.hears(dead)
	k.hears("get 0 x")
	if got := k.hears("mac 0"); got != tag {
		t.Errorf("the key has changed: %q, then %q", tag, got)
	}
	k.hears("hold 0")
	k.hears("held 0 0 0")
	if said := k.ends(); strings.Count(said, "\n") != 1 || !strings.Contains(said, "(ConnectionFailed)") {
		t.Errorf("standard error %q, want one line", said)
	}
}

// TestARestartThatNobodySawCostsHandlesAlone: a guest that opens the secrets manager after it has everything, and nothing is said.
func TestARestartThatNobodySawCostsHandlesAlone(t *testing.T) {
	g := build(t, "unseen")
	d := daemontest.Start(t, common+runner("app")+app("app", g))
	secret := says(t, d, g, "put 0", "put", "x")
	k := converse(t, d, g, "hold line get "+secret+" line get "+secret)
	k.hears("hold 0")
	for _, end := range []func(){d.Kill, func() { d.Stop(t) }} {
		end()
		d.Launch(t)
		k.goesOn()
		k.hears("get 0 x")
	}
	if said := k.ends(); said != "" {
		t.Errorf("standard error %q", said)
	}
}

// TestAGuestIsVouchedForAnew by the configuration of the daemon that it meets after a restart.
func TestAGuestIsVouchedForAnew(t *testing.T) {
	g := build(t, "vouched")
	config := common + runner("app") + app("app", g)
	d := daemontest.Start(t, config)
	k := converse(t, d, g, "open line open open line open")
	k.hears("open 0")
	d.Kill()
	d.WriteConfig(t, common+runner())
	d.Launch(t)
	k.goesOn()
	k.hears("open " + prohibitedOperation)
	k.hears("open " + prohibitedOperation)
	reload(t, d, config)
	k.goesOn()
	k.hears("open 0")
	if said := k.ends(); strings.Count(said, "(AccessDenied)") != 1 {
		t.Errorf("standard error %q", said)
	}
}
