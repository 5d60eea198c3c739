package daemon

import (
	"encoding/json"
	"log/slog"
	"net"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/config"
	"github.com/claviger/claviger/internal/sandbox"
)

// WorkerSettings is what a worker is told first, as JSON: which device it is for.
type WorkerSettings struct {
	Release  string              `json:"release"` // of the daemon; "" if it is none
	Kind     config.ProviderKind `json:"kind"`
	Module   string              `json:"module"`
	Label    string              `json:"label,omitempty"` // exactly one of Label, Serial and Slot is set
	Serial   string              `json:"serial,omitempty"`
	Slot     *uint64             `json:"slot,omitempty"`
	Sessions int                 `json:"sessions"`
}

// ReadSettings reads what a worker was told first. A daemon of another release than this program is ErrProviderNotAvailable: the two
// speak to each other as one program does to itself.
func ReadSettings(text []byte) (WorkerSettings, error) {
	var s WorkerSettings
	if err := json.Unmarshal(text, &s); err != nil {
		return s, claviger.Errorf(claviger.ErrInvalidFormat, "worker", "the daemon's settings are not in their form")
	}
	if own := release(); s.Release != "" && own != "" && s.Release != own {
		return s, claviger.Errorf(claviger.ErrProviderNotAvailable, "worker", "the worker's program is claviger %s, the daemon's is %s", own, claviger.Clip(s.Release))
	}
	return s, nil
}

// release is the version of this module in the running program, "" for a build from a working tree.
func release() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == "github.com/claviger/claviger" && m.Replace == nil && m.Version != "(devel)" && !strings.HasSuffix(m.Version, "+dirty") {
			return m.Version
		}
	}
	return ""
}

// workerCommand gives the program that a worker is, and its arguments. "" is the running program.
func workerCommand(line []string) (path string, args []string, err error) {
	if len(line) > 0 {
		return line[0], line[1:], nil
	}
	path, err = exec.LookPath("claviger")
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return "", nil, claviger.Errorf(claviger.ErrProviderNotAvailable, "token", "the program claviger, which works with tokens, is not to be found: %v", err)
	}
	return path, []string{"worker"}, nil
}

// confined is a process of the sandbox as the daemon's end of a worker sees it.
type confined struct{ *sandbox.Process }

// Conn is the daemon's end of the socket pair.
func (c confined) Conn() *net.UnixConn { return c.Process.Conn }

// Detail says what confines the worker.
func (c confined) Detail() string { return c.Report.String() }

// printed puts what a worker's foreign code prints into the log. The sandbox gives a line at a time, fit to be printed.
type printed struct{ log *slog.Logger }

// Write logs one line.
func (p printed) Write(line []byte) (int, error) {
	p.log.Debug("worker prints", "line", strings.TrimSuffix(string(line), "\n"))
	return len(line), nil
}
