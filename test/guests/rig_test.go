package guests

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"

	"github.com/claviger/claviger/embedded"
	"github.com/claviger/claviger/test/daemontest"
	"github.com/claviger/claviger/wasicrypto"
)

// root is the directory of the module.
const root = "../.."

// buildGuest compiles a Go guest; args are those of the go command before the package.
func buildGuest(t *testing.T, dir, pkg string, args ...string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "guest.wasm")
	cmd := exec.Command("go", append(args, "-o", out, pkg)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %v: %v\n%s", cmd.Args[1:], err, text)
	}
	return out
}

// cacheDir is where runners keep compiled guests.
func cacheDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(filepath.Dir(daemontest.Binary(t)), "cache")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// warm compiles a guest into cacheDir where the race detector would make the compiler slow. The guest runs for that; how it ends is
// of no matter.
func warm(t *testing.T, file string) {
	t.Helper()
	if daemontest.Race {
		_ = exec.CommandContext(t.Context(), daemontest.Fast(t), "run", "--cache", cacheDir(t), file).Run()
	}
}

// host is a host over an instance in this process.
type host struct {
	managed wasicrypto.Managed
	mapped  wazero.CompilationCache
}

func newHost(t *testing.T) *host {
	t.Helper()
	stack, err := embedded.Open(t.Context(), embedded.Options{Dir: filepath.Join(t.TempDir(), "keys")})
	if err != nil {
		t.Fatal(err)
	}
	h := &host{managed: stack.Secrets(), mapped: wazero.NewCompilationCache()}
	t.Cleanup(func() {
		if err := errors.Join(stack.Close(), h.mapped.Close(context.Background())); err != nil {
			t.Error(err)
		}
	})
	return h
}

// run runs a guest to its end and gives its status and what it wrote to both outputs.
func (h *host) run(t *testing.T, file string, stdin io.Reader, args ...string) (status uint32, output string) {
	t.Helper()
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCompilationCache(h.mapped))
	defer r.Close(ctx)
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	crypto, err := wasicrypto.Instantiate(ctx, r, wasicrypto.Config{Managed: h.managed})
	if err != nil {
		t.Fatal(err)
	}
	defer crypto.Close(ctx)
	module, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	config := wazero.NewModuleConfig().WithArgs(append([]string{"guest"}, args...)...).WithStdin(stdin).WithStdout(&out).
		WithStderr(&out).WithSysWalltime().WithSysNanotime().WithRandSource(nil)
	_, err = r.InstantiateWithConfig(ctx, module, config)
	if exit, ok := errors.AsType[*sys.ExitError](err); ok {
		return exit.ExitCode(), out.String()
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	return 0, out.String()
}
