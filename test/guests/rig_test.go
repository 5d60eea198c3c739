package guests

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"

	"github.com/claviger/claviger/client"
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

// cacheDir is where hosts and runners keep compiled guests.
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

// plain is a build of this test program without the race detector, which makes wazero's compiler slow. With compileMode it compiles
// a guest for a program that has it: release and cache of the two fit, other than those of `claviger run`.
var plain struct {
	once sync.Once
	err  error
}

// prepare compiles a guest into cacheDir where the race detector would make the compiler of this process slow.
func prepare(t *testing.T, file string) {
	t.Helper()
	if !daemontest.Race {
		return
	}
	program := filepath.Join(cacheDir(t), "plain.test")
	plain.once.Do(func() { plain.err = exec.Command("go", "test", "-c", "-o", program, ".").Run() })
	cmd := exec.Command(program, file, cacheDir(t))
	cmd.Env = append(os.Environ(), hostMode+"="+compileMode)
	if text, err := cmd.CombinedOutput(); plain.err != nil || err != nil {
		t.Fatalf("%v, %v\n%s", plain.err, err, text)
	}
}

// compileProcess is a process that compiles a guest's file into a directory; the arguments are the two.
func compileProcess() int {
	ctx := context.Background()
	cache, err := wazero.NewCompilationCacheWithDir(os.Args[2])
	if err == nil {
		var module []byte
		if module, err = os.ReadFile(os.Args[1]); err == nil {
			_, err = wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCompilationCache(cache)).CompileModule(ctx, module)
		}
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// host is a host over an instance in this process.
type host struct {
	managed wasicrypto.Managed
	mapped  wazero.CompilationCache
}

func newHost(t *testing.T) *host {
	t.Helper()
	stack, err := embedded.Open(t.Context(), embedded.Options{
		Dir: filepath.Join(t.TempDir(), "keys"), Client: client.Config{Timeout: daemontest.Patience},
	})
	if err != nil {
		t.Fatal(err)
	}
	mapped, err := wazero.NewCompilationCacheWithDir(cacheDir(t))
	if err != nil {
		t.Fatal(err)
	}
	h := &host{managed: stack.Secrets(), mapped: mapped}
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
	prepare(t, file)
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
