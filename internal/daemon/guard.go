package daemon

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/claviger/claviger"
)

// guarded refuses a module that somebody else could exchange: it, the file that it may be a link to, and every directory above
// either must be root's, the daemon's user's or the worker's, and not for everybody to write; a directory may be if it is sticky.
// What cannot be looked at, the worker's user may see.
func (t *token) guarded(module string) error {
	paths := []string{filepath.Clean(module)}
	if real, err := filepath.EvalSymlinks(module); err == nil && real != paths[0] {
		paths = append(paths, real)
	}
	trusted := []uint32{0, uint32(os.Geteuid())}
	if u := t.p.Token.User; u != nil {
		trusted = append(trusted, u.UID)
	}
	for _, path := range paths {
		for at := path; ; at = filepath.Dir(at) {
			if err := exchangeable(at, module, trusted); err != nil {
				return err
			}
			if at == filepath.Dir(at) {
				break
			}
		}
	}
	return nil
}

// exchangeable says why somebody else could put another file in the place of a module, or change it, at one path on the way to it.
func exchangeable(at, module string, trusted []uint32) error {
	st, err := os.Lstat(at)
	if err != nil {
		return nil
	}
	const code = claviger.ErrProviderNotAvailable
	if owner := st.Sys().(*syscall.Stat_t).Uid; !slices.Contains(trusted, owner) {
		return claviger.Errorf(code, "token", "%s is owned by uid %d, who could exchange module %s; it must be root's, the daemon's or the worker's", at, owner, module)
	}
	perm, kind := st.Mode().Perm(), st.Mode().Type()
	if perm&0o002 == 0 || kind == fs.ModeSymlink || kind == fs.ModeDir && st.Mode()&fs.ModeSticky != 0 {
		return nil
	}
	if kind == fs.ModeDir {
		return claviger.Errorf(code, "token", "directory %s has mode %04o: everybody can exchange module %s (chmod o-w)", at, perm, module)
	}
	return claviger.Errorf(code, "token", "module %s has mode %04o: everybody can change it (chmod o-w)", module, perm)
}

// private lists what beneath a directory others than its owner and group may not read, for a worker that is root and would be kept
// out by nothing but its confinement. What the configuration names, as a path or in a variable, is left out.
func (t *token) private(dir string) (list []string) {
	named := slices.Concat(t.p.Token.Read, t.p.Token.Write, slices.Collect(maps.Values(t.p.Token.Env)))
	_ = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return fs.SkipDir
		}
		if e.Type() == fs.ModeSymlink {
			return nil
		}
		st, err := e.Info()
		if err != nil || st.Mode().Perm()&0o004 != 0 || slices.ContainsFunc(named, func(n string) bool { return within(n, path) || within(path, n) }) {
			return nil
		}
		list = append(list, path)
		if e.IsDir() {
			return fs.SkipDir
		}
		return nil
	})
	return list
}

// within tells whether a clean path is a directory or lies beneath it.
func within(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}
