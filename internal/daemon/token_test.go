package daemon_test

import (
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/internal/config"
	"github.com/claviger/claviger/internal/daemon"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/software"
	"github.com/claviger/claviger/internal/provider/worker"
	"github.com/claviger/claviger/internal/sandbox"
)

// TestMain lets the test binary be the worker of a token.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "worker" {
		conn, _, err := sandbox.Enter()
		if err == nil {
			err = worker.Serve(conn, openDevice)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// device is a token whose keys are software's. It leaves in $DEVICE what it saw: the file "tries" grows by a byte with each PIN,
// "doubt" is there after a wrong one, "pid" says which process it is in. Its PIN is $DEVICE_PIN.
type device struct {
	settings daemon.WorkerSettings
	dir      string
}

func openDevice(text []byte) (provider.Device, error) {
	settings, err := daemon.ReadSettings(text)
	return &device{settings, os.Getenv("DEVICE")}, err
}

func (d *device) Open(context.Context) (provider.Lock, error) {
	fmt.Println("the device is opened")
	switch os.Getenv("DEVICE_FAULT") {
	case "hang":
		select {}
	case "away":
		return provider.Lock{}, claviger.Errorf(claviger.ErrProviderNotAvailable, "token", "there is no token %q", d.settings.Label)
	}
	err := os.WriteFile(filepath.Join(d.dir, "pid"), []byte(strconv.Itoa(os.Getpid())), 0o600)
	_, doubt := os.Stat(filepath.Join(d.dir, "doubt"))
	return provider.Lock{Detail: "device " + d.settings.Label, NeedsPIN: true, Doubt: doubt == nil, Sessions: d.settings.Sessions}, err
}

func (d *device) Unlock(_ context.Context, pin []byte) (provider.Provider, error) {
	tries, err := os.OpenFile(filepath.Join(d.dir, "tries"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err := tries.Write([]byte("t")); err != nil {
		return nil, err
	}
	doubt := filepath.Join(d.dir, "doubt")
	if subtle.ConstantTimeCompare(pin, []byte(os.Getenv("DEVICE_PIN"))) != 1 {
		err := claviger.Errorf(claviger.ErrProviderNotAvailable, "unlock", "the device refused the PIN")
		err.Err = provider.ErrPIN
		return nil, errors.Join(err, os.WriteFile(doubt, nil, 0o600), tries.Close())
	}
	_ = os.Remove(doubt)
	if os.Getenv("DEVICE_FAULT") == "hashes" {
		return hashes{software.New()}, tries.Close()
	}
	return software.New(), tries.Close()
}

// hashes is a provider that offers one hash.
type hashes struct{ provider.Provider }

func (hashes) Mechanisms() []provider.Mechanism {
	return []provider.Mechanism{{Op: provider.Hash, Algorithm: "SHA-256"}}
}

func (d *device) Close() error { return nil }

// tokenText is the provider of a device in the directory %[1]s; it stands in front of the first slot.
const tokenText = `
[[provider]]
id         = 7
name       = "token"
kind       = "pkcs11"
module     = "%[1]s/module.so"
token      = "vehicle"
pin_file   = "%[1]s/pin"
hang_after = "1h"
write      = ["%[1]s/seen"]
env        = { DEVICE = "%[1]s/seen", DEVICE_PIN = "right" }

[[slot]]`

// withToken makes a configuration whose slot "signing" is in a token, the PIN of which is in the file dir/pin.
func withToken(t *testing.T, pin string) (cfg *config.Config, dir string) {
	t.Helper()
	file := write(t, `"sign", "verify"`)
	dir = filepath.Join(filepath.Dir(file), "token")
	check(t, os.MkdirAll(filepath.Join(dir, "seen"), 0o700))
	check(t, os.WriteFile(filepath.Join(dir, "module.so"), nil, 0o600))
	setPIN(t, dir, pin)
	rewrite(t, file, "\n[[slot]]", fmt.Sprintf(tokenText, dir))
	rewrite(t, file, `["software", "slow"]`, `["token"]`)
	return loadToken(t, file), dir
}

// loadToken loads a configuration for a daemon whose workers are this test binary.
func loadToken(t *testing.T, file string) *config.Config {
	t.Helper()
	cfg := load(t, file)
	cfg.Worker = []string{"", "worker"}
	return cfg
}

func setPIN(t *testing.T, dir, pin string) {
	t.Helper()
	check(t, os.WriteFile(filepath.Join(dir, "pin"), []byte(pin+"\n"), 0o600))
}

// seen gives what the device has left in a file, "" if there is none.
func seen(t *testing.T, dir, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "seen", name))
	if !errors.Is(err, os.ErrNotExist) {
		check(t, err)
	}
	return string(data)
}

// about gives what a daemon says of the token.
func about(t *testing.T, stack *client.Stack) claviger.ProviderInfo {
	t.Helper()
	list, err := stack.Providers(t.Context())
	check(t, err)
	for _, p := range list {
		if p.Name == "token" {
			return p
		}
	}
	t.Fatalf("no token in %+v", list)
	return claviger.ProviderInfo{}
}

// TestATokenServesAndItsWorkerEndsWithTheDaemon uses a key in a token, and looks for what is left.
func TestATokenServesAndItsWorkerEndsWithTheDaemon(t *testing.T) {
	cfg, dir := withToken(t, "right")
	var log bytes.Buffer
	d, err := daemon.Start(t.Context(), cfg, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	check(t, err)
	defer d.Close()
	stack, scope := dial(t, cfg.Daemon.Socket)
	slot := keyIn(t, scope, "Key", client.GenerateParams{})
	if signature := sign(t, scope, slot); !verify(t, scope, slot, signature) {
		t.Error("the signature is wrong")
	}
	if p := about(t, stack); !p.Available || p.Kind != claviger.Hardware || !strings.HasPrefix(p.Detail, "device vehicle; uid ") || p.Restarts != 0 {
		t.Errorf("%+v", p)
	}
	pid, err := strconv.Atoi(seen(t, dir, "pid"))
	check(t, err)
	if pid == os.Getpid() || syscall.Kill(pid, 0) != nil {
		t.Errorf("the worker is process %d", pid)
	}
	check(t, d.Close())
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d is still there: %v", pid, err)
	}
	if !strings.Contains(log.String(), `msg="worker prints" provider=token line="the device is opened"`) {
		t.Errorf("what the worker prints is not in the log:\n%s", log.String())
	}
}

// TestAWrongPINCostsOneTry holds that over reloads and restarts, and that changing the file is enough to go on.
func TestAWrongPINCostsOneTry(t *testing.T) {
	cfg, dir := withToken(t, "wrong")
	for range 3 {
		d := start(t, cfg)
		stack, scope := dial(t, cfg.Daemon.Socket)
		for range 3 {
			check(t, d.Reload())
		}
		if p := about(t, stack); p.Available || !strings.Contains(p.Reason, "refused") {
			t.Errorf("%+v", p)
		}
		keys, err := scope.NewKeyManager(t.Context(), client.KeyManagerConfig{})
		check(t, err)
		slot, err := scope.KeySlot(t.Context(), "Key")
		check(t, err)
		if _, err := keys.GenerateIn(t.Context(), slot, client.GenerateParams{}); !errors.Is(err, claviger.ErrProviderNotAvailable) {
			t.Errorf("a key from a closed token: %v", err)
		}
		check(t, d.Close())
	}
	if tries := seen(t, dir, "tries"); tries != "t" {
		t.Errorf("%d tries of a wrong PIN", len(tries))
	}
	d := start(t, cfg)
	stack, _ := dial(t, cfg.Daemon.Socket)
	setPIN(t, dir, "right")
	check(t, d.Reload())
	for deadline := time.Now().Add(time.Minute); !about(t, stack).Available; {
		if time.Now().After(deadline) {
			t.Fatalf("%+v", about(t, stack))
		}
		time.Sleep(10 * time.Millisecond)
	}
	if tries := seen(t, dir, "tries"); tries != "tt" {
		t.Errorf("%d tries in all", len(tries))
	}
}

// TestATokenThatHangsHoldsUpNobody holds that a daemon starts, serves and ends beside it.
func TestATokenThatHangsHoldsUpNobody(t *testing.T) {
	cfg, _ := withToken(t, "right")
	rewrite(t, cfg.Path, `DEVICE_PIN = "right"`, `DEVICE_FAULT = "hang"`)
	cfg = loadToken(t, cfg.Path)
	begin := time.Now()
	d := start(t, cfg)
	stack, _ := dial(t, cfg.Daemon.Socket)
	if p := about(t, stack); p.Available {
		t.Errorf("%+v", p)
	}
	check(t, d.Close())
	if took := time.Since(begin); took > time.Minute {
		t.Errorf("start and end took %v", took)
	}
}

// TestTokensAreFixedWhileTheDaemonRuns holds that a reload that changes one is refused.
func TestTokensAreFixedWhileTheDaemonRuns(t *testing.T) {
	cfg, _ := withToken(t, "right")
	d := start(t, cfg)
	check(t, d.Reload())
	rewrite(t, cfg.Path, `DEVICE_PIN = "right"`, `DEVICE_PIN = "left"`)
	if err := d.Reload(); err == nil || !strings.Contains(err.Error(), "provider: cannot change while the daemon runs") {
		t.Errorf("%v", err)
	}
}

// TestCheckTouchesNoToken holds that without --live no worker is started.
func TestCheckTouchesNoToken(t *testing.T) {
	cfg, dir := withToken(t, "right")
	check(t, daemon.Check(cfg))
	if pid := seen(t, dir, "pid"); pid != "" {
		t.Errorf("process %s looked at the token", pid)
	}
}
