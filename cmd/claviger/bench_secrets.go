package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger/internal/link/linkbench"
)

// Sizes of the group "secrets".
const (
	secretSize  = 512       // bytes of each secret
	fewSecrets  = 1000      // in the store beside which the large one is read
	mostSecrets = 1_000_000 // one tenant may have a few more
)

// What opening a large store may take, and the daemon over it.
const (
	openBudget   = 100 * time.Millisecond
	memoryBudget = 200 << 20 // bytes
)

// secrets measures durable writes against appending to a file, and a store of many secrets against one of few. Stores and
// file lie on the same medium.
func (a *app) secrets(ctx context.Context, f benchFlags) (err error) {
	dir, err := mediumDir()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := &bench{ctx: ctx, flags: f, out: json.NewEncoder(a.stdout)}
	if err := b.secretWrites(dir); err != nil {
		return err
	}
	return b.manySecrets(dir)
}

// mediumDir makes a directory on a medium that keeps what is written: under $TMPDIR, or under /var/tmp, because /tmp is
// often in memory. One in memory is refused: a write there is durable for nothing.
func mediumDir() (string, error) {
	parent := os.Getenv("TMPDIR")
	if parent == "" {
		parent = "/var/tmp"
	}
	var st unix.Statfs_t
	if err := unix.Statfs(parent, &st); err != nil {
		return "", fmt.Errorf("%s: %w", parent, err)
	}
	if st.Type == unix.TMPFS_MAGIC || st.Type == unix.RAMFS_MAGIC {
		return "", fmt.Errorf("%s is in memory; let TMPDIR name a directory on the medium to be measured", parent)
	}
	return os.MkdirTemp(parent, "claviger-bench-")
}

// secretWrites compares a durable write through the daemon with the same bytes at the end of a file and fdatasync.
func (b *bench) secretWrites(dir string) error {
	v, err := b.openVault(filepath.Join(dir, "writes"))
	if err != nil {
		return err
	}
	defer v.close()
	file, err := os.OpenFile(filepath.Join(dir, "appended"), os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	appended := appending(file)
	put := func() error { _, err := v.put(b.ctx); return err }
	const peer = "append + fdatasync"
	if err := b.latency("durable write of a secret", peer, "<= 2.4", put, appended); err != nil {
		return err
	}
	return b.compare("durable writes of secrets, 64 callers", peer+", one after the other", ">= 3", perSecond,
		rate(vaultCallers, false, each(put)), rate(1, false, each(appended)))
}

// appending gives a call that makes a secret's bytes durable at the end of a file.
func appending(file *os.File) func() error {
	value := make([]byte, secretSize)
	return func() error {
		if _, err := file.Write(value); err != nil {
			return err
		}
		return syscall.Fdatasync(int(file.Fd()))
	}
}

// manySecrets makes two stores through their daemons and compares them: making, opening, memory and reading.
func (b *bench) manySecrets(dir string) error {
	few, err := b.openVault(filepath.Join(dir, "few"))
	if err != nil {
		return err
	}
	defer few.close()
	if err := few.fill(b.ctx, fewSecrets); err != nil {
		return err
	}
	many, err := b.openVault(filepath.Join(dir, "many"))
	if err != nil {
		return err
	}
	defer many.close()
	name := fmt.Sprintf("%d secrets", b.flags.secrets)
	if err := b.making(many, name); err != nil {
		return err
	}
	if err := b.opening(many, name); err != nil {
		return err
	}
	if err := b.compare("read among "+name, fmt.Sprintf("among %d", fewSecrets), "<= 2", microseconds,
		b.p50(false, many.reading(b.ctx)), b.p50(false, few.reading(b.ctx))); err != nil {
		return err
	}
	return b.memory(name+": anonymous memory of a daemon that opened and reads them", many)
}

// making fills the large store through the daemon. Its peer is as many appends, of which a sample is measured.
func (b *bench) making(v *vault, name string) error {
	file, err := os.OpenFile(filepath.Join(v.dir, "appended"), os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	theirs, err := linkbench.Rate(b.flags.span, 1, false, each(appending(file)))
	if err != nil {
		return err
	}
	begin := time.Now()
	if err := v.fill(b.ctx, b.flags.secrets); err != nil {
		return err
	}
	ours := float64(b.flags.secrets) / time.Since(begin).Seconds()
	if err := b.out.Encode(figure{name + ", made through the daemon by 64 callers", "append + fdatasync, one after the other",
		ours / theirs, "", perSecond(ours), perSecond(theirs)}); err != nil {
		return err
	}
	size, err := v.size()
	if err != nil {
		return err
	}
	payload := int64(b.flags.secrets) * secretSize
	if err := b.out.Encode(figure{name + ": size of the store", "the secrets alone", float64(size) / float64(payload), "",
		mebibytes(size), mebibytes(payload)}); err != nil {
		return err
	}
	return b.memory(name+": anonymous memory of the daemon that made them", v)
}

// opening starts the daemon over the large store again and again, each time up to its first read. The start of the
// process, which a store of any size pays, is in the figure.
func (b *bench) opening(v *vault, name string) error {
	var all []float64
	for range b.flags.rounds {
		v.close()
		begin := time.Now()
		if err := v.start(b.ctx); err != nil {
			return err
		}
		if err := v.reading(b.ctx)(); err != nil {
			return err
		}
		all = append(all, float64(time.Since(begin)))
	}
	took := time.Duration(median(all))
	return b.out.Encode(figure{name + ": start of the daemon to its first read", openBudget.String(), float64(took) / float64(openBudget),
		"<= 1", milliseconds(took), milliseconds(openBudget)})
}

// memory prints what the vault's daemon holds now.
func (b *bench) memory(name string, v *vault) error {
	used := anonymousMemory(v.child.cmd.Process.Pid)
	return b.out.Encode(figure{name, mebibytes(memoryBudget), float64(used) / memoryBudget, "<= 1", mebibytes(used), mebibytes(memoryBudget)})
}
