package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/tetratelabs/wazero"

	"github.com/claviger/claviger"
)

// moduleCache opens the cache of compiled modules; nil for none. A cache that cannot be made costs time only, and standard
// error says so. One that others can write to, or could once, is ErrAccessDenied, and one that the guest could change wrong
// usage: what lies in it is run in this process.
func (a *app) moduleCache(f *runFlags, mounts []mount) (wazero.CompilationCache, error) {
	if f.noCache {
		return nil, nil
	}
	dir, err := cacheDir(f.cache)
	if err == nil {
		if err := firstError(checkCacheApart(dir, mounts), checkCache(dir), checkCached(dir)); err != nil {
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

// checkCached refuses compiled modules that somebody else has put into the cache, or could change, because the cache was once
// open to others. wazero keeps them in directories of this name, one for each of its versions.
func checkCached(dir string) error {
	own, err := filepath.Glob(filepath.Join(globQuote(dir), "wazero-*"))
	if err != nil {
		return claviger.WrapError(claviger.ErrAccessDenied, "cache", err)
	}
	for _, path := range own {
		if err := filepath.WalkDir(path, checkEntry); err != nil {
			return err
		}
	}
	return nil
}

// globQuote takes the meaning from the characters that mean something in a pattern.
func globQuote(path string) string {
	return strings.NewReplacer("\\", "\\\\", "*", "\\*", "?", "\\?", "[", "\\[").Replace(path)
}

// checkEntry refuses what is no file or directory of this user's or root's, or what others can write to.
func checkEntry(path string, d fs.DirEntry, err error) error {
	var st fs.FileInfo
	if err == nil {
		st, err = d.Info()
	}
	switch {
	case errors.Is(err, fs.ErrNotExist): // another run has just finished with it
		return nil
	case err != nil:
		return claviger.WrapError(claviger.ErrAccessDenied, "cache", err)
	}
	owner := int(st.Sys().(*syscall.Stat_t).Uid)
	if foreign := owner != 0 && owner != os.Geteuid(); !foreign && st.Mode().Perm()&0o022 == 0 && (st.IsDir() || st.Mode().IsRegular()) {
		return nil
	}
	return claviger.Errorf(claviger.ErrAccessDenied, "cache", "%s (%v, of uid %d) may be somebody else's work; remove it, or choose another --cache DIR", path, st.Mode(), owner)
}
