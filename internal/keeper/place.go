package keeper

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/secmem"
)

// credentialsVariable is where systemd says which directory holds the unit's credentials (systemd.exec(5)).
const credentialsVariable = "CREDENTIALS_DIRECTORY"

// place is a file that holds what opens the store: one of our own, or a systemd credential.
type place struct {
	label      string // for people: "key file /etc/claviger/store.key"
	path       string
	credential bool
}

// credentialPath gives the path of the systemd credential of that name. The error is ErrInvalidArgument when the name
// is none or $CREDENTIALS_DIRECTORY is not set.
func credentialPath(name string) (string, error) {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
		return "", claviger.Errorf(claviger.ErrInvalidArgument, "keeper", "%q is no name of a credential", claviger.Clip(name))
	}
	dir := os.Getenv(credentialsVariable)
	if !filepath.IsAbs(dir) {
		return "", claviger.Errorf(claviger.ErrInvalidArgument, "keeper", "credential %q: $%s is not set; the unit needs LoadCredential=", name, credentialsVariable)
	}
	return filepath.Join(dir, name), nil
}

// open opens the file and gives its length in bytes. Refused, as ErrInvalidArgument, is what File lists; a file that is
// missing is ErrResourceNotFound.
func (p place) open() (*os.File, int64, error) {
	if err := checkDirectory(filepath.Dir(p.path)); err != nil {
		return nil, 0, err
	}
	file, err := os.OpenFile(p.path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) {
		return nil, 0, p.refuse("is a symbolic link")
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil, 0, claviger.Errorf(claviger.ErrResourceNotFound, "keeper", "%s: there is no file %s", p.label, p.path)
	}
	if err != nil {
		return nil, 0, claviger.WrapError(claviger.ErrOperationFailed, "keeper", err)
	}
	size, err := p.check(file)
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	return file, size, nil
}

// refuse makes the error that says what is wrong with the file.
func (p place) refuse(format string, args ...any) error {
	args = append([]any{p.label, p.path}, args...)
	return claviger.Errorf(claviger.ErrInvalidArgument, "keeper", "%s: %s "+format, args...)
}

// check judges the opened file, so that nobody can exchange it after the look, and gives its length.
func (p place) check(file *os.File) (int64, error) {
	st, err := file.Stat()
	if err != nil {
		return 0, claviger.WrapError(claviger.ErrOperationFailed, "keeper", err)
	}
	owner := st.Sys().(*syscall.Stat_t).Uid
	forbidden := os.FileMode(0o077)
	if p.credential && owner == 0 {
		forbidden = 0o037 // systemd gives the unit's user access by a list whose mask shows as the group's bits
	}
	switch perm := st.Mode().Perm(); {
	case !st.Mode().IsRegular():
		return 0, p.refuse("is not a regular file")
	case perm&forbidden != 0:
		return 0, p.refuse("has mode %04o; nobody else may have access (chmod 0600)", perm)
	case !trusted(owner):
		return 0, p.refuse("is owned by uid %d, mode %04o; want uid %d or root", owner, perm, os.Geteuid())
	}
	return st.Size(), nil
}

// line reads the one line of text of low to high bytes that the file holds, without its line end; the caller closes it.
func (p place) line(what string, low, high int) (*secmem.Bytes, error) {
	file, size, err := p.open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	if size > int64(high)+2 {
		return nil, p.refuse("has %d bytes; %s may have %d", size, what, high)
	}
	text := make([]byte, size)
	defer secmem.Wipe(text)
	if _, err := io.ReadFull(file, text); err != nil {
		return nil, claviger.Errorf(claviger.ErrOperationFailed, "keeper", "%s: %v", p.label, err)
	}
	line := bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
	switch {
	case bytes.ContainsAny(line, "\r\n\x00"):
		return nil, p.refuse("holds more than one line of text")
	case len(line) < low:
		return nil, p.refuse("holds %d bytes; %s has at least %d", len(line), what, low)
	case len(line) > high:
		return nil, p.refuse("holds %d bytes; %s may have %d", len(line), what, high)
	}
	return secmem.From(line)
}

// checkDirectory refuses a directory in which others could put another file: it, and every directory above it, must
// not be writable by group or others, unless it is sticky and not the file's own; and its owner must be ours or root.
func checkDirectory(dir string) error {
	dir, err := filepath.Abs(dir)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return claviger.WrapError(claviger.ErrResourceNotFound, "keeper", err)
	}
	for at, own := dir, true; ; at, own = filepath.Dir(at), false {
		st, err := os.Stat(at)
		if err != nil {
			return claviger.WrapError(claviger.ErrOperationFailed, "keeper", err)
		}
		open := st.Mode().Perm()&0o022 != 0
		if open && (own || st.Mode()&os.ModeSticky == 0) {
			return claviger.Errorf(claviger.ErrInvalidArgument, "keeper", "directory %s has mode %04o; others can write there", at, st.Mode().Perm())
		}
		if owner := st.Sys().(*syscall.Stat_t).Uid; own && !trusted(owner) {
			return claviger.Errorf(claviger.ErrInvalidArgument, "keeper", "directory %s is owned by uid %d", at, owner)
		}
		if at == filepath.Dir(at) {
			return nil
		}
	}
}

// trusted tells whether a file's owner is us or root.
func trusted(owner uint32) bool { return owner == 0 || int(owner) == os.Geteuid() }
