package store

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

// benchName draws a name as secrets have it.
func benchName() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// BenchmarkAppendFdatasync is the yardstick: 512 bytes at the end of a file, and fdatasync.
func BenchmarkAppendFdatasync(b *testing.B) {
	file, err := os.OpenFile(filepath.Join(b.TempDir(), "log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	must(b, err)
	defer func() { must(b, file.Close()) }()
	value := make([]byte, 512)
	for b.Loop() {
		_, err := file.Write(value)
		must(b, err)
		must(b, syscall.Fdatasync(int(file.Fd())))
	}
}

// BenchmarkUpdate is a durable record of 512 bytes under a random name, by callers that each wait for their own.
func BenchmarkUpdate(b *testing.B) {
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			db := inFile(b, filepath.Join(b.TempDir(), "store.db"), newKeeper(b))
			defer func() { must(b, db.Close()) }()
			work := make(chan struct{})
			var wg sync.WaitGroup
			for range callers {
				wg.Go(func() {
					value := make([]byte, 512)
					for range work {
						err := db.Update(b.Context(), func(tx *Tx) error {
							return tx.Put(Key{KindSecret, benchName(), 1}, 1, value)
						})
						if err != nil {
							b.Error(err)
						}
					}
				})
			}
			for b.Loop() {
				work <- struct{}{}
			}
			close(work)
			wg.Wait()
		})
	}
}

// BenchmarkGet reads a record of 512 bytes in a view of its own.
func BenchmarkGet(b *testing.B) {
	db := inFile(b, filepath.Join(b.TempDir(), "store.db"), newKeeper(b))
	defer func() { must(b, db.Close()) }()
	k := Key{KindSecret, benchName(), 1}
	must(b, db.Update(b.Context(), func(tx *Tx) error { return tx.Put(k, 1, make([]byte, 512)) }))
	b.ReportAllocs()
	for b.Loop() {
		must(b, db.View(func(tx *Tx) error { _, err := tx.Get(k); return err }))
	}
}
