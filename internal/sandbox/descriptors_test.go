package sandbox

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// untouched fails the test if a file of place is not as place has made it.
func untouched(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil || string(text) != "text" {
		t.Errorf("%s holds %q, %v", path, text, err)
	}
	stat, err := os.Stat(path)
	if err != nil || stat.Mode() != 0o666 || stat.ModTime().Unix() < 2 {
		t.Errorf("%s: mode %v, of %v, %v", path, stat.Mode(), stat.ModTime(), err)
	}
}

// TestNothingIsTruncatedThatIsNotWritten holds it with every ABI of Landlock, those that do not know truncation included, by
// all ways that there are. What may be written is truncated by a descriptor, and by its name where Landlock judges that.
func TestNothingIsTruncatedThatIsNotWritten(t *testing.T) {
	needs(t, false)
	for who, user := range users(t) {
		for abi := 1; abi <= Supported().Landlock; abi++ {
			t.Run(who+" "+strconv.Itoa(abi), func(t *testing.T) {
				dir := place(t)
				read, kept, other := filepath.Join(dir, "read", "file"), filepath.Join(dir, "read", "kept", "file"), filepath.Join(dir, "other", "file")
				write := filepath.Join(dir, "write", "file")
				p := start(t, Config{
					kernel: &Kernel{Landlock: abi, Seccomp: true, Users: true}, User: user,
					Read: []string{filepath.Dir(read)}, Write: []string{filepath.Dir(write)}, Hidden: []string{kept},
				})
				for _, path := range []string{read, kept, other} {
					expect(t, p, "EPERM|EACCES", "truncate", path)
					for _, flags := range []int{unix.O_RDONLY, unix.O_WRONLY, unix.O_RDWR, unix.O_ACCMODE} {
						expect(t, p, "EPERM|EACCES", "open", path, strconv.Itoa(flags|unix.O_TRUNC))
						expect(t, p, "EPERM|EACCES", "open", path, strconv.Itoa(flags|unix.O_TRUNC|unix.O_CREAT))
					}
					untouched(t, path)
				}
				expect(t, p, "ok", "open", read, strconv.Itoa(unix.O_RDONLY))
				expect(t, p, "ENOSYS", "call", strconv.Itoa(unix.SYS_OPENAT2))
				expect(t, p, "ok", "shorten", write)
				expect(t, p, "ok", "open", write, strconv.Itoa(unix.O_WRONLY|unix.O_TRUNC))
				expect(t, p, "ok", "open", write, strconv.Itoa(unix.O_RDWR|unix.O_TRUNC|unix.O_CREAT))
				byName := "ok"
				if abi < truncateABI {
					byName = "EPERM"
				}
				expect(t, p, byName, "truncate", write)
			})
		}
	}
}

// TestNothingIsOpenedForNoAccess holds that the access mode 3, which no rule of Landlock is asked about, opens nothing.
func TestNothingIsOpenedForNoAccess(t *testing.T) {
	needs(t, false)
	for who, user := range users(t) {
		t.Run(who, func(t *testing.T) {
			dir := place(t)
			p := start(t, Config{User: user, Read: []string{filepath.Join(dir, "read")}})
			for _, path := range []string{filepath.Join(dir, "read", "file"), filepath.Join(dir, "other", "file"), "/dev/zero"} {
				expect(t, p, "EPERM", "open", path, strconv.Itoa(unix.O_ACCMODE))
			}
		})
	}
}

// TestTheKernelSignalsNobodyForAWorker holds that a descriptor has no owner but the worker, with and without Landlock's
// scope for signals.
func TestTheKernelSignalsNobodyForAWorker(t *testing.T) {
	needs(t, false)
	for _, abi := range []int{1, Supported().Landlock} {
		p := start(t, Config{kernel: &Kernel{Landlock: abi, Seccomp: true}, Network: true})
		mine, its := strconv.Itoa(os.Getpid()), strconv.Itoa(p.PID)
		for _, c := range []struct {
			want     string
			call     int
			command  int
			argument string
		}{
			{"EPERM", unix.SYS_FCNTL, unix.F_SETOWN, mine},
			{"EPERM", unix.SYS_FCNTL, unix.F_SETOWN, "-" + its},
			{"EPERM", unix.SYS_FCNTL, unix.F_SETOWN, "-" + mine},
			{"ok", unix.SYS_FCNTL, unix.F_SETOWN, its},
			{"ok", unix.SYS_FCNTL, unix.F_SETOWN, "0"},
			{"EPERM", unix.SYS_FCNTL, unix.F_SETOWN_EX, "0"},
			{"EPERM", unix.SYS_FCNTL, unix.F_SETSIG, "0"},
			{"EPERM", unix.SYS_FCNTL, unix.F_SETLEASE, strconv.Itoa(unix.F_RDLCK)},
			{"EPERM", unix.SYS_IOCTL, setSocketOwner, "0"},
			{"EPERM", unix.SYS_IOCTL, unix.SIOCSPGRP, "0"},
			{"ok", unix.SYS_FCNTL, unix.F_GETFL, "0"},
		} {
			expect(t, p, c.want, "call", strconv.Itoa(c.call), "0", strconv.Itoa(c.command), c.argument)
		}
	}
}

// TestModesOfFilesAreTheDaemons holds that a worker of the daemon's own user cannot open its files to others, by no name and by no
// descriptor. Another user's worker does with its own files what it likes.
func TestModesOfFilesAreTheDaemons(t *testing.T) {
	needs(t, false)
	dir := place(t)
	read, write, other := filepath.Join(dir, "read", "file"), filepath.Join(dir, "write", "new"), filepath.Join(dir, "other", "file")
	c := Config{Read: []string{filepath.Dir(read)}, Write: []string{filepath.Dir(write)}}
	p := start(t, c)
	expect(t, p, "ok", "make", write)
	for _, path := range []string{read, write} {
		for _, probe := range []string{"chmod", "fchmod", "fchown", "fsetxattr", "fremovexattr", "setflags", "fssetxattr", "times"} {
			expect(t, p, "EPERM", probe, path)
		}
	}
	expect(t, p, "EPERM", "chmod", other)
	untouched(t, read)
	untouched(t, other)
	if Supported().Users {
		c.User = &unprivileged
		p = start(t, c)
		expect(t, p, "ok", "make", filepath.Join(dir, "write", "own"))
		expect(t, p, "ok", "fchmod", filepath.Join(dir, "write", "own"))
		expect(t, p, "EPERM", "fchmod", read)
	}
}
