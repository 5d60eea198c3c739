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

// mostLinks is how many links a module may be behind, as many as the kernel follows (path_resolution(7)).
const mostLinks = 40

// guarded refuses a module that somebody else could exchange: it, every link on the way to it, and every directory above any of them must be
// root's, the daemon's user's or the worker's, and not for everybody to write; a directory may be if it is sticky. What cannot be looked
// at, the worker's user may see.
func (t *token) guarded(module string) error {
	trusted := []uint32{0, uint32(os.Geteuid())}
	if u := t.p.Token.User; u != nil {
		trusted = append(trusted, u.UID)
	}
	at, links := "/", 0
	for rest := strings.Split(module, "/"); len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		next := filepath.Join(at, name)
		st, err := os.Lstat(next)
		if err != nil {
			return nil
		}
		if err := exchangeable(next, module, st, trusted); err != nil {
			return err
		}
		if st.Mode().Type() != fs.ModeSymlink {
			at = next
			continue
		}
		target, err := os.Readlink(next)
		if links++; err != nil || links > mostLinks {
			return claviger.Errorf(claviger.ErrProviderNotAvailable, "token", "module %s is behind links that cannot be followed", module)
		}
		if filepath.IsAbs(target) {
			at = "/"
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return nil
}

// exchangeable says why somebody else could put another file in the place of a module, or change it, at one path on the way to it.
func exchangeable(at, module string, st fs.FileInfo, trusted []uint32) error {
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
	named := slices.Concat(t.p.Token.Read, t.p.Token.Write)
	for value := range maps.Values(t.p.Token.Env) {
		if value != dir && within(value, dir) {
			named = append(named, filepath.Clean(value))
		}
	}
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
