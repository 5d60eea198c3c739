package conformance_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/claviger/claviger/conformance"
	"github.com/claviger/claviger/test/daemontest"
)

// daemonConfig is the configuration of a daemon that knows the test's user as a runner of guests, to be followed by fields of the runner's and by
// guests.
const daemonConfig = `
[daemon]
socket = "{{.Socket}}"
store  = "{{.Dir}}/store.db"

[keeper]
kind = "file"
path = "{{.Dir}}/store.key"

[[provider]]
id   = 2
name = "software"
kind = "software"

[[app]]
name = "runner"
uid  = {{.Self}}
`

// TestOverTheSocket holds what the command makes of the guest in front of a daemon.
func TestOverTheSocket(t *testing.T) {
	k := guest(t)
	path, cache, digest := k.file(t), t.TempDir(), fmt.Sprintf("%x", sha256.Sum256(k.module))
	t.Run("known", func(t *testing.T) { // by its digest: every row passes, with keys and secrets in the daemon
		d := daemontest.Start(t, daemonConfig+`vouch_guests = ["conformance"]
[[app]]
name        = "conformance"
wasm_sha256 = ["`+digest+`"]
`)
		run := d.Run(t, nil, "run", "--socket", d.Socket, "--cache", cache, path, "-json")
		if run.Code != 0 || run.Stderr != "" {
			t.Errorf("exit status %d: %s", run.Code, run.Stderr)
		}
		expect(t, parse(t, run.Stdout, run.Code), func(conformance.Row) string { return "ok" })
	})
	t.Run("unknown", func(t *testing.T) { // it has no secrets manager, and its user reads what to add
		d := daemontest.Start(t, daemonConfig)
		run := d.Run(t, nil, "run", "--socket", d.Socket, "--cache", cache, path, "-json", "-skip-managed", "-run", "^(42|85) ")
		out := parse(t, run.Stdout, run.Code)
		if run.Code != 0 || out.passed != 1 || out.skipped != 1 || !strings.Contains(run.Stderr, digest) {
			t.Errorf("want row 42 to pass, 85 to be skipped and the digest on stderr, got status %d, %d passed, %d skipped: %s",
				run.Code, out.passed, out.skipped, run.Stderr)
		}
	})
}
