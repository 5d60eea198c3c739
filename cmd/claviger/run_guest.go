package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental/sysfs"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/guestfs"
	"github.com/claviger/claviger/wasicrypto"
)

// guestStatus is the end of a guest that ended by itself with another status than 0.
type guestStatus int

// Error says with which status.
func (s guestStatus) Error() string { return fmt.Sprintf("the guest ended with status %d", int(s)) }

// maxGuestStatus is the highest status that a process can end with. A guest's higher one becomes it, for none but 0 may
// look like 0.
const maxGuestStatus = 255

// guest is a module on its way to its end.
type guest struct {
	file    string   // its name, for people
	args    []string // the name among them
	env     [][2]string
	mounts  []mount
	pages   uint32 // most memory, in pages of 64 KiB
	timeout time.Duration
	cache   wazero.CompilationCache // nil for none
	connect connector               // nil for no managed keys and secrets
	stdin   io.Reader
	stdout  io.Writer
	stderr  io.Writer
}

// connector gives where managed keys and secrets live, each time that the guest opens its secrets manager.
type connector func(context.Context) (wasicrypto.Managed, error)

// mount is a directory that the guest sees.
type mount struct {
	dir      *guestfs.FS
	host     string // its path on this machine
	at       string // its path for the guest
	readOnly bool
}

// newGuest makes a guest of the flags. The caller closes it.
func newGuest(f *runFlags, file string, args []string) (*guest, error) {
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	g := &guest{file: file, args: append([]string{filepath.Base(file)}, args...), timeout: f.timeout}
	var err error
	if g.pages, err = parseMemory(f.memory); err != nil {
		return nil, err
	}
	if g.env, err = parseEnv(f.env); err != nil {
		return nil, err
	}
	for _, word := range f.dirs {
		m, err := openMount(word)
		if err != nil {
			g.close()
			return nil, err
		}
		g.mounts = append(g.mounts, m)
	}
	if err := firstError(checkMounts(g.mounts), checkKeeperApart(f.embedded, g.mounts)); err != nil {
		g.close()
		return nil, err
	}
	return g, nil
}

// close lets go of the directories.
func (g *guest) close() {
	for _, m := range g.mounts {
		_ = m.dir.Close() // nothing was written through it
	}
}

// await runs the guest and waits for its end, or for the end of its time. A guest that still runs then, because it waits
// for input, ends with the process, which the caller ends at once.
//
// From here on SIGINT and SIGTERM end the process as they do where nobody catches them: a guest that computes holds a
// thread that Go cannot interrupt, and may hold up all others with it, those that would handle a signal among them. What
// the keeper has acknowledged is durable, and everything else may be lost.
func (g *guest) await(module []byte) error {
	signal.Reset(syscall.SIGINT, syscall.SIGTERM)
	ctx, end := context.WithCancelCause(context.Background())
	defer end(nil)
	done := make(chan error, 1)
	go func() { done <- g.run(ctx, end, module) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// run compiles and runs the module. Its time begins when it is compiled, and calls end when it is over.
func (g *guest) run(ctx context.Context, end context.CancelCauseFunc, module []byte) error {
	if g.cache != nil {
		defer g.cache.Close(context.WithoutCancel(ctx))
	}
	runtime := wazero.NewRuntimeWithConfig(ctx, g.runtimeConfig())
	defer runtime.Close(context.WithoutCancel(ctx))
	compiled, err := runtime.CompileModule(ctx, module)
	if err != nil {
		return g.failed("is no module that can be run", err)
	}
	if _, command := compiled.ExportedFunctions()["_start"]; !command {
		return g.failed("exports no _start, so it is no command", nil)
	}
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, runtime); err != nil {
		return err
	}
	host, err := wasicrypto.Instantiate(ctx, runtime, wasicrypto.Config{Connect: g.connect})
	if err != nil {
		return err
	}
	defer host.Close(context.WithoutCancel(ctx))
	if why := unfit(runtime, compiled); why != "" {
		return g.failed(why, nil)
	}
	if g.timeout > 0 {
		late := claviger.Errorf(claviger.ErrOperationTimedOut, "", "%s did not end within %s", claviger.Clip(g.file), g.timeout)
		defer time.AfterFunc(g.timeout, func() { end(late) }).Stop()
	}
	instance, err := runtime.InstantiateModule(ctx, compiled, g.moduleConfig())
	if err == nil {
		_, err = instance.ExportedFunction("_start").Call(ctx)
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return g.outcome(err)
}

// unfit says why a module cannot be linked: it imports a function that this host does not have, or has with another type.
// It is "" if nothing is in the way.
func unfit(runtime wazero.Runtime, compiled wazero.CompiledModule) string {
	for _, want := range compiled.ImportedFunctions() {
		module, name, _ := want.Import()
		m := runtime.Module(module)
		if m == nil {
			return fmt.Sprintf("imports %q of %q, a module that this host does not have", claviger.Clip(name), claviger.Clip(module))
		}
		have, ok := m.ExportedFunctionDefinitions()[name]
		if !ok {
			return fmt.Sprintf("imports %q of %q, a function that this host does not have", claviger.Clip(name), claviger.Clip(module))
		}
		if !slices.Equal(want.ParamTypes(), have.ParamTypes()) || !slices.Equal(want.ResultTypes(), have.ResultTypes()) {
			return fmt.Sprintf("imports %q of %q with another type than this host has", claviger.Clip(name), claviger.Clip(module))
		}
	}
	return ""
}

// runtimeConfig has what bounds the guest. Only a guest with a time asks at each turn of a loop whether it is over, for
// that costs speed.
func (g *guest) runtimeConfig() wazero.RuntimeConfig {
	c := wazero.NewRuntimeConfig().WithMemoryLimitPages(g.pages).WithCloseOnContextDone(g.timeout > 0)
	if g.cache != nil {
		c = c.WithCompilationCache(g.cache)
	}
	return c
}

// moduleConfig has what the guest sees of this machine. _start is called apart, so that its error is told from one of the module.
func (g *guest) moduleConfig() wazero.ModuleConfig {
	c := wazero.NewModuleConfig().WithName("").WithStartFunctions().WithArgs(g.args...).
		WithStdin(g.stdin).WithStdout(g.stdout).WithStderr(g.stderr).
		WithRandSource(rand.Reader).WithSysWalltime().WithSysNanotime().WithSysNanosleep()
	for _, e := range g.env {
		c = c.WithEnv(e[0], e[1])
	}
	dirs := wazero.NewFSConfig()
	for _, m := range g.mounts {
		dirs = dirs.(sysfs.FSConfig).WithSysFSMount(m.dir, m.at)
	}
	return c.WithFSConfig(dirs)
}

// outcome makes an error of how a guest ended: nil for status 0.
func (g *guest) outcome(err error) error {
	if exit, ok := errors.AsType[*sys.ExitError](err); ok {
		switch status := exit.ExitCode(); {
		case status == 0:
			return nil
		case status > maxGuestStatus:
			return guestStatus(maxGuestStatus)
		default:
			return guestStatus(status)
		}
	}
	if err != nil {
		return g.failed("trapped", err)
	}
	return nil
}

// failed is the error of a module that cannot be run or has trapped, with the guest's stack and without this process's.
func (g *guest) failed(what string, err error) error {
	if err == nil {
		return claviger.Errorf(claviger.ErrOperationFailed, "", "%s %s", claviger.Clip(g.file), what)
	}
	why, _, _ := strings.Cut(err.Error(), "\n\nGo runtime stack trace:")
	return claviger.Errorf(claviger.ErrOperationFailed, "", "%s %s: %s", claviger.Clip(g.file), what, why)
}
