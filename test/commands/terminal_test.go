package commands_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger/test/daemontest"
)

// terminal is a pseudo-terminal: what is written to the slave can be read as text.
type terminal struct {
	slave *os.File
	mu    sync.Mutex
	text  strings.Builder // guarded by mu
}

func newTerminal(t *testing.T) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("needs pseudo-terminals: %v", err)
	}
	n := must(unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN))(t)
	check(t, unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0))
	term := &terminal{slave: must(os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0))(t)}
	t.Cleanup(func() { term.slave.Close(); master.Close() })
	go io.Copy(term, master)
	return term
}

func (t *terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(p)
}

func (t *terminal) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// TestBinaryOutputStaysOffTerminals holds that bytes go to a terminal only with --force, and that text goes there.
func TestBinaryOutputStaysOffTerminals(t *testing.T) {
	d := daemontest.Start(t, config)
	for _, line := range []string{"slot generate Data", "slot generate Signing"} {
		expect(t, line, d.Run(t, nil, strings.Fields(line)...), 0, "")
	}
	for _, line := range []string{
		"random 8", "encrypt --key Data", "encrypt --key Data --raw AES-256-GCM", "sign --key Signing", "slot public Signing --format der",
		"slot public Signing --format raw", "cert export DeviceCert --format der",
	} {
		t.Run(line, func(t *testing.T) {
			term := newTerminal(t)
			c := start(t, d, strings.Fields(line)...)
			c.Stdout = term.slave
			c.Run()
			if code := c.ProcessState.ExitCode(); code != 2 || !strings.Contains(c.stderr.String(), "terminal") || term.String() != "" {
				t.Errorf("status %d, want 2; %s; on the terminal %q", code, c.stderr, term)
			}
		})
	}
	for line, shown := range map[string]string{
		"random 8 --force": "", "random 8 --hex": "", "sign --key Signing --base64": "", "slot public Signing": "BEGIN PUBLIC KEY",
		"encrypt --key Data --armor": "BEGIN AGE ENCRYPTED FILE",
	} {
		t.Run(line, func(t *testing.T) {
			term := newTerminal(t)
			c := start(t, d, strings.Fields(line)...)
			c.Stdout = term.slave
			if err := c.Run(); err != nil {
				t.Errorf("%v: %s", err, c.stderr)
			}
			within(t, daemontest.Patience, "output", func() bool { return term.String() != "" && strings.Contains(term.String(), shown) })
		})
	}
}

// TestLongWorkShowsProgressOnATerminal holds that the line is shown after a second, taken away at the end, and not written into a
// pipe.
func TestLongWorkShowsProgressOnATerminal(t *testing.T) {
	d := daemontest.Start(t, config)
	term := newTerminal(t)
	c := start(t, d, "hash", "SHA-256")
	c.Stderr = term.slave
	stdin := must(c.StdinPipe())(t)
	check(t, c.Start())
	for begin := time.Now(); time.Since(begin) < 1500*time.Millisecond; time.Sleep(20 * time.Millisecond) {
		must(stdin.Write(make([]byte, 1<<20)))(t)
	}
	check(t, stdin.Close())
	check(t, c.Wait())
	within(t, daemontest.Patience, "the line and its end", func() bool {
		text := term.String()
		return strings.Contains(text, "MiB/s") && strings.HasSuffix(text, "\r\x1b[K")
	})
	if !strings.HasSuffix(c.stdout.String(), "  -\n") {
		t.Errorf("standard output is %q", c.stdout)
	}
}

// TestInterruptedWorkLeavesNoFile holds that a command that waits for its input ends at once, with one line and no file, also
// when its terminal is closed.
func TestInterruptedWorkLeavesNoFile(t *testing.T) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP) // else the command would not hear it either where the tests run under nohup
	defer signal.Stop(hup)
	d := daemontest.Start(t, config)
	expect(t, "generate", d.Run(t, nil, "slot", "generate", "Data"), 0, "")
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		dir := t.TempDir()
		c := start(t, d, "encrypt", "--key", "Data", "-o", dir+"/out")
		stdin := must(c.StdinPipe())(t)
		check(t, c.Start())
		must(stdin.Write(make([]byte, 1<<20)))(t)
		within(t, daemontest.Patience, "the unfinished file", func() bool { return len(must(os.ReadDir(dir))(t)) > 0 })
		signalled(t, c.Process, sig)
		ended := make(chan error, 1)
		go func() { ended <- c.Wait() }()
		select {
		case <-ended:
		case <-time.After(daemontest.Patience):
			c.Process.Kill()
			t.Fatalf("%s is not heard", sig)
		}
		if code := c.ProcessState.ExitCode(); code != 4 || c.stderr.String() != "claviger: encrypt: interrupted (OperationFailed)\n" {
			t.Errorf("%s: status %d: %s", sig, code, c.stderr)
		}
		empty(t, dir)
	}
}

// TestNohupKeepsWorkAlive holds that a command that was started with SIGHUP ignored goes on when its terminal is closed.
func TestNohupKeepsWorkAlive(t *testing.T) {
	d := daemontest.Start(t, config)
	expect(t, "generate", d.Run(t, nil, "slot", "generate", "Data"), 0, "")
	dir := t.TempDir()
	c := start(t, d)
	c.Cmd = exec.Command(daemontest.NeedTool(t, "nohup"), daemontest.Binary(t), "encrypt", "--key", "Data", "-o", dir+"/out")
	c.Stdout, c.Stderr, c.Env = c.stdout, c.stderr, environment(t, d)
	stdin := must(c.StdinPipe())(t)
	check(t, c.Start())
	must(stdin.Write(make([]byte, 1<<20)))(t)
	within(t, daemontest.Patience, "the unfinished file", func() bool { return len(must(os.ReadDir(dir))(t)) > 0 })
	signalled(t, c.Process, syscall.SIGHUP)
	must(stdin.Write(make([]byte, 1<<20)))(t)
	check(t, stdin.Close())
	if err := c.Wait(); err != nil {
		t.Fatalf("%v: %s", err, c.stderr)
	}
	if info := must(os.Stat(dir + "/out"))(t); info.Size() < 2<<20 {
		t.Errorf("the file has %d bytes", info.Size())
	}
}

// TestClosedPipeEndsQuietly holds that a reader who has seen enough is no error of ours.
func TestClosedPipeEndsQuietly(t *testing.T) {
	d := daemontest.Start(t, config)
	c := start(t, d, "random", "100000000")
	r, w, err := os.Pipe()
	check(t, err)
	c.Stdout = w
	check(t, c.Start())
	check(t, w.Close())
	must(io.ReadFull(r, make([]byte, 10)))(t)
	check(t, r.Close())
	c.Wait()
	if status := c.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGPIPE || c.stderr.String() != "" {
		t.Errorf("it ended with %v: %s", c.ProcessState, c.stderr)
	}
}
