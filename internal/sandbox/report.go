package sandbox

import (
	"fmt"
	"strings"
)

// Report is what is in force for a worker. Descriptors, no_new_privs, undumpability and core files are not in it: they always are.
type Report struct {
	Mode     Mode
	UID, GID int      // whom the worker runs as
	Landlock int      // the ABI whose rules apply; 0 for none
	Seccomp  bool     // the filter applies
	Network  bool     // nothing keeps the worker from making and connecting sockets
	Missing  []string // what was asked for and cannot be had: "landlock", "seccomp", "rules on truncation", "uid 990"; never with Required
}

// String reads "uid 990, landlock 7, seccomp, no network", with "; missing: ..." behind it if something is.
func (r Report) String() string {
	parts := []string{fmt.Sprintf("uid %d", r.UID)}
	if r.Landlock > 0 {
		parts = append(parts, fmt.Sprintf("landlock %d", r.Landlock))
	}
	if r.Seccomp {
		parts = append(parts, "seccomp")
	}
	if r.Network {
		parts = append(parts, "network")
	} else {
		parts = append(parts, "no network")
	}
	if r.Mode == Off {
		parts = append(parts, "sandbox off")
	}
	text := strings.Join(parts, ", ")
	if len(r.Missing) > 0 {
		text += "; missing: " + strings.Join(r.Missing, ", ")
	}
	return text
}
