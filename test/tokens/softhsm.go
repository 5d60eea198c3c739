// Package tokens gives tests PKCS #11 tokens: one of SoftHSM that a test has to itself, and a module in front of any other that
// misbehaves as it is told while a process uses it.
package tokens

import (
	"crypto/rand"
	"encoding/hex"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/claviger/claviger/test/daemontest"
)

// Token is a token of SoftHSM. Whoever uses it reads Config, and reads and writes Store.
type Token struct {
	Dir     string // all of it, removed with the test; every user may enter it
	Module  string // the PKCS #11 module's file
	Config  string // SoftHSM's configuration file
	Store   string // directory in which SoftHSM has the token
	Label   string
	PIN     string // the user's; 20 characters
	SOPIN   string // the security officer's; 20 characters
	PINFile string // file that holds the PIN and nothing else, of mode 0600
}

// SoftHSM makes an empty token, for the test's own user. The test is skipped where SoftHSM is not installed.
func SoftHSM(t testing.TB) *Token {
	t.Helper()
	util := daemontest.NeedTool(t, "softhsm2-util")
	dir := directory(t)
	k := &Token{
		Dir: dir, Module: Module(t), Config: filepath.Join(dir, "softhsm2.conf"), Store: filepath.Join(dir, "tokens"),
		Label: "claviger-test", PIN: drawPIN(), SOPIN: drawPIN(), PINFile: filepath.Join(dir, "pin"),
	}
	config := "directories.tokendir = " + k.Store + "\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n" +
		"slots.mechanisms = ALL\nlibrary.reset_on_fork = false\n"
	write(t, k.Config, 0o644, config)
	write(t, k.PINFile, 0o600, k.PIN)
	if err := os.Mkdir(k.Store, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(util, "--module", k.Module, "--init-token", "--free", "--label", k.Label, "--pin", k.PIN, "--so-pin", k.SOPIN)
	cmd.Env = append(os.Environ(), k.Env()...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("softhsm2-util: %v\n%s", err, out)
	}
	return k
}

// Env gives the variables that a process needs to find the token.
func (k *Token) Env() []string { return []string{"SOFTHSM2_CONF=" + k.Config} }

// Give makes the PIN file a daemon's user's and the token a worker's, who may be the same. The test has to be root for other users
// than its own.
func (k *Token) Give(t testing.TB, daemon, worker int) {
	t.Helper()
	own(t, daemon, k.PINFile)
	own(t, worker, k.Store)
}

// Module finds SoftHSM's PKCS #11 module where distributions put it. The test is skipped where it is not installed.
func Module(t testing.TB) string {
	t.Helper()
	for _, pattern := range []string{"/usr/lib/softhsm", "/usr/lib/*/softhsm", "/usr/lib64/softhsm", "/usr/lib*/pkcs11", "/usr/local/lib/softhsm"} {
		if found, _ := filepath.Glob(filepath.Join(pattern, "libsofthsm2.so")); len(found) > 0 {
			return found[0]
		}
	}
	t.Skip("needs SoftHSM's module, libsofthsm2.so")
	return ""
}

// directory makes a directory that every user may enter, other than T.TempDir's, and that is removed with the test.
func directory(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "clvtoken")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// write makes a file of this mode, whatever the umask is.
func write(t testing.TB, file string, mode os.FileMode, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, mode); err != nil {
		t.Fatal(err)
	}
}

// own gives a file, or a directory and all below it, to a user and the group of the same number.
func own(t testing.TB, uid int, root string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, uid, uid)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// drawPIN gives a PIN that is long enough to be looked for in memory.
func drawPIN() string {
	b := make([]byte, 10)
	rand.Read(b)
	return hex.EncodeToString(b)
}
