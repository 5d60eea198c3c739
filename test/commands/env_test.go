// Package commands_test runs every command of the real binary against a real daemon. The scripts in testdata hold what
// each prints, which status it ends with and what its errors say; the Go tests beside them hold what a script cannot: terminals,
// signals, other users, dead daemons. script_test.go says how scripts are written.
package commands_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/claviger/claviger/test/daemontest"
)

func TestMain(m *testing.M) { daemontest.Main(m) }

// config has one name for each right that a command may lack. Provider 9 takes two seconds for everything.
const config = `
[daemon]
socket = "{{.Socket}}"
store  = "{{.Dir}}/store.db"
log    = "warn"

[keeper]
kind = "file"
path = "{{.Dir}}/store.key"

[admin]
uids = [{{.Self}}]

[[provider]]
id   = 2
name = "software"
kind = "software"
[[provider]]
id   = 5
name = "software-b"
kind = "software"
[[provider]]
id    = 9
name  = "slow"
kind  = "delay"
delay = "2s"

[[slot]]
name       = "data"
algorithm  = "AES-256"
providers  = ["software", "software-b"]
operations = ["encrypt", "decrypt", "import"]
[[slot]]
name       = "code"
algorithm  = "HMAC-SHA-256"
providers  = ["software"]
operations = ["mac", "import"]
[[slot]]
name       = "signing"
algorithm  = "ECDSA-P256"
providers  = ["software"]
operations = ["sign", "verify", "import"]
[[slot]]
name       = "slow"
algorithm  = "ECDSA-P256"
providers  = ["slow"]
operations = ["sign", "verify"]

[[cert_slot]]
name = "device"
[[cert_slot]]
name = "root"
[[cert_slot]]
name = "middle"
[[trust_store]]
name    = "anchors"
members = ["root"]

[[app]]
name = "owner"
uid  = {{.Self}}
[app.resources]
Data       = { slot = "data", write = ["generate", "import", "clear"] }
Closed     = { slot = "data", operations = ["encrypt"] }
Code       = { slot = "code", write = ["generate", "import", "clear"] }
Signing    = { slot = "signing", write = ["generate", "import", "clear"] }
Verifying  = { slot = "signing", operations = ["verify"] }
Slow       = { slot = "slow", write = ["generate"] }
DeviceCert = { cert_slot = "device", write = ["save", "clear"] }
RootCert   = { cert_slot = "root", write = ["save", "clear", "crl"] }
SealedCert = { cert_slot = "root" }
MiddleCert = { cert_slot = "middle", write = ["save", "clear", "crl"] }
RootCA     = { trust_store = "anchors" }

[[app]]
name = "other"
uid  = {{.UserA}}
[app.resources]
Verifying = { slot = "signing", operations = ["verify"] }
`

// command is a running command.
type command struct {
	*exec.Cmd
	stdout, stderr *strings.Builder
}

// start starts a command against a daemon, to be waited for by the caller.
func start(t *testing.T, d *daemontest.Daemon, args ...string) *command {
	t.Helper()
	c := &command{exec.Command(daemontest.Binary(t), args...), new(strings.Builder), new(strings.Builder)}
	c.Stdout, c.Stderr = c.stdout, c.stderr
	c.Env = environment(t, d)
	return c
}

// environment lets a command find the daemon.
func environment(t *testing.T, d *daemontest.Daemon) []string {
	t.Helper()
	return append(os.Environ(), "CLAVIGER_SOCKET="+d.Socket, "CLAVIGER_DAEMON_UID="+strconv.Itoa(d.UID))
}

// expect fails the test unless a command ended with a status and, unless that is 0, with an error that names a code.
func expect(t *testing.T, what string, r daemontest.Result, status int, code string) {
	t.Helper()
	if r.Code != status || status != 0 && (!strings.HasPrefix(r.Stderr, "claviger: ") || !strings.Contains(r.Stderr, " ("+code+")\n")) {
		t.Errorf("%s: status %d, want %d with (%s): %s", what, r.Code, status, code, r.Stderr)
	}
}

// within fails the test if what it waits for does not happen in time.
func within(t *testing.T, limit time.Duration, what string, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !happened(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", limit, what)
		}
	}
}

// empty fails the test if a directory holds anything.
func empty(t *testing.T, dir string) {
	t.Helper()
	if list := must(os.ReadDir(dir))(t); len(list) != 0 {
		t.Errorf("left behind in %s: %v", filepath.Base(dir), list)
	}
}

// signalled sends a signal to a process, which may be gone already.
func signalled(t *testing.T, p *os.Process, sig syscall.Signal) {
	t.Helper()
	if err := p.Signal(sig); err != nil && err != os.ErrProcessDone {
		t.Fatal(err)
	}
}

// must ends the test on an error and gives the value: must(f())(t).
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		check(t, err)
		return v
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
