package commands_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/claviger/claviger/test/daemontest"
)

// phrase is a passphrase that no output may hold.
const phrase = "correct horse battery staple"

// keeperFile writes a file of the daemon's user into its directory and gives its path.
func keeperFile(t *testing.T, d *daemontest.Daemon, name, content string) string {
	t.Helper()
	path := filepath.Join(d.Dir, name)
	check(t, os.WriteFile(path, []byte(content), 0o600))
	check(t, os.Chown(path, d.UID, d.UID))
	return path
}

// configured puts lines in place of the [keeper] table of config.
func configured(t *testing.T, d *daemontest.Daemon, lines string) {
	t.Helper()
	const table = "[keeper]\nkind = \"file\"\npath = \"{{.Dir}}/store.key\"\n"
	if !strings.Contains(config, table) {
		t.Fatal("the configuration has another keeper")
	}
	d.WriteConfig(t, strings.Replace(config, table, lines, 1))
}

// asDaemon runs a command as the daemon's user; what it prints must not hold the passphrase.
func asDaemon(t *testing.T, d *daemontest.Daemon, args ...string) daemontest.Result {
	t.Helper()
	r := d.RunAs(t, d.UID, nil, args...)
	if strings.Contains(r.Stdout+r.Stderr, "horse") {
		t.Errorf("%v prints the passphrase: %s%s", args, r.Stdout, r.Stderr)
	}
	return r
}

// TestKeeperChangesAndServes goes from key file to passphrase to another key file, each with the lines that the command prints
// and nothing else; the daemon serves the same key, check --live and status name the keeper.
func TestKeeperChangesAndServes(t *testing.T) {
	d := daemontest.Start(t, config)
	expect(t, "generate", d.Run(t, nil, "slot", "generate", "Code"), 0, "")
	message := []byte("message")
	before := d.Run(t, message, "mac", "--key", "Code")
	d.Stop(t)
	path := keeperFile(t, d, "store.phrase", phrase+"\n")
	second := keeperFile(t, d, "second.key", strings.Repeat("2", 32))
	for _, c := range []struct{ kind, path, names string }{
		{"passphrase", path, "passphrase file " + path + ": protects"},
		{"file", second, "key file " + second + ": protects"},
	} {
		r := asDaemon(t, d, "keeper", "change", "--config", d.Config, "--to", c.kind, "--path", c.path)
		want := fmt.Sprintf("[keeper]\nkind = %q\npath = %q\n", c.kind, c.path)
		if r.Code != 0 || r.Stdout != want || !strings.Contains(r.Stderr, "by this keeper now") || !strings.Contains(r.Stderr, d.Config) {
			t.Fatalf("to %s: status %d: %s%s", c.kind, r.Code, r.Stdout, r.Stderr)
		}
		serveRefuses(t, d)
		again := asDaemon(t, d, "keeper", "change", "--config", d.Config, "--to", c.kind, "--path", c.path)
		if again.Code != 0 || again.Stdout != want || !strings.Contains(again.Stderr, "already") {
			t.Errorf("again: status %d: %s%s", again.Code, again.Stdout, again.Stderr)
		}
		configured(t, d, r.Stdout)
		if r := asDaemon(t, d, "check", "--live", d.Config); r.Code != 0 {
			t.Errorf("check --live: status %d: %s", r.Code, r.Stderr)
		}
		shown(t, d, c.kind, c.names)
		d.Launch(t)
		if r := d.Run(t, nil, "status"); !strings.Contains(r.Stdout, c.names) {
			t.Errorf("status: %s", r.Stdout)
		}
		if r := d.Run(t, message, "mac", "--key", "Code"); r.Code != 0 || r.Stdout != before.Stdout {
			t.Errorf("to %s: the code is another: %s%s", c.kind, r.Stdout, r.Stderr)
		}
		expect(t, "compact", d.Run(t, nil, "store", "compact"), 0, "")
		d.Stop(t)
	}
}

// shown holds what keeper prints, for people and as JSON.
func shown(t *testing.T, d *daemontest.Daemon, kind, names string) {
	t.Helper()
	r := asDaemon(t, d, "keeper", "--config", d.Config)
	if r.Code != 0 || !strings.Contains(r.Stdout, names) || !strings.Contains(r.Stdout, "\nsince ") {
		t.Errorf("keeper: status %d: %s%s", r.Code, r.Stdout, r.Stderr)
	}
	var got struct{ Kind, Keeper, Since string }
	r = asDaemon(t, d, "keeper", "--config", d.Config, "--json")
	check(t, json.Unmarshal([]byte(r.Stdout), &got))
	since, err := time.Parse(time.RFC3339, got.Since)
	if got.Kind != kind || !strings.Contains(got.Keeper, names) || err != nil || time.Since(since).Abs() > 5*time.Minute {
		t.Errorf("keeper --json: %+v, %v", got, err)
	}
}

// TestKeeperRefusesClearly holds what the command says and how it ends when something is wrong; the store opens afterwards as
// before.
func TestKeeperRefusesClearly(t *testing.T) {
	d := daemontest.Start(t, config)
	good := keeperFile(t, d, "store.phrase", phrase+"\n")
	short := keeperFile(t, d, "short.phrase", "horse\n")
	key := keeperFile(t, d, "foreign.key", strings.Repeat("f", 32))
	open := keeperFile(t, d, "open.phrase", phrase)
	check(t, os.Chmod(open, 0o644))
	change := func(args ...string) []string {
		return append([]string{"keeper", "change", "--config", d.Config}, args...)
	}
	r := asDaemon(t, d, change("--to", "passphrase", "--path", good)...)
	expect(t, "a running daemon", r, 4, "AlreadyInitialized")
	if !strings.Contains(r.Stderr, fmt.Sprintf("is locked by process %d; stop it first", d.PID())) {
		t.Errorf("a running daemon: %s", r.Stderr)
	}
	expect(t, "a running daemon", asDaemon(t, d, "keeper", "--config", d.Config), 4, "AlreadyInitialized")
	d.Stop(t)
	for _, c := range []struct {
		args   []string
		status int
		code   string
		why    string
	}{
		{change("--to", "vault", "--path", good), 2, "InvalidArgument", `unknown kind "vault"`},
		{change("--to", "passphrase"), 2, "InvalidArgument", "in a file or in a credential"},
		{change("--to", "passphrase", "--path", good, "--credential", "c"), 2, "InvalidArgument", "not in both"},
		{change("--path", good), 2, "InvalidArgument", "to"},
		{[]string{"keeper", "change", "--to", "file", "--path", key}, 2, "InvalidArgument", "config"},
		{change("--to", "passphrase", "--passphrase", "secret"), 2, "InvalidArgument", "unknown flag"},
		{change("--to", "passphrase", "--path", short), 4, "InvalidArgument", short + " holds 5 bytes; a passphrase has at least 12"},
		{change("--to", "passphrase", "--path", open), 4, "InvalidArgument", open + " has mode 0644"},
		{change("--to", "file", "--path", good), 4, "InvalidArgument", good + " has 29 bytes; want exactly 32"},
		{change("--to", "file", "--path", good+"2"), 4, "ResourceNotFound", "there is no file " + good + "2"},
		{change("--to", "credential", "--credential", "c"), 4, "InvalidArgument", "$CREDENTIALS_DIRECTORY is not set"},
		{[]string{"keeper", "--config", d.Config + "2"}, 4, "InvalidArgument", d.Config + "2"},
	} {
		r := asDaemon(t, d, c.args...)
		expect(t, fmt.Sprint(c.args), r, c.status, c.code)
		if !strings.Contains(r.Stderr, c.why) || r.Stdout != "" {
			t.Errorf("%v: %s%s, want %q", c.args, r.Stdout, r.Stderr, c.why)
		}
	}
	shown(t, d, "file", "store.key")
	for _, lines := range []string{"kind = \"file\"\npath = \"" + key, "kind = \"passphrase\"\npath = \"" + good} {
		configured(t, d, "[keeper]\n"+lines+"\"\n")
		expect(t, lines, asDaemon(t, d, "keeper", "--config", d.Config), 4, "WrapUnwrapFailed")
		serveRefuses(t, d)
	}
	d.WriteConfig(t, config)
	shown(t, d, "file", "store.key")
	daemontest.NeedRoot(t)
	r = d.Run(t, nil, "keeper", "--config", d.Config)
	expect(t, "as root", r, 4, "InvalidArgument")
	if !strings.Contains(r.Stderr, fmt.Sprintf("is uid %d's; run this as that user", d.UID)) {
		t.Errorf("as root: %s", r.Stderr)
	}
}

// serveRefuses holds that the daemon does not start because its keeper is the wrong one.
func serveRefuses(t *testing.T, d *daemontest.Daemon) {
	t.Helper()
	r := asDaemon(t, d, "serve", "--config", d.Config)
	if r.Code != 4 || !strings.Contains(r.Stderr, "\nclaviger: serve: keeper: ") || !strings.HasSuffix(r.Stderr, " (WrapUnwrapFailed)\n") {
		t.Errorf("serve: status %d: %s", r.Code, r.Stderr)
	}
}
