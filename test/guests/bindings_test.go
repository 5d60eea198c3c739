package guests

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/claviger/claviger/wasicrypto"
)

// hostFunctions asks a host for what it exports: module and name, and a letter for each parameter, "i" for 32 bits, "I"
// for 64 bits. Every result is one i32.
func hostFunctions(t *testing.T) map[string]string {
	t.Helper()
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	defer r.Close(ctx)
	modules := make(map[string]bool)
	host, err := wasicrypto.Instantiate(ctx, r, wasicrypto.Config{
		Intercept: func(module, _ string, next api.GoModuleFunction) api.GoModuleFunction {
			modules[module] = true
			return next
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close(ctx)
	all := make(map[string]string)
	delete(modules, "wasi_ephemeral_crypto_exernal_secrets") // the misspelt name of an older draft, for the same functions
	for module := range modules {
		for name, f := range r.Module(module).ExportedFunctionDefinitions() {
			if !slices.Equal(f.ResultTypes(), []api.ValueType{api.ValueTypeI32}) {
				t.Errorf("%s gives %v", name, f.ResultTypes())
			}
			var params strings.Builder
			for _, p := range f.ParamTypes() {
				params.WriteString(map[api.ValueType]string{api.ValueTypeI32: "i", api.ValueTypeI64: "I"}[p])
			}
			all[module+" "+name] = params.String()
		}
	}
	if len(all) != 86 {
		t.Fatalf("the host has %d functions", len(all))
	}
	return all
}

// same compares a binding with the host.
func same(t *testing.T, what string, have, want map[string]string) {
	t.Helper()
	for name, params := range want {
		if got, ok := have[name]; !ok || got != params {
			t.Errorf("%s: %s has parameters %q, the host %q (declared: %t)", what, name, got, params, ok)
		}
	}
	if len(have) != len(want) {
		t.Errorf("%s has %d functions, the host %d", what, len(have), len(want))
	}
}

// TestGoDeclaresWhatTheHostHas compares package guest/raw with the host, and what it has for other platforms with both.
func TestGoDeclaresWhatTheHostHas(t *testing.T) {
	files, err := filepath.Glob(root + "/guest/raw/*.go")
	if err != nil {
		t.Fatal(err)
	}
	imported, elsewhere := make(map[string]string), make(map[string]string)
	types := make(map[string]string) // of the imported functions, by their name in Go
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			f, ok := d.(*ast.FuncDecl)
			switch {
			case !ok || f.Name.Name == "Address":
			case f.Body != nil:
				elsewhere[f.Name.Name] = goParams(t, f)
			default:
				imported[directive(t, f)] = wasmParams(goParams(t, f))
				types[f.Name.Name] = goParams(t, f)
			}
		}
	}
	same(t, "guest/raw", imported, hostFunctions(t))
	same(t, "guest/raw elsewhere", elsewhere, types)
}

// directive gives module and name of a go:wasmimport.
func directive(t *testing.T, f *ast.FuncDecl) string {
	t.Helper()
	for _, c := range f.Doc.List {
		if rest, ok := strings.CutPrefix(c.Text, "//go:wasmimport "); ok {
			return rest
		}
	}
	t.Fatalf("%s has no body and no go:wasmimport", f.Name.Name)
	return ""
}

// goParams gives a letter for each parameter: p for an address, i for a uint32, I for a uint64.
func goParams(t *testing.T, f *ast.FuncDecl) string {
	t.Helper()
	var letters strings.Builder
	for _, field := range f.Type.Params.List {
		letter := ""
		switch typ := field.Type.(type) {
		case *ast.SelectorExpr:
			letter = map[string]string{"Pointer": "p"}[typ.Sel.Name]
		case *ast.Ident:
			letter = map[string]string{"uint32": "i", "uint64": "I"}[typ.Name]
		}
		if letter == "" {
			t.Fatalf("%s has a parameter of type %v", f.Name.Name, field.Type)
		}
		letters.WriteString(strings.Repeat(letter, max(1, len(field.Names))))
	}
	return letters.String()
}

func wasmParams(params string) string { return strings.ReplaceAll(params, "p", "i") }

var (
	cModule   = regexp.MustCompile(`#define WASI_CRYPTO_IN "(\w+)"`)
	cFunction = regexp.MustCompile(`WASI_CRYPTO_IMPORT\((\w+)\)\s+wasi_crypto_errno_t\s+wasi_crypto_(\w+)\(([^)]*)\);`)
)

// TestCDeclaresWhatTheHostHas compares the header with the host.
func TestCDeclaresWhatTheHostHas(t *testing.T) {
	header, err := os.ReadFile(root + "/guest/c/wasi_crypto.h")
	if err != nil {
		t.Fatal(err)
	}
	have := make(map[string]string)
	modules := cModule.FindAllSubmatchIndex(header, -1)
	for i, m := range modules {
		end := len(header)
		if i+1 < len(modules) {
			end = modules[i+1][0]
		}
		module := string(header[m[2]:m[3]])
		for _, f := range cFunction.FindAllStringSubmatch(string(header[m[1]:end]), -1) {
			if f[1] != f[2] {
				t.Errorf("%s is declared as wasi_crypto_%s", f[1], f[2])
			}
			have[module+" "+f[1]] = cParams(f[3])
		}
	}
	same(t, "wasi_crypto.h", have, hostFunctions(t))
}

// cParams gives a letter for each parameter of a C declaration.
func cParams(list string) string {
	var letters strings.Builder
	for param := range strings.SplitSeq(list, ",") {
		words := strings.Fields(strings.ReplaceAll(param, "*", " * "))
		wide := slices.ContainsFunc(words, func(w string) bool {
			return w == "uint64_t" || w == "wasi_crypto_version_t" || w == "wasi_crypto_timestamp_t"
		})
		if wide && !slices.Contains(words, "*") {
			letters.WriteByte('I')
		} else {
			letters.WriteByte('i')
		}
	}
	return letters.String()
}
