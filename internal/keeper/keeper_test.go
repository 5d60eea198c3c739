package keeper

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/primitive/xaes"
)

// keyAt makes a key file and gives its path.
func keyAt(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.key")
	if err := CreateFile(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestUnwrapGivesWhatWasWrapped(t *testing.T) {
	path := keyAt(t)
	secret := []byte("fifty-two bytes or any other number")
	wrapped, err := File(path).Wrap(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(wrapped, secret[:8]) {
		t.Error("the secret shows in what is wrapped")
	}
	got, err := File(path).Unwrap(t.Context(), wrapped)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Close()
	if !got.Equal(secret) {
		t.Error("another secret came back")
	}
}

func TestWrappedBytesAreTheOnesDrawn(t *testing.T) {
	key := bytes.Repeat([]byte{7}, KeySize)
	aead, err := xaes.New(key)
	if err != nil {
		t.Fatal(err)
	}
	got := hex.EncodeToString(wrap(aead, keyID(key), [24]byte([]byte("ABCDEFGHIJKLMNOPQRSTUVWX")), []byte("data key")))
	const want = "019f2dbb3987df80174142434445464748494a4b4c4d4e4f505152535455565758aaeb9eb6f87952be9edb60c0056027458633ac1ce412642b"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestUnwrapRefusesAnotherKeyAndAlteredBytes(t *testing.T) {
	path := keyAt(t)
	wrapped, err := File(path).Wrap(t.Context(), []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = File(keyAt(t)).Unwrap(t.Context(), wrapped)
	if !errors.Is(err, claviger.ErrWrapUnwrapFailed) || !strings.Contains(err.Error(), "another key") {
		t.Errorf("another key: %v", err)
	}
	for i := range wrapped {
		altered := bytes.Clone(wrapped)
		altered[i] ^= 0x10
		if _, err := File(path).Unwrap(t.Context(), altered); err == nil {
			t.Errorf("byte %d altered, and still unwrapped", i)
		}
		if _, err := File(path).Unwrap(t.Context(), wrapped[:i]); err == nil {
			t.Errorf("cut to %d bytes, and still unwrapped", i)
		}
	}
}

func TestCreateFileKeepsWhatExists(t *testing.T) {
	path := keyAt(t)
	before, err := os.ReadFile(path)
	if err != nil || len(before) != KeySize {
		t.Fatalf("%d bytes, %v", len(before), err)
	}
	if err := CreateFile(path); !errors.Is(err, claviger.ErrAlreadyInitialized) {
		t.Errorf("the second CreateFile: %v", err)
	}
	after, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the key file changed, %v", err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode() != 0o600 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
}

// TestKeyFilesThatOthersCouldReachAreRefused goes through what can be wrong with a key file; the error names the path.
func TestKeyFilesThatOthersCouldReachAreRefused(t *testing.T) {
	for _, c := range []struct {
		name, want string
		spoil      func(t *testing.T, path string)
	}{
		{"readable by group", "mode 0640", func(t *testing.T, p string) { chmod(t, p, 0o640) }},
		{"readable by others", "mode 0604", func(t *testing.T, p string) { chmod(t, p, 0o604) }},
		{"writable by others", "mode 0602", func(t *testing.T, p string) { chmod(t, p, 0o602) }},
		{"directory writable by others", "mode 0777", func(t *testing.T, p string) { chmod(t, filepath.Dir(p), 0o777) }},
		{"directory writable by group", "mode 0770", func(t *testing.T, p string) { chmod(t, filepath.Dir(p), 0o770) }},
		{"own directory sticky and open", "mode 0777", func(t *testing.T, p string) { chmod(t, filepath.Dir(p), 0o777|os.ModeSticky) }},
		{"directory above open", "mode 0777", func(t *testing.T, p string) { chmod(t, filepath.Dir(filepath.Dir(p)), 0o777) }},
		{"symbolic link", "symbolic link", func(t *testing.T, p string) {
			check(t, os.Rename(p, p+".real"))
			check(t, os.Symlink(p+".real", p))
		}},
		{"fifo", "not a regular file", func(t *testing.T, p string) {
			check(t, os.Remove(p))
			check(t, syscall.Mkfifo(p, 0o600))
		}},
		{"directory", "not a regular file", func(t *testing.T, p string) {
			check(t, os.Remove(p))
			check(t, os.Mkdir(p, 0o700))
		}},
		{"missing", "no file", func(t *testing.T, p string) { check(t, os.Remove(p)) }},
		{"empty", "0 bytes", func(t *testing.T, p string) { check(t, os.WriteFile(p, nil, 0o600)) }},
		{"with a line end", "33 bytes", func(t *testing.T, p string) { check(t, os.WriteFile(p, bytes.Repeat([]byte("x"), 33), 0o600)) }},
		{"zeros", "zero bytes", func(t *testing.T, p string) { check(t, os.WriteFile(p, make([]byte, KeySize), 0o600)) }},
		{"another owner", "uid 65534", func(t *testing.T, p string) { chown(t, p) }},
		{"directory of another owner", "uid 65534", func(t *testing.T, p string) { chown(t, filepath.Dir(p)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "dir", "store.key")
			check(t, os.Mkdir(filepath.Dir(path), 0o700))
			check(t, CreateFile(path))
			check(t, File(path).Check(t.Context()))
			c.spoil(t, path)
			err := File(path).Check(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), filepath.Dir(filepath.Dir(path))) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if claviger.CodeOf(err) == claviger.ErrInternal {
				t.Errorf("%v has no code of its own", err)
			}
		})
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	check(t, os.Chmod(path, mode))
}

func chown(t *testing.T, path string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("giving a file away needs root")
	}
	check(t, os.Chown(path, 65534, 65534))
}

func TestCredentialFollowsSystemd(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "credentials")
	check(t, os.Mkdir(dir, 0o700))
	key := bytes.Repeat([]byte("k"), KeySize)
	check(t, os.WriteFile(filepath.Join(dir, "store.key"), key, 0o400))
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	k, err := FromPath("$CREDENTIALS_DIRECTORY/store.key")
	check(t, err)
	check(t, k.Check(t.Context()))
	if !strings.Contains(k.Describe(), "credential store.key") {
		t.Error(k.Describe())
	}
	if os.Geteuid() == 0 { // root-owned and group-readable is how systemd shows an access list
		chmod(t, filepath.Join(dir, "store.key"), 0o440)
		check(t, k.Check(t.Context()))
		if err := File(filepath.Join(dir, "store.key")).Check(t.Context()); err == nil {
			t.Error("a plain key file may not be readable by its group")
		}
	}
	chmod(t, filepath.Join(dir, "store.key"), 0o444)
	if err := k.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "mode 0444") {
		t.Errorf("readable by all: %v", err)
	}
}

func TestCredentialNamesAreNames(t *testing.T) {
	t.Setenv("CREDENTIALS_DIRECTORY", t.TempDir())
	for _, name := range []string{"", ".", "..", "a/b", "../etc/passwd", "a\x00b"} {
		if _, err := Credential(name); !errors.Is(err, claviger.ErrInvalidArgument) {
			t.Errorf("%q: %v", name, err)
		}
	}
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	if _, err := Credential("store.key"); !errors.Is(err, claviger.ErrInvalidArgument) {
		t.Errorf("without the variable: %v", err)
	}
}

func TestAnEndedContextReadsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := File(keyAt(t)).Wrap(ctx, []byte("x")); !errors.Is(err, claviger.ErrOperationTimedOut) {
		t.Errorf("%v", err)
	}
}

func FuzzUnwrap(f *testing.F) {
	key := bytes.Repeat([]byte{7}, KeySize)
	path := filepath.Join(f.TempDir(), "store.key")
	if err := os.WriteFile(path, key, 0o600); err != nil {
		f.Fatal(err)
	}
	aead, err := xaes.New(key)
	if err != nil {
		f.Fatal(err)
	}
	good := wrap(aead, keyID(key), [24]byte{1}, []byte("secret"))
	f.Add(good)
	f.Add(good[:40])
	f.Fuzz(func(t *testing.T, b []byte) {
		if secret, err := File(path).Unwrap(t.Context(), b); err == nil {
			if !bytes.Equal(b, good) {
				t.Error("bytes that were never wrapped were unwrapped")
			}
			secret.Close()
		}
	})
}
