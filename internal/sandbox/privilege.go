package sandbox

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger"
)

// renounce gives up what the calling thread could gain or still has: new privileges through execve, and capabilities if
// the plan says so, which a user other than root would otherwise keep (capabilities(7), ambient ones). It also asks
// for the death signal anew: the thread that the daemon started has it, and this one may be another.
func (p plan) renounce() error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return claviger.Errorf(claviger.ErrInternal, op, "new privileges cannot be ruled out: %v", err)
	}
	if p.Drop {
		if err := dropCapabilities(); err != nil {
			return claviger.Errorf(claviger.ErrInternal, op, "capabilities cannot be given up: %v", err)
		}
	}
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return claviger.Errorf(claviger.ErrInternal, op, "the worker cannot be tied to the daemon's life: %v", err)
	}
	return nil
}

// capabilities gives the calling thread's, numbers 0 to 31 in the first element and 32 to 63 in the second.
func capabilities() ([2]unix.CapUserData, error) {
	var data [2]unix.CapUserData
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	return data, unix.Capget(&header, &data[0])
}

// dropCapabilities empties all sets of the calling thread; ambient ones go with the permitted. A thread that has none makes no
// call, because capset may itself be forbidden to it.
func dropCapabilities() error {
	data, err := capabilities()
	if err != nil || data == [2]unix.CapUserData{} {
		return err
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	data = [2]unix.CapUserData{}
	return unix.Capset(&header, &data[0])
}

// noCore rules out core files for this process and what it executes.
func noCore() error {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return claviger.Errorf(claviger.ErrInternal, op, "core files cannot be ruled out: %v", err)
	}
	return nil
}

// undumpable keeps other processes of the user from tracing this one and from reading its memory, until execve.
func undumpable() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return claviger.Errorf(claviger.ErrInternal, op, "process cannot be made undumpable: %v", err)
	}
	return nil
}

// leaveEach is leaveDescriptors for kernels without close_range: by the process's own list of descriptors.
func leaveEach(list string) error {
	entries, err := os.ReadDir(list)
	if err != nil {
		return claviger.Errorf(claviger.ErrInternal, op, "descriptors cannot be closed: %v", err)
	}
	for _, entry := range entries {
		fd, err := strconv.Atoi(entry.Name())
		if err != nil || fd <= socket {
			continue
		}
		_, err = unix.FcntlInt(uintptr(fd), unix.F_SETFD, unix.FD_CLOEXEC)
		if err != nil && err != unix.EBADF { // the list's own descriptor is closed by now
			return claviger.Errorf(claviger.ErrInternal, op, "descriptor %d cannot be closed: %v", fd, err)
		}
	}
	return nil
}
