package secrets

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/kv"
	"github.com/claviger/claviger/internal/kv/mem"
	"github.com/claviger/claviger/internal/policy"
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

// world is a machine whose clocks the test turns.
type world struct {
	mu   sync.Mutex
	wall int64
	boot time.Duration
	id   byte
}

// start is the wall clock at the beginning of every test.
const start = 2_000_000_000

func newWorld() *world { return &world{wall: start, boot: time.Hour, id: 1} }

// run lets time pass on both clocks.
func (w *world) run(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wall += int64(d / time.Second)
	w.boot += d
}

// set turns the wall clock by d.
func (w *world) set(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wall += int64(d / time.Second)
}

// reboot is off for a while; the wall clock goes on.
func (w *world) reboot(off time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wall += int64(off / time.Second)
	w.boot, w.id = time.Minute, w.id+1
}

func (w *world) source() Source {
	w.mu.Lock()
	defer w.mu.Unlock()
	return Source{ID: [16]byte{w.id},
		Wall: func() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return time.Unix(w.wall, 0) },
		Boot: func() time.Duration { w.mu.Lock(); defer w.mu.Unlock(); return w.boot }}
}

// rig is a manager on a store in memory, with the tenants alice and bob and the administrator uid 7.
type rig struct {
	*Manager
	t     *testing.T
	world *world
	kv    kv.Store
	db    *store.DB
	cfg   Config
	rules *policy.Policy
}

const (
	aliceUID = 1001
	bobUID   = 1002
	adminUID = 7
)

func newRig(t *testing.T, cfg Config) *rig {
	t.Helper()
	r := &rig{t: t, world: newWorld(), kv: mem.New(), cfg: cfg}
	alice, bob := uint32(aliceUID), uint32(bobUID)
	r.rules = policy.New(policy.Rules{Admins: []uint32{adminUID}, Apps: []policy.App{{Name: "alice", UID: &alice}, {Name: "bob", UID: &bob}}})
	r.open()
	t.Cleanup(func() { _ = r.db.Close() })
	return r
}

// open starts the manager, as a daemon does.
func (r *rig) open() {
	r.t.Helper()
	var err error
	r.db, err = store.Open(r.t.Context(), unclosed{r.kv}, clearKeeper{}, store.Options{})
	must(r.t, err)
	r.cfg.Store, r.cfg.Time = r.db, r.world.source()
	r.Manager, err = Open(r.t.Context(), r.cfg)
	must(r.t, err)
	_, err = r.Load(r.t.Context(), r.rules.Tenants())
	must(r.t, err)
}

// restart is the end of the daemon and its next start. A killed daemon leaves what is durable and nothing else.
func (r *rig) restart(killed bool) {
	r.t.Helper()
	if !killed {
		must(r.t, r.Manager.Close(r.t.Context()))
	}
	must(r.t, r.db.Close())
	r.open()
}

// unclosed lets a store in memory outlive its DB.
type unclosed struct{ kv.Store }

func (unclosed) Close() error { return nil }

func (r *rig) grant(uid uint32) policy.Grant {
	r.t.Helper()
	c, err := r.rules.Identify(uid)
	must(r.t, err)
	return r.rules.Secrets(c)
}

func (r *rig) alice() policy.Grant { return r.grant(aliceUID) }
func (r *rig) bob() policy.Grant   { return r.grant(bobUID) }

func (r *rig) admin() policy.Grant {
	r.t.Helper()
	c, err := r.rules.Identify(adminUID)
	must(r.t, err)
	g, err := r.rules.Admin(c)
	must(r.t, err)
	return g
}

// put stores a secret of alice that lives for d.
func (r *rig) put(secret string, d time.Duration) string {
	r.t.Helper()
	id, err := r.Put(r.t.Context(), r.alice(), []byte(secret), uint64(start+int64(d/time.Second)))
	must(r.t, err)
	return id
}

func (r *rig) replace(id, secret string, d time.Duration) uint64 {
	r.t.Helper()
	v, err := r.Replace(r.t.Context(), r.alice(), []byte(id), []byte(secret), uint64(start+int64(d/time.Second)))
	must(r.t, err)
	return v
}

func (r *rig) invalidate(id string, version uint64) {
	r.t.Helper()
	must(r.t, r.Invalidate(r.t.Context(), r.alice(), []byte(id), version))
}

// holds checks that alice reads this.
func (r *rig) holds(what, id string, version uint64, want string) {
	r.t.Helper()
	s, err := r.Get(r.t.Context(), r.alice(), []byte(id), version)
	if err != nil || string(s.Value) != want {
		r.t.Errorf("%s: %q, %v; want %q", what, s.Value, err, want)
	}
}

// answers checks that alice's read fails with this code.
func (r *rig) answers(what, id string, version uint64, code claviger.Code) {
	r.t.Helper()
	s, err := r.Get(r.t.Context(), r.alice(), []byte(id), version)
	fails(r.t, what, err, code)
	if s.Value != nil {
		r.t.Errorf("%s: a refused read gives bytes", what)
	}
}

// ticks lets the sweep go through everything.
func (r *rig) ticks() (swept int) {
	r.t.Helper()
	n, err := r.Tick(r.t.Context())
	must(r.t, err)
	return n
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func fails(t testing.TB, what string, err error, code claviger.Code) {
	t.Helper()
	if !errors.Is(err, code) {
		t.Errorf("%s: %v; want %s", what, err, code.Name())
	}
}

type kvReader = kv.Reader
