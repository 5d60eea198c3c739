package sandbox

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// deadline is far longer than anything here takes.
const deadline = 60 * time.Second

// TestMain makes the test binary a worker or a daemon if its arguments say so.
func TestMain(m *testing.M) {
	role := ""
	if len(os.Args) > 1 {
		role = os.Args[1]
	}
	switch role {
	case "worker":
		os.Exit(work())
	case "daemon":
		os.Exit(daemon())
	case "silent": // a program that never says a word over its socket
		fmt.Println(os.Getpid())
		_ = unix.Pause()
	}
	os.Exit(m.Run())
}

// unprivileged is whom workers run as when the tests run as root.
var unprivileged = User{UID: 64123, GID: 64124, Groups: []uint32{64125, 64126}}

// start starts a worker that answers probes, and ends it with the test.
func start(t *testing.T, c Config) *Process {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	if c.Args == nil {
		c.Args = []string{"worker"}
	}
	if c.Stderr == nil {
		c.Stderr = testLog{t}
	}
	p, err := Start(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Kill()
		_ = p.Wait() // it was killed
	})
	if err := p.Conn.SetDeadline(time.Now().Add(deadline)); err != nil {
		t.Fatal(err)
	}
	return p
}

// testLog shows what a worker prints in the test's own output.
type testLog struct{ t *testing.T }

func (l testLog) Write(line []byte) (int, error) {
	l.t.Logf("worker: %s", strings.TrimSuffix(string(line), "\n"))
	return len(line), nil
}

// ask has the worker run a probe and gives its result: most often "ok" or the name of an errno.
func ask(t *testing.T, p *Process, probe string, args ...string) string {
	t.Helper()
	if err := writeFrame(p.Conn, request{Probe: probe, Args: args}); err != nil {
		t.Fatalf("%s: %v", probe, err)
	}
	var result string
	if err := readFrame(p.Conn, &result); err != nil {
		t.Fatalf("%s %q: %v", probe, args, err)
	}
	return result
}

// expect runs a probe and compares its result, which may be one of several with "|" between them.
func expect(t *testing.T, p *Process, want, probe string, args ...string) {
	t.Helper()
	got := ask(t, p, probe, args...)
	for _, one := range strings.Split(want, "|") {
		if got == one {
			return
		}
	}
	t.Errorf("%s %q: %s, want %s", probe, args, got, want)
}

// needs fails a test that this kernel or user cannot run; such a skip is counted by whoever runs all tests.
func needs(t *testing.T, root bool) {
	t.Helper()
	k := Supported()
	if k.Landlock == 0 || !k.Seccomp {
		t.Skipf("this kernel offers %v", k)
	}
	if root && !k.Users {
		t.Skip("not root: workers of another user are not tested")
	}
}

// place makes a directory that any user may reach and write to.
func place(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sandbox")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for _, name := range []string{"read", "write", "other", "read/sub", "read/kept"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name, "file"), []byte("text"), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, name, "file"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// users gives the users that workers can be tested as here: the own one, and as root another.
func users(t *testing.T) map[string]*User {
	t.Helper()
	all := map[string]*User{"own": nil}
	if Supported().Users {
		all["other"] = &unprivileged
	}
	return all
}

// open lists this process's descriptors and what they are.
func open(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, entry := range entries {
		if target, err := os.Readlink("/proc/self/fd/" + entry.Name()); err == nil {
			list = append(list, fmt.Sprintf("%s %s", entry.Name(), target))
		}
	}
	return list
}

// stacks gives all goroutines.
func stacks() string {
	buf := make([]byte, 1<<20)
	return string(buf[:runtime.Stack(buf, true)])
}
