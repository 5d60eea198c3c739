package commands_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/claviger/claviger/test/daemontest"
)

// configurations are the examples that the configuration's own tests use.
const configurations = "../../internal/config/testdata"

// TestCheckSaysWhereAConfigurationIsWrong holds that check prints every complaint with file, line, column and field, and
// ends with status 1.
func TestCheckSaysWhereAConfigurationIsWrong(t *testing.T) {
	d := daemontest.Start(t, config)
	broken := must(filepath.Glob(configurations + "/broken/*.toml"))(t)
	if len(broken) < 40 {
		t.Errorf("%d broken configurations; want 40", len(broken))
	}
	for _, file := range broken {
		name := filepath.Base(file)
		want := string(must(os.ReadFile(strings.TrimSuffix(file, ".toml") + ".want"))(t))
		want = strings.ReplaceAll(want, name+":", file+":")
		r := d.Run(t, nil, "check", file)
		count := "one complaint"
		if n := strings.Count(want, "\n"); n > 1 {
			count = fmt.Sprint(n, " complaints")
		}
		last := fmt.Sprintf("claviger: check: %s about %s (InvalidFormat)\n", count, file)
		if r.Code != 1 || r.Stdout != "" || r.Stderr != want+last {
			t.Errorf("%s: status %d, standard output %q, standard error\n%s\nwant\n%s%s", name, r.Code, r.Stdout, r.Stderr, want, last)
		}
	}
}

func TestCheckPassesGoodConfigurations(t *testing.T) {
	d := daemontest.Start(t, config)
	good := append(must(filepath.Glob(configurations+"/good/*.toml"))(t), "../../packaging/claviger.toml", d.Config)
	for _, file := range good {
		if r := d.Run(t, nil, "check", file); r.Code != 0 || r.Stdout != file+": good\n" {
			t.Errorf("%s: status %d: %s%s", file, r.Code, r.Stdout, r.Stderr)
		}
	}
	expect(t, "no file", d.Run(t, nil, "check", "nowhere.toml"), 4, "InvalidArgument")
}

// TestCheckLiveTouchesWhatTheDaemonWouldUse holds that --live finds a key file that others can read, and that check alone does
// not look.
func TestCheckLiveTouchesWhatTheDaemonWouldUse(t *testing.T) {
	d := daemontest.Start(t, config)
	d.Stop(t)
	if r := d.RunAs(t, d.UID, nil, "check", "--live", d.Config); r.Code != 0 {
		t.Errorf("status %d: %s", r.Code, r.Stderr)
	}
	check(t, os.Chmod(filepath.Join(d.Dir, "store.key"), 0o644))
	if r := d.RunAs(t, d.UID, nil, "check", d.Config); r.Code != 0 {
		t.Errorf("without --live: status %d: %s", r.Code, r.Stderr)
	}
	if r := d.RunAs(t, d.UID, nil, "check", "--live", d.Config); r.Code == 0 || !strings.Contains(r.Stderr, "store.key") {
		t.Errorf("an open key file: status %d: %s", r.Code, r.Stderr)
	}
	if r := d.RunAs(t, d.UID, nil, "serve", "--config", d.Config); r.Code == 0 || !strings.Contains(r.Stderr, "store.key") {
		t.Errorf("the daemon starts all the same: status %d: %s", r.Code, r.Stderr)
	}
}

func TestServeRefusesABrokenConfiguration(t *testing.T) {
	d := daemontest.Start(t, config)
	r := d.Run(t, nil, "serve", "--config", configurations+"/broken/unknown_field.toml")
	if r.Code != 1 || !strings.Contains(r.Stderr, "unknown_field.toml:11:1: daemon.soket: unknown field") {
		t.Errorf("status %d: %s", r.Code, r.Stderr)
	}
	if r := d.RunAs(t, d.UID, nil, "serve", "--config", d.Config); r.Code != 4 {
		t.Errorf("a second daemon over one store: status %d: %s", r.Code, r.Stderr)
	}
	if r := d.Run(t, nil, "status"); r.Code != 0 {
		t.Errorf("the first daemon does not serve any more: %s", r.Stderr)
	}
}
