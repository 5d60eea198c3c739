package daemon

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger"
)

// firstPassed is the first descriptor that a service manager passes (sd_listen_fds(3)).
const firstPassed = 3

// probeTime bounds the look whether somebody answers on a socket that is already there.
const probeTime = time.Second

// listen gives the listening socket: the one that the service manager passed, or one made at path. A passed socket must
// be the only one and lie at path. A socket that nobody answers on is left over and is replaced; one that somebody
// answers on is ErrAlreadyInitialized. The file gets mode 0666: who may do what is decided by the uid that the kernel
// reports.
func listen(path string) (*net.UnixListener, error) {
	passed, err := passedSocket(path)
	if passed != nil || err != nil {
		return passed, err
	}
	if err := checkSocketDirectory(filepath.Dir(path)); err != nil {
		return nil, err
	}
	if err := removeStale(path); err != nil {
		return nil, err
	}
	l, err := listenForAll(path)
	if err != nil {
		return nil, claviger.WrapError(claviger.ErrOperationFailed, "listen", err)
	}
	if err := os.Chmod(path, 0o666); err != nil { // where a sandbox keeps a thread from having an umask of its own
		return nil, errors.Join(claviger.WrapError(claviger.ErrOperationFailed, "listen", err), l.Close())
	}
	return l, nil
}

// listenForAll makes a socket to which everybody may connect from its first moment on, so that nobody who comes while the daemon
// starts is refused. That takes an umask, which is a process's, or that of a thread which has its own and ends here.
func listenForAll(path string) (l *net.UnixListener, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if unix.Unshare(unix.CLONE_FS) == nil {
			defer unix.Umask(unix.Umask(0o111))
		}
		l, err = net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	}()
	<-done
	return l, err
}

// passedSocket gives the socket that the service manager passed to this process, nil if there is none. It takes the
// variables that say so out of the environment.
func passedSocket(path string) (*net.UnixListener, error) {
	pid, count := os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS")
	if pid != strconv.Itoa(os.Getpid()) || count == "" {
		return nil, nil
	}
	for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		if err := os.Unsetenv(name); err != nil {
			return nil, claviger.WrapError(claviger.ErrInternal, "listen", err)
		}
	}
	if count != "1" {
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, "listen", "the service manager passed %s sockets; 1 is wanted", claviger.Clip(count))
	}
	syscall.CloseOnExec(firstPassed)
	return adopt(os.NewFile(firstPassed, "passed socket"), path)
}

// adopt makes a listener of a passed descriptor, which it closes in any case.
func adopt(file *os.File, path string) (*net.UnixListener, error) {
	l, err := net.FileListener(file)
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, claviger.WrapError(claviger.ErrInvalidArgument, "listen", err)
	}
	socket, ok := l.(*net.UnixListener)
	if !ok || socket.Addr().Network() != "unix" || socket.Addr().String() != path {
		return nil, errors.Join(claviger.Errorf(claviger.ErrInvalidArgument, "listen",
			"the service manager passed a socket at %s; daemon.socket is %s", claviger.Clip(l.Addr().String()), path), l.Close())
	}
	return socket, nil
}

// checkSocketDirectory refuses a directory in which others could put a socket of their own in the daemon's place: it
// must exist, belong to root or to us, and be writable by nobody else; directories above it must not be writable by
// others either, unless they are sticky.
func checkSocketDirectory(dir string) error {
	real, err := filepath.EvalSymlinks(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return claviger.Errorf(claviger.ErrInvalidArgument, "listen", "directory %s does not exist; make it, owned by the daemon's user and writable by nobody else", dir)
	}
	if err != nil {
		return claviger.WrapError(claviger.ErrInvalidArgument, "listen", err)
	}
	for at := real; ; at = filepath.Dir(at) {
		st, err := os.Stat(at)
		if err != nil {
			return claviger.WrapError(claviger.ErrInvalidArgument, "listen", err)
		}
		if !st.IsDir() {
			return claviger.Errorf(claviger.ErrInvalidArgument, "listen", "%s is not a directory", at)
		}
		open := st.Mode().Perm()&0o022 != 0
		if open && (at == real || st.Mode()&fs.ModeSticky == 0) {
			return claviger.Errorf(claviger.ErrInvalidArgument, "listen",
				"directory %s has mode %04o: others can put a socket of their own there; use a directory of its own with mode 0755 or 0700", at, st.Mode().Perm())
		}
		if owner := st.Sys().(*syscall.Stat_t).Uid; at == real && owner != 0 && int(owner) != os.Geteuid() {
			return claviger.Errorf(claviger.ErrInvalidArgument, "listen", "directory %s is owned by uid %d; root or uid %d is wanted", at, owner, os.Geteuid())
		}
		if at == filepath.Dir(at) {
			return nil
		}
	}
}

// removeStale removes a socket on which nobody answers.
func removeStale(path string) error {
	st, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return claviger.WrapError(claviger.ErrInvalidArgument, "listen", err)
	}
	if st.Mode().Type() != fs.ModeSocket {
		return claviger.Errorf(claviger.ErrInvalidArgument, "listen", "%s is there already and is no socket", path)
	}
	conn, err := net.DialTimeout("unix", path, probeTime)
	if err == nil {
		return errors.Join(claviger.Errorf(claviger.ErrAlreadyInitialized, "listen", "another process answers on %s", path), conn.Close())
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return claviger.Errorf(claviger.ErrAlreadyInitialized, "listen", "%s is there already, and whether it is in use cannot be told: %v", path, err)
	}
	return claviger.WrapError(claviger.ErrOperationFailed, "listen", os.Remove(path))
}
