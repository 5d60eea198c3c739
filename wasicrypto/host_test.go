package wasicrypto

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/tetratelabs/wazero/api"

	"github.com/claviger/claviger/internal/wasmtest"
)

// TestModulesAreThoseOfTheInterface compares the list of functions with the published one: names, order and parameters.
func TestModulesAreThoseOfTheInterface(t *testing.T) {
	var have []wasmtest.Import
	for _, m := range modules() {
		for _, f := range m.functions {
			have = append(have, wasmtest.Import{Module: m.name, Name: f.name, Params: f.params})
		}
	}
	want := wasmtest.Crypto()
	if len(want) != 86 || len(have) != len(want) {
		t.Fatalf("%d functions, the list has %d, want 86", len(have), len(want))
	}
	for i := range want {
		want[i].Roles = ""
		if have[i] != want[i] {
			t.Errorf("function %d is %v, want %v", i, have[i], want[i])
		}
	}
}

// TestMisspeltModule: what witx 0.9 calls the module of external secrets is that module.
func TestMisspeltModule(t *testing.T) {
	imports := wasmtest.Crypto()
	for i := range imports {
		if imports[i].Module == "wasi_ephemeral_crypto_external_secrets" {
			imports[i].Module = misspelt
		}
	}
	r := newRigOf(t, Config{Managed: newKeeper()}, wasmtest.Module{Imports: imports, Pages: rigPages})
	manager := uint64(r.handle("secrets_manager_open", r.none()))
	if s, e := r.read(manager, r.store(manager, "secret", far), 1); s != "secret" || e != success {
		t.Errorf("%q, %v", s, e)
	}
}

// TestUpperHalvesMeanNothing runs a whole encryption with a guest whose i32 arguments come with other bits above them, and holds that they
// do reach the host so.
func TestUpperHalvesMeanNothing(t *testing.T) {
	var mu sync.Mutex
	dirty := 0
	r := newRigOf(t, Config{Intercept: func(_, _ string, next api.GoModuleFunction) api.GoModuleFunction {
		return api.GoModuleFunc(func(ctx context.Context, m api.Module, stack []uint64) {
			mu.Lock()
			for _, v := range stack {
				if v>>32 == 0xFFFFFFFF {
					dirty++
				}
			}
			mu.Unlock()
			next.Call(ctx, m, stack)
		})
	}}, wasmtest.Module{Imports: wasmtest.Crypto(), Pages: rigPages, Dirty: true})
	s := r.gcm()
	want := reference(t, "message", "associated")
	r.absorb(s, "associated")
	if got, n := r.crypt("symmetric_state_encrypt", s, 23, []byte("message")); !bytes.Equal(got, want) || n != 23 {
		t.Errorf("%d bytes %x, want %x", n, got, want)
	}
	list, _ := r.put(words(r.state("SHA-256", 0, 0), 64, 32))
	r.must("batch_symmetric_state_squeeze", list, 1, r.room(2))
	if dirty == 0 {
		t.Error("no argument reached the host with an upper half: this test shows nothing")
	}
}

// TestInstancesDoNotSeeEachOther: a handle of one guest means nothing to another one on the same host, nor on another host.
func TestInstancesDoNotSeeEachOther(t *testing.T) {
	r := newRuntime(t)
	host, err := Instantiate(t.Context(), r, Config{})
	if err != nil {
		t.Fatal(err)
	}
	module := wasmtest.Module{Imports: wasmtest.Crypto(), Pages: rigPages}
	first := &rig{Guest: wasmtest.Start(t, r, module, "one"), t: t, host: host, free: 64}
	second := &rig{Guest: wasmtest.Start(t, r, module, "two"), t: t, host: host, free: 64}
	third := newRig(t, Config{})
	for range 3 {
		first.state("SHA-512", 0, 0)
	}
	a, b := first.state("SHA-256", 0, 0), second.state("SHA-512", 0, 0)
	third.state("SHA-512", 0, 0)
	for _, other := range []*rig{second, third} {
		for _, name := range []string{"symmetric_state_close", "symmetric_tag_close", "options_close"} {
			other.want(closed, name, uint64(a))
		}
		other.refused(invalidHandle, "symmetric_state_clone", uint64(a))
		if n := other.host.Handles(other.Module); n != 1 {
			t.Errorf("%d handles, want 1", n)
		}
	}
	second.squeeze(b, 64)
	first.absorb(a, "x")
}

// TestReleaseAndClose: both free every handle, and a guest can go on after Release but not after Close.
func TestReleaseAndClose(t *testing.T) {
	keeper := newKeeper()
	r, manager := managedRig(t, keeper)
	fill := func(manager uint64) {
		r.generate(manager, "AES-128-GCM", 0)
		r.absorb(r.gcm(), strings.Repeat("x", 1000))
		r.handle("symmetric_key_export", uint64(r.key("HMAC/SHA-256", []byte("key"))))
	}
	fill(manager)
	if n := r.host.Handles(r.Module); n < 6 || keeper.opened() != 1 {
		t.Errorf("%d handles, %d managed keys", n, keeper.opened())
	}
	budgetOf := func() int64 { return r.host.guests[r.Module].budget.left.Load() }
	if budgetOf() > maxTotal-1000 {
		t.Errorf("%d bytes left: nothing is charged", budgetOf())
	}
	g := r.host.guests[r.Module]
	r.host.Release(r.Module)
	if n := r.host.Handles(r.Module); n != 0 || keeper.opened() != 0 || g.budget.left.Load() != maxTotal {
		t.Errorf("after Release: %d handles, %d managed keys, %d bytes left", n, keeper.opened(), g.budget.left.Load())
	}
	fill(uint64(r.handle("secrets_manager_open", r.none())))
	g = r.host.guests[r.Module]
	for range 2 {
		if err := r.host.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if keeper.opened() != 0 || g.budget.left.Load() != maxTotal || g.table.count() != 0 {
		t.Errorf("after Close: %d managed keys, %d bytes left", keeper.opened(), g.budget.left.Load())
	}
	if e, err := r.Try("options_open", 1, 64); err == nil && errno(e) != internalError {
		t.Errorf("a call after Close: %v", errno(e))
	}
}

// TestClosedInstancesAreSwept when another one makes its first call.
func TestClosedInstancesAreSwept(t *testing.T) {
	keeper := newKeeper()
	r, manager := managedRig(t, keeper)
	r.generate(manager, "AES-128-GCM", 0)
	if err := r.Module.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	runtime := newRuntime(t)
	if _, err := Instantiate(t.Context(), runtime, Config{}); err != nil {
		t.Fatal(err)
	}
	next := &guestOf{r.host}
	next.first(t)
	if keeper.opened() != 0 {
		t.Errorf("%d managed keys of a closed instance", keeper.opened())
	}
}

// guestOf makes the first call of a further instance on a host, without a runtime.
type guestOf struct{ host *Host }

func (g *guestOf) first(t *testing.T) {
	t.Helper()
	other := newRig(t, Config{})
	if g.host.guest(other.Module) == nil {
		t.Fatal("no state for another instance")
	}
}

// fixed is a generator that gives the same byte, or an error.
type fixed struct {
	value byte
	err   error
}

func (f fixed) Read(b []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	for i := range b {
		b[i] = f.value
	}
	return len(b), nil
}

// TestRandomOfTheConfiguration is rule 26 and the key table: symmetric keys and drawn nonces come from Config.Random; a generator that
// fails is rng_error.
func TestRandomOfTheConfiguration(t *testing.T) {
	r := newRig(t, Config{Random: fixed{value: 7}})
	name, n := r.text("XCHACHA20-POLY1305")
	k := r.handle("symmetric_key_generate", name, n, r.none())
	if got := r.pull(r.handle("symmetric_key_export", uint64(k))); !bytes.Equal(got, bytes.Repeat([]byte{7}, 32)) {
		t.Errorf("the key is %x", got)
	}
	if got := r.option(r.state("XCHACHA20-POLY1305", k, 0), "nonce"); !bytes.Equal(got, bytes.Repeat([]byte{7}, 24)) {
		t.Errorf("the nonce is %x", got)
	}
	hash, hashLen := r.text("SHA-256")
	r.refused(keyNotSupported, "symmetric_key_generate", hash, hashLen, r.none())
	broken := newRig(t, Config{Random: fixed{err: errors.New("no entropy")}})
	name, n = broken.text("AES-256-GCM")
	broken.refused(rngError, "symmetric_key_generate", name, n, broken.none())
	x := broken.key("XCHACHA20-POLY1305", make([]byte, 32))
	broken.refused(rngError, "symmetric_state_open", broken.openArgs("XCHACHA20-POLY1305", x, 0)...)
	broken.state("XCHACHA20-POLY1305", x, broken.options("nonce", string(make([]byte, 24))))
	system := newRig(t, Config{Random: rand.Reader})
	if system.host.config.Random != nil {
		t.Error("the system's generator is not recognized")
	}
}

// TestSizesOfGeneratedKeys is the specification's table of keys with a size to choose.
func TestSizesOfGeneratedKeys(t *testing.T) {
	r := newRig(t, Config{})
	for algorithm, want := range map[string]int{"HKDF-EXTRACT/SHA-256": 32, "HKDF-EXTRACT/SHA-512": 64, "HMAC/SHA-256": 32, "HMAC/SHA-512": 64, "AES-128-GCM": 16} {
		name, n := r.text(algorithm)
		k := r.handle("symmetric_key_generate", name, n, r.some(r.options("nonce", "not used")))
		if got := r.pull(r.handle("symmetric_key_export", uint64(k))); len(got) != want || bytes.Equal(got, make([]byte, want)) {
			t.Errorf("%s: a key of %d bytes, want %d", algorithm, len(got), want)
		}
	}
}

// TestBudgetOfAllObjects: all objects of a guest together hold at most Limits.Total.
func TestBudgetOfAllObjects(t *testing.T) {
	r := newRig(t, Config{Limits: Limits{Total: 10_000}})
	at, n := r.put(make([]byte, 4000))
	s := r.gcm()
	r.must("symmetric_state_absorb", uint64(s), at, n)
	name, nameLen := r.text("HMAC/SHA-256")
	k := r.handle("symmetric_key_import", name, nameLen, at, n)
	r.refused(overflow, "symmetric_key_import", name, nameLen, at, n)
	r.refused(overflow, "symmetric_key_export", uint64(k))
	r.refused(overflow, "symmetric_state_clone", uint64(s))
	if e := r.set(r.options(), "salt", make([]byte, 3000)); e != overflow {
		t.Errorf("an option over the budget: %v", e)
	}
	r.must("symmetric_state_close", uint64(s))
	if got := r.pull(r.handle("symmetric_key_export", uint64(k))); len(got) != 4000 {
		t.Errorf("%d bytes", len(got))
	}
	r.must("symmetric_key_close", uint64(k))
	if left := r.host.guests[r.Module].budget.left.Load(); left < 9900 {
		t.Errorf("%d bytes are left when nearly everything is closed", left)
	}
}

// TestStatesCountAgainstTheLimit: a state has a copy of its key, and so has its clone; a verification state keeps its public key.
func TestStatesCountAgainstTheLimit(t *testing.T) {
	r := newRig(t, Config{Limits: Limits{Total: 200_000}})
	at, n := r.put(make([]byte, 50_000))
	name, nameLen := r.text("HKDF-EXTRACT/SHA-256")
	k := r.handle("symmetric_key_import", name, nameLen, at, n)
	s := r.handle("symmetric_state_open", name, nameLen, r.some(k), r.none())
	twin := r.handle("symmetric_state_clone", uint64(s))
	r.refused(overflow, "symmetric_state_clone", uint64(s))
	r.refused(overflow, "symmetric_state_open", name, nameLen, r.some(k), r.none())
	r.must("symmetric_state_close", uint64(twin))
	r.must("symmetric_state_close", uint64(s))
	r.must("symmetric_key_close", uint64(k))
	pair := r.generated(familySigns, "ML-DSA-87")
	p := r.publicOf(pair)
	raw := r.exported(kindPublic, p, asRaw)
	r.close("keypair", pair)
	r.close("publickey", p)
	public := func() (uint32, errno) {
		to := r.room(4)
		e := errno(r.Call("publickey_import", append(r.importArgs(familySigns, "ML-DSA-87", raw, asRaw), to)...))
		return r.U32(uint32(to)), e
	}
	var states []uint32
	for len(states) < 10 {
		p, e := public()
		if e != success {
			break
		}
		states = append(states, r.handle("signature_verification_state_open", uint64(p)), r.handle("signature_verification_state_open", uint64(p)))
		r.must("publickey_close", uint64(p))
	}
	if _, e := public(); len(states) != 4 || e != overflow {
		t.Fatalf("%d states with a key of 83 kB for each two, then %v", len(states), e)
	}
	r.must("signature_verification_state_close", uint64(states[0]))
	if _, e := public(); e != overflow {
		t.Errorf("one of two states is closed: %v", e)
	}
	for _, s := range states[1:] {
		r.must("signature_verification_state_close", uint64(s))
	}
	if left := r.host.guests[r.Module].budget.left.Load(); left != 200_000 {
		t.Errorf("%d bytes are left when everything is closed", left)
	}
}

// closing is an object that asks its host something when it is closed, as the keeper of a managed key may take its time then.
type closing struct{ ask func() }

func (c closing) close() { c.ask() }

// TestSweepingHoldsNobodyUp: other guests use the host while what a closed instance held is released.
func TestSweepingHoldsNobodyUp(t *testing.T) {
	r := newRig(t, Config{})
	r.state("SHA-256", 0, 0)
	asked := false
	if _, e := r.host.guest(r.Module).table.add(closing{func() { asked = r.host.mu.TryLock() }}); e != success {
		t.Fatal(e)
	}
	if err := r.Module.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	next := &guestOf{r.host}
	next.first(t)
	if !asked {
		t.Fatal("the host is locked while an object is closed, or the object is not closed")
	}
	r.host.mu.Unlock()
}
