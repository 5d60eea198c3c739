package daemon

import (
	"context"
	"errors"
	"net"
	"os"
	"runtime/debug"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/session"
	pb "github.com/claviger/claviger/proto"
)

// hooks are what the daemon does for administrators on behalf of their sessions.
func (d *Daemon) hooks() session.Hooks {
	return session.Hooks{
		Reload:  d.reload,
		Compact: d.compact,
		Status:  d.status,
	}
}

// reload is Reload for the administrator who asked by a call: the complaints travel as text.
func (d *Daemon) reload(context.Context) error {
	err := d.Reload()
	if err == nil {
		return nil
	}
	return &claviger.Error{Code: claviger.CodeOf(err), Op: "reload", Detail: err.Error(), Err: err}
}

// compact rewrites the store under a new data key; the sizes are those of the file in bytes.
func (d *Daemon) compact(ctx context.Context) (before, after uint64, err error) {
	was, err := d.db.Size()
	if err != nil {
		return 0, 0, err
	}
	if err := d.db.Compact(ctx); err != nil {
		return 0, 0, err
	}
	is, err := d.db.Size()
	d.log.Info("store compacted", "before", was, "after", is)
	return uint64(was), uint64(is), err
}

// status adds what only the daemon knows. What is said of the store as a whole is for administrators.
func (d *Daemon) status(r *pb.StatusReply, admin bool) {
	r.Version = Version()
	r.Pid = int64(os.Getpid())
	if !admin {
		return
	}
	r.Keeper = d.db.Keeper() // it tells where the key file is
	r.Config = *d.digest.Load()
	for _, key := range d.db.Damaged() {
		r.Damaged = append(r.Damaged, key.String())
	}
	if size, err := d.db.Size(); err == nil {
		r.StoreBytes = uint64(size)
	}
}

// Version is the program's version as the Go toolchain recorded it: a tag, a pseudo-version, or "(devel)".
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}

// tell tells the service manager a state. One that cannot be told is no reason to stop.
func (d *Daemon) tell(state string) {
	if err := notify(state); err != nil {
		d.log.Warn("service manager not told", "error", err)
	}
}

// shutdown takes down what was built, in the opposite order; what was not built is nil.
func (d *Daemon) shutdown() error {
	var errs []error
	if d.served != nil {
		d.tell("STOPPING=1")
	}
	if d.server != nil {
		ctx, cancel := context.WithTimeout(context.Background(), grace)
		defer cancel()
		if err := d.server.Shutdown(ctx); err != nil {
			d.log.Warn("calls were cut off at the end", "error", err)
		}
		d.conns.Wait()
	}
	if d.served != nil {
		errs = append(errs, <-d.served)
		d.served <- nil // for Run
	}
	errs = append(errs, closeProviders(d.members), d.closeSecrets())
	if d.db != nil {
		errs = append(errs, d.db.Close())
	}
	if d.lock != nil {
		errs = append(errs, d.lock.Close())
	}
	if err := errors.Join(errs...); err != nil {
		return claviger.WrapError(claviger.ErrOperationFailed, "close", err)
	}
	if d.served != nil {
		d.log.Info("stopped")
	}
	return nil
}

// socketPair gives the two ends of a connected stream socket.
func socketPair() (near, far *net.UnixConn, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, claviger.WrapError(claviger.ErrOperationFailed, "connect", err)
	}
	near, err = unixConn(fds[0])
	far, err2 := unixConn(fds[1])
	if err = errors.Join(err, err2); err != nil {
		return nil, nil, claviger.WrapError(claviger.ErrOperationFailed, "connect", err)
	}
	return near, far, nil
}

// unixConn makes a connection of a descriptor, which it takes over.
func unixConn(fd int) (*net.UnixConn, error) {
	file := os.NewFile(uintptr(fd), "socket pair")
	defer file.Close()
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, err
	}
	return conn.(*net.UnixConn), nil
}
