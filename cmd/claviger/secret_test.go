package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger"
)

func TestSecretsByCommand(t *testing.T) {
	c := newCLI(t)
	c.write("token", "token one\n")
	id := strings.TrimSpace(c.ok("", "secret put @token --expires 24h"))
	if len(id) != 32 {
		t.Fatalf("identifier %q", id)
	}
	if got := c.ok("token two", "secret replace "+id); got != "2\n" {
		t.Errorf("replace prints %q", got)
	}
	if got := c.ok("", "secret get "+id); got != "token two" {
		t.Errorf("the latest is %q", got)
	}
	c.ok("", "secret get "+id+" --version 1 -o @copy")
	if info, err := os.Stat(c.dir + "/copy"); err != nil || info.Mode().Perm() != 0o600 || c.read("copy") != "token one\n" {
		t.Errorf("copy: %v, %v", info, err)
	}
	table := c.ok("", "secret list")
	if strings.Count(table, id) != 2 || !strings.Contains(table, "never") || strings.Contains(table, "token") {
		t.Errorf("list prints\n%s", table)
	}
	var listed claviger.SecretInfo
	if err := json.Unmarshal([]byte(c.ok("", "secret list --all --json")), &listed); err != nil || listed.ID != id || len(listed.Versions) != 2 {
		t.Errorf("%+v, %v", listed, err)
	}
	c.ok("", "secret invalidate "+id+" --latest")
	c.fails("", "secret get "+id, exitOther, "SecretNotFound")
	c.ok("", "secret get "+id+" --version 1")
	c.ok("", "secret invalidate "+id)
	c.fails("", "secret invalidate "+id, exitOther, "SecretNotFound")
	c.fails("x", "secret replace "+id, exitOther, "SecretNotFound")
	over := strings.TrimSpace(c.ok("x", "secret put --expires 2001-01-01T00:00:00Z"))
	c.fails("", "secret get "+over, exitVerdict, "SecretExpired")
	c.ok("", "secret invalidate "+over+" --tenant self")
	c.fails("", "secret invalidate "+over+" --tenant nobody", exitOther, "SecretNotFound")
	c.fails(strings.Repeat("x", claviger.MaxSecret+1), "secret put", exitOther, "InvalidArgument")
	c.fails("x", "secret put --expires soon", exitUsage, "InvalidArgument")
	c.fails("", "secret invalidate "+id+" --latest --version 2", exitUsage, "InvalidArgument")
}

func TestCapsulesByCommand(t *testing.T) {
	c := newCLI(t)
	c.ok("sealed token", "secret seal --expires 24h -o @capsule")
	if got := c.ok("", "secret open @capsule"); got != "sealed token" {
		t.Errorf("it opens as %q", got)
	}
	if got := c.ok("", "secret key rotate"); got != "2\n" {
		t.Errorf("key rotate prints %q", got)
	}
	c.ok(c.read("capsule"), "secret open")
	c.fails(c.read("capsule")[1:], "secret open", exitVerdict, "SecretVerificationFailed")
	c.fails(c.ok("x", "secret seal --expires 1"), "secret open", exitVerdict, "SecretExpired")
	c.ok("", "secret key destroy 1")
	c.fails("", "secret open @capsule", exitVerdict, "SecretVerificationFailed")
	c.fails("", "secret key destroy 1", exitOther, "SecretNotFound")
	c.fails("", "secret key destroy one", exitUsage, "InvalidArgument")
}

// TestSecretsStayOffTerminals holds that a terminal gets a secret only with --show, and that nothing is asked of the
// daemon before.
func TestSecretsStayOffTerminals(t *testing.T) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("needs pseudo-terminals: %v", err)
	}
	defer master.Close()
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("needs pseudo-terminals: %v", err)
	}
	defer slave.Close()
	c := newCLI(t)
	id := strings.TrimSpace(c.ok("seen", "secret put"))
	c.ok("seen", "secret seal -o @capsule")
	for _, line := range []string{"secret get " + id, "secret open " + c.dir + "/capsule"} {
		args := append([]string{"--socket", c.socket}, strings.Fields(line)...)
		var complaint strings.Builder
		if status := run(args, strings.NewReader(""), slave, &complaint); status != exitUsage || !strings.Contains(complaint.String(), "--show") {
			t.Errorf("%s: status %d, %s", line, status, complaint.String())
		}
		if status := run(append(args, "--show"), strings.NewReader(""), slave, &complaint); status != exitOK {
			t.Fatalf("%s --show: status %d, %s", line, status, complaint.String())
		}
		shown := make([]byte, 64)
		if n, err := master.Read(shown); err != nil || string(shown[:n]) != "seen" {
			t.Errorf("the terminal shows %q, %v", shown[:n], err)
		}
	}
}

func TestExpiryIsReadAndSaid(t *testing.T) {
	now := time.Unix(2_000_000_000, 0)
	for word, want := range map[string]uint64{
		"never": 1<<64 - 1, "Never": 1<<64 - 1, "0": 0, "18446744073709551614": 1<<64 - 2, "1h": 2_000_003_600, "-1h": 1_999_996_400,
		"2033-05-18T03:33:20Z": 2_000_000_000,
	} {
		if got, err := parseExpiry(word, now); err != nil || got != want {
			t.Errorf("%s: %d, %v", word, got, err)
		}
	}
	for _, word := range []string{"", "soon", "-1", "18446744073709551616", "1969-01-01T00:00:00Z"} {
		if got, err := parseExpiry(word, now); err == nil {
			t.Errorf("%q is %d", word, got)
		}
	}
	for at, want := range map[uint64]string{2_000_000_000: "2033-05-18T03:33:20Z", 1<<64 - 1: "never", 1 << 63: "after 9999 (9223372036854775808)"} {
		if got := expiry(at); got != want {
			t.Errorf("%d: %q", at, got)
		}
	}
}
