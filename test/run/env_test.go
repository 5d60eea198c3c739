// Package run_test runs WebAssembly guests by the real binary: who they are to the keeper of their keys, what they see of
// the machine, and how they end.
package run_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/claviger/claviger/test/daemontest"
)

func TestMain(m *testing.M) { daemontest.Main(m) }

// actor is the one build of the guest in a test process. It lies beside that of the command, where every user may read it.
var actor struct {
	once   sync.Once
	module []byte
	err    error
}

// module builds the guest once, and gives its bytes.
func module(t *testing.T) []byte {
	t.Helper()
	actor.once.Do(func() {
		file := filepath.Join(place(t), "actor.wasm")
		build := exec.Command("go", "build", "-o", file, "./testdata/actor")
		build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=")
		if out, err := build.CombinedOutput(); err != nil {
			actor.err = fmt.Errorf("go build: %w\n%s", err, out)
			return
		}
		actor.module, actor.err = os.ReadFile(file)
	})
	check(t, actor.err)
	return bytes.Clone(actor.module)
}

// place is a directory of the whole test process, which every user may read.
func place(t *testing.T) string { return filepath.Dir(daemontest.Binary(t)) }

// guest is a build of the actor with a digest of its own.
type guest struct {
	file   string
	digest string // SHA-256 in hexadecimal
}

// build gives a build of the actor: the same code, and a custom section with the name (WebAssembly core specification 2.0,
// 5.5.3), which changes the digest.
func build(t *testing.T, name string) guest {
	t.Helper()
	text := append(module(t), 0, byte(len(name)+2), byte(len(name)))
	text = append(append(text, name...), '.')
	sum := sha256.Sum256(text)
	g := guest{filepath.Join(place(t), name+".wasm"), hex.EncodeToString(sum[:])}
	check(t, os.WriteFile(g.file, text, 0o644))
	warm(t, os.Getuid(), g)
	return g
}

// warm compiles a guest into a user's cache before a test runs it, where the race detector would make the compiler slow.
func warm(t *testing.T, uid int, g guest, flags ...string) {
	t.Helper()
	if !daemontest.Race {
		return
	}
	cmd := exec.Command(daemontest.Fast(t), append(append([]string{"run", "--cache", cache(t, uid)}, flags...), g.file)...)
	cmd.Dir = "/"
	if uid != os.Getuid() {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid), Groups: []uint32{}}}
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// cache gives a user's own directory for compiled modules.
func cache(t *testing.T, uid int) string {
	t.Helper()
	dir := filepath.Join(place(t), fmt.Sprint("cache", uid))
	check(t, os.MkdirAll(dir, 0o700))
	check(t, os.Chown(dir, uid, uid))
	return dir
}

// runAs runs a guest against a daemon as a user.
func runAs(t *testing.T, d *daemontest.Daemon, uid int, g guest, args ...string) daemontest.Result {
	t.Helper()
	warm(t, uid, g)
	return d.RunAs(t, uid, nil, append([]string{"run", "--cache", cache(t, uid), g.file}, args...)...)
}

// says runs a guest against a daemon as the test's own user and gives the rest of the one line that begins with these words.
func says(t *testing.T, d *daemontest.Daemon, g guest, begin string, args ...string) string {
	t.Helper()
	r := runAs(t, d, os.Getuid(), g, args...)
	return rest(t, r, begin)
}

// rest gives what follows the words in the one line of the output that begins with them. The guest must have ended well.
func rest(t *testing.T, r daemontest.Result, begin string) string {
	t.Helper()
	found := regexp.MustCompile("(?m)^" + regexp.QuoteMeta(begin) + ` ?(.*)$`).FindStringSubmatch(r.Stdout)
	if r.Code != 0 || found == nil {
		t.Fatalf("status %d, standard output %q, standard error %q; wanted is a line %q", r.Code, r.Stdout, r.Stderr, begin)
	}
	return found[1]
}

// alone runs the command without a daemon, with these flags and arguments, and gives its process.
func alone(t *testing.T, stdin string, args ...string) daemontest.Result {
	t.Helper()
	cmd, out, errs := command(t, args...)
	cmd.Stdin = strings.NewReader(stdin)
	err := cmd.Run()
	if _, ended := err.(*exec.ExitError); err != nil && !ended {
		t.Fatal(err)
	}
	return daemontest.Result{Stdout: out.String(), Stderr: errs.String(), Code: cmd.ProcessState.ExitCode()}
}

// command makes a process of run that no daemon is named to. Its output may be read when it has ended.
func command(t *testing.T, args ...string) (cmd *exec.Cmd, stdout, stderr *bytes.Buffer) {
	t.Helper()
	stdout, stderr = new(bytes.Buffer), new(bytes.Buffer)
	cmd = exec.Command(daemontest.Binary(t), append([]string{"run", "--cache", cache(t, os.Getuid())}, args...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "MARK=here"}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd, stdout, stderr
}

// watched is a command's standard output that tells when a text has been written.
type watched struct {
	b     *bytes.Buffer
	want  string
	there chan struct{}
	told  bool
}

// watch puts itself before a command's standard output.
func watch(cmd *exec.Cmd, b *bytes.Buffer, want string) *watched {
	w := &watched{b: b, want: want, there: make(chan struct{})}
	cmd.Stdout = w
	return w
}

func (w *watched) Write(p []byte) (int, error) {
	n, err := w.b.Write(p)
	if !w.told && strings.Contains(w.b.String(), w.want) {
		w.told = true
		close(w.there)
	}
	return n, err
}

// await returns when the text has been written; if it never is, the command is killed and the test fails.
func (w *watched) await(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	select {
	case <-w.there:
	case <-time.After(daemontest.Patience):
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		t.Fatalf("the guest never says %q, but %q, %v", w.want, w.b, cmd.Stderr)
	}
}

// reload puts a configuration in force.
func reload(t *testing.T, d *daemontest.Daemon, config string) {
	t.Helper()
	loaded := strings.Count(d.Log(), "configuration loaded")
	d.WriteConfig(t, config)
	d.Signal(t, syscall.SIGHUP)
	for deadline := time.Now().Add(daemontest.Patience); strings.Count(d.Log(), "configuration loaded") == loaded; time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the configuration is not in force:\n%s", d.Log())
		}
	}
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		check(t, err)
		return v
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
