package sandbox

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/claviger/claviger"
)

// op names this room in errors.
const op = "sandbox"

// self is the running program, whatever has become of its file since.
const self = "/proc/self/exe"

// Mode says what happens when the kernel, or the daemon's lack of privileges, withholds a part of the confinement.
type Mode int

// The modes. Required is the zero value.
const (
	Required  Mode = iota // what cannot be had is an error that names it, and no worker starts
	Preferred             // what cannot be had is left out, and the report says so
	Off                   // no Landlock, no seccomp; descriptors, no_new_privs, dumpability and core files are seen to all the same
)

// String gives "required", "preferred" or "off".
func (m Mode) String() string {
	switch m {
	case Required:
		return "required"
	case Preferred:
		return "preferred"
	case Off:
		return "off"
	}
	return "unknown"
}

// User is whom a worker runs as.
type User struct {
	UID, GID uint32
	Groups   []uint32 // the supplementary groups, exactly
}

// Config is how a worker is started. The zero value starts this program again, without arguments or environment,
// under full confinement, and it may read nothing but what every program needs. Start does not change it or keep it.
type Config struct {
	Path string   // the program, absolute; "" for the running one, also when its file has been replaced
	Args []string // arguments behind the program's name
	Env  []string // the environment, exactly, as "NAME=value"; nothing is inherited

	User    *User // nil for the daemon's own user and groups
	Mode    Mode
	Network bool // the worker may make and connect sockets; it may never listen

	// Read lists absolute paths beneath which the worker may read files, list directories and map libraries. Write lists
	// those beneath which it may also make, change, rename and remove files, and use devices, but execute nothing. A path may be a file. One that does
	// not exist is an error. Landlock knows files and not names: what is renamed into a listed directory is reached, what
	// replaces a listed file is not.
	Read, Write []string

	// Hidden lists absolute paths that the worker must not reach although they lie beneath a path that it reads: the
	// daemon's own files. A directory around a hidden path is opened entry by entry instead of as a whole, links left out; what is
	// made in it later stays closed. A path in Write must not contain a hidden one. A hidden path need not exist.
	Hidden []string

	// Stderr takes what the worker and its foreign code print to standard output and standard error, a line for each
	// Write, without control characters, at most 1024 bytes of it, 200 lines at once and ten a second after that. It is called by
	// one goroutine at a time, until Wait returns; the worker waits for it. Nil throws it away.
	Stderr io.Writer

	kernel *Kernel // what tests pretend is offered; nil asks the kernel
}

// checked gives a copy with absolute paths verified and Hidden resolved, so that the worker, who may see less, need not.
func (c Config) checked() (Config, error) {
	if c.Path == "" {
		c.Path = self
	}
	for _, list := range [][]string{{c.Path}, c.Read, c.Write, c.Hidden} {
		for _, path := range list {
			if !filepath.IsAbs(path) || strings.ContainsRune(path, 0) {
				return c, claviger.Errorf(claviger.ErrInvalidArgument, op, "path %q is not absolute", path)
			}
		}
	}
	hidden := make([]string, 0, len(c.Hidden))
	for _, path := range c.Hidden {
		real, err := resolve(filepath.Clean(path))
		if err != nil {
			return c, claviger.Errorf(claviger.ErrInvalidArgument, op, "hidden path cannot be resolved: %v", err)
		}
		hidden = append(hidden, real)
	}
	c.Hidden = hidden
	if c.Env == nil {
		c.Env = []string{} // nil would inherit
	}
	return c, nil
}

// argv gives the worker's arguments with the program's name in front.
func (c Config) argv() []string {
	name := c.Path
	if name == self && len(os.Args) > 0 {
		name = os.Args[0]
	}
	return append([]string{name}, c.Args...)
}

// resolve follows the links in a path as far as it exists.
func resolve(path string) (string, error) {
	real, err := filepath.EvalSymlinks(path)
	if err == nil || !errors.Is(err, fs.ErrNotExist) || path == "/" {
		return real, err
	}
	parent, err := resolve(filepath.Dir(path))
	return filepath.Join(parent, filepath.Base(path)), err
}
