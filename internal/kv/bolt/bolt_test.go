package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/claviger/claviger/internal/kv"
	"github.com/claviger/claviger/internal/kv/kvtest"
)

// open opens the store at path and closes it at the end of the test.
func open(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(path, Options{})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(s *Store, key string, value []byte) error {
	return s.Update(func(w kv.Writer) error { return w.Put([]byte(key), value) })
}

func get(t *testing.T, s *Store, key string) string {
	t.Helper()
	var out string
	must(t, s.View(func(r kv.Reader) error {
		v, err := r.Get([]byte(key))
		out = string(v)
		return err
	}))
	return out
}

func TestContract(t *testing.T) {
	kvtest.Test(t, func(t *testing.T) kv.Store {
		s, err := Open(filepath.Join(t.TempDir(), "store.db"), Options{})
		must(t, err)
		return s
	})
}

func TestReopenKeepsEverything(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := Open(path, Options{})
	must(t, err)
	must(t, put(s, "a", []byte("1")))
	must(t, s.Rewrite(func(_ kv.Reader, w kv.Writer) error { return w.Put([]byte("b"), []byte("2")) }))
	must(t, put(s, "c", []byte("3")))
	must(t, s.Close())
	s = open(t, path)
	if got := get(t, s, "b") + get(t, s, "c"); got != "23" {
		t.Errorf("got %q", got)
	}
	if st, err := os.Stat(path); err != nil || st.Mode() != 0o600 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
}

func TestASecondOpenIsRefusedAlsoAfterARewrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, path)
	for range 2 {
		start := time.Now()
		_, err := Open(path, Options{LockWait: 60 * time.Millisecond})
		if !errors.Is(err, kv.ErrLocked) || !strings.Contains(err.Error(), path) {
			t.Errorf("%v", err)
		}
		if waited := time.Since(start); waited < 60*time.Millisecond {
			t.Errorf("it waited %v", waited)
		}
		must(t, s.Rewrite(func(kv.Reader, kv.Writer) error { return nil }))
	}
}

// A process that waits for the lock of a file which is then replaced must not end up with the replaced one.
func TestAWaiterGetsTheFileThatIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := Open(path, Options{})
	must(t, err)
	must(t, put(s, "a", []byte("old")))
	opened := make(chan *Store, 1)
	go func() {
		other, err := Open(path, Options{LockWait: 10 * time.Second})
		if err != nil {
			t.Error(err)
		}
		opened <- other
	}()
	time.Sleep(50 * time.Millisecond) // the waiter polls the old file
	must(t, s.Rewrite(func(_ kv.Reader, w kv.Writer) error { return w.Put([]byte("a"), []byte("new")) }))
	must(t, s.Close())
	other := <-opened
	if other == nil {
		t.FailNow()
	}
	defer func() { must(t, other.Close()) }()
	if got := get(t, other, "a"); got != "new" {
		t.Errorf("the waiter sees %q", got)
	}
}

func TestFilesThatOthersCouldReachAreRefused(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(path string) error
	}{
		{"group may read", func(p string) error { return os.Chmod(p, 0o640) }},
		{"others may write", func(p string) error { return os.Chmod(p, 0o602) }},
		{"directory open to others", func(p string) error { return os.Chmod(filepath.Dir(p), 0o777) }},
		{"directory open to group", func(p string) error { return os.Chmod(filepath.Dir(p), 0o770) }},
		{"symbolic link", func(p string) error {
			return errors.Join(os.Rename(p, p+".real"), os.Symlink(p+".real", p))
		}},
		{"dangling link", func(p string) error { return errors.Join(os.Remove(p), os.Symlink(p+".none", p)) }},
		{"link where the new file goes", func(p string) error {
			return errors.Join(os.Remove(p), os.Symlink(p+".elsewhere", p+".new"))
		}},
		{"fifo", func(p string) error { return errors.Join(os.Remove(p), syscall.Mkfifo(p, 0o600)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "store.db")
			s, err := Open(path, Options{})
			must(t, err)
			must(t, s.Close())
			must(t, c.spoil(path))
			if s, err := Open(path, Options{}); !errors.Is(err, kv.ErrForbidden) {
				t.Errorf("%v", err)
				if err == nil {
					must(t, s.Close())
				}
			}
			if _, err := os.Lstat(path + ".elsewhere"); err == nil {
				t.Error("a link was followed")
			}
		})
	}
}

// TestEveryCutOfTheFileIsToldOrHarmless cuts a store at many lengths. Opening either says that it is damaged or gives
// all that was in it; it never ends the process and never makes an empty store of it.
func TestEveryCutOfTheFileIsToldOrHarmless(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := Open(path, Options{})
	must(t, err)
	must(t, put(s, "a", bytes.Repeat([]byte("x"), 20_000)))
	must(t, put(s, "b", []byte("1")))
	must(t, s.Close())
	whole, err := os.ReadFile(path)
	must(t, err)
	told := 0
	for n := 0; n < min(len(whole), 80_000); n += 997 {
		must(t, os.WriteFile(path, whole[:n], 0o600))
		s, err := Open(path, Options{})
		if err != nil {
			told++
			if !errors.Is(err, kv.ErrDamaged) {
				t.Errorf("cut to %d bytes: %v", n, err)
			}
			continue
		}
		if get(t, s, "b") != "1" || len(get(t, s, "a")) != 20_000 {
			t.Errorf("cut to %d bytes, the store opens and has lost something", n)
		}
		must(t, s.Close())
	}
	if told == 0 {
		t.Error("no cut was told")
	}
}

func TestALeftoverOfACrashIsRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	for _, leftover := range []string{"", "half a file", strings.Repeat("x", 40_000)} {
		must(t, os.WriteFile(path+".new", []byte(leftover), 0o600)) // before the store was ever there, and after
		s, err := Open(path, Options{})
		must(t, err)
		must(t, put(s, "a", []byte("1")))
		if got := get(t, s, "a"); got != "1" {
			t.Errorf("got %q", got)
		}
		must(t, s.Close())
		if _, err := os.Stat(path + ".new"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the leftover is still there: %v", err)
		}
	}
}

func TestRewriteLargerThanItsBatchesIsWhole(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "store.db"))
	value := bytes.Repeat([]byte("v"), 100_000)
	must(t, s.Rewrite(func(_ kv.Reader, w kv.Writer) error {
		for i := range 300 {
			if err := w.Put(fmt.Appendf(nil, "k%03d", i), value); err != nil {
				return err
			}
		}
		n := 0
		for p, err := range w.Scan([]byte("k")) {
			if err != nil || !bytes.Equal(p.Value, value) {
				t.Errorf("%s: %v", p.Key, err)
			}
			n++
		}
		if n != 300 {
			t.Errorf("%d pairs of 300", n)
		}
		return nil
	}))
	if got := get(t, s, "k299"); got != string(value) {
		t.Errorf("%d bytes", len(got))
	}
}

// TestNoSpaceFailsTheUpdateAndNothingElse lowers the limit on file sizes, in a process of its own, until the file
// cannot grow: that takes the path of a full disk.
func TestNoSpaceFailsTheUpdateAndNothingElse(t *testing.T) {
	if os.Getenv("CLAVIGER_BOLT_CHILD") == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), "CLAVIGER_BOLT_CHILD=1")
		out, err := cmd.CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("--- PASS")) {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	s := open(t, filepath.Join(t.TempDir(), "store.db"))
	must(t, put(s, "a", []byte("1")))
	st, err := os.Stat(s.path)
	must(t, err)
	var limit syscall.Rlimit
	must(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit))
	must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: uint64(st.Size()), Max: limit.Max}))
	big := bytes.Repeat([]byte("b"), 8<<20)
	for range 3 {
		if err := put(s, "big", big); !errors.Is(err, kv.ErrFull) {
			t.Errorf("an update without space: %v", err)
		}
	}
	err = s.Rewrite(func(_ kv.Reader, w kv.Writer) error { return w.Put([]byte("big"), big) })
	if !errors.Is(err, kv.ErrFull) {
		t.Errorf("a rewrite without space: %v", err)
	}
	if _, err := os.Stat(s.path + ".new"); err == nil {
		t.Error("the rewrite left its file")
	}
	if got := get(t, s, "a"); got != "1" {
		t.Errorf("earlier data is %q", got)
	}
	must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit))
	must(t, put(s, "big", big))
	if got := get(t, s, "a"); got != "1" || len(get(t, s, "big")) != len(big) {
		t.Error("after space came back, something is missing")
	}
}

func TestOnlyFailuresBeforeAnythingCountsAreNoSpace(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{&os.PathError{Op: "write", Err: syscall.ENOSPC}, true},
		{&os.PathError{Op: "write", Err: syscall.EDQUOT}, true},
		{&os.PathError{Op: "write", Err: syscall.EIO}, false},
		{truncation(fmt.Errorf("file resize error: %v", &os.PathError{Op: "truncate", Path: "x", Err: syscall.EFBIG})), true},
		{truncation(fmt.Errorf("file resize error: %v", syscall.EIO)), false},
		{truncation(errors.New("file sync error: no space left on device")), false},
		{syscall.ENOSPC, false}, // of fdatasync
		{syscall.EIO, false},
	} {
		if noSpace(c.err) != c.want {
			t.Errorf("%v: want %v", c.err, c.want)
		}
	}
}

// TestAfterAFailedSyncNothingIsWritten takes the store through what a failed fdatasync does to it.
func TestAfterAFailedSyncNothingIsWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := Open(path, Options{})
	must(t, err)
	must(t, put(s, "a", []byte("1")))
	if err := s.failed(syscall.EIO); !errors.Is(err, kv.ErrBroken) {
		t.Errorf("%v", err)
	}
	if err := put(s, "b", []byte("2")); !errors.Is(err, kv.ErrBroken) {
		t.Errorf("an update: %v", err)
	}
	if err := s.Rewrite(func(kv.Reader, kv.Writer) error { return nil }); !errors.Is(err, kv.ErrBroken) {
		t.Errorf("a rewrite: %v", err)
	}
	if got := get(t, s, "a"); got != "1" {
		t.Errorf("a read: %q", got)
	}
	must(t, s.Close())
	s = open(t, path)
	must(t, put(s, "b", []byte("2")))
}

// TestAFaultOfTheMappingIsAnError cuts the file under an open store, which the mapping answers with a bus error.
func TestAFaultOfTheMappingIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, path)
	must(t, put(s, "a", bytes.Repeat([]byte("x"), 100_000)))
	must(t, os.Truncate(path, 8192)) // the roots stay
	err := s.View(func(r kv.Reader) error {
		_, err := r.Get([]byte("a"))
		return err
	})
	if !errors.Is(err, kv.ErrDamaged) {
		t.Errorf("%v", err)
	}
	if debug.SetPanicOnFault(false) {
		t.Error("the goroutine's setting was left changed")
	}
}
