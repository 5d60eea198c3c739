package guests

import (
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/claviger/claviger/test/daemontest"
)

// windowSize is how many bytes in a row of a secret have to be in memory to count as found.
const windowSize = 16

// needles are secrets to be looked for: every 16 bytes of each, from its beginning on and at its end. Forms of one secret may have
// windows in common, so that a window has all names that it was added under: one X25519 scalar in 32 is clamped as it was drawn.
type needles struct {
	names  map[[windowSize]byte][]string
	begins [1 << 13]byte // a bit for each first two bytes of a window
}

// add adds a secret of at least 16 bytes under a name for people.
func (n *needles) add(name string, secret []byte) {
	if len(secret) < windowSize {
		panic("a secret that is too short to be looked for: " + name)
	}
	if n.names == nil {
		n.names = make(map[[windowSize]byte][]string)
	}
	for at := 0; at < len(secret); at += windowSize {
		w := [windowSize]byte(secret[min(at, len(secret)-windowSize):])
		n.names[w] = append(n.names[w], name)
		first := binary.LittleEndian.Uint16(w[:])
		n.begins[first>>3] |= 1 << (first & 7)
	}
}

// addBoth adds a number in both byte orders.
func (n *needles) addBoth(name string, secret []byte) {
	n.add(name, secret)
	turned := slices.Clone(secret)
	slices.Reverse(turned)
	n.add(name+", turned round", turned)
}

// search looks for windows that lie in memory as a whole, and counts what it finds.
func (n *needles) search(memory []byte, found map[string]int) {
	for i := 0; i+windowSize <= len(memory); i++ {
		first := uint16(memory[i]) | uint16(memory[i+1])<<8
		if n.begins[first>>3]&(1<<(first&7)) == 0 {
			continue
		}
		for _, name := range n.names[[windowSize]byte(memory[i:])] {
			found[name]++
		}
	}
}

// scan looks for secrets in all memory of another process, which stands still meanwhile, and gives the names of those that are
// there. It reads every page that is present or swapped out, whether the process itself may read it or not.
func (n *needles) scan(t *testing.T, pid int) []string {
	t.Helper()
	daemontest.Freeze(t, pid)
	defer func() { _ = syscall.Kill(pid, syscall.SIGCONT) }()
	list, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Fatal(err)
	}
	p := process{t: t, mem: open(t, pid, "mem"), pages: open(t, pid, "pagemap")}
	defer p.close()
	found := make(map[string]int)
	for line := range strings.Lines(string(list)) {
		var from, to uint64
		if _, err := fmt.Sscanf(line, "%x-%x", &from, &to); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		// The kernel's own pages hold nothing of the process, and cannot be read like this (proc(5)).
		if !strings.Contains(line, "[v") {
			p.each(from, to, func(memory []byte) { n.search(memory, found) })
		}
	}
	if p.read < 4<<20 {
		t.Errorf("only %d bytes of process %d were read", p.read, pid)
	}
	return slices.Sorted(maps.Keys(found))
}

func open(t *testing.T, pid int, name string) *os.File {
	t.Helper()
	f, err := os.Open(fmt.Sprintf("/proc/%d/%s", pid, name))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// process is the memory of a process.
type process struct {
	t          *testing.T
	mem, pages *os.File
	read       int // bytes so far
}

func (p *process) close() { p.mem.Close(); p.pages.Close() }

// each calls fn with the used pages of a mapping, in pieces that overlap by less than a window.
func (p *process) each(from, to uint64, fn func([]byte)) {
	const piece = 4 << 20
	size := uint64(os.Getpagesize())
	var run []byte // used pages in a row; what is before them in memory was looked at
	for ; from < to; from += piece {
		end := min(to, from+piece)
		entries := make([]byte, (end-from)/size*8)
		if _, err := p.pages.ReadAt(entries, int64(from/size*8)); err != nil {
			p.t.Fatal(err)
		}
		for at := from; at < end; at += size {
			// Bit 63: the page is present, bit 62: it is swapped out (pagemap, the kernel's admin guide).
			if entries[(at-from)/size*8+7]&0xC0 == 0 {
				fn(run)
				run = run[:0]
				continue
			}
			run = p.page(run, at, size)
		}
		fn(run)
		run = append([]byte(nil), run[max(0, len(run)-windowSize+1):]...)
	}
}

// page appends a page to those before it.
func (p *process) page(run []byte, at, size uint64) []byte {
	n := len(run)
	run = slices.Grow(run, int(size))[:n+int(size)]
	if _, err := p.mem.ReadAt(run[n:], int64(at)); err != nil {
		p.t.Fatalf("the page at %#x: %v", at, err)
	}
	p.read += int(size)
	return run
}
