package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/claviger/claviger"
)

// newVault gives a vault whose daemon is this test binary.
func newVault(t *testing.T) *vault {
	t.Helper()
	t.Setenv(mainVariable, "1")
	dir, err := os.MkdirTemp("", "clv") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{ctx: t.Context()}
	v, err := b.openVault(filepath.Join(dir, "vault"))
	t.Cleanup(func() { v.close(); os.RemoveAll(dir) })
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestAVaultKeepsWhatItWasFilledWith(t *testing.T) {
	v := newVault(t)
	const n = vaultCallers + 3
	if err := v.fill(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	if ids := slices.Compact(slices.Sorted(slices.Values(v.ids))); len(ids) != n || ids[0] == "" {
		t.Errorf("%d identifiers, the first is %q; want %d", len(ids), ids[0], n)
	}
	before := v.child.cmd.Process.Pid
	v.close()
	if err := v.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if v.child.cmd.Process.Pid == before {
		t.Error("the daemon is the one from before")
	}
	if used := anonymousMemory(v.child.cmd.Process.Pid); used < 1<<20 {
		t.Errorf("the daemon is said to hold %d bytes", used)
	}
	v.ids = v.ids[:1]
	read := v.reading(t.Context())
	if err := read(); err != nil {
		t.Fatal(err)
	}
	if err := v.link.stack.Secrets().Invalidate(t.Context(), v.ids[0], claviger.AllVersions); err != nil {
		t.Fatal(err)
	}
	if err := read(); !errors.Is(err, claviger.ErrSecretNotFound) {
		t.Errorf("what is gone is read: %v", err)
	}
}

func TestBenchOfSecretsGivesAllFiguresAndLeavesNothing(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	scratch, err := os.MkdirTemp("", "clv") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(scratch)
	bench := func(args ...string) (string, error) {
		cmd := exec.Command(self, append([]string{"bench", "secrets", "--json", "--rounds", "1", "--span", "10ms"}, args...)...)
		cmd.Env = append(os.Environ(), mainVariable+"=1", "TMPDIR="+scratch)
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		err := cmd.Run()
		return out.String() + errs.String(), err
	}
	if said, err := bench("--secrets", "0"); err == nil || !strings.Contains(said, "--secrets") {
		t.Errorf("no secrets at all: %v, %s", err, said)
	}
	said, err := bench("--secrets", "300")
	if err != nil && strings.Contains(said, "is in memory") {
		t.Skip("the directory of tests is in memory")
	}
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	var list []figure
	if err := json.NewDecoder(strings.NewReader(said)).Decode(&list); err != nil {
		t.Fatal(err)
	}
	promised := 0
	for _, f := range list {
		if f.Ratio <= 0 || f.Ours == "" || f.Theirs == "" {
			t.Errorf("a figure that says nothing: %+v", f)
		}
		if f.Must != "" {
			promised++
		}
	}
	if promised != 6 || len(list) != 8 {
		t.Errorf("%d figures, %d of them promised; want 8 and 6", len(list), promised)
	}
	if left, err := os.ReadDir(scratch); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestAMediumInMemoryIsRefused(t *testing.T) {
	const memory = "/dev/shm"
	if _, err := os.Stat(memory); err != nil {
		t.Skip(err)
	}
	t.Setenv("TMPDIR", memory)
	if dir, err := mediumDir(); err == nil {
		os.RemoveAll(dir)
		t.Errorf("%s was taken", memory)
	}
}
