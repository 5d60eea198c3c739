package wasicrypto

import (
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/wasmtest"
)

// allNames are the names that a host takes in a runtime.
func allNames() []string {
	names := []string{misspelt}
	for _, m := range modules() {
		names = append(names, m.name)
	}
	return names
}

// occupy puts a module of somebody else's into a runtime.
func occupy(t *testing.T, r wazero.Runtime, name string) {
	t.Helper()
	if _, err := r.NewHostModuleBuilder(name).Instantiate(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestASecondHostLeavesTheFirst as it is, however often it is tried, and is welcome when the first is closed.
func TestASecondHostLeavesTheFirst(t *testing.T) {
	runtime := newRuntime(t)
	first, err := Instantiate(t.Context(), runtime, Config{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err := Instantiate(t.Context(), runtime, Config{})
		if claviger.CodeOf(err) != claviger.ErrInvalidOperation || !strings.Contains(err.Error(), `"wasi_ephemeral_crypto_common"`) {
			t.Errorf("a second host: %v", err)
		}
	}
	for _, name := range allNames() {
		if runtime.Module(name) == nil {
			t.Errorf("%s is gone", name)
		}
	}
	module := wasmtest.Module{Imports: wasmtest.Crypto(), Pages: rigPages}
	guest := &rig{Guest: wasmtest.Start(t, runtime, module, "one"), t: t, host: first, free: 64}
	guest.squeeze(guest.state("SHA-256", 0, 0), 32)
	if err := first.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := Instantiate(t.Context(), runtime, Config{}); err != nil {
		t.Errorf("after the first was closed: %v", err)
	}
}

// TestAHostIsAddedWholeOrNotAtAll: a name that is taken, before it began or meanwhile, leaves nothing of it behind.
func TestAHostIsAddedWholeOrNotAtAll(t *testing.T) {
	for _, taken := range allNames() {
		runtime := newRuntime(t)
		occupy(t, runtime, taken)
		_, err := Instantiate(t.Context(), runtime, Config{})
		if err == nil || !strings.Contains(err.Error(), `"`+taken+`"`) {
			t.Errorf("%s is taken: %v", taken, err)
		}
		for _, name := range allNames() {
			if there := runtime.Module(name) != nil; there != (name == taken) {
				t.Errorf("%s is taken, and %s is there: %v", taken, name, there)
			}
		}
	}
	runtime, late := newRuntime(t), "wasi_ephemeral_crypto_kx"
	_, err := Instantiate(t.Context(), runtime, Config{Intercept: func(_, name string, next api.GoModuleFunction) api.GoModuleFunction {
		if name == "kx_dh" {
			occupy(t, runtime, late)
		}
		return next
	}})
	if err == nil || !strings.Contains(err.Error(), late) {
		t.Errorf("%s is taken meanwhile: %v", late, err)
	}
	for _, name := range allNames() {
		if name != late && runtime.Module(name) != nil {
			t.Errorf("%s has stayed", name)
		}
	}
}
