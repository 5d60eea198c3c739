package main

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/claviger/claviger"
)

func TestOutputAppearsOnlyAtCommit(t *testing.T) {
	a, dir := &app{}, t.TempDir()
	name := filepath.Join(dir, "out")
	if err := os.WriteFile(name, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	o, err := a.create(name, secretMode)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(o, "new")
	if got, _ := os.ReadFile(name); string(got) != "old" {
		t.Errorf("before commit the file holds %q", got)
	}
	if err := o.commit(); err != nil {
		t.Fatal(err)
	}
	o.discard()
	if got, _ := os.ReadFile(name); string(got) != "new" {
		t.Errorf("after commit the file holds %q", got)
	}
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != secretMode {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if list, _ := os.ReadDir(dir); len(list) != 1 {
		t.Errorf("%d files are left", len(list))
	}
}

func TestDiscardLeavesNothing(t *testing.T) {
	a, dir := &app{}, t.TempDir()
	o, err := a.create(filepath.Join(dir, "out"), publicMode)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(o, "half")
	o.discard()
	if list, _ := os.ReadDir(dir); len(list) != 0 {
		t.Errorf("%d files are left", len(list))
	}
	if _, err := a.create(filepath.Join(dir, "none", "out"), publicMode); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a directory that is not there gave %v", err)
	}
}

func TestOutputToDeviceIsWrittenDirectly(t *testing.T) {
	o, err := (&app{}).create(os.DevNull, publicMode)
	if err != nil {
		t.Fatal(err)
	}
	if o.temp != "" {
		t.Errorf("a temporary file %s was made beside the device", o.temp)
	}
	if err := o.commit(); err != nil {
		t.Error(err)
	}
}

func TestReadAllHoldsItsLimit(t *testing.T) {
	for _, n := range []int{0, 1, 99, 100} {
		in := &input{Reader: iotest.OneByteReader(strings.NewReader(strings.Repeat("x", n))), size: -1}
		if data, err := readAll(in, 100); err != nil || len(data) != n {
			t.Errorf("%d bytes: %d, %v", n, len(data), err)
		}
	}
	in := &input{Reader: strings.NewReader(strings.Repeat("x", 101)), name: "f", size: -1}
	if _, err := readAll(in, 100); !errors.Is(err, claviger.ErrInvalidArgument) {
		t.Errorf("101 bytes of 100: %v", err)
	}
	if _, err := readAll(&input{size: 101, name: "f"}, 100); !errors.Is(err, claviger.ErrInvalidArgument) {
		t.Errorf("a file of 101 bytes of 100: %v", err)
	}
}

func TestEachChunkGivesAllBytesAndReadErrors(t *testing.T) {
	a := &app{stderr: io.Discard}
	message := bytes.Repeat([]byte("0123456789"), 2*chunkSize/10+7)
	var got []byte
	in := &input{Reader: bytes.NewReader(message), size: -1}
	if err := a.eachChunk(in, func(c []byte) error { got = append(got, c...); return nil }); err != nil || !bytes.Equal(got, message) {
		t.Errorf("%d bytes of %d, %v", len(got), len(message), err)
	}
	broken := &input{Reader: io.MultiReader(strings.NewReader("x"), iotest.ErrReader(io.ErrClosedPipe)), name: "pipe", size: -1}
	if err := a.eachChunk(broken, func([]byte) error { return nil }); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a broken pipe gave %v", err)
	}
	stop := errors.New("stop")
	if err := a.eachChunk(&input{Reader: strings.NewReader("x"), size: -1}, func([]byte) error { return stop }); err != stop {
		t.Errorf("the consumer's error became %v", err)
	}
}

func TestFileSizeIsWhatIsLeft(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(name, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	f.Seek(4, io.SeekStart)
	if n := fileSize(f); n != 6 {
		t.Errorf("%d bytes are left, want 6", n)
	}
	if n := fileSize(strings.NewReader("x")); n != -1 {
		t.Errorf("a reader has %d bytes", n)
	}
}

func TestEncodings(t *testing.T) {
	for want, e := range map[string]encoding{"\x01\xffA": {}, "01ff41\n": {hex: true}, "Af9B\n": {base64: true}} {
		var b bytes.Buffer
		w := e.writer(&b)
		w.Write([]byte{1, 255})
		w.Write([]byte{'A'})
		if err := w.Close(); err != nil || b.String() != want {
			t.Errorf("%+v: %q, %v", e, b.String(), err)
		}
	}
}

func TestSizes(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 1 << 30: "1.0 GiB", 5 << 40: "5.0 TiB"} {
		if got := size(n); got != want {
			t.Errorf("size(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestProgressIsShownAndTakenAway(t *testing.T) {
	var b bytes.Buffer
	p := &progress{w: &b, name: "f", total: 200}
	p.add(50)
	p.done()
	if got := b.String(); !strings.Contains(got, "f: 50 B of 200 B, 25 %") || !strings.HasSuffix(got, "\r\x1b[K") {
		t.Errorf("progress wrote %q", got)
	}
	var none *progress
	none.add(1)
	none.done()
}
