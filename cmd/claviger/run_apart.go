package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/claviger/claviger"
)

// checkMounts refuses a directory that is only to be read where another --dir lets the guest change it.
func checkMounts(mounts []mount) error {
	for _, inner := range mounts {
		for _, outer := range mounts {
			if !inner.readOnly || outer.readOnly {
				continue
			}
			if in, err := within(inner.host, outer.host); err != nil || in {
				return firstError(err, usagef("--dir %s:ro lies in --dir %s, through which the guest could change it", claviger.Clip(inner.host), claviger.Clip(outer.host)))
			}
		}
	}
	return nil
}

// checkKeeperApart refuses a keeper's directory, if there is one, that the guest sees: the key file and the store are in it.
func checkKeeperApart(keeper string, mounts []mount) error {
	if keeper == "" {
		return nil
	}
	keeper = filepath.Clean(keeper) // as it is opened
	for _, m := range mounts {
		if met, err := meet(keeper, m.host); err != nil || met {
			return firstError(err, usagef("--embedded %s and --dir %s: one lies in the other, and the guest could read its keys", claviger.Clip(keeper), claviger.Clip(m.host)))
		}
	}
	return nil
}

// checkCacheApart refuses a cache that the guest could change.
func checkCacheApart(cache string, mounts []mount) error {
	for _, m := range mounts {
		if m.readOnly {
			continue
		}
		if met, err := meet(cache, m.host); err != nil || met {
			return firstError(err, usagef("--dir %s reaches the cache of compiled modules, %s, and the guest could change what runs the next time: choose another --cache DIR, --no-cache, or :ro",
				claviger.Clip(m.host), claviger.Clip(cache)))
		}
	}
	return nil
}

// meet reports whether one of two directories is the other or lies in it.
func meet(a, b string) (bool, error) {
	in, err := within(a, b)
	if in || err != nil {
		return in, err
	}
	return within(b, a)
}

// within reports whether a directory is another one or lies in it, whatever links lead there. Neither needs to exist.
func within(inner, outer string) (bool, error) {
	target, err := os.Stat(outer)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	path, err := realPath(inner)
	if err != nil {
		return false, err
	}
	for ; ; path = filepath.Dir(path) {
		if st, err := os.Stat(path); err == nil && os.SameFile(st, target) {
			return true, nil
		}
		if path == filepath.Dir(path) {
			return false, nil
		}
	}
}

// realPath gives a path without symbolic links, as far as it exists.
func realPath(dir string) (string, error) {
	path, err := filepath.EvalSymlinks(dir)
	if err == nil {
		return filepath.Abs(path)
	}
	if !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
		return "", err
	}
	above, err := realPath(filepath.Dir(dir))
	return filepath.Join(above, filepath.Base(dir)), err
}

// firstError gives the first error that there is.
func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
