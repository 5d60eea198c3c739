package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/claviger/claviger"
)

// chunkSize is how much of a file is read and sent at once, in bytes. Commands hold a small number of chunks, whatever
// the file's size.
const chunkSize = 1 << 20

// maxDocument is the longest key, certificate, revocation list or signature file that a command reads, in bytes.
const maxDocument = 1 << 20

// input is what a command reads. It remembers a failure to read, so that it is not taken for bad contents.
type input struct {
	io.Reader
	ctx    context.Context // ends a Read that waits for somebody to write; nil for never
	name   string          // as the user gave it; "standard input"
	size   int64           // of a regular file, in bytes; -1 if unknown
	err    error           // first failure other than io.EOF
	closer io.Closer       // nil for standard input
}

// open opens a file; "" and "-" are standard input. The caller closes it.
func (a *app) open(ctx context.Context, name string) (*input, error) {
	if name == "" || name == "-" {
		return &input{Reader: a.stdin, ctx: ctx, name: "standard input", size: fileSize(a.stdin)}, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	return &input{Reader: f, ctx: ctx, name: name, size: fileSize(f), closer: f}, nil
}

// Read reads and remembers a failure. On a terminal or a pipe it ends with the context; p must not be used again
// then, because the read that was given up may still write to it.
func (in *input) Read(p []byte) (int, error) {
	n, err := in.read(p)
	if err != nil && err != io.EOF && in.err == nil {
		in.err = fmt.Errorf("read %s: %w", in.name, bare(err))
	}
	return n, err
}

// bare takes the operation and the name off a failure of the file system.
func bare(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}

// read is Read without the memory. A regular file never keeps a reader waiting and is read directly.
func (in *input) read(p []byte) (int, error) {
	if in.size >= 0 || in.ctx == nil {
		return in.Reader.Read(p)
	}
	type result struct {
		n   int
		err error
	}
	done := make(chan result, 1)
	go func() {
		n, err := in.Reader.Read(p)
		done <- result{n, err}
	}()
	select {
	case r := <-done:
		return r.n, r.err
	case <-in.ctx.Done():
		return 0, in.ctx.Err()
	}
}

// Close closes the file. Standard input stays open.
func (in *input) Close() error {
	if in.closer == nil {
		return nil
	}
	return in.closer.Close()
}

// fileSize gives what is left of a regular file in bytes, and -1 for anything else.
func fileSize(r io.Reader) int64 {
	f, ok := r.(*os.File)
	if !ok {
		return -1
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return -1
	}
	at, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return -1
	}
	return max(info.Size()-at, 0)
}

// argument gives the i-th argument, "" if there are fewer.
func argument(args []string, i int) string {
	if i < len(args) {
		return args[i]
	}
	return ""
}

// eachChunk reads the input to its end and hands it over in chunks of up to chunkSize bytes. The chunk is f's
// during the call only. Progress is shown on a terminal.
func (a *app) eachChunk(in *input, f func(chunk []byte) error) error {
	buf := make([]byte, chunkSize)
	p := a.progress(in.name, in.size)
	defer p.done()
	for {
		n, err := io.ReadFull(in, buf)
		if n > 0 {
			if err := f(buf[:n]); err != nil {
				return err
			}
			p.add(n)
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return in.err
		case err != nil:
			return in.err
		}
	}
}

// readAll reads a whole input of at most limit bytes; more is ErrInvalidArgument.
func readAll(in *input, limit int64) ([]byte, error) {
	if in.size > limit {
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, "", "%s has %d bytes; the limit is %d", in.name, in.size, limit)
	}
	var data []byte
	if in.size >= 0 {
		data = make([]byte, 0, in.size+512)
	}
	data, err := appendAll(data, io.LimitReader(in, limit+1))
	if err != nil {
		return nil, in.err
	}
	if int64(len(data)) > limit {
		clear(data)
		return nil, claviger.Errorf(claviger.ErrInvalidArgument, "", "%s has more than %d bytes, which is the limit", in.name, limit)
	}
	return data, nil
}

// appendAll reads r to its end. It wipes what it outgrows, because the input may be a key.
func appendAll(data []byte, r io.Reader) ([]byte, error) {
	for {
		if len(data) == cap(data) {
			grown := make([]byte, len(data), 2*cap(data)+4096)
			copy(grown, data)
			clear(data)
			data = grown
		}
		n, err := r.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if err == io.EOF {
			return data, nil
		}
		if err != nil {
			clear(data)
			return nil, err
		}
	}
}

// readDocument reads a file of at most maxDocument bytes whole: "" and "-" are standard input. The caller owns the
// bytes.
func (a *app) readDocument(ctx context.Context, name string) ([]byte, error) {
	in, err := a.open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return readAll(in, maxDocument)
}
