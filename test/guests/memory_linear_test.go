package guests

import (
	"context"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/claviger/claviger/wasicrypto"
)

// plainHost runs a guest in this process to its end. The guest is the module "guest" of the runtime that stdin is made for.
func plainHost(ctx context.Context, file string, args []string, managed wasicrypto.Managed, stdin func(wazero.Runtime) io.Reader, stdout io.Writer) error {
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter()) // to compile would take longer than to run
	defer r.Close(ctx)
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	crypto, err := wasicrypto.Instantiate(ctx, r, wasicrypto.Config{Managed: managed})
	if err != nil {
		return err
	}
	defer crypto.Close(ctx)
	module, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	_, err = r.InstantiateWithConfig(ctx, module, wazero.NewModuleConfig().WithName("guest").WithArgs(append([]string{"guest"}, args...)...).
		WithStdin(stdin(r)).WithStdout(stdout).WithStderr(stdout).WithSysWalltime().WithSysNanotime())
	return err
}

// looker is a guest's input. Each line that the guest waits for is a look into its linear memory.
type looker struct {
	module func() api.Module
	n      *needles
	looks  [][]string
}

// Read looks, and gives a line.
func (l *looker) Read(p []byte) (int, error) {
	memory := l.module().Memory()
	all, ok := memory.Read(0, memory.Size())
	if !ok {
		return 0, io.ErrUnexpectedEOF
	}
	found := make(map[string]int)
	l.n.search(all, found)
	l.looks = append(l.looks, slices.Sorted(maps.Keys(found)))
	return copy(p, "\n"), nil
}

// TestAManagedKeyIsNotInTheGuest looks through a guest's linear memory where the keeper is in the host's own process, so that
// the keys are near, when it has used them, and again when it has exported them.
func TestAManagedKeyIsNotInTheGuest(t *testing.T) {
	h := newHost(t)
	g := buildKeyed(t, "user")
	var n needles
	var words, last, forms []string
	for _, u := range uses() {
		k := keep(t, h.managed, u, &n)
		words = append(words, "use", u.algorithm, k.exportable, "use", u.algorithm, k.sealed, "export", u.algorithm, k.sealed)
		last = append(last, "export", u.algorithm, k.exportable)
		forms = append(forms, u.form)
	}
	l := &looker{n: &n}
	var out strings.Builder
	err := plainHost(t.Context(), g.file, slices.Concat(words, []string{"wait"}, last, []string{"wait"}), h.managed, func(r wazero.Runtime) io.Reader {
		l.module = func() api.Module { return r.Module("guest") }
		return l
	}, &out)
	if err != nil || len(l.looks) != 2 {
		t.Fatalf("%d looks, %v\n%s", len(l.looks), err, out.String())
	}
	for what, count := range map[string]int{"used <nil>\n": 2 * len(forms), "export keypair_export: prohibited_operation\n": 6,
		"export symmetric_key_export: prohibited_operation\n": 6, "export <nil>\n": len(forms)} {
		if got := strings.Count(out.String(), what); got != count {
			t.Errorf("%d times %q, want %d\n%s", got, what, count, out.String())
		}
	}
	wants(t, "after use", l.looks[0])
	wants(t, "after export", l.looks[1], forms...)
}
