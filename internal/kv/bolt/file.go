package bolt

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	"go.etcd.io/bbolt"

	"github.com/claviger/claviger/internal/kv"
)

// lockPoll is the time between two looks at a lock that another process holds.
const lockPoll = 20 * time.Millisecond

// ensure makes the file when it is missing. It is built under its second name and renamed when it is durable, so that
// a crash leaves no half of it; who holds the lock on the second name is the only one who builds.
func ensure(path string, wait time.Duration) error {
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	gen, err := openFile(path+".new", wait, true)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(path); err == nil { // another process was quicker; Open removes what we made
		return gen.close()
	}
	return errors.Join(os.Rename(path+".new", path), syncDir(path), gen.close())
}

// openFile opens one file as a database: a fresh one, whatever was in it, or one that must be whole.
func openFile(path string, wait time.Duration, fresh bool) (gen *generation, err error) {
	flags := os.O_RDWR
	if fresh {
		flags |= os.O_CREATE
	}
	file, err := openLocked(path, flags, wait)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = unlockAndClose(file) // closed already if bbolt had it
		}
	}()
	if fresh {
		if err := file.Truncate(0); err != nil {
			return nil, err
		}
	} else if st, err := file.Stat(); err != nil || st.Size() == 0 {
		return nil, errors.Join(fmt.Errorf("%w: %s: the file is empty", kv.ErrDamaged, path), err)
	}
	db, err := openDB(file, fresh)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &generation{db: db, file: file, done: make(chan struct{})}, nil
}

// unlockAndClose gives a file up that bbolt may not have let go of: a mapping that it left would keep the lock.
func unlockAndClose(file *os.File) error {
	return errors.Join(syscall.Flock(int(file.Fd()), syscall.LOCK_UN), file.Close())
}

// openDB lets bbolt use the locked file and checks that it is ours and has all its pages.
func openDB(file *os.File, fresh bool) (db *bbolt.DB, err error) {
	defer guard(debug.SetPanicOnFault(true), &err)
	db, err = bbolt.Open(file.Name(), 0o600, &bbolt.Options{
		Timeout:         lockPoll,
		FreelistType:    bbolt.FreelistMapType,
		InitialMmapSize: firstMapping,
		NoStatistics:    true,
		OpenFile:        func(string, int, os.FileMode) (*os.File, error) { return file, nil },
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %v", kv.ErrDamaged, err)
	}
	db.AllocSize = growth
	if fresh {
		err = db.Update(func(tx *bbolt.Tx) error {
			_, err := tx.CreateBucket([]byte(bucket))
			return err
		})
	} else {
		err = db.View(func(tx *bbolt.Tx) error { return whole(tx, file) })
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// whole checks that the file is a store and holds every page that its root page counts.
func whole(tx *bbolt.Tx, file *os.File) error {
	st, err := file.Stat()
	switch {
	case err != nil:
		return err
	case st.Size() < tx.Size():
		return fmt.Errorf("%w: it has %d bytes of %d", kv.ErrDamaged, st.Size(), tx.Size())
	case tx.Bucket([]byte(bucket)) == nil:
		return fmt.Errorf("%w: it is no store of Claviger", kv.ErrDamaged)
	}
	return nil
}

// openLocked opens a file without following a link, takes its lock, and makes sure that the locked file is still the
// one at path: a rewrite by another process may have put a new one there meanwhile.
func openLocked(path string, flags int, wait time.Duration) (*os.File, error) {
	deadline := time.Now().Add(wait)
	for {
		file, err := os.OpenFile(path, flags|syscall.O_NOFOLLOW, 0o600)
		if errors.Is(err, syscall.ELOOP) {
			return nil, fmt.Errorf("%w: %s is a symbolic link", kv.ErrForbidden, path)
		}
		if err != nil {
			return nil, err
		}
		ready, err := lockAndCheck(file, path)
		if err == nil && ready {
			return file, nil
		}
		_ = file.Close()
		if err != nil {
			return nil, err
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("%w: %s", kv.ErrLocked, path)
		}
		time.Sleep(lockPoll)
	}
}

// lockAndCheck tells whether the file is now locked by us and at its path; the error is final.
func lockAndCheck(file *os.File, path string) (bool, error) {
	opened, err := file.Stat()
	if err != nil {
		return false, err
	}
	if err := checkFile(path, opened); err != nil {
		return false, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("%s: flock: %w", path, err)
	}
	now, err := os.Lstat(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return false, err
	}
	return err == nil && os.SameFile(opened, now), nil
}

// checkFile refuses a file that is not a regular one of ours alone.
func checkFile(path string, st os.FileInfo) error {
	switch owner := st.Sys().(*syscall.Stat_t).Uid; {
	case !st.Mode().IsRegular():
		return fmt.Errorf("%w: %s is not a regular file", kv.ErrForbidden, path)
	case st.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("%w: %s has mode %04o; want 0600", kv.ErrForbidden, path, st.Mode().Perm())
	case int(owner) != os.Geteuid() && owner != 0:
		return fmt.Errorf("%w: %s is owned by uid %d", kv.ErrForbidden, path, owner)
	}
	return nil
}

// checkDir refuses a directory in which others could put their file in place of ours.
func checkDir(dir string) error {
	st, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if !st.IsDir() {
		return fmt.Errorf("%w: %s is not a directory", kv.ErrForbidden, dir)
	}
	if st.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("%w: directory %s has mode %04o; group and others must not write there", kv.ErrForbidden, dir, st.Mode().Perm())
	}
	return nil
}

// syncDir makes the names in path's directory durable.
func syncDir(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
