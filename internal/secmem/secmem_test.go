package secmem

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/claviger/claviger"
)

func TestSizesAreAsAskedAndZero(t *testing.T) {
	for _, n := range []int{0, 1, 31, 32, 33, 64, 65, 128, 1000, 4095, 4096, 4097, 70_000} {
		b, err := New(n)
		if err != nil {
			t.Fatal(err)
		}
		if b.Len() != n || !bytes.Equal(b.Bytes(), make([]byte, n)) || cap(b.Bytes()) != n {
			t.Errorf("New(%d): len %d cap %d", n, b.Len(), cap(b.Bytes()))
		}
		b.Close()
		b.Close()
		if b.Bytes() != nil || b.Len() != 0 {
			t.Errorf("New(%d): bytes are reachable after Close", n)
		}
	}
}

func TestSizesOutsideTheLimitAreRefused(t *testing.T) {
	for _, n := range []int{-1, MaxSize + 1} {
		if _, err := New(n); !errors.Is(err, claviger.ErrInvalidArgument) {
			t.Errorf("New(%d): %v", n, err)
		}
	}
}

func TestCloseWipes(t *testing.T) {
	// The first secret keeps the slab mapped, so that the second one's memory can be looked at after its Close.
	keep, err := New(32)
	if err != nil {
		t.Fatal(err)
	}
	defer keep.Close()
	b, err := From(bytes.Repeat([]byte{0xA5}, 32))
	if err != nil {
		t.Fatal(err)
	}
	view := b.Bytes()
	b.Close()
	if !bytes.Equal(view, make([]byte, 32)) {
		t.Error("memory is not wiped")
	}
}

func TestTakeWipesItsSourceAndFromDoesNot(t *testing.T) {
	src := []byte("correct horse")
	a, err := From(src)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if string(src) != "correct horse" || !a.Equal(src) {
		t.Error("From changed its source or did not copy it")
	}
	b, err := Take(src)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if !bytes.Equal(src, make([]byte, len(src))) {
		t.Error("Take left its source")
	}
	if !b.Equal([]byte("correct horse")) || b.Equal([]byte("correct horsf")) || b.Equal(nil) {
		t.Error("Equal is wrong")
	}
}

func TestNothingPrintsTheSecret(t *testing.T) {
	b, err := From([]byte("hunter2hunter2"))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", b)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", struct{ S *Bytes }{b})
	text, _ := b.MarshalText()
	js, err := json.Marshal(map[string]*Bytes{"s": b})
	if err != nil {
		t.Fatal(err)
	}
	out := []string{log.String(), string(text), string(js), b.String(), b.GoString()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p"} {
		out = append(out, fmt.Sprintf(verb, b), fmt.Sprintf(verb, struct{ S *Bytes }{b}))
	}
	for _, o := range out {
		if strings.Contains(o, "hunter2") || strings.Contains(strings.ToLower(o), fmt.Sprintf("%x", "hunter2")) {
			t.Errorf("the secret shows in %q", o)
		}
		if !strings.Contains(o, redacted) && !strings.Contains(o, "0x") {
			t.Errorf("%q does not say that something is redacted", o)
		}
	}
}

func TestSecretsOfManyGoroutinesDoNotOverlap(t *testing.T) {
	before := ReadStats()
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(g)))
			var held []*Bytes
			for range 2000 {
				if len(held) > 40 || (len(held) > 0 && r.IntN(2) == 0) {
					i := r.IntN(len(held))
					if !bytes.Equal(held[i].Bytes(), bytes.Repeat([]byte{byte(g + 1)}, held[i].Len())) {
						t.Errorf("goroutine %d: bytes of another secret", g)
					}
					held[i].Close()
					held[i] = held[len(held)-1]
					held = held[:len(held)-1]
					continue
				}
				b, err := New(1 + r.IntN(6000))
				if err != nil {
					t.Error(err)
					return
				}
				for i := range b.Bytes() {
					if b.Bytes()[i] != 0 {
						t.Errorf("goroutine %d: a new secret is not zero", g)
						break
					}
					b.Bytes()[i] = byte(g + 1)
				}
				held = append(held, b)
			}
			for _, b := range held {
				b.Close()
			}
		})
	}
	wg.Wait()
	if after := ReadStats(); after.Secrets != before.Secrets || after.Bytes != before.Bytes {
		t.Errorf("counters: %+v before, %+v after", before, after)
	}
}

func TestASmallKeyDoesNotTakeAPage(t *testing.T) {
	before := ReadStats()
	var all []*Bytes
	for range 512 {
		b, err := New(32)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	during := ReadStats()
	mapped := during.LockedBytes + during.UnlockedBytes - before.LockedBytes - before.UnlockedBytes
	if mapped > 2*slabSize {
		t.Errorf("512 keys of 32 bytes took %d bytes", mapped)
	}
	if during.Secrets-before.Secrets != 512 || during.Bytes-before.Bytes != 512*32 {
		t.Errorf("counters: %+v, then %+v", before, during)
	}
	for _, b := range all {
		b.Close()
	}
}

// child runs this test binary again, with only the named test and an environment variable set.
func child(t *testing.T, test string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+test+"$")
	cmd.Env = append(os.Environ(), "CLAVIGER_SECMEM_CHILD=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("child: %v\n%s", err, out)
	}
}

func TestHardenMakesTheProcessUndumpable(t *testing.T) {
	if os.Getenv("CLAVIGER_SECMEM_CHILD") == "" {
		child(t, t.Name()) // it holds for the rest of a process, so another one tries it
		return
	}
	if err := Harden(); err != nil {
		t.Fatal(err)
	}
	dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	if err != nil || dumpable != 0 {
		t.Errorf("dumpable is %d, %v", dumpable, err)
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &limit); err != nil || limit.Cur != 0 || limit.Max != 0 {
		t.Errorf("core limit is %+v, %v", limit, err)
	}
}

func TestWithoutLockableMemorySecretsStillWorkAndAreCounted(t *testing.T) {
	if os.Getenv("CLAVIGER_SECMEM_CHILD") == "" {
		child(t, t.Name())
		return
	}
	if os.Getuid() == 0 {
		dropLockCapability(t)
	}
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{}); err != nil {
		t.Fatal(err)
	}
	b, err := From([]byte("still here"))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if s := ReadStats(); s.UnlockedBytes != slabSize || s.LockedBytes != 0 {
		t.Errorf("counters: %+v", s)
	}
	if !b.Equal([]byte("still here")) {
		t.Error("the secret is lost")
	}
}

// dropLockCapability becomes nobody on this thread and every other: root may lock without limit.
func dropLockCapability(t *testing.T) {
	t.Helper()
	if err := unix.Setuid(65534); err != nil {
		t.Skipf("cannot give up root: %v", err)
	}
}

func TestMemoryStaysOutOfDumpsAndChildren(t *testing.T) {
	b, err := New(100_000)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	var flags string
	inside := false
	for line := range strings.Lines(string(smaps)) {
		var from, to uintptr
		if n, _ := fmt.Sscanf(line, "%x-%x ", &from, &to); n == 2 {
			inside = from <= address(b.Bytes()) && address(b.Bytes()) < to
		}
		if inside && strings.HasPrefix(line, "VmFlags:") {
			flags = line
		}
	}
	for _, want := range []string{" dd", " wf"} {
		if !strings.Contains(flags, want) {
			t.Errorf("flags %q lack%s", flags, want)
		}
	}
}

func BenchmarkNewClose32(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		s, err := New(32)
		if err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
}
