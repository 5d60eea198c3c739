package guests

import (
	"bufio"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/test/daemontest"
)

// hostMode is the variable that makes this test program a host, see hostProcess, or with compileMode a compiler, see compileProcess.
const (
	hostMode    = "CLAVIGER_TEST_HOST"
	compileMode = "compile"
)

func TestMain(m *testing.M) {
	switch os.Getenv(hostMode) {
	case "":
	case compileMode:
		os.Exit(compileProcess())
	default:
		os.Exit(hostProcess())
	}
	daemontest.Main(m)
}

// common is what every configuration begins with.
const common = `
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
`

// keyedBuild is the one build of testdata/keyed in a test process.
var keyedBuild struct {
	once   sync.Once
	module []byte
	err    error
}

// keyed is a build of testdata/keyed with a digest of its own: a tenant.
type keyed struct {
	name   string
	file   string
	digest [sha256.Size]byte
}

// buildKeyed gives a build under a name. The name stands in a custom section, which does nothing but change the digest
// (WebAssembly core specification 2.0, 5.5.3).
func buildKeyed(t *testing.T, name string) keyed {
	t.Helper()
	b := &keyedBuild
	b.once.Do(func() {
		file := buildGuest(t, ".", "./testdata/keyed", "build")
		b.module, b.err = os.ReadFile(file)
	})
	if b.err != nil {
		t.Fatal(b.err)
	}
	section := append(append([]byte{0, byte(len(name) + 2), byte(len(name))}, name...), 0)
	text := append(append([]byte(nil), b.module...), section...)
	g := keyed{name, filepath.Join(t.TempDir(), name+".wasm"), sha256.Sum256(text)}
	if err := os.WriteFile(g.file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	warm(t, g.file)
	return g
}

// tenants gives a configuration in which this user runs the guests.
func tenants(guests ...keyed) string {
	var names []string
	var apps strings.Builder
	for _, g := range guests {
		names = append(names, fmt.Sprintf("%q", g.name))
		fmt.Fprintf(&apps, "\n[[app]]\nname = %q\nwasm_sha256 = [%q]\n", g.name, hex.EncodeToString(g.digest[:]))
	}
	return fmt.Sprintf("%s\n[[app]]\nname = \"runner\"\nuid = {{.Self}}\nvouch_guests = [%s]\n%s", common, strings.Join(names, ", "), apps.String())
}

// secretsOf gives the managed keys of a guest's tenant to the test itself.
func secretsOf(t *testing.T, d *daemontest.Daemon, g keyed) *client.Secrets {
	t.Helper()
	return d.DialWith(t, client.Config{Guest: client.GuestIdentity{SHA256: g.digest}}).Secrets()
}

// runner is a process that runs a guest, in conversation.
type runner struct {
	t      *testing.T
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	errors strings.Builder
}

// runGuest starts `claviger run` with these arguments. The process is killed when the test ends, or after two minutes.
func runGuest(t *testing.T, args ...string) *runner {
	t.Helper()
	cmd := exec.Command(daemontest.Binary(t), append([]string{"run", "--cache", cacheDir(t)}, args...)...)
	return start(t, cmd)
}

// over gives the arguments that run a guest over a daemon's socket.
func over(d *daemontest.Daemon, g keyed, words ...string) []string {
	return append([]string{"--socket", d.Socket, "--daemon-uid", fmt.Sprint(d.UID), g.file}, words...)
}

// unpreempted starts processes without the signals by which Go interrupts its goroutines, for tests of what is wiped. With a signal the
// kernel puts all registers on a stack, and what a copy left in them with it (signal(7)): nobody can wipe that.
func unpreempted(t *testing.T) {
	t.Helper()
	t.Setenv("GODEBUG", "asyncpreemptoff=1")
}

func start(t *testing.T, cmd *exec.Cmd) *runner {
	t.Helper()
	r := &runner{t: t, cmd: cmd}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Stderr = &r.errors
	var err error
	if r.in, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	r.out = bufio.NewReader(out)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(2*time.Minute, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() {
		late.Stop()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return r
}

// says wants a line that begins with these words and gives its rest.
func (r *runner) says(begin string) string {
	r.t.Helper()
	line, err := r.out.ReadString('\n')
	rest, ok := strings.CutPrefix(line, begin)
	if err != nil || !ok {
		_ = r.cmd.Process.Kill()
		_ = r.cmd.Wait()
		r.t.Fatalf("it said %q, wanted is %q: %v\n%s", line, begin, err, r.errors.String())
	}
	return strings.TrimSpace(rest)
}

// goOn ends a "wait".
func (r *runner) goOn() {
	r.t.Helper()
	if _, err := io.WriteString(r.in, "\n"); err != nil {
		r.t.Fatal(err)
	}
}

// ends waits for the end, which has to be a good one.
func (r *runner) ends() {
	r.t.Helper()
	r.in.Close()
	rest, err := io.ReadAll(r.out)
	if err != nil || len(rest) > 0 {
		r.t.Errorf("it said %q, %v", rest, err)
	}
	if err := r.cmd.Wait(); err != nil {
		r.t.Errorf("%v\n%s", err, r.errors.String())
	}
}

func (r *runner) pid() int { return r.cmd.Process.Pid }

// drawKey gives a random key, and what a word of the guest takes for it.
func drawKey(n int) (key []byte, masked string) {
	key = make([]byte, n)
	rand.Read(key)
	hidden := make([]byte, n)
	for i, b := range key {
		hidden[i] = b ^ 0xA5
	}
	return key, hex.EncodeToString(hidden)
}
