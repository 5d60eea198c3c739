package sock_test

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger/internal/sock"
)

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// pair gives two bare ends.
func pair(t testing.TB) (a, b int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	ok(t, err)
	t.Cleanup(func() { unix.Close(fds[0]); unix.Close(fds[1]) })
	return fds[0], fds[1]
}

func TestCallsNeverWaitEvenOnBlockingSockets(t *testing.T) {
	a, b := pair(t)
	buf := make([]byte, 1<<16)
	if _, err := sock.Recv(uintptr(a), buf); !errors.Is(err, sock.ErrAgain) {
		t.Errorf("receive: %v", err)
	}
	var r sock.Receiver
	if _, _, _, err := r.Recv(uintptr(a), buf, nil); !errors.Is(err, sock.ErrAgain) {
		t.Errorf("receive with descriptors: %v", err)
	}
	var err error
	for range 1000 {
		if _, err = sock.Send(uintptr(a), buf); err != nil {
			break
		}
	}
	if !errors.Is(err, sock.ErrAgain) {
		t.Errorf("send into a full socket: %v", err)
	}
	ok(t, unix.Shutdown(b, unix.SHUT_RDWR))
	if _, err := sock.Send(uintptr(a), buf); err == nil || errors.Is(err, sock.ErrAgain) {
		t.Errorf("send to a closed end: %v", err)
	}
	if _, err := sock.Recv(uintptr(a), buf); err != io.EOF {
		t.Errorf("receive from a closed end: %v", err)
	}
}

func TestDescriptorsArriveCloseOnExecWithTheirFirstByte(t *testing.T) {
	a, b := pair(t)
	file, err := os.Open(os.DevNull)
	ok(t, err)
	defer file.Close()
	_, err = sock.Send(uintptr(a), []byte("before"))
	ok(t, err)
	_, err = sock.SendFD(uintptr(a), []byte("with"), int(file.Fd()))
	ok(t, err)
	var r sock.Receiver
	var fds []int
	buf, all := make([]byte, 64), ""
	for len(all) < len("beforewith") {
		n, got, more, err := r.Recv(uintptr(b), buf, fds)
		ok(t, err)
		if more {
			t.Error("more descriptors than one")
		}
		fds, all = got, all+string(buf[:n])
	}
	if len(fds) != 1 || all != "beforewith" {
		t.Fatalf("%q with %d descriptors", all, len(fds))
	}
	flags, err := unix.FcntlInt(uintptr(fds[0]), unix.F_GETFD, 0)
	if err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("descriptor flags %#x, %v", flags, err)
	}
	unix.Close(fds[0])
}

func TestPeerIsWhoTheKernelSays(t *testing.T) {
	c, fd, err := sock.Pair()
	ok(t, err)
	defer c.Close()
	defer unix.Close(fd)
	p, err := sock.PeerOf(c, true)
	ok(t, err)
	if int(p.UID) != os.Getuid() || int(p.PID) != os.Getpid() {
		t.Errorf("%+v", p)
	}
	if p.PIDFD >= 0 {
		unix.Close(p.PIDFD)
	}
}

func TestConnectGivesUpWhenToldTo(t *testing.T) {
	dir, err := os.MkdirTemp("", "clv")
	ok(t, err)
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "s")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	ok(t, err)
	defer unix.Close(fd)
	ok(t, unix.Bind(fd, &unix.SockaddrUnix{Name: path}))
	ok(t, unix.Listen(fd, 0))
	for range 2 { // the backlog is full after the first
		give := make(chan struct{})
		time.AfterFunc(30*time.Millisecond, func() { close(give) })
		var c *net.UnixConn
		if c, err = sock.Connect(path, give); err == nil {
			defer c.Close()
		}
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("connect with a full backlog: %v", err)
	}
}

func TestSpinningThatDoesNotHelpStops(t *testing.T) {
	var s sock.Spinner
	looks := 0
	for range 2000 {
		s.Spin(func() bool { looks++; return looks == 1 })
	}
	before := looks
	s.Spin(func() bool { looks++; return false })
	if looks != before {
		t.Error("still looking after many failures")
	}
}

func TestLingeringGivesUpAfterAFewLooks(t *testing.T) {
	var s sock.Spinner
	if looks := 0; !s.Linger(func() bool { looks++; return looks == 3 }) || looks != 3 {
		t.Errorf("%d looks for what was there at the third", looks)
	}
	looks := 0
	if s.Linger(func() bool { looks++; return false }) || looks == 0 || looks > 100 {
		t.Errorf("%d looks for what never came", looks)
	}
	before := looks
	if s.Linger(func() bool { looks++; return true }) || looks != before {
		t.Error("no turn was left out after a failure")
	}
}
