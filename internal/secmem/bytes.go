// Package secmem holds secrets in memory of its own: outside the Go heap, so that the garbage collector leaves no
// copies; locked against swapping as far as RLIMIT_MEMLOCK allows; left out of core dumps and of forked children;
// wiped when released; and redacted wherever a value might be printed or encoded.
//
// The price of a small key is its size class, not a page. What the standard library expands from a key (an AES key
// schedule, for instance) lives on the Go heap and is outside this package's promise.
//
// The arenas are the one package-level state: locked memory is a budget of the process, so its keeper is too.
// Everything here is safe for concurrent use.
package secmem

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"sync/atomic"

	"github.com/claviger/claviger"
)

// MaxSize is the largest secret in bytes: 64 MiB, the longest message that an operation holds as a whole.
const MaxSize = 64 << 20

// redacted stands for a secret wherever one would be printed.
const redacted = "[redacted]"

// Bytes is a secret of fixed length. It must be closed: a Bytes that is merely dropped keeps its locked memory until
// the process ends. Methods may be called by several goroutines, but the slice that the method Bytes hands out is as
// shared as any slice, and whoever closes must know that nobody uses it any longer. The zero value is an empty secret.
type Bytes struct {
	mem    []byte // the secret's own length; nil when empty
	slot   slot   // where mem came from
	closed atomic.Bool
}

// New makes a secret of n zero bytes, 0 <= n <= MaxSize. The error is ErrInvalidArgument for another n and
// ErrAllocationFailed when the system has no memory.
func New(n int) (*Bytes, error) {
	if n < 0 || n > MaxSize {
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, "secmem", "secret of %d bytes; the limit is %d", n, MaxSize)
	}
	if n == 0 {
		return &Bytes{}, nil
	}
	s, err := arenas.alloc(n)
	if err != nil {
		return nil, err
	}
	return &Bytes{mem: s.mem[:n:n], slot: s}, nil
}

// From makes a secret with a copy of src, which stays as it is and the caller's. Errors are those of New.
func From(src []byte) (*Bytes, error) {
	b, err := New(len(src))
	if err != nil {
		return nil, err
	}
	copy(b.mem, src)
	return b, nil
}

// Take is From, after which src is wiped; on an error src is wiped too.
func Take(src []byte) (*Bytes, error) {
	defer Wipe(src)
	return From(src)
}

// Bytes gives the secret itself, not a copy: writes go through, and the slice must not be used after Close. It is nil
// when the secret is empty or closed.
func (b *Bytes) Bytes() []byte {
	if b == nil || b.closed.Load() {
		return nil
	}
	return b.mem
}

// Len is the secret's length in bytes; zero after Close.
func (b *Bytes) Len() int { return len(b.Bytes()) }

// Equal compares with other in a time that depends on the lengths alone.
func (b *Bytes) Equal(other []byte) bool { return subtle.ConstantTimeCompare(b.Bytes(), other) == 1 }

// Close wipes the secret and gives its memory back. Further calls do nothing. It never fails.
func (b *Bytes) Close() {
	if b == nil || b.closed.Swap(true) || b.mem == nil {
		return
	}
	Wipe(b.mem)
	arenas.release(b.slot)
}

// String gives "[redacted]".
func (b *Bytes) String() string { return redacted }

// GoString gives "[redacted]".
func (b *Bytes) GoString() string { return redacted }

// Format writes "[redacted]" for every verb and flag of package fmt.
func (b *Bytes) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue gives "[redacted]" to log/slog.
func (b *Bytes) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText gives "[redacted]"; there is no way back.
func (b *Bytes) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON gives the JSON string "[redacted]"; there is no way back.
func (b *Bytes) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// Wipe sets every byte of p to zero, in a way that the compiler does not remove.
func Wipe(p []byte) {
	clear(p)
	runtime.KeepAlive(p)
}
