package main

import (
	"bytes"
	"context"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// maxPassword is the longest password that a command reads, in bytes, without the line end behind it.
const maxPassword = 1024

// readPassword reads the file of --password-file: one line, with or without a line end. The caller wipes the bytes.
func (a *app) readPassword(ctx context.Context, r keyImport) ([]byte, error) {
	if r.password == "-" && r.file == "-" {
		return nil, usagef("the key and its password cannot both come from standard input")
	}
	in, err := a.open(ctx, r.password)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	text, err := readAll(in, maxPassword+2)
	if err != nil {
		return nil, err
	}
	return onePassword(text)
}

// onePassword takes the line end off, in place.
func onePassword(text []byte) ([]byte, error) {
	line := bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
	if bytes.ContainsAny(line, "\r\n\x00") || len(line) > maxPassword {
		clear(text)
		return nil, usagef("a password is one line of text of up to %d bytes", maxPassword)
	}
	return line, nil
}

// askPassword asks on the terminal that standard input is, which shows nothing of the answer. The caller wipes the bytes.
func (a *app) askPassword(ctx context.Context, prompt string) ([]byte, error) {
	fd := int(a.stdin.(*os.File).Fd())
	before, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return nil, fmt.Errorf("the terminal cannot be asked: %w", err)
	}
	quiet := *before
	quiet.Lflag &^= unix.ECHO
	quiet.Lflag |= unix.ICANON | unix.ISIG
	quiet.Iflag |= unix.ICRNL
	if err := unix.IoctlSetTermios(fd, unix.TCSETSF, &quiet); err != nil { // what was typed before was shown, and is not the answer
		return nil, fmt.Errorf("the terminal cannot be silenced: %w", err)
	}
	defer unix.IoctlSetTermios(fd, unix.TCSETS, before)
	fmt.Fprint(a.stderr, prompt)
	in := &input{Reader: a.stdin, ctx: ctx, name: "the terminal", size: -1}
	line := make([]byte, maxPassword+2)
	n, err := in.Read(line) // a terminal gives one line at a time
	fmt.Fprintln(a.stderr)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case n == 0:
		return nil, usagef("no password was given")
	case err != nil:
		clear(line)
		return nil, in.err
	}
	return onePassword(line[:n])
}
