package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Modes of the files that commands write, before the umask.
const (
	publicMode fs.FileMode = 0o644
	secretMode fs.FileMode = 0o600 // decrypted data
)

// output is what a command writes: standard output, or a file that appears under its name only at commit. A device
// or a pipe is written directly.
type output struct {
	io.Writer
	file  *os.File // nil for standard output
	temp  string   // file to rename; "" if written directly
	final string
	done  bool
}

// create opens the output; "" and "-" are standard output. The caller defers discard and ends with commit.
func (a *app) create(name string, mode fs.FileMode) (*output, error) {
	if name == "" || name == "-" {
		return &output{Writer: a.stdout}, nil
	}
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		return &output{Writer: f, file: f}, nil
	}
	temp := filepath.Join(filepath.Dir(name), fmt.Sprintf(".%s.%s", filepath.Base(name), rand.Text()[:8]))
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return nil, &fs.PathError{Op: "create", Path: name, Err: errors.Unwrap(err)}
	}
	return &output{Writer: f, file: f, temp: temp, final: name}, nil
}

// commit makes the file durable and gives it its name. Nothing is written afterwards.
func (o *output) commit() error {
	if o.file == nil || o.done {
		return nil
	}
	o.done = true
	if o.temp == "" {
		return o.file.Close()
	}
	err := errors.Join(o.file.Sync(), o.file.Close())
	if err == nil {
		err = os.Rename(o.temp, o.final)
	}
	if err != nil {
		return errors.Join(err, os.Remove(o.temp))
	}
	return nil
}

// discard removes what was written so far. After commit it does nothing.
func (o *output) discard() {
	if o.file == nil || o.done {
		return
	}
	o.done = true
	o.file.Close()
	if o.temp != "" {
		os.Remove(o.temp)
	}
}

// refuseTerminal is an error of usage if binary output would go to a terminal and the user did not insist.
func (a *app) refuseTerminal(out string, force bool) error {
	if (out == "" || out == "-") && !force && isTerminal(a.stdout) {
		return usagef("standard output is a terminal and the output is binary: use -o FILE, a pipe, or --force")
	}
	return nil
}

// isTerminal reports whether a stream is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
