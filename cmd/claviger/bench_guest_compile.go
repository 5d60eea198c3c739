package main

import (
	"context"
	"crypto/rand"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

//go:embed bench_guest_source.go.txt
var goGuestSource []byte

// compileGoGuest makes the guest that does the work itself. It needs a Go toolchain of 1.24 or later on the path; the
// error says what it lacks.
func compileGoGuest(ctx context.Context) (module []byte, err error) {
	tool, err := exec.LookPath("go")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "claviger-guest-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	for name, text := range map[string][]byte{"main.go": goGuestSource, "go.mod": []byte("module guest\n\ngo 1.24\n")} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return nil, err
		}
	}
	file := filepath.Join(dir, "guest.wasm")
	cmd := exec.CommandContext(ctx, tool, "build", "-buildmode=c-shared", "-o", file, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=", "GOWORK=off", "GOTOOLCHAIN=local")
	if out, err := cmd.CombinedOutput(); err != nil {
		first, _, _ := strings.Cut(string(out), "\n")
		return nil, fmt.Errorf("go build: %w: %s", err, first)
	}
	return os.ReadFile(file)
}

// goGuest instantiates the guest that does the work itself.
func goGuest(ctx context.Context, r wazero.Runtime) (api.Module, error) {
	module, err := compileGoGuest(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, r); err != nil {
		return nil, err
	}
	c := wazero.NewModuleConfig().WithName("go").WithStartFunctions("_initialize").WithRandSource(rand.Reader).WithSysWalltime().WithSysNanotime()
	return r.InstantiateWithConfig(ctx, module, c)
}
