package secmem

import (
	"golang.org/x/sys/unix"

	"github.com/claviger/claviger"
)

// Harden makes the process undumpable (PR_SET_DUMPABLE 0: no core file, no ptrace and no /proc/PID/mem for others of
// the same uid) and sets RLIMIT_CORE to zero, soft and hard. The daemon calls it before it reads its first secret; it
// holds for the rest of the process's life and is not inherited through execve where dumpability is concerned. The
// error is ErrInternal, and the caller should not go on.
func Harden() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return claviger.Errorf(claviger.ErrInternal, "secmem", "process cannot be made undumpable: %v", err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return claviger.Errorf(claviger.ErrInternal, "secmem", "core files cannot be ruled out: %v", err)
	}
	return nil
}
