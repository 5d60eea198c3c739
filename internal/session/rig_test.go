package session

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/kv/mem"
	"github.com/claviger/claviger/internal/operation"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/provider/software"
	"github.com/claviger/claviger/internal/secmem"
	"github.com/claviger/claviger/internal/store"
	pb "github.com/claviger/claviger/proto"
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

// logbook collects log lines.
type logbook struct {
	mu    sync.Mutex
	lines bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.Write(p)
}

// take gives the lines so far and forgets them.
func (l *logbook) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []string
	for line := range bytes.Lines(l.lines.Bytes()) {
		list = append(list, string(bytes.TrimSpace(line)))
	}
	l.lines.Reset()
	return list
}

// rig is a manager over a software provider with two applications, alice (uid 1001) and bob (1002), and an
// administrator (uid 7).
type rig struct {
	*Manager
	engine *operation.Engine
	store  *store.DB
	log    *logbook
	rules  policy.Rules
}

const (
	alice = 1001
	bob   = 1002
	root  = 7

	twoWay     = claviger.Encrypt | claviger.Decrypt
	everyWrite = policy.WriteGenerate | policy.WriteImport | policy.WritePersist | policy.WriteClear
)

func uid(n uint32) *uint32 { return &n }

// rules gives the configuration of the rig; alter changes it before it comes into force.
func rules(alter ...func(*policy.Rules)) policy.Rules {
	key := func(target string, p claviger.Permission) policy.Resource {
		return policy.Resource{Type: claviger.TypeKeySlot, Target: target, Operations: p, Write: everyWrite}
	}
	r := policy.Rules{
		Slots: []policy.Slot{
			{Name: "shared", Algorithm: "AES-256", Providers: []claviger.ProviderID{2}, Operations: twoWay},
			{Name: "hmac", Algorithm: "HMAC-SHA-256", Providers: []claviger.ProviderID{2}, Operations: claviger.Mac},
			{Name: "spare", Algorithm: "AES-256", Providers: []claviger.ProviderID{2}, Operations: twoWay},
		},
		CertSlots:   []string{"device", "root"},
		TrustStores: []policy.TrustStore{{Name: "roots", Members: []string{"root"}}},
		Admins:      []uint32{root},
		Apps: []policy.App{
			{Name: "alice", UID: uid(alice), Resources: map[string]policy.Resource{
				"data": key("shared", twoWay), "mac": key("hmac", claviger.AllPermissions), "spare": key("spare", twoWay),
				"device": {Type: claviger.TypeCertSlot, Target: "device", Write: policy.WriteSave | policy.WriteClear},
				"root":   {Type: claviger.TypeCertSlot, Target: "root", Write: policy.WriteSave | policy.WriteCRL},
				"roots":  {Type: claviger.TypeTrustStore, Target: "roots"},
			}},
			{Name: "bob", UID: uid(bob), Resources: map[string]policy.Resource{
				"data": {Type: claviger.TypeKeySlot, Target: "shared", Operations: claviger.Encrypt},
			}},
		},
	}
	for _, f := range alter {
		f(&r)
	}
	return r
}

// newRig makes the rig; further providers come beside the software one.
func newRig(t testing.TB, limits Limits, further ...operation.Member) *rig {
	t.Helper()
	db, err := store.Open(context.Background(), mem.New(), clearKeeper{}, store.Options{})
	ok(t, err)
	t.Cleanup(func() { ok(t, db.Close()) })
	members := append([]operation.Member{{ID: 2, Name: "soft", Kind: claviger.Software, Provider: software.New()}}, further...)
	e, err := operation.New(operation.Config{Store: db, Providers: members})
	ok(t, err)
	r := &rig{engine: e, store: db, log: new(logbook), rules: rules()}
	r.Manager = NewManager(Config{Engine: e, Policy: policy.New(r.rules), Limits: limits, Log: slog.New(slog.NewTextHandler(r.log, nil))})
	return r
}

// session opens a session that is closed at the end of the test.
func (r *rig) session(t testing.TB, uid uint32) *Session {
	t.Helper()
	c, err := r.Policy().Identify(uid)
	ok(t, err)
	s, err := r.Open(c)
	ok(t, err)
	t.Cleanup(s.Close)
	return s
}

// slot resolves a key slot.
func (s *Session) slot(t testing.TB, name string) uint64 {
	t.Helper()
	r, err := s.Resolve(t.Context(), &pb.ResolveRequest{Name: name, Type: uint32(claviger.TypeKeySlot)})
	ok(t, err)
	return r.Handle
}

// fill generates a key into a slot.
func (s *Session) fill(t testing.TB, name string) uint64 {
	t.Helper()
	h := s.slot(t, name)
	_, err := s.Generate(t.Context(), &pb.GenerateRequest{Target: &pb.KeyTarget{Slot: h}})
	ok(t, err)
	return h
}

// key generates an ephemeral key.
func (s *Session) key(t testing.TB, alg string, p claviger.Permission) uint64 {
	t.Helper()
	mask := uint32(p)
	r, err := s.Generate(t.Context(), &pb.GenerateRequest{Algorithm: alg, Target: &pb.KeyTarget{Permissions: &mask}})
	ok(t, err)
	return r.Handle
}

// make makes a context.
func (s *Session) make(t testing.TB, kind claviger.ContextKind, alg string, key uint64) uint64 {
	t.Helper()
	r, err := s.CreateContext(t.Context(), &pb.CreateContextRequest{Kind: uint32(kind), Algorithm: alg, Key: key})
	ok(t, err)
	return r.Handle
}

func (s *Session) free(t testing.TB, handles ...uint64) {
	t.Helper()
	_, err := s.Release(t.Context(), &pb.ReleaseRequest{Handles: handles})
	ok(t, err)
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func fails(t testing.TB, what string, err error, code claviger.Code) {
	t.Helper()
	if !errors.Is(err, code) {
		t.Errorf("%s: got %v; want %s", what, err, code.Name())
	}
}
