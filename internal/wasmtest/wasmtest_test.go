package wasmtest

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// host counts calls and gives their arguments back.
type host struct {
	calls int
	args  []uint64
}

// start makes a guest that imports "sum" from the module "host", whose result is the sum of its arguments.
func start(t *testing.T, m Module, h *host) *Guest {
	t.Helper()
	r := wazero.NewRuntime(t.Context())
	t.Cleanup(func() { _ = r.Close(t.Context()) })
	m.Imports = []Import{{Module: "host", Name: "sum", Params: "iIi"}}
	sum := api.GoModuleFunc(func(_ context.Context, _ api.Module, stack []uint64) {
		h.calls++
		h.args = slices.Clone(stack[:3])
		stack[0] = uint64(uint32(stack[0]) + uint32(stack[1]) + uint32(stack[2]))
	})
	b := r.NewHostModuleBuilder("host").NewFunctionBuilder().WithGoModuleFunction(sum, params("iIi"), params("i")).Export("sum")
	if _, err := b.Instantiate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return Start(t, r, m, "")
}

func TestWrappersAndLoopsCallTheImport(t *testing.T) {
	for _, m := range []Module{{Pages: 1}, {NoMemory: true}, {Dirty: true}} {
		h := &host{}
		g := start(t, m, h)
		if got := g.Call("sum", 1, 20, 300); got != 321 || h.calls != 1 || h.args[1] != 20 {
			t.Errorf("the wrapper gives %d after %d calls", got, h.calls)
		}
		if got := g.Call(LoopPrefix+"sum", 10, 1, 2, 3); got != 6 || h.calls != 11 {
			t.Errorf("the loop gives %d after %d calls", got, h.calls)
		}
		if m.Dirty {
			g.Call("sum", 1, 2, 3)
			if h.args[0]>>32 == 0 && h.args[2]>>32 == 0 {
				t.Errorf("the arguments of a dirty guest are %#x", h.args)
			}
		}
	}
}

func TestErrnosAndTrapsAreToldApart(t *testing.T) {
	g := start(t, Module{Pages: 1}, &host{})
	if _, err := g.Try("sum", 0xFFFF, 1, 0); err == nil {
		t.Error("a result over 16 bits is an errno")
	}
	if _, err := g.Try("nothing"); err == nil {
		t.Error("a function that is not exported can be called")
	}
	g.PutU32(8, 1, 2)
	if g.U64(8) != 2<<32|1 || g.U32(12) != 2 {
		t.Errorf("memory is %x", g.Get(8, 8))
	}
}

// TestListOfCrypto holds that the list can be what it says.
func TestListOfCrypto(t *testing.T) {
	all := Crypto()
	modules, names := map[string]bool{}, map[string]bool{}
	for _, f := range all {
		modules[f.Module], names[f.Name] = true, true
		if len(f.Params) != len(f.Roles) || strings.Trim(f.Roles, Handles+"epwnuUoqvbcr") != "" {
			t.Errorf("%s has the parameters %q and the roles %q", f.Name, f.Params, f.Roles)
		}
	}
	if len(all) != 86 || len(names) != 86 || len(modules) != 8 {
		t.Errorf("%d functions with %d names in %d modules", len(all), len(names), len(modules))
	}
}
