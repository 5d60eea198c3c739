package sandbox

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/claviger/claviger"
)

// beneath reports whether path is dir or lies beneath it; both are clean and without links.
func beneath(path, dir string) bool {
	return path == dir || dir == "/" || strings.HasPrefix(path, dir+"/")
}

// covered reports whether path is hidden itself, by its own entry or by that of a directory above it.
func covered(path string, hidden []string) bool {
	return slices.ContainsFunc(hidden, func(h string) bool { return beneath(path, h) })
}

// contains reports whether something hidden lies at or beneath path.
func contains(path string, hidden []string) bool {
	return slices.ContainsFunc(hidden, func(h string) bool { return beneath(h, path) })
}

// addWhole allows rights at and beneath a path that must have nothing hidden in it.
func (r ruleset) addWhole(path string, rights uint64, hidden []string) error {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	if covered(real, hidden) || contains(real, hidden) {
		return claviger.Errorf(claviger.ErrInvalidArgument, op, "write path %s has something in it, or lies in something, that is kept from workers", path)
	}
	return r.add(real, rights)
}

// addAround allows rights at and beneath a path but for what is hidden there.
func (r ruleset) addAround(path string, rights uint64, hidden []string) error {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	if covered(real, hidden) {
		return claviger.Errorf(claviger.ErrInvalidArgument, op, "path %s is kept from workers", path)
	}
	if !contains(real, hidden) {
		return r.add(real, rights)
	}
	return r.addEntries(real, rights, hidden)
}

// addEntries allows rights on the entries of a directory in which something is hidden. Links are left out: what they lead
// to has its own place. What goes or cannot be reached while the directory is walked is left out too.
func (r ruleset) addEntries(dir string, rights uint64, hidden []string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		switch {
		case entry.Type()&fs.ModeSymlink != 0 || covered(path, hidden):
			continue
		case contains(path, hidden):
			err = r.addEntries(path, rights, hidden)
		default:
			err = r.add(path, rights)
		}
		if err != nil && !unreachable(err) {
			return err
		}
	}
	return nil
}
