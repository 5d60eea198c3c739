package keeper

import (
	"crypto/rand"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/secmem"
)

// File makes a keeper from the key file at path, which holds exactly KeySize raw random bytes and nothing else; such
// as CreateFile makes. It is read, and judged, at each use: refused are a symbolic link, anything but a regular file, a
// file that group or others can read or write, one that belongs to another user than ours or root, and a directory
// that others can write to. Nothing is read yet.
func File(path string) *Keeper {
	return &Keeper{keyed{place{label: "key file " + path, path: path}}}
}

// Credential makes a keeper from the systemd credential of that name (LoadCredential=, LoadCredentialEncrypted=,
// SetCredentialEncrypted=): KeySize raw bytes in $CREDENTIALS_DIRECTORY. Rules are those of File, except that systemd
// may leave a root-owned file readable by its group. The error is ErrInvalidArgument when the name is none or the
// variable is not set.
func Credential(name string) (*Keeper, error) {
	path, err := credentialPath(name)
	if err != nil {
		return nil, err
	}
	return &Keeper{keyed{place{label: "systemd credential " + name, path: path, credential: true}}}, nil
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

// key reads the key, KeySize bytes, anew; the caller closes it. A file of zero bytes is what a lost write leaves, and no
// key.
func (k keyed) key() (*secmem.Bytes, error) {
	file, size, err := k.open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	if size != KeySize {
		return nil, k.refuse("has %d bytes; want exactly %d", size, KeySize)
	}
	key, err := secmem.New(KeySize)
	if err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(file, key.Bytes()); err != nil {
		key.Close()
		return nil, claviger.Errorf(claviger.ErrOperationFailed, "keeper", "%s: %v", k.label, err)
	}
	if key.Equal(make([]byte, KeySize)) {
		key.Close()
		return nil, k.refuse("holds nothing but zero bytes")
	}
	return key, nil
}
