package guestfs

import (
	"io/fs"
	"os"

	experimental "github.com/tetratelabs/wazero/experimental/sys"
	"github.com/tetratelabs/wazero/experimental/sysfs"
	"golang.org/x/sys/unix"
)

// file is an open file or directory: what wazero makes of any fs.File, and what that lacks. One guest uses it from one
// goroutine. Methods and errors are those of wazero's sys.File.
type file struct {
	experimental.File
	f         *os.File
	readOnly  bool // its times must stay too, which need no writing
	appending bool
}

var _ experimental.PollableFile = (*file)(nil)

// opened is a file system of one file, which is open. A directory that is to be read again is opened again.
type opened struct {
	f    *os.File // nil once it was given
	root *os.Root
	name string
}

// Open gives the file.
func (o *opened) Open(string) (fs.File, error) {
	if f := o.f; f != nil {
		o.f = nil
		return f, nil
	}
	return o.root.Open(o.name)
}

// newFile makes a file of an open one, which it takes over.
func newFile(root *os.Root, name string, f *os.File, flag experimental.Oflag, readOnly bool) (experimental.File, experimental.Errno) {
	adapter := sysfs.AdaptFS{FS: &opened{f: f, root: root, name: name}}
	adapted, number := adapter.OpenFile(".", flag, 0)
	if number != 0 {
		_ = f.Close()
		return nil, number
	}
	made := &file{File: adapted, f: f, readOnly: readOnly}
	if flag&experimental.O_APPEND != 0 {
		number = made.SetAppend(true)
	}
	if number != 0 {
		_ = made.Close()
		return nil, number
	}
	return made, 0
}

// IsAppend reports whether writing goes to the end.
func (f *file) IsAppend() bool { return f.appending }

// SetAppend chooses whether writing goes to the end.
func (f *file) SetAppend(enable bool) experimental.Errno {
	err := f.control(func(fd int) error {
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
		if err != nil {
			return err
		}
		flags &^= unix.O_APPEND
		if enable {
			flags |= unix.O_APPEND
		}
		_, err = unix.FcntlInt(uintptr(fd), unix.F_SETFL, flags)
		return err
	})
	if err == nil {
		f.appending = enable
	}
	return errno(err)
}

// control runs a system call on the descriptor.
func (f *file) control(call func(fd int) error) error {
	raw, err := f.f.SyscallConn()
	if err != nil {
		return err
	}
	failed := raw.Control(func(fd uintptr) { err = call(int(fd)) })
	if failed != nil {
		return failed
	}
	return err
}

// Truncate sets the size.
func (f *file) Truncate(size int64) experimental.Errno {
	if size < 0 {
		return experimental.EINVAL
	}
	return errno(f.f.Truncate(size))
}

// Sync makes contents and description durable.
func (f *file) Sync() experimental.Errno { return errno(f.f.Sync()) }

// Datasync is Sync.
func (f *file) Datasync() experimental.Errno { return f.Sync() }

// Utimens sets times in nanoseconds since 1970 (utimensat(2)); UTIME_OMIT leaves one as it is.
func (f *file) Utimens(atim, mtim int64) experimental.Errno {
	if f.readOnly {
		return experimental.EROFS
	}
	times := make([]unix.Timespec, 2)
	for i, t := range []int64{atim, mtim} {
		times[i] = unix.NsecToTimespec(t)
		if t == experimental.UTIME_OMIT {
			times[i] = unix.Timespec{Nsec: unix.UTIME_OMIT}
		}
	}
	return errno(f.control(func(fd int) error { return unix.UtimesNanoAt(fd, "", times, unix.AT_EMPTY_PATH) }))
}

// Poll says that a file is ready: those of a directory do not wait.
func (f *file) Poll(experimental.Pflag, int32) (bool, experimental.Errno) { return true, 0 }

// IsNonblock reports false.
func (f *file) IsNonblock() bool { return false }

// SetNonblock changes nothing: there is nothing to wait for.
func (f *file) SetNonblock(bool) experimental.Errno { return 0 }
