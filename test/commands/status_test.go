package commands_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/claviger/claviger/test/daemontest"
)

// needDaemon are command lines that cannot do without a daemon.
func needDaemon() []string {
	return []string{
		"status", "slot list", "slot info Data", "slot generate Data", "cert info DeviceCert", "hash SHA-256", "mac --key Code",
		"encrypt --key Data", "decrypt", "sign --key Signing", "random 8", "algorithms", "providers", "store compact",
	}
}

// TestUnreachableDaemonIsStatusFive holds it for a daemon that is gone and for one that is stopped, whose callers get their answer
// at their deadline.
func TestUnreachableDaemonIsStatusFive(t *testing.T) {
	d := daemontest.Start(t, config)
	daemontest.Freeze(t, d.PID())
	for _, line := range needDaemon() {
		begin, stalls := time.Now(), daemontest.Stalls()
		r := d.Run(t, nil, append([]string{"--timeout", "200ms"}, strings.Fields(line)...)...)
		took, stalled := time.Since(begin), stalls()
		expect(t, "stopped: "+line, r, 5, "OperationTimedOut")
		if took < 200*time.Millisecond || took > 2*time.Second+stalled {
			t.Errorf("stopped: %s took %s", line, took)
		}
	}
	d.Kill()
	for _, line := range needDaemon() {
		expect(t, "gone: "+line, d.Run(t, nil, strings.Fields(line)...), 5, "ConnectionFailed")
	}
	expect(t, "no socket", d.Run(t, nil, "--socket", d.Dir+"/none", "status"), 5, "ConnectionFailed")
	expect(t, "no endpoint", d.Run(t, nil, "--socket", "http://localhost", "status"), 2, "InvalidArgument")
}

// TestSlowOperationIsStatusFive holds it for a daemon that is well and a device that is not.
func TestSlowOperationIsStatusFive(t *testing.T) {
	d := daemontest.Start(t, config)
	expect(t, "generate", d.Run(t, nil, "--timeout", "1m", "slot", "generate", "Slow"), 0, "")
	begin, stalls := time.Now(), daemontest.Stalls()
	expect(t, "sign", d.Run(t, []byte("x"), "--timeout", "100ms", "sign", "--key", "Slow", "--hex"), 5, "OperationTimedOut")
	if took := time.Since(begin) - stalls(); took > 1500*time.Millisecond {
		t.Errorf("it took %s", took)
	}
}

// TestDaemonOfAnotherUserIsRefused holds that commands talk to root, to their own user and to whom they were told.
func TestDaemonOfAnotherUserIsRefused(t *testing.T) {
	daemontest.NeedRoot(t)
	d := daemontest.Start(t, config)
	for args, code := range map[string]int{"": 5, "--daemon-uid 1": 5, fmt.Sprint("--daemon-uid ", d.UID): 0} {
		c := start(t, d, append(strings.Fields(args), "status")...)
		c.Env = append(c.Env, "CLAVIGER_DAEMON_UID=")
		c.Run()
		if got := c.ProcessState.ExitCode(); got != code || code == 5 && !strings.Contains(c.stderr.String(), "(ConnectionFailed)") {
			t.Errorf("status %s: exit status %d, want %d: %s", args, got, code, c.stderr)
		}
	}
}

// TestStrangersAreRefused holds that a user without an app gets the lines to add, on every command, and status 3.
func TestStrangersAreRefused(t *testing.T) {
	daemontest.NeedRoot(t)
	d := daemontest.Start(t, config)
	for _, line := range needDaemon() {
		r := d.RunAs(t, daemontest.UserB, nil, strings.Fields(line)...)
		expect(t, line, r, 3, "AccessDenied")
		if !strings.Contains(r.Stderr, "[[app]]") || !strings.Contains(r.Stderr, fmt.Sprint(daemontest.UserB)) {
			t.Errorf("%s: the lines to add are missing: %s", line, r.Stderr)
		}
	}
}

// TestUsersSeeTheirOwn holds that another user sees its names only, and manages nothing.
func TestUsersSeeTheirOwn(t *testing.T) {
	daemontest.NeedRoot(t)
	d := daemontest.Start(t, config)
	expect(t, "generate", d.Run(t, nil, "slot", "generate", "Signing"), 0, "")
	as := func(line string) daemontest.Result { return d.RunAs(t, daemontest.UserA, nil, strings.Fields(line)...) }
	var list []struct{ Name string }
	check(t, json.Unmarshal([]byte(as("slot list --json").Stdout), &list))
	if len(list) != 1 || list[0].Name != "Verifying" {
		t.Errorf("the list is %+v", list)
	}
	var status struct{ Tenants []struct{ Name string } }
	check(t, json.Unmarshal([]byte(as("status --json").Stdout), &status))
	if len(status.Tenants) != 1 || status.Tenants[0].Name != "other" {
		t.Errorf("the tenants are %+v", status.Tenants)
	}
	expect(t, "public", as("slot public Verifying"), 0, "")
	for line, code := range map[string]string{
		"slot info Signing": "InvalidResourceId", "slot info Data": "InvalidResourceId", "sign --key Verifying --hex": "KeyOperationNotPermitted",
		"slot rotate Verifying": "AccessDenied", "slot clear Verifying": "AccessDenied", "store compact": "AccessDenied",
	} {
		expect(t, line, as(line), 3, code)
	}
}
