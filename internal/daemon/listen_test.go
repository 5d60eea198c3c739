package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/claviger/claviger"
)

func TestListenLetsEverybodyConnect(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := listen(path)
	if err != nil {
		t.Fatal(err)
	}
	st, err := os.Lstat(path)
	if err != nil || st.Mode() != 0o666|os.ModeSocket {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket stays after Close: %v", err)
	}
}

// TestNobodyIsRefusedWhileTheSocketIsMade holds that whoever sees the socket may connect.
func TestNobodyIsRefusedWhileTheSocketIsMade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	end, seen := make(chan struct{}), make(chan fs.FileMode, 1)
	go func() {
		defer close(seen)
		for {
			if st, err := os.Lstat(path); err == nil && st.Mode() != 0o666|os.ModeSocket {
				seen <- st.Mode()
				return
			}
			select {
			case <-end:
				return
			default:
			}
		}
	}()
	for range 500 {
		l, err := listen(path)
		if err == nil {
			err = l.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	close(end)
	if mode, wrong := <-seen; wrong {
		t.Errorf("a socket had mode %v", mode)
	}
}

func TestListenReplacesOnlyWhatIsLeftOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	first, err := listen(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := listen(path); !errors.Is(err, claviger.ErrAlreadyInitialized) {
		t.Errorf("beside a live socket: %v", err)
	}
	first.SetUnlinkOnClose(false)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := listen(path)
	if err != nil {
		t.Fatalf("over a dead socket: %v", err)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := listen(path); !errors.Is(err, claviger.ErrInvalidArgument) {
		t.Errorf("over a file: %v", err)
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != "mine" {
		t.Errorf("the file was touched: %v", err)
	}
}

// TestListenRefusesDirectoriesOfOthers goes through directories in which others could put a socket of their own.
func TestListenRefusesDirectoriesOfOthers(t *testing.T) {
	for _, c := range []struct {
		name, want string
		make       func(dir string) error
	}{
		{"missing", "does not exist", func(string) error { return nil }},
		{"writable by all", "mode 0777", func(dir string) error { return mkdir(dir, 0o777) }},
		{"writable by group", "mode 0770", func(dir string) error { return mkdir(dir, 0o770) }},
		{"like /tmp", "mode 0777", func(dir string) error { return mkdir(dir, 0o777|os.ModeSticky) }},
		{"below a writable one", "mode 0777", func(dir string) error {
			return errors.Join(mkdir(dir, 0o700), os.Chmod(filepath.Dir(dir), 0o777))
		}},
		{"a file", "not a directory", func(dir string) error { return os.WriteFile(dir, nil, 0o600) }},
		{"of somebody else", "uid 65534", func(dir string) error { return errors.Join(mkdir(dir, 0o755), os.Chown(dir, 65534, 65534)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "of somebody else" && os.Geteuid() != 0 {
				t.Skip("giving a directory away needs root")
			}
			dir := filepath.Join(t.TempDir(), "run")
			if err := c.make(dir); err != nil {
				t.Fatal(err)
			}
			_, err := listen(filepath.Join(dir, "s"))
			if !errors.Is(err, claviger.ErrInvalidArgument) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func mkdir(dir string, mode os.FileMode) error {
	return errors.Join(os.Mkdir(dir, 0o700), os.Chmod(dir, mode)) // chmod, because the umask cuts Mkdir's mode
}

// TestPassedSocketIsTaken starts this test again with a socket as descriptor 3, as a service manager does.
func TestPassedSocketIsTaken(t *testing.T) {
	if want := os.Getenv("CLAVIGER_TEST_PASSED"); want != "" {
		l, err := listen(want)
		if err != nil {
			fmt.Println("refused:", err)
			return
		}
		fmt.Println("took", l.Addr(), os.Getenv("LISTEN_FDS") == "", l.Close())
		return
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "passed")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, c := range []struct{ path, count, want string }{
		{path, "1", "took " + path + " true <nil>"},
		{filepath.Join(dir, "other"), "1", "refused: listen: the service manager passed a socket at " + path},
		{path, "2", "refused: listen: the service manager passed 2 sockets"},
	} {
		file, err := l.File()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("/bin/sh", "-c", `LISTEN_PID=$$ exec "$0" -test.run='^TestPassedSocketIsTaken$'`, os.Args[0])
		cmd.Env = append(os.Environ(), "LISTEN_FDS="+c.count, "CLAVIGER_TEST_PASSED="+c.path)
		cmd.ExtraFiles = []*os.File{file}
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), c.want) {
			t.Errorf("%v, output\n%s\nwant %q", err, out, c.want)
		}
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("the manager's socket was removed: %v", err)
	}
}

func TestNotifyTellsTheManager(t *testing.T) {
	name := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	t.Setenv("NOTIFY_SOCKET", name)
	for _, state := range []string{"READY=1", reloading()} {
		if err := notify(state); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 256)
		if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		n, err := conn.Read(buf)
		if err != nil || string(buf[:n]) != state {
			t.Errorf("%q, %v; want %q", buf[:n], err, state)
		}
	}
	if !strings.HasPrefix(reloading(), "RELOADING=1\nMONOTONIC_USEC=") {
		t.Error(reloading())
	}
	t.Setenv("NOTIFY_SOCKET", "relative")
	if err := notify("READY=1"); !errors.Is(err, claviger.ErrInvalidArgument) {
		t.Errorf("a relative socket: %v", err)
	}
	t.Setenv("NOTIFY_SOCKET", "")
	if err := notify("READY=1"); err != nil {
		t.Errorf("without a manager: %v", err)
	}
}

func TestLockNamesItsHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	first, err := lock(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = lock(path)
	if want := fmt.Sprintf("%s is locked by process %d", path, os.Getpid()); !errors.Is(err, claviger.ErrAlreadyInitialized) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := lock(path)
	if err != nil {
		t.Fatalf("after the holder closed: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(path), os.Symlink("/etc/passwd", path)); err != nil {
		t.Fatal(err)
	}
	if _, err := lock(path); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("through a symbolic link: %v", err)
	}
}
