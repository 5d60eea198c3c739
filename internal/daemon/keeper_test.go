package daemon_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
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

// kept is a configuration whose store has been made and holds a key that has signed, beside what may open it: a second key
// file, a passphrase, and credentials.
type kept struct {
	cfg                          *config.Config
	file                         string
	key, other, phrase, sealed   config.Keeper
	keyCredential, phraseMissing config.Keeper
	signature                    []byte
}

// newKept makes one.
func newKept(t *testing.T) *kept {
	t.Helper()
	k := &kept{file: write(t, `"sign", "verify"`)}
	k.cfg = load(t, k.file)
	dir := filepath.Dir(k.file)
	credentials := filepath.Join(dir, "credentials")
	check(t, os.Mkdir(credentials, 0o700))
	check(t, keeper.CreateFile(filepath.Join(dir, "other")))
	check(t, keeper.CreateFile(filepath.Join(credentials, "key")))
	check(t, os.WriteFile(filepath.Join(dir, "phrase"), []byte("correct horse battery staple\n"), 0o600))
	check(t, os.WriteFile(filepath.Join(credentials, "phrase"), []byte("another horse battery staple"), 0o600))
	t.Setenv("CREDENTIALS_DIRECTORY", credentials)
	k.key = k.cfg.Keeper
	k.other = config.Keeper{Kind: config.KeyFile, Path: filepath.Join(dir, "other")}
	k.phrase = config.Keeper{Kind: config.Passphrase, Path: filepath.Join(dir, "phrase")}
	k.phraseMissing = config.Keeper{Kind: config.Passphrase, Path: filepath.Join(dir, "none")}
	k.keyCredential = config.Keeper{Kind: config.Credential, Name: "key"}
	k.sealed = config.Keeper{Kind: config.Passphrase, Name: "phrase"}

	d := start(t, k.cfg)
	_, scope := dial(t, k.cfg.Daemon.Socket)
	slot := keyIn(t, scope, "Key", client.GenerateParams{})
	k.signature = sign(t, scope, slot)
	check(t, d.Close())
	return k
}

// with gives the configuration with another keeper, as the printed lines say it.
func (k *kept) with(t *testing.T, next config.Keeper) *config.Config {
	t.Helper()
	data, err := os.ReadFile(k.file)
	check(t, err)
	now := k.key.Lines()
	if !strings.Contains(string(data), now) {
		t.Fatalf("the configuration does not hold\n%s", now)
	}
	cfg, err := config.Parse("changed", []byte(strings.Replace(string(data), now, next.Lines(), 1)))
	check(t, err)
	return cfg
}

// TestTheKeeperChangesFromKindToKind goes from a file through every other kind and back: after each step a daemon with the
// printed lines serves the same key, it says what opens the store and since when, and the keeper before is refused.
func TestTheKeeperChangesFromKindToKind(t *testing.T) {
	k := newKept(t)
	now := k.cfg
	for _, next := range []config.Keeper{k.phrase, k.keyCredential, k.other, k.sealed, k.key} {
		already, err := daemon.ChangeKeeper(t.Context(), now, next)
		if err != nil || already {
			t.Fatalf("to %+v: %t, %v", next, already, err)
		}
		before := now
		now = k.with(t, next)
		d := start(t, now)
		stack, scope := dial(t, now.Daemon.Socket)
		slot, err := scope.KeySlot(t.Context(), "Key")
		check(t, err)
		if !verify(t, scope, slot, k.signature) {
			t.Errorf("after the change to %+v another key is there", next)
		}
		status, err := stack.Status(t.Context())
		check(t, err)
		check(t, d.Close())
		state, err := daemon.ShowKeeper(t.Context(), now)
		if err != nil || state.Kind != next.Kind || state.Describe != status.Keeper || time.Since(state.Since).Abs() > time.Minute {
			t.Errorf("%+v, %v; status says %q", state, err, status.Keeper)
		}
		if !strings.Contains(state.Describe, next.Path) || !strings.Contains(state.Describe, next.Name) {
			t.Errorf("%q does not name %+v", state.Describe, next)
		}
		if _, err := daemon.Start(t.Context(), before, slog.New(slog.DiscardHandler)); !errors.Is(err, claviger.ErrWrapUnwrapFailed) {
			t.Errorf("the keeper before %+v: %v", next, err)
		}
	}
}

// TestAChangeThatCannotBeChangesNothing goes through what can be wrong with the old keeper, the new one and the store.
func TestAChangeThatCannotBeChangesNothing(t *testing.T) {
	k := newKept(t)
	foreign := filepath.Join(filepath.Dir(k.file), "foreign")
	check(t, os.WriteFile(foreign, []byte("a passphrase of another store\n"), 0o600))
	for _, c := range []struct {
		name      string
		now, next config.Keeper
		code      claviger.Code
		want      string
	}{
		{"the old key is another store's", k.other, k.phrase, claviger.ErrWrapUnwrapFailed, k.other.Path + " holds another key"},
		{"the old kind is another", config.Keeper{Kind: config.Passphrase, Path: foreign}, k.other, claviger.ErrWrapUnwrapFailed, "a key, of a file or a credential closed the store"},
		{"the old key is missing", config.Keeper{Kind: config.KeyFile, Path: foreign + "2"}, k.phrase, claviger.ErrResourceNotFound, "there is no file " + foreign + "2"},
		{"the new passphrase is missing", k.key, k.phraseMissing, claviger.ErrResourceNotFound, "there is no file " + k.phraseMissing.Path},
		{"the new key is none", k.key, config.Keeper{Kind: config.KeyFile, Path: foreign}, claviger.ErrInvalidArgument, "want exactly 32"},
		{"the new credential is missing", k.key, config.Keeper{Kind: config.Credential, Name: "none"}, claviger.ErrResourceNotFound, "systemd credential none"},
		{"nothing would change", k.key, k.key, claviger.ErrInvalidArgument, "names already"},
		{"the new key file is the store", k.key, config.Keeper{Kind: config.KeyFile, Path: k.cfg.Daemon.Store}, claviger.ErrInvalidArgument, "is the store"},
	} {
		_, err := daemon.ChangeKeeper(t.Context(), k.with(t, c.now), c.next)
		if !errors.Is(err, c.code) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if state, err := daemon.ShowKeeper(t.Context(), k.cfg); err != nil || state.Kind != config.KeyFile {
			t.Fatalf("%s, and the store does not open any more: %v", c.name, err)
		}
	}
	if _, err := os.Lstat(foreign + "2"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a key file was made: %v", err)
	}
}

// TestAWrongPassphraseIsNamed holds it for the daemon, for check --live and for showing, each with the file and no word of it.
func TestAWrongPassphraseIsNamed(t *testing.T) {
	k := newKept(t)
	_, err := daemon.ChangeKeeper(t.Context(), k.cfg, k.phrase)
	check(t, err)
	cfg := k.with(t, k.phrase)
	notes, err := daemon.CheckLive(t.Context(), cfg, "")
	if err != nil || len(notes) != 0 {
		t.Errorf("check --live: %v, %v", notes, err)
	}
	check(t, os.WriteFile(k.phrase.Path, []byte("incorrect horse battery staple\n"), 0o600))
	_, started := daemon.Start(t.Context(), cfg, slog.New(slog.DiscardHandler))
	_, shown := daemon.ShowKeeper(t.Context(), cfg)
	_, checked := daemon.CheckLive(t.Context(), cfg, "")
	_, changed := daemon.ChangeKeeper(t.Context(), cfg, k.other)
	for i, err := range []error{started, shown, checked, changed} {
		if err == nil || !strings.Contains(err.Error(), k.phrase.Path+" holds another passphrase than the one that closed the store") || strings.Contains(err.Error(), "horse") {
			t.Errorf("%d: %v", i, err)
		}
	}
	check(t, os.Remove(k.phrase.Path))
	if _, err := daemon.CheckLive(t.Context(), cfg, ""); err == nil || !strings.Contains(err.Error(), "keeper.path: passphrase file "+k.phrase.Path+": there is no file") {
		t.Errorf("check --live without the file: %v", err)
	}
	check(t, os.Remove(cfg.Daemon.Store))
	if _, err := daemon.Start(t.Context(), cfg, slog.New(slog.DiscardHandler)); !errors.Is(err, claviger.ErrResourceNotFound) {
		t.Errorf("a first start without a passphrase: %v", err)
	}
	if _, err := os.Lstat(k.phrase.Path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a passphrase was made: %v", err)
	}
}

// TestAChangeAgainSaysThatItIsDone holds that after a change nobody heard of, the same command tells so.
func TestAChangeAgainSaysThatItIsDone(t *testing.T) {
	k := newKept(t)
	for want := range 2 {
		if already, err := daemon.ChangeKeeper(t.Context(), k.cfg, k.other); err != nil || already != (want == 1) {
			t.Errorf("%d: %t, %v", want, already, err)
		}
	}
}

// TestAStoreInUseKeepsItsKeeper holds that a running daemon is named, by its process, and that a store that is not there or
// not ours is told.
func TestAStoreInUseKeepsItsKeeper(t *testing.T) {
	k := newKept(t)
	d := start(t, k.cfg)
	want := fmt.Sprintf("%s.lock is locked by process %d; ", k.cfg.Daemon.Store, os.Getpid())
	if _, err := daemon.ChangeKeeper(t.Context(), k.cfg, k.other); !errors.Is(err, claviger.ErrAlreadyInitialized) || !strings.Contains(err.Error(), want+"stop it first") {
		t.Errorf("got %v, want %q", err, want)
	}
	if _, err := daemon.ShowKeeper(t.Context(), k.cfg); !errors.Is(err, claviger.ErrAlreadyInitialized) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
	check(t, d.Close())
	if os.Geteuid() == 0 {
		check(t, os.Remove(k.cfg.Daemon.Store+".lock"))
		check(t, os.Chown(k.cfg.Daemon.Store, 65534, 65534))
		if _, err := daemon.ChangeKeeper(t.Context(), k.cfg, k.other); !errors.Is(err, claviger.ErrInvalidArgument) || !strings.Contains(err.Error(), "run this as that user") {
			t.Errorf("another user's store: %v", err)
		}
		if _, err := os.Lstat(k.cfg.Daemon.Store + ".lock"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a lock was made that the daemon could not take: %v", err)
		}
	}
	check(t, os.Remove(k.cfg.Daemon.Store))
	if _, err := daemon.ShowKeeper(t.Context(), k.cfg); !errors.Is(err, claviger.ErrResourceNotFound) || !strings.Contains(err.Error(), "no store at") {
		t.Errorf("no store: %v", err)
	}
}

// TestAKeyThatMovesIsNoted holds that a key that goes from a file to a credential by the configuration alone is shown as what
// it is, and not as old as the file.
func TestAKeyThatMovesIsNoted(t *testing.T) {
	k := newKept(t)
	key, err := os.ReadFile(k.key.Path)
	check(t, err)
	check(t, os.WriteFile(filepath.Join(filepath.Dir(k.file), "credentials", "key"), key, 0o600))
	cfg := k.with(t, k.keyCredential)
	if state, err := daemon.ShowKeeper(t.Context(), cfg); err != nil || state.Kind != config.Credential || !state.Since.IsZero() {
		t.Errorf("before a start: %+v, %v", state, err)
	}
	check(t, start(t, cfg).Close())
	if state, err := daemon.ShowKeeper(t.Context(), cfg); err != nil || state.Since.IsZero() {
		t.Errorf("after a start: %+v, %v", state, err)
	}
}
