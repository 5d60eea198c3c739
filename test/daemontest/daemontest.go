// Package daemontest starts the real binary for tests: a daemon process as an unprivileged user where the test may
// choose one (it runs as root), with a directory, a key file and a configuration of its own, and clients of it.
package daemontest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"text/template"
	"time"

	"github.com/claviger/claviger/client"
)

// DaemonUID is the user that daemons run as when the test is root; UserA and UserB are two strangers to it and to each
// other. They need no entry in the user database.
const (
	DaemonUID = 61001
	UserA     = 61002
	UserB     = 61003
)

// Race reports whether tests and daemon run under the race detector, which takes several times the memory and time.
const Race = raceEnabled

// Patience is how long a test waits for what must come and has no promised time. It is long, because the machine may be
// slow and the race detector makes it slower.
const Patience = 2 * time.Minute

// Daemon is a running daemon process.
type Daemon struct {
	Dir    string // its own, removed with the test
	Socket string
	Config string // path of its configuration
	UID    int    // who it runs as
	clock  string // file of its wall clock; "" for the machine's
	cmd    *exec.Cmd
	log    *lockedBuffer
	dead   chan struct{} // closed when the process has been waited for
}

// fields are what a configuration template may use.
type fields struct {
	Dir    string
	Socket string
	Self   int // uid of the test process
	UserA  int
	UserB  int
}

// Start writes the configuration (a text/template over .Dir, .Socket, .Self, .UserA, .UserB), makes the key file and starts
// the daemon. The test fails if it does not serve within [Patience]; it is killed when the test ends.
func Start(t testing.TB, config string) *Daemon {
	t.Helper()
	return start(t, config, "", ownUID())
}

// StartAs is Start for a daemon that runs as this user; the test must be root for another one than its own.
func StartAs(t testing.TB, config string, uid int) *Daemon {
	t.Helper()
	return start(t, config, "", uid)
}

// ownUID is who daemons run as.
func ownUID() int {
	if os.Getuid() == 0 {
		return DaemonUID
	}
	return os.Getuid()
}

func start(t testing.TB, config, clock string, uid int) *Daemon {
	t.Helper()
	dir, err := os.MkdirTemp("", "clv")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	d := &Daemon{Dir: dir, Socket: filepath.Join(dir, "s"), Config: filepath.Join(dir, "claviger.toml"), UID: uid}
	if clock != "" {
		d.clock = filepath.Join(dir, clock)
	}
	d.WriteConfig(t, config)
	for _, err := range []error{os.Chmod(dir, 0o755), os.Chown(dir, d.UID, d.UID)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	d.Launch(t)
	t.Cleanup(d.Kill)
	return d
}

// WriteConfig replaces the configuration file; a running daemon reads it at its next SIGHUP.
func (d *Daemon) WriteConfig(t testing.TB, config string) {
	t.Helper()
	var text bytes.Buffer
	tmpl := template.Must(template.New("config").Parse(config))
	if err := tmpl.Execute(&text, fields{d.Dir, d.Socket, os.Getuid(), UserA, UserB}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.Config, text.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Launch starts the process again after Kill or Stop, over the same directory.
func (d *Daemon) Launch(t testing.TB) {
	t.Helper()
	d.log = &lockedBuffer{}
	program, env := binary.get, []string(nil)
	if d.clock != "" {
		program, env = clocked.get, []string{"CLAVIGER_CLOCK_FILE=" + d.clock}
	}
	d.cmd = exec.Command(program(t), "serve", "--config", d.Config)
	d.cmd.Env = append(os.Environ(), env...)
	d.cmd.Stderr = d.log
	d.cmd.Dir = "/"
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if os.Getuid() == 0 {
		d.cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(d.UID), Gid: uint32(d.UID), Groups: []uint32{}}
	}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	d.dead = make(chan struct{})
	go func(cmd *exec.Cmd, dead chan struct{}) { _ = cmd.Wait(); close(dead) }(d.cmd, d.dead)
	d.await(t)
}

// await waits until the socket takes a connection.
func (d *Daemon) await(t testing.TB) {
	t.Helper()
	for deadline := time.Now().Add(Patience); ; time.Sleep(2 * time.Millisecond) {
		conn, err := net.Dial("unix", d.Socket)
		if err == nil {
			conn.Close()
			return
		}
		select {
		case <-d.dead:
			t.Fatalf("the daemon ended at once:\n%s", d.log)
		default:
		}
		if time.Now().After(deadline) {
			d.Kill()
			t.Fatalf("the daemon does not serve after %v: %v\n%s", Patience, err, d.log)
		}
	}
}

// PID is the daemon's process id.
func (d *Daemon) PID() int { return d.cmd.Process.Pid }

// Signal sends a signal to the daemon.
func (d *Daemon) Signal(t testing.TB, sig syscall.Signal) {
	t.Helper()
	if err := d.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// Kill ends the daemon with SIGKILL and waits. It may be called more than once.
func (d *Daemon) Kill() {
	_ = d.cmd.Process.Signal(syscall.SIGCONT)
	_ = d.cmd.Process.Kill()
	<-d.dead
}

// Stop ends the daemon with SIGTERM and waits for its end; the exit must be clean.
func (d *Daemon) Stop(t testing.TB) {
	t.Helper()
	d.Signal(t, syscall.SIGTERM)
	select {
	case <-d.dead:
	case <-time.After(Patience):
		t.Fatalf("the daemon does not stop:\n%s", d.log)
	}
	if !d.cmd.ProcessState.Success() {
		t.Fatalf("the daemon ended with %v:\n%s", d.cmd.ProcessState, d.log)
	}
}

// Alive reports whether the process still runs.
func (d *Daemon) Alive() bool {
	select {
	case <-d.dead:
		return false
	default:
		return true
	}
}

// Log is what the daemon has written to stderr so far.
func (d *Daemon) Log() string { return d.log.String() }

// Dial connects as the test process itself. The stack is closed when the test ends.
func (d *Daemon) Dial(t testing.TB) *client.Stack {
	t.Helper()
	return d.DialWith(t, client.Config{})
}

// DialWith is Dial with a configuration whose Endpoint and DaemonUID are filled in.
func (d *Daemon) DialWith(t testing.TB, c client.Config) *client.Stack {
	t.Helper()
	uid := uint32(d.UID)
	c.Endpoint, c.DaemonUID = "unix://"+d.Socket, &uid
	stack, err := client.Dial(context.Background(), c)
	if err != nil {
		t.Fatalf("dial: %v\n%s", err, d.log)
	}
	t.Cleanup(func() { stack.Close() })
	return stack
}

// Result is how a command ended.
type Result struct {
	Stdout, Stderr string
	Code           int
	PeakAnon       int64 // highest anonymous memory seen, in bytes; sampled
}

// Run runs the command line against this daemon as the test process, with stdin.
func (d *Daemon) Run(t testing.TB, stdin []byte, args ...string) Result {
	t.Helper()
	return d.RunAs(t, os.Getuid(), stdin, args...)
}

// RunAs runs the command line as another user; the test must be root for that.
func (d *Daemon) RunAs(t testing.TB, uid int, stdin []byte, args ...string) Result {
	t.Helper()
	cmd := exec.Command(Binary(t), args...)
	cmd.Env = append(os.Environ(), "CLAVIGER_SOCKET="+d.Socket, fmt.Sprintf("CLAVIGER_DAEMON_UID=%d", d.UID))
	cmd.Stdin = bytes.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if uid != os.Getuid() {
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid), Groups: []uint32{}}}
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	peak := Watch(cmd.Process.Pid)
	err := cmd.Wait()
	result := Result{stdout.String(), stderr.String(), 0, peak()}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		result.Code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	return result
}

// AnonymousMemory reads the anonymous resident memory of a process in bytes; 0 when it is gone.
func AnonymousMemory(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		var kib int64
		if n, _ := fmt.Sscanf(line, "RssAnon: %d kB", &kib); n == 1 {
			return kib << 10
		}
	}
	return 0
}

// Watch samples a process's anonymous memory every few milliseconds until the function it returns is called; that
// gives the highest value seen, in bytes.
func Watch(pid int) func() int64 {
	stop, result := make(chan struct{}), make(chan int64)
	go func() {
		var peak int64
		for tick := time.NewTicker(5 * time.Millisecond); ; {
			peak = max(peak, AnonymousMemory(pid))
			select {
			case <-stop:
				tick.Stop()
				result <- peak
				return
			case <-tick.C:
			}
		}
	}()
	return func() int64 { close(stop); return <-result }
}

// NeedRoot skips the test where it cannot choose users.
func NeedRoot(t testing.TB) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root, to run processes as several users")
	}
}

// NeedTool skips the test where a program of the machine is missing.
func NeedTool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("needs the %s command", name)
	}
	return path
}

// lockedBuffer is a bytes.Buffer that two goroutines may use.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
