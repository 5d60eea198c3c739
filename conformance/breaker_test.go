package conformance_test

import (
	"context"
	"encoding/binary"
	"testing"

	"github.com/tetratelabs/wazero/api"
)

// hook stands in for one function of a broken host. It may run the real one by c.run.
type hook func(c *invocation)

// brokenHost is what is wrong with a host: functions that others stand in for. It lives for one run of the guest.
type brokenHost struct {
	t     *testing.T
	hooks map[string][]hook // by name of the function, the first outermost
	real  map[string]api.GoModuleFunction
}

// on makes a hook stand in for a function, around those that are there already.
func (b *brokenHost) on(function string, h hook) {
	b.hooks[function] = append([]hook{h}, b.hooks[function]...)
}

// functions holds the real functions of the machine's host by name.
type functions map[string]api.GoModuleFunction

// intercept lets the hooks of the broken host, if there is one, stand in for a function.
func (m *machine) intercept(_, name string, next api.GoModuleFunction) api.GoModuleFunction {
	if m.functions == nil {
		m.functions = functions{}
	}
	m.functions[name] = next
	return api.GoModuleFunc(func(ctx context.Context, mod api.Module, stack []uint64) {
		m.instance = mod
		if m.broken == nil || len(m.broken.hooks[name]) == 0 {
			next.Call(ctx, mod, stack)
			return
		}
		c := &invocation{ctx: ctx, mod: mod, host: m.broken, name: name, args: append([]uint64(nil), stack...), hooks: m.broken.hooks[name]}
		c.run()
		stack[0] = uint64(c.errno)
	})
}

// invocation is one call of a function of a broken host.
type invocation struct {
	ctx   context.Context
	mod   api.Module
	host  *brokenHost
	name  string
	args  []uint64 // may be changed before run
	errno uint32   // what the function answers
	hooks []hook   // those that are left
}

// run runs what the hook stands in for and gives its answer, which is also that of the hook unless it sets another.
func (c *invocation) run() uint32 {
	if len(c.hooks) > 0 {
		h := c.hooks[0]
		c.hooks = c.hooks[1:]
		h(c)
		return c.errno
	}
	stack := append([]uint64(nil), c.args...)
	c.host.real[c.name].Call(c.ctx, c.mod, stack)
	c.errno = uint32(stack[0])
	return c.errno
}

// arg gives an i32 argument.
func (c *invocation) arg(i int) uint32 { return uint32(c.args[i]) }

// bytes gives the guest's memory that argument i is the address and argument i+1 the length of: a window.
func (c *invocation) bytes(i int) []byte { return c.memory(c.arg(i), c.arg(i+1)) }

// text is bytes as a string.
func (c *invocation) text(i int) string { return string(c.bytes(i)) }

func (c *invocation) memory(at, n uint32) []byte {
	b, ok := c.mod.Memory().Read(at, n)
	if !ok {
		c.host.t.Errorf("%s: the guest gave %d bytes at %#x, which are not in its memory", c.name, n, at)
		return make([]byte, n)
	}
	return b
}

// out reads the i32 that the function stored at the address in argument i.
func (c *invocation) out(i int) uint32 { return binary.LittleEndian.Uint32(c.memory(c.arg(i), 4)) }

// store writes an i32 to the address in argument i.
func (c *invocation) store(i int, v uint32) { binary.LittleEndian.PutUint32(c.memory(c.arg(i), 4), v) }

// store64 writes an i64 to the address in argument i.
func (c *invocation) store64(i int, v uint64) {
	binary.LittleEndian.PutUint64(c.memory(c.arg(i), 8), v)
}

// out64 reads an i64 from the address in argument i.
func (c *invocation) out64(i int) uint64 { return binary.LittleEndian.Uint64(c.memory(c.arg(i), 8)) }

// option reads the optional handle at the address in argument i.
func (c *invocation) option(i int) (handle uint32, given bool) {
	b := c.memory(c.arg(i), 8)
	return binary.LittleEndian.Uint32(b[4:]), b[0] == 0
}

// call calls another function of the real host; what the arguments may be, frame says.
func (c *invocation) call(name string, args ...any) uint32 {
	f := frame{c: c, next: scratch}
	before := append([]byte(nil), c.memory(scratch, scratchSize)...)
	for _, arg := range args {
		f.push(arg)
	}
	c.host.real[name].Call(c.ctx, c.mod, f.stack)
	for _, take := range f.after {
		take()
	}
	copy(c.memory(scratch, scratchSize), before)
	return uint32(f.stack[0])
}

// The arguments of call lie in low pages of the guest's memory, which are put back afterwards.
const (
	scratch     = 1 << 12
	scratchSize = 1 << 21
)

// optional is an optional handle among the arguments of call.
type optional struct {
	handle uint32
	given  bool
}

// frame makes the stack of a call. Numbers are themselves; a string or a []byte is an address and a length, and the latter holds afterwards what the
// function wrote; a *uint32 or *uint64 is the address of a result; an optional is the address of its record.
type frame struct {
	c     *invocation
	next  uint32
	stack []uint64
	after []func()
}

func (f *frame) push(arg any) {
	switch v := arg.(type) {
	case int:
		f.stack = append(f.stack, uint64(v))
	case uint32:
		f.stack = append(f.stack, uint64(v))
	case uint64:
		f.stack = append(f.stack, v)
	case string:
		f.place([]byte(v))
		f.stack = append(f.stack, uint64(len(v)))
	case []byte:
		at := f.place(v)
		f.stack = append(f.stack, uint64(len(v)))
		f.after = append(f.after, func() { copy(v, at()) })
	case *uint32:
		at := f.place(make([]byte, 4))
		f.after = append(f.after, func() { *v = binary.LittleEndian.Uint32(at()) })
	case *uint64:
		at := f.place(make([]byte, 8))
		f.after = append(f.after, func() { *v = binary.LittleEndian.Uint64(at()) })
	case optional:
		b := []byte{1, 0, 0, 0, 0, 0, 0, 0}
		if v.given {
			b[0] = 0
		}
		binary.LittleEndian.PutUint32(b[4:], v.handle)
		f.place(b)
	default:
		f.c.host.t.Fatalf("argument of type %T", arg)
	}
}

// place puts bytes into the guest's memory and pushes their address; the function it gives reads them again.
func (f *frame) place(b []byte) func() []byte {
	at, n := f.next, uint32(len(b))
	f.next += (n + 15) &^ 7
	copy(f.c.memory(at, n), b)
	f.stack = append(f.stack, uint64(at))
	return func() []byte { return f.c.memory(at, n) }
}
