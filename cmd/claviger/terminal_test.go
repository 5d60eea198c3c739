package main

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal is a pseudo-terminal: the program has the slave, the test types on the master.
type terminal struct{ master, slave *os.File }

func newTerminal(t *testing.T) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("needs pseudo-terminals: %v", err)
	}
	t.Cleanup(func() { master.Close() })
	n := got(unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN))(t)
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	slave := got(os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0))(t)
	t.Cleanup(func() { slave.Close() })
	return &terminal{master, slave}
}

// flags gives the local modes, echo among them.
func (term *terminal) flags(t *testing.T) uint32 {
	t.Helper()
	return got(unix.IoctlGetTermios(int(term.slave.Fd()), unix.TCGETS))(t).Lflag
}

// shown gives what the terminal shows, up to a mark that is written behind it.
func (term *terminal) shown(t *testing.T) string {
	t.Helper()
	got(term.slave.WriteString("#"))(t)
	var text []byte
	for b := make([]byte, 1); ; text = append(text, b[0]) {
		if got(term.master.Read(b))(t); b[0] == '#' {
			return string(text)
		}
	}
}

// writerFunc is a function as a writer.
type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
