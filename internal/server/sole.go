package server

import (
	"sync/atomic"
	"time"
)

// soleFor is how long something must have been the only one with requests before it may hold up a processor.
const soleFor = time.Millisecond

// sole knows which one of many had the last request, and since when all requests were its. The zero value is ready;
// safe for concurrent use.
type sole[T any] struct {
	latest atomic.Pointer[T]
	since  atomic.Int64 // the server's clock
}

// note tells of a request of x.
func (s *sole[T]) note(x *T, now int64) {
	if s.latest.Load() != x {
		s.latest.Store(x)
		s.since.Store(now)
	}
}

// is reports whether x is the only one that is in use.
func (s *sole[T]) is(x *T, now int64) bool {
	return s.latest.Load() == x && now-s.since.Load() > int64(soleFor)
}

// forget lets go of x, which is no more.
func (s *sole[T]) forget(x *T) { s.latest.CompareAndSwap(x, nil) }
