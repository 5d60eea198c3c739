package daemon

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"github.com/claviger/claviger"
)

// lock holds the store for this process alone: an exclusive flock on path, which holds the number of the process that
// has it. Closing the file ends it, as does the end of the process; the file stays. A lock that another process holds
// is ErrAlreadyInitialized and names it.
func lock(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, claviger.WrapError(claviger.ErrInvalidArgument, "lock", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		taken := claviger.Errorf(claviger.ErrAlreadyInitialized, "lock", "%s is locked by %s", path, holder(file))
		return nil, errors.Join(taken, file.Close())
	}
	if err == nil {
		err = file.Truncate(0)
	}
	if err == nil {
		_, err = fmt.Fprintf(file, "%d\n", os.Getpid())
	}
	if err != nil {
		return nil, errors.Join(claviger.WrapError(claviger.ErrOperationFailed, "lock", err), file.Close())
	}
	return file, nil
}

// holder names the process that wrote its number into a lock file.
func holder(file *os.File) string {
	var text [16]byte
	n, err := file.ReadAt(text[:], 0)
	pid := strings.TrimSpace(string(text[:n]))
	if (err != nil && !errors.Is(err, io.EOF)) || pid == "" || strings.Trim(pid, "0123456789") != "" {
		return "another process"
	}
	return "process " + pid
}
