package pkcs11_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/pkcs11"
	"github.com/claviger/claviger/internal/provider/software"
)

const (
	pin   = "1234567"
	soPIN = "12345678"
	label = "vehicle"
)

// module gives the path of SoftHSM2, and skips without it.
func module(t testing.TB) string {
	t.Helper()
	if _, err := exec.LookPath("softhsm2-util"); err == nil {
		for _, dir := range []string{"/usr/lib/softhsm", "/usr/lib/x86_64-linux-gnu/softhsm", "/usr/lib/aarch64-linux-gnu/softhsm",
			"/usr/lib64/softhsm", "/usr/lib64/pkcs11", "/usr/local/lib/softhsm", "/usr/lib/pkcs11"} {
			path := filepath.Join(dir, "libsofthsm2.so")
			if _, err := os.Stat(path); err == nil {
				return path
			}
		}
	}
	t.Skip("SoftHSM2 is not installed: libsofthsm2.so and softhsm2-util are needed")
	return ""
}

// store gives SoftHSM a directory of the test's own, and the module's path.
func store(t testing.TB) string {
	t.Helper()
	path, dir := module(t), t.TempDir()
	tokens, conf := filepath.Join(dir, "tokens"), filepath.Join(dir, "softhsm2.conf")
	must(t, os.Mkdir(tokens, 0o700))
	must(t, os.WriteFile(conf, []byte("directories.tokendir = "+tokens+"\nobjectstore.backend = file\nlog.level = ERROR\n"), 0o600))
	// The module reads this with C's getenv, which the module's loader lets os.Setenv reach.
	t.Setenv("SOFTHSM2_CONF", conf)
	return path
}

// initialise makes a token.
func initialise(t testing.TB, label string) {
	t.Helper()
	run(t, "softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", soPIN, "--pin", pin)
}

// run runs a program of the token's, and gives what it printed, without its warnings: they would come in the middle of a line.
func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	var out, warnings strings.Builder
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = &out, &warnings
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %v: %v: %s%s", name, args, err, out.String(), warnings.String())
	}
	return out.String()
}

// tool is pkcs11-tool with the token unlocked.
func tool(t testing.TB, args ...string) string {
	t.Helper()
	return run(t, "pkcs11-tool", append([]string{"--module", module(t), "--token-label", label, "--login", "--pin", pin}, args...)...)
}

// fresh makes a token, and opens and unlocks it. Sessions 0 is the default.
func fresh(t testing.TB, sessions int) *pkcs11.Provider {
	t.Helper()
	path := store(t)
	initialise(t, label)
	p, done := open(t, pkcs11.Config{Module: path, TokenLabel: label, Sessions: sessions})
	t.Cleanup(done)
	return p
}

// open opens and unlocks a token; done closes it.
func open(t testing.TB, c pkcs11.Config) (p *pkcs11.Provider, done func()) {
	t.Helper()
	device := pkcs11.New(c)
	lock, err := device.Open(context.Background())
	must(t, err)
	if !lock.NeedsPIN || lock.Sessions < 1 {
		t.Fatalf("the token says %+v", lock)
	}
	opened, err := device.Unlock(context.Background(), []byte(pin))
	must(t, err)
	return opened.(*pkcs11.Provider), func() {
		must(t, opened.Close())
		must(t, device.Close())
	}
}

// pair is a key in the token and the same one in software.
type pair struct {
	token, software provider.Key
}

// both imports one key into the token and into software.
func both(t testing.TB, p provider.Provider, alg claviger.Algorithm) pair {
	t.Helper()
	soft := software.New()
	k, err := soft.Generate(context.Background(), provider.Spec{Algorithm: alg})
	must(t, err)
	material, err := k.Export(context.Background())
	must(t, err)
	defer material.Close()
	in, err := p.Import(context.Background(), k.Spec(), material.Bytes())
	if err != nil {
		t.Fatalf("importing %s: %v", alg, err)
	}
	t.Cleanup(func() { in.Close(); k.Close() })
	return pair{in, k}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t testing.TB, what string, err error, code claviger.Code) {
	t.Helper()
	if err == nil || claviger.CodeOf(err) != code {
		t.Errorf("%s: got %v, want %s", what, err, code.Name())
	}
}

// offeredRows lists the mechanisms of an operation.
func offeredRows(p provider.Provider, op provider.Op) []provider.Mechanism {
	var rows []provider.Mechanism
	for _, m := range p.Mechanisms() {
		if m.Op == op {
			rows = append(rows, m)
		}
	}
	return rows
}
