package wasicrypto

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/claviger/claviger"
)

// function is one function of a witx module. params has an "i" for each i32 and an "I" for each i64; the result is one i32.
type function struct {
	name   string
	params string
	run    func(*call) errno
}

// module is one witx module.
type module struct {
	name      string
	functions []function
}

// modules lists the eight, as guests import them.
func modules() []module {
	return []module{
		{"wasi_ephemeral_crypto_common", commonFunctions()},
		{"wasi_ephemeral_crypto_asymmetric_common", asymmetricFunctions()},
		{"wasi_ephemeral_crypto_symmetric", symmetricFunctions()},
		{"wasi_ephemeral_crypto_signatures", signatureFunctions()},
		{"wasi_ephemeral_crypto_kx", exchangeFunctions()},
		{"wasi_ephemeral_crypto_external_secrets", secretFunctions()},
		{"wasi_ephemeral_crypto_symmetric_batch", symmetricBatchFunctions()},
		{"wasi_ephemeral_crypto_signatures_batch", signatureBatchFunctions()},
	}
}

// misspelt is what witx 0.9 calls the module of external secrets. Guests that were built from it find it too.
const misspelt = "wasi_ephemeral_crypto_exernal_secrets"

// Host is what Instantiate added to a runtime. Each guest, that is each instance of a module that calls, has handles of
// its own: a handle of one means nothing to another. Safe for concurrent use.
type Host struct {
	config  Config // Random is nil for the system's generator
	modules []api.Closer
	last    atomic.Pointer[guest] // the guest that called last

	mu     sync.Mutex
	guests map[api.Module]*guest // guarded by mu
	closed bool                  // guarded by mu
}

// guest is the state of one instance.
type guest struct {
	module api.Module
	memory api.Memory // nil if it has none
	host   *Host
	table  table
	budget budget
	busy   atomic.Bool // first is in use
	first  call        // so that most calls need no allocation: a guest makes one after the other
}

// Instantiate adds the eight modules of wasi-crypto to a runtime, all 86 functions whatever the configuration, so that any
// guest can be instantiated after it. Hosts of several runtimes are independent. A runtime that has one of the modules already is
// ErrInvalidOperation, which names it, and keeps what it has; after any error nothing is added. Not to be called concurrently for one runtime. The
// host is closed with Close; the runtime may be closed before or after.
func Instantiate(ctx context.Context, r wazero.Runtime, c Config) (*Host, error) {
	c.Limits = c.Limits.withDefaults()
	if c.Random == rand.Reader {
		c.Random = nil
	}
	h := &Host{config: c, guests: make(map[api.Module]*guest)}
	all := append(modules(), module{misspelt, secretFunctions()})
	if err := vacant(r, all); err != nil {
		return nil, err
	}
	for _, m := range all {
		added, err := h.instantiate(ctx, r, m)
		if err != nil {
			return nil, errors.Join(err, h.Close(ctx))
		}
		h.modules = append(h.modules, added)
	}
	return h, nil
}

// vacant refuses a runtime that has one of the modules. It asks before anything is added: a runtime that refuses a name forgets who had it.
func vacant(r wazero.Runtime, all []module) error {
	for _, m := range all {
		if r.Module(m.name) != nil {
			return claviger.Errorf(claviger.ErrInvalidOperation, "wasi-crypto", "the runtime has a module %q already; it takes one host at a time", m.name)
		}
	}
	return nil
}

// instantiate adds one module.
func (h *Host) instantiate(ctx context.Context, r wazero.Runtime, m module) (api.Closer, error) {
	b := r.NewHostModuleBuilder(m.name)
	for _, f := range m.functions {
		var run api.GoModuleFunction = h.bind(f)
		if h.config.Intercept != nil {
			run = h.config.Intercept(m.name, f.name, run)
		}
		b.NewFunctionBuilder().WithGoModuleFunction(run, valueTypes(f.params), []api.ValueType{api.ValueTypeI32}).Export(f.name)
	}
	return b.Instantiate(ctx)
}

// bind makes what the runtime calls of a function.
func (h *Host) bind(f function) api.GoModuleFunc {
	run := f.run
	return func(ctx context.Context, mod api.Module, stack []uint64) {
		g := h.last.Load()
		if g == nil || g.module != mod {
			if g = h.guest(mod); g == nil {
				stack[0] = uint64(internalError)
				return
			}
		}
		c := &g.first
		if !g.busy.CompareAndSwap(false, true) {
			c = new(call)
		}
		c.ctx, c.guest, c.memory, c.args = ctx, g, g.memory, stack
		stack[0] = uint64(run(c))
		if c.ctx, c.args = nil, nil; c == &g.first {
			g.busy.Store(false)
		}
	}
}

// guest finds the state of an instance, or makes it; nil after Close. For a new one it lets go of instances that are closed.
func (h *Host) guest(mod api.Module) *guest {
	g, gone := h.find(mod)
	for _, old := range gone {
		old.table.closeAll() // without h.mu: it may wait for a call, or for the keeper
	}
	return g
}

// find is guest, and gives the instances whose handles are still to be closed.
func (h *Host) find(mod api.Module) (g *guest, gone []*guest) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, nil
	}
	if g = h.guests[mod]; g == nil {
		gone = h.sweep()
		g = &guest{module: mod, memory: memoryOf(mod), host: h}
		g.table.limit = h.config.Limits.Handles
		g.budget.left.Store(int64(h.config.Limits.Total))
		h.guests[mod] = g
	}
	h.last.Store(g)
	return g, gone
}

// memoryOf gives the memory of an instance, nil if it has none. The runtime gives a memory that faults at its first use
// in place of nil, which shows only by using it.
func memoryOf(mod api.Module) (m api.Memory) {
	defer func() {
		if recover() != nil {
			m = nil
		}
	}()
	if m = mod.Memory(); m != nil {
		m.Size()
	}
	return m
}

// sweep takes out the closed instances and gives what they were. h.mu is held.
func (h *Host) sweep() (gone []*guest) {
	for mod, g := range h.guests {
		if mod.IsClosed() {
			delete(h.guests, mod)
			gone = append(gone, g)
		}
	}
	return gone
}

// Release closes all handles of an instance. What a closed instance held is released at the latest when another one
// makes its first call, or by Close.
func (h *Host) Release(mod api.Module) {
	h.mu.Lock()
	g := h.guests[mod]
	delete(h.guests, mod)
	h.last.Store(nil)
	h.mu.Unlock()
	if g != nil {
		g.table.closeAll()
	}
}

// Handles gives the number of open handles of an instance.
func (h *Host) Handles(mod api.Module) int {
	h.mu.Lock()
	g := h.guests[mod]
	h.mu.Unlock()
	if g == nil {
		return 0
	}
	return g.table.count()
}

// Close closes all handles, wipes what they held, and takes the modules out of the runtime. A guest that still calls gets internal_error.
// It waits for calls on symmetric states that are under way. Idempotent.
func (h *Host) Close(ctx context.Context) error {
	h.mu.Lock()
	guests, modules := h.guests, h.modules
	h.guests, h.modules, h.closed = nil, nil, true
	h.last.Store(nil)
	h.mu.Unlock()
	for _, g := range guests {
		g.table.closeAll()
	}
	var errs []error
	for _, m := range modules {
		errs = append(errs, m.Close(ctx))
	}
	return errors.Join(errs...)
}

func valueTypes(params string) []api.ValueType {
	types := make([]api.ValueType, len(params))
	for i := range params {
		types[i] = api.ValueTypeI32
		if params[i] == 'I' {
			types[i] = api.ValueTypeI64
		}
	}
	return types
}
