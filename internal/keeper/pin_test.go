package keeper

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/claviger/claviger"
)

// TestAPINIsOneLine holds what of a file is the PIN, and which files hold none.
func TestAPINIsOneLine(t *testing.T) {
	long := strings.Repeat("7", MaxPIN)
	for text, want := range map[string]string{
		"1234": "1234", "1234\n": "1234", "1234\r\n": "1234", " 12 ": " 12 ", "x": "x", long: long, long + "\r\n": long,
		"": "", "\n": "", "1234\n\n": "", "12\n34": "", "12\x0034": "", long + "7": "", long + "7\n": "",
	} {
		path := filepath.Join(t.TempDir(), "token.pin")
		check(t, os.WriteFile(path, []byte(text), 0o600))
		pin, err := PINFile(path).Read()
		switch {
		case want == "" && (!errors.Is(err, claviger.ErrInvalidArgument) || !strings.Contains(err.Error(), path)):
			t.Errorf("%q: %v", text, err)
		case want != "" && (err != nil || !bytes.Equal(pin.Bytes(), []byte(want))):
			t.Errorf("%q: %d bytes, %v", text, pin.Len(), err)
		}
		if err != nil && text != "" && strings.Contains(strings.ReplaceAll(err.Error(), path, ""), "34") {
			t.Errorf("%v tells of the PIN", err)
		}
		pin.Close()
	}
}

// TestPINFilesThatOthersCouldReachAreRefused holds that the rules are those of key files.
func TestPINFilesThatOthersCouldReachAreRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dir", "token.pin")
	check(t, os.Mkdir(filepath.Dir(path), 0o700))
	if _, err := PINFile(path).Read(); !errors.Is(err, claviger.ErrResourceNotFound) {
		t.Errorf("missing: %v", err)
	}
	check(t, os.WriteFile(path, []byte("1234"), 0o600))
	chmod(t, path, 0o640)
	if _, err := PINFile(path).Read(); err == nil || !strings.Contains(err.Error(), "mode 0640; nobody else may have access") {
		t.Errorf("readable by the group: %v", err)
	}
	chmod(t, path, 0o600)
	chmod(t, filepath.Dir(path), 0o777)
	if _, err := PINFile(path).Read(); err == nil || !strings.Contains(err.Error(), "others can write there") {
		t.Errorf("in an open directory: %v", err)
	}
	chmod(t, filepath.Dir(path), 0o700)
	check(t, os.Rename(path, path+".real"))
	check(t, os.Symlink(path+".real", path))
	if _, err := PINFile(path).Read(); err == nil || !strings.Contains(err.Error(), "is a symbolic link") {
		t.Errorf("a link: %v", err)
	}
}

func TestAPINCanBeACredential(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "credentials")
	check(t, os.Mkdir(dir, 0o700))
	check(t, os.WriteFile(filepath.Join(dir, "token.pin"), []byte("1234\n"), 0o400))
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	p, err := PINCredential("token.pin")
	check(t, err)
	pin, err := p.Read()
	check(t, err)
	defer pin.Close()
	if !pin.Equal([]byte("1234")) || p.Name() != "PIN in systemd credential token.pin" {
		t.Errorf("%d bytes of %s", pin.Len(), p.Name())
	}
	if _, err := PINCredential("../token.pin"); !errors.Is(err, claviger.ErrInvalidArgument) {
		t.Errorf("a path: %v", err)
	}
}
