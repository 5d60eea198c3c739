package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/claviger/claviger/internal/config"
	"github.com/claviger/claviger/internal/daemon"
)

// mainVariable makes the test binary behave as claviger itself, for tests that need a second process.
const mainVariable = "CLAVIGER_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(mainVariable) != "" {
		main()
	}
	os.Exit(m.Run())
}

// cli runs commands in this process against a daemon of its own.
type cli struct {
	t      *testing.T
	dir    string // for files
	socket string
}

// newCLI starts a daemon in this process whose every name is a slot.
func newCLI(t *testing.T) *cli {
	t.Helper()
	dir, err := os.MkdirTemp("", "clv") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	cfg := config.Dev(filepath.Join(dir, "daemon"), uint32(os.Geteuid()))
	if err := os.Mkdir(filepath.Join(dir, "daemon"), 0o700); err != nil {
		t.Fatal(err)
	}
	d, err := daemon.Start(context.Background(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return &cli{t, dir, cfg.Daemon.Socket}
}

// try runs one command, with words split at spaces and "@" replaced by the directory for files.
func (c *cli) try(stdin, line string) (status int, stdout, stderr string) {
	c.t.Helper()
	args := []string{"--socket", c.socket}
	for _, word := range strings.Fields(line) {
		args = append(args, strings.Replace(word, "@", c.dir+"/", 1))
	}
	var out, errs bytes.Buffer
	status = run(args, strings.NewReader(stdin), &out, &errs)
	return status, out.String(), errs.String()
}

// ok runs one command that must succeed, and gives its standard output.
func (c *cli) ok(stdin, line string) string {
	c.t.Helper()
	status, stdout, stderr := c.try(stdin, line)
	if status != exitOK {
		c.t.Fatalf("%s: status %d: %s", line, status, stderr)
	}
	return stdout
}

// fails runs one command that must end with a status and name a code.
func (c *cli) fails(stdin, line string, status int, code string) string {
	c.t.Helper()
	got, stdout, stderr := c.try(stdin, line)
	if got != status || !strings.Contains(stderr, "("+code+")") {
		c.t.Errorf("%s: status %d, want %d; %q, want (%s)", line, got, status, stderr, code)
	}
	return stdout
}

// write makes a file and gives its contents back.
func (c *cli) write(name, data string) string {
	c.t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, name), []byte(data), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return data
}

func (c *cli) read(name string) string {
	c.t.Helper()
	data, err := os.ReadFile(filepath.Join(c.dir, name))
	if err != nil {
		c.t.Fatal(err)
	}
	return string(data)
}

// missing fails the test if a file is there, or anything that a command left beside it.
func (c *cli) missing(name string) {
	c.t.Helper()
	if _, err := os.Lstat(filepath.Join(c.dir, name)); err == nil {
		c.t.Errorf("%s is there", name)
	}
	if list, _ := filepath.Glob(filepath.Join(c.dir, ".*")); len(list) != 0 {
		c.t.Errorf("left behind: %v", list)
	}
}

// openssl runs the openssl command in the directory for files; without it the test is skipped.
func (c *cli) openssl(line string) string {
	c.t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		c.t.Skip("openssl is not installed")
	}
	cmd := exec.Command("openssl", strings.Fields(line)...)
	cmd.Dir = c.dir
	out, err := cmd.Output()
	if err != nil {
		c.t.Fatalf("openssl %s: %v: %s", line, err, out)
	}
	return string(out)
}
