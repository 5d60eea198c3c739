package claviger_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/claviger/claviger"

// rooms is the import table: what each room may import of ours. Data flows one way, wire → session → policy →
// operation → provider with the store below, and rooms side by side never see each other. A room that is not listed
// may not exist; a room whose entry ends in "..." speaks for all below it.
var rooms = map[string][]string{
	"":                               {},
	"proto":                          {},
	"internal/secmem":                {""},
	"internal/kv":                    {""},
	"internal/kv/bolt":               {"", "internal/kv"},
	"internal/kv/mem":                {"internal/kv"},
	"internal/kv/kvtest":             {"internal/kv"},
	"internal/primitive/...":         {"internal/primitive/..."},
	"internal/sock":                  {},
	"internal/wire":                  {"", "proto"},
	"internal/link":                  {"", "proto", "internal/wire", "internal/sock"},
	"internal/link/...":              {"", "internal/wire", "internal/link", "internal/sock"},
	"internal/policy":                {""},
	"internal/pki/...":               {"", "internal/pki/..."},
	"internal/algorithm":             {"", "internal/primitive/..."},
	"internal/symmetric":             {"", "internal/algorithm", "internal/secmem", "internal/primitive/..."},
	"internal/provider":              {"", "internal/secmem"},
	"internal/provider/providertest": {"", "internal/secmem", "internal/provider", "internal/algorithm"},
	"internal/provider/delay":        {"", "internal/secmem", "internal/provider"},
	"internal/provider/worker":       {"", "internal/secmem", "internal/sock", "internal/provider", "internal/algorithm"},
	"internal/provider/worker/...":   {"internal/sock", "internal/provider", "internal/provider/worker"},
	"internal/provider/pkcs11":       {"", "internal/secmem", "internal/provider", "internal/provider/pkcs11/reference", "internal/algorithm", "internal/cryptoki"},
	"internal/provider/pkcs11/...":   {"", "internal/secmem", "internal/provider", "internal/algorithm"},
	"internal/cryptoki":              {"", "internal/secmem"},
	"internal/sandbox":               {""},
	"internal/provider/software":     {"", "internal/secmem", "internal/provider", "internal/algorithm", "internal/symmetric", "internal/primitive/..."},
	"internal/keeper":                {"", "internal/secmem", "internal/primitive/..."},
	"internal/store":                 {"", "internal/kv", "internal/secmem", "internal/primitive/..."},
	"internal/secrets":               {"", "internal/policy", "internal/store", "internal/secmem", "internal/primitive/..."},
	"internal/operation":             {"", "internal/policy", "internal/provider", "internal/algorithm", "internal/symmetric", "internal/store", "internal/secmem", "internal/pki/..."},
	"internal/session":               {"", "proto", "internal/policy", "internal/operation", "internal/provider", "internal/algorithm", "internal/secrets", "internal/secmem"},
	"internal/server":                {"", "proto", "internal/wire", "internal/sock", "internal/policy", "internal/provider", "internal/session", "internal/secmem"},
	"internal/server/servertest":     {"", "internal/..."},
	"internal/guestfs":               {},
	"internal/config":                {"", "internal/policy", "internal/session", "internal/server", "internal/algorithm", "internal/keeper", "internal/provider"},
	"internal/daemon":                {"", "proto", "internal/..."},
	"client":                         {"", "proto", "internal/wire", "internal/link"},
	"embedded":                       {"", "client", "internal/config", "internal/daemon"},
	"guest":                          {"guest/raw"},
	"guest/raw":                      {},
	"guest/signer":                   {"guest"},
	"guest/examples/...":             {"guest"},
	"wasicrypto":                     {"", "internal/algorithm", "internal/symmetric", "internal/secmem"},
	"internal/wasmtest":              {},
	"conformance":                    {},
	"conformance/guest":              {"conformance", "guest/raw"},
	"cmd/claviger":                   {"", "client", "embedded", "internal/config", "internal/daemon", "wasicrypto", "internal/algorithm", "internal/guestfs", "internal/secmem", "internal/pki/...", "internal/link/...", "internal/provider/...", "internal/provider", "internal/sandbox", "internal/cryptoki"},
	"test/...":                       {"", "client", "embedded", "proto", "internal/...", "test/..."},
}

// TestImportsFollowTheTable holds that no room imports what the table does not list. Test files may import more.
func TestImportsFollowTheTable(t *testing.T) {
	for dir, files := range packages(t) {
		allowed, ok := entry(dir)
		if !ok {
			t.Errorf("room %q is not in the import table", dir)
			continue
		}
		for _, file := range files {
			for _, imported := range importsOf(t, file) {
				if imported != dir && !permitted(allowed, imported) {
					t.Errorf("%s imports %q, which the table does not allow", file, imported)
				}
			}
		}
	}
}

// TestEveryRoomHasADocComment holds that a newcomer can ask each room what it is for.
func TestEveryRoomHasADocComment(t *testing.T) {
	for dir, files := range packages(t) {
		documented := slices.ContainsFunc(files, func(file string) bool {
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.PackageClauseOnly|parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			return f.Doc != nil && len(strings.Fields(f.Doc.Text())) >= 8
		})
		if !documented {
			t.Errorf("room %q has no doc comment that says what it is for", dir)
		}
	}
}

// TestNoRoomHasInit holds that the graph is built by hand in one place.
func TestNoRoomHasInit(t *testing.T) {
	for _, files := range packages(t) {
		for _, file := range files {
			if strings.HasSuffix(file, ".pb.go") {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), "\nfunc init()") {
				t.Errorf("%s has an init function", file)
			}
		}
	}
}

// packages maps each directory with Go files, relative to the module, to its non-test files.
func packages(t *testing.T) map[string][]string {
	t.Helper()
	found := make(map[string][]string)
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata"):
			return filepath.SkipDir
		case !d.IsDir() && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
			dir := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(path)), ".")
			found[dir] = append(found[dir], path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func importsOf(t *testing.T, file string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var ours []string
	for _, spec := range f.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		if path == module {
			ours = append(ours, "")
		} else if rest, ok := strings.CutPrefix(path, module+"/"); ok {
			ours = append(ours, rest)
		}
	}
	return ours
}

func entry(dir string) ([]string, bool) {
	if allowed, ok := rooms[dir]; ok {
		return allowed, true
	}
	for pattern, allowed := range rooms {
		if matches(pattern, dir) {
			return allowed, true
		}
	}
	return nil, false
}

func permitted(allowed []string, dir string) bool {
	return slices.ContainsFunc(allowed, func(pattern string) bool { return pattern == dir || matches(pattern, dir) })
}

// matches reports whether dir is at or below a pattern that ends in "/...".
func matches(pattern, dir string) bool {
	base, ok := strings.CutSuffix(pattern, "/...")
	return ok && (dir == base || strings.HasPrefix(dir, base+"/"))
}
