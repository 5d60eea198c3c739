package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/tetratelabs/wazero"

	"github.com/claviger/claviger"
)

// moduleCache opens the cache of compiled modules; nil for none. A cache that cannot be made costs time only, and standard
// error says so. One that others can write to is ErrAccessDenied: what lies in it is run in this process.
func (a *app) moduleCache(f *runFlags) (wazero.CompilationCache, error) {
	if f.noCache {
		return nil, nil
	}
	dir, err := cacheDir(f.cache)
	if err == nil {
		if err := checkCache(dir); err != nil {
			return nil, err
		}
		var cache wazero.CompilationCache
		if cache, err = wazero.NewCompilationCacheWithDir(dir); err == nil {
			return cache, nil
		}
	}
	fmt.Fprintf(a.stderr, "claviger: run: no cache of compiled modules: %v; --no-cache does without\n", err)
	return nil, nil
}

// cacheDir makes the directory, and gives its path without symbolic links.
func cacheDir(dir string) (string, error) {
	if dir == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(base, "claviger", "wasm")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(dir)
}

// checkCache refuses a directory that others can write to, or can put another in the place of: those above it may be
// written to by others only with the sticky bit.
func checkCache(dir string) error {
	for path, own := dir, true; ; path, own = filepath.Dir(path), false {
		st, err := os.Lstat(path)
		if err != nil {
			return claviger.WrapError(claviger.ErrAccessDenied, "cache", err)
		}
		others := st.Mode().Perm()&0o022 != 0 && (own || st.Mode()&fs.ModeSticky == 0)
		if owner := int(st.Sys().(*syscall.Stat_t).Uid); owner != 0 && owner != os.Geteuid() {
			return claviger.Errorf(claviger.ErrAccessDenied, "cache", "%s belongs to uid %d; compiled modules are kept only where nobody else can write", path, owner)
		}
		if others {
			return claviger.Errorf(claviger.ErrAccessDenied, "cache", "%s has mode %04o: others could change compiled modules (chmod go-w, --cache DIR or --no-cache)",
				path, st.Mode().Perm())
		}
		if path == filepath.Dir(path) {
			return nil
		}
	}
}
