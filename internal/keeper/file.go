package keeper

import (
	"context"
	"crypto/rand"
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

// keyFile is a file of exactly KeySize raw bytes.
type keyFile struct {
	path       string
	credential string // the credential's name; "" for a file of our own
}

// File makes a keeper from the key file at path, which holds exactly KeySize raw random bytes and nothing else; such
// as CreateFile makes. It is read, and judged, at each use: refused are a symbolic link, anything but a regular file, a
// file that group or others can read or write, one that belongs to another user than ours or root, and a directory
// that others can write to. Nothing is read yet.
func File(path string) *Keeper { return &Keeper{keyFile{path: path}} }

// Credential makes a keeper from the systemd credential of that name (LoadCredential=, LoadCredentialEncrypted=,
// SetCredentialEncrypted=): KeySize raw bytes in $CREDENTIALS_DIRECTORY. Rules are those of File, except that systemd
// may leave a root-owned file readable by its group. The error is ErrInvalidArgument when the name is none or the
// variable is not set.
func Credential(name string) (*Keeper, error) {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, "keeper", "%q is no name of a credential", claviger.Clip(name))
	}
	dir := os.Getenv(credentialsVariable)
	if !filepath.IsAbs(dir) {
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, "keeper", "credential %q: $%s is not set; the unit needs LoadCredential=", name, credentialsVariable)
	}
	return &Keeper{keyFile{path: filepath.Join(dir, name), credential: name}}, nil
}

// FromPath is Credential for a path that begins with "$CREDENTIALS_DIRECTORY/", and File for any other.
func FromPath(path string) (*Keeper, error) {
	if name, ok := strings.CutPrefix(path, "$"+credentialsVariable+"/"); ok {
		return Credential(name)
	}
	return File(path), nil
}

// CreateFile makes a key file of KeySize random bytes with mode 0600, durable when it returns. A file that exists is
// ErrAlreadyInitialized and stays as it is; a directory that File would refuse is ErrInvalidArgument.
func CreateFile(path string) error {
	if err := checkDirectory(filepath.Dir(path)); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return claviger.Errorf(claviger.ErrAlreadyInitialized, "keeper", "key file %s exists already", path)
	}
	if err != nil {
		return claviger.WrapError(claviger.ErrOperationFailed, "keeper", err)
	}
	var key [KeySize]byte
	_, _ = rand.Read(key[:]) // never fails
	_, err = file.Write(key[:])
	secmem.Wipe(key[:])
	if err = errors.Join(err, file.Sync(), file.Close(), syncDirectory(filepath.Dir(path))); err != nil {
		return errors.Join(claviger.WrapError(claviger.ErrOperationFailed, "keeper", err), os.Remove(path))
	}
	return nil
}

func syncDirectory(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func (f keyFile) name() string {
	if f.credential != "" {
		return "systemd credential " + f.credential
	}
	return "key file " + f.path
}

func (f keyFile) protects() string {
	if f.credential != "" {
		return "protects a copy of the store made without the credential, as far as systemd's source of it does; not against root, or whoever can read both"
	}
	return "protects a copy of the store made without the key file; not against root, or whoever can read both"
}

// key is source's.
func (f keyFile) key(context.Context) (*secmem.Bytes, error) {
	if err := checkDirectory(filepath.Dir(f.path)); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(f.path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) {
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, "keeper", "%s: %s is a symbolic link", f.name(), f.path)
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil, claviger.Errorf(claviger.ErrResourceNotFound, "keeper", "%s: there is no file %s", f.name(), f.path)
	}
	if err != nil {
		return nil, claviger.WrapError(claviger.ErrOperationFailed, "keeper", err)
	}
	defer func() { _ = file.Close() }()
	if err := f.check(file); err != nil {
		return nil, err
	}
	return f.read(file)
}

// check judges the opened file, so that nobody can exchange it after the look.
func (f keyFile) check(file *os.File) error {
	st, err := file.Stat()
	if err != nil {
		return claviger.WrapError(claviger.ErrOperationFailed, "keeper", err)
	}
	owner := st.Sys().(*syscall.Stat_t).Uid
	forbidden := os.FileMode(0o077)
	if f.credential != "" && owner == 0 {
		forbidden = 0o037 // systemd gives the unit's user access by a list whose mask shows as the group's bits
	}
	switch perm := st.Mode().Perm(); {
	case !st.Mode().IsRegular():
		return claviger.Errorf(claviger.ErrInvalidArgument, "keeper", "%s: %s is not a regular file", f.name(), f.path)
	case perm&forbidden != 0:
		return claviger.Errorf(claviger.ErrInvalidArgument, "keeper", "%s: %s has mode %04o; nobody else may have access (chmod 0600)", f.name(), f.path, perm)
	case !trusted(owner):
		return claviger.Errorf(claviger.ErrInvalidArgument, "keeper", "%s: %s is owned by uid %d, mode %04o; want uid %d or root", f.name(), f.path, owner, perm, os.Geteuid())
	case st.Size() != KeySize:
		return claviger.Errorf(claviger.ErrInvalidArgument, "keeper", "%s: %s has %d bytes; want exactly %d", f.name(), f.path, st.Size(), KeySize)
	}
	return nil
}

// read reads the key. A file of zero bytes is what a lost write leaves, and no key.
func (f keyFile) read(file *os.File) (*secmem.Bytes, error) {
	key, err := secmem.New(KeySize)
	if err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(file, key.Bytes()); err != nil {
		key.Close()
		return nil, claviger.Errorf(claviger.ErrOperationFailed, "keeper", "%s: %v", f.name(), err)
	}
	if key.Equal(make([]byte, KeySize)) {
		key.Close()
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, "keeper", "%s: %s holds nothing but zero bytes", f.name(), f.path)
	}
	return key, nil
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
