package providertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/provider"
)

// sizes are the message lengths tried, in bytes: empty, around a block, and longer than any
// buffer is likely to be.
func sizes() []int { return []int{0, 1, 15, 16, 17, 32, 63, 64, 65, 1000, 4099} }

// message gives n bytes that no two positions make alike by accident.
func message(n int) []byte {
	m := make([]byte, n)
	for i := range m {
		m[i] = byte(i*7 + i>>8 + n)
	}
	return m
}

// inParts runs one message through an open stream in parts of an odd size.
func inParts(t *testing.T, stream provider.Stream, msg, signature []byte, part int) ([]byte, error) {
	t.Helper()
	var out []byte
	for rest := msg; len(rest) > 0; {
		n := min(part, len(rest))
		next, err := stream.Update(t.Context(), out, rest[:n])
		if err != nil {
			return nil, err
		}
		out, rest = next, rest[n:]
	}
	return stream.Finish(t.Context(), out, signature)
}

func begin(t *testing.T, o provider.Operator, op provider.Op, params *provider.Params) provider.Stream {
	t.Helper()
	stream, err := o.Begin(t.Context(), op, params)
	if err != nil {
		t.Fatalf("opening a stream: %v", err)
	}
	t.Cleanup(func() { stream.Close(); stream.Close() })
	return stream
}

// appended runs OneShot behind bytes that must stay, and gives what was added.
func appended(t *testing.T, o provider.Operator, op provider.Op, params *provider.Params, in []byte) []byte {
	t.Helper()
	const before = "before"
	keep := bytes.Clone(in)
	out, err := o.OneShot(t.Context(), op, params, []byte(before), in)
	if err != nil {
		t.Fatalf("%s of %d bytes: %v", op, len(in), err)
	}
	if !bytes.HasPrefix(out, []byte(before)) {
		t.Fatalf("%s overwrote what was in dst", op)
	}
	if !bytes.Equal(keep, in) {
		t.Fatalf("%s changed its input", op)
	}
	return out[len(before):]
}

// testStream holds what every stream with a fixed result promises. want gives the result of
// a message in one shot.
func testStream(t *testing.T, o provider.Operator, op provider.Op, params *provider.Params, want func([]byte) []byte) {
	t.Helper()
	stream := begin(t, o, op, params)
	for i, n := range sizes() {
		msg := message(n)
		for _, part := range []int{1, 7, 16, 33, 5000} {
			if i > 0 || part > 1 {
				if err := stream.Reset(t.Context(), params.IV); err != nil {
					t.Fatalf("reset: %v", err)
				}
			}
			if n > 1000 && part == 1 {
				continue
			}
			got, err := inParts(t, stream, msg, nil, part)
			if err != nil {
				t.Fatalf("%d bytes in parts of %d: %v", n, part, err)
			}
			if !bytes.Equal(got, want(msg)) {
				t.Fatalf("%d bytes in parts of %d differ from one shot", n, part)
			}
		}
	}
	testStreamEnds(t, stream, params, want)
}

// testStreamEnds holds what is promised after Finish, on a reset in mid-message, for an
// ended context and after Close.
func testStreamEnds(t *testing.T, stream provider.Stream, params *provider.Params, want func([]byte) []byte) {
	t.Helper()
	ctx := t.Context()
	if _, err := stream.Finish(ctx, nil, nil); err != nil {
		if err := stream.Reset(ctx, params.IV); err != nil {
			t.Fatalf("reset: %v", err)
		}
	} else {
		t.Error("a second Finish succeeded")
	}
	if _, err := stream.Update(ctx, nil, []byte("to be forgotten")); err != nil {
		t.Fatal(err)
	}
	if err := stream.Reset(ctx, params.IV); err != nil {
		t.Fatalf("reset in mid-message: %v", err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := stream.Update(ended, nil, []byte("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("update with a cancelled context: %v", err)
	}
	got, err := inParts(t, stream, []byte("kept"), nil, 3)
	if err != nil || !bytes.Equal(got, want([]byte("kept"))) {
		t.Errorf("a message after a reset in mid-message: wrong result or %v", err)
	}
	if _, err := stream.Update(ctx, nil, []byte("x")); err == nil {
		t.Error("an update after Finish succeeded")
	}
	stream.Close()
	if _, err := stream.Update(ctx, nil, []byte("x")); err == nil {
		t.Error("an update after Close succeeded")
	}
	if err := stream.Reset(ctx, params.IV); err == nil {
		t.Error("a reset after Close succeeded")
	}
}

// testClone holds that a copied state goes its own way.
func testClone(t *testing.T, stream provider.Stream, want func([]byte) []byte) {
	t.Helper()
	cloner, ok := stream.(provider.Cloner)
	if !ok {
		return
	}
	if _, err := stream.Update(t.Context(), nil, []byte("one")); err != nil {
		t.Fatal(err)
	}
	copied, err := cloner.Clone()
	if err != nil {
		t.Fatalf("clone: %v", err)
	}
	defer copied.Close()
	for what, part := range map[string]struct {
		stream provider.Stream
		tail   string
	}{"copy": {copied, "two"}, "original": {stream, "three"}} {
		got, err := inParts(t, part.stream, []byte(part.tail), nil, 2)
		if err != nil || !bytes.Equal(got, want([]byte("one"+part.tail))) {
			t.Errorf("the %s of a stream: wrong result or %v", what, err)
		}
	}
}

// testLimit feeds a stream until it passes the row's longest message, which must be refused
// by the next byte, with the pre-hash form's name if there is one.
func (s *suite) testLimit(t *testing.T, o provider.Operator, op provider.Op, params *provider.Params, limit int64, preHash claviger.Algorithm) {
	t.Helper()
	if limit == 0 || s.options.Quick || testing.Short() {
		return
	}
	stream := begin(t, o, op, params)
	part := make([]byte, min(limit, 1<<20))
	for sent := int64(0); sent < limit; sent += int64(len(part)) {
		if _, err := stream.Update(t.Context(), nil, part[:min(int64(len(part)), limit-sent)]); err != nil {
			t.Fatalf("after %d bytes: %v", sent, err)
		}
	}
	_, err := stream.Update(t.Context(), nil, []byte{1})
	wantCode(t, fmt.Sprintf("%d bytes", limit+1), err, claviger.ErrInvalidArgument)
	if err != nil && preHash != "" && !bytes.Contains([]byte(err.Error()), []byte(preHash)) {
		t.Errorf("the refusal of a long message does not name %s: %v", preHash, err)
	}
}

// atOnce runs f on several goroutines and reports the first failure.
func atOnce(t *testing.T, f func(i int) error) {
	t.Helper()
	var wg sync.WaitGroup
	errs := make(chan error, 8)
	for i := range cap(errs) {
		wg.Go(func() { errs <- f(i) })
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Fatalf("at once: %v", err)
		}
	}
}
