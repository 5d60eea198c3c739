// Package guestfs shows a WebAssembly guest one directory of the machine, and no more: no "..", no absolute path and no
// symbolic link leads out of it, whoever made the link. It is a file system for wazero, whose own directories are no
// wall.
package guestfs

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
	"time"

	experimental "github.com/tetratelabs/wazero/experimental/sys"
	"github.com/tetratelabs/wazero/sys"
)

// FS is a directory and all below it. Paths are relative to it; a leading slash means it too. Safe for concurrent use.
// Its methods are those of wazero's sys.FS; a path that leads out is EPERM, and a change where only reading is allowed
// EROFS.
type FS struct {
	experimental.UnimplementedFS
	root     *os.Root
	readOnly bool
}

// Open opens a directory. With readOnly nothing in it can be changed. The caller closes it, after the guest has ended.
// The error is that of the system, an *fs.PathError.
func Open(dir string, readOnly bool) (*FS, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &FS{root: root, readOnly: readOnly}, nil
}

// Close lets go of the directory. Open files stay usable.
func (f *FS) Close() error { return f.root.Close() }

// name gives a guest's path as the root takes it.
func name(guest string) string {
	guest = strings.TrimLeft(guest, "/")
	if guest == "" {
		return "."
	}
	return guest
}

// errno gives an error's number. An error that is not the system's is the root's refusal of a path that leads out.
func errno(err error) experimental.Errno {
	number := experimental.UnwrapOSError(err)
	if _, system := errors.AsType[syscall.Errno](err); number == experimental.EIO && !system {
		return experimental.EPERM
	}
	return number
}

// change runs a change, unless only reading is allowed.
func (f *FS) change(do func() error) experimental.Errno {
	if f.readOnly {
		return experimental.EROFS
	}
	return errno(do())
}

// OpenFile opens or makes a file, or opens a directory.
func (f *FS) OpenFile(guest string, flag experimental.Oflag, perm fs.FileMode) (experimental.File, experimental.Errno) {
	const changing = experimental.O_WRONLY | experimental.O_RDWR | experimental.O_CREAT | experimental.O_TRUNC | experimental.O_APPEND
	if f.readOnly && flag&changing != 0 {
		return nil, experimental.EROFS
	}
	if flag&experimental.O_NOFOLLOW != 0 { // the root follows links in any case
		if info, err := f.root.Lstat(name(guest)); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			return nil, experimental.ELOOP
		}
	}
	opened, err := f.root.OpenFile(name(guest), openFlags(flag), perm.Perm())
	if err != nil {
		return nil, errno(err)
	}
	return newFile(f.root, name(guest), opened, flag, f.readOnly)
}

// openFlags turns wazero's flags into the system's (open(2)), without O_APPEND: a file that Go knows to append it never writes at an offset.
func openFlags(flag experimental.Oflag) int {
	flags := 0
	for _, f := range []struct {
		guest experimental.Oflag
		host  int
	}{
		{experimental.O_RDWR, syscall.O_RDWR}, {experimental.O_WRONLY, syscall.O_WRONLY},
		{experimental.O_CREAT, syscall.O_CREAT}, {experimental.O_DIRECTORY, syscall.O_DIRECTORY}, {experimental.O_DSYNC, syscall.O_DSYNC},
		{experimental.O_EXCL, syscall.O_EXCL}, {experimental.O_NONBLOCK, syscall.O_NONBLOCK},
		{experimental.O_RSYNC, syscall.O_RSYNC}, {experimental.O_SYNC, syscall.O_SYNC}, {experimental.O_TRUNC, syscall.O_TRUNC},
	} {
		if flag&f.guest != 0 {
			flags |= f.host
		}
	}
	return flags
}

// Stat describes what a path stands for, links followed.
func (f *FS) Stat(guest string) (sys.Stat_t, experimental.Errno) {
	return stat(f.root.Stat(name(guest)))
}

// Lstat describes what a path names, a link itself included.
func (f *FS) Lstat(guest string) (sys.Stat_t, experimental.Errno) {
	return stat(f.root.Lstat(name(guest)))
}

// stat turns a description into wazero's.
func stat(info fs.FileInfo, err error) (sys.Stat_t, experimental.Errno) {
	if err != nil {
		return sys.Stat_t{}, errno(err)
	}
	return sys.NewStat_t(info), 0
}

// Readlink gives a link's text.
func (f *FS) Readlink(guest string) (string, experimental.Errno) {
	text, err := f.root.Readlink(name(guest))
	return text, errno(err)
}

// Mkdir makes a directory.
func (f *FS) Mkdir(guest string, perm fs.FileMode) experimental.Errno {
	return f.change(func() error { return f.root.Mkdir(name(guest), perm.Perm()) })
}

// Chmod changes permissions, and none of the bits above them.
func (f *FS) Chmod(guest string, perm fs.FileMode) experimental.Errno {
	return f.change(func() error { return f.root.Chmod(name(guest), perm.Perm()) })
}

// Rename renames within the directory.
func (f *FS) Rename(from, to string) experimental.Errno {
	return f.change(func() error { return f.root.Rename(name(from), name(to)) })
}

// Rmdir removes an empty directory.
func (f *FS) Rmdir(guest string) experimental.Errno { return f.remove(guest, true) }

// Unlink removes what is no directory.
func (f *FS) Unlink(guest string) experimental.Errno { return f.remove(guest, false) }

// remove removes a directory, or what is none.
func (f *FS) remove(guest string, directory bool) experimental.Errno {
	return f.change(func() error {
		info, err := f.root.Lstat(name(guest))
		switch {
		case err != nil:
			return err
		case directory && !info.IsDir():
			return syscall.ENOTDIR
		case !directory && info.IsDir():
			return syscall.EISDIR
		}
		return f.root.Remove(name(guest))
	})
}

// Link makes a second name of a file.
func (f *FS) Link(old, new string) experimental.Errno {
	return f.change(func() error { return f.root.Link(name(old), name(new)) })
}

// Symlink makes a link with this text, which is no absolute path (EPERM).
func (f *FS) Symlink(text, guest string) experimental.Errno {
	return f.change(func() error {
		if path.IsAbs(text) {
			return syscall.EPERM
		}
		return f.root.Symlink(text, name(guest))
	})
}

// Utimens sets times in nanoseconds since 1970; UTIME_OMIT leaves one as it is.
func (f *FS) Utimens(guest string, atim, mtim int64) experimental.Errno {
	return f.change(func() error { return f.root.Chtimes(name(guest), moment(atim), moment(mtim)) })
}

// moment turns a time into Go's; the zero time leaves a file's as it is.
func moment(nanoseconds int64) time.Time {
	if nanoseconds == experimental.UTIME_OMIT {
		return time.Time{}
	}
	return time.Unix(0, nanoseconds)
}
