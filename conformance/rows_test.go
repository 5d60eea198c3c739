package conformance_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero/api"

	"github.com/claviger/claviger"
	"github.com/claviger/claviger/conformance"
	"github.com/claviger/claviger/internal/algorithm"
)

var update = flag.Bool("update", false, "write ROWS.md")

// TestTheTableIsWhole holds that all rules, functions and imports are there once, and that each row says how it is tested.
func TestTheTableIsWhole(t *testing.T) {
	var want []string
	for _, run := range []struct {
		prefix string
		n      int
	}{{"", 95}, {"S", 6}, {"B", 8}, {"I", 86}} {
		for i := range run.n {
			want = append(want, fmt.Sprint(run.prefix, i+1))
		}
	}
	var got []string
	checks := map[string]bool{}
	for _, row := range conformance.Rows() {
		got = append(got, row.ID)
		if row.Rule == "" || row.Check == "" && row.Host == nil && row.Not == "" {
			t.Errorf("row %s: want a rule and how it is tested, got %+v", row.ID, row)
		}
		if row.Not != "" && (row.Check != "" || row.Host != nil) {
			t.Errorf("row %s is not applicable and tested", row.ID)
		}
		if row.Check != "" && checks[row.Check] {
			t.Errorf("row %s: the check %s is that of another row too", row.ID, row.Check)
		}
		checks[row.Check] = true
	}
	if !slices.Equal(got, want) {
		t.Errorf("want the rows %v\ngot %v", want, got)
	}
}

// TestHostTestsExist holds that every Go test that the table names is there.
func TestHostTestsExist(t *testing.T) {
	tests := map[string]map[string]bool{}
	for _, row := range conformance.Rows() {
		for _, name := range row.Host {
			dir, test, _ := strings.Cut(name, ".")
			if tests[dir] == nil {
				tests[dir] = testsOf(t, dir)
			}
			if !tests[dir][test] {
				t.Errorf("row %s: there is no test %s in %s", row.ID, test, dir)
			}
		}
	}
}

// testsOf gives the names of the tests of a directory of the module.
func testsOf(t *testing.T, dir string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", filepath.FromSlash(dir), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
				all[f.Name.Name] = true
			}
		}
	}
	return all
}

// TestWhatIsNotApplicable holds the reasons of rows 52 and 58: this host offers no tuple hash and no password hash.
func TestWhatIsNotApplicable(t *testing.T) {
	for _, name := range []string{"TupleHash128", "TupleHash256", "TupleHashXOF128", "TupleHashXOF256", "ARGON2-ID-13", "ARGON2ID", "SCRYPT",
		"BCRYPT", "PBKDF2"} {
		if _, ok := algorithm.LookupGuest(claviger.GuestSymmetric, name); ok {
			t.Errorf("%s is offered: its row applies", name)
		}
	}
}

// TestTheGuestImportsTheInterface holds that the guest imports all 86 functions with the types of the table, and but for WASI nothing else.
func TestTheGuestImportsTheInterface(t *testing.T) {
	m := guest(t).boot(t, nil)
	want, got := map[string]string{}, map[string]string{}
	for _, f := range conformance.Functions() {
		want[f.Module+"."+f.Name] = f.Params + " i"
	}
	if len(want) != 86 {
		t.Errorf("want 86 functions, got %d", len(want))
	}
	for _, f := range m.guest.ImportedFunctions() {
		if module, name, _ := f.Import(); module != "wasi_snapshot_preview1" {
			got[module+"."+name] = letters(f.ParamTypes()) + " " + letters(f.ResultTypes())
		}
	}
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s: want %s, the guest imports %q", name, want[name], got[name])
		}
	}
	for name := range got {
		if want[name] == "" {
			t.Errorf("the guest imports %s, which is not of the interface", name)
		}
	}
}

// letters writes types as the table does.
func letters(types []api.ValueType) string {
	var b strings.Builder
	for _, v := range types {
		switch v {
		case api.ValueTypeI32:
			b.WriteByte('i')
		case api.ValueTypeI64:
			b.WriteByte('I')
		default:
			b.WriteByte('?')
		}
	}
	return b.String()
}

// TestRowsDocument holds that ROWS.md is what the table says.
func TestRowsDocument(t *testing.T) {
	var b strings.Builder
	b.WriteString(`# The rows

Written from the table in this package by ` + "`go test ./conformance -run TestRowsDocument -update`" + `. A row is a promise of wasi-crypto. "guest" is a
check of the kit's guest, which any host can run; "host" is a test of Claviger, for what a guest cannot observe; other hosts have tests of their own
for that.
`)
	for _, chapter := range conformance.Chapters() {
		fmt.Fprintf(&b, "\n## %s\n\n| Row | Promise | Tested |\n|---|---|---|\n", chapter.Title)
		for _, row := range chapter.Rows {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", row.ID, row.Rule, tested(row))
		}
	}
	if *update {
		if err := os.WriteFile("ROWS.md", []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile("ROWS.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != b.String() {
		t.Error("ROWS.md is not what the table says; run go test ./conformance -run TestRowsDocument -update")
	}
}

// tested says how a row is tested.
func tested(row conformance.Row) string {
	var how []string
	if row.Check != "" {
		text := "guest: `" + row.Check + "`"
		if row.Managed {
			text += ", with a secrets manager"
		}
		how = append(how, text)
	}
	for _, name := range row.Host {
		how = append(how, "host: `"+name+"`")
	}
	if row.Not != "" {
		how = append(how, "not applicable: "+row.Not)
	}
	return strings.Join(how, "<br>")
}
