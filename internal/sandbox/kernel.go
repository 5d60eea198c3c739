package sandbox

import (
	"fmt"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger"
)

// newestLandlock is the newest Landlock ABI whose rights this package knows: Linux 6.15.
const newestLandlock = 7

// Kernel is what this kernel, and whoever restricts this process, lets Start use.
type Kernel struct {
	Landlock int  // Landlock's ABI, 1 to 7, a newer one counted as 7; 0 without Landlock
	Seccomp  bool // filters that apply to all threads and can kill the process (Linux 4.14)
	Users    bool // this process may start a worker as another user: CAP_SETUID and CAP_SETGID
}

// Supported asks the kernel. It changes nothing and may be called at any time, concurrently.
func Supported() Kernel {
	return Kernel{Landlock: landlockABI(), Seccomp: seccompOffered(), Users: usersOffered()}
}

// String reads "landlock 7, seccomp, other users", or "no landlock, no seccomp, no other users".
func (k Kernel) String() string {
	parts := []string{"no landlock", "no seccomp", "no other users"}
	if k.Landlock > 0 {
		parts[0] = fmt.Sprintf("landlock %d", k.Landlock)
	}
	if k.Seccomp {
		parts[1] = "seccomp"
	}
	if k.Users {
		parts[2] = "other users"
	}
	return strings.Join(parts, ", ")
}

// landlockABI asks for the ABI, see landlock_create_ruleset(2). Every error means that there is none for us.
func landlockABI() int {
	abi, _, e := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if e != 0 {
		return 0
	}
	return min(int(abi), newestLandlock)
}

// seccompOffered asks whether a filter may kill the process, and whether one may apply to all threads: with the flag known,
// the kernel gets as far as reading the filter, which is not there. See seccomp(2).
func seccompOffered() bool {
	action := uint32(unix.SECCOMP_RET_KILL_PROCESS)
	_, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_GET_ACTION_AVAIL, 0, uintptr(unsafe.Pointer(&action)))
	if e != 0 {
		return false
	}
	_, _, e = unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, 0)
	return e == unix.EFAULT
}

func usersOffered() bool {
	caps, err := capabilities()
	const both = 1<<unix.CAP_SETUID | 1<<unix.CAP_SETGID
	return err == nil && caps[0].Effective&both == both
}

// judge gives what will be in force, or the error of a mode that requires more than there is.
func (c Config) judge(k Kernel) (Report, error) {
	r := Report{Mode: c.Mode, UID: unix.Getuid(), GID: unix.Getgid(), Network: true}
	if c.Mode == Required || c.Mode == Preferred {
		r.Landlock, r.Seccomp = k.Landlock, k.Seccomp
		r.Network = c.Network || !k.Seccomp
		if k.Landlock == 0 {
			r.Missing = append(r.Missing, "landlock")
		}
		if !k.Seccomp {
			r.Missing = append(r.Missing, "seccomp")
			if k.Landlock > 0 && k.Landlock < truncateABI {
				r.Missing = append(r.Missing, "rules on truncation")
			}
		}
	} else if c.Mode != Off {
		return r, claviger.Errorf(claviger.ErrInvalidArgument, op, "unknown mode %d", int(c.Mode))
	}
	if c.otherUser(k) {
		r.UID, r.GID = int(c.User.UID), int(c.User.GID)
	} else if c.User != nil {
		r.Missing = append(r.Missing, fmt.Sprintf("uid %d", c.User.UID))
	}
	if c.Mode == Required && len(r.Missing) > 0 {
		return r, claviger.Errorf(claviger.ErrUnsupportedOperation, op, "required, and not to be had here: %s", strings.Join(r.Missing, ", "))
	}
	return r, nil
}

// otherUser reports whether the worker's user and groups are set, rather than the daemon's.
func (c Config) otherUser(k Kernel) bool { return c.User != nil && k.Users }
