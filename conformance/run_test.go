package conformance_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"

	"github.com/claviger/claviger/test/daemontest"
	"github.com/claviger/claviger/wasicrypto"
)

// TestMain removes the build of the command.
func TestMain(m *testing.M) { daemontest.Main(m) }

// kit is the guest, built once for all tests of the package.
type kit struct {
	once   sync.Once
	module []byte
	cache  wazero.CompilationCache
	err    error
}

var theKit kit // one build for a test binary

// guest gives the kit's guest.
func guest(t *testing.T) *kit {
	t.Helper()
	k := &theKit
	k.once.Do(func() {
		path := filepath.Join(t.TempDir(), "conformance.wasm")
		build := exec.Command("go", "build", "-o", path, "github.com/claviger/claviger/conformance/guest")
		build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=")
		if out, err := build.CombinedOutput(); err != nil {
			k.err = fmt.Errorf("go build: %w\n%s", err, out)
			return
		}
		k.module, k.err = os.ReadFile(path)
		k.cache = wazero.NewCompilationCache()
	})
	if k.err != nil {
		t.Fatal(k.err)
	}
	return k
}

// file writes the module to a directory of the test's.
func (k *kit) file(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "conformance.wasm")
	if err := os.WriteFile(path, k.module, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// outcome is what a run of the guest printed as JSON, and its exit status.
type outcome struct {
	rows                    map[string]line
	passed, failed, skipped int
	status                  int
}

// line is a row's result.
type line struct {
	Row, Name, Rule, Result, Detail string
}

// machine is a runtime with a host and the compiled guest, which is instantiated anew for each run.
type machine struct {
	runtime   wazero.Runtime
	guest     wazero.CompiledModule
	host      *wasicrypto.Host
	functions functions   // the real ones
	broken    *brokenHost // what is wrong with the host; nil for nothing
	instance  api.Module  // of the guest, the last that called
	left      int         // handles that the last run left open
}

// boot makes a machine. Its host is right until its field broken is set.
func (k *kit) boot(t *testing.T, managed wasicrypto.Managed) *machine {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	m := &machine{runtime: wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCompilationCache(k.cache))}
	t.Cleanup(func() { m.runtime.Close(ctx) })
	wasi_snapshot_preview1.MustInstantiate(ctx, m.runtime)
	var err error
	if m.host, err = wasicrypto.Instantiate(ctx, m.runtime, wasicrypto.Config{Managed: managed, Intercept: m.intercept}); err != nil {
		t.Fatal(err)
	}
	if m.guest, err = m.runtime.CompileModule(ctx, k.module); err != nil {
		t.Fatal(err)
	}
	return m
}

// run runs the guest with -json and further arguments.
func (m *machine) run(t *testing.T, args ...string) outcome {
	t.Helper()
	stdout, stderr, status := m.exec(t, append([]string{"-json"}, args...)...)
	if status > 1 {
		t.Fatalf("exit status %d: %s", status, stderr)
	}
	return parse(t, stdout, status)
}

// exec runs the guest with arguments.
func (m *machine) exec(t *testing.T, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	var out, diagnostics strings.Builder
	config := wazero.NewModuleConfig().WithName("").WithStdout(&out).WithStderr(&diagnostics).WithSysWalltime().WithSysNanotime().
		WithArgs(append([]string{"conformance"}, args...)...)
	_, err := m.runtime.InstantiateModule(t.Context(), m.guest, config)
	if m.instance != nil {
		m.left = m.host.Handles(m.instance)
		m.host.Release(m.instance)
		m.instance = nil
	}
	var exit *sys.ExitError
	switch {
	case errors.As(err, &exit):
		status = int(exit.ExitCode())
	case err != nil:
		t.Fatalf("the guest did not end by itself: %v\n%s%s", err, out.String(), diagnostics.String())
	}
	return out.String(), diagnostics.String(), status
}

// parse reads the guest's output.
func parse(t *testing.T, text string, status int) outcome {
	t.Helper()
	out := outcome{rows: map[string]line{}, status: status}
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for _, l := range lines[:len(lines)-1] {
		var row line
		if err := json.Unmarshal([]byte(l), &row); err != nil {
			t.Fatalf("%v: %s", err, l)
		}
		out.rows[row.Row] = row
	}
	var sum struct{ Passed, Failed, Skipped int }
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &sum); err != nil {
		t.Fatalf("summary: %v: %s", err, lines[len(lines)-1])
	}
	out.passed, out.failed, out.skipped = sum.Passed, sum.Failed, sum.Skipped
	return out
}
