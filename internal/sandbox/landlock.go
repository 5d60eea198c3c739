package sandbox

import (
	"errors"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger"
)

// Rights on files, see landlock(7). Devices and sockets are made by nobody.
const (
	readRights   = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR | unix.LANDLOCK_ACCESS_FS_EXECUTE
	deviceRights = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	writeRights  = deviceRights | unix.LANDLOCK_ACCESS_FS_READ_DIR | unix.LANDLOCK_ACCESS_FS_TRUNCATE |
		unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE | unix.LANDLOCK_ACCESS_FS_REFER |
		unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_SYM |
		unix.LANDLOCK_ACCESS_FS_MAKE_FIFO

	// fileRights are those that a rule for something other than a directory may have.
	fileRights = deviceRights | unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_TRUNCATE
)

// truncateABI is the first ABI that knows truncation: Linux 6.2. One before it lets whoever may write to a file truncate it, by its
// name or by opening it with O_TRUNC, whatever the rules say of its contents.
const truncateABI = 3

// handled gives all rights that an ABI knows, so that what no rule allows is refused. With the network, only waiting for
// TCP connections is.
func handled(abi int, network bool) unix.LandlockRulesetAttr {
	attr := unix.LandlockRulesetAttr{Handled_access_fs: unix.LANDLOCK_ACCESS_FS_MAKE_SYM<<1 - 1}
	if abi >= 2 {
		attr.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if abi >= truncateABI {
		attr.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	if abi >= 4 {
		attr.Handled_access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP
		if !network {
			attr.Handled_access_net |= unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
		}
	}
	if abi >= 5 {
		attr.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	}
	if abi >= 6 {
		attr.Scoped = unix.LANDLOCK_SCOPE_SIGNAL
		if !network {
			attr.Scoped |= unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
		}
	}
	return attr
}

// landlock restricts the calling thread, which has no_new_privs, and all that it executes.
func (p plan) landlock() error {
	if p.Report.Landlock == 0 {
		return nil
	}
	attr := handled(p.Report.Landlock, p.Network)
	fd, _, e := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0)
	if e != 0 {
		return claviger.Errorf(claviger.ErrInternal, op, "landlock ruleset: %v", e)
	}
	rules := ruleset{fd: int(fd), rights: attr.Handled_access_fs}
	defer unix.Close(rules.fd)
	if err := p.allow(rules); err != nil {
		return err
	}
	var flags uintptr
	if p.Report.Landlock >= 7 {
		flags = unix.LANDLOCK_RESTRICT_SELF_LOG_NEW_EXEC_ON // refusals are audited although it is after execve
	}
	if _, _, e := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, fd, flags, 0); e != 0 {
		return claviger.Errorf(claviger.ErrInternal, op, "landlock: %v", e)
	}
	return nil
}

// allow adds all rules: those that every program needs, and the configured ones.
func (p plan) allow(rules ruleset) error {
	if err := rules.add(self, unix.LANDLOCK_ACCESS_FS_READ_FILE|unix.LANDLOCK_ACCESS_FS_EXECUTE); err != nil {
		return refused("program", self, err)
	}
	for _, path := range everybody() {
		if err := rules.addAround(path, readRights, p.Hidden); err != nil && !unreachable(err) {
			return refused("path", path, err)
		}
	}
	for _, path := range []string{"/dev/null", "/dev/urandom", "/dev/random"} {
		if err := rules.add(path, deviceRights); err != nil && !unreachable(err) {
			return refused("device", path, err)
		}
	}
	for _, path := range p.Read {
		if err := rules.addAround(path, readRights, p.Hidden); err != nil {
			return refused("read path", path, err)
		}
	}
	for _, path := range p.Write {
		if err := rules.addWhole(path, writeRights, p.Hidden); err != nil {
			return refused("write path", path, err)
		}
	}
	return nil
}

// everybody lists what any worker reads: libraries, the loader's and the libraries' configuration, and the count of processors.
func everybody() []string {
	return []string{"/usr", "/lib", "/lib32", "/lib64", "/etc", "/opt", "/sys/devices/system/cpu", "/proc/sys/crypto"}
}

// unreachable says that a path is not there for this worker, which is no reason not to start it.
func unreachable(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.ENOTDIR)
}

func refused(what, path string, err error) error {
	if _, coded := errors.AsType[*claviger.Error](err); coded {
		return err
	}
	if pathError, ok := errors.AsType[*os.PathError](err); ok {
		err = pathError.Err // the path is in the text already
	}
	return claviger.Errorf(claviger.ErrInvalidArgument, op, "%s %s: %v", what, path, err)
}

// ruleset is a Landlock ruleset that is being filled, and the rights on files that it handles.
type ruleset struct {
	fd     int
	rights uint64
}

// add allows rights at and beneath the path, links followed; those that fit no file are left out for a file.
func (r ruleset) add(path string, rights uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return err
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFDIR {
		rights &= fileRights
	}
	rule := unix.LandlockPathBeneathAttr{Allowed_access: rights & r.rights, Parent_fd: int32(fd)}
	_, _, e := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(r.fd), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0)
	runtime.KeepAlive(&rule)
	if e != 0 {
		return e
	}
	return nil
}
