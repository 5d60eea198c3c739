package attack_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/test/daemontest"
)

// stranger is a user that no configuration here names.
const stranger = 61090

// TestStrangerIsRefused: a user without an application gets no session, and is told which lines would let it in.
func TestStrangerIsRefused(t *testing.T) {
	daemontest.NeedRoot(t)
	d := daemontest.Start(t, common)
	owner := uint32(d.UID)
	_, err := client.New(t.Context(), connect(t, d.Socket, stranger), client.Config{DaemonUID: &owner})
	wantCode(t, "hello of a stranger", err, claviger.ErrAccessDenied)
	for _, line := range []string{"[[app]]", fmt.Sprintf("uid  = %d", stranger), "[app.resources]"} {
		if err == nil || !strings.Contains(err.Error(), line) {
			t.Errorf("the refusal does not hold %q: %v", line, err)
		}
	}
	p := &peer{t: t, conn: connect(t, d.Socket, stranger)}
	wantCode(t, "raw hello of a stranger", p.hello(), claviger.ErrAccessDenied)
	if !p.closed() {
		t.Error("the daemon keeps a stranger's connection")
	}
	run := d.RunAs(t, stranger, nil, "status")
	if run.Code != 3 || !strings.Contains(run.Stderr, "[[app]]") || run.Stdout != "" {
		t.Errorf("status by a stranger: exit status %d, stdout %q, stderr %q; want 3 and the lines to add", run.Code, run.Stdout, run.Stderr)
	}
}

// TestOverflowUserIsRefused: the uid that the kernel shows for every user it cannot map is nobody's, and no lines are
// offered that would let it in.
func TestOverflowUserIsRefused(t *testing.T) {
	daemontest.NeedRoot(t)
	d := daemontest.Start(t, common)
	text := strings.TrimSpace(string(must(os.ReadFile("/proc/sys/kernel/overflowuid"))(t)))
	p := &peer{t: t, conn: connect(t, d.Socket, must(strconv.Atoi(text))(t))}
	err := p.hello()
	wantCode(t, "hello of uid "+text, err, claviger.ErrAccessDenied)
	if err != nil && (strings.Contains(err.Error(), "[[app]]") || !strings.Contains(err.Error(), "not mapped")) {
		t.Errorf("the refusal does not say why: %v", err)
	}
}

// TestForeignCredentialsGainNothing: root may put any uid into a message, and gains nothing by it: the daemon goes by
// what the kernel saw when the connection was made.
func TestForeignCredentialsGainNothing(t *testing.T) {
	daemontest.NeedRoot(t)
	d := daemontest.Start(t, twoUsers)
	lie := unix.UnixCredentials(&unix.Ucred{Pid: int32(os.Getpid()), Uid: daemontest.UserA, Gid: daemontest.UserA})
	p := &peer{t: t, conn: connect(t, d.Socket, stranger), oob: lie}
	wantCode(t, "hello of a stranger who says it is another", p.hello(), claviger.ErrAccessDenied)
	p = &peer{t: t, conn: connect(t, d.Socket, daemontest.UserB), oob: lie}
	check(t, p.hello())
	_, err := resolve(p, "AKey", claviger.TypeKeySlot)
	wantCode(t, "another's name, with another's uid", err, claviger.ErrInvalidResourceID)
	_, err = resolve(p, "BKey", claviger.TypeKeySlot)
	check(t, err)
	if n := tenant(t, d.Dial(t), "a").Sessions; n != 0 {
		t.Errorf("%d sessions of the user that was named", n)
	}
}

// TestFakeDaemonIsRefused: the client talks to nobody but root, itself and the user it was told, and says nothing to
// anyone else.
func TestFakeDaemonIsRefused(t *testing.T) {
	daemontest.NeedRoot(t)
	dir := must(os.MkdirTemp("", "clv"))(t)
	t.Cleanup(func() { os.RemoveAll(dir) })
	check(t, os.Chmod(dir, 0o777))
	path := dir + "/s"
	heard := fakeDaemon(t, path, daemontest.UserB)
	owner := uint32(daemontest.DaemonUID)
	_, err := client.Dial(t.Context(), client.Config{Endpoint: path, DaemonUID: &owner, Timeout: time.Second})
	wantCode(t, "dial to a stranger's socket", err, claviger.ErrConnectionFailed)
	if err != nil && !strings.Contains(err.Error(), fmt.Sprint(daemontest.UserB)) {
		t.Errorf("the refusal does not name the uid: %v", err)
	}
	if n := <-heard; n != 0 {
		t.Errorf("the stranger heard %d bytes", n)
	}
	cmd := exec.Command(daemontest.Binary(t), "random", "8")
	cmd.Env = append(os.Environ(), "CLAVIGER_SOCKET="+path, fmt.Sprintf("CLAVIGER_DAEMON_UID=%d", owner))
	out, err := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != 5 {
		t.Errorf("random by a stranger's socket: exit status %d (%v), want 5\n%s", code, err, out)
	}
	<-heard
	owner = daemontest.UserB // told so, the client does talk
	_, err = client.Dial(t.Context(), client.Config{Endpoint: path, DaemonUID: &owner, Timeout: 200 * time.Millisecond})
	wantCode(t, "dial to a silent daemon", err, claviger.ErrOperationTimedOut)
	if n := <-heard; n == 0 {
		t.Error("no hello came to the user that was told")
	}
}

// fakeDaemon listens as a user and answers nothing. Of each connection it tells how many bytes came until its end.
func fakeDaemon(t *testing.T, path string, uid int) <-chan int {
	t.Helper()
	var fd int
	var err error
	asUser(t, uid, func() {
		if fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err == nil {
			if err = unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err == nil {
				err = unix.Listen(fd, 8)
			}
		}
	})
	check(t, err)
	t.Cleanup(func() { unix.Shutdown(fd, unix.SHUT_RDWR); unix.Close(fd) })
	heard := make(chan int)
	go func() {
		for {
			c, _, err := unix.Accept4(fd, unix.SOCK_CLOEXEC)
			if err != nil {
				return
			}
			total, buf := 0, make([]byte, 256)
			for n, err := unix.Read(c, buf); err == nil && n > 0; n, err = unix.Read(c, buf) {
				total += n
			}
			unix.Close(c)
			select {
			case heard <- total:
			case <-t.Context().Done():
				return
			}
		}
	}()
	return heard
}

// TestDaemonIsUndumpable: a process of the daemon's own user can read neither its memory nor its maps, and a crash writes
// no core.
func TestDaemonIsUndumpable(t *testing.T) {
	daemontest.NeedRoot(t)
	cat := daemontest.NeedTool(t, "cat")
	d := daemontest.Start(t, common)
	read := func(pid int, name string) (refused bool, text string) {
		cmd := exec.Command(cat, fmt.Sprintf("/proc/%d/%s", pid, name))
		cmd.Dir, cmd.Env = "/", []string{"LC_ALL=C"}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(d.UID), Gid: uint32(d.UID), Groups: []uint32{}}}
		out, err := cmd.CombinedOutput()
		return err != nil && strings.Contains(string(out), "Permission denied"), fmt.Sprintf("%v, %d bytes", err, len(out))
	}
	other := exec.Command(daemontest.NeedTool(t, "sleep"), "60")
	other.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(d.UID), Gid: uint32(d.UID), Groups: []uint32{}}}
	check(t, other.Start())
	t.Cleanup(func() { other.Process.Kill(); other.Wait() })
	for _, name := range []string{"mem", "maps", "environ", "auxv"} {
		if refused, text := read(other.Process.Pid, name); refused {
			t.Fatalf("this machine refuses %s of every process of one's own, so the daemon's says nothing: %s", name, text)
		}
		if refused, text := read(d.PID(), name); !refused {
			t.Errorf("a process of the daemon's user can open its %s: %s", name, text)
		}
	}
	limits := must(os.ReadFile(fmt.Sprintf("/proc/%d/limits", d.PID())))(t)
	for line := range bytes.Lines(limits) {
		if f := strings.Fields(string(line)); strings.HasPrefix(string(line), "Max core file size") && (f[4] != "0" || f[5] != "0") {
			t.Errorf("cores are limited to %s and %s, want 0", f[4], f[5])
		}
	}
	d.Signal(t, syscall.SIGABRT)
	within(t, daemontest.Patience, "the daemon ends by SIGABRT", func() bool { return !d.Alive() })
	for _, path := range must(os.ReadDir(d.Dir))(t) {
		if strings.HasPrefix(path.Name(), "core") {
			t.Errorf("a core was written: %s", path.Name())
		}
	}
}
