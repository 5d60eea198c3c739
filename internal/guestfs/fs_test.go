package guestfs_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	experimental "github.com/tetratelabs/wazero/experimental/sys"

	"github.com/claviger/claviger/internal/guestfs"
)

// tree is a directory "in" with a file, beside a file that must stay out of reach, and links from one to the other.
func tree(t *testing.T) (in, outside string) {
	t.Helper()
	dir := t.TempDir()
	in, outside = filepath.Join(dir, "in"), filepath.Join(dir, "secret")
	check(t, os.MkdirAll(filepath.Join(in, "sub"), 0o755))
	check(t, os.WriteFile(outside, []byte("secret"), 0o600))
	check(t, os.WriteFile(filepath.Join(in, "file"), []byte("text"), 0o600))
	check(t, os.Symlink("../secret", filepath.Join(in, "relative")))
	check(t, os.Symlink(outside, filepath.Join(in, "absolute")))
	check(t, os.Symlink("..", filepath.Join(in, "up")))
	check(t, os.Symlink("file", filepath.Join(in, "good")))
	return in, outside
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, dir string, readOnly bool) *guestfs.FS {
	t.Helper()
	fs, err := guestfs.Open(dir, readOnly)
	check(t, err)
	t.Cleanup(func() { check(t, fs.Close()) })
	return fs
}

func want(t *testing.T, what string, got, want experimental.Errno) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v (%d), want %v (%d)", what, got, got, want, want)
	}
}

// TestNothingLeadsOut holds that for every operation and every way to name what is outside.
func TestNothingLeadsOut(t *testing.T) {
	in, outside := tree(t)
	fs := open(t, in, false)
	for _, path := range []string{"../secret", "/../secret", "sub/../../secret", "relative", "absolute", "up/secret", "up/in/../secret", outside[1:] + "/../../secret"} {
		for what, number := range map[string]experimental.Errno{
			"open":  opens(fs, path, experimental.O_RDONLY),
			"write": opens(fs, path, experimental.O_WRONLY|experimental.O_CREAT),
			"stat":  second(fs.Stat(path)), "chmod": fs.Chmod(path, 0o777), "times": fs.Utimens(path, 1, 1),
			"link": fs.Link(path, "sub/mine"),
		} {
			// A hard link of a symbolic link is one of the link itself, which stays in.
			if number == 0 && !(what == "link" && (path == "relative" || path == "absolute")) {
				t.Errorf("%s of %s works", what, path)
			}
			_ = os.Remove(filepath.Join(in, "sub/mine"))
		}
	}
	for what, number := range map[string]experimental.Errno{
		"rename": fs.Rename("file", "../file"), "rename through a link": fs.Rename("file", "up/file"), "mkdir": fs.Mkdir("../dir", 0o700),
		"unlink": fs.Unlink("../secret"), "rmdir": fs.Rmdir("../in"), "symlink": fs.Symlink("file", "../link"),
		"absolute symlink": fs.Symlink("/etc/passwd", "link"), "rename from": fs.Rename("up/secret", "mine"),
	} {
		want(t, what, number, experimental.EPERM)
	}
	if text, err := os.ReadFile(outside); err != nil || string(text) != "secret" {
		t.Errorf("outside is %q, %v", text, err)
	}
	want(t, "a new link that leads out", fs.Symlink("../secret", "new"), 0)
	want(t, "open through it", opens(fs, "new", experimental.O_RDONLY), experimental.EPERM)
}

func second[T any](_ T, number experimental.Errno) experimental.Errno { return number }

func opens(fs *guestfs.FS, path string, flag experimental.Oflag) experimental.Errno {
	f, number := fs.OpenFile(path, flag, 0o600)
	if number == 0 {
		number = f.Close()
	}
	return number
}

// TestReadOnlyChangesNothing holds that for every operation, and for flags that change what is opened for reading.
func TestReadOnlyChangesNothing(t *testing.T) {
	in, _ := tree(t)
	fs := open(t, in, true)
	for what, number := range map[string]experimental.Errno{
		"write": opens(fs, "file", experimental.O_WRONLY), "read and write": opens(fs, "file", experimental.O_RDWR),
		"create": opens(fs, "new", experimental.O_RDONLY|experimental.O_CREAT), "truncate": opens(fs, "file", experimental.O_RDONLY|experimental.O_TRUNC),
		"mkdir": fs.Mkdir("new", 0o700), "rmdir": fs.Rmdir("sub"), "unlink": fs.Unlink("file"), "rename": fs.Rename("file", "new"),
		"link": fs.Link("file", "new"), "symlink": fs.Symlink("file", "new"), "chmod": fs.Chmod("file", 0o777), "times": fs.Utimens("file", 0, 0),
	} {
		want(t, what, number, experimental.EROFS)
	}
	f, number := fs.OpenFile("good", experimental.O_RDONLY, 0)
	want(t, "open", number, 0)
	want(t, "times of an open file", f.Utimens(0, 0), experimental.EROFS)
	if _, number := f.Write([]byte("x")); number == 0 {
		t.Error("a file opened for reading is written to")
	}
	if number := f.Truncate(0); number == 0 {
		t.Error("a file opened for reading is truncated")
	}
	buf := make([]byte, 10)
	n, number := f.Read(buf)
	want(t, "read", number, 0)
	if string(buf[:n]) != "text" {
		t.Errorf("read %q", buf[:n])
	}
	want(t, "close", f.Close(), 0)
	if text, err := os.ReadFile(filepath.Join(in, "file")); string(text) != "text" || err != nil {
		t.Errorf("the file is %q, %v", text, err)
	}
}

// TestFilesWork holds that files and directories do what a guest expects of them.
func TestFilesWork(t *testing.T) {
	in, _ := tree(t)
	fs := open(t, in, false)
	f, number := fs.OpenFile("/sub/new", experimental.O_RDWR|experimental.O_CREAT|experimental.O_EXCL, 0o640)
	want(t, "create", number, 0)
	want(t, "write", second(f.Write([]byte("0123456789"))), 0)
	want(t, "pwrite", second(f.Pwrite([]byte("X"), 3)), 0)
	want(t, "append", f.SetAppend(true), 0)
	want(t, "seek", second(f.Seek(0, 0)), 0)
	want(t, "write at the end", second(f.Write([]byte("end"))), 0)
	want(t, "no append", f.SetAppend(false), 0)
	want(t, "truncate", f.Truncate(12), 0)
	appender, number := fs.OpenFile("sub/new", experimental.O_WRONLY|experimental.O_APPEND, 0)
	want(t, "open to append", number, 0)
	want(t, "write", second(appender.Write([]byte("!"))), 0)
	if !appender.IsAppend() {
		t.Error("what was opened to append does not say so")
	}
	want(t, "no append", appender.SetAppend(false), 0)
	want(t, "pwrite", second(appender.Pwrite([]byte("?"), 11)), 0)
	want(t, "truncate", appender.Truncate(12), 0)
	want(t, "close", appender.Close(), 0)
	want(t, "negative", f.Truncate(-1), experimental.EINVAL)
	want(t, "sync", f.Sync(), 0)
	at := time.Unix(1_000_000_000, 5)
	want(t, "times", f.Utimens(experimental.UTIME_OMIT, at.UnixNano()), 0)
	buf := make([]byte, 20)
	n, number := f.Pread(buf, 2)
	want(t, "pread", number, 0)
	if string(buf[:n]) != "2X456789e?" {
		t.Errorf("the file holds %q from 2", buf[:n])
	}
	st, number := f.Stat()
	want(t, "stat", number, 0)
	if st.Size != 12 || st.Mtim != at.UnixNano() || st.Ino == 0 || f.IsAppend() {
		t.Errorf("%+v", st)
	}
	want(t, "close", f.Close(), 0)
	want(t, "create again", opens(fs, "sub/new", experimental.O_RDWR|experimental.O_CREAT|experimental.O_EXCL), experimental.EEXIST)
	want(t, "directory", opens(fs, "sub", experimental.O_RDONLY|experimental.O_DIRECTORY), 0)
	want(t, "no directory", opens(fs, "file", experimental.O_RDONLY|experimental.O_DIRECTORY), experimental.ENOTDIR)
	want(t, "missing", opens(fs, "missing", experimental.O_RDONLY), experimental.ENOENT)
	want(t, "unlink of a directory", fs.Unlink("sub"), experimental.EISDIR)
	want(t, "rmdir of a file", fs.Rmdir("file"), experimental.ENOTDIR)
	want(t, "rmdir of a full one", fs.Rmdir("sub"), experimental.ENOTEMPTY)
	want(t, "a link", opens(fs, "good", experimental.O_RDONLY), 0)
	want(t, "a link that is not to be followed", opens(fs, "good", experimental.O_RDWR|experimental.O_TRUNC|experimental.O_NOFOLLOW), experimental.ELOOP)
	want(t, "no link, not to be followed", opens(fs, "file", experimental.O_RDONLY|experimental.O_NOFOLLOW), 0)
	want(t, "link", fs.Link("file", "sub/file"), 0)
	want(t, "rename", fs.Rename("sub/new", "moved"), 0)
	want(t, "unlink", fs.Unlink("sub/file"), 0)
	want(t, "rmdir", fs.Rmdir("sub"), 0)
	if text, number := fs.Readlink("good"); text != "file" || number != 0 {
		t.Errorf("readlink %q, %v", text, number)
	}
	link, number := fs.Lstat("good")
	want(t, "lstat", number, 0)
	if link.Mode.IsRegular() {
		t.Error("lstat follows the link")
	}
}

// TestADirectoryIsListedAnewAfterRewinding holds that each entry comes once, in parts too, and what was made meanwhile.
func TestADirectoryIsListedAnewAfterRewinding(t *testing.T) {
	in, _ := tree(t)
	fs := open(t, in, false)
	d, number := fs.OpenFile(".", experimental.O_RDONLY|experimental.O_DIRECTORY, 0)
	want(t, "open", number, 0)
	defer d.Close()
	list := func() (names []string) {
		for {
			entries, number := d.Readdir(2)
			want(t, "readdir", number, 0)
			if len(entries) == 0 {
				slices.Sort(names)
				return names
			}
			for _, e := range entries {
				names = append(names, e.Name)
			}
		}
	}
	if got := list(); !slices.Equal(got, []string{"absolute", "file", "good", "relative", "sub", "up"}) {
		t.Errorf("listed %v", got)
	}
	want(t, "mkdir", fs.Mkdir("later", 0o700), 0)
	want(t, "rewind", second(d.Seek(0, 0)), 0)
	if got := list(); len(got) != 7 || !slices.Contains(got, "later") {
		t.Errorf("listed again %v", got)
	}
}
