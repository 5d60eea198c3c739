package session

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/internal/operation"
	"github.com/claviger/claviger/internal/policy"
	"github.com/claviger/claviger/internal/secrets"
	pb "github.com/claviger/claviger/proto"
)

// Hooks are what the daemon does for administrators. A nil hook is ErrUnsupportedOperation, a nil Status adds nothing.
type Hooks struct {
	Reload  func(context.Context) error                             // reads the configuration anew, all or nothing
	Compact func(context.Context) (before, after uint64, err error) // rewrites the store; sizes in bytes
	Status  func(reply *pb.StatusReply, admin bool)                 // completes a status: version, keeper, store, configuration
}

// Config is what a Manager works with.
type Config struct {
	Engine  *operation.Engine
	Secrets *secrets.Manager // nil: the calls for secrets are ErrUnsupportedOperation
	Policy  *policy.Policy
	Limits  Limits
	Hooks   Hooks
	Log     *slog.Logger // decisions; nil discards them
}

// Manager holds the sessions of all callers and the policy in force. Safe for concurrent use.
type Manager struct {
	engine  *operation.Engine
	secrets *secrets.Manager
	limits  Limits
	hooks   Hooks
	log     *slog.Logger
	started time.Time
	policy  atomic.Pointer[policy.Policy]

	mu      sync.Mutex
	tenants map[string]*tenant // guarded by mu; one for each name that ever had a session
}

// NewManager makes a manager without sessions.
func NewManager(c Config) *Manager {
	m := &Manager{engine: c.Engine, secrets: c.Secrets, limits: c.Limits.withDefaults(), hooks: c.Hooks, log: c.Log, tenants: make(map[string]*tenant)}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	m.started = m.engine.Now()
	m.policy.Store(c.Policy)
	return m
}

// Policy is the policy in force.
func (m *Manager) Policy() *policy.Policy { return m.policy.Load() }

// SetPolicy puts another policy in force. The next call of every session sees it. A tenant that it does not know is another one
// if it comes back, and sessions from before have nothing of it. It is called by one goroutine at a time.
func (m *Manager) SetPolicy(p *policy.Policy) {
	m.policy.Store(p)
	if p.AnyTenant() {
		return
	}
	known := make(map[string]bool)
	for _, name := range p.Tenants() {
		known[name] = true
	}
	for _, t := range m.all() {
		if !known[t.name] {
			t.generation.Add(1)
		}
	}
}

// Limits are the limits in force, defaults filled in.
func (m *Manager) Limits() Limits { return m.limits }

// Open begins a session of a caller that the policy has identified. ErrQuotaExceeded if the tenant has too many.
func (m *Manager) Open(c policy.Caller) (*Session, error) {
	t := m.tenant(c.Tenant)
	if err := t.take(&t.sessions, 1, int64(m.limits.Sessions), "sessions"); err != nil {
		return nil, err
	}
	return &Session{m: m, caller: c, tenant: t, generation: t.generation.Load()}, nil
}

// tenant finds the counters of a tenant, or makes them.
func (m *Manager) tenant(name string) *tenant {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.tenants[name]
	if t == nil {
		t = &tenant{name: name, limits: &m.limits, byOp: make(map[string]*atomic.Uint64)}
		m.tenants[name] = t
	}
	return t
}

// all lists the tenants, in no order.
func (m *Manager) all() []*tenant {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := make([]*tenant, 0, len(m.tenants))
	for _, t := range m.tenants {
		list = append(list, t)
	}
	return list
}

// decided logs one decision: what was asked for by whom, the answer, and more where there is more to say. It never holds
// key bytes or data.
func (s *Session) decided(ctx context.Context, op, name string, err error, more ...slog.Attr) {
	level, outcome := slog.LevelInfo, "allowed"
	attrs := []slog.Attr{slog.String("tenant", s.caller.Tenant), slog.Uint64("uid", uint64(s.caller.UID)), slog.String("op", op), slog.String("name", name)}
	attrs = append(attrs, more...)
	if err != nil {
		level, outcome = slog.LevelWarn, "refused"
		attrs = append(attrs, slog.String("code", claviger.CodeOf(err).Name()), slog.String("reason", claviger.Clip(err.Error())))
	}
	s.m.log.LogAttrs(ctx, level, "decision", append(attrs, slog.String("outcome", outcome))...)
}

// chosen logs in which provider a context works or a key was made, where there is a choice.
func (s *Session) chosen(ctx context.Context, op, name string, id claviger.ProviderID) {
	if s.engine().Choices() < 2 {
		return
	}
	s.m.log.LogAttrs(ctx, slog.LevelInfo, "provider", slog.String("tenant", s.caller.Tenant), slog.String("op", op),
		slog.String("name", claviger.Clip(name)), slog.Uint64("provider", uint64(id)))
}
