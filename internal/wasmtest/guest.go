package wasmtest

import (
	"context"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// Guest is an instance of a module, with the few steps that every test of it takes. Failures that are the test's own, such as an
// address outside memory, end the test.
type Guest struct {
	api.Module
	tb  testing.TB
	ctx context.Context
}

// Start instantiates a module in a runtime that has what it imports. name may be empty; several instances need different ones otherwise.
func Start(tb testing.TB, r wazero.Runtime, m Module, name string) *Guest {
	tb.Helper()
	ctx := tb.Context()
	if m.Dirty {
		nothing := api.GoModuleFunc(func(context.Context, api.Module, []uint64) {})
		b := r.NewHostModuleBuilder(DirtModule).NewFunctionBuilder()
		if _, err := b.WithGoModuleFunction(nothing, params(dirt), []api.ValueType{api.ValueTypeI32}).Export(DirtFunction).Instantiate(ctx); err != nil {
			tb.Fatal(err)
		}
	}
	mod, err := r.InstantiateWithConfig(ctx, m.Bytes(), wazero.NewModuleConfig().WithName(name))
	if err != nil {
		tb.Fatal(err)
	}
	return &Guest{Module: mod, tb: tb, ctx: ctx}
}

// For gives the same guest to another test, such as one run of a fuzz target.
func (g *Guest) For(tb testing.TB) *Guest { return &Guest{g.Module, tb, tb.Context()} }

// Call calls the wrapper of an import, or with LoopPrefix its loop, and gives the errno.
func (g *Guest) Call(name string, args ...uint64) uint32 {
	g.tb.Helper()
	e, err := g.Try(name, args...)
	if err != nil {
		g.tb.Fatalf("%s%v trapped: %v", name, args, err)
	}
	return e
}

// Try is Call for a test that tells a trap from an errno.
func (g *Guest) Try(name string, args ...uint64) (uint32, error) {
	f := g.ExportedFunction(name)
	if f == nil {
		return 0, fmt.Errorf("the guest does not export %q", name)
	}
	results, err := f.Call(g.ctx, args...)
	if err != nil {
		return 0, err
	}
	e := api.DecodeU32(results[0])
	if e > 0xFFFF {
		return 0, fmt.Errorf("%s answered %#x, which is no errno", name, e)
	}
	return e, nil
}

// Put writes to the guest's memory.
func (g *Guest) Put(at uint32, b []byte) {
	g.tb.Helper()
	if !g.Memory().Write(at, b) {
		g.tb.Fatalf("%d bytes at %#x are outside memory", len(b), at)
	}
}

// Get reads a copy from the guest's memory.
func (g *Guest) Get(at, n uint32) []byte {
	g.tb.Helper()
	b, ok := g.Memory().Read(at, n)
	if !ok {
		g.tb.Fatalf("%d bytes at %#x are outside memory", n, at)
	}
	return append([]byte{}, b...)
}

// U32 reads a handle or a size.
func (g *Guest) U32(at uint32) uint32 {
	g.tb.Helper()
	return binary.LittleEndian.Uint32(g.Get(at, 4))
}

// U64 reads a version or a number.
func (g *Guest) U64(at uint32) uint64 {
	g.tb.Helper()
	return binary.LittleEndian.Uint64(g.Get(at, 8))
}

// PutU32 writes words one after the other.
func (g *Guest) PutU32(at uint32, words ...uint32) {
	g.tb.Helper()
	for i, w := range words {
		g.Put(at+4*uint32(i), binary.LittleEndian.AppendUint32(nil, w))
	}
}
