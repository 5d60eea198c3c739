package daemontest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// build is one build of the command in a test process.
type build struct {
	tags string
	fast bool // without the race detector in any case
	once sync.Once
	path string
	err  error
}

// The builds: the released one, the same that the race detector is never in, and one whose wall clock is a file's
// (docs/STORE.md).
var (
	binary  build
	fast    = build{fast: true}
	clocked = build{tags: "claviger_clockfile"}
)

// Binary builds the command once and returns its path. It lies where every user may run it.
func Binary(t testing.TB) string {
	t.Helper()
	return binary.get(t)
}

// Fast is Binary without the race detector, for work that it would make long and has nothing to find in.
func Fast(t testing.TB) string {
	t.Helper()
	if !Race {
		return binary.get(t)
	}
	return fast.get(t)
}

func (b *build) get(t testing.TB) string {
	t.Helper()
	b.once.Do(b.make)
	if b.err != nil {
		t.Fatal(b.err)
	}
	return b.path
}

func (b *build) make() {
	dir, err := os.MkdirTemp("", "clvbin")
	if err != nil {
		b.err = err
		return
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		b.err = err
		return
	}
	b.path = filepath.Join(dir, "claviger")
	args := []string{"build", "-tags", b.tags, "-o", b.path}
	if raceEnabled && !b.fast {
		args = append(args, "-race")
	}
	out, err := exec.Command("go", append(args, "github.com/claviger/claviger/cmd/claviger")...).CombinedOutput()
	if err != nil {
		b.err = fmt.Errorf("go build: %w\n%s", err, out)
	}
}

// Main runs a package's tests and removes the build. Call it from TestMain.
func Main(m *testing.M) {
	if Race && os.Getenv("GORACE") == "" {
		os.Setenv("GORACE", "atexit_sleep_ms=0") // else each command waits a second at its end
	}
	code := m.Run()
	for _, b := range []*build{&binary, &fast, &clocked} {
		if b.path != "" {
			os.RemoveAll(filepath.Dir(b.path))
		}
	}
	os.Exit(code)
}
