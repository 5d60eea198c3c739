package operation

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/kv/mem"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/provider"
	"github.com/claviger/claviger/internal/provider/software"
	"github.com/claviger/claviger/internal/secmem"
	"github.com/claviger/claviger/internal/store"
)

// clearKeeper keeps the data key as it is: these tests are not about the keeper.
type clearKeeper struct{}

func (clearKeeper) Wrap(_ context.Context, secret []byte) ([]byte, error) {
	return slices.Clone(secret), nil
}

func (clearKeeper) Unwrap(_ context.Context, wrapped []byte) (*secmem.Bytes, error) {
	return secmem.From(wrapped)
}

func (clearKeeper) Describe() string { return "nothing" }

// counted counts what runs in a provider, by watching the keys that it hands out.
type counted struct {
	provider.Provider
	loads int
	then  func() // runs after a key was loaded; nil: nothing
}

func (c *counted) Load(ctx context.Context, blob []byte) (provider.Key, error) {
	c.loads++
	k, err := c.Provider.Load(ctx, blob)
	if c.then != nil {
		c.then()
	}
	return k, err
}

// rig is an engine over two software providers, 2 and 5, a device that is not there, 7, and one application.
type rig struct {
	*Engine
	db     *store.DB
	five   *counted
	caller policy.Caller
	policy *policy.Policy
}

const (
	everyWrite = policy.WriteGenerate | policy.WriteImport | policy.WritePersist | policy.WriteClear
	certWrite  = policy.WriteSave | policy.WriteCRL | policy.WriteClear
)

func newRig(t testing.TB, slots ...policy.Slot) *rig {
	t.Helper()
	db, err := store.Open(t.Context(), mem.New(), clearKeeper{}, store.Options{})
	ok(t, err)
	t.Cleanup(func() { ok(t, db.Close()) })
	r := &rig{db: db, five: &counted{Provider: software.New()}}
	r.Engine = r.engine(t)
	app := policy.App{Name: "app", UID: new(uint32), Resources: map[string]policy.Resource{"cert": {Type: claviger.TypeCertSlot, Target: "cert", Write: certWrite}}}
	for _, s := range slots {
		app.Resources[s.Name] = policy.Resource{Type: claviger.TypeKeySlot, Target: s.Name, Operations: claviger.AllPermissions, Write: everyWrite}
	}
	r.policy = policy.New(policy.Rules{Slots: slots, CertSlots: []string{"cert"}, Apps: []policy.App{app}})
	r.caller, err = r.policy.Identify(0)
	ok(t, err)
	return r
}

// engine makes an engine over the rig's store, as a restart does.
func (r *rig) engine(t testing.TB) *Engine {
	t.Helper()
	e, err := New(Config{Store: r.db, Providers: []Member{
		{ID: 2, Name: "two", Kind: claviger.Software, Provider: software.New()},
		{ID: 5, Name: "five", Kind: claviger.Software, Provider: r.five},
		{ID: 7, Name: "token", Kind: claviger.Hardware, Reason: "token absent"},
	}})
	ok(t, err)
	return e
}

// slot describes a slot on both providers.
func slot(name string, alg claviger.Algorithm, permissions claviger.Permission) policy.Slot {
	return policy.Slot{Name: name, Algorithm: alg, Providers: []claviger.ProviderID{2, 5}, Operations: permissions}
}

func (r *rig) keyless() policy.Grant { return r.policy.Keyless(r.caller) }

// write gives the grant for every change of a slot.
func (r *rig) write(t testing.TB, name string) policy.Grant {
	t.Helper()
	g, err := r.policy.SlotWrite(r.caller, "test", name, everyWrite)
	ok(t, err)
	return g
}

// use gives a slot's newest key and the grant for what it permits.
func (r *rig) use(t testing.TB, name string) (*KeyRef, policy.Grant) {
	t.Helper()
	ref, _, err := r.SlotRef(name, 0)
	ok(t, err)
	g, err := r.policy.SlotKey(r.caller, "test", name, ref.Traits().For(provider.Encrypt)|ref.Traits().Permissions, 0)
	ok(t, err)
	return ref, g
}

// into targets a slot.
func (r *rig) into(t testing.TB, name string) Target {
	return Target{Slot: r.write(t, name), Durable: true}
}

// generate makes an ephemeral key that is released at the end of the test.
func (r *rig) generate(t testing.TB, alg claviger.Algorithm, permissions claviger.Permission) *Key {
	t.Helper()
	made, err := r.Generate(t.Context(), r.keyless(), alg, Target{Permissions: &permissions}, nil)
	ok(t, err)
	t.Cleanup(made.Key.Release)
	return made.Key
}

// grant gives what a live key permits for the operation.
func (r *rig) grant(t testing.TB, k *Key, op provider.Op) policy.Grant {
	t.Helper()
	g, err := r.policy.EphemeralKey("test", k.Traits().For(op), 0)
	ok(t, err)
	return g
}

// context makes a context that is closed at the end of the test, and the grant for it.
func (r *rig) context(t testing.TB, k *Key, s ContextSpec) (*Context, policy.Grant) {
	t.Helper()
	g, ref := r.keyless(), (*KeyRef)(nil)
	if k != nil {
		g, ref = r.grant(t, k, s.operation()), LiveRef(k)
	}
	c, err := r.NewContext(t.Context(), g, ref, s)
	ok(t, err)
	t.Cleanup(c.Close)
	return c, g
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fails checks that an error has a code.
func fails(t testing.TB, what string, err error, code claviger.Code) {
	t.Helper()
	if !errors.Is(err, code) {
		t.Errorf("%s: got %v; want %s", what, err, code.Name())
	}
}
