package daemon_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/client"
	"github.com/claviger/claviger/internal/config"
	"github.com/claviger/claviger/internal/daemon"
	"github.com/claviger/claviger/internal/keeper"
)

// text is a configuration for this user; %[1]s is its directory, %[2]d the uid, %[3]s goes into the mapping.
const text = `
[daemon]
socket  = "%[1]s/run/s"
store   = "%[1]s/store/db"
timeout = "10s"

[keeper]
kind = "file"
path = "%[1]s/key"

[admin]
uids = [%[2]d]

[[provider]]
id   = 2
name = "software"
kind = "software"

[[provider]]
id    = 5
name  = "slow"
kind  = "delay"
delay = "1ms"

[[slot]]
name       = "signing"
algorithm  = "ECDSA-P256"
providers  = ["software", "slow"]
operations = ["sign", "verify"]

[[app]]
name = "test"
uid  = %[2]d
[app.resources]
Key = { slot = "signing", operations = [%[3]s], write = ["generate", "clear"] }
`

// write makes a directory with a key and a configuration whose mapping has these operations, and gives the file.
func write(t *testing.T, operations string) string {
	t.Helper()
	dir := t.TempDir()
	for _, sub := range []string{"run", "store"} {
		check(t, os.Mkdir(filepath.Join(dir, sub), 0o700))
	}
	check(t, keeper.CreateFile(filepath.Join(dir, "key")))
	file := filepath.Join(dir, "claviger.toml")
	check(t, os.WriteFile(file, fmt.Appendf(nil, text, dir, os.Getuid(), operations), 0o600))
	return file
}

func rewrite(t *testing.T, file, old, new string) {
	t.Helper()
	data, err := os.ReadFile(file)
	check(t, err)
	if !bytes.Contains(data, []byte(old)) {
		t.Fatalf("%s does not hold %q", file, old)
	}
	check(t, os.WriteFile(file, bytes.ReplaceAll(data, []byte(old), []byte(new)), 0o600))
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// start starts a daemon that ends with the test.
func start(t *testing.T, cfg *config.Config) *daemon.Daemon {
	t.Helper()
	d, err := daemon.Start(t.Context(), cfg, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})))
	check(t, err)
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func load(t *testing.T, file string) *config.Config {
	t.Helper()
	cfg, err := config.Load(file)
	check(t, err)
	return cfg
}

// dial gives a scope in a stack that ends with the test.
func dial(t *testing.T, socket string) (*client.Stack, *client.CryptoContext) {
	t.Helper()
	stack, err := client.Dial(t.Context(), client.Config{Endpoint: socket})
	check(t, err)
	t.Cleanup(func() { _ = stack.Close() })
	scope, err := stack.CryptoContext()
	check(t, err)
	return stack, scope
}

// keyIn generates a key in a slot and gives the slot.
func keyIn(t *testing.T, scope *client.CryptoContext, name string, p client.GenerateParams) *client.KeySlot {
	t.Helper()
	slot, err := scope.KeySlot(t.Context(), name)
	check(t, err)
	keys, err := scope.NewKeyManager(t.Context(), client.KeyManagerConfig{})
	check(t, err)
	if _, err := keys.GenerateIn(t.Context(), slot, p); err != nil {
		t.Fatal(err)
	}
	return slot
}

func sign(t *testing.T, scope *client.CryptoContext, key client.KeySource) []byte {
	t.Helper()
	signer, err := scope.NewSigner(t.Context(), client.SignerConfig{Algorithm: "ECDSA-P256-SHA-256", Key: key})
	check(t, err)
	signature, err := signer.Sign(t.Context(), nil, []byte("message"))
	check(t, err)
	return signature
}

func verify(t *testing.T, scope *client.CryptoContext, key client.KeySource, signature []byte) bool {
	t.Helper()
	verifier, err := scope.NewVerifier(t.Context(), client.VerifierConfig{Algorithm: "ECDSA-P256-SHA-256", Key: key})
	check(t, err)
	ok, err := verifier.Verify(t.Context(), []byte("message"), signature)
	check(t, err)
	return ok
}

// TestDevStartsSignsAndStops holds that an instance without a configuration serves its user and leaves no socket.
func TestDevStartsSignsAndStops(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dev")
	begin := time.Now()
	cfg := config.Dev(dir, uint32(os.Getuid()))
	d := start(t, cfg)
	stack, scope := dial(t, cfg.Daemon.Socket)
	slot := keyIn(t, scope, "first", client.GenerateParams{Algorithm: "ECDSA-P256"})
	signature := sign(t, scope, slot)
	t.Logf("first signature after %v", time.Since(begin))
	if len(signature) != 64 || !verify(t, scope, slot, signature) {
		t.Error("the signature is wrong")
	}
	code := codeOf(t, scope)
	if len(code) != 32 {
		t.Errorf("HMAC of %d bytes", len(code))
	}
	status, err := stack.Status(t.Context())
	if err != nil || status.PID != os.Getpid() || status.StoreBytes == 0 || !strings.Contains(status.Keeper, cfg.Keeper.Path) {
		t.Errorf("status %+v, %v", status, err)
	}
	check(t, d.Close())
	if _, err := os.Lstat(cfg.Daemon.Socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket stays: %v", err)
	}
	if err := stack.Ping(t.Context()); !errors.Is(err, claviger.ErrConnectionFailed) {
		t.Errorf("after the end: %v", err)
	}
}

// codeOf makes an HMAC with a key of the session's own.
func codeOf(t *testing.T, scope *client.CryptoContext) []byte {
	t.Helper()
	keys, err := scope.NewKeyManager(t.Context(), client.KeyManagerConfig{})
	check(t, err)
	key, err := keys.Generate(t.Context(), client.GenerateParams{Algorithm: "HMAC-SHA-256", Permissions: claviger.Mac})
	check(t, err)
	mac, err := scope.NewMAC(t.Context(), client.MACConfig{Algorithm: "HMAC-SHA-256", Key: key})
	check(t, err)
	code, err := mac.Sum(t.Context(), nil, []byte("message"))
	check(t, err)
	if ok, err := mac.Verify(t.Context(), []byte("message"), code); err != nil || !ok {
		t.Errorf("the code is wrong: %v, %v", ok, err)
	}
	return code
}

func TestRestartKeepsKeysAndRefusesAnotherKeyFile(t *testing.T) {
	cfg := load(t, write(t, `"sign", "verify"`))
	d := start(t, cfg)
	_, scope := dial(t, cfg.Daemon.Socket)
	slot := keyIn(t, scope, "Key", client.GenerateParams{})
	signature := sign(t, scope, slot)
	check(t, d.Close())

	d = start(t, cfg)
	_, scope = dial(t, cfg.Daemon.Socket)
	slot, err := scope.KeySlot(t.Context(), "Key")
	check(t, err)
	if !verify(t, scope, slot, signature) {
		t.Error("another key came back")
	}
	info, err := slot.Info(t.Context())
	if err != nil || info.Primary != 2 || len(info.Compatible) != 2 || info.Compatible[1] != 5 {
		t.Errorf("slot %+v, %v", info, err)
	}
	check(t, d.Close())

	check(t, os.Remove(cfg.Keeper.Path))
	check(t, keeper.CreateFile(cfg.Keeper.Path))
	if _, err := daemon.Start(t.Context(), cfg, slog.New(slog.DiscardHandler)); !errors.Is(err, claviger.ErrWrapUnwrapFailed) {
		t.Errorf("with another key file: %v", err)
	}
}

func TestSecondStartNamesTheFirst(t *testing.T) {
	cfg := load(t, write(t, `"sign"`))
	start(t, cfg)
	_, err := daemon.Start(t.Context(), cfg, slog.New(slog.DiscardHandler))
	want := fmt.Sprintf("%s.lock is locked by process %d", cfg.Daemon.Store, os.Getpid())
	if !errors.Is(err, claviger.ErrAlreadyInitialized) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
	other := *cfg
	other.Daemon.Store += "2"
	if _, err := daemon.Start(t.Context(), &other, slog.New(slog.DiscardHandler)); !errors.Is(err, claviger.ErrAlreadyInitialized) || !strings.Contains(err.Error(), "answers on") {
		t.Errorf("with the same socket: %v", err)
	}
}

// TestReloadIsAllOrNothing holds that a withdrawn right is refused on contexts that are open, and that a file that is
// wrong, or wants what only a start can do, changes nothing.
func TestReloadIsAllOrNothing(t *testing.T) {
	file := write(t, `"sign", "verify"`)
	cfg := load(t, file)
	d := start(t, cfg)
	stack, scope := dial(t, cfg.Daemon.Socket)
	slot := keyIn(t, scope, "Key", client.GenerateParams{})
	signer, err := scope.NewSigner(t.Context(), client.SignerConfig{Algorithm: "ECDSA-P256-SHA-256", Key: slot})
	check(t, err)
	signs := func() error {
		_, err := signer.Sign(t.Context(), nil, []byte("message"))
		return err
	}
	check(t, signs())

	rewrite(t, file, `"sign", "verify"], write`, `"verify"], writes`)
	var complaints *config.Error
	if err := d.Reload(); !errors.As(err, &complaints) || !strings.Contains(err.Error(), file+":") {
		t.Errorf("a broken file: %v", err)
	}
	check(t, signs())

	rewrite(t, file, "writes", "write")
	rewrite(t, file, `timeout = "10s"`, `timeout = "11s"`)
	if err := d.Reload(); !errors.As(err, &complaints) || !strings.Contains(err.Error(), ":5:11: daemon.timeout: cannot change") {
		t.Errorf("a change that takes a start: %v", err)
	}
	check(t, signs())

	rewrite(t, file, `timeout = "11s"`, `timeout = "10s"`)
	check(t, stack.Reload(t.Context()))
	if err := signs(); !errors.Is(err, claviger.ErrKeyOperationNotPermitted) {
		t.Errorf("after the right was withdrawn: %v", err)
	}

	rewrite(t, file, `["verify"], write`, `["sign", "verify"], write`)
	check(t, d.Reload())
	if signature := sign(t, scope, slot); len(signature) != 64 {
		t.Error("the right did not come back")
	}
}

func TestConfigurationThatEverybodyCanWriteIsRefused(t *testing.T) {
	file := write(t, `"sign"`)
	cfg := load(t, file)
	d := start(t, cfg)
	check(t, os.Chmod(file, 0o666))
	if err := d.Reload(); !errors.Is(err, claviger.ErrInvalidArgument) || !strings.Contains(err.Error(), "mode 0666") {
		t.Errorf("reload: %v", err)
	}
	if _, err := daemon.CheckLive(t.Context(), cfg, ""); err == nil || !strings.Contains(err.Error(), "mode 0666") {
		t.Errorf("check: %v", err)
	}
	check(t, d.Close())
	if _, err := daemon.Start(t.Context(), cfg, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "mode 0666") {
		t.Errorf("start: %v", err)
	}
}

func TestReloadNeedsAFile(t *testing.T) {
	d := start(t, config.Dev(filepath.Join(t.TempDir(), "dev"), uint32(os.Getuid())))
	if err := d.Reload(); !errors.Is(err, claviger.ErrUnsupportedOperation) {
		t.Error(err)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	cfg := load(t, write(t, `"sign"`))
	d := start(t, cfg)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	_, scope := dial(t, cfg.Daemon.Socket)
	codeOf(t, scope)
	cancel()
	select {
	case err := <-done:
		check(t, err)
	case <-time.After(time.Minute):
		t.Fatal("Run goes on")
	}
}

func TestStrangersAreRefusedWithTheLinesToAdd(t *testing.T) {
	file := write(t, `"sign"`)
	rewrite(t, file, fmt.Sprintf("uid  = %d", os.Getuid()), fmt.Sprintf("uid  = %d", os.Getuid()+1))
	rewrite(t, file, fmt.Sprintf("uids = [%d]", os.Getuid()), fmt.Sprintf("uids = [%d]", os.Getuid()+2))
	cfg := load(t, file)
	start(t, cfg)
	_, err := client.Dial(t.Context(), client.Config{Endpoint: cfg.Daemon.Socket})
	if !errors.Is(err, claviger.ErrAccessDenied) || !strings.Contains(err.Error(), fmt.Sprintf("[[app]]\nname = \"NAME\"\nuid  = %d", os.Getuid())) {
		t.Errorf("%v", err)
	}
}

func TestCheckLive(t *testing.T) {
	file := write(t, `"sign"`)
	cfg := load(t, file)
	notes, err := daemon.CheckLive(t.Context(), cfg, "")
	check(t, err)
	if len(notes) != 1 || !strings.Contains(notes[0], "no store at "+cfg.Daemon.Store) {
		t.Errorf("before the first start: %q", notes)
	}
	if _, err := os.Lstat(cfg.Daemon.Store); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the check made the store: %v", err)
	}
	check(t, os.Remove(cfg.Keeper.Path))
	if notes, err := daemon.CheckLive(t.Context(), cfg, ""); err != nil || len(notes) != 2 || !strings.Contains(notes[0], "no key file at "+cfg.Keeper.Path) {
		t.Errorf("without a key file: %q, %v", notes, err)
	}
	d := start(t, cfg)
	if notes, err := daemon.CheckLive(t.Context(), cfg, ""); err != nil || len(notes) != 1 || !strings.Contains(notes[0], "in use") {
		t.Errorf("while it runs: %q, %v", notes, err)
	}
	check(t, d.Close())
	if notes, err := daemon.CheckLive(t.Context(), cfg, ""); err != nil || len(notes) != 0 {
		t.Errorf("after it ran: %q, %v", notes, err)
	}
	check(t, os.Chmod(cfg.Keeper.Path, 0o644))
	check(t, os.Chmod(filepath.Dir(cfg.Daemon.Socket), 0o777))
	_, err = daemon.CheckLive(t.Context(), cfg, "")
	var complaints *config.Error
	if !errors.As(err, &complaints) || len(complaints.Complaints) != 2 {
		t.Fatalf("%v", err)
	}
	for i, want := range []string{file + ":3:11: daemon.socket: directory ", file + ":9:8: keeper.path: key file "} {
		if got := complaints.Complaints[i].Error(); !strings.HasPrefix(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestUnitFilesVerify has systemd judge the packaged units; the program they start is exchanged for one that exists.
func TestUnitFilesVerify(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	dir := t.TempDir()
	var files []string
	for _, name := range []string{"claviger.service", "claviger.socket"} {
		data, err := os.ReadFile(filepath.Join("../../packaging", name))
		check(t, err)
		file := filepath.Join(dir, name)
		check(t, os.WriteFile(file, bytes.ReplaceAll(data, []byte("/usr/bin/claviger"), []byte("/bin/true")), 0o644))
		files = append(files, file)
	}
	out, err := exec.Command(analyze, append([]string{"verify", "--man=no"}, files...)...).CombinedOutput()
	if err != nil || len(out) != 0 {
		t.Errorf("%v\n%s", err, out)
	}
}
